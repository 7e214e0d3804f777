//! Tools on a site that has none: calls are read out of the text that the model writes (docs/adr/0007).
//!
//! Pure: the scanner is fed deltas and gives back what is certain; nothing here knows a turn or a dialect.

mod forms;
mod gate;
mod json;
mod scanner;
mod tags;

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::Value;

use crate::chat::{Tool, ToolChoice};
pub(crate) use json::whole as json_whole;
pub(crate) use scanner::{Piece, Problem, Scanner};

/// The most errors of one call that the model is told of.
const MAX_TOLD: usize = 4;

/// The most bytes of one error: some quote the value.
const MAX_ERROR_BYTES: usize = 300;

/// The tools of a request, ready to check calls.
#[derive(Debug)]
pub(crate) struct ToolSet {
    tools: BTreeMap<String, Checked>,
    choice: ToolChoice,
}

/// A tool with its schema compiled.
#[derive(Debug)]
struct Checked {
    schema: Value,
    /// None where the client's schema is none: then every object passes.
    validator: Option<jsonschema::Validator>,
    gate: Option<gate::Gate>,
}

/// A call as it was read: the tool's name, and the JSON text of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Called {
    /// The tool.
    pub name: String,
    /// Its arguments.
    pub arguments: String,
}

impl ToolSet {
    /// The tools of a request; none where there are none or none may be called.
    pub(crate) fn new(tools: &[Tool], choice: &ToolChoice) -> Option<Self> {
        if tools.is_empty() || *choice == ToolChoice::None {
            return None;
        }
        let tools = tools.iter().map(|tool| (tool.name.clone(), Checked::new(&tool.parameters)));
        Some(Self { tools: tools.collect(), choice: choice.clone() })
    }

    /// What the model must do and did not, where it called nothing.
    pub(crate) fn missing(&self) -> Option<String> {
        match &self.choice {
            ToolChoice::Auto | ToolChoice::None => None,
            ToolChoice::Required => {
                Some("No tool was called, but the answer must be a tool call.".to_owned())
            }
            ToolChoice::Named(name) => {
                Some(format!("The tool \"{name}\" was not called, but the answer must be a call of it."))
            }
        }
    }

    /// The tool's own name from what the model wrote: with a prefix, in other case, with other dashes.
    fn resolve(&self, written: &str) -> Option<&str> {
        let written = written.trim();
        let exact = |name: &str| self.tools.get_key_value(name).map(|(name, _)| name.as_str());
        if let Some(name) = exact(written) {
            return Some(name);
        }
        let bare = written.rsplit(['.', '/']).next().unwrap_or(written);
        // Kimi counts its calls: `functions.search:0`.
        let bare = bare.split_once(':').map_or(bare, |(name, _)| name);
        if let Some(name) = exact(bare) {
            return Some(name);
        }
        let mut alike = self.tools.keys().filter(|name| folded(name) == folded(bare));
        alike.next().filter(|_| alike.next().is_none()).map(String::as_str)
    }

    fn schema(&self, name: &str) -> Option<&Value> {
        self.tools.get(name).map(|tool| &tool.schema)
    }

    fn gate(&self, name: &str) -> Option<&gate::Gate> {
        self.tools.get(name)?.gate.as_ref().filter(|_| self.allows(name))
    }

    fn allows(&self, name: &str) -> bool {
        !matches!(&self.choice, ToolChoice::Named(only) if only != name)
    }

    /// Checks a call. Arguments of a wrong type whose meaning is plain are set right: `"5"` where a number is expected.
    ///
    /// # Errors
    /// What is wrong, for the model.
    fn check(&self, call: Called) -> Result<Called, String> {
        let Called { name, arguments } = call;
        let Some(own) = self.resolve(&name) else {
            let known: Vec<_> = self.tools.keys().map(String::as_str).collect();
            return Err(format!("There is no tool \"{name}\". The tools are: {}.", known.join(", ")));
        };
        if !self.allows(own) {
            return Err(format!(
                "The tool \"{own}\" must not be called now. {}",
                self.missing().unwrap_or_default()
            ));
        }
        let Ok(value @ Value::Object(_)) = serde_json::from_str::<Value>(&arguments) else {
            return Err(format!("The arguments of \"{own}\" are not a JSON object."));
        };
        let tool = &self.tools[own];
        let Some(wrong) = tool.wrong(&value) else {
            return Ok(Called { name: own.to_owned(), arguments });
        };
        let coerced = coerced(&tool.schema, value);
        if tool.wrong(&coerced).is_none() {
            return Ok(Called { name: own.to_owned(), arguments: coerced.to_string() });
        }
        Err(format!("The arguments of \"{own}\" do not obey its schema:{wrong}"))
    }
}

