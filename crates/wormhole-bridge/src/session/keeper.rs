//! Keeps the session alive: starts the browser, logs in, looks now and then, and starts over when something is lost.
//!
//! One task for the life of the process. It alone navigates the tab.

use std::{
    ops::ControlFlow,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use wormhole_protocol::PageState;
use wormhole_runtime::Backoff;

use crate::{
    browser::{Browser, BrowserConfig, GoneReason},
    config::SessionTimings,
    diagnostics::Diagnostics,
    metrics::Metrics,
    outside::Outside,
    running::Running,
    session::{Credentials, Live, Session, look::Looker, past::Past, recycle::state_without},
};

/// What the keeper is told to do.
#[derive(Debug, Clone)]
pub(crate) struct KeeperConfig {
    /// How to start the browser.
    pub(crate) browser: BrowserConfig,
    /// What to log in with; without it a person must.
    pub(crate) credentials: Option<Credentials>,
    /// How the session is kept.
    pub(crate) timings: SessionTimings,
    /// What a person must do to get at the page, in words that end a sentence.
    pub(crate) way_in: String,
}

/// The task that keeps the session alive.
pub(crate) struct Keeper {
    pub(crate) config: KeeperConfig,
    pub(crate) session: Session,
    pub(crate) looker: Looker,
    pub(crate) running: Arc<Running>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) diagnostics: Diagnostics,
    pub(crate) outside: Outside,
    pub(crate) soft: CancellationToken,
    pub(crate) hard: CancellationToken,
    /// Cancelled when the session is saved and the browser closed: until then the hub is told how the page is.
    pub(crate) done: CancellationToken,
}

/// How a browser's time ended.
enum End {
    /// It is gone.
    Gone(GoneReason),
    /// The operator wants another one.
    Restart,
    /// The drain has begun.
    Drain,
}

/// The first relaunch comes about this soon, the last ones this late.
const RELAUNCH: (Duration, Duration) = (Duration::from_millis(200), Duration::from_mins(1));
/// How long saving cookies may hold up what comes next.
const SAVE_WITHIN: Duration = Duration::from_secs(5);

impl Keeper {
    /// Runs until the drain is over.
    pub(crate) async fn run(self) {
        let _done = self.done.clone().drop_guard();
        let mut backoff = Backoff::new(RELAUNCH.0, RELAUNCH.1);
        let mut past = Past::new(self.config.timings.short);
        loop {
            let Some(browser) = self.launch(&mut backoff).await else { break };
            let began = Instant::now();
            match self.live(&browser, &mut past).await {
                End::Gone(reason) => {
                    self.metrics.browser_gone(&reason);
                    self.session.change(state_without(&reason), reason.to_string());
                    browser.close().await;
                    backoff.lived(began.elapsed());
                    if matches!(reason, GoneReason::Recycled(_)) {
                        continue;
                    }
                    if self.rest(backoff.next_delay()).await.is_break() {
                        break;
                    }
                }
                End::Restart => browser.close().await,
                End::Drain => return self.drain(browser).await,
            }
        }
        self.session.change(PageState::Draining, "");
    }

    /// Starts a browser, however often it takes; `None` when the drain begins before.
    async fn launch(&self, backoff: &mut Backoff) -> Option<Browser> {
        loop {
            tokio::select! {
                () = self.outside.granted(|why| self.session.change(PageState::BrowserDown, why)) => {}
                () = self.soft.cancelled() => return None,
            }
            let launched = tokio::select! {
                launched = Browser::launch(&self.config.browser) => launched,
                () = self.soft.cancelled() => return None,
            };
            self.metrics.launched(launched.is_ok());
            match launched {
                Ok(browser) => {
                    tracing::info!(pid = browser.pid(), port = browser.debug_port(), "Chromium is up");
                    return Some(browser);
                }
                Err(error) => {
                    let why = with_sources(&error);
                    tracing::debug!(why, "Chromium could not be started");
                    self.session.change(PageState::BrowserDown, why);
                }
            }
            if self.rest(backoff.next_delay()).await.is_break() {
                return None;
            }
        }
    }

    /// Keeps a session in a browser until the browser is gone, is to be another one, or the drain begins.
    async fn live(&self, browser: &Browser, past: &mut Past) -> End {
        let tab = browser.tab();
        let gone = CancellationToken::new();
        self.session.set_live(Some(Live { tab: tab.clone(), gone: gone.clone() }));
        self.session.change(PageState::Starting, "opening the chat page");
        let end = tokio::select! {
            biased;
            () = self.soft.cancelled() => return End::Drain,
            reason = browser.gone() => End::Gone(reason),
            never = self.tell_of_persons(browser) => match never {},
            () = self.session.orders().restart() => End::Restart,
            why = self.outside.withheld() => End::Gone(GoneReason::Withheld(why)),
            // It ends early only when the tab says that the browser is gone; the browser then knows why.
            _ = self.hold(browser, &tab, past) => End::Gone(browser.gone().await),
        };
        if matches!(end, End::Restart) {
            self.session.change(PageState::BrowserDown, "the operator restarts the browser");
            let _ = timeout(self.config.timings.patience, self.running.idle()).await;
            self.save_cookies(browser).await;
        }
        self.session.set_live(None);
        // Turns end with `page_lost` now, not when their own deadlines pass.
        gone.cancel();
        end
    }

    pub(super) async fn save_cookies(&self, browser: &Browser) {
        let saved = timeout(SAVE_WITHIN, browser.save_cookies()).await;
        self.metrics.cookies_saved(matches!(saved, Ok(Ok(_))));
        match saved {
            Ok(Ok(cookies)) => tracing::debug!(cookies, "cookies are saved"),
            Ok(Err(error)) => tracing::warn!(%error, "cookies could not be saved"),
            Err(_) => tracing::warn!("cookies could not be saved in time"),
        }
    }

    /// Finishes what runs (until hard), saves the session and ends the browser.
    async fn drain(&self, browser: Browser) {
        self.session.change(PageState::Draining, "");
        tokio::select! {
            () = self.running.idle() => {}
            () = self.hard.cancelled() => self.running.idle().await,
        }
        self.save_cookies(&browser).await;
        self.session.set_live(None);
        browser.close().await;
        tracing::info!("Chromium is closed");
    }

    /// Waits before the next launch, unless an operator cannot.
    async fn rest(&self, delay: Duration) -> ControlFlow<()> {
        let orders = self.session.orders();
        tokio::select! {
            () = sleep(delay) => ControlFlow::Continue(()),
            () = orders.check() => ControlFlow::Continue(()),
            () = orders.restart() => ControlFlow::Continue(()),
            () = self.soft.cancelled() => ControlFlow::Break(()),
        }
    }
}

/// The error and what lies under it, in one line.
fn with_sources(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
