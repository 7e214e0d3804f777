//! `wormhole login`: a window on the bridge's profile in which a person logs in, once, by whatever way the site offers.

use std::{sync::Arc, time::Duration};

use thiserror::Error;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout_at};
use wormhole_runtime::{Registry, install_crypto_provider};

use crate::{
    browser::{Browser, BrowserConfig, LaunchError},
    calls::Caller,
    metrics::Metrics,
    session::{Look, Looker},
    site::Profile,
    tab::{Tab, TabError},
};

/// How often the window is looked at.
const GLANCE: Duration = Duration::from_secs(1);

/// What a person is asked to do, and how long it may take.
#[derive(Debug, Clone)]
pub struct LoginWindow {
    /// The site.
    pub site: Profile,
    /// The browser of the bridge. That it has a window is seen to here.
    pub browser: BrowserConfig,
    /// How long the person may take.
    pub deadline: Duration,
    /// There is a display to show the window on; see [`has_display`].
    pub display: bool,
}

/// How it ended well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoggedIn {
    /// The session had not ended at all.
    Already,
    /// Somebody has logged in.
    Now,
}

/// Why nobody is logged in.
#[derive(Debug, Error)]
pub enum LoginError {
    /// There is nothing to show a window on.
    #[error(
        "there is no display to show a browser window on: run this where DISPLAY or WAYLAND_DISPLAY is set"
    )]
    NoDisplay,
    /// The browser could not be started; a bridge that runs on the same profile folder is told apart.
    #[error("cannot open the browser: {0}")]
    Launch(#[source] LaunchError),
    /// The window was closed, or the browser went down, before anybody was logged in.
    #[error("the window was closed before the login was finished")]
    Closed,
    /// The time is over.
    #[error("nobody logged in within {}", humantime::format_duration(*.0))]
    TimedOut(Duration),
    /// Logged in, but it could not be kept.
    #[error("logged in, but the session could not be saved: {0}")]
    NotSaved(#[source] TabError),
}

/// Whether this process has a display, by the environment that it was started with.
pub fn has_display() -> bool {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    is_set("DISPLAY") || is_set("WAYLAND_DISPLAY")
}

/// Opens a window at the site's login page, waits until somebody has logged in, keeps the session and closes the window.
///
/// # Errors
/// Nobody is logged in, or it could not be kept; the error is for the operator.
pub async fn run(window: LoginWindow) -> Result<LoggedIn, LoginError> {
    let LoginWindow { site, mut browser, deadline, display } = window;
    if !display {
        return Err(LoginError::NoDisplay);
    }
    install_crypto_provider();
    browser.headless = false;
    browser.origins = site.origins();
    let browser = Browser::launch(&browser).await.map_err(LoginError::Launch)?;
    let tab = browser.tab();
    let looker = looker(site);
    let until = Instant::now() + deadline;
    let logged_in = tokio::select! {
        _ = browser.gone() => Err(LoginError::Closed),
        waited = timeout_at(until, wait_for_login(&looker, &tab)) => match waited {
            Ok(Ok(how)) => browser.save_cookies().await.map(|_| how).map_err(LoginError::NotSaved),
            Ok(Err(_)) => Err(LoginError::Closed),
            Err(_) => Err(LoginError::TimedOut(deadline)),
        },
    };
    browser.close().await;
    logged_in
}

/// Looks with metrics that nobody reads.
pub(crate) fn looker(site: Profile) -> Looker {
    let metrics = Metrics::register(&Registry::new()).expect("a new registry has no names taken");
    Looker::new(Caller::new(Arc::new(site), Arc::new(metrics)))
}

/// Only [`TabError::BrowserGone`] ends it early.
async fn wait_for_login(looker: &Looker, tab: &Tab) -> Result<LoggedIn, TabError> {
    match looker.arrive(tab).await? {
        Look::In(_) => return Ok(LoggedIn::Already),
        Look::Out => match tab.url().await {
            // The site has led to its login by itself.
            Ok(url) if looker.site().is_logged_out(&url) => {}
            _ => drop(tab.goto(&looker.site().login_url()).await),
        },
        Look::Challenge(_) | Look::Changed(_) | Look::Unreachable(_) => {}
    }
    let mut glances = interval(GLANCE);
    glances.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        glances.tick().await;
        match looker.seems_in(tab).await {
            Ok(true) => return Ok(LoggedIn::Now),
            Err(TabError::BrowserGone) => return Err(TabError::BrowserGone),
            Ok(false) | Err(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn without_a_display_nothing_is_started() {
        let site = Profile::shipped("outlier").unwrap().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let profile = folder.path().join("chrome");
        let browser = BrowserConfig::new(&profile, site.origins());
        let window = LoginWindow { site, browser, deadline: Duration::from_secs(1), display: false };
        let error = run(window).await.unwrap_err();
        assert!(matches!(error, LoginError::NoDisplay));
        assert!(!profile.exists());
    }
}
