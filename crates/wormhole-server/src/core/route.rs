//! Which page takes which turn.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use wormhole_protocol::{Failure, FailureCode};

use super::{
    Core, NOTICE_GAP, Note, PeerKey, Serial,
    registry::Page,
    timers::Timer,
    turn::{Phase, Turn},
};

impl Core {
    /// Gives out every waiting turn that has a place.
    pub(super) fn dispatch(&mut self, now: Instant) {
        let mut wake: Option<Instant> = None;
        while !self.queue.is_empty() && self.pages.values().any(Page::has_place) {
            let Self { queue, turns, pages, .. } = &mut *self;
            let picked = queue.pick(|serial| place_for(pages, turns.get(&serial)?, now, &mut wake));
            let Some((serial, page)) = picked else { break };
            self.post(serial, page, now);
        }
        self.timers.set(Timer::Pace, wake);
    }

    /// Hands a turn to a page's outbox.
    fn post(&mut self, serial: Serial, key: PeerKey, now: Instant) {
        let (Some(turn), Some(page)) = (self.turns.get_mut(&serial), self.pages.get_mut(&key)) else {
            return;
        };
        let Some(order) = turn.next_order(now) else { return };
        turn.phase = Phase::Running { page: key, since: now, accepted: false, stopping: false };
        turn.no_page_since = None;
        turn.held_since = None;
        turn.avoid = None;
        page.running.push(serial);
        page.pace.posted(now, page.gap);
        page.outbox.push_shared(order);
        self.notes.push(Note::Posted {
            turn: turn.id.clone(),
            trace: turn.trace.clone(),
            attempt: turn.attempt,
            page: page.peer.clone(),
            waited: now.saturating_duration_since(turn.submitted),
        });
        self.timers.set(Timer::Patience(serial), None);
    }

    /// Puts a turn back that was certainly not posted: its caller's next, unless waiting is in vain.
    pub(super) fn requeue(&mut self, serial: Serial, failure: Option<&Failure>, now: Instant) {
        let Some(turn) = self.turns.get_mut(&serial) else { return };
        let Phase::Running { page, .. } = turn.phase else { return };
        turn.phase = Phase::Waiting;
        turn.notice = None;
        if failure.is_some() {
            turn.avoid = Some((page, now + self.rules.retry_pause));
        }
        self.notes.push(Note::Requeued {
            turn: turn.id.clone(),
            trace: turn.trace.clone(),
            attempt: turn.attempt,
            code: failure.map(|failure| failure.code),
        });
        self.queue.push_front(&turn.caller, serial);
        self.free_place(page, serial);
        self.unsettled = true;
        if self.draining {
            self.fail_waiting(now);
        } else {
            self.judge(serial, now);
        }
    }

    /// An attempt that its page never saw does not count.
    pub(super) fn take_back(&mut self, serial: Serial) {
        if let Some(turn) = self.turns.get_mut(&serial) {
            turn.attempt = turn.attempt.saturating_sub(1);
        }
    }

    /// Tells senders how many turns are before theirs, where that has changed.
    pub(super) fn notify(&mut self, now: Instant) {
        let places: Vec<(Serial, u32)> = self.queue.places().collect();
        let mut again: Option<Instant> = None;
        for (serial, ahead) in places {
            let notice = self.turns.get(&serial).and_then(|turn| turn.notice);
            match notice {
                Some((told, _)) if told == ahead => {}
                Some((_, at)) if at + NOTICE_GAP > now => again = Some(earlier(again, at + NOTICE_GAP)),
                _ => self.tell_queued(serial, ahead, now),
            }
        }
        self.timers.set(Timer::Notices, again);
    }
}

/// A page with a free place for this turn: the one with the smallest share of its places taken, then the one that was
/// idle longest. `wake` gets the time when a page's pace would allow it.
fn place_for(
    pages: &BTreeMap<PeerKey, Page>,
    turn: &Turn,
    now: Instant,
    wake: &mut Option<Instant>,
) -> Option<PeerKey> {
    let load = |page: &Page| page.running.len() as u64 * 1_000_000 / u64::from(page.capacity.max(1));
    pages
        .iter()
        .filter(|(_, page)| page.has_place() && suits(page, turn) && page.offers(&turn.model))
        .filter(|(key, page)| {
            let avoided = turn.avoid.filter(|(avoided, until)| avoided == *key && *until > now);
            let free_at = page.pace.free_at(now).max(avoided.map(|(_, until)| until));
            if let Some(at) = free_at {
                *wake = Some(earlier(*wake, at));
            }
            free_at.is_none()
        })
        .min_by_key(|(_, page)| (load(page), page.pace.last()))
        .map(|(key, _)| *key)
}

/// The page is where the turn may go.
pub(super) fn suits(page: &Page, turn: &Turn) -> bool {
    turn.site.as_ref().is_none_or(|site| *site == page.site)
        && turn.account.as_ref().is_none_or(|account| *account == page.account)
}

fn earlier(a: Option<Instant>, b: Instant) -> Instant {
    a.map_or(b, |a| a.min(b))
}

/// What a failure says about how long the account is to rest.
pub(super) fn rest_of(failure: &Failure, default: Duration) -> Option<Duration> {
    (failure.code == FailureCode::RateLimited)
        .then(|| failure.retry_after_ms.map_or(default, Duration::from_millis))
}
