//! What passes between the bridge and one document, in order and once, over as many sockets as it takes.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use axum::extract::ws::Utf8Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::chrome::devtools::COMMAND;
use crate::tab::{Command, Shared, TabError, Way};

/// Batches of commands that the page has not taken yet. Each caller waits for its own to be taken, so there are never
/// more than a few; one more than this is refused.
const MOST_KEPT: usize = 64;

/// A document's connection. Cloning shares it.
#[derive(Clone)]
pub(crate) struct Line {
    inner: Arc<Inner>,
}

struct Inner {
    doc: String,
    state: watch::Sender<State>,
}

#[derive(Default)]
struct State {
    /// The number of the socket that carries it; none between two.
    socket: Option<u64>,
    /// Messages of the page that were heard.
    heard: u64,
    /// Batches of commands that the page has taken.
    taken: u64,
    /// Those it has not, the oldest first.
    kept: VecDeque<Utf8Bytes>,
    over: bool,
}

impl State {
    /// The page says so; it cannot have taken what was never told.
    fn take_up_to(&mut self, taken: u64) -> bool {
        let more = usize::try_from(taken.saturating_sub(self.taken)).unwrap_or(usize::MAX);
        let more = more.min(self.kept.len());
        self.kept.drain(..more);
        self.taken += more as u64;
        more > 0
    }
}

/// Commands, as the page reads them.
#[derive(Serialize)]
struct Batch<'a> {
    heard: u64,
    commands: &'a [Command],
}

/// Frames, as the page writes them.
#[derive(Deserialize)]
struct Said<'a> {
    heard: u64,
    #[serde(borrow)]
    frames: &'a RawValue,
}

/// Why a message was not heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unheard {
    /// Another socket carries the line by now.
    Replaced,
    /// Nobody understands it.
    Malformed,
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line").field("doc", &self.inner.doc).finish_non_exhaustive()
    }
}

impl Line {
    pub(super) fn new(doc: String) -> Self {
        Self { inner: Arc::new(Inner { doc, state: watch::Sender::default() }) }
    }

    pub(super) fn doc(&self) -> &str {
        &self.inner.doc
    }

    /// It is this document's, and not given up.
    pub(super) fn is_of(&self, doc: &str) -> bool {
        self.inner.doc == doc && !self.inner.state.borrow().over
    }

    pub(super) fn is_carried(&self) -> bool {
        let state = self.inner.state.borrow();
        state.socket.is_some() && !state.over
    }

    /// From now on this socket carries it, and no other; how many of its messages are known.
    pub(super) fn carry(&self, socket: u64, taken: u64) -> u64 {
        let mut heard = 0;
        self.inner.state.send_modify(|state| {
            state.socket = Some(socket);
            state.take_up_to(taken);
            heard = state.heard;
        });
        heard
    }

    /// The socket has broken.
    pub(super) fn drop_socket(&self, socket: u64) {
        self.inner.state.send_if_modified(|state| {
            let is_ours = state.socket == Some(socket);
            if is_ours {
                state.socket = None;
            }
            is_ours
        });
    }

    /// Waits until a socket carries it again.
    pub(super) async fn carried_again(&self) {
        // The sender is ours, so the channel is open.
        let _ = self.inner.state.subscribe().wait_for(|state| state.socket.is_some()).await;
    }

    /// The document is gone, or given up.
    pub(super) fn end(&self) {
        self.inner.state.send_modify(|state| {
            state.over = true;
            state.socket = None;
            state.kept.clear();
        });
    }

    /// Tells the page these commands, and waits until it has taken them; an empty list asks whether it is there.
    pub(crate) async fn tell(&self, commands: &[Command]) -> Result<(), TabError> {
        let mut news = self.inner.state.subscribe();
        let batch = Batch { heard: news.borrow().heard, commands };
        let text = serde_json::to_string(&batch).map_err(|error| TabError::Script(error.to_string()))?;
        let mut number = None;
        self.inner.state.send_modify(|state| {
            if !state.over && state.kept.len() < MOST_KEPT {
                state.kept.push_back(text.into());
                number = Some(state.taken + state.kept.len() as u64);
            }
        });
        let number = number.ok_or(TabError::ContextLost)?;
        let taken = news.wait_for(|state| state.over || state.taken >= number);
        match timeout(COMMAND, taken).await {
            Ok(Ok(state)) if state.taken >= number => Ok(()),
            Ok(_) => Err(TabError::ContextLost),
            Err(_) => Err(TabError::Timeout("the page to take a command")),
        }
    }

    /// The next batch for a socket that has been given so many; none when it no longer carries the line.
    pub(super) async fn next(&self, socket: u64, given: u64) -> Option<Utf8Bytes> {
        let mut news = self.inner.state.subscribe();
        let ready =
            |state: &State| state.socket != Some(socket) || state.taken + state.kept.len() as u64 > given;
        let state = news.wait_for(ready).await.ok()?;
        let next = usize::try_from(given.checked_sub(state.taken)?).ok()?;
        if state.socket == Some(socket) { state.kept.get(next).cloned() } else { None }
    }

    /// Takes what the page says by this socket. Handed on under the lock, so that what two sockets bring keeps its order.
    pub(super) fn hear(&self, socket: u64, message: &str, shared: &Shared) -> Result<(), Unheard> {
        let said: Said<'_> = serde_json::from_str(message).map_err(|_| Unheard::Malformed)?;
        let mut heard = Err(Unheard::Replaced);
        self.inner.state.send_if_modified(|state| {
            if state.socket != Some(socket) {
                return false;
            }
            heard = Ok(());
            state.heard += 1;
            shared.hear_frames(said.frames.get(), &Way::Socket(self.clone()));
            state.take_up_to(said.heard)
        });
        heard
    }
}