impl Checked {
    fn new(schema: &Value) -> Self {
        let validator = compiled(schema);
        let gate = validator.is_some().then(|| gate::Gate::new(schema)).flatten();
        Self { schema: schema.clone(), validator, gate }
    }

    fn wrong(&self, value: &Value) -> Option<String> {
        errors(self.validator.as_ref()?, value)
    }
}

/// A schema's validator; none where it is no schema, or names another that would have to be fetched.
pub(crate) fn compiled(schema: &Value) -> Option<jsonschema::Validator> {
    jsonschema::options().build(schema).ok()
}

/// What is wrong with a value, each error on a line with its place; none if nothing is.
pub(crate) fn errors(validator: &jsonschema::Validator, value: &Value) -> Option<String> {
    let mut told = String::new();
    for error in validator.iter_errors(value).take(MAX_TOLD) {
        let mut message = error.to_string();
        message.truncate(message.floor_char_boundary(MAX_ERROR_BYTES));
        let place = error.instance_path().to_string();
        let place = if place.is_empty() { "the whole" } else { &place };
        write!(told, "\n- at {place}: {message}").expect("writing to a string cannot fail");
    }
    (!told.is_empty()).then_some(told)
}

/// The JSON value that begins at a place of a text, written tolerantly, whatever follows it.
pub(crate) fn json_at(text: &str, start: usize) -> Option<String> {
    let mut reader = json::Reader::new(text, start, true);
    reader.value().ok()?;
    Some(reader.out)
}

/// Sets right what is only written in the wrong type, where the schema says the type plainly.
fn coerced(schema: &Value, mut value: Value) -> Value {
    let Some(object) = value.as_object_mut() else { return value };
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return value };
    let required: Vec<_> = schema.get("required").and_then(Value::as_array).into_iter().flatten().collect();
    object.retain(|key, value| {
        // A null where the argument may be left out means that it is left out.
        let is_needed = required.iter().any(|name| name.as_str() == Some(key));
        let takes_null = properties.get(key).is_none_or(|schema| takes(schema, "null"));
        !value.is_null() || is_needed || takes_null
    });
    for (key, value) in object {
        if let Some(schema) = properties.get(key) {
            let old = std::mem::take(value);
            *value = coerced_value(schema, old);
        }
    }
    value
}

fn coerced_value(schema: &Value, value: Value) -> Value {
    match &value {
        Value::String(text) if !takes(schema, "string") => {
            let read = json::whole(text.trim()).and_then(|text| serde_json::from_str::<Value>(&text).ok());
            read.filter(|read| takes(schema, kind(read))).unwrap_or(value)
        }
        Value::Number(_) | Value::Bool(_) if takes(schema, "string") && !takes(schema, kind(&value)) => {
            Value::String(value.to_string())
        }
        Value::Number(number) if takes(schema, "integer") => match number.as_f64() {
            #[expect(clippy::cast_possible_truncation, reason = "it is whole and small")]
            Some(float) if float.fract() == 0.0 && float.abs() < 1e15 => Value::from(float as i64),
            _ => value,
        },
        Value::Object(_) => coerced(schema, value),
        _ if takes(schema, "array") && !value.is_array() => Value::Array(vec![value]),
        _ => value,
    }
}

/// Whether a schema that says its type plainly takes this one.
fn takes(schema: &Value, kind: &str) -> bool {
    let fits = |name: &Value| {
        let name = name.as_str().unwrap_or_default();
        name == kind || (name == "number" && kind == "integer")
    };
    match schema.get("type") {
        Some(Value::Array(names)) => names.iter().any(fits),
        Some(name) => fits(name),
        None => false,
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// A name without what models change in it.
fn folded(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests;
