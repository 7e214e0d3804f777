//! What is counted of pages that come by WebSocket, or cannot.

use prometheus::IntCounterVec;
use wormhole_runtime::{Registry, counter_vec};

use crate::tab::TabError;

/// What became of a request for a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entry {
    /// A document that was not known.
    Joined,
    /// A document whose socket had broken.
    Resumed,
    /// Not from an origin of the site.
    Origin,
    /// Not with the token of this browser.
    Token,
    /// Another document is there.
    Busy,
    /// It did not say who it is, or not in time, or said later what nobody understands.
    Malformed,
    /// Too many are open.
    Full,
    /// A message was too large: the socket was closed.
    Oversized,
}

impl Entry {
    const ALL: [Self; 8] = [
        Self::Joined,
        Self::Resumed,
        Self::Origin,
        Self::Token,
        Self::Busy,
        Self::Malformed,
        Self::Full,
        Self::Oversized,
    ];

    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Joined => "joined",
            Self::Resumed => "resumed",
            Self::Origin => "wrong_origin",
            Self::Token => "wrong_token",
            Self::Busy => "busy",
            Self::Malformed => "malformed",
            Self::Full => "full",
            Self::Oversized => "oversized",
        }
    }
}

/// Why a page has no socket, as its script says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoSocket {
    /// Its Content-Security-Policy forbids it.
    Policy,
    /// A page over HTTPS may not, as the address is neither `wss://` nor loopback.
    Insecure,
    /// It could not be opened in time; the browser does not say to scripts why.
    Failed,
    /// It could not be opened again after it broke.
    Lost,
}

impl NoSocket {
    const ALL: [Self; 4] = [Self::Policy, Self::Insecure, Self::Failed, Self::Lost];

    /// The script's word; one that is not known says no more than that there is no socket.
    pub(crate) fn from_word(word: &str) -> Self {
        Self::ALL.into_iter().find(|reason| reason.label() == word).unwrap_or(Self::Failed)
    }

    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Policy => "policy",
            Self::Insecure => "insecure",
            Self::Failed => "failed",
            Self::Lost => "lost",
        }
    }

    /// What everybody is told who asks something of the page.
    pub(crate) fn error(self) -> TabError {
        match self {
            Self::Policy => TabError::Forbidden("Content-Security-Policy"),
            Self::Insecure => TabError::Forbidden("mixed content"),
            Self::Failed => {
                TabError::Forbidden("Local Network Access, or WORMHOLE_PAGE_URL does not lead to this bridge")
            }
            // It worked before: opening the page again may help.
            Self::Lost => TabError::ContextLost,
        }
    }
}

/// The metrics of the page port. Cloning shares them.
#[derive(Debug, Clone)]
pub struct PagePortMetrics {
    sockets: IntCounterVec,
    failures: IntCounterVec,
}

impl PagePortMetrics {
    /// Registers everything.
    ///
    /// # Errors
    /// A name is taken.
    pub fn register(registry: &Registry) -> prometheus::Result<Self> {
        let sockets = counter_vec(
            registry,
            "wormhole_bridge_page_sockets_total",
            "WebSockets that asked for the page port, by what became of them",
            &["outcome"],
        )?;
        let failures = counter_vec(
            registry,
            "wormhole_bridge_page_socket_failures_total",
            "Times the page had no WebSocket, by the reason its script gave",
            &["reason"],
        )?;
        for entry in Entry::ALL {
            sockets.with_label_values(&[entry.label()]);
        }
        for reason in NoSocket::ALL {
            failures.with_label_values(&[reason.label()]);
        }
        Ok(Self { sockets, failures })
    }

    pub(crate) fn entry(&self, entry: Entry) {
        self.sockets.with_label_values(&[entry.label()]).inc();
    }

    pub(crate) fn no_socket(&self, reason: NoSocket) {
        self.failures.with_label_values(&[reason.label()]).inc();
    }
}
