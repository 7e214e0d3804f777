//! The members and elements of JSON, each as it is written.

use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;

/// The members of a JSON object, in order, each value as it is written.
pub(in crate::tools) fn members(object: &str) -> Option<Vec<(String, &str)>> {
    struct Members;
    impl<'de> Visitor<'de> for Members {
        type Value = Vec<(String, &'de str)>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut all = Vec::new();
            while let Some((key, value)) = map.next_entry::<String, &'de RawValue>()? {
                all.push((key, value.get()));
            }
            Ok(all)
        }
    }
    let mut deserializer = serde_json::Deserializer::from_str(object);
    serde::Deserializer::deserialize_map(&mut deserializer, Members).ok()
}

/// The elements of a JSON array, each as it is written.
pub(in crate::tools) fn elements(array: &str) -> Option<Vec<&str>> {
    let raw: Vec<&RawValue> = serde_json::from_str(array).ok()?;
    Some(raw.into_iter().map(RawValue::get).collect())
}

/// A member of an object that may be cut off.
pub(in crate::tools) struct Member<'a> {
    /// Its key.
    pub(in crate::tools) key: String,
    /// Its value, or the beginning of it.
    pub(in crate::tools) value: &'a str,
    /// Where the value ends in the text.
    pub(in crate::tools) end: usize,
    /// Nothing is missing of it.
    pub(in crate::tools) is_whole: bool,
}

/// The members of an object without spaces that may end anywhere outside a key.
pub(in crate::tools) fn partial_members(object: &str) -> Vec<Member<'_>> {
    let mut all = Vec::new();
    let mut at = 1;
    while let Some(key_end) = string_end(object, at) {
        let Ok(key) = serde_json::from_str::<String>(&object[at..key_end]) else { break };
        let start = (key_end + 1).min(object.len());
        let (end, is_whole) = value_end(object, start);
        all.push(Member { key, value: &object[start..end], end, is_whole });
        if object.as_bytes().get(end) != Some(&b',') {
            break;
        }
        at = end + 1;
    }
    all
}

/// The end of the whole string that starts here.
fn string_end(text: &str, start: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    if bytes.get(start) != Some(&b'"') {
        return None;
    }
    let mut at = start + 1;
    loop {
        match bytes.get(at)? {
            b'\\' => at += 2,
            b'"' => return Some(at + 1),
            _ => at += 1,
        }
    }
}

/// Where the value that starts here ends, and whether that is its end.
fn value_end(text: &str, start: usize) -> (usize, bool) {
    let bytes = text.as_bytes();
    let (mut at, mut depth) = (start, 0_usize);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => {
                let Some(end) = string_end(text, at) else { return (text.len(), false) };
                at = end;
                if depth == 0 {
                    return (at, true);
                }
                continue;
            }
            b'{' | b'[' => depth += 1,
            b',' | b'}' | b']' if depth == 0 => return (at, true),
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    return (at + 1, true);
                }
            }
            _ => {}
        }
        at += 1;
    }
    (text.len(), false)
}
