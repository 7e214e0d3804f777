//! Checks of single fields while a profile is read, so that an error carries its line.

use std::time::Duration;

use serde::{Deserialize, Deserializer, de::Error};
use serde_json::Value;
use url::{Host, Url};

use crate::site::{images::ITEM_NAMES, template};

/// Whether `url` is an origin that may receive the script, and credentials; the error says what would be right.
pub(crate) fn origin_problem(url: &Url) -> Option<&'static str> {
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        Some("an origin starts with https://")
    } else if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        Some("an origin has no path, query or fragment")
    } else if !url.username().is_empty() || url.password().is_some() {
        Some("an origin holds no credentials")
    } else if url.scheme() == "http" && !is_near(url) {
        Some("http:// is only for this machine and private networks; use https://")
    } else {
        None
    }
}

/// The host is this machine or on a network that is nobody else's: there plain HTTP is no leak.
fn is_near(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback() || ip.is_private(),
        Some(Host::Ipv6(ip)) => ip.is_loopback() || ip.is_unique_local(),
        // A name without a dot is a container or a host of the same network.
        Some(Host::Domain(name)) => {
            !name.contains('.')
                || [".localhost", ".local", ".internal", ".test"].iter().any(|end| name.ends_with(end))
        }
        None => false,
    }
}

pub(super) fn name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let name = String::deserialize(deserializer)?;
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.is_empty() || name.len() > 40 || !name.chars().all(fits) {
        return Err(D::Error::custom("a name is made of 1 to 40 of a-z, 0-9 and -"));
    }
    Ok(name)
}

pub(super) fn origin<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Url, D::Error> {
    let text = String::deserialize(deserializer)?;
    let url = Url::parse(&text).map_err(|error| D::Error::custom(format!("no URL: {error}")))?;
    origin_problem(&url).map_or(Ok(url), |problem| Err(D::Error::custom(problem)))
}

pub(super) fn optional_origin<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Url>, D::Error> {
    origin(deserializer).map(Some)
}

pub(super) fn origins<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Url>, D::Error> {
    #[derive(Deserialize)]
    struct Origin(#[serde(deserialize_with = "origin")] Url);
    Ok(Vec::<Origin>::deserialize(deserializer)?.into_iter().map(|Origin(url)| url).collect())
}

/// A path of the site, with placeholders that exist.
pub(super) fn path<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let path = String::deserialize(deserializer)?;
    path_with(&path, &template::NAMES)?;
    Ok(path)
}

/// The same for a path that is read already, with its own placeholders.
pub(super) fn path_with<E: Error>(path: &str, names: &[&str]) -> Result<(), E> {
    // `//host` and `/\host` lead to another origin.
    if !path.starts_with('/')
        || path.starts_with("//")
        || path.contains('\\')
        || path.contains(char::is_whitespace)
    {
        return Err(E::custom("a path starts with one / and holds no space or backslash"));
    }
    known_names(template::unknown_name_in(path, names), names)
}

pub(super) fn body<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    let body = Value::deserialize(deserializer)?;
    known_names(template::unknown_name(&body, &template::BODY_NAMES), &template::BODY_NAMES)?;
    if template::has_misplaced_images(&body) {
        return Err(D::Error::custom("'${images}' becomes an array, so it must be the whole text"));
    }
    Ok(Some(body))
}

/// One image as JSON, with its bytes somewhere in it.
pub(super) fn image_item<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
    let item = Value::deserialize(deserializer)?;
    known_names(template::unknown_name(&item, &ITEM_NAMES), &ITEM_NAMES)?;
    if template::uses(&item, "base64") {
        Ok(item)
    } else {
        Err(D::Error::custom("an image is nothing without ${base64}"))
    }
}

/// Kinds of images.
pub(super) fn media_types<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let kinds = some_texts(deserializer)?;
    let is_kind = |kind: &String| {
        kind.strip_prefix("image/").is_some_and(|rest| !rest.is_empty())
            && !kind.contains(|c: char| c.is_whitespace() || c.is_ascii_uppercase())
    };
    if kinds.iter().all(is_kind) {
        Ok(kinds)
    } else {
        Err(D::Error::custom("a media type of an image is written image/png, in small letters"))
    }
}

pub(super) fn image_count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    let count = usize::deserialize(deserializer)?;
    if (1..=64).contains(&count) {
        Ok(count)
    } else {
        Err(D::Error::custom("a turn takes 1 to 64 images; where it takes none, leave the section out"))
    }
}

fn known_names<E: Error>(unknown: Option<String>, names: &[&str]) -> Result<(), E> {
    unknown.map_or(Ok(()), |name| {
        let known = names.iter().map(|name| format!("${{{name}}}")).collect::<Vec<_>>().join(", ");
        Err(E::custom(format!("unknown placeholder ${{{name}}}; there are {known}")))
    })
}

/// What is wrong with an empty selector.
pub(super) const EMPTY: &str = "an empty text fits everything or nothing; leave it out";

/// A CSS selector.
pub(super) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.trim().is_empty() { Err(D::Error::custom(EMPTY)) } else { Ok(text) }
}

/// A CSS selector that may be left out.
pub(super) fn optional_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    text(deserializer).map(Some)
}

/// CSS selectors, or words to look for: none of them empty.
pub(super) fn texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    if texts.iter().any(|text| text.trim().is_empty()) {
        return Err(D::Error::custom(EMPTY));
    }
    Ok(texts)
}

/// The same, and at least one.
pub(super) fn some_texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let texts = texts(deserializer)?;
    if texts.is_empty() { Err(D::Error::custom("at least one is needed")) } else { Ok(texts) }
}

/// An HTTP status that is an error.
pub(super) fn error_status<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u16, D::Error> {
    let status = u16::deserialize(deserializer)?;
    if (400..600).contains(&status) {
        Ok(status)
    } else {
        Err(D::Error::custom("an error status is 400 to 599"))
    }
}

pub(super) fn statuses<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u16>, D::Error> {
    #[derive(Deserialize)]
    struct Status(#[serde(deserialize_with = "error_status")] u16);
    Ok(Vec::<Status>::deserialize(deserializer)?.into_iter().map(|Status(status)| status).collect())
}

pub(super) fn capacity<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let capacity = u32::deserialize(deserializer)?;
    if (1..=64).contains(&capacity) { Ok(capacity) } else { Err(D::Error::custom("a capacity is 1 to 64")) }
}

pub(super) fn text_limit<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    let bytes = usize::deserialize(deserializer)?;
    if bytes > 0 { Ok(bytes) } else { Err(D::Error::custom("a limit of 0 refuses everything")) }
}

/// Durations in profiles carry units: `1s`, `250ms`.
pub(super) fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    humantime::parse_duration(&text)
        .map_err(|error| D::Error::custom(format!("no duration such as 1s or 250ms: {error}")))
}

/// A time to wait: not nothing.
pub(super) fn wait<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let wait = duration(deserializer)?;
    if wait.is_zero() { Err(D::Error::custom("a wait of 0 never succeeds")) } else { Ok(wait) }
}
