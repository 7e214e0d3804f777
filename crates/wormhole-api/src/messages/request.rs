//! `POST /v1/messages`, as clients send it.

use serde::Deserialize;
use serde_json::Value;

use crate::text::one_or_many;
use crate::{Rest, TextOr};

/// The request. Whatever is not named here lands in `rest`.
#[derive(Debug, Deserialize)]
#[serde(expecting = "an object")]
pub struct MessagesRequest {
    /// The model.
    pub model: Option<String>,
    /// The conversation so far.
    pub messages: Vec<MessageParam>,
    /// System text.
    pub system: Option<TextOr<Block>>,
    /// The most tokens of the answer.
    pub max_tokens: Option<i64>,
    /// Where to stop.
    #[serde(default, deserialize_with = "one_or_many")]
    pub stop_sequences: Vec<String>,
    /// Stream the answer; off by default.
    pub stream: Option<bool>,
    /// What the model may call.
    pub tools: Option<Vec<Tool>>,
    /// Whether it must.
    pub tool_choice: Option<ToolChoice>,
    /// Whether to show the thinking.
    pub thinking: Option<Thinking>,
    /// How hard to think, and the format of the answer.
    pub output_config: Option<OutputConfig>,
    /// The format of the answer, older place.
    pub output_format: Option<OutputFormat>,
    /// The client's own notes.
    pub metadata: Option<Value>,
    /// Every other field.
    #[serde(flatten)]
    pub rest: Rest,
}

/// `POST /v1/messages/count_tokens`: the same without what only an answer needs.
pub type CountRequest = MessagesRequest;

/// One message.
#[derive(Debug, Deserialize)]
#[serde(expecting = "an object")]
pub struct MessageParam {
    /// `user`, `assistant`, and `system` in the middle.
    pub role: String,
    /// A string or blocks.
    pub content: Option<TextOr<Block>>,
}

/// A block of content, of whatever type.
#[derive(Debug, Deserialize)]
#[serde(expecting = "an object")]
pub struct Block {
    /// `text`, `image`, `document`, `thinking`, `tool_use`, `tool_result` …
    #[serde(rename = "type")]
    pub kind: String,
    /// With `text`.
    pub text: Option<String>,
    /// With `image` and `document`.
    pub source: Option<Source>,
    /// With `document` and `search_result`.
    pub title: Option<String>,
    /// With `tool_use`.
    pub id: Option<String>,
    /// With `tool_use`.
    pub name: Option<String>,
    /// With `tool_use`.
    pub input: Option<Value>,
    /// With `tool_result`.
    pub tool_use_id: Option<String>,
    /// With `tool_result` and `search_result`.
    pub content: Option<TextOr<Block>>,
    /// With `tool_result`.
    pub is_error: Option<bool>,
}

/// Where the bytes of a block are. A `search_result` has a string here.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected a source")]
pub enum Source {
    /// The bytes, or where they are.
    Of {
        /// `base64`, `url`, `text`, `content`, `file`.
        #[serde(rename = "type")]
        kind: String,
        /// Such as `image/png`.
        media_type: Option<String>,
        /// With `base64` and `text`.
        data: Option<String>,
        /// With `url`.
        url: Option<String>,
    },
    /// A name.
    Name(String),
}

/// A tool. One without a schema is of a type that only Anthropic's servers and clients know.
#[derive(Debug, Deserialize)]
#[serde(expecting = "an object")]
pub struct Tool {
    /// Absent or `custom` for the client's own.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// What it does.
    pub description: Option<String>,
    /// The JSON schema of its arguments.
    pub input_schema: Option<Value>,
}

/// Whether a tool must be called.
#[derive(Debug, Deserialize)]
#[serde(expecting = "an object")]
pub struct ToolChoice {
    /// `auto`, `any`, `tool`, `none`.
    #[serde(rename = "type")]
    pub kind: String,
    /// With `tool`.
    pub name: Option<String>,
    /// At most one call an answer.
    pub disable_parallel_tool_use: Option<bool>,
}

/// `thinking`.
#[derive(Debug, Deserialize)]
#[serde(expecting = "an object")]
pub struct Thinking {
    /// `enabled`, `adaptive`, `disabled`.
    #[serde(rename = "type")]
    pub kind: String,
    /// `omitted` hides the text.
    pub display: Option<String>,
}

/// `output_config`.
#[derive(Debug, Default, Deserialize)]
#[serde(expecting = "an object")]
pub struct OutputConfig {
    /// How hard to think.
    pub effort: Option<String>,
    /// The format of the answer.
    pub format: Option<OutputFormat>,
}

/// The format of the answer.
#[derive(Debug, Deserialize)]
#[serde(expecting = "an object")]
pub struct OutputFormat {
    /// `json_schema`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What the answer obeys.
    pub schema: Option<Value>,
}
