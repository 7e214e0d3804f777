//! Requests as a profile writes them: JSON and paths with `${name}` in them.
//!
//! A JSON text that is exactly one placeholder becomes the value with its type (`"${parent}"` becomes `3`);
//! inside a longer text the value is written out. Nothing in a value is ever read as a placeholder again.

use serde_json::Value;

/// What a template may name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Values<'a> {
    /// The message.
    pub(crate) text: &'a str,
    /// The model's public name.
    pub(crate) model: &'a str,
    /// The site's id of the model.
    pub(crate) model_id: &'a str,
    /// The site's id of the thread.
    pub(crate) conversation: &'a str,
    /// The number of turns before this one.
    pub(crate) parent: u32,
    /// The images as the profile writes them.
    pub(crate) images: &'a [Value],
}

/// Every name that a path may use.
pub(crate) const NAMES: [&str; 5] = ["text", "model", "model_id", "conversation", "parent"];
/// And every name that a body may use.
pub(crate) const BODY_NAMES: [&str; 6] = ["text", "model", "model_id", "conversation", "parent", IMAGES];
/// Becomes an array, so it is a text of its own wherever it stands.
const IMAGES: &str = "images";

impl Values<'_> {
    fn get(&self, name: &str) -> Option<Value> {
        Some(match name {
            "text" => Value::from(self.text),
            "model" => Value::from(self.model),
            "model_id" => Value::from(self.model_id),
            "conversation" => Value::from(self.conversation),
            "parent" => Value::from(self.parent),
            IMAGES => Value::from(self.images),
            _ => return None,
        })
    }

    /// A JSON template with its placeholders filled in.
    pub(crate) fn body(&self, template: &Value) -> Value {
        fill(template, &|name| self.get(name))
    }

    /// A path template with its placeholders filled in, each as one percent-encoded segment.
    pub(crate) fn path(&self, template: &str) -> String {
        write(&parts(template), &|name| self.get(name), |value| encode_segment(&value))
    }
}

/// What the name of a placeholder stands for.
type Get<'g> = &'g dyn Fn(&str) -> Option<Value>;

/// A JSON template with its placeholders filled in by `get`.
pub(crate) fn fill(template: &Value, get: Get<'_>) -> Value {
    match template {
        Value::String(text) => match parts(text).as_slice() {
            [Part::Name(name)] => get(name).unwrap_or_else(|| Value::from(text.as_str())),
            parts => Value::String(write(parts, get, |value| value)),
        },
        Value::Array(items) => items.iter().map(|item| fill(item, get)).collect(),
        Value::Object(map) => map.iter().map(|(key, item)| (key.clone(), fill(item, get))).collect(),
        other => other.clone(),
    }
}

fn write(parts: &[Part<'_>], get: Get<'_>, shape: impl Fn(String) -> String) -> String {
    let written = parts.iter().map(|part| match part {
        Part::Plain(plain) => (*plain).to_owned(),
        Part::Name(name) => shape(match get(name) {
            Some(Value::String(text)) => text,
            Some(other) => other.to_string(),
            None => format!("${{{name}}}"),
        }),
    });
    written.collect()
}

/// The first placeholder in any text of `template` that is not one of `names`.
pub(crate) fn unknown_name(template: &Value, names: &[&str]) -> Option<String> {
    find_text(template, &|text| unknown_name_in(text, names))
}

/// The first placeholder in `text` that is not one of `names`.
pub(crate) fn unknown_name_in(text: &str, names: &[&str]) -> Option<String> {
    parts(text).into_iter().find_map(|part| match part {
        Part::Name(name) if !names.contains(&name) => Some(name.to_owned()),
        _ => None,
    })
}

/// Some text of `template` uses this placeholder.
pub(crate) fn uses(template: &Value, name: &str) -> bool {
    find_text(template, &|text| parts(text).contains(&Part::Name(name)).then_some(())).is_some()
}

/// This text uses this placeholder.
pub(crate) fn uses_in(text: &str, name: &str) -> bool {
    parts(text).contains(&Part::Name(name))
}

/// Some text of `template` has the images in the middle of other words.
pub(crate) fn has_misplaced_images(template: &Value) -> bool {
    let misplaced = |text: &str| {
        let parts = parts(text);
        (parts.len() > 1 && parts.contains(&Part::Name(IMAGES))).then_some(())
    };
    find_text(template, &misplaced).is_some()
}

/// The first of what `find` finds in the texts of `template`.
fn find_text<T>(template: &Value, find: &dyn Fn(&str) -> Option<T>) -> Option<T> {
    match template {
        Value::String(text) => find(text),
        Value::Array(items) => items.iter().find_map(|item| find_text(item, find)),
        Value::Object(map) => map.values().find_map(|item| find_text(item, find)),
        _ => None,
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Part<'a> {
    Plain(&'a str),
    Name(&'a str),
}

fn parts(mut text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    while let Some((before, rest)) = text.split_once("${") {
        let Some((name, after)) = rest.split_once('}') else { break };
        if !before.is_empty() {
            parts.push(Part::Plain(before));
        }
        parts.push(Part::Name(name));
        text = after;
    }
    if !text.is_empty() {
        parts.push(Part::Plain(text));
    }
    parts
}

/// Only unreserved characters stay as they are: an id of the site can neither leave its segment nor start a query.
pub(crate) fn encode_segment(text: &str) -> String {
    use std::fmt::Write as _;
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric()
            || b"-_~".contains(&byte)
            || (byte == b'.' && text != "." && text != "..")
        {
            encoded.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn values() -> Values<'static> {
        Values {
            text: "say \"${model}\"\n",
            model: "gpt",
            model_id: "a/b",
            conversation: "../c?d",
            parent: 3,
            images: &[],
        }
    }

    #[test]
    fn a_text_that_is_one_placeholder_keeps_the_type_of_its_value() {
        assert_eq!(
            values().body(&json!({"n": "${parent}", "t": ["${text}"]})),
            json!({"n": 3, "t": ["say \"${model}\"\n"]})
        );
    }

    #[test]
    fn images_become_an_array_of_whatever_they_are() {
        let template = json!({"images": "${images}", "text": "${text}"});
        assert_eq!(values().body(&template)["images"], json!([]));
        let images = [json!("data:x"), json!({"url": "${text}"})];
        assert_eq!(Values { images: &images, ..values() }.body(&template)["images"], json!(images));
        assert!(!has_misplaced_images(&template) && uses(&template, "images"));
        assert!(has_misplaced_images(&json!([{"a": "${images} "}])));
    }

    #[test]
    fn placeholders_inside_a_text_are_written_out() {
        assert_eq!(values().body(&json!("<${model}|${parent}|${")), json!("<gpt|3|${"));
    }

    #[test]
    fn what_is_no_text_stays_as_it_is() {
        let plain = json!({"a": [1, true, null, {}]});
        assert_eq!(values().body(&plain), plain);
    }

    #[test]
    fn a_value_in_a_path_stays_inside_its_segment() {
        assert_eq!(values().path("/c/${conversation}/turn"), "/c/..%2Fc%3Fd/turn");
        assert_eq!(Values { conversation: "..", ..values() }.path("/c/${conversation}"), "/c/%2E%2E");
    }

    #[test]
    fn a_name_that_nobody_fills_in_is_found() {
        assert_eq!(
            unknown_name(&json!({"a": ["${text}", {"b": "x${prompt}y"}]}), &NAMES),
            Some("prompt".to_owned())
        );
        assert_eq!(unknown_name(&json!({"a": "${text} ${parent}"}), &NAMES), None);
    }
}
