//! What this program is.

/// The version of the workspace, which all programs share.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The revision this program was built from, or `unknown` where the build did not say.
pub fn revision() -> &'static str {
    option_env!("WORMHOLE_REVISION").unwrap_or("unknown")
}
