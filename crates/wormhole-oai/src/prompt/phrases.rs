//! `agent_prompts.yaml`: the words that the templates put around a conversation.

use std::path::Path;

use serde::{Deserialize, Serialize};
use wormhole_runtime::ConfigError;

const SHIPPED: &str = include_str!("../../agent_prompts.yaml");

/// The file. Every field is required and no other is known, so that a slip of the pen shows at the start.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Phrases {
    instructions: String,
    history: String,
    newest_from_user: String,
    newest_other: String,
    labels: Labels,
    failed: String,
    called: String,
    tools: Tools,
    output: Outputs,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Labels {
    system: String,
    user: String,
    assistant: String,
    tool: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Tools {
    list: String,
    form: String,
    several: String,
    one: String,
    auto: String,
    required: String,
    named: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Outputs {
    json: String,
    schema: String,
    unless_call: String,
}

impl Phrases {
    /// The operator's file, or the shipped one.
    pub(super) fn load(path: Option<&Path>) -> Result<Self, ConfigError> {
        let wrong = |message: String| ConfigError::new("WORMHOLE_AGENT_PROMPTS", message);
        let Some(path) = path else {
            return read(SHIPPED).map_err(wrong);
        };
        let text = std::fs::read_to_string(path)
            .map_err(|error| wrong(format!("cannot read {}: {}", path.display(), error.kind())))?;
        read(&text).map_err(|error| wrong(format!("{}: {error}", path.display())))
    }
}

fn read(text: &str) -> Result<Phrases, String> {
    let file = serde_yaml::Deserializer::from_str(text);
    serde_path_to_error::deserialize(file).map_err(|error| match error.path().to_string().as_str() {
        "." => error.inner().to_string(),
        path => format!("{path}: {}", error.inner()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_named_by_its_field() {
        for (find, replace, expected) in [
            ("history:", "histroy:", "unknown field `histroy`"),
            ("  tool: \"Tool result\"\n", "", "labels: missing field `tool`"),
            (
                "called: \"Called the tool\"",
                "called: [1]",
                "called: invalid type: sequence, expected a string",
            ),
        ] {
            assert!(SHIPPED.contains(find));
            let error = read(&SHIPPED.replace(find, replace)).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }
}
