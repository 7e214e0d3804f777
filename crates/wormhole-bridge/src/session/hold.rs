//! One browser's session: from logged out to logged in and back, for as long as the browser lives.

use std::time::{Duration, Instant};

use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use wormhole_protocol::PageState;
use wormhole_runtime::Backoff;

use crate::{
    browser::Browser,
    metrics::LoginOutcome,
    session::{
        Credentials, Keeper,
        login::{LoginEnd, log_in},
        look::Look,
        strikes::Strikes,
    },
    tab::{Tab, TabError},
};

/// The first retry of anything comes about this soon, the last ones this late.
const RETRY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_mins(1));

impl Keeper {
    /// From logged out to logged in and back, for the life of a browser.
    pub(super) async fn hold(
        &self,
        browser: &Browser,
        tab: &Tab,
        strikes: &mut Strikes,
    ) -> Result<(), TabError> {
        let mut backoff = Backoff::new(RETRY.0, RETRY.1);
        loop {
            match self.looker.arrive(tab).await? {
                Look::In(models) => {
                    backoff.reset();
                    strikes.began(Instant::now());
                    self.session.ready(models);
                    self.guard(browser, tab).await?;
                    if strikes.ended(Instant::now()) {
                        let rest = self.config.timings.short * 10;
                        self.session.change(PageState::Blocked, "the site ends every session at once");
                        sleep(rest).await;
                        strikes.forgive();
                    }
                }
                Look::Out => self.let_in(browser, tab, &mut backoff).await?,
                Look::Challenge(what) => {
                    self.session.change(PageState::Challenge, what);
                    self.await_person(browser, tab, None).await?;
                }
                Look::Changed(what) => {
                    self.session.change(PageState::Blocked, what);
                    sleep(self.config.timings.check).await;
                }
                Look::Unreachable(why) => {
                    let state =
                        if self.session.epoch() == 0 { PageState::Starting } else { PageState::Expired };
                    self.session.change(state, format!("the site cannot be reached: {why}"));
                    sleep(backoff.next_delay()).await;
                }
            }
        }
    }

    /// The site wants a login: with credentials one is tried, and never again after a refusal.
    async fn let_in(&self, browser: &Browser, tab: &Tab, backoff: &mut Backoff) -> Result<(), TabError> {
        let can_log_in = self.looker.site().login.is_some();
        let Some(credentials) = self.config.credentials.as_ref().filter(|_| can_log_in) else {
            self.session.change(PageState::Blocked, "not logged in: log in with `wormhole login`");
            return self.await_person(browser, tab, None).await;
        };
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
                self.session.change(PageState::Blocked, why);
                self.await_person(browser, tab, credentials.mark()).await
            }
            LoginEnd::Challenge(what) => {
                self.session.change(PageState::Challenge, what);
                self.await_person(browser, tab, None).await
            }
            LoginEnd::NotTried(why) => {
                self.session.change(PageState::Blocked, why);
                sleep(backoff.next_delay()).await;
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
        self.session.change(PageState::Blocked, "the login was taken, but the site has no session");
        // The page looks as after a login, so only the site itself can say when somebody has mended it.
        while !matches!(self.looker.look(tab).await?, Look::In(_)) {
            sleep(self.config.timings.check).await;
        }
        Ok(())
    }

    /// Watches a session that lives; returns when it has ended.
    async fn guard(&self, browser: &Browser, tab: &Tab) -> Result<(), TabError> {
        let mut checks = ticks(self.config.timings.check);
        let mut saves = ticks(self.config.timings.cookies);
        let mut unreachable = 0;
        let left = self.looker.left(tab);
        tokio::pin!(left);
        loop {
            tokio::select! {
                () = self.session.expired() => break,
                () = &mut left => {
                    self.session.expire(self.session.epoch());
                    break;
                }
                _ = saves.tick() => self.save_cookies(browser).await,
                _ = checks.tick() => match self.looker.look(tab).await? {
                    Look::In(models) => {
                        unreachable = 0;
                        self.session.set_models(models);
                    }
                    Look::Out | Look::Challenge(_) => {
                        self.session.expire(self.session.epoch());
                        break;
                    }
                    Look::Changed(what) => {
                        self.session.change(PageState::Blocked, what);
                        return Ok(());
                    }
                    Look::Unreachable(why) => {
                        unreachable += 1;
                        tracing::debug!(why, unreachable, "the session could not be checked");
                        // A logout may look like that from a page that is left open: open it again, if that costs nothing.
                        if unreachable > 1 && self.running.count() == 0 {
                            return Ok(());
                        }
                    }
                },
            }
        }
        // A new login navigates the tab away: what still streams gets a moment to end.
        let _ = timeout(self.config.timings.patience, self.running.idle()).await;
        Ok(())
    }

    /// Waits, without touching the page, until a person has gone on; or until the password is another than `refused`.
    async fn await_person(&self, browser: &Browser, tab: &Tab, refused: Option<u64>) -> Result<(), TabError> {
        let mut looks = ticks(self.config.timings.person);
        loop {
            looks.tick().await;
            match self.looker.seems_in(tab).await {
                Ok(true) => {
                    tracing::info!("somebody has logged in");
                    self.save_cookies(browser).await;
                    return Ok(());
                }
                Err(TabError::BrowserGone) => return Err(TabError::BrowserGone),
                Ok(false) | Err(_) => {}
            }
            let mark = self.config.credentials.as_ref().and_then(Credentials::mark);
            if refused.is_some() && mark.is_some() && mark != refused {
                tracing::info!("the password has changed: trying again");
                return Ok(());
            }
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
