//! How far the arguments of a call that is still being written are certain to pass the check at its end.
//!
//! Only schemas that say plainly what they want are understood: an object whose properties are checked one by one.
//! Arguments flow once every required one is there and each whole one is right; of the one that is being written only a
//! string flows, and only where every string is right. Flowing begins with a long string: short calls are passed on
//! when they are whole, when everything can still be repaired.

use std::collections::BTreeMap;

use serde_json::Value;

use super::json::{Member, partial_members, write_string};

/// Keywords of an object's schema that say nothing beyond the properties.
const PLAIN_OBJECT: &[&str] =
    &["type", "properties", "required", "additionalProperties", "title", "description", "$schema"];

/// Keywords of a string's schema that refuse no string.
const PLAIN_STRING: &[&str] = &["type", "title", "description", "default", "examples"];

/// The least bytes of a string that is worth passing on while it is written.
pub(super) const LONG: usize = 256;

/// What a schema asks for, property by property.
#[derive(Debug)]
pub(super) struct Gate {
    properties: BTreeMap<String, Property>,
    required: Vec<String>,
    takes_others: bool,
}

#[derive(Debug)]
struct Property {
    schema: Value,
    validator: Option<jsonschema::Validator>,
    is_free_text: bool,
}

impl Gate {
    /// None where the schema is not understood.
    pub(super) fn new(schema: &Value) -> Option<Self> {
        let schema = schema.as_object()?;
        let is_plain = schema.keys().all(|key| PLAIN_OBJECT.contains(&key.as_str()));
        if !is_plain || schema.get("type").is_none_or(|kind| kind != "object") {
            return None;
        }
        let takes_others = match schema.get("additionalProperties") {
            None | Some(Value::Bool(true)) => true,
            Some(Value::Bool(false)) => false,
            Some(_) => return None,
        };
        let properties = schema.get("properties").and_then(Value::as_object);
        let properties =
            properties.into_iter().flatten().map(|(key, schema)| (key.clone(), Property::new(schema)));
        let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
        let required = required.filter_map(|name| name.as_str().map(str::to_owned)).collect();
        Some(Self { properties: properties.collect(), required, takes_others })
    }

    /// How many bytes of the arguments so far, which are strict JSON without spaces, are certain and flow. What flows of
    /// a beginning is a beginning of what flows of the whole.
    pub(super) fn certain(&self, arguments: &str) -> usize {
        let mut seen = Vec::new();
        let (mut certain, mut has_begun) = (1, false);
        for member in partial_members(arguments) {
            if !self.flows(&member) {
                break;
            }
            let is_long = member.value.len() >= LONG && self.is_free(&member.key);
            certain = member.end;
            seen.push(member.key);
            has_begun |= is_long && self.required.iter().all(|name| seen.contains(name));
        }
        if has_begun { certain.min(arguments.len()) } else { 0 }
    }

    /// The whole arguments where a part of them has flowed already: what follows is set right member by member.
    pub(super) fn settled(&self, arguments: &str) -> String {
        let certain = self.certain(arguments);
        let mut settled = arguments[..certain].to_owned();
        for member in partial_members(arguments).into_iter().filter(|member| member.end > certain) {
            let property = self.properties.get(&member.key).filter(|_| !self.flows(&member));
            let value = serde_json::from_str(member.value).ok();
            let value =
                property.zip(value).map(|(property, value)| super::coerced_value(&property.schema, value));
            settled.push(',');
            write_string(&mut settled, &member.key);
            settled.push(':');
            match value {
                Some(value) => settled.push_str(&value.to_string()),
                None => settled.push_str(member.value),
            }
        }
        settled.push('}');
        settled
    }

    fn is_free(&self, key: &str) -> bool {
        self.properties.get(key).is_some_and(|property| property.is_free_text)
    }

    fn flows(&self, member: &Member<'_>) -> bool {
        let Some(property) = self.properties.get(&member.key) else {
            return self.takes_others && member.is_whole;
        };
        if !member.is_whole {
            return property.is_free_text && member.value.starts_with('"');
        }
        let value = serde_json::from_str::<Value>(member.value);
        value.is_ok_and(|value| {
            property.validator.as_ref().is_some_and(|validator| validator.is_valid(&value))
        })
    }
}

impl Property {
    fn new(schema: &Value) -> Self {
        // A reference into the rest of the schema does not compile alone; then nothing of it flows.
        let validator = super::compiled(schema);
        let is_free_text = schema.as_object().is_some_and(|schema| {
            schema.get("type").is_some_and(|kind| kind == "string")
                && schema.keys().all(|key| PLAIN_STRING.contains(&key.as_str()))
        });
        Self { schema: schema.clone(), validator, is_free_text }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn certain<'a>(schema: &Value, arguments: &'a str) -> &'a str {
        &arguments[..Gate::new(schema).unwrap().certain(arguments)]
    }

    #[test]
    fn long_text_flows_once_everything_required_is_there() {
        let schema = json!({"type": "object", "required": ["path", "content"], "properties": {
            "path": {"type": "string"}, "content": {"type": "string"}, "mode": {"type": "integer"}}});
        let long = "x".repeat(LONG);
        let begun = format!(r#"{{"path":"a","content":"{long}"#);
        let whole = format!("{begun}\"");
        for (arguments, expected) in [
            ("{".to_owned(), String::new()),
            (format!(r#"{{"path":"{long}"#), String::new()),
            (r#"{"path":"a","content":"short"}"#.to_owned(), String::new()),
            (begun.clone(), begun.clone()),
            (format!(r#"{whole},"mode":"#), whole.clone()),
            (format!(r#"{whole},"mode":1,"z":2}}"#), format!(r#"{whole},"mode":1,"z":2"#)),
            (format!(r#"{whole},"mode":"no"}}"#), whole.clone()),
            (begun.replace("\"a\"", "1"), String::new()),
        ] {
            assert_eq!(certain(&schema, &arguments), expected, "{arguments}");
        }
        let settled = Gate::new(&schema).unwrap().settled(&format!(r#"{whole},"mode":"5","z":"y"}}"#));
        assert_eq!(settled, format!(r#"{whole},"mode":5,"z":"y"}}"#));
    }

    #[test]
    fn what_may_be_refused_later_does_not_flow() {
        let long = format!(r#"{{"q":"{}"#, "x".repeat(LONG));
        let closed = json!({"type": "object", "properties": {"q": {"type": "string", "maxLength": 9}}});
        assert_eq!(certain(&closed, &long), "");
        for schema in [json!({"type": "object", "minProperties": 1}), json!({"anyOf": []}), json!(true)] {
            assert!(Gate::new(&schema).is_none());
        }
    }
}
