//! Who may in: the pages of the browser that runs, one document at a time.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::SecretString;
use serde::Deserialize;
use wormhole_runtime::{CancellationToken, same_token};

use super::line::Line;
use super::metrics::{Entry, PagePortMetrics};
use crate::tab::Shared;

/// The page port as a browser and its pages know it. Cloning shares it.
#[derive(Clone)]
pub struct PageDoor {
    inner: Arc<Inner>,
}

struct Inner {
    url: String,
    metrics: PagePortMetrics,
    visit: Mutex<Option<Visit>>,
    /// Numbers sockets.
    sockets: AtomicU64,
}

/// The browser whose pages may in.
struct Visit {
    token: SecretString,
    /// Cancelled when the browser is gone.
    ended: CancellationToken,
    shared: Option<Arc<Shared>>,
    line: Option<Line>,
}

/// The first message of a page. It has no `Debug`: it holds the token.
#[derive(Deserialize)]
pub(super) struct Join {
    token: String,
    doc: String,
    /// Batches of commands that it has taken.
    taken: u64,
}

/// A document that is in.
pub(super) struct Joined {
    pub(super) line: Line,
    /// The number of the socket.
    pub(super) socket: u64,
    pub(super) shared: Arc<Shared>,
    pub(super) ended: CancellationToken,
    /// How many of its messages are known; none of a document that is new.
    pub(super) heard: Option<u64>,
    /// Batches of commands that it has.
    pub(super) taken: u64,
}

impl fmt::Debug for PageDoor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PageDoor").field("url", &self.inner.url).finish_non_exhaustive()
    }
}

impl PageDoor {
    pub(super) fn new(url: String, metrics: PagePortMetrics) -> Self {
        let inner = Inner { url, metrics, visit: Mutex::default(), sockets: AtomicU64::new(0) };
        Self { inner: Arc::new(inner) }
    }

    /// Lets a new browser's pages in, and nobody else's: each browser has a token of its own.
    pub(crate) fn pass(&self) -> Pass {
        let bits: [u8; 32] = rand::random();
        let token = SecretString::from(URL_SAFE_NO_PAD.encode(bits));
        let ended = CancellationToken::new();
        let visit = Visit { token: token.clone(), ended: ended.clone(), shared: None, line: None };
        if let Some(before) = self.visit().replace(visit) {
            before.ended.cancel();
        }
        Pass { door: self.clone(), token, ended }
    }

    /// A page of this origin may ask.
    pub(super) fn is_for(&self, origin: &str) -> bool {
        let visit = self.visit();
        visit.as_ref().and_then(|visit| visit.shared.as_ref()).is_some_and(|shared| shared.is_ours(origin))
    }

    pub(super) fn count(&self, entry: Entry) {
        self.inner.metrics.entry(entry);
        match entry {
            Entry::Joined | Entry::Resumed => {}
            _ => tracing::warn!(reason = entry.label(), "a WebSocket of a page is refused"),
        }
    }

    /// Lets a document in, or says why not.
    pub(super) fn join(&self, join: Join) -> Result<Joined, Entry> {
        let mut visit = self.visit();
        let visit = visit.as_mut().ok_or(Entry::Token)?;
        if !same_token(&join.token, &visit.token) {
            return Err(Entry::Token);
        }
        let shared = visit.shared.clone().ok_or(Entry::Token)?;
        let socket = self.inner.sockets.fetch_add(1, Ordering::Relaxed);
        let (line, heard, taken) = match &visit.line {
            Some(line) if line.is_of(&join.doc) => {
                (line.clone(), Some(line.carry(socket, join.taken)), join.taken)
            }
            // The document before may not have heard yet that it is left: the next one asks again.
            Some(line) if line.is_carried() => return Err(Entry::Busy),
            _ => {
                let line = Line::new(join.doc);
                line.carry(socket, 0);
                visit.line = Some(line.clone());
                (line, None, 0)
            }
        };
        self.count(if heard.is_some() { Entry::Resumed } else { Entry::Joined });
        Ok(Joined { line, socket, shared, ended: visit.ended.clone(), heard, taken })
    }

    fn visit(&self) -> MutexGuard<'_, Option<Visit>> {
        self.inner.visit.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One browser's right to the door; dropping it ends every socket of its pages.
pub(crate) struct Pass {
    door: PageDoor,
    token: SecretString,
    ended: CancellationToken,
}

impl Pass {
    /// What the page dials.
    pub(crate) fn url(&self) -> &str {
        &self.door.inner.url
    }

    /// What the page says there. It goes into our own world of the page and nowhere else.
    pub(crate) fn token(&self) -> &SecretString {
        &self.token
    }

    /// Whose pages they are. Nobody is let in before.
    pub(crate) fn lead_to(&self, shared: &Arc<Shared>) {
        shared.reach_by_socket(self.door.inner.metrics.clone());
        if let Some(visit) = self.door.visit().as_mut().filter(|_| !self.ended.is_cancelled()) {
            visit.shared = Some(Arc::clone(shared));
        }
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        // Another browser's is not ours to take.
        if !self.ended.is_cancelled() {
            *self.door.visit() = None;
            self.ended.cancel();
        }
    }
}
