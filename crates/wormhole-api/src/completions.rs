//! OpenAI's completions of old: the request, the answer, its chunks.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::openai::{StreamOptions, Usage};
use crate::text::one_or_many;
use crate::{Rest, TextOr};

/// The request. Whatever is not named here lands in `rest`.
#[derive(Debug, Deserialize)]
#[serde(expecting = "an object")]
pub struct CompletionRequest {
    /// The model; some clients leave it out.
    pub model: Option<String>,
    /// A text, or a list of one; lists of token numbers cannot be read here.
    pub prompt: Option<TextOr<Value>>,
    /// What comes after the text that is asked for.
    pub suffix: Option<String>,
    /// Stream the answer; off by default.
    pub stream: Option<bool>,
    /// What else the stream shall hold.
    pub stream_options: Option<StreamOptions>,
    /// How many answers.
    pub n: Option<i64>,
    /// How many to choose from.
    pub best_of: Option<i64>,
    /// Where to stop.
    #[serde(default, deserialize_with = "one_or_many")]
    pub stop: Vec<String>,
    /// The most tokens of the answer. Some clients write -1 for no limit.
    pub max_tokens: Option<i64>,
    /// Every other field.
    #[serde(flatten)]
    pub rest: Rest,
}

/// `text_completion`: the whole answer, or a chunk of it.
#[derive(Debug, Serialize)]
pub struct Completion<'a> {
    /// `cmpl-…`, the same on all chunks.
    pub id: &'a str,
    /// Always `text_completion`.
    pub object: &'static str,
    /// Seconds since 1970, the same on all chunks.
    pub created: i64,
    /// The model as the client asked for it.
    pub model: &'a str,
    /// One choice; none in the chunk with the usage.
    pub choices: &'a [CompletionChoice<'a>],
    /// In a whole answer, and in the last chunk if asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
}

/// The choice.
#[derive(Debug, Serialize)]
pub struct CompletionChoice<'a> {
    /// 0.
    pub index: u32,
    /// The text, or more of it.
    pub text: &'a str,
    /// Null, not omitted.
    pub logprobs: Option<()>,
    /// `stop`, `length` or `content_filter`; null until the last chunk.
    pub finish_reason: Option<&'a str>,
}
