//! Items: what a conversation consists of, coming in and going out.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::TextOr;

/// An item of the input, of whatever type.
#[derive(Debug, Deserialize)]
#[serde(expecting = "an object")]
pub struct Item {
    /// `message` (or nothing), `function_call`, `function_call_output`, `reasoning` …
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Of a message: `system`, `developer`, `user`, `assistant`.
    pub role: Option<String>,
    /// Of a message.
    pub content: Option<TextOr<Part>>,
    /// What ties a call and its result together.
    pub call_id: Option<String>,
    /// The tool that was called.
    pub name: Option<String>,
    /// The namespace of that tool.
    pub namespace: Option<String>,
    /// Arguments of a call, as text that should be JSON.
    pub arguments: Option<String>,
    /// The result of a call: text or parts, and some clients send any JSON.
    pub output: Option<Value>,
}

/// A part of a message's content, or of a result.
#[derive(Debug, Deserialize)]
#[serde(expecting = "an object")]
pub struct Part {
    /// `input_text`, `output_text`, `refusal`, `input_image`, `input_file` …
    #[serde(rename = "type")]
    pub kind: String,
    /// The text.
    pub text: Option<String>,
    /// The text, with `refusal`.
    pub refusal: Option<String>,
    /// With `input_image`: a URL, which may hold the picture itself.
    #[serde(default, deserialize_with = "crate::text::url_or_object")]
    pub image_url: Option<String>,
}

/// An item of the output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum OutputItem {
    /// What the assistant said.
    Message {
        /// `msg_…`
        id: String,
        /// `in_progress`, `completed`, `incomplete`.
        status: &'static str,
        /// Always `assistant`.
        role: &'static str,
        /// One part; none while it is only announced.
        content: Vec<OutputText>,
    },
    /// A call of a function.
    FunctionCall {
        /// `fc_…`
        id: String,
        /// As of a message.
        status: &'static str,
        /// `call_…`: what the result names.
        call_id: String,
        /// The function.
        name: String,
        /// Its namespace, if the client gave it one.
        #[serde(skip_serializing_if = "Option::is_none")]
        namespace: Option<String>,
        /// The JSON text of an object.
        arguments: String,
    },
    /// What the model thought.
    Reasoning {
        /// `rs_…`
        id: String,
        /// One part; none while it is only announced.
        summary: Vec<SummaryText>,
    },
}

/// The text of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename = "output_text")]
pub struct OutputText {
    /// The text.
    pub text: String,
    /// Empty, not omitted.
    pub annotations: [(); 0],
    /// Empty, not omitted.
    pub logprobs: [(); 0],
}

impl OutputText {
    /// With this text.
    pub fn new(text: String) -> Self {
        Self { text, annotations: [], logprobs: [] }
    }
}

/// The text of what the model thought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename = "summary_text")]
pub struct SummaryText {
    /// The text.
    pub text: String,
}
