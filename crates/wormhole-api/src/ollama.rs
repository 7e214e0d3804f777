//! The Ollama dialect: chat, generate, embed, tags, show, ps, pull, version, errors.

mod chat;
mod embed;
mod generate;
mod manage;
mod models;
mod request;

pub use chat::{CalledFunction, ChatLine, ChatMessage, Counts, MessageToolCall};
pub use embed::{EmbedRequest, Embedded, EmbeddedOne};
pub use generate::{GenerateLine, GenerateRequest};
pub use manage::{PullRequest, Running, RunningModel, Status};
pub use models::{Details, Show, ShowRequest, Tag, Tags, Version};
pub use request::{ChatRequest, KeepAlive, Options, RequestMessage, Think, Tool, ToolCall, ToolChoice};

use serde::Serialize;

/// `{"error":"…"}`: a body, and with `status` a line in the middle of a stream.
#[derive(Debug, Serialize)]
pub struct ErrorBody<'a> {
    /// For people; a plain string.
    pub error: &'a str,
    /// The HTTP status it would have been.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
}
