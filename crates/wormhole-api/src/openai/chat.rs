//! The whole answer of a chat.

use serde::Serialize;

/// `chat.completion`.
#[derive(Debug, Serialize)]
pub struct ChatCompletion<'a> {
    /// `chatcmpl-…`
    pub id: &'a str,
    /// Always `chat.completion`.
    pub object: &'static str,
    /// Seconds since 1970.
    pub created: i64,
    /// The model as the client asked for it.
    pub model: &'a str,
    /// One choice.
    pub choices: [Choice<'a>; 1],
    /// Estimates.
    pub usage: Usage,
}

/// The choice.
#[derive(Debug, Serialize)]
pub struct Choice<'a> {
    /// 0.
    pub index: u32,
    /// What the assistant said.
    pub message: ResponseMessage<'a>,
    /// Null, not omitted.
    pub logprobs: Option<()>,
    /// `stop`, `length`, `content_filter`, `tool_calls` or, of old, `function_call`.
    pub finish_reason: &'a str,
}

/// The assistant's message.
#[derive(Debug, Serialize)]
pub struct ResponseMessage<'a> {
    /// Always `assistant`.
    pub role: &'static str,
    /// The text; null, not omitted, where there are only calls.
    pub content: Option<&'a str>,
    /// Null, not omitted.
    pub refusal: Option<()>,
    /// The reasoning under the name that DeepSeek's clients read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning_content: Option<&'a str>,
    /// The same under Ollama's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<&'a str>,
    /// The calls.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<MessageToolCall<'a>>,
    /// The call, for clients that offered functions of old.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub function_call: Option<CalledFunction<'a>>,
}

/// A call.
#[derive(Debug, Serialize)]
pub struct MessageToolCall<'a> {
    /// `call_…`
    pub id: &'a str,
    /// Always `function`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// What is called.
    pub function: CalledFunction<'a>,
}

/// The function of a call.
#[derive(Debug, Serialize)]
pub struct CalledFunction<'a> {
    /// Its name.
    pub name: &'a str,
    /// An object, as text.
    pub arguments: &'a str,
}

/// Token counts. All three are integers in every answer: strict clients refuse the object otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Usage {
    /// Of the prompt.
    pub prompt_tokens: u64,
    /// Of the answer.
    pub completion_tokens: u64,
    /// Of both.
    pub total_tokens: u64,
}
