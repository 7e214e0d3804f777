//! The site's calls as the page makes them: request by template, answer told apart from a lost session, a stale
//! token, the site's rate limit, and a page in place of an answer.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use serde_json::Value;
use thiserror::Error;
use tokio::time::timeout;
use url::Url;

use crate::{
    controls::{Controls, Page},
    metrics::Metrics,
    site::{Call, Csrf, Driver, Fault, Profile, SiteModel, Values, read_models, retry_after},
    tab::{CsrfRule, FetchReply, FetchRequest, Tab, TabError, TabEvent},
};

/// A list of models or a new thread is far below this.
const MAX_JSON_BYTES: usize = 8 * 1024 * 1024;
/// How much of a page is read to tell whether it is the login page.
const MAX_HTML_BYTES: usize = 256 * 1024;
/// How much of a refusal is read.
const MAX_REFUSAL_BYTES: usize = 64 * 1024;

/// The calls of a profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CallName {
    /// Which models there are.
    Models,
    /// Make a thread.
    Create,
    /// Post a message.
    Turn,
    /// Remove a thread.
    Delete,
    /// Load a page of the site for its cookies.
    Page,
}

impl CallName {
    /// Every call.
    pub(crate) const ALL: [Self; 5] = [Self::Models, Self::Create, Self::Turn, Self::Delete, Self::Page];

    /// Its name in the profile, in metrics and in messages.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Models => "models",
            Self::Create => "create",
            Self::Turn => "turn",
            Self::Delete => "delete",
            Self::Page => "page",
        }
    }
}

/// Why a call gave no answer that can be used.
#[derive(Debug, Error)]
pub(crate) enum CallError {
    /// The site has no session for us.
    #[error("the site has ended the session")]
    LoggedOut,
    /// The site's own rate limit.
    #[error("the site's rate limit is reached")]
    RateLimited(Option<Duration>),
    /// Another status than success.
    #[error("the site answered with status {status}")]
    Status {
        /// Which.
        status: u16,
        /// The site's words; may quote the prompt, so they are checked before they go anywhere.
        words: String,
    },
    /// An answer of a shape that the profile does not describe.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// The page could not make the call, or not finish it.
    #[error(transparent)]
    Tab(#[from] TabError),
}

/// Makes the site's calls in a tab.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    site: Arc<Profile>,
    metrics: Arc<Metrics>,
    controls: Controls,
}

impl Caller {
    /// A caller for one site.
    pub(crate) fn new(site: Arc<Profile>, metrics: Arc<Metrics>) -> Self {
        Self { site, metrics, controls: Controls::default() }
    }

    /// The controls of the site's page.
    pub(crate) fn controls(&self) -> &Controls {
        &self.controls
    }

    /// The site's models; also the cheapest proof that there is a session.
    pub(crate) async fn models(&self, tab: &Tab) -> Result<Vec<SiteModel>, CallError> {
        match &self.site.driver {
            Driver::Api(api) => {
                let call = &api.calls.models.request;
                let reply = self.json(tab, CallName::Models, call, &Values::default()).await?;
                Ok(read_models(api, &reply)?)
            }
            Driver::Dom(dom) => {
                self.is_at_home(tab)?;
                self.controls.models(Page { site: &self.site, dom, tab }).await
            }
        }
    }

    /// The site it calls.
    pub(crate) fn site(&self) -> &Arc<Profile> {
        &self.site
    }

    /// Makes a call whose answer is JSON, within the profile's time for calls.
    pub(crate) async fn json(
        &self,
        tab: &Tab,
        name: CallName,
        call: &Call,
        values: &Values<'_>,
    ) -> Result<Value, CallError> {
        let made = async {
            let reply = self.send(tab, name, call, values, self.site.timeouts.call).await?;
            let reply = self.not_html(name, reply).await?;
            let text = reply.text(MAX_JSON_BYTES).await?;
            serde_json::from_str(&text)
                .map_err(|_| Fault::changed(name.as_str(), "the answer is not JSON").into())
        };
        let within = self.site.timeouts.call;
        timeout(within, made).await.unwrap_or(Err(CallError::Tab(TabError::Timeout("the site's answer"))))
    }

    /// Makes a call of whose answer only the status matters.
    pub(crate) async fn status(
        &self,
        tab: &Tab,
        name: CallName,
        call: &Call,
        values: &Values<'_>,
    ) -> Result<(), CallError> {
        self.send(tab, name, call, values, self.site.timeouts.call).await.map(drop)
    }

    /// Makes a call and gives its answer back once its head says success. A stale token is renewed, once.
    pub(crate) async fn send(
        &self,
        tab: &Tab,
        name: CallName,
        call: &Call,
        values: &Values<'_>,
        first_byte: Duration,
    ) -> Result<FetchReply, CallError> {
        let request = self.request(call, values);
        let mut reply = self.fetch(tab, name, request.clone(), first_byte).await?;
        if self.is_stale(call, &reply) {
            drop(reply);
            self.renew_token(tab).await?;
            reply = self.fetch(tab, name, request, first_byte).await?;
            if self.is_stale(call, &reply) {
                return Err(CallError::LoggedOut);
            }
        }
        self.judge(reply).await
    }

    /// An HTML page where data was expected: the login page, or a change of the site.
    pub(crate) async fn not_html(&self, name: CallName, reply: FetchReply) -> Result<FetchReply, CallError> {
        if !reply.content_type.trim_start().to_ascii_lowercase().starts_with("text/html") {
            return Ok(reply);
        }
        let html = timeout(self.site.timeouts.call, reply.text(MAX_HTML_BYTES)).await;
        match html {
            Ok(Ok(html)) if self.site.is_login_html(&html) => Err(CallError::LoggedOut),
            Ok(Err(error)) => Err(error.into()),
            _ => Err(Fault::changed(name.as_str(), "an HTML page in place of the answer").into()),
        }
    }

