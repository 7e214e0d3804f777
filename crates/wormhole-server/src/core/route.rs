//! Which page takes which turn, and when a turn waits for nothing.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use wormhole_protocol::{Failure, FailureCode, PageState, Posted};

use super::{
    Core, NOTICE_GAP, Note, PeerKey, Serial,
    registry::Page,
    timers::Timer,
    turn::{Phase, Turn, millis},
};

/// What a waiting turn has to expect.
enum Outlook {
    /// A page will take it, or may yet.
    Wait,
    /// No page that could take it has joined.
    NoPage,
    /// Waiting is in vain.
    Fail(Failure),
}

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
        self.timers.set(Timer::NoPage(serial), None);
    }

    /// Something has changed for every waiting turn.
    pub(super) fn judge_waiting(&mut self, now: Instant) {
        for serial in self.queue.turns() {
            self.judge(serial, now);
        }
    }

    /// Ends a waiting turn that has nothing to wait for.
    pub(super) fn judge(&mut self, serial: Serial, now: Instant) {
        let Some(turn) = self.turns.get(&serial).filter(|turn| turn.phase == Phase::Waiting) else { return };
        let outlook = self.outlook(turn, now);
        let since = turn.no_page_since.unwrap_or(now);
        let until = since + self.rules.no_page_wait;
        match outlook {
            Outlook::Wait => self.wait_for_page(serial, None),
            Outlook::NoPage if until <= now => {
                let message = no_page_message(turn);
                self.fail(serial, Failure::not_posted(FailureCode::NoPage, message), now);
            }
            Outlook::NoPage => self.wait_for_page(serial, Some((since, until))),
            Outlook::Fail(failure) => self.fail(serial, failure, now),
        }
    }

    fn wait_for_page(&mut self, serial: Serial, times: Option<(Instant, Instant)>) {
        if let Some(turn) = self.turns.get_mut(&serial) {
            turn.no_page_since = times.map(|(since, _)| since);
            self.timers.set(Timer::NoPage(serial), times.map(|(_, until)| until));
        }
    }

    fn outlook(&self, turn: &Turn, now: Instant) -> Outlook {
        let eligible =
            || self.pages.values().filter(|page| page.state != PageState::Draining && suits(page, turn));
        if eligible().next().is_none() {
            return Outlook::NoPage;
        }
        let knows = || eligible().filter(|page| page.offers(&turn.model));
        if knows().next().is_none() {
            if eligible().any(|page| page.state == PageState::Ready && !page.models.is_empty()) {
                let message = format!("no page has a model named {:?}", turn.model);
                return Outlook::Fail(Failure::not_posted(FailureCode::ModelUnknown, message));
            }
            return needs_person(eligible());
        }
        match self.all_rest(knows(), turn, now) {
            Some(failure) => Outlook::Fail(failure),
            None => needs_person(knows()),
        }
    }

    /// The failure of a turn whose every account rests longer than it can wait.
    fn all_rest<'a>(
        &self,
        pages: impl Iterator<Item = &'a Page>,
        turn: &Turn,
        now: Instant,
    ) -> Option<Failure> {
        let mut earliest: Option<Instant> = None;
        for page in pages {
            let until = page.pace.resting_until(now)?;
            earliest = Some(earliest.map_or(until, |earlier| earlier.min(until)));
        }
        let earliest = earliest?;
        let patience = turn.deadline.min(now + self.rules.rest_wait);
        (earliest > patience).then(|| {
            let rest = earliest.saturating_duration_since(now);
            Failure::new(FailureCode::RateLimited, Posted::No, "the site's own rate limit is reached")
                .retry_after_ms(millis(rest))
        })
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
fn suits(page: &Page, turn: &Turn) -> bool {
    turn.site.as_ref().is_none_or(|site| *site == page.site)
        && turn.account.as_ref().is_none_or(|account| *account == page.account)
}

/// If every page waits for a person, so would the turn.
fn needs_person<'a>(mut pages: impl Iterator<Item = &'a Page>) -> Outlook {
    let Some(first) = pages.next() else { return Outlook::Wait };
    if !first.state.needs_person() || !pages.all(|page| page.state.needs_person()) {
        return Outlook::Wait;
    }
    let (code, what) = match first.state {
        PageState::Challenge => (FailureCode::Challenge, "the site asks for a person"),
        _ => (FailureCode::LoginRequired, "the site has no session"),
    };
    let message = if first.detail.is_empty() { what } else { &first.detail };
    Outlook::Fail(Failure::not_posted(code, message))
}

fn no_page_message(turn: &Turn) -> String {
    match (&turn.site, &turn.account) {
        (_, Some(account)) => format!("no page of account {account:?} has joined"),
        (Some(site), None) => format!("no page of site {site:?} has joined"),
        (None, None) => "no page has joined".to_owned(),
    }
}

fn earlier(a: Option<Instant>, b: Instant) -> Instant {
    a.map_or(b, |a| a.min(b))
}

/// What a failure says about how long the account is to rest.
pub(super) fn rest_of(failure: &Failure, default: Duration) -> Option<Duration> {
    (failure.code == FailureCode::RateLimited)
        .then(|| failure.retry_after_ms.map_or(default, Duration::from_millis))
}
