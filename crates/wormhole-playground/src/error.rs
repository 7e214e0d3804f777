//! What can go wrong before the site is open, and what a waiting test is told.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::observe::Snapshot;

/// Why the site could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum SiteError {
    /// An address is taken or not ours.
    #[error("cannot listen on {address}")]
    Bind {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The self-signed certificate could not be made.
    #[error("cannot make the practice site's certificate")]
    Certificate(#[from] rcgen::Error),
    /// The certificate's key could not be kept.
    #[error("PLAYGROUND_IDENTITY: cannot use {}", .path.display())]
    Identity {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// TLS could not be set up with that certificate.
    #[error("cannot set up TLS for the practice site")]
    Tls(#[from] rustls::Error),
    /// The HTTP client for the model server could not be made.
    #[error("cannot make the HTTP client for the model server")]
    Client(#[from] reqwest::Error),
    /// A setting is not usable; the text names it.
    #[error("{setting} {problem}")]
    Setting {
        /// The setting as an operator spells it.
        setting: &'static str,
        /// What is wrong and what would be right.
        problem: String,
    },
}

/// A condition did not hold within its time.
#[derive(Debug, thiserror::Error)]
#[error("the practice site did not get there in time; last seen: {last:?}")]
pub struct Unmet {
    /// What the site had seen when time was up.
    pub last: Box<Snapshot>,
}

/// A control call named a conversation that the site does not have.
#[derive(Debug, thiserror::Error)]
#[error("the practice site has no conversation `{0}`")]
pub struct UnknownConversation(pub String);
