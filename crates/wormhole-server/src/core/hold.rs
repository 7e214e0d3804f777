//! How long a turn waits that no page can take now, and what it is told in the end.
//!
//! Nothing of a waiting turn has been posted, so holding it costs nobody but its caller, and a person who logs in within
//! that time saves the request.

use std::time::Instant;

use wormhole_protocol::{Failure, FailureCode, PageState, Posted};

use super::{
    Core, Serial,
    registry::Page,
    route::suits,
    timers::Timer,
    turn::{Phase, Turn, millis},
};

/// What a waiting turn has to expect.
enum Outlook {
    /// A page will take it, or may yet.
    Wait,
    /// No page that could take it has joined.
    NoPage,
    /// Every page that could take it needs a person; what to tell the caller if none comes.
    Person(Failure),
    /// Waiting is in vain.
    Fail(Failure),
}

impl Core {
    /// Something has changed for every waiting turn.
    pub(super) fn judge_waiting(&mut self, now: Instant) {
        for serial in self.queue.turns() {
            self.judge(serial, now);
        }
    }

    /// Ends a waiting turn that has nothing to wait for, or has waited long enough.
    pub(super) fn judge(&mut self, serial: Serial, now: Instant) {
        let Some(turn) = self.turns.get(&serial).filter(|turn| turn.phase == Phase::Waiting) else { return };
        let outlook = self.outlook(turn, now);
        let Some(turn) = self.turns.get_mut(&serial) else { return };
        if !matches!(outlook, Outlook::NoPage) {
            turn.no_page_since = None;
        }
        let (until, failure) = match outlook {
            Outlook::Wait => return self.timers.set(Timer::Patience(serial), None),
            Outlook::NoPage => {
                let since = *turn.no_page_since.get_or_insert(now);
                let failure = Failure::not_posted(FailureCode::NoPage, no_page_message(turn));
                (since + self.rules.no_page_wait, failure)
            }
            // Kept while a page helps itself in between: one that goes from one state to the other for ever must not
            // hold a turn for ever.
            Outlook::Person(failure) => {
                (*turn.held_since.get_or_insert(now) + self.rules.person_wait, failure)
            }
            Outlook::Fail(failure) => (now, failure),
        };
        if until <= now {
            self.fail(serial, failure, now);
        } else {
            self.timers.set(Timer::Patience(serial), Some(until));
        }
    }

    /// Why a waiting turn has found no page by its deadline.
    pub(super) fn never_given_out(&self, turn: &Turn) -> Failure {
        let pages: Vec<&Page> = self.eligible(turn).collect();
        let is_ready = |page: &&&Page| page.state == PageState::Ready;
        let wants_person = pages.iter().find(|page| page.state.needs_person());
        match wants_person.or(pages.first()) {
            Some(page) if !pages.iter().any(|page| is_ready(&page)) => not_ready(page),
            _ => Failure::not_posted(FailureCode::Deadline, "the turn's deadline has passed"),
        }
    }

    /// The pages that may take this turn, its model left aside.
    fn eligible<'a>(&'a self, turn: &'a Turn) -> impl Iterator<Item = &'a Page> {
        self.pages.values().filter(|page| page.state != PageState::Draining && suits(page, turn))
    }

    fn outlook(&self, turn: &Turn, now: Instant) -> Outlook {
        let eligible = || self.eligible(turn);
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
}

/// If every page waits for a person, so does the turn.
fn needs_person<'a>(mut pages: impl Iterator<Item = &'a Page>) -> Outlook {
    match pages.next() {
        Some(first) if first.state.needs_person() && pages.all(|page| page.state.needs_person()) => {
            Outlook::Person(not_ready(first))
        }
        _ => Outlook::Wait,
    }
}

/// What the caller of a turn is told that this page did not get ready for. A page's own words say where to go.
fn not_ready(page: &Page) -> Failure {
    let (code, what) = match page.state {
        PageState::Challenge => (FailureCode::Challenge, "the site asks for a person"),
        // Nobody has to log in for that one: it is the deadline of any other turn that found no place.
        PageState::BrowserDown => (FailureCode::Deadline, "the browser is down"),
        _ => (FailureCode::LoginRequired, "the site has no session"),
    };
    let message = if page.detail.is_empty() { what } else { &page.detail };
    Failure::not_posted(code, message)
}

fn no_page_message(turn: &Turn) -> String {
    match (&turn.site, &turn.account) {
        (_, Some(account)) => format!("no page of account {account:?} has joined"),
        (Some(site), None) => format!("no page of site {site:?} has joined"),
        (None, None) => "no page has joined".to_owned(),
    }
}
