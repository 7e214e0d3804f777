//! The OpenAI dialect: chat completions, models, errors.

mod chat;
mod chunk;
mod error;
mod models;
mod request;

pub use chat::{CalledFunction, ChatCompletion, Choice, MessageToolCall, ResponseMessage, Usage};
pub use chunk::{ChatChunk, ChunkChoice, Delta, FunctionDelta, ToolCallDelta};
pub use error::{ErrorBody, ErrorEnvelope};
pub use models::{Model, ModelList};
pub use request::{
    AllowedTool, AllowedTools, ChatRequest, Content, ContentPart, Named, NamedSchema, RequestMessage,
    ResponseFormat, StreamOptions, Tool, ToolCall, ToolChoice, ToolChoiceObject,
};
