//! Anthropic's messages: the request, the answer, the events of a stream, errors.

mod event;
mod request;
mod response;

pub use event::{
    BlockDelta, BlockStart, BlockStop, Delta, MessageDelta, MessageEnd, MessageStart, PING, Stopped,
};
pub use request::{
    Block, CountRequest, MessageParam, MessagesRequest, OutputConfig, OutputFormat, Source, Thinking, Tool,
    ToolChoice,
};
pub use response::{ContentBlock, ErrorBody, ErrorEnvelope, InputTokens, Message, Usage};
