//! The tab that our script is injected into: what the part of the bridge that knows the site asks of the page.

mod command;
mod controls;
mod deliver;
mod error;
mod growth;
mod life;
mod navigate;
mod open;
mod popups;
mod reply;
mod request;
mod shared;
mod slots;
mod snapshot;
mod view;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chromiumoxide::cdp::browser_protocol::page::GetNavigationHistoryParams;
use chromiumoxide::error::CdpError;
use secrecy::SecretString;
use serde_json::Value;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;
use url::Url;

pub(crate) use self::command::Command;
use self::command::{Action, CREDIT};
pub(crate) use self::controls::{Choice, Sendable};
pub use self::error::TabError;
pub(crate) use self::growth::{Seen, Sign, Watch, WatchRequest};
pub(crate) use self::life::Life;
pub(crate) use self::navigate::renew;
pub(crate) use self::open::open;
pub(crate) use self::popups::Popups;
use self::reply::Chunks;
pub use self::reply::FetchReply;
pub use self::request::{CsrfRule, FetchRequest};
use self::shared::Open;
pub(crate) use self::shared::{Shared, Way};
use self::slots::{Item, Waiter};
pub use self::snapshot::Snapshot;
pub(crate) use self::view::{Film, Picture, Shown, View};
use crate::chrome::devtools::{COMMAND, execute_in};
use crate::cookies;

/// A head, an end or an error are not covered by credit.
const BESIDE_CHUNKS: usize = 4;

/// A handle to the injected tab, cheap to clone. It survives reloads, crashes and a closed tab, and dies with its
/// browser. Everything asked of it has a deadline.
#[derive(Clone)]
pub struct Tab {
    shared: Arc<Shared>,
    browser: Arc<chromiumoxide::Browser>,
    origins: Arc<[Url]>,
}

/// What the tab is now; read it from [`Tab::events`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TabEvent {
    /// The script is installed in a document of one of the site's origins.
    Installed {
        /// The document's origin.
        origin: String,
        /// The document's path when it was opened.
        path: String,
        /// Counts documents: a greater number is a new document.
        generation: u64,
    },
    /// There is no script in the tab: everything asked of it fails with this reason until it is installed again.
    Lost {
        /// `ContextLost` (also before the first navigation), `Crashed`, `NotAllowed`, `Forbidden`, `Script` (a mounted
        /// script of another version) or `BrowserGone` (final).
        reason: TabError,
    },
}

impl Tab {
    pub(crate) fn new(
        shared: Arc<Shared>,
        browser: Arc<chromiumoxide::Browser>,
        origins: Arc<[Url]>,
    ) -> Self {
        Self { shared, browser, origins }
    }

    /// Makes a request with the page's session. `first_byte` is how long the response's head may take.
    /// Dropping the future aborts the request in the page.
    pub async fn fetch(&self, request: FetchRequest, first_byte: Duration) -> Result<FetchReply, TabError> {
        let action = Action::Fetch { request: Box::new(request), credit: CREDIT };
        let (mut body, open) = self.stream(action)?;
        match timeout(first_byte, body.recv()).await {
            Ok(Some(Ok(Item::Head(head)))) => Ok(FetchReply::new(head, Chunks::new(body, open))),
            Ok(Some(Err(error))) => Err(error),
            Ok(_) => Err(TabError::Script("a reply without a head".to_owned())),
            Err(_) => Err(TabError::Timeout("the response's head")),
        }
    }

    /// Opens a page of one of the site's origins; returns when the script is installed in it, or when the page
    /// has loaded without the script because a redirect led to a foreign origin ([`Tab::url`] tells).
    pub async fn goto(&self, url: &Url) -> Result<(), TabError> {
        if !self.shared.is_ours(&url.origin().ascii_serialization()) {
            return Err(TabError::NotAllowed);
        }
        navigate::navigate(&self.shared.page()?, &self.shared, url.to_string()).await
    }

    /// Loads the document again, like the browser's button.
    pub async fn reload(&self) -> Result<(), TabError> {
        navigate::reload(&self.shared.page()?, &self.shared).await
    }

    /// Where the tab is, foreign origins included.
    pub async fn url(&self) -> Result<Url, TabError> {
        let page = self.shared.page()?;
        // chromiumoxide remembers an address, too, but may learn of a new one only after the script has greeted from
        // there: whoever looks in between would see the page before.
        let history = match execute_in(&page, GetNavigationHistoryParams::default(), COMMAND).await {
            Ok(history) => history,
            Err(CdpError::Timeout) => return Err(TabError::Timeout("the page's address")),
            Err(error) => return Err(deliver::call_error(&error)),
        };
        let current = usize::try_from(history.current_index).ok().and_then(|at| history.entries.get(at));
        let address = current.map(|entry| entry.url.clone()).unwrap_or_default();
        Url::parse(&address).map_err(|error| TabError::Script(format!("the page's address: {error}")))
    }

    /// How many elements match.
    pub async fn count(&self, selector: &str) -> Result<usize, TabError> {
        let value = self.run(Action::Count { selector: selector.to_owned() }).await?;
        let count = value.as_u64().and_then(|count| usize::try_from(count).ok());
        count.ok_or_else(|| TabError::Script("count: no number".to_owned()))
    }

    /// The text of the first element that matches, cut to `limit` characters.
    pub async fn text(&self, selector: &str, limit: usize) -> Result<String, TabError> {
        match self.run(Action::Text { selector: selector.to_owned(), limit }).await? {
            Value::String(text) => Ok(text),
            _ => Err(TabError::Script("text: no text".to_owned())),
        }
    }

    /// Types a value into the first field that matches, as a person would have.
    pub async fn fill(&self, selector: &str, value: &SecretString) -> Result<(), TabError> {
        self.run(Action::Fill { selector: selector.to_owned(), value: value.clone() }).await.map(drop)
    }

    /// Clicks the first element that matches.
    pub async fn click(&self, selector: &str) -> Result<(), TabError> {
        self.run(Action::Click { selector: selector.to_owned() }).await.map(drop)
    }

    /// Presses Enter in the first field that matches; submits its form if the page does not handle the key.
    pub async fn press_enter(&self, selector: &str) -> Result<(), TabError> {
        self.run(Action::Enter { selector: selector.to_owned() }).await.map(drop)
    }

    /// Whether the site's origins have all of these cookies, http-only ones included. Values stay here.
    pub async fn cookies_present(&self, names: &[String]) -> Result<bool, TabError> {
        cookies::present(&self.browser, &self.origins, names).await
    }

    /// What the tab is now, and each change of it. A slow reader misses intermediate states, never the last.
    pub fn events(&self) -> watch::Receiver<TabEvent> {
        self.shared.events()
    }

    /// A command that is answered with a stream.
    fn stream(&self, action: Action) -> Result<(mpsc::Receiver<Result<Item, TabError>>, Open), TabError> {
        // Holds more than the script has credit for, so that hearing it never waits.
        let (items, body) = mpsc::channel(CREDIT as usize + BESIDE_CHUNKS);
        let open = self.shared.begin(action, Waiter::Stream(items))?;
        Ok((body, open))
    }

    /// A command that is answered with one value.
    async fn run(&self, action: Action) -> Result<Value, TabError> {
        let (value, answer) = oneshot::channel();
        let _open = self.shared.begin(action, Waiter::Value(value))?;
        match timeout(COMMAND, answer).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(TabError::ContextLost),
            Err(_) => Err(TabError::Timeout("the page to answer")),
        }
    }
}

impl fmt::Debug for Tab {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tab").field("now", &*self.events().borrow()).finish_non_exhaustive()
    }
}
