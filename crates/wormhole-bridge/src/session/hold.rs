//! One browser's session: from logged out to logged in and back, for as long as the browser lives.

use std::time::{Duration, Instant};

use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use wormhole_protocol::PageState;
use wormhole_runtime::Backoff;

use crate::{
    browser::Browser,
    diagnostics::SITE_CHANGED,
    metrics::LoginOutcome,
    session::{
        Credentials, Keeper,
        login::{LoginEnd, log_in},
        look::Look,
        looks::Looks,
        past::Past,
        strikes::Strikes,
    },
    tab::{Tab, TabError},
};

/// The first retry of anything comes about this soon, the last ones this late.
const RETRY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_mins(1));

/// Why a session is no longer watched.
enum Watched {
    /// It has ended, or is to be looked at anew.
    Ended,
    /// We replaced its tab or its browser: that it was short says nothing about the site.
    Recycled,
}

impl Keeper {
    /// From logged out to logged in and back, for the life of a browser.
    pub(super) async fn hold(&self, browser: &Browser, tab: &Tab, past: &mut Past) -> Result<(), TabError> {
        let mut backoff = Backoff::new(RETRY.0, RETRY.1);
        let orders = self.session.orders();
        loop {
            match self.next_look(tab, past).await? {
                Look::In(models) => {
                    backoff.reset();
                    past.forget_refusal();
                    past.strikes.began(Instant::now());
                    self.session.ready(models);
                    self.keep(browser, tab, &mut past.strikes).await?;
                }
                Look::Out => self.let_in(browser, tab, past, &mut backoff).await?,
                Look::Challenge(what) => {
                    self.call_person(PageState::Challenge, what);
                    self.await_person(browser, tab, None).await?;
                }
                Look::Changed(what) => {
                    self.diagnostics.note(&what);
                    self.session.change(PageState::Blocked, what);
                    orders.rest(self.config.timings.check).await;
                }
                Look::Unreachable(why) => {
                    let state =
                        if self.session.epoch() == 0 { PageState::Starting } else { PageState::Expired };
                    self.session.change(state, format!("the site cannot be reached: {why}"));
                    orders.rest(backoff.next_delay()).await;
                }
            }
        }
    }

    /// Opens the chat page and looks; but first does what the operator wants.
    async fn next_look(&self, tab: &Tab, past: &mut Past) -> Result<Look, TabError> {
        let orders = self.session.orders();
        let resumed = orders.is_paused();
        if resumed {
            self.stand_aside().await;
        }
        orders.take_check();
        if orders.take_log_in() && self.config.credentials.is_some() {
            past.forget_refusal();
            return Ok(Look::Out);
        }
        if resumed {
            // What a person has yet to finish must not be navigated away from.
            let look = self.looker.look(tab).await?;
            if matches!(look, Look::Challenge(_)) {
                return Ok(look);
            }
        }
        self.looker.arrive(tab).await
    }

    /// Leaves the page to the operator. What runs in it may end; the hub gives it nothing new, and lets turns wait.
    async fn stand_aside(&self) {
        self.session.pause(true);
        self.session.change(PageState::Starting, "paused by the operator");
        self.session.orders().resumed().await;
        self.session.pause(false);
        self.session.change(PageState::Starting, "opening the chat page");
        self.let_turns_end().await;
    }

    /// What comes next may navigate the tab away: what still streams gets a moment to end.
    async fn let_turns_end(&self) {
        let _ = timeout(self.config.timings.patience, self.running.idle()).await;
    }

    /// Nothing but a person leads out of this state: says so, and where to go.
    fn call_person(&self, state: PageState, what: &str) {
        self.session.change(state, format!("{what}: {}", self.config.way_in));
    }

    /// Watches a session that lives until it has ended, and says so if it is one of many that did not last.
    async fn keep(&self, browser: &Browser, tab: &Tab, strikes: &mut Strikes) -> Result<(), TabError> {
        let recycled = matches!(self.guard(browser, tab).await?, Watched::Recycled);
        if recycled || self.session.orders().lead_away() {
            strikes.forgive();
        } else if strikes.ended(Instant::now()) {
            self.session.change(PageState::Blocked, "the site ends every session at once");
            self.session.orders().rest(self.config.timings.short * 10).await;
            strikes.forgive();
        }
        Ok(())
    }

    /// The site wants a login: with credentials one is tried, and never again after a refusal.
    async fn let_in(
        &self,
        browser: &Browser,
        tab: &Tab,
        past: &mut Past,
        backoff: &mut Backoff,
    ) -> Result<(), TabError> {
        let can_log_in = self.looker.site().login.is_some();
        let Some(credentials) = self.config.credentials.as_ref().filter(|_| can_log_in) else {
            self.call_person(PageState::Blocked, "not logged in");
            return self.await_person(browser, tab, None).await;
        };
        if let Some(refusal) = past.refusal(credentials) {
            self.call_person(PageState::Blocked, &refusal.why);
            return self.await_person(browser, tab, Some(refusal.mark)).await;
        }
        self.session.change(PageState::LoggingIn, "");
        let end = log_in(&self.looker, tab, credentials).await?;
        self.metrics.login(match end {
            LoginEnd::In => LoginOutcome::Ok,
            LoginEnd::Refused(_) => LoginOutcome::Refused,
            LoginEnd::Challenge(_) => LoginOutcome::Challenge,
            LoginEnd::NotTried(_) => LoginOutcome::Failed,
        });
        match end {
            LoginEnd::In => {
                self.save_cookies(browser).await;
                self.confirm(tab).await
            }
            LoginEnd::Refused(why) => {
                let refusal = past.refuse(credentials, why);
                self.call_person(PageState::Blocked, &refusal.why);
                self.await_person(browser, tab, Some(refusal.mark)).await
            }
            LoginEnd::Challenge(what) => {
                self.call_person(PageState::Challenge, what);
                self.await_person(browser, tab, None).await
            }
            LoginEnd::NotTried(why) => {
                if why.starts_with(SITE_CHANGED) {
                    self.diagnostics.note(&why);
                }
                self.session.change(PageState::Blocked, why);
                self.session.orders().rest(backoff.next_delay()).await;
                Ok(())
            }
        }
    }

