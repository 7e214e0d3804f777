//! What `POST /api/chat` answers: one of these whole, or one a line.

use serde::Serialize;

/// A line of the stream, or the whole answer. No line has a key `error` or `type`: clients take those for failures.
#[derive(Debug, Serialize)]
pub struct ChatLine<'a> {
    /// The model as the client asked for it.
    pub model: &'a str,
    /// RFC 3339.
    pub created_at: &'a str,
    /// What is new; with an empty `content` in lines that only keep the connection alive.
    pub message: ChatMessage<'a>,
    /// Why it ended: `stop`, `length`, `load`, `unload`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub done_reason: Option<&'a str>,
    /// Nothing follows.
    pub done: bool,
    /// In the last line of a real answer.
    #[serde(flatten)]
    pub counts: Option<Counts>,
}

/// The message of a line. `role` and `content` stand in every line: strict clients need both.
#[derive(Debug, Serialize)]
pub struct ChatMessage<'a> {
    /// Always `assistant`.
    pub role: &'static str,
    /// More of the answer.
    pub content: &'a str,
    /// More of the reasoning.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thinking: Option<&'a str>,
    /// Calls, each whole.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<MessageToolCall<'a>>,
}

/// A call.
#[derive(Debug, Serialize)]
pub struct MessageToolCall<'a> {
    /// `call_…`
    pub id: &'a str,
    /// What is called.
    pub function: CalledFunction<'a>,
}

/// The function of a call.
#[derive(Debug, Serialize)]
pub struct CalledFunction<'a> {
    /// Counts from 0: Open WebUI takes calls without it for one.
    pub index: u32,
    /// Its name.
    pub name: &'a str,
    /// An object, unlike in OpenAI's dialect.
    pub arguments: &'a serde_json::Value,
}

/// How long it took, in nanoseconds and never zero, and how much it was.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Counts {
    /// All of it.
    pub total_duration: u64,
    /// Until the answer began.
    pub load_duration: u64,
    /// Tokens of the prompt.
    pub prompt_eval_count: u64,
    /// Time for the prompt.
    pub prompt_eval_duration: u64,
    /// Tokens of the answer.
    pub eval_count: u64,
    /// Time for the answer.
    pub eval_duration: u64,
}
