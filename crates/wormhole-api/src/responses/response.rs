//! The response object: the whole answer, and what the first and last events of a stream hold.

use serde::Serialize;
use serde_json::{Map, Value};

use super::OutputItem;

/// The object. Nothing is omitted: suites and strict clients look for every field.
#[derive(Debug, Clone, Serialize)]
pub struct Response {
    /// `resp_…`
    pub id: String,
    /// Always `response`.
    pub object: &'static str,
    /// Seconds since 1970.
    pub created_at: i64,
    /// Seconds since 1970, once it is whole.
    pub completed_at: Option<i64>,
    /// `in_progress`, `completed`, `incomplete`, `failed`.
    pub status: &'static str,
    /// Always false.
    pub background: bool,
    /// Why it failed.
    pub error: Option<ResponseError>,
    /// Why it is incomplete.
    pub incomplete_details: Option<IncompleteDetails>,
    /// As in the request.
    pub instructions: Option<String>,
    /// As in the request.
    pub max_output_tokens: Option<i64>,
    /// Null.
    pub max_tool_calls: Option<i64>,
    /// The model as the client asked for it.
    pub model: String,
    /// What the model wrote.
    pub output: Vec<OutputItem>,
    /// As in the request.
    pub parallel_tool_calls: bool,
    /// As in the request.
    pub previous_response_id: Option<String>,
    /// As in the request.
    pub prompt_cache_key: Option<String>,
    /// `effort` and `summary`, as in the request.
    pub reasoning: Map<String, Value>,
    /// As in the request.
    pub safety_identifier: Option<String>,
    /// Always `default`.
    pub service_tier: &'static str,
    /// Whether it is kept.
    pub store: bool,
    /// As in the request.
    pub temperature: f64,
    /// As in the request.
    pub top_p: f64,
    /// 0.
    pub presence_penalty: f64,
    /// 0.
    pub frequency_penalty: f64,
    /// `format` and `verbosity`, as in the request.
    pub text: Map<String, Value>,
    /// As in the request.
    pub tool_choice: Value,
    /// As in the request.
    pub tools: Vec<Value>,
    /// 0.
    pub top_logprobs: u32,
    /// Always `disabled`.
    pub truncation: &'static str,
    /// Estimates; null until it is whole.
    pub usage: Option<Usage>,
    /// As in the request.
    pub metadata: Value,
}

/// Why a response failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ResponseError {
    /// For programs.
    pub code: String,
    /// For people.
    pub message: String,
}

/// Why a response is incomplete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct IncompleteDetails {
    /// `max_output_tokens` or `content_filter`.
    pub reason: &'static str,
}

/// Token counts, all estimates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Usage {
    /// Of the prompt.
    pub input_tokens: u64,
    /// Of them.
    pub input_tokens_details: InputDetails,
    /// Of the answer.
    pub output_tokens: u64,
    /// Of them.
    pub output_tokens_details: OutputDetails,
    /// Of both.
    pub total_tokens: u64,
}

/// Details of the prompt.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct InputDetails {
    /// 0: the sites do not say.
    pub cached_tokens: u64,
    /// 0.
    pub cache_write_tokens: u64,
}

/// Details of the answer.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct OutputDetails {
    /// Of the thoughts.
    pub reasoning_tokens: u64,
}

/// What `DELETE` answers.
#[derive(Debug, Serialize)]
pub struct Deleted<'a> {
    /// The response's id.
    pub id: &'a str,
    /// Always `response`.
    pub object: &'static str,
    /// True.
    pub deleted: bool,
}
