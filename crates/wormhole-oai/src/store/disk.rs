//! Kept in one file, by redb.
//!
//! A put waits in memory, where reads see it, until `flush` writes all that waits in one transaction and makes it
//! durable: a task does that every second, on a thread that may block, and at the end. No request waits for the disk.
//! A crash in between loses that second, which costs efficiency only.

mod file;
mod tables;
mod waiting;

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redb::Database;
use tokio::sync::Notify;
use tracing::warn;
use wormhole_runtime::ConfigError;

use super::{Bounds, Clock, Kept, Shelf, Stamp, Store, StoreError, key, millis, now};
use file::VARIABLE;
use tables::Excess;
use waiting::{Change, Waiting};

/// With so many bytes waiting the flush is called for before its time, so that memory stays small under load.
const MANY_WAITING: u64 = 256 << 10;

/// The most bytes that wait. A put beyond them writes all that waits, and so waits for the disk itself.
const MOST_WAITING: u64 = 1 << 20;

/// The store that survives a restart.
#[derive(Debug)]
pub(crate) struct DiskStore {
    database: Database,
    bounds: Bounds,
    clock: Clock,
    /// Never locked while the disk works.
    waiting: Mutex<Waiting>,
    /// Locked by whoever writes.
    writer: Mutex<()>,
    presses: Arc<Notify>,
}

impl DiskStore {
    /// Opens or makes the file in `folder`, which is made as well. Both are for this user only.
    ///
    /// # Errors
    /// The folder cannot be written, or another process has the file.
    pub(crate) fn open(folder: &Path, bounds: Bounds) -> Result<Self, ConfigError> {
        Self::with_clock(folder, bounds, Clock(now))
    }

    /// With a time of its own.
    pub(super) fn with_clock(folder: &Path, bounds: Bounds, clock: Clock) -> Result<Self, ConfigError> {
        let (database, path) = file::open(folder)?;
        let (waiting, writer, presses) = <(Mutex<Waiting>, Mutex<()>, Arc<Notify>)>::default();
        let store = Self { database, bounds, clock, waiting, writer, presses };
        store
            .write(None)
            .map_err(|error| ConfigError::new(VARIABLE, format!("{}: {error}", path.display())))?;
        Ok(store)
    }

    fn change(&self, kind: Shelf, key: String, value: Option<Vec<u8>>) -> Result<(), StoreError> {
        let is_full = || self.waiting().bytes() >= MOST_WAITING;
        if is_full() {
            let writer = self.writer();
            // Whoever had the writer before may have made room.
            if is_full() {
                self.write_as(&writer, None)?;
            }
        }
        let mut waiting = self.waiting();
        let before = waiting.bytes();
        waiting.add(key, Change { kind: kind.number(), stamp: (self.clock.0)(), value });
        // Once: where writing fails it is tried again at the usual time.
        if before < MANY_WAITING && waiting.bytes() >= MANY_WAITING {
            self.presses.notify_one();
        }
        Ok(())
    }

    /// Writes all that waits, and throws away what is over the size, or older than `before`.
    fn write(&self, before: Option<Stamp>) -> Result<(), StoreError> {
        self.write_as(&self.writer(), before)
    }

    fn write_as(&self, _writer: &MutexGuard<'_, ()>, before: Option<Stamp>) -> Result<(), StoreError> {
        let changes = self.waiting().begin();
        let excess = Excess { bytes: self.bounds.bytes, before };
        let written = tables::write(&self.database, &changes, excess);
        drop(changes);
        match written {
            Ok(()) => self.waiting().written(),
            Err(_) => self.waiting().not_written(),
        }
        written.map_err(failed)
    }

