//! Tools: namespaces are flattened on the way in, and calls get theirs back on the way out.

use std::collections::HashMap;

use serde_json::Value;
use wormhole_api::responses::Tool as WireTool;

use crate::body::within;
use crate::chat::{Tool, ToolChoice};
use crate::errors::ApiError;

/// What the client lets the model call.
#[derive(Debug, Default)]
pub(super) struct Tools {
    /// Under names without a namespace.
    pub(super) offered: Vec<Tool>,
    /// Types of tools that nobody here can run.
    pub(super) ignored: Vec<String>,
    /// Where each flat name comes from, for those of a namespace.
    pub(super) names: Names,
}

/// Namespace and name behind each flat name.
#[derive(Debug, Default, Clone)]
pub(super) struct Names(HashMap<String, (String, String)>);

impl Names {
    /// The namespace and the name of a call.
    pub(super) fn split(&self, flat: &str) -> (Option<String>, String) {
        match self.0.get(flat) {
            Some((namespace, name)) => (Some(namespace.clone()), name.clone()),
            None => (None, flat.to_owned()),
        }
    }

    /// The name that the model knows a call of the history by.
    pub(super) fn join(namespace: Option<&str>, name: String) -> String {
        match namespace.filter(|namespace| !namespace.is_empty()) {
            Some(namespace) => flat(namespace, &name),
            None => name,
        }
    }
}

/// Two namespaces may hold the same name. Those of codex end in the separator already.
fn flat(namespace: &str, name: &str) -> String {
    if namespace.ends_with("__") { format!("{namespace}{name}") } else { format!("{namespace}__{name}") }
}

impl Tools {
    /// Reads the list.
    pub(super) fn read(list: &[Value]) -> Result<Self, ApiError> {
        let mut all = Self::default();
        for (place, value) in list.iter().enumerate() {
            let at = format!("tools[{place}]");
            all.add(within(value, &at)?, None, &at)?;
        }
        Ok(all)
    }

    fn add(&mut self, tool: WireTool, namespace: Option<&str>, at: &str) -> Result<(), ApiError> {
        let WireTool { kind, name, description, parameters, tools } = tool;
        let needed = |name: Option<String>| {
            let name = name.filter(|name| !name.is_empty());
            name.ok_or_else(|| ApiError::missing(&format!("{at}.name")))
        };
        match kind.as_str() {
            "function" => {
                let name = needed(name)?;
                let known = Names::join(namespace, name.clone());
                if let Some(namespace) = namespace {
                    self.names.0.insert(known.clone(), (namespace.to_owned(), name));
                }
                self.offered.push(Tool::new(known, description, parameters));
            }
            "namespace" if namespace.is_none() => {
                let name = needed(name)?;
                for (place, nested) in tools.unwrap_or_default().into_iter().enumerate() {
                    self.add(nested, Some(&name), &format!("{at}.tools[{place}]"))?;
                }
            }
            // OpenAI's own servers run these, and clients send them to whoever answers.
            _ => self.ignored.push(format!("tools.{kind}")),
        }
        Ok(())
    }

    /// Reads the choice, and drops what it does not allow.
    pub(super) fn choose(&mut self, choice: Option<&Value>) -> Result<ToolChoice, ApiError> {
        let Some(choice) = choice.filter(|choice| !choice.is_null()) else { return Ok(ToolChoice::Auto) };
        let text = |field: &str| choice.get(field).and_then(Value::as_str);
        match choice.as_str().or_else(|| text("type")) {
            Some("auto") => Ok(ToolChoice::Auto),
            Some("none") => Ok(ToolChoice::None),
            Some("required") => Ok(ToolChoice::Required),
            Some("function") => {
                let name = text("name").ok_or_else(|| ApiError::missing("tool_choice.name"))?;
                let name = Names::join(text("namespace"), name.to_owned());
                if self.offered.iter().all(|tool| tool.name != name) {
                    let message = format!("'tool_choice' names '{name}', which is none of the tools");
                    return Err(ApiError::field("tool_choice", message));
                }
                Ok(ToolChoice::Named(name))
            }
            Some("allowed_tools") => {
                let allowed = choice.get("tools").and_then(Value::as_array);
                let allowed = allowed.ok_or_else(|| ApiError::missing("tool_choice.tools"))?;
                let names: Vec<_> =
                    allowed.iter().filter_map(|tool| tool.get("name").and_then(Value::as_str)).collect();
                self.offered.retain(|tool| names.contains(&tool.name.as_str()));
                let is_required = text("mode") == Some("required");
                Ok(if is_required { ToolChoice::Required } else { ToolChoice::Auto })
            }
            Some(kind) if choice.is_object() => {
                self.ignored.push(format!("tool_choice.{kind}"));
                Ok(ToolChoice::Auto)
            }
            _ => Err(ApiError::field("tool_choice", "'tool_choice' is of no form that is known")),
        }
    }
}
