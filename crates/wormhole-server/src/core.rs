//! The hub's state machine: who has joined, which turns wait, which run where.
//!
//! It is pure: time comes in as an argument, frames go out into the peers' outboxes, and what is to be logged or counted
//! is handed to the shell as [`Note`]s. It does no I/O, reads no clock and waits for nothing.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::{Duration, Instant},
};

use wormhole_protocol::{CLOSE_GOING_AWAY, FromHub, FromPeer, PageHello, PeerId, ProtocolError, TurnId};

use crate::outbox::Outbox;

mod forget;
mod hold;
mod note;
mod pace;
mod queue;
mod registry;
mod replies;
mod route;
#[cfg(test)]
mod tests;
mod timers;
mod turn;
mod turns;

pub(crate) use note::{Gone, Note, PageNote, Stale};

use self::{
    forget::Forgets,
    pace::{MeanDuration, Pace},
    queue::FairQueue,
    registry::{Page, Seat},
    timers::{Timer, Timers},
    turn::Turn,
};

/// A turn's waiting place is told to its sender at most this often.
const NOTICE_GAP: Duration = Duration::from_secs(1);

/// What the core goes by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// Turns that may wait, over all callers; one more is refused with `queue_full`.
    pub queue_limit: usize,
    /// How often one turn is given out at most, when pages say that they did not post it.
    pub max_attempts: u32,
    /// How long a turn waits for a page to join that could take it.
    pub no_page_wait: Duration,
    /// How long a turn is held while every page that could take it needs a person; its own deadline may come first.
    pub person_wait: Duration,
    /// How long a page may take to end a turn that it was told to stop.
    pub cancel_grace: Duration,
    /// How long a page may take to remove a conversation.
    pub forget_wait: Duration,
    /// An account's rest when its site names a rate limit but no time.
    pub rest_default: Duration,
    /// The longest rest that a turn waits for; over it the turn fails with `rate_limited`.
    pub rest_wait: Duration,
    /// For how long a page that did not post a turn is not given the same turn again.
    pub retry_pause: Duration,
    /// Changes of the directory within this time are told to senders together.
    pub directory_delay: Duration,
    /// The most text one reply may hold, in bytes.
    pub max_reply_bytes: u64,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            queue_limit: 256,
            max_attempts: 3,
            no_page_wait: Duration::from_secs(20),
            person_wait: Duration::from_mins(1),
            cancel_grace: Duration::from_secs(10),
            forget_wait: Duration::from_secs(30),
            rest_default: Duration::from_secs(30),
            rest_wait: Duration::from_secs(30),
            retry_pause: Duration::from_millis(500),
            directory_delay: Duration::from_millis(50),
            max_reply_bytes: wormhole_protocol::MAX_REPLY_BYTES as u64,
        }
    }
}

/// One connection, for as long as the process lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct PeerKey(u64);

/// One turn, for as long as the process lives. Also their order of arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Serial(u64);

/// Who joins.
#[derive(Debug)]
pub(crate) struct Joining {
    pub(crate) peer: PeerId,
    pub(crate) name: String,
    pub(crate) version: String,
    /// What it speaks for; a sender if missing.
    pub(crate) page: Option<PageHello>,
    pub(crate) welcome: FromHub,
    pub(crate) outbox: Arc<Outbox>,
}

/// The state machine.
#[derive(Debug)]
pub(crate) struct Core {
    rules: Rules,
    pages: BTreeMap<PeerKey, Page>,
    senders: BTreeMap<PeerKey, Seat>,
    /// Paces of accounts whose page is away, by site and account.
    away: HashMap<(String, String), Pace>,
    turns: HashMap<Serial, Turn>,
    by_id: HashMap<TurnId, Serial>,
    queue: FairQueue,
    forgets: Forgets,
    /// What senders were last told of the pages.
    told: Option<Arc<FromHub>>,
    timers: Timers,
    mean: MeanDuration,
    notes: Vec<Note>,
    next_key: u64,
    /// Turns whose senders wait for an end.
    open: usize,
    /// A waiting turn may have got a place.
    unsettled: bool,
    draining: bool,
    closed: bool,
}

impl Core {
    pub(crate) fn new(rules: Rules) -> Self {
        Self {
            rules,
            pages: BTreeMap::new(),
            senders: BTreeMap::new(),
            away: HashMap::new(),
            turns: HashMap::new(),
            by_id: HashMap::new(),
            queue: FairQueue::default(),
            forgets: Forgets::default(),
            told: None,
            timers: Timers::default(),
            mean: MeanDuration::default(),
            notes: Vec::new(),
            next_key: 0,
            open: 0,
            unsettled: false,
            draining: false,
            closed: false,
        }
    }

    // === inputs ===

    /// A peer has said `hello`, and everything about it is right.
    pub(crate) fn join(&mut self, joining: Joining, now: Instant) -> PeerKey {
        let key = PeerKey(self.fresh());
        self.admit(key, joining, now);
        self.settle(now);
        key
    }

