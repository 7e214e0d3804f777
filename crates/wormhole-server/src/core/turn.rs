//! One turn: who wants it, where it is, how far its reply has come.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use wormhole_protocol::{FromHub, Post, Posted, Submit, TurnId};

use super::PeerKey;
use crate::outbox::Put;

/// No turn lives longer, whatever its sender says.
const MAX_DEADLINE: Duration = Duration::from_hours(24);

/// A turn that the hub knows.
#[derive(Debug)]
pub(super) struct Turn {
    pub(super) id: TurnId,
    pub(super) sender: PeerKey,
    pub(super) caller: String,
    pub(super) model: String,
    pub(super) site: Option<String>,
    pub(super) account: Option<String>,
    pub(super) trace: Option<String>,
    pub(super) submitted: Instant,
    pub(super) deadline: Instant,
    /// The post, until the site has taken it: from then on it is never given out again.
    order: Option<Arc<FromHub>>,
    /// Counts from 1 once it was given out.
    pub(super) attempt: u32,
    pub(super) phase: Phase,
    /// The sender has been told the end. Such a turn only holds its place until the page says its own end.
    pub(super) told: bool,
    /// What was last said in `queued`, and when.
    pub(super) notice: Option<(u32, Instant)>,
    /// Since when no page could take it.
    pub(super) no_page_since: Option<Instant>,
    /// Since when it has been held for a person, pauses in which a page helped itself included.
    pub(super) held_since: Option<Instant>,
    /// Not on this page until then: it has just failed there.
    pub(super) avoid: Option<(PeerKey, Instant)>,
    pub(super) reply: Reply,
}

/// Where a turn is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// In the queue.
    Waiting,
    /// It has a place on a page.
    Running {
        page: PeerKey,
        since: Instant,
        /// The site has it.
        accepted: bool,
        /// The page was told to stop it.
        stopping: bool,
    },
}

/// How far an attempt's reply has come.
#[derive(Debug, Default)]
pub(super) struct Reply {
    /// The number that the page's next event must have.
    pub(super) next_in: u64,
    /// The number that the next event to the sender gets.
    pub(super) next_out: u64,
    /// The number under which the last event waits in the sender's outbox, if it still does.
    pub(super) last: Option<u64>,
    /// Bytes of text and reasoning.
    pub(super) bytes: u64,
    /// An event is missing: what is forwarded ends here, and the reply cannot be whole.
    pub(super) gapped: bool,
}

impl Turn {
    pub(super) fn is_stopping(&self) -> bool {
        matches!(self.phase, Phase::Running { stopping: true, .. })
    }

    /// What is known about its posting, were its page to be gone now.
    pub(super) fn posted(&self) -> Posted {
        match self.phase {
            Phase::Waiting => Posted::No,
            Phase::Running { accepted: true, .. } => Posted::Yes,
            Phase::Running { accepted: false, .. } => Posted::Unknown,
        }
    }

    /// The site has it: the text is not needed any more.
    pub(super) fn set_accepted(&mut self) {
        if let Phase::Running { accepted, .. } = &mut self.phase {
            *accepted = true;
        }
        self.order = None;
    }

    /// The order for the next attempt. Its text is moved along, not copied.
    pub(super) fn next_order(&mut self, now: Instant) -> Option<Arc<FromHub>> {
        self.attempt += 1;
        self.reply = Reply::default();
        let left = self.deadline.saturating_duration_since(now);
        let order = self.order.as_mut()?;
        if let FromHub::Post(post) = Arc::make_mut(order) {
            post.attempt = self.attempt;
            post.deadline_ms = millis(left);
        }
        Some(Arc::clone(order))
    }

    pub(super) fn new(sender: PeerKey, submit: Submit, now: Instant) -> Self {
        let Submit { turn, caller, model, site, account, conversation, text, images, deadline_ms, trace } =
            submit;
        let deadline = now + Duration::from_millis(deadline_ms).min(MAX_DEADLINE);
        let post = Post {
            turn: turn.clone(),
            attempt: 0,
            model: model.clone(),
            conversation,
            text,
            images,
            deadline_ms,
            trace: trace.clone(),
        };
        Self {
            id: turn,
            sender,
            caller,
            model,
            site,
            account,
            trace,
            submitted: now,
            deadline,
            order: Some(Arc::new(FromHub::Post(Box::new(post)))),
            attempt: 0,
            phase: Phase::Waiting,
            told: false,
            notice: None,
            no_page_since: None,
            held_since: None,
            avoid: None,
            reply: Reply::default(),
        }
    }
}

impl Reply {
    /// Notes how a step went into the sender's outbox; true if it was joined to one that waits.
    pub(super) fn sent(&mut self, put: Put) -> bool {
        if let Put::New(number) = put {
            self.last = Some(number);
            self.next_out += 1;
        }
        put == Put::Joined
    }
}

/// A duration as the wire has it.
pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