    fn request(&self, call: &Call, values: &Values<'_>) -> FetchRequest {
        let mut headers: Vec<(String, String)> =
            call.headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        if call.body.is_some() && !call.headers.keys().any(|name| name.eq_ignore_ascii_case("content-type")) {
            headers.push(("Content-Type".to_owned(), "application/json".to_owned()));
        }
        let csrf = self.csrf_of(call);
        FetchRequest {
            method: call.method.as_str().to_owned(),
            path: values.path(&call.path),
            headers,
            body: call.body.as_ref().map(|body| values.body(body).to_string()),
            csrf: csrf.map(|csrf| CsrfRule {
                cookie: csrf.cookie.clone(),
                header: csrf.header.clone(),
                decode: csrf.decode,
            }),
        }
    }

    async fn fetch(
        &self,
        tab: &Tab,
        name: CallName,
        request: FetchRequest,
        first_byte: Duration,
    ) -> Result<FetchReply, TabError> {
        self.is_at_home(tab)?;
        let reply = tab.fetch(request, first_byte).await;
        self.metrics.site_call(name, reply.as_ref().ok().map(|reply| reply.status));
        if let Ok(reply) = &reply {
            tracing::debug!(call = name.as_str(), status = reply.status, "the site answered");
        }
        reply
    }

    /// Calls go to the origin of whatever page the tab shows, so it must be the site's own: the script is in the pages
    /// that log in, too.
    fn is_at_home(&self, tab: &Tab) -> Result<(), TabError> {
        match &*tab.events().borrow() {
            TabEvent::Installed { origin, .. }
                if *origin == self.site.origin.origin().ascii_serialization() =>
            {
                Ok(())
            }
            TabEvent::Installed { .. } => Err(TabError::NotAllowed),
            // The tab's own answer to a call says the same, and says it better.
            TabEvent::Lost { .. } => Ok(()),
        }
    }

    fn csrf_of(&self, call: &Call) -> Option<&Csrf> {
        self.site.api().and_then(|api| api.csrf.as_ref()).filter(|_| call.method.changes_something())
    }

    fn is_stale(&self, call: &Call, reply: &FetchReply) -> bool {
        let csrf = self.csrf_of(call);
        csrf.is_some_and(|csrf| csrf.stale_status == reply.status)
    }

    /// Loading any page of the site brings a fresh cookie; fetching it keeps the tab's document, and its other turns.
    async fn renew_token(&self, tab: &Tab) -> Result<(), TabError> {
        self.metrics.csrf_refreshed();
        let page = FetchRequest::get(self.site.start.clone());
        self.fetch(tab, CallName::Page, page, self.site.timeouts.call).await.map(drop)
    }

    async fn judge(&self, reply: FetchReply) -> Result<FetchReply, CallError> {
        let led_to_login = Url::parse(&reply.url).is_ok_and(|url| self.site.is_logged_out(&url));
        if led_to_login || self.site.logged_out.statuses.contains(&reply.status) {
            return Err(CallError::LoggedOut);
        }
        match reply.status {
            200..300 => Ok(reply),
            429 => Err(CallError::RateLimited(retry_after(&reply.retry_after, SystemTime::now()))),
            status => {
                let words = timeout(Duration::from_secs(2), reply.text(MAX_REFUSAL_BYTES)).await;
                let words = words.ok().and_then(Result::ok).map(|text| words_of(&text)).unwrap_or_default();
                Err(CallError::Status { status, words })
            }
        }
    }
}

/// The message in an error's body, in the spellings there are.
fn words_of(body: &str) -> String {
    let Ok(body) = serde_json::from_str::<Value>(body) else { return String::new() };
    let places = ["/error/message", "/error", "/message", "/detail"];
    let words = places.iter().find_map(|place| body.pointer(place)?.as_str());
    words.unwrap_or_default().to_owned()
}

/// The site's own words for the caller: one short line, unless they quote the message that was posted.
pub(crate) fn quotable(words: &str, posted: &str) -> Option<String> {
    const WINDOW: usize = 12;
    let words: Vec<char> = words.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(160).collect();
    if words.is_empty() {
        return None;
    }
    let quotes =
        words.windows(WINDOW.min(words.len())).any(|window| posted.contains(&String::from_iter(window)));
    (!quotes).then(|| words.into_iter().filter(|c| !c.is_control()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_the_site_are_cut_and_never_quote_what_was_posted() {
        assert_eq!(quotable(" too \n many words ", "hello"), Some("too many words".to_owned()));
        assert_eq!(
            quotable("cannot answer: the launch code is 000", "What if the launch code is 000?"),
            None
        );
        assert_eq!(quotable("", "hello"), None);
        assert_eq!(quotable("hello", "hello"), None);
        assert_eq!(quotable(&"é".repeat(500), "x").map(|words| words.chars().count()), Some(160));
    }

    #[test]
    fn the_message_of_an_error_is_found() {
        for body in [
            r#"{"error":{"message":"no"}}"#,
            r#"{"error":"no"}"#,
            r#"{"message":"no"}"#,
            r#"{"detail":"no"}"#,
        ] {
            assert_eq!(words_of(body), "no", "{body}");
        }
        assert_eq!(words_of("<html>"), "");
        assert_eq!(words_of("[]"), "");
    }
}
