//! What is remembered between requests: one small trait, kept in memory or in one file that survives a restart.
//!
//! Everything is filed under a scope, which is one API key: no key ever reads what another stored. What is here saves
//! work; losing it costs efficiency, never correctness. It belongs to one process.

mod disk;
mod memory;
mod responses;

use std::fmt::Debug;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::sync::Notify;
use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tracing::warn;

pub(crate) use disk::DiskStore;
pub(crate) use memory::MemoryStore;
pub(crate) use responses::KeptResponses;

/// Kinds of things, kept apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Shelf {
    /// Which conversation holds which beginning.
    Prefixes,
    /// Conversations on a site that this program made.
    Conversations,
    /// Answers that clients refer to by id.
    Responses,
}

impl Shelf {
    const ALL: [Self; 3] = [Self::Prefixes, Self::Conversations, Self::Responses];

    /// Its place in keys; part of the file's format.
    fn number(self) -> u8 {
        match self {
            Self::Prefixes => 1,
            Self::Conversations => 2,
            Self::Responses => 3,
        }
    }
}

/// A time, in milliseconds since 1970.
pub(crate) type Stamp = u64;

/// Now.
pub(crate) fn now() -> Stamp {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, millis)
}

/// As a difference of stamps.
pub(crate) fn millis(duration: Duration) -> Stamp {
    Stamp::try_from(duration.as_millis()).unwrap_or(Stamp::MAX)
}

/// How much is kept, and how long. What is over is thrown away, oldest first.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Since it was last put.
    pub age: Duration,
    /// Of all keys and values together.
    pub bytes: u64,
}

/// A thing on a shelf.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kept {
    /// Whose it is.
    pub scope: String,
    /// Its name.
    pub id: String,
    /// What it is.
    pub value: Vec<u8>,
}

/// The store did not do it. There is nothing that a caller could do but go on without.
#[derive(Debug, thiserror::Error)]
#[error("the store failed: {0}")]
pub(crate) struct StoreError(String);

/// A place to keep things. A get, a put or a remove is short, but for a put that finds too much waiting for the disk.
/// All else may take as long as a disk takes.
pub(crate) trait Store: Debug + Send + Sync {
    /// What was put under this name and is not too old.
    fn get(&self, kind: Shelf, scope: &str, id: &str) -> Result<Option<Vec<u8>>, StoreError>;

    /// Puts it in the place of what was there. What is over the bounds is thrown away, at the next flush at the latest.
    fn put(&self, kind: Shelf, scope: &str, id: &str, value: &[u8]) -> Result<(), StoreError>;

    /// Throws it away. Whether it was there.
    fn remove(&self, kind: Shelf, scope: &str, id: &str) -> Result<bool, StoreError>;

    /// What was last put before `before`, oldest first, at most `most` of it.
    fn older(&self, kind: Shelf, before: Stamp, most: usize) -> Result<Vec<Kept>, StoreError>;

    /// Makes what was put so far survive a crash.
    fn flush(&self) -> Result<(), StoreError>;

    /// A flush that also throws away what is too old.
    fn tidy(&self) -> Result<(), StoreError>;

    /// Notified when so much waits for a flush that it should come at once.
    fn presses(&self) -> Arc<Notify>;
}

/// How often what was put is made durable.
const FLUSH: Duration = Duration::from_secs(1);

/// How often what is too old is thrown away.
const TIDY: Duration = Duration::from_mins(10);

/// Keeps a store durable and tidy, and makes it durable once more at the end.
pub(crate) async fn keep_store(store: Arc<dyn Store>, stop: CancellationToken) {
    let mut ticks = interval(FLUSH);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (presses, mut tidied) = (store.presses(), None::<Instant>);
    loop {
        let due = async {
            tokio::select! { _ = ticks.tick() => {} () = presses.notified() => {} }
        };
        let goes_on = stop.run_until_cancelled(due).await.is_some();
        let is_untidy = tidied.is_none_or(|at| at.elapsed() >= TIDY);
        if is_untidy {
            tidied = Some(Instant::now());
        }
        let store = store.clone();
        let kept = spawn_blocking(move || if is_untidy { store.tidy() } else { store.flush() });
        if let Ok(Err(error)) = kept.await {
            warn!(%error, "what was remembered is not durable");
        }
        if !goes_on {
            return;
        }
    }
}

/// Where time comes from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock(pub fn() -> Stamp);

/// The name of a thing. A scope is the name of a key, which holds no zero byte.
fn key(kind: Shelf, scope: &str, id: &str) -> String {
    format!("{}\0{scope}\0{id}", kind.number())
}

/// The reverse of [`key`].
fn scope_and_id(key: &str) -> Option<(&str, &str)> {
    let (_, rest) = key.split_once('\0')?;
    rest.split_once('\0')
}

#[cfg(test)]
pub(crate) mod tests;