    fn oldest_kept(&self) -> Stamp {
        (self.clock.0)().saturating_sub(millis(self.bounds.age))
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn writer(&self) -> MutexGuard<'_, ()> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for DiskStore {
    fn get(&self, kind: Shelf, scope: &str, id: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let (key, oldest) = (key(kind, scope, id), self.oldest_kept());
        if let Some(change) = self.waiting().find(&key) {
            return Ok(change.value.clone().filter(|_| change.stamp >= oldest));
        }
        let found = tables::get(&self.database, &key).map_err(failed)?;
        Ok(found.and_then(|(stamp, value)| (stamp >= oldest).then_some(value)))
    }

    fn put(&self, kind: Shelf, scope: &str, id: &str, value: &[u8]) -> Result<(), StoreError> {
        self.change(kind, key(kind, scope, id), Some(value.to_vec()))
    }

    fn remove(&self, kind: Shelf, scope: &str, id: &str) -> Result<bool, StoreError> {
        let key = key(kind, scope, id);
        let waits = self.waiting().find(&key).map(|change| change.value.is_some());
        let was_there = match waits {
            Some(is_put) => is_put,
            None => tables::get(&self.database, &key).map_err(failed)?.is_some(),
        };
        if was_there {
            self.change(kind, key, None)?;
        }
        Ok(was_there)
    }

    fn older(&self, kind: Shelf, before: Stamp, most: usize) -> Result<Vec<Kept>, StoreError> {
        self.flush()?;
        tables::older(&self.database, kind, before, most).map_err(failed)
    }

    fn flush(&self) -> Result<(), StoreError> {
        let writer = self.writer();
        if self.waiting().is_empty() { Ok(()) } else { self.write_as(&writer, None) }
    }

    fn tidy(&self) -> Result<(), StoreError> {
        self.write(Some(self.oldest_kept()))
    }

    fn presses(&self) -> Arc<Notify> {
        self.presses.clone()
    }
}

impl Drop for DiskStore {
    fn drop(&mut self) {
        if let Err(error) = self.flush() {
            warn!(%error, "what was remembered last is lost");
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the form that map_err wants")]
fn failed(error: redb::Error) -> StoreError {
    StoreError(error.to_string())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const BOUNDS: Bounds = Bounds { age: Duration::from_hours(1), bytes: 64 << 20 };

    fn value(store: &DiskStore, id: &str) -> Option<Vec<u8>> {
        store.get(Shelf::Prefixes, "a", id).unwrap()
    }

    fn in_file(store: &DiskStore, id: &str) -> bool {
        tables::get(&store.database, &key(Shelf::Prefixes, "a", id)).unwrap().is_some()
    }

    #[test]
    fn no_request_waits_for_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        let store = DiskStore::open(folder.path(), BOUNDS).unwrap();
        store.put(Shelf::Prefixes, "a", "old", b"1").unwrap();
        store.flush().unwrap();
        // As while a flush waits for a disk that hangs. What needed the writer would not come back.
        let writer = store.writer();
        store.put(Shelf::Prefixes, "a", "new", b"2").unwrap();
        assert!(store.remove(Shelf::Prefixes, "a", "old").unwrap());
        assert_eq!((value(&store, "old"), value(&store, "new")), (None, Some(b"2".to_vec())));
        assert_eq!((in_file(&store, "old"), in_file(&store, "new")), (true, false));
        drop(writer);
        store.flush().unwrap();
        assert_eq!((in_file(&store, "old"), in_file(&store, "new")), (false, true));
        assert_eq!((value(&store, "old"), value(&store, "new")), (None, Some(b"2".to_vec())));
    }

    #[test]
    fn what_waits_is_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let store = DiskStore::open(folder.path(), BOUNDS).unwrap();
        let half = vec![0; usize::try_from(MOST_WAITING / 2).unwrap()];
        for id in ["1", "2", "3"] {
            store.put(Shelf::Prefixes, "a", id, &half).unwrap();
        }
        assert_eq!(["1", "2", "3"].map(|id| in_file(&store, id)), [true, true, false]);
        assert!(["1", "2", "3"].iter().all(|id| value(&store, id).is_some()));
    }

    #[test]
    fn a_removal_survives_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        for expected in [false, true, false] {
            let store = DiskStore::open(folder.path(), BOUNDS).unwrap();
            assert_eq!(store.remove(Shelf::Prefixes, "a", "x").unwrap(), expected);
            if !expected {
                store.put(Shelf::Prefixes, "a", "x", b"1").unwrap();
            }
        }
    }
}
