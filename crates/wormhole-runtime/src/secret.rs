//! Settings that are never printed, and how tokens are compared.

use std::path::Path;

pub use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::config::ConfigError;

/// Reads a secret from its variable or from the file that `<name>_FILE` names. An empty variable counts as unset,
/// because that is what Compose passes for one that is not set.
///
/// # Errors
/// Both are set, or the file cannot be read, is not text or is empty.
pub fn secret_from(
    value: Option<SecretString>,
    file: Option<&Path>,
    name: &str,
) -> Result<Option<SecretString>, ConfigError> {
    let value = value.filter(|value| !value.expose_secret().is_empty());
    let file = file.filter(|path| !path.as_os_str().is_empty());
    match (value, file) {
        (Some(_), Some(_)) => {
            Err(ConfigError::new(name, format!("set either {name} or {name}_FILE, not both")))
        }
        (value, None) => Ok(value),
        (None, Some(path)) => read_secret(path, name).map(Some),
    }
}

fn read_secret(path: &Path, name: &str) -> Result<SecretString, ConfigError> {
    let variable = format!("{name}_FILE");
    let text = std::fs::read_to_string(path).map_err(|error| {
        ConfigError::new(&variable, format!("cannot read {}: {}", path.display(), error.kind()))
    })?;
    // Editors and `echo` end files with a newline that is no part of the secret; other white space may be.
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    if text.is_empty() {
        return Err(ConfigError::new(&variable, format!("{} is empty", path.display())));
    }
    Ok(SecretString::from(text))
}

/// Whether `given` is the token, in a time that tells neither how far the two agree nor how long the token is.
pub fn same_token(given: &str, token: &SecretString) -> bool {
    let given = Sha256::digest(given.as_bytes());
    let token = Sha256::digest(token.expose_secret().as_bytes());
    given.as_slice().ct_eq(token.as_slice()).into()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn file_with(text: &str) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file
    }

    fn from_file(text: &str) -> Result<String, ConfigError> {
        let file = file_with(text);
        secret_from(None, Some(file.path()), "KEY").map(|secret| secret.unwrap().expose_secret().to_owned())
    }

    #[test]
    fn the_last_newline_of_the_file_is_no_part_of_the_secret() {
        assert_eq!(from_file("s3cret\n"), Ok("s3cret".to_owned()));
        assert_eq!(from_file("s3cret\r\n"), Ok("s3cret".to_owned()));
        assert_eq!(from_file(" two words "), Ok(" two words ".to_owned()));
        assert_eq!(from_file("a:1\nb:2\n"), Ok("a:1\nb:2".to_owned()));
    }

    #[test]
    fn an_empty_file_and_a_missing_file_name_the_file_variable() {
        assert_eq!(from_file("\n").unwrap_err().variable(), "KEY_FILE");
        let missing = secret_from(None, Some(Path::new("/nowhere/at/all")), "KEY").unwrap_err();
        assert_eq!(missing.to_string(), "KEY_FILE: cannot read /nowhere/at/all: entity not found");
    }

    #[test]
    fn both_sources_at_once_are_refused() {
        let file = file_with("other");
        let error = secret_from(Some("value".into()), Some(file.path()), "KEY").unwrap_err();
        assert_eq!(error.to_string(), "KEY: set either KEY or KEY_FILE, not both");
    }

    #[test]
    fn an_empty_variable_counts_as_unset() {
        assert!(secret_from(Some("".into()), None, "KEY").unwrap().is_none());
        assert!(secret_from(Some("".into()), Some(Path::new("")), "KEY").unwrap().is_none());
    }

    #[test]
    fn only_the_same_token_is_the_same() {
        let token = SecretString::from("abc");
        assert!(same_token("abc", &token));
        for other in ["", "ab", "abcd", "abC"] {
            assert!(!same_token(other, &token));
        }
        assert!(!format!("{token:?}").contains("abc"));
    }
}
