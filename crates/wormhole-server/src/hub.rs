//! The core behind its lock: each input is one short section, after which notes are logged and counted.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use tokio::{sync::Notify, time};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};
use wormhole_protocol::{FromHub, FromPeer, PROTOCOL_VERSION, PageHello, PeerId, Role, Welcome};

use crate::{
    config::Config,
    core::{Core, Gone, Joining, Note, PeerKey},
    metrics::{Metrics, word},
    outbox::Outbox,
};

/// The hub that every connection shares.
#[derive(Debug)]
pub(crate) struct Hub {
    pub(crate) config: Config,
    pub(crate) metrics: Metrics,
    locked: Mutex<Locked>,
    /// Something is due earlier than the ticker knows.
    earlier: Notify,
    /// Every peer was closed: nothing more will happen.
    closed: CancellationToken,
}

#[derive(Debug)]
struct Locked {
    core: Core,
    /// When the ticker will wake.
    armed: Option<Instant>,
}

/// A peer as it introduced itself.
#[derive(Debug)]
pub(crate) struct Introduced {
    pub(crate) role: Role,
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) page: Option<PageHello>,
}

/// A joined peer.
#[derive(Debug)]
pub(crate) struct Joined {
    pub(crate) key: PeerKey,
    pub(crate) outbox: Arc<Outbox>,
}

impl Hub {
    pub(crate) fn new(config: Config, metrics: Metrics) -> Self {
        let core = Core::new(config.rules.clone());
        Self {
            config,
            metrics,
            locked: Mutex::new(Locked { core, armed: None }),
            earlier: Notify::new(),
            closed: CancellationToken::new(),
        }
    }

    pub(crate) fn join(&self, peer: PeerId, introduced: Introduced) -> Joined {
        let outbox = Arc::new(Outbox::new(self.config.outbox_bytes));
        let limits = self.config.limits();
        let Introduced { name, version, page, role: _ } = introduced;
        let welcome = FromHub::Welcome(Welcome { protocol: PROTOCOL_VERSION, peer: peer.clone(), limits });
        let joining = Joining { peer, name, version, page, welcome, outbox: Arc::clone(&outbox) };
        Joined { key: self.with(|core, now| core.join(joining, now)), outbox }
    }

    pub(crate) fn leave(&self, peer: PeerKey, reason: Gone) {
        self.with(|core, now| core.leave(peer, reason, now));
    }

    pub(crate) fn frame(&self, peer: PeerKey, frame: FromPeer) {
        self.with(|core, now| core.frame(peer, frame, now));
    }

    /// Sleeps until the core has something to do, until everything is closed.
    pub(crate) async fn tick(self: Arc<Self>, hard: CancellationToken) {
        loop {
            let due = {
                let mut locked = self.lock();
                locked.armed = locked.core.next_due();
                locked.armed
            };
            tokio::select! {
                () = until(due) => self.with(Core::tick),
                () = self.earlier.notified() => {}
                () = self.closed.cancelled() => return,
                () = hard.cancelled() => return,
            }
        }
    }

    /// Waits for the drain, then for the running turns or for hard, and closes every peer.
    pub(crate) async fn drain(self: Arc<Self>, soft: CancellationToken, hard: CancellationToken) {
        soft.cancelled().await;
        self.with(Core::drain);
        tokio::select! {
            () = self.closed.cancelled() => {}
            () = hard.cancelled() => self.with(|core, _| core.close()),
        }
    }

    /// One input.
    fn with<T>(&self, input: impl FnOnce(&mut Core, Instant) -> T) -> T {
        let (output, notes, earlier, closed) = {
            let mut locked = self.lock();
            let Locked { core, armed } = &mut *locked;
            let output = input(core, time::Instant::now().into_std());
            let due = core.next_due();
            let earlier = due.is_some_and(|due| armed.is_none_or(|armed| due < armed));
            if earlier {
                *armed = due;
            }
            self.metrics.load(core.load());
            (output, core.take_notes(), earlier, core.is_closed())
        };
        if earlier {
            self.earlier.notify_one();
        }
        if closed {
            self.closed.cancel();
        }
        for note in &notes {
            self.metrics.note(note);
            log(note);
        }
        output
    }

    fn lock(&self) -> MutexGuard<'_, Locked> {
        // A defect that panics in one input ends that connection; the others go on with what the core has.
        self.locked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => time::sleep_until(due.into()).await,
        None => std::future::pending().await,
    }
}

fn log(note: &Note) {
    match note {
        Note::Joined { peer, role, name, version, page } => {
            let (role, page) = (word(*role), page.as_ref());
            info!(
                peer.id = %peer, role, peer.name = name, peer.version = version,
                site = page.map(|page| &*page.site), account = page.map(|page| &*page.account),
                state = page.map(|page| page.state.as_str()), "peer joined",
            );
        }
        Note::Left { peer, role, reason, .. } => {
            info!(peer.id = %peer, role = word(*role), reason = reason.as_str(), "peer left");
        }
        Note::State { peer, from, page } if page.state.needs_person() => {
            warn!(
                peer.id = %peer, site = page.site, account = page.account, %from, to = %page.state,
                detail = page.detail, "page needs a person",
            );
        }
        Note::State { peer, from, page } => {
            info!(
                peer.id = %peer, site = page.site, account = page.account, %from, to = %page.state,
                detail = page.detail, "page changed its state",
            );
        }
        Note::Posted { turn, trace, attempt, page, waited } => {
            let waited_ms = waited.as_millis();
            debug!(turn.id = %turn, trace, attempt, peer.id = %page, waited_ms, "turn given to a page");
        }
        Note::Requeued { turn, trace, attempt, code } => {
            let code = code.map(wormhole_protocol::FailureCode::as_str);
            info!(turn.id = %turn, trace, attempt, code, "turn was not posted and waits again");
        }
        Note::Ended { turn, trace, code, attempt, took, bytes } => {
            let (outcome, duration_ms) = (outcome(*code), took.as_millis());
            info!(turn.id = %turn, trace, outcome, attempt, duration_ms, bytes, "turn ended");
        }
        Note::Stale { turn, reason } => {
            debug!(turn.id = %turn, reason = reason.as_str(), "stale event dropped");
        }
        Note::Merged => {}
        Note::Rests { peer, rest } => {
            warn!(peer.id = %peer, rest_ms = rest.as_millis(), "the site asks for a rest");
        }
        Note::Overstayed { turn, page } => {
            warn!(turn.id = %turn, peer.id = %page, "the page did not stop the turn in time; its place is free");
        }
        Note::Refused { peer, message } => {
            warn!(peer.id = %peer, message, "the peer could not read a frame of ours");
        }
    }
}

/// The word for a turn's end in logs and metrics.
pub(crate) fn outcome(code: Option<wormhole_protocol::FailureCode>) -> &'static str {
    code.map_or("done", wormhole_protocol::FailureCode::as_str)
}
