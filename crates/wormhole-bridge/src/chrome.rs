//! Chromium as a process: found, launched, watched, ended; and the DevTools connection to it.
//! It knows nothing of tabs, scripts and sites.

mod args;
mod binary;
pub(crate) mod devtools;
mod error;
mod process;
mod profile;

pub(crate) use self::binary::find;
pub(crate) use self::devtools::Gone;
pub use self::error::{GoneReason, LaunchError};
pub(crate) use self::process::Chrome;
pub(crate) use self::profile::ProfileLock;