    /// A login that only looked like one must not lead to another: without a session it is for a person to see why.
    async fn confirm(&self, tab: &Tab) -> Result<(), TabError> {
        let mut backoff = Backoff::new(RETRY.0, RETRY.1);
        for _ in 0..3 {
            match self.looker.arrive(tab).await? {
                Look::Out => sleep(backoff.next_delay()).await,
                _ => return Ok(()),
            }
        }
        self.call_person(PageState::Blocked, "the login was taken, but the site has no session");
        let orders = self.session.orders();
        // The page looks as after a login, so only the site itself can say when somebody has mended it.
        while !orders.lead_away() && !matches!(self.looker.look(tab).await?, Look::In(_)) {
            orders.rest(self.config.timings.check).await;
            orders.take_check();
        }
        Ok(())
    }

    /// Watches a session that lives; returns when it has ended, or the operator wants something else.
    async fn guard(&self, browser: &Browser, tab: &Tab) -> Result<Watched, TabError> {
        let orders = self.session.orders();
        let mut checks = ticks(self.config.timings.check);
        let mut saves = ticks(self.config.timings.cookies);
        let mut unreachable = 0;
        let left = self.looker.left(tab);
        tokio::pin!(left);
        loop {
            let due = async {
                tokio::select! {
                    _ = checks.tick() => {}
                    () = orders.check() => {}
                }
            };
            tokio::select! {
                () = self.session.expired() => break,
                () = &mut left => {
                    self.session.expire(self.session.epoch());
                    break;
                }
                wear = browser.worn() => {
                    self.recycle(browser, wear).await;
                    return Ok(Watched::Recycled);
                }
                () = orders.leads_away() => {
                    if orders.is_paused() {
                        return Ok(Watched::Ended);
                    }
                    self.session.change(PageState::LoggingIn, "the operator wants a new login");
                    break;
                }
                _ = saves.tick() => self.save_cookies(browser).await,
                () = due => match self.looker.look(tab).await? {
                    Look::In(models) => {
                        unreachable = 0;
                        self.session.set_models(models);
                    }
                    Look::Out | Look::Challenge(_) => {
                        self.session.expire(self.session.epoch());
                        break;
                    }
                    Look::Changed(what) => {
                        self.diagnostics.note(&what);
                        self.session.change(PageState::Blocked, what);
                        return Ok(Watched::Ended);
                    }
                    Look::Unreachable(why) => {
                        unreachable += 1;
                        tracing::debug!(why, unreachable, "the session could not be checked");
                        // A logout may look like that from a page that is left open: open it again, if that costs nothing.
                        if unreachable > 1 && self.running.count() == 0 {
                            return Ok(Watched::Ended);
                        }
                    }
                },
            }
        }
        self.let_turns_end().await;
        Ok(Watched::Ended)
    }

    /// Waits, without touching the page, until a person has gone on; until the credentials are others than the
    /// `refused` ones; or until the operator wants something else.
    async fn await_person(&self, browser: &Browser, tab: &Tab, refused: Option<u64>) -> Result<(), TabError> {
        let orders = self.session.orders();
        let mut looks = Looks::new(orders, tab, self.config.timings.person);
        loop {
            let asked = tokio::select! {
                () = orders.leads_away() => return Ok(()),
                () = orders.check() => true,
                () = looks.next() => false,
            };
            if self.person_is_done(tab, asked).await? {
                tracing::info!("somebody has logged in");
                self.save_cookies(browser).await;
                return Ok(());
            }
            let mark = self.config.credentials.as_ref().map(Credentials::mark);
            if refused.is_some() && mark != refused {
                tracing::info!("the credentials have changed: trying again");
                return Ok(());
            }
        }
    }

    /// Whether a person has got through. When they say so themselves, the site is asked, too.
    async fn person_is_done(&self, tab: &Tab, asked: bool) -> Result<bool, TabError> {
        match self.looker.seems_in(tab).await {
            Ok(true) => Ok(true),
            Err(TabError::BrowserGone) => Err(TabError::BrowserGone),
            Ok(false) | Err(_) if asked => Ok(matches!(self.looker.look(tab).await?, Look::In(_))),
            Ok(false) | Err(_) => Ok(false),
        }
    }
}

/// Ticks from one period on.
fn ticks(period: Duration) -> tokio::time::Interval {
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.reset();
    ticks
}
