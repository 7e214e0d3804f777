//! Why there is no link.

use std::io;

use thiserror::Error;
use tokio_tungstenite::tungstenite;
use wormhole_protocol::{
    CLOSE_MALFORMED, CLOSE_PROTOCOL, CLOSE_REPLACED, CLOSE_UNAUTHORISED, DecodeError, PROTOCOL_VERSION,
};

/// The link over which this was to go is no more. What it was about is lost with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the link to the hub was lost")]
pub struct LinkLost;

/// Why a link could not be made, or ended. Never holds the token.
#[derive(Debug, Error)]
pub(crate) enum LinkError {
    #[error("the hub's address cannot be used: expected ws:// or wss://, a host and perhaps a port")]
    Address,
    #[error("cannot reach the hub: {}", .0.kind())]
    Dial(#[source] io::Error),
    #[error("the hub did not let us join in time")]
    JoinLate,
    #[error("the hub refused the token (HTTP 401): is it the one for this role?")]
    Unauthorised,
    #[error("the hub answered HTTP {0} instead of a WebSocket")]
    NoUpgrade(u16),
    #[error("the hub closed the link with code {code}{}", because(.reason))]
    Closed { code: u16, reason: String },
    #[error("the hub's first frame was no welcome")]
    NoWelcome,
    #[error("the hub's first frame cannot be read")]
    Welcome(#[source] DecodeError),
    #[error("the hub speaks protocol {0}, we speak {PROTOCOL_VERSION}")]
    Version(u32),
    #[error("the hub was silent for too long")]
    Silent,
    #[error("the hub does not read what we send")]
    Stalled,
    #[error("the link broke: {}", broken(.0))]
    Broken(#[source] Box<tungstenite::Error>),
    #[error("the link ended without a close frame")]
    Ended,
    #[error("the page became another one and has to join again")]
    Renamed,
    #[error("we ended the link")]
    Finished,
}

impl LinkError {
    /// Trying again soon will not help: somebody has to change a setting, upgrade, or stop the other peer.
    pub(crate) fn lasts(&self) -> bool {
        match self {
            Self::Unauthorised | Self::Version(_) | Self::Address => true,
            Self::Closed { code, .. } => {
                matches!(*code, CLOSE_MALFORMED | CLOSE_UNAUTHORISED | CLOSE_PROTOCOL | CLOSE_REPLACED)
            }
            _ => false,
        }
    }

    /// Another peer took our place: odd, but nobody's mistake as yet.
    pub(crate) fn is_replaced(&self) -> bool {
        matches!(self, Self::Closed { code: CLOSE_REPLACED, .. })
    }
}

impl From<tungstenite::Error> for LinkError {
    fn from(error: tungstenite::Error) -> Self {
        match error {
            tungstenite::Error::Http(response) if response.status() == http::StatusCode::UNAUTHORIZED => {
                Self::Unauthorised
            }
            tungstenite::Error::Http(response) => Self::NoUpgrade(response.status().as_u16()),
            tungstenite::Error::Url(_) => Self::Address,
            error => Self::Broken(Box::new(error)),
        }
    }
}

fn because(reason: &str) -> String {
    if reason.is_empty() { String::new() } else { format!(": {reason}") }
}

/// A word for it: tungstenite's own texts may quote what was received.
fn broken(error: &tungstenite::Error) -> String {
    match error {
        tungstenite::Error::Io(error) => {
            match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
                Some(tls) => tls.to_string(),
                None => error.kind().to_string(),
            }
        }
        tungstenite::Error::Tls(_) => "TLS failed".to_owned(),
        tungstenite::Error::Capacity(_) => "a frame was over the limit".to_owned(),
        tungstenite::Error::HttpFormat(_) => "the address cannot be used".to_owned(),
        tungstenite::Error::ConnectionClosed | tungstenite::Error::AlreadyClosed => "closed".to_owned(),
        _ => "the hub broke the WebSocket protocol".to_owned(),
    }
}
