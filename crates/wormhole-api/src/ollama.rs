//! The Ollama dialect: chat, tags, show, version, errors.

mod chat;
mod models;
mod request;

pub use chat::{ChatLine, ChatMessage, Counts};
pub use models::{Details, Show, ShowRequest, Tag, Tags, Version};
pub use request::{ChatRequest, FunctionCall, KeepAlive, Options, RequestMessage, Think, ToolCall};

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
