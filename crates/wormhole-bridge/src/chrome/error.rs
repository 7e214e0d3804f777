//! Why Chromium could not be started, and why a running one is gone.

use std::{io, path::PathBuf};

use thiserror::Error;

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
    #[error("another Chromium is using the profile folder {}", .path.display())]
    ProfileInUse {
        /// The folder.
        path: PathBuf,
    },
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
    #[error("Chromium ended before it was ready ({status}): {stderr}")]
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
}

impl GoneReason {
    /// A word for metrics, from a closed set.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Exited(_) => "exited",
            Self::Disconnected(_) => "disconnected",
            Self::Hung => "hung",
            Self::CrashLoop => "crash_loop",
        }
    }
}
