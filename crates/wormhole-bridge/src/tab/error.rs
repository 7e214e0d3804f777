//! Why something asked of the tab did not happen.

use thiserror::Error;

/// Why something asked of the tab did not happen, or why there is no script in it now.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TabError {
    /// The request was aborted, by us or by the page.
    #[error("the request was aborted")]
    Aborted,
    /// The network failed under the page's request: whether the site took it is unknown.
    #[error("the page's request was interrupted: {0}")]
    Interrupted(String),
    /// The document went away (reload, navigation), and everything that ran in it with it.
    #[error("the document was left while it was in use")]
    ContextLost,
    /// The renderer crashed, or its target was closed; the tab revives by itself.
    #[error("the page crashed")]
    Crashed,
    /// Chromium itself is gone, or the tab could not be revived: launch another browser.
    #[error("the browser is gone")]
    BrowserGone,
    /// A deadline passed; what was waited for.
    #[error("time ran out waiting for {0}")]
    Timeout(&'static str),
    /// The page script could not do it: its own words, never a value that was typed.
    #[error("the page script failed: {0}")]
    Script(String),
    /// Nothing in the page matches this selector.
    #[error("nothing in the page matches `{0}`")]
    Missing(String),
    /// The navigation failed, in Chromium's words (`net::ERR_…`).
    #[error("the page could not be opened: {0}")]
    Unreachable(String),
    /// The document is not of the site's origins: our script is not in it.
    #[error("the page is not of an origin of this site")]
    NotAllowed,
    /// The script is to speak through a WebSocket, and the page or the browser does not let it; by which rule.
    #[error("the page forbids the WebSocket transport ({0}): unset WORMHOLE_PAGE_LISTEN")]
    Forbidden(&'static str),
}

impl TabError {
    /// A word for metrics, from a closed set.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Aborted => "aborted",
            Self::Interrupted(_) => "interrupted",
            Self::ContextLost => "context_lost",
            Self::Crashed => "crashed",
            Self::BrowserGone => "browser_gone",
            Self::Timeout(_) => "timeout",
            Self::Script(_) => "script",
            Self::Missing(_) => "missing",
            Self::Unreachable(_) => "unreachable",
            Self::NotAllowed => "not_allowed",
            Self::Forbidden(_) => "forbidden",
        }
    }
}