    /// A connection is gone. Unknown peers (replaced, drained) are ignored.
    pub(crate) fn leave(&mut self, peer: PeerKey, reason: Gone, now: Instant) {
        if self.pages.contains_key(&peer) {
            self.lose_page(peer, reason, None, now);
        } else {
            self.lose_sender(peer, reason, now);
        }
        self.settle(now);
    }

    /// A peer sent a frame.
    pub(crate) fn frame(&mut self, peer: PeerKey, frame: FromPeer, now: Instant) {
        let is_page = self.pages.contains_key(&peer);
        if !is_page && !self.senders.contains_key(&peer) {
            return;
        }
        match frame {
            FromPeer::Event(event) if is_page => self.event(peer, event, now),
            FromPeer::Status(status) if is_page => self.status(peer, status, now),
            FromPeer::Forgotten { account, conversation } if is_page => {
                self.forget_ended(peer, account, conversation, None);
            }
            FromPeer::ForgetFailed { account, conversation, failure } if is_page => {
                self.forget_ended(peer, account, conversation, Some(failure));
            }
            FromPeer::Submit(submit) if !is_page => self.submit(peer, *submit, now),
            FromPeer::Cancel { turn } if !is_page => self.cancel(peer, &turn, now),
            FromPeer::Forget { account, conversation } if !is_page => {
                self.forget(peer, account, conversation, now);
            }
            FromPeer::Error(ProtocolError { message, .. }) => self.refused_by(peer, message),
            FromPeer::Hello(_) => self.complain(peer, "hello was said already"),
            _ if is_page => self.complain(peer, "this frame is not for a page to send"),
            _ => self.complain(peer, "this frame is not for a sender to send"),
        }
        self.settle(now);
    }

    /// Time has passed.
    pub(crate) fn tick(&mut self, now: Instant) {
        while let Some(timer) = self.timers.pop(now) {
            match timer {
                Timer::Turn(turn) => self.overdue(turn, now),
                Timer::Patience(turn) => self.judge(turn, now),
                Timer::Pace => self.unsettled = true,
                Timer::Notices => self.notify(now),
                Timer::Directory => self.tell_directory(),
                Timer::Forget(id) => self.forget_overdue(id),
            }
        }
        self.settle(now);
    }

    /// Takes nothing new from here on; once no turn runs, every peer is closed.
    pub(crate) fn drain(&mut self, now: Instant) {
        self.draining = true;
        self.fail_waiting(now);
        self.settle(now);
    }

    /// Closes every peer, whatever runs.
    pub(crate) fn close(&mut self) {
        self.closed = true;
        for outbox in self.outboxes() {
            outbox.close(CLOSE_GOING_AWAY, "the hub is going down");
        }
    }

    // === what the shell asks ===

    /// When [`Core::tick`] is to be called next.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.timers.next()
    }

    /// What is to be logged and counted since this was last called.
    pub(crate) fn take_notes(&mut self) -> Vec<Note> {
        std::mem::take(&mut self.notes)
    }

    /// Turns that wait, and turns that have a place.
    pub(crate) fn load(&self) -> (usize, usize) {
        (self.queue.len(), self.turns.len() - self.queue.len())
    }

    /// Every peer was closed after a drain.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed
    }

    // === within ===

    /// After each input: gives out what can be given out, and finishes a drain.
    fn settle(&mut self, now: Instant) {
        if std::mem::take(&mut self.unsettled) {
            self.dispatch(now);
        }
        if self.queue.take_changed() && !self.queue.is_empty() && !self.timers.is_set(Timer::Notices) {
            self.timers.set(Timer::Notices, Some(now + NOTICE_GAP));
        }
        if self.draining && !self.closed && self.open == 0 {
            self.close();
        }
    }

    fn fresh(&mut self) -> u64 {
        self.next_key += 1;
        self.next_key
    }

    fn outboxes(&self) -> impl Iterator<Item = &Arc<Outbox>> {
        let pages = self.pages.values().map(|page| &page.outbox);
        pages.chain(self.senders.values().map(|seat| &seat.outbox))
    }

    fn outbox(&self, peer: PeerKey) -> Option<&Arc<Outbox>> {
        let page = self.pages.get(&peer).map(|page| &page.outbox);
        page.or_else(|| self.senders.get(&peer).map(|seat| &seat.outbox))
    }

    /// Tells a peer that its frame makes no sense.
    fn complain(&self, peer: PeerKey, message: &str) {
        if let Some(outbox) = self.outbox(peer) {
            outbox.push(FromHub::Error(protocol_error(message)));
        }
    }

    fn refused_by(&mut self, peer: PeerKey, message: String) {
        let page = self.pages.get(&peer).map(|page| &page.peer);
        if let Some(id) = page.or_else(|| self.senders.get(&peer).map(|seat| &seat.peer)) {
            self.notes.push(Note::Refused { peer: id.clone(), message });
        }
    }
}

/// The answer to a frame that cannot be understood.
pub(crate) fn protocol_error(message: impl Into<String>) -> ProtocolError {
    ProtocolError { code: wormhole_protocol::FailureCode::Protocol, message: message.into() }
}
