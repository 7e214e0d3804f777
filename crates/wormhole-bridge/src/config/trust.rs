//! Certificates that no authority vouches for, trusted by the hashes of their keys and by nothing else.

use std::path::Path;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use wormhole_runtime::ConfigError;

const VARIABLE: &str = "CHROME_TRUST_KEYS_FILE";

/// Chromium's argument for the hashes in `file`, one a line.
///
/// # Errors
/// The file cannot be read, holds none, or a line is something else: Chromium itself would say nothing and trust nothing.
pub(super) fn argument(file: &Path) -> Result<String, ConfigError> {
    let wrong = |what: String| ConfigError::new(VARIABLE, format!("{}: {what}", file.display()));
    let text =
        std::fs::read_to_string(file).map_err(|error| wrong(format!("cannot read: {}", error.kind())))?;
    let hashes: Vec<_> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    if hashes.is_empty() {
        return Err(wrong("holds no key hash".to_owned()));
    }
    if let Some(line) = hashes.iter().find(|hash| !STANDARD.decode(hash).is_ok_and(|hash| hash.len() == 32)) {
        return Err(wrong(format!("expected the base64 of a SHA-256, found '{line}'")));
    }
    Ok(format!("--ignore-certificate-errors-spki-list={}", hashes.join(",")))
}
