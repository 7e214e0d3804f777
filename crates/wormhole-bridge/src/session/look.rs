//! Looking at the tab: is there a session, does the site ask for a person, or has it changed?

use std::sync::Arc;

use url::Url;

use crate::{
    calls::{CallError, Caller},
    site::{Profile, SiteModel},
    tab::{Tab, TabError, TabEvent},
};

/// What a look at the tab found.
#[derive(Debug)]
pub(crate) enum Look {
    /// A session, proved by the list of models.
    In(Vec<SiteModel>),
    /// No session.
    Out,
    /// The site asks for a person; what for.
    Challenge(&'static str),
    /// The site answers in a shape that the profile does not describe.
    Changed(String),
    /// The site could not be asked.
    Unreachable(String),
}

/// Looks at a tab with a profile's eyes.
#[derive(Debug, Clone)]
pub(crate) struct Looker {
    caller: Caller,
}

impl Looker {
    /// One that makes its calls through `caller`.
    pub(crate) fn new(caller: Caller) -> Self {
        Self { caller }
    }

    /// The site.
    pub(crate) fn site(&self) -> &Arc<Profile> {
        self.caller.site()
    }

    /// Opens the chat page and looks. Whatever ran in the tab is lost.
    pub(crate) async fn arrive(&self, tab: &Tab) -> Result<Look, TabError> {
        self.caller.controls().forget();
        match tab.goto(&self.site().start_url()).await {
            Ok(()) => self.look(tab).await,
            Err(TabError::BrowserGone) => Err(TabError::BrowserGone),
            // Nothing passes by itself: an operator has to choose another transport.
            Err(error @ TabError::Forbidden(_)) => Ok(Look::Changed(error.to_string())),
            Err(error) => Ok(Look::Unreachable(error.to_string())),
        }
    }

    /// Looks without leaving the page: the list of models is the proof, the page's own looks tell the rest.
    ///
    /// # Errors
    /// Only [`TabError::BrowserGone`]: everything else is something that was seen.
    pub(crate) async fn look(&self, tab: &Tab) -> Result<Look, TabError> {
        let url = match tab.url().await {
            Ok(url) => url,
            Err(TabError::BrowserGone) => return Err(TabError::BrowserGone),
            Err(error) => return Ok(Look::Unreachable(error.to_string())),
        };
        let site = self.site();
        if url.origin() == site.origin.origin() && !site.is_logged_out(&url) {
            match self.models(tab).await {
                Ok(models) => return Ok(Look::In(models)),
                Err(CallError::Tab(TabError::BrowserGone)) => return Err(TabError::BrowserGone),
                Err(CallError::Fault(fault)) if self.challenge(tab, &url).await?.is_none() => {
                    tracing::debug!("the list of models cannot be read");
                    return Ok(Look::Changed(fault.to_string()));
                }
                // Then the page's own looks tell.
                Err(CallError::LoggedOut | CallError::Fault(_)) => {}
                Err(error) => return Ok(Look::Unreachable(error.to_string())),
            }
        }
        Ok(self.challenge(tab, &url).await?.map_or(Look::Out, Look::Challenge))
    }

    /// Waits until the page leaves by itself for the login page, or for another site: its own script has found out
    /// before any call of ours that the session is over.
    pub(crate) async fn left(&self, tab: &Tab) {
        let mut events = tab.events();
        events.mark_unchanged();
        while events.changed().await.is_ok() {
            let gone = match &*events.borrow_and_update() {
                TabEvent::Installed { origin, path, .. } => origin
                    .parse::<Url>()
                    .and_then(|origin| origin.join(path))
                    .is_ok_and(|url| self.site().is_logged_out(&url)),
                TabEvent::Lost { reason } => *reason == TabError::NotAllowed,
            };
            if gone {
                return;
            }
        }
        // The tab is gone with its browser: that is somebody else's news.
        std::future::pending::<()>().await;
    }

    /// The site's models.
    pub(crate) async fn models(&self, tab: &Tab) -> Result<Vec<SiteModel>, CallError> {
        self.caller.models(tab).await
    }

    /// Without a call: a person has gone through whatever the site asked for.
    pub(crate) async fn seems_in(&self, tab: &Tab) -> Result<bool, TabError> {
        let site = self.site();
        let url = tab.url().await?;
        let ours = site.origins().iter().any(|origin| origin.origin() == url.origin());
        if !ours || site.is_logged_out(&url) {
            return Ok(false);
        }
        if let Some(login) = &site.login {
            let away = !login.success.path_without.iter().any(|part| url.path().contains(part.as_str()));
            if !away || !tab.cookies_present(&login.success.cookies).await? {
                return Ok(false);
            }
        }
        Ok(self.challenge(tab, &url).await?.is_none())
    }

    /// What the page asks a person for, if it does.
    pub(crate) async fn challenge(&self, tab: &Tab, url: &Url) -> Result<Option<&'static str>, TabError> {
        let challenge = &self.site().challenge;
        if first_match(tab, &challenge.one_time_code).await?.is_some() {
            return Ok(Some("the site asks for a one-time code"));
        }
        if first_match(tab, &challenge.captcha).await?.is_some() {
            return Ok(Some("the site asks for a captcha to be solved"));
        }
        let by_path = challenge.path_with.iter().any(|part| url.path().contains(part.as_str()));
        Ok(by_path.then_some("the site asks for a person"))
    }
}

/// The first of the selectors that something in the page matches. A page that is just being left matches nothing.
pub(crate) async fn first_match<'s>(tab: &Tab, selectors: &'s [String]) -> Result<Option<&'s str>, TabError> {
    for selector in selectors {
        match tab.count(selector).await {
            Ok(0) => {}
            Ok(_) => return Ok(Some(selector)),
            Err(TabError::BrowserGone) => return Err(TabError::BrowserGone),
            Err(TabError::Script(what)) => {
                tracing::warn!(selector, what, "a selector of the site profile cannot be used");
            }
            Err(_) => return Ok(None),
        }
    }
    Ok(None)
}
