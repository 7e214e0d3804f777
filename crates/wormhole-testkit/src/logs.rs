//! What must never stand in a log.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// Shorter values (a language, a flag) stand in logs by chance.
const TOO_SHORT_TO_TELL: usize = 6;

/// Asserts that none of `secrets` stands in any of the log files.
///
/// # Panics
/// When one does, naming the file and the line's number, not the secret.
pub(crate) fn assert_silent(logs: &[PathBuf], secrets: &[String]) {
    for path in logs {
        let text = fs::read_to_string(path).unwrap_or_default();
        for secret in secrets.iter().filter(|secret| secret.len() >= TOO_SHORT_TO_TELL) {
            let line = text.lines().position(|line| line.contains(secret.as_str()));
            assert!(
                line.is_none(),
                "{} tells a secret in line {}",
                path.display(),
                line.unwrap_or_default() + 1
            );
        }
    }
}

/// The values of the cookies that the bridge saved.
pub(crate) fn cookie_values(saved: &Path) -> Vec<String> {
    let Ok(bytes) = fs::read(saved) else { return Vec::new() };
    let mut values = Vec::new();
    collect(&serde_json::from_slice(&bytes).unwrap_or_default(), &mut values);
    values
}

fn collect(value: &Value, values: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, values)),
        Value::Object(fields) => {
            if let (Some(_), Some(text)) = (fields.get("name"), fields.get("value").and_then(Value::as_str)) {
                values.push(text.to_owned());
            }
            fields.values().for_each(|field| collect(field, values));
        }
        _ => {}
    }
}
