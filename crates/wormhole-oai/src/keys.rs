//! Who may call: keys by name, compared in a time that tells nothing.

use std::fmt;

use http::HeaderMap;
use http::header::AUTHORIZATION;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use wormhole_runtime::ConfigError;

/// The caller's name while no key is configured.
pub(crate) const ANONYMOUS: &str = "anonymous";

/// The configured keys, as hashes: the keys themselves are not kept.
#[derive(Clone, Default)]
pub struct Keys {
    known: Vec<(String, [u8; 32])>,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.known.iter().map(|(name, _)| name)).finish()
    }
}

impl Keys {
    /// Reads `name:key` or a bare key, one a line or between commas. A bare key's name is `key-<its place>`.
    ///
    /// # Errors
    /// An empty key, a name used twice, or one with other characters than letters, digits, `.`, `_` and `-`.
    /// The message names the place, never the text.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let mut keys = Self::default();
        let entries = text.split([',', '\n']).map(str::trim).filter(|entry| !entry.is_empty());
        for (index, entry) in entries.enumerate() {
            let place = index + 1;
            let wrong = |what: &str| ConfigError::new("WORMHOLE_API_KEYS", format!("entry {place} {what}"));
            let (name, key) = match entry.split_once(':') {
                Some((name, key)) => (name.trim().to_owned(), key.trim()),
                None => (format!("key-{place}"), entry),
            };
            if key.is_empty() {
                return Err(wrong("has a name but no key"));
            }
            if name.is_empty() || !name.chars().all(is_of_a_name) {
                return Err(wrong("needs a name of letters, digits, '.', '_' and '-' before its colon"));
            }
            if keys.known.iter().any(|(known, _)| *known == name) {
                return Err(wrong("has the name of an earlier one"));
            }
            keys.known.push((name, hash(key)));
        }
        Ok(keys)
    }

    /// No key is configured: everybody may call.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// The caller's name, if one of the headers that clients use holds a key that is known.
    pub fn caller(&self, headers: &HeaderMap) -> Option<&str> {
        if self.is_empty() {
            return Some(ANONYMOUS);
        }
        let bearer = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(after_bearer);
        let others =
            ["x-api-key", "api-key"].map(|name| headers.get(name).and_then(|value| value.to_str().ok()));
        std::iter::once(bearer).chain(others).flatten().find_map(|given| self.name_of(given))
    }

    fn name_of(&self, given: &str) -> Option<&str> {
        let given = hash(given.trim());
        // Every key is compared, whichever matches.
        self.known.iter().fold(None, |found, (name, known)| {
            if bool::from(known.ct_eq(&given)) { Some(name.as_str()) } else { found }
        })
    }
}

fn after_bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}

fn is_of_a_name(character: char) -> bool {
    character.is_ascii_alphanumeric() || "._-".contains(character)
}

fn hash(key: &str) -> [u8; 32] {
    Sha256::digest(key.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(http::HeaderName::from_static(name), value.parse().unwrap())])
    }

    #[test]
    fn keys_have_names_or_get_them_by_place() {
        let keys = Keys::parse("alice:k1, bare\nbob: k3 \n\n").unwrap();
        for (given, name) in
            [("k1", Some("alice")), ("bare", Some("key-2")), ("k3", Some("bob")), ("k", None), ("", None)]
        {
            assert_eq!(keys.caller(&headers("authorization", &format!("Bearer {given}"))), name, "{given}");
            assert_eq!(keys.caller(&headers("x-api-key", given)), name, "{given}");
            assert_eq!(keys.caller(&headers("api-key", given)), name, "{given}");
        }
        assert_eq!(keys.caller(&HeaderMap::new()), None);
        assert_eq!(keys.caller(&headers("authorization", "bearer k1")), Some("alice"));
        assert_eq!(keys.caller(&headers("authorization", "Basic k1")), None);
        assert_eq!(format!("{keys:?}"), r#"["alice", "key-2", "bob"]"#);
    }

    #[test]
    fn without_keys_any_token_will_do() {
        assert_eq!(Keys::default().caller(&headers("authorization", "Bearer ")), Some(ANONYMOUS));
        assert_eq!(Keys::default().caller(&HeaderMap::new()), Some(ANONYMOUS));
    }

    #[test]
    fn a_bad_entry_is_named_by_its_place() {
        for (text, what) in [
            ("a:k,b:", "entry 2 has a name"),
            ("a b:k", "entry 1 needs"),
            ("a:1,a:2", "entry 2 has the name"),
        ] {
            let error = Keys::parse(text).unwrap_err().to_string();
            assert!(error.starts_with("WORMHOLE_API_KEYS: ") && error.contains(what), "{error}");
        }
    }
}
