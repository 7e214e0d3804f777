//! The chunks of a streamed chat. Borrowed, because there is one for each delta.

use serde::Serialize;

use super::Usage;

/// `chat.completion.chunk`. `id`, `created` and `model` are the same on all chunks of an answer.
#[derive(Debug, Serialize)]
pub struct ChatChunk<'a> {
    /// `chatcmpl-…`
    pub id: &'a str,
    /// Always `chat.completion.chunk`.
    pub object: &'static str,
    /// Seconds since 1970.
    pub created: i64,
    /// The model as the client asked for it.
    pub model: &'a str,
    /// One choice; none in the chunk with the usage.
    pub choices: &'a [ChunkChoice<'a>],
    /// Only in the last chunk, and only when asked for: some clients index `choices[0]` of every chunk,
    /// and openai-python forgets a usage that a later chunk does not repeat.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
}

/// The choice of a chunk.
#[derive(Debug, Serialize)]
pub struct ChunkChoice<'a> {
    /// 0.
    pub index: u32,
    /// What is new.
    pub delta: Delta<'a>,
    /// Null, not omitted.
    pub logprobs: Option<()>,
    /// Null until its own chunk.
    pub finish_reason: Option<&'a str>,
}

/// What is new. Clients append every string they are given, so nothing may be said twice.
#[derive(Debug, Default, Serialize)]
pub struct Delta<'a> {
    /// `assistant`, in the first chunk only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<&'static str>,
    /// More of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<&'a str>,
    /// More of the reasoning, under the name that DeepSeek's clients read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning_content: Option<&'a str>,
    /// The same under Ollama's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<&'a str>,
    /// More of a call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_calls: Option<[ToolCallDelta<'a>; 1]>,
    /// More of the call, for clients that offered functions of old.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub function_call: Option<FunctionDelta<'a>>,
}

/// More of a call. Identity stands in its first piece only.
#[derive(Debug, Serialize)]
pub struct ToolCallDelta<'a> {
    /// Counts from 0.
    pub index: u32,
    /// `call_…`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<&'a str>,
    /// `function`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<&'static str>,
    /// What is new.
    pub function: FunctionDelta<'a>,
}

/// More of the function of a call.
#[derive(Debug, Serialize)]
pub struct FunctionDelta<'a> {
    /// Its name, in the first piece only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<&'a str>,
    /// More of the arguments' text.
    pub arguments: &'a str,
}
