//! What this program is.

use std::sync::LazyLock;

/// The version of the workspace, which all programs share.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The revision this program was built from, or `unknown` where the build did not say.
pub fn revision() -> &'static str {
    option_env!("WORMHOLE_REVISION").unwrap_or("unknown")
}

/// Version and revision as `--version` shows them, such as `0.1.0 (3f2c1a9)`.
pub(crate) static VERSION_LINE: LazyLock<String> = LazyLock::new(|| format!("{VERSION} ({})", revision()));
