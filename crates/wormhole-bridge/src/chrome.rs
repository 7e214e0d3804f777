//! Chromium as a process: found, launched, watched, ended; and the DevTools connection to it.
//! It knows nothing of tabs, scripts and sites.

mod args;
mod binary;
pub(crate) mod devtools;
mod error;
mod local_state;
mod metrics;
mod process;
pub(crate) mod processes;
mod profile;
mod publish;
mod scratch;
pub(crate) mod wear;

pub(crate) use self::binary::find;
pub(crate) use self::devtools::Gone;
pub use self::error::{GoneReason, LaunchError};
pub use self::metrics::ChromeMetrics;
pub(crate) use self::process::{Chrome, runs_without_sandbox};
pub(crate) use self::profile::ProfileLock;
pub use self::publish::Publish;
pub(crate) use self::publish::publish;
pub use self::wear::{Ceilings, Part, Reason, Wear};
