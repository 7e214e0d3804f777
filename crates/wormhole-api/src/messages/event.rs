//! The events of a streamed message. The SDKs dispatch on the `event:` line.

use serde::Serialize;

use super::{ContentBlock, Message, Usage};

/// A sign of life.
pub const PING: &[u8] = b"event: ping\ndata: {\"type\":\"ping\"}\n\n";

/// `message_start`.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename = "message_start")]
pub struct MessageStart<'a> {
    /// Without content.
    pub message: Message<'a>,
}

/// `content_block_start`.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename = "content_block_start")]
pub struct BlockStart<'a> {
    /// Counts from 0.
    pub index: usize,
    /// Empty.
    pub content_block: ContentBlock<'a>,
}

/// `content_block_delta`.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename = "content_block_delta")]
pub struct BlockDelta<'a> {
    /// Of which block.
    pub index: usize,
    /// What to append.
    pub delta: Delta<'a>,
}

/// What to append.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Delta<'a> {
    /// To a text.
    TextDelta {
        /// More.
        text: &'a str,
    },
    /// To a call's arguments.
    InputJsonDelta {
        /// More.
        partial_json: &'a str,
    },
    /// To a thought.
    ThinkingDelta {
        /// More.
        thinking: &'a str,
    },
    /// At a thought's end.
    SignatureDelta {
        /// Empty: nobody signs it.
        signature: &'a str,
    },
}

/// `content_block_stop`.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename = "content_block_stop")]
pub struct BlockStop {
    /// Which.
    pub index: usize,
}

/// `message_delta`.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename = "message_delta")]
pub struct MessageDelta<'a> {
    /// Why it ended.
    pub delta: Stopped<'a>,
    /// All of it.
    pub usage: Usage,
}

/// Why it ended.
#[derive(Debug, Serialize)]
pub struct Stopped<'a> {
    /// `end_turn`, `tool_use`, `max_tokens`, `stop_sequence`, `refusal`.
    pub stop_reason: &'a str,
    /// Null, unless one of the client's came.
    pub stop_sequence: Option<&'a str>,
}

/// `message_stop`.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename = "message_stop")]
pub struct MessageEnd {}
