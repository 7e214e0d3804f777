//! Where something stands in a JSON value: names and indexes with dots between them, `choices.0.delta.content`.

use std::fmt;

use serde::Deserialize;
use serde_json::Value;

/// A place in a JSON value. The empty path is the value itself.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub struct FieldPath {
    text: String,
    steps: Vec<String>,
}

impl FieldPath {
    /// What stands there; `None` when a step of the way is missing. `null` is something.
    pub fn find<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        self.steps.iter().try_fold(value, |at, step| match at {
            Value::Array(items) => items.get(step.parse::<usize>().ok()?),
            _ => at.get(step),
        })
    }

    /// The text there, if it is text.
    pub fn text<'v>(&self, value: &'v Value) -> Option<&'v str> {
        self.find(value)?.as_str()
    }
}

impl From<String> for FieldPath {
    fn from(text: String) -> Self {
        let steps = if text.is_empty() { Vec::new() } else { text.split('.').map(str::to_owned).collect() };
        Self { text, steps }
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.text.is_empty() { "(the whole reply)" } else { &self.text })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(path: &str, expected: Option<&Value>) {
        let value = json!({"a": [{"b": null}, {"b": "x"}], "0": 7});
        assert_eq!(FieldPath::from(path.to_owned()).find(&value), expected, "{path}");
    }

    #[test]
    fn a_path_leads_through_objects_and_arrays() {
        check("a.1.b", Some(&json!("x")));
        check("a.0.b", Some(&Value::Null));
        check("0", Some(&json!(7)));
        check("a.2.b", None);
        check("a.x", None);
        check("a.1.b.c", None);
    }

    #[test]
    fn the_empty_path_is_the_value_itself() {
        let value = json!([1]);
        assert_eq!(FieldPath::from(String::new()).find(&value), Some(&value));
    }
}
