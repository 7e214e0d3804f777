//! What the tab's handles and its task share: the document that is installed, who waits for what, and what is yet
//! to be told to the page.

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use chromiumoxide::cdp::js_protocol::runtime::{EventBindingCalled, ExecutionContextId};
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use wormhole_protocol::{PageFrame, PageFrameKind};

use super::command::{Action, Command};
use super::slots::{Slots, Waiter};
use super::{TabError, TabEvent};
use crate::chrome::wear::Used;
use crate::inject;
use crate::page_port::{Line, NoSocket, PagePortMetrics};

/// A document with our script in it.
#[derive(Debug, Clone)]
pub(crate) struct Document {
    /// The script's own random name for it: the ids of contexts are used again after a crash.
    pub(crate) nonce: String,
    pub(crate) way: Way,
}

/// How a document is spoken to: as it greeted.
#[derive(Debug, Clone)]
pub(crate) enum Way {
    /// By calls into the script's context; it answers through the binding.
    Binding(ExecutionContextId),
    /// By its WebSocket to the page port, both ways.
    Socket(Line),
}

struct State {
    document: Result<Document, TabError>,
    generation: u64,
    /// The document that is about to greet by its WebSocket; it counts in `generation` already.
    dialling: Option<String>,
    slots: Slots,
    /// For the document that is installed: bounded by the slots, as each has a few commands at most.
    outbox: Vec<Command>,
    page: Option<chromiumoxide::Page>,
    /// When that page was opened.
    opened: Instant,
    /// Bytes of its heaps, as it last said.
    heap: u64,
    last_good: Option<String>,
}

/// See the module. The lock is held for a few lines at a time, and never across an `await`.
pub(crate) struct Shared {
    state: Mutex<State>,
    events: watch::Sender<TabEvent>,
    /// Something is in the outbox.
    pub(crate) outbox: Notify,
    /// The tab is to be replaced.
    pub(crate) renew: Notify,
    origins: Vec<String>,
    /// What is counted of the page port, where the script is to come by it.
    sockets: OnceLock<PagePortMetrics>,
}

