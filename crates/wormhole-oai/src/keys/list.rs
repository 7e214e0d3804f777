//! Keys as text.

use std::fmt::{self, Write};
use std::sync::Arc;

use super::hash;
use crate::limits::Allowance;

/// What stands between a name and a hash.
const HASHED: &str = "sha256:";

/// A key, as its hash, and what it allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) name: String,
    pub(super) hash: [u8; 32],
    pub(super) accounts: Arc<[String]>,
    pub(super) allowance: Allowance,
}

/// Reads a list of keys.
///
/// # Errors
/// Says which entry is wrong, never what it holds.
pub(super) fn parse(text: &str) -> Result<Vec<Key>, String> {
    let mut keys: Vec<Key> = Vec::new();
    let mut place = 0;
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
        let (entries, options) = split(line);
        for entry in entries.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
            place += 1;
            let key = read(entry, options, place).map_err(|what| format!("entry {place} {what}"))?;
            if keys.iter().any(|known| known.name == key.name) {
                return Err(format!("entry {place} has the name of an earlier one"));
            }
            keys.push(key);
        }
    }
    Ok(keys)
}

/// The name of a line's only entry.
pub(super) fn name_of_line(line: &str) -> Option<&str> {
    let line = line.trim();
    let (entry, _) = split(line);
    let (name, _) = entry.split_once(':')?;
    (!line.starts_with('#') && !entry.contains(',')).then(|| name.trim())
}

/// The first key that stands there itself, and not as a hash.
pub(crate) fn plain_key(text: &str) -> Option<&str> {
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
    let entries = lines.flat_map(|line| split(line).0.split(',')).map(str::trim);
    let keys = entries.map(|entry| entry.split_once(':').map_or(entry, |(_, key)| key.trim()));
    keys.into_iter().find(|key| !key.is_empty() && !key.starts_with(HASHED))
}

/// A line is a list of entries, or one entry with options.
fn split(line: &str) -> (&str, &str) {
    let is_option = |word: &str| {
        word.split_once('=').is_some_and(|(name, _)| matches!(name, "rpm" | "concurrency" | "accounts"))
    };
    match line.split_once(char::is_whitespace) {
        Some((entry, options)) if options.split_whitespace().all(is_option) => (entry, options),
        _ => (line, ""),
    }
}

fn read(entry: &str, options: &str, place: usize) -> Result<Key, &'static str> {
    let (name, key) = match entry.split_once(':') {
        Some((name, key)) => (name.trim().to_owned(), key.trim()),
        None => (format!("key-{place}"), entry),
    };
    if key.is_empty() {
        return Err("has a name but no key");
    }
    if !is_name(&name) {
        return Err("needs a name of letters, digits, '.', '_' and '-' before its colon");
    }
    let hash = match key.strip_prefix(HASHED) {
        Some(hex) => {
            let bytes = hex::decode(hex).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
            bytes.ok_or("needs 64 hexadecimal digits after 'sha256:'")?
        }
        None => hash(key),
    };
    let mut read = Key { name, hash, accounts: Arc::default(), allowance: Allowance::default() };
    for option in options.split_whitespace() {
        let (name, value) = option.split_once('=').ok_or("has an option without a value")?;
        let number = || value.parse::<u32>().ok().filter(|number| (1..=100_000).contains(number));
        match name {
            "rpm" => {
                read.allowance.per_minute =
                    Some(number().ok_or("needs a number from 1 to 100000 after rpm=")?);
            }
            "concurrency" => {
                let number = number().ok_or("needs a number from 1 to 100000 after concurrency=")?;
                read.allowance.at_once = Some(number);
            }
            _ => {
                read.accounts =
                    value.split(',').filter(|account| !account.is_empty()).map(str::to_owned).collect();
                if read.accounts.is_empty() {
                    return Err("needs account names after accounts=");
                }
            }
        }
    }
    Ok(read)
}

/// What a key may be called.
pub(super) fn is_name(name: &str) -> bool {
    let is_of_a_name = |character: char| character.is_ascii_alphanumeric() || "._-".contains(character);
    !name.is_empty() && name.chars().all(is_of_a_name)
}

/// The line that [`parse`] reads.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{HASHED}{}{}", self.name, hex::encode(self.hash), self.options())
    }
}

impl Key {
    /// Limits and accounts, each after a space.
    pub(super) fn options(&self) -> String {
        let mut text = String::new();
        let Allowance { per_minute, at_once } = self.allowance;
        // Writing to a string cannot fail.
        if let Some(per_minute) = per_minute {
            let _ = write!(text, " rpm={per_minute}");
        }
        if let Some(at_once) = at_once {
            let _ = write!(text, " concurrency={at_once}");
        }
        if !self.accounts.is_empty() {
            let _ = write!(text, " accounts={}", self.accounts.join(","));
        }
        text
    }
}
