//! Who may call: keys by name, compared in a time that tells nothing. A file of keys is read again when it changes.

mod command;
mod list;
mod watched;

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use http::HeaderMap;
use http::header::AUTHORIZATION;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use wormhole_runtime::ConfigError;

use crate::limits::Allowance;
pub use command::KeysArgs;
use list::Key;
pub(crate) use list::plain_key;
use watched::Watched;

/// The caller's name while no key is configured.
pub(crate) const ANONYMOUS: &str = "anonymous";

/// The configured keys, as hashes: the keys themselves are not kept. Cloning shares them.
#[derive(Clone, Default)]
pub struct Keys {
    fixed: Arc<[Key]>,
    file: Option<Arc<Watched>>,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.known().iter().map(|key| &key.name)).finish()
    }
}

/// Who calls, and what their key allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    /// The key's name.
    pub name: String,
    /// What everything that is stored for the key is filed under: its name and the beginning of its hash, so that a new
    /// key of an old name does not see what the old one stored.
    pub scope: String,
    /// The accounts it is bound to; all of them if empty.
    pub accounts: Arc<[String]>,
    /// How much it may do.
    pub allowance: Allowance,
}

impl Identity {
    /// Nobody in particular.
    pub(crate) fn anonymous() -> Self {
        Self {
            name: ANONYMOUS.to_owned(),
            scope: ANONYMOUS.to_owned(),
            accounts: Arc::default(),
            allowance: Allowance::default(),
        }
    }
}

impl Keys {
    /// Reads keys as a setting holds them: `name:key` or a bare key, one a line or between commas. A bare key's name is
    /// `key-<its place>`. Lines may have the form of the file, too (see [`from_file`](Self::from_file)).
    ///
    /// # Errors
    /// An empty key, a name used twice, or one with other characters than letters, digits, `.`, `_` and `-`.
    /// The message names the place, never the text.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let wrong = |message| ConfigError::new("WORMHOLE_API_KEYS", message);
        Ok(Self { fixed: list::parse(text).map_err(wrong)?.into(), file: None })
    }

    /// Reads keys from a file, and again whenever it changes. A line is `name:sha256:<hash>` or `name:key`, with
    /// options after it: `rpm=60` (requests a minute), `concurrency=2` (turns at once), `accounts=a,b` (only on these).
    /// Lines that begin with `#` are comments.
    ///
    /// # Errors
    /// The file cannot be read, holds no key, or an entry is wrong as in [`parse`](Self::parse).
    pub fn from_file(path: &Path) -> Result<Self, ConfigError> {
        Ok(Self { fixed: Arc::default(), file: Some(Arc::new(Watched::open(path)?)) })
    }

    /// No key is configured: everybody may call.
    pub fn is_empty(&self) -> bool {
        // A file from which the last key was taken lets nobody in.
        self.fixed.is_empty() && self.file.is_none()
    }

    fn known(&self) -> Arc<[Key]> {
        self.file.as_ref().map_or_else(|| self.fixed.clone(), |file| file.current())
    }

    /// The caller, if one of the headers that clients use holds a key that is known.
    pub(crate) fn caller(&self, headers: &HeaderMap) -> Option<Identity> {
        if self.is_empty() {
            return Some(Identity::anonymous());
        }
        let known = self.known();
        let bearer = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(after_bearer);
        let others =
            ["x-api-key", "api-key"].map(|name| headers.get(name).and_then(|value| value.to_str().ok()));
        std::iter::once(bearer).chain(others).flatten().find_map(|given| identify(&known, given))
    }
}

fn identify(known: &[Key], given: &str) -> Option<Identity> {
    let given = hash(given.trim());
    // Every key is compared, whichever matches.
    let found = known
        .iter()
        .fold(None, |found, key| if bool::from(key.hash.ct_eq(&given)) { Some(key) } else { found })?;
    Some(Identity {
        name: found.name.clone(),
        scope: format!("{}:{}", found.name, hex::encode(found.hash.split_at(4).0)),
        accounts: found.accounts.clone(),
        allowance: found.allowance,
    })
}

fn after_bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}

fn hash(key: &str) -> [u8; 32] {
    Sha256::digest(key.as_bytes()).into()
}

#[cfg(test)]
mod tests;
