//! `POST /v1/responses`, as clients send it.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{Rest, TextOr};

/// The request. Values that the answer repeats, or that a later request continues, are kept as they came.
/// Whatever is not named here lands in `rest`.
#[derive(Debug, Deserialize)]
#[serde(expecting = "an object")]
pub struct CreateRequest {
    /// The model; some clients leave it out.
    pub model: Option<String>,
    /// A user's text, or items: messages, calls, results of calls.
    pub input: Option<TextOr<Value>>,
    /// System text, for this response alone.
    pub instructions: Option<String>,
    /// What the model may call.
    pub tools: Option<Vec<Value>>,
    /// Whether it must.
    pub tool_choice: Option<Value>,
    /// More than one call an answer.
    pub parallel_tool_calls: Option<bool>,
    /// The format of the answer's text.
    pub text: Option<Map<String, Value>>,
    /// How hard to think.
    pub reasoning: Option<Map<String, Value>>,
    /// The most tokens of the answer.
    pub max_output_tokens: Option<i64>,
    /// The response that this one continues.
    pub previous_response_id: Option<String>,
    /// Whether the response can be continued and read later; on by default.
    pub store: Option<bool>,
    /// Stream the answer; off by default.
    pub stream: Option<bool>,
    /// The client's own notes; repeated.
    pub metadata: Option<Value>,
    /// Repeated.
    pub prompt_cache_key: Option<String>,
    /// Repeated.
    pub safety_identifier: Option<String>,
    /// Repeated, not honoured.
    pub temperature: Option<f64>,
    /// Repeated, not honoured.
    pub top_p: Option<f64>,
    /// Would continue a conversation kept elsewhere.
    pub conversation: Option<Value>,
    /// Would name a prompt kept elsewhere.
    pub prompt: Option<Value>,
    /// What else the answer shall hold; nothing that this API has.
    pub include: Option<Value>,
    /// The client's own notes.
    pub client_metadata: Option<Value>,
    /// Who asks, as the client says.
    pub user: Option<Value>,
    /// Settings of the stream; nothing that this API has.
    pub stream_options: Option<Value>,
    /// Every other field.
    #[serde(flatten)]
    pub rest: Rest,
}

/// A tool, of whatever type.
#[derive(Debug, Deserialize)]
#[serde(expecting = "an object")]
pub struct Tool {
    /// `function`, `namespace`, and types that only OpenAI's own servers can run.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its name.
    pub name: Option<String>,
    /// What it does.
    pub description: Option<String>,
    /// The JSON schema of its arguments.
    pub parameters: Option<Value>,
    /// The functions of a namespace.
    pub tools: Option<Vec<Tool>>,
}
