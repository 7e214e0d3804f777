//! How a page says it is.

use std::fmt;

use serde::{Deserialize, Serialize};

/// State of a page. The same words stand in metrics, probes, events and logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PageState {
    /// The browser or the script is not up yet.
    Starting,
    /// Credentials are being given to the site.
    LoggingIn,
    /// Logged in; turns can be posted.
    Ready,
    /// The site ended the session; a new login follows.
    Expired,
    /// The site asks for a person (one-time code, captcha, consent).
    Challenge,
    /// The site refused the credentials, or there are none: nothing is tried again until a person acts.
    Blocked,
    /// Chrome is gone and being started again.
    BrowserDown,
    /// The bridge is going down: it finishes what runs and takes nothing new.
    Draining,
}

impl PageState {
    /// Every state, in the order of the enum: for metrics that pre-create their series.
    pub const ALL: [Self; 8] = [
        Self::Starting,
        Self::LoggingIn,
        Self::Ready,
        Self::Expired,
        Self::Challenge,
        Self::Blocked,
        Self::BrowserDown,
        Self::Draining,
    ];

    /// The word for it, as on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::LoggingIn => "logging_in",
            Self::Ready => "ready",
            Self::Expired => "expired",
            Self::Challenge => "challenge",
            Self::Blocked => "blocked",
            Self::BrowserDown => "browser_down",
            Self::Draining => "draining",
        }
    }

    /// Nothing Wormhole does by itself leads out of this state: a person must act.
    pub fn needs_person(self) -> bool {
        matches!(self, Self::Challenge | Self::Blocked)
    }
}

impl fmt::Display for PageState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
