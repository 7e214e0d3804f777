//! Arguments that obey a JSON schema, as far as simple schemas go.

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

/// Schemas of schemas of schemas end somewhere.
const DEEPEST: usize = 8;

/// An object with the required properties of `schema`.
pub(super) fn of(schema: &Value) -> Value {
    match value(schema, 0) {
        value @ Value::Object(_) => value,
        _ => json!({}),
    }
}

/// JSON that obeys `schema`; where it is null, some object.
pub(super) fn json(schema: &Value) -> String {
    let value = if schema.is_null() { json!({"practice": true}) } else { value(schema, 0) };
    value.to_string()
}

fn value(schema: &Value, depth: usize) -> Value {
    if depth > DEEPEST {
        return Value::Null;
    }
    let given = ["const", "default"].into_iter().find_map(|key| schema.get(key));
    let listed = schema.get("enum").and_then(|all| all.get(0));
    if let Some(value) = given.or(listed) {
        return value.clone();
    }
    if let Some(first) = ["anyOf", "oneOf"].into_iter().find_map(|key| schema.get(key)?.get(0)) {
        return value(first, depth + 1);
    }
    let least = |key: &str| schema.get(key).and_then(Value::as_u64).unwrap_or_default();
    match kind(schema) {
        "object" => object(schema, depth),
        "array" => {
            let item = value(schema.get("items").unwrap_or(&Value::Null), depth + 1);
            (0..least("minItems").min(16)).map(|_| item.clone()).collect()
        }
        "integer" | "number" => schema.get("minimum").cloned().unwrap_or_else(|| json!(1)),
        "boolean" => json!(false),
        "null" => Value::Null,
        _ => json!("practice"),
    }
}

fn object(schema: &Value, depth: usize) -> Value {
    let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
    let property =
        |name: &str| schema.get("properties").and_then(|all| all.get(name)).unwrap_or(&Value::Null);
    let filled =
        required.filter_map(Value::as_str).map(|name| (name.to_owned(), value(property(name), depth + 1)));
    Value::Object(filled.collect::<Map<_, _>>())
}

/// The type; of several the first that is not `null`.
fn kind(schema: &Value) -> &str {
    match schema.get("type") {
        Some(Value::String(kind)) => kind,
        Some(Value::Array(kinds)) => {
            kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null").unwrap_or("null")
        }
        _ if schema.get("properties").is_some() => "object",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_required_is_filled_in_and_nothing_else() {
        let schema = json!({
            "type": "object",
            "required": ["path", "mode", "lines", "deep", "maybe", "all", "list"],
            "properties": {
                "path": {"type": "string"}, "mode": {"enum": ["r", "w"]}, "lines": {"type": "integer", "minimum": 3},
                "deep": {"properties": {"x": {"const": 7}}, "required": ["x"]}, "maybe": {"type": ["null", "number"]},
                "all": {"type": "boolean"}, "other": {"type": "string"},
                "list": {"type": "array", "minItems": 1, "items": {"anyOf": [{"type": "null"}]}},
            },
        });
        let expected = json!({
            "path": "practice", "mode": "r", "lines": 3, "deep": {"x": 7}, "maybe": 1, "all": false, "list": [null],
        });
        assert_eq!(of(&schema), expected);
        assert_eq!(of(&json!({"type": "string"})), json!({}));
        assert_eq!(of(&Value::Null), json!({}));
    }
}