impl Shared {
    pub(crate) fn new(origins: Vec<String>) -> Self {
        let reason = TabError::ContextLost;
        let state = State {
            document: Err(reason.clone()),
            generation: 0,
            dialling: None,
            slots: Slots::default(),
            outbox: Vec::new(),
            page: None,
            opened: Instant::now(),
            heap: 0,
            last_good: None,
        };
        let events = watch::Sender::new(TabEvent::Lost { reason });
        let (outbox, renew, sockets) = (Notify::new(), Notify::new(), OnceLock::new());
        Self { state: Mutex::new(state), events, outbox, renew, origins, sockets }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn events(&self) -> watch::Receiver<TabEvent> {
        self.events.subscribe()
    }

    pub(crate) fn is_ours(&self, origin: &str) -> bool {
        self.origins.iter().any(|ours| ours == origin)
    }

    /// The script is told to come by the page port.
    pub(crate) fn reach_by_socket(&self, metrics: PagePortMetrics) {
        // Once in the life of a browser.
        drop(self.sockets.set(metrics));
    }

    /// The script is to come by the page port.
    pub(crate) fn is_by_socket(&self) -> bool {
        self.sockets.get().is_some()
    }

    pub(crate) fn generation(&self) -> u64 {
        self.state().generation
    }

    pub(crate) fn set_page(&self, page: chromiumoxide::Page) {
        let mut state = self.state();
        // A tab that is attended for the first time was set when it was opened.
        if state.page.as_ref().is_none_or(|old| old.target_id() != page.target_id()) {
            (state.opened, state.heap) = (Instant::now(), 0);
        }
        state.page = Some(page);
    }

    pub(crate) fn set_heap(&self, bytes: u64) {
        self.state().heap = bytes;
    }

    /// How much memory the page uses, and for how long its tab has been open.
    pub(crate) fn used(&self) -> Used {
        let state = self.state();
        Used { memory: state.heap, age: state.opened.elapsed() }
    }

    /// The page to navigate, whatever is in it.
    pub(crate) fn page(&self) -> Result<chromiumoxide::Page, TabError> {
        let state = self.state();
        match (&state.page, &state.document) {
            (_, Err(TabError::BrowserGone)) | (None, _) => Err(TabError::BrowserGone),
            (Some(page), _) => Ok(page.clone()),
        }
    }

    /// Where to go back to after a crash.
    pub(crate) fn last_good(&self) -> Option<String> {
        self.state().last_good.clone()
    }

    /// Tells the page to do something, and says who waits for it.
    pub(crate) fn begin(self: &Arc<Self>, action: Action, waiter: Waiter) -> Result<Open, TabError> {
        let mut state = self.state();
        state.document.as_ref().map_err(Clone::clone)?;
        let id = state.slots.open(waiter)?;
        state.outbox.push(Command { id, action });
        drop(state);
        self.outbox.notify_one();
        Ok(Open { shared: Arc::clone(self), id })
    }

    /// What is to be told, to which document; none when there is nothing.
    pub(crate) fn take_outbox(&self) -> Option<(Document, Vec<Command>)> {
        let mut state = self.state();
        let document = state.document.as_ref().ok()?.clone();
        if state.outbox.is_empty() {
            return None;
        }
        Some((document, mem::take(&mut state.outbox)))
    }

    pub(crate) fn document(&self) -> Option<(Document, u64)> {
        let state = self.state();
        state.document.as_ref().ok().map(|document| (document.clone(), state.generation))
    }

    pub(crate) fn fail(&self, ids: &[u64], error: &TabError) {
        let mut state = self.state();
        for id in ids {
            state.slots.fail(*id, error.clone());
        }
    }

    /// Takes what the script says through the binding.
    pub(crate) fn hear(&self, call: &EventBindingCalled) {
        if call.name != inject::BINDING {
            return;
        }
        self.hear_frames(&call.payload, &Way::Binding(call.execution_context_id));
    }

    /// Takes what the script says, whichever way it came.
    pub(crate) fn hear_frames(&self, frames: &str, way: &Way) {
        let bytes = frames.len();
        let frames: Vec<PageFrame> = match serde_json::from_str(frames) {
            Ok(frames) => frames,
            Err(error) => {
                // Not the message itself: it may be a part of an answer.
                tracing::warn!(%error, bytes, "the page script says what nobody understands");
                return;
            }
        };
        for frame in frames {
            match frame.kind {
                PageFrameKind::Hello { version, origin, path } => {
                    let document = Document { nonce: frame.doc, way: way.clone() };
                    self.install(document, version, origin, path);
                }
                PageFrameKind::Dialling => self.dialling(frame.doc),
                PageFrameKind::NoSocket { reason } => {
                    self.no_socket(&frame.doc, NoSocket::from_word(&reason));
                }
                _ => self.hand_on(frame),
            }
        }
    }

    /// A new document is there, and will greet by its WebSocket. A document before that was slower is not waited for
    /// any more, as a navigation that began meanwhile would take its greeting for its own.
    fn dialling(&self, nonce: String) {
        if !self.is_by_socket() {
            return;
        }
        let mut state = self.state();
        Self::lose_in(&mut state, &self.events, TabError::ContextLost);
        state.generation += 1;
        state.dialling = Some(nonce);
    }

    /// The script of a document has no socket to speak through, and has ended.
    fn no_socket(&self, nonce: &str, reason: NoSocket) {
        let Some(metrics) = self.sockets.get() else { return };
        metrics.no_socket(reason);
        let error = reason.error();
        tracing::warn!(reason = reason.label(), %error, "the page has no WebSocket");
        let mut state = self.state();
        // Another one is installed by now: the message of one that was left came late.
        let is_another = |known: &str| known != nonce;
        if state.dialling.as_deref().is_some_and(is_another)
            || state.document.as_ref().is_ok_and(|document| is_another(&document.nonce))
        {
            return;
        }
        state.dialling = None;
        state.slots.fail_all(&error);
        state.outbox.clear();
        state.document = Err(error.clone());
        // Said for each document, even if the one before had said the same: somebody waits for this one.
        self.events.send_replace(TabEvent::Lost { reason: error });
    }

    fn hand_on(&self, frame: PageFrame) {
        let mut state = self.state();
        // What an older document still had to say.
        if !state.document.as_ref().is_ok_and(|document| document.nonce == frame.doc) {
            return;
        }
        if !state.slots.hear(frame.id, frame.seq, frame.kind) {
            tracing::warn!("the page script breaks the protocol, aborting the request");
            state.outbox.push(Command { id: frame.id, action: Action::Abort });
            self.outbox.notify_one();
        }
    }

    fn install(&self, document: Document, version: u32, origin: String, path: String) {
        if !self.is_ours(&origin) {
            tracing::warn!(origin, "the script greets from an origin that is not the site's");
            return;
        }
        if version != inject::VERSION {
            let reason = format!("it speaks version {version}, the bridge {}", inject::VERSION);
            tracing::error!(version, "the page script does not fit this bridge");
            self.lose(TabError::Script(reason));
            return;
        }
        let mut state = self.state();
        match state.dialling.take_if(|dialling| *dialling == document.nonce) {
            Some(_) => {}
            // By the binding it is there now, whatever was to come.
            None if state.dialling.is_some() && matches!(document.way, Way::Socket(_)) => return,
            None => state.generation += 1,
        }
        // Everything that ran in the document before is over, and ended without a word.
        state.slots.fail_all(&TabError::ContextLost);
        state.outbox.clear();
        state.document = Ok(document);
        state.last_good = Some(format!("{origin}{path}"));
        tracing::debug!(origin, generation = state.generation, "the page script is installed");
        let generation = state.generation;
        self.events.send_replace(TabEvent::Installed { origin, path, generation });
    }

    /// The document is gone: everybody who waits for something in it is told why.
    pub(crate) fn lose(&self, reason: TabError) {
        Self::lose_in(&mut self.state(), &self.events, reason);
    }

    /// The same, if that document is still the one that is installed, or if none is.
    pub(crate) fn lose_document(&self, generation: u64, reason: TabError) {
        let mut state = self.state();
        if state.generation == generation {
            Self::lose_in(&mut state, &self.events, reason);
        }
    }

    /// The same, by the document's own name.
    pub(crate) fn lose_named(&self, nonce: &str, reason: TabError) {
        let mut state = self.state();
        if state.document.as_ref().is_ok_and(|document| document.nonce == nonce) {
            Self::lose_in(&mut state, &self.events, reason);
        }
    }

    fn lose_in(state: &mut State, events: &watch::Sender<TabEvent>, reason: TabError) {
        // Nothing comes after the browser's end; and "it was left" says less than any other reason, whichever of the
        // events came first.
        let says_less = |old: &TabError| {
            *old == reason || *old == TabError::BrowserGone || reason == TabError::ContextLost
        };
        if state.document.as_ref().is_err_and(says_less) {
            return;
        }
        tracing::debug!(reason = reason.label(), "the page script is lost");
        state.slots.fail_all(&reason);
        state.outbox.clear();
        state.document = Err(reason.clone());
        events.send_replace(TabEvent::Lost { reason });
    }
}

/// A command that is waited for. Dropping it before its end aborts it in the page.
pub(crate) struct Open {
    shared: Arc<Shared>,
    id: u64,
}

impl Open {
    /// Tells the script more of this command, such as that it may send more chunks.
    pub(crate) fn tell(&self, action: Action) {
        let mut state = self.shared.state();
        if state.slots.is_open(self.id) {
            state.outbox.push(Command { id: self.id, action });
            drop(state);
            self.shared.outbox.notify_one();
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        if state.slots.close(self.id) {
            state.outbox.push(Command { id: self.id, action: Action::Abort });
            drop(state);
            self.shared.outbox.notify_one();
        }
    }
}
