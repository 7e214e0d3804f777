//! Pages and senders: joining, leaving, states, and the directory that senders see.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use wormhole_protocol::{
    AccountModels, CLOSE_REPLACED, Directory, Failure, FailureCode, FromHub, ModelInfo, PageState, PeerId,
    Posted, Role, Status, TurnId,
};

use super::{Core, Gone, Joining, Note, PageNote, PeerKey, Serial, pace::Pace, timers::Timer};
use crate::outbox::Outbox;

/// A joined page.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) peer: PeerId,
    pub(super) outbox: Arc<Outbox>,
    pub(super) site: String,
    pub(super) account: String,
    pub(super) capacity: u32,
    pub(super) gap: Duration,
    pub(super) state: PageState,
    pub(super) detail: String,
    pub(super) models: Vec<ModelInfo>,
    /// The turns that have a place here, those that are being stopped among them.
    pub(super) running: Vec<Serial>,
    pub(super) pace: Pace,
}

impl Page {
    /// It would take a turn, its pace left aside.
    pub(super) fn has_place(&self) -> bool {
        self.state == PageState::Ready && self.running.len() < self.capacity as usize
    }

    pub(super) fn offers(&self, model: &str) -> bool {
        self.models.iter().any(|offered| offered.name == model)
    }

    fn note(&self) -> PageNote {
        PageNote {
            site: self.site.clone(),
            account: self.account.clone(),
            state: self.state,
            detail: self.detail.clone(),
        }
    }
}

/// A joined sender.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) peer: PeerId,
    pub(super) outbox: Arc<Outbox>,
}

impl Core {
    pub(super) fn admit(&mut self, key: PeerKey, joining: Joining, now: Instant) {
        let Joining { peer, name, version, page, welcome, outbox } = joining;
        outbox.push(welcome);
        if self.closed {
            outbox.close(wormhole_protocol::CLOSE_GOING_AWAY, "the hub is going down");
        }
        let Some(hello) = page else {
            let directory = self.directory();
            if self.told.as_ref() != Some(&directory) {
                // A change is on its way to the others; should it be undone before, this one must hear of that.
                self.told = None;
            }
            outbox.push_shared(directory);
            self.notes.push(Note::Joined {
                peer: peer.clone(),
                role: Role::Sender,
                name,
                version,
                page: None,
            });
            self.senders.insert(key, Seat { peer, outbox });
            return;
        };
        self.replace(&hello.site, &hello.account, now);
        let kept = self.away.remove(&(hello.site.clone(), hello.account.clone())).unwrap_or_default();
        let page = Page {
            peer: peer.clone(),
            outbox,
            site: hello.site,
            account: hello.account,
            capacity: hello.capacity,
            gap: Duration::from_millis(hello.gap_ms),
            state: hello.state,
            detail: hello.detail,
            models: hello.models,
            running: Vec::new(),
            pace: kept,
        };
        self.notes.push(Note::Joined { peer, role: Role::Page, name, version, page: Some(page.note()) });
        self.pages.insert(key, page);
        self.pages_changed(now);
    }

    /// A newer connection speaks for this account: the older one has to go.
    fn replace(&mut self, site: &str, account: &str, now: Instant) {
        let old = self.pages.iter().find(|(_, page)| page.site == site && page.account == account);
        if let Some(old) = old.map(|(key, _)| *key) {
            self.lose_page(old, Gone::Replaced, Some("a newer connection speaks for this account"), now);
        }
    }

    /// Takes a page out. Turns that it was never sent go back to the queue; the others end here, for only their callers
    /// may decide to post them again.
    pub(super) fn lose_page(&mut self, key: PeerKey, reason: Gone, replaced: Option<&str>, now: Instant) {
        let Some(page) = self.pages.remove(&key) else { return };
        if let Some(why) = replaced {
            page.outbox.close(CLOSE_REPLACED, why);
        }
        let unsent = page.outbox.unsent();
        self.notes.push(Note::Left { peer: page.peer, role: Role::Page, reason, state: Some(page.state) });
        self.away.retain(|_, pace| pace.free_at(now).is_some());
        if page.pace.free_at(now).is_some() {
            self.away.insert((page.site, page.account), page.pace);
        }
        // Backwards, so that those who go to the front of the queue keep their order.
        for serial in page.running.into_iter().rev() {
            self.lose_turn(serial, &unsent, now);
        }
        self.forgets_lost(key);
        self.pages_changed(now);
    }

    fn lose_turn(&mut self, serial: Serial, unsent: &[TurnId], now: Instant) {
        let Some(turn) = self.turns.get(&serial) else { return };
        let never_sent = unsent.contains(&turn.id);
        let stopping = turn.is_stopping();
        let posted = if never_sent { Posted::No } else { turn.posted() };
        if turn.told {
            self.remove(serial);
        } else if stopping {
            self.fail(serial, Failure::new(FailureCode::Cancelled, posted, "the turn was cancelled"), now);
        } else if never_sent {
            self.take_back(serial);
            self.requeue(serial, None, now);
        } else {
            let message = "the page was lost with the turn in it";
            self.fail(serial, Failure::new(FailureCode::PageLost, posted, message), now);
        }
    }

    pub(super) fn lose_sender(&mut self, key: PeerKey, reason: Gone, now: Instant) {
        let Some(seat) = self.senders.remove(&key) else { return };
        self.notes.push(Note::Left { peer: seat.peer, role: Role::Sender, reason, state: None });
        let mut turns: Vec<Serial> =
            self.turns.iter().filter(|(_, turn)| turn.sender == key).map(|(serial, _)| *serial).collect();
        turns.sort_unstable();
        for serial in turns {
            self.stop(serial, Some((FailureCode::Cancelled, "the sender has left")), now);
        }
    }

    pub(super) fn status(&mut self, key: PeerKey, status: Status, now: Instant) {
        let Some(page) = self.pages.get_mut(&key) else { return };
        let Status { state, detail, models, capacity } = status;
        let from = std::mem::replace(&mut page.state, state);
        page.detail = detail;
        if let Some(models) = models {
            page.models = models;
        }
        if let Some(capacity) = capacity {
            page.capacity = capacity;
        }
        if from != state {
            let note = Note::State { peer: page.peer.clone(), from, page: page.note() };
            self.notes.push(note);
        }
        self.pages_changed(now);
    }

    /// What waits may have to be judged anew, and senders are to be told.
    fn pages_changed(&mut self, now: Instant) {
        self.judge_waiting(now);
        self.unsettled = true;
        if !self.timers.is_set(Timer::Directory) {
            self.timers.set(Timer::Directory, Some(now + self.rules.directory_delay));
        }
    }

    pub(super) fn tell_directory(&mut self) {
        let directory = self.directory();
        if self.told.as_ref() == Some(&directory) {
            return;
        }
        self.told = Some(Arc::clone(&directory));
        for seat in self.senders.values() {
            seat.outbox.push_shared(Arc::clone(&directory));
        }
    }

    fn directory(&self) -> Arc<FromHub> {
        let mut accounts: Vec<_> = self
            .pages
            .values()
            .map(|page| AccountModels {
                site: page.site.clone(),
                account: page.account.clone(),
                state: page.state,
                detail: page.detail.clone(),
                models: page.models.clone(),
            })
            .collect();
        accounts.sort_by(|a, b| (&a.site, &a.account).cmp(&(&b.site, &b.account)));
        Arc::new(FromHub::Directory(Directory { accounts }))
    }
}
