//! The OpenAI dialect: chat completions, models, errors.

mod chat;
mod chunk;
mod error;
mod models;
mod request;

pub use chat::{ChatCompletion, Choice, ResponseMessage, Usage};
pub use chunk::{ChatChunk, ChunkChoice, Delta};
pub use error::{ErrorBody, ErrorEnvelope};
pub use models::{Model, ModelList};
pub use request::{ChatRequest, Content, ContentPart, FunctionCall, RequestMessage, StreamOptions, ToolCall};
