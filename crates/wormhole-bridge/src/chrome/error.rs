//! Why Chromium could not be started, and why a running one is gone.

use std::{io, net::SocketAddr, path::PathBuf};

use thiserror::Error;

use super::wear::Reason;

/// Why a browser could not be started.
#[derive(Debug, Error)]
pub enum LaunchError {
    /// No Chromium was found.
    #[error("no Chromium found: set CHROME_BIN, or install the package chromium")]
    NoBinary,
    /// The profile folder cannot be used.
    #[error("cannot use the profile folder {}", .path.display())]
    Profile {
        /// The folder or the file in it.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Another process of ours holds the profile.
    #[error("the profile folder {} is held by {holder}", .path.display())]
    ProfileLocked {
        /// The folder.
        path: PathBuf,
        /// Host and process, as the holder wrote them.
        holder: String,
    },
    /// A Chromium that is not ours runs on the profile (its exit code 21).
    #[error("another Chromium ({owner}) is using the profile folder {}", .path.display())]
    ProfileInUse {
        /// The folder.
        path: PathBuf,
        /// Host and process, as that Chromium wrote them.
        owner: String,
    },
    /// The disk that the profile lies on is as good as full.
    #[error("only {free_mib} MiB are free for the profile folder {}: Chromium needs {needed_mib}", .path.display())]
    DiskFull {
        /// The folder.
        path: PathBuf,
        /// What is left.
        free_mib: u64,
        /// What must be.
        needed_mib: u64,
    },
    /// DevTools was to be published on an address that cannot be listened on.
    #[error("cannot publish DevTools on {addr}")]
    Publish {
        /// The address.
        addr: SocketAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Neither kind of sandbox can be set up here.
    #[error(
        "Chromium finds no usable sandbox: allow user namespaces (in a container, a seccomp profile that lets \
         it create them), or give it up with CHROME_SANDBOX=false"
    )]
    NoSandbox,
    /// The page script that was to replace ours cannot be read.
    #[error("cannot read the page script {}", .path.display())]
    Script {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The process could not be started.
    #[error("cannot start {}", .bin.display())]
    Spawn {
        /// The program.
        bin: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// It ended before it was ready.
    #[error("Chromium ended before it was ready ({status}){}", said(.stderr))]
    Exited {
        /// Exit code or signal.
        status: String,
        /// The end of what it said.
        stderr: String,
    },
    /// It took too long.
    #[error("Chromium was not ready in time, waiting for {0}")]
    Timeout(&'static str),
    /// The DevTools connection or a command on it failed.
    #[error("DevTools: {0}")]
    Devtools(String),
}

/// What it said, where it said something.
fn said(stderr: &str) -> String {
    if stderr.is_empty() { String::new() } else { format!(": {stderr}") }
}

/// Why a browser that ran is gone.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum GoneReason {
    /// The process ended: exit code or signal.
    #[error("Chromium ended ({0})")]
    Exited(String),
    /// The DevTools connection ended.
    #[error("the DevTools connection ended: {0}")]
    Disconnected(String),
    /// It did not answer the heartbeat.
    #[error("Chromium does not answer")]
    Hung,
    /// The tab kept crashing, or could not be opened again.
    #[error("the tab keeps crashing")]
    CrashLoop,
    /// It is closed in good order, to be started again.
    #[error("the browser is being replaced ({})", .0.label())]
    Recycled(Reason),
    /// The profile may not be used any more.
    #[error("the profile is another's now: {0}")]
    Withheld(String),
}

impl GoneReason {
    /// A word for metrics, from a closed set.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Exited(_) => "exited",
            Self::Disconnected(_) => "disconnected",
            Self::Hung => "hung",
            Self::CrashLoop => "crash_loop",
            Self::Recycled(_) => "recycled",
            Self::Withheld(_) => "withheld",
        }
    }
}
