//! The whole answer, and errors.

use serde::Serialize;
use serde_json::Value;

/// The answer, and what `message_start` holds.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename = "message")]
pub struct Message<'a> {
    /// `msg_…`
    pub id: &'a str,
    /// Always `assistant`.
    pub role: &'static str,
    /// The model as the client asked for it.
    pub model: &'a str,
    /// Thinking, text, calls.
    pub content: Vec<ContentBlock<'a>>,
    /// Null until the end.
    pub stop_reason: Option<&'a str>,
    /// Null, unless one of the client's came.
    pub stop_sequence: Option<&'a str>,
    /// Estimates.
    pub usage: Usage,
}

/// A block of the answer; in `content_block_start` it is empty.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ContentBlock<'a> {
    /// What the assistant said.
    Text {
        /// The text.
        text: &'a str,
    },
    /// What the model thought.
    Thinking {
        /// The text.
        thinking: &'a str,
        /// Empty: nobody signs it.
        signature: &'a str,
    },
    /// A call.
    ToolUse {
        /// What the result names.
        id: &'a str,
        /// The tool.
        name: &'a str,
        /// An object.
        input: Value,
    },
}

/// Token counts, all estimates.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Usage {
    /// Of the prompt.
    pub input_tokens: u64,
    /// 0: the sites do not say.
    pub cache_creation_input_tokens: u64,
    /// 0.
    pub cache_read_input_tokens: u64,
    /// Of the answer.
    pub output_tokens: u64,
}

/// What `count_tokens` answers.
#[derive(Debug, Serialize)]
pub struct InputTokens {
    /// Of the prompt, by estimate.
    pub input_tokens: u64,
}

/// An error, as a body and as an event.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename = "error")]
pub struct ErrorEnvelope<'a> {
    /// The error.
    pub error: ErrorBody<'a>,
    /// The request's id; clients show it.
    pub request_id: &'a str,
}

/// The error.
#[derive(Debug, Serialize)]
pub struct ErrorBody<'a> {
    /// `invalid_request_error`, `overloaded_error` …
    #[serde(rename = "type")]
    pub kind: &'a str,
    /// For people.
    pub message: &'a str,
}
