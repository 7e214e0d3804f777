//! Replacing a tab or a browser that is used up, between turns and without a login.

use std::convert::Infallible;

use tokio::time::timeout;
use wormhole_protocol::PageState;

use crate::{
    browser::{Browser, GoneReason, Part, Wear},
    session::Keeper,
};

impl Keeper {
    /// Takes nothing new, lets what runs end, saves the session, and has the part replaced. The session is then to be
    /// looked at as after a start.
    pub(super) async fn recycle(&self, browser: &Browser, wear: Wear) {
        let (part, reason) = (wear.part.label(), wear.reason.label());
        // Not ready, so that the hub keeps what is new for the moment after.
        self.session.change(PageState::Starting, format!("recycling the {part} ({reason})"));
        // No turn may run for longer.
        let longest = self.looker.site().timeouts.total;
        if timeout(longest, self.running.idle()).await.is_err() {
            tracing::warn!(turns = self.running.count(), "turns are broken off: the {part} is replaced");
        }
        self.save_cookies(browser).await;
        self.metrics.chrome.recycled(wear);
        match wear.part {
            Part::Tab => {
                if let Err(error) = browser.renew_tab().await {
                    tracing::warn!(%error, "the new tab is not there yet");
                }
            }
            Part::Browser => browser.retire(wear.reason),
        }
    }

    /// Tells the browser when a person is to act in it, for as long as it lives.
    pub(super) async fn tell_of_persons(&self, browser: &Browser) -> Infallible {
        let mut status = self.session.status();
        loop {
            let waits_for_person = {
                let status = status.borrow_and_update();
                status.paused || status.state.needs_person()
            };
            browser.person_at_work(waits_for_person);
            if status.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}

/// How the page is while there is no browser.
pub(super) fn state_without(reason: &GoneReason) -> PageState {
    match reason {
        GoneReason::Recycled(_) => PageState::Starting,
        _ => PageState::BrowserDown,
    }
}
