//! `POST /api/chat`, as clients send it.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use crate::text::one_or_many;
use crate::{Function, FunctionCall, Rest};

/// The request. Whatever is not named here lands in `rest`.
#[derive(Debug, Deserialize)]
#[serde(expecting = "an object")]
pub struct ChatRequest {
    /// The model, with or without `:latest`.
    pub model: Option<String>,
    /// The conversation so far; none asks to load or unload the model.
    #[serde(default)]
    pub messages: Option<Vec<RequestMessage>>,
    /// Stream the answer; **on** by default.
    pub stream: Option<bool>,
    /// Show the reasoning.
    pub think: Option<Think>,
    /// Settings of the model.
    pub options: Option<Options>,
    /// How long to keep the model loaded; 0 unloads it.
    pub keep_alive: Option<KeepAlive>,
    /// What the model may call.
    pub tools: Option<Vec<Tool>>,
    /// Whether it must; not Ollama's, but some clients send it.
    pub tool_choice: Option<ToolChoice>,
    /// What the answer is to be: `json`, a schema, or empty.
    pub format: Option<Value>,
    /// Every other field.
    #[serde(flatten)]
    pub rest: Rest,
}

/// A tool.
#[derive(Debug, Deserialize)]
#[serde(expecting = "an object")]
pub struct Tool {
    /// What the client can run.
    pub function: Option<Function>,
}

/// `tool_choice`: a word, or an object with the function.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected auto, none, required or a function")]
pub enum ToolChoice {
    /// `auto`, `none`, `required`.
    Word(String),
    /// A function; of others only the kind is known.
    Named {
        /// The function.
        function: Option<FunctionCall<Value>>,
    },
}

/// `think`: a switch, or how hard.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged, expecting = "expected a boolean or a level such as \"low\"")]
pub enum Think {
    /// On or off.
    Switch(bool),
    /// `low`, `medium`, `high`, `max`.
    Level(String),
}

/// `keep_alive`: seconds, or a duration such as `5m`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged, expecting = "expected seconds or a duration such as \"5m\"")]
pub enum KeepAlive {
    /// Seconds; negative means for ever.
    Seconds(f64),
    /// A duration with its unit.
    Text(String),
}

/// `options`: those that matter here.
#[derive(Debug, Default, Deserialize)]
#[serde(expecting = "an object")]
pub struct Options {
    /// Where to stop.
    #[serde(default, deserialize_with = "one_or_many")]
    pub stop: Vec<String>,
    /// The most tokens of the answer; negative means no limit.
    pub num_predict: Option<i64>,
    /// Every other option.
    #[serde(flatten)]
    pub rest: Rest,
}

/// One message of the conversation.
#[derive(Debug, Deserialize)]
#[serde(expecting = "an object")]
pub struct RequestMessage {
    /// `system`, `user`, `assistant`, `tool`.
    pub role: String,
    /// The text.
    pub content: Option<String>,
    /// Pictures, in base64.
    pub images: Option<Vec<String>>,
    /// The calls an assistant made.
    pub tool_calls: Option<Vec<ToolCall>>,
    /// The tool that answers.
    pub tool_name: Option<String>,
    /// The same, as some clients write it.
    pub name: Option<String>,
    /// The call that a tool's message answers.
    pub tool_call_id: Option<String>,
    /// Reasoning in an assistant's history; nothing is done with it.
    pub thinking: Option<IgnoredAny>,
}

/// A call in an assistant's history.
#[derive(Debug, Deserialize)]
#[serde(expecting = "an object")]
pub struct ToolCall {
    /// What the tool's message may name.
    pub id: Option<String>,
    /// What was called.
    pub function: FunctionCall<Value>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::asked;

    #[test]
    fn a_request_of_home_assistant_is_read() {
        let request: ChatRequest = serde_json::from_str(
            r#"{"model":"m","messages":[{"role":"user","content":"hi","images":null}],"stream":true,"think":false,
                "keep_alive":"300s","options":{"num_ctx":8192,"stop":["x"]},"format":"","logprobs":true}"#,
        )
        .unwrap();
        assert_eq!(request.think, Some(Think::Switch(false)));
        assert_eq!(request.keep_alive, Some(KeepAlive::Text("300s".to_owned())));
        let options = request.options.unwrap();
        assert_eq!(options.stop, ["x"]);
        assert_eq!(asked(&options.rest).collect::<Vec<_>>(), ["num_ctx"]);
        assert_eq!(asked(&request.rest).collect::<Vec<_>>(), ["logprobs"]);
    }
}
