//! A reply as events: the message announced, each block opened, written and closed, then the reason for the end.

use serde::Serialize;
use serde_json::json;
use tokio_util::task::task_tracker::TaskTrackerToken;
use wormhole_api::messages::{
    BlockDelta, BlockStart, BlockStop, ContentBlock, Delta, Message, MessageDelta, MessageEnd, MessageStart,
    PING, Stopped, Usage,
};
use wormhole_api::sse;

use super::envelope;
use crate::errors::ApiError;
use crate::reply::{Finish, Part};
use crate::stream::Encode;

/// What is known of an answer before it comes.
pub(super) struct Identity {
    pub(super) id: String,
    pub(super) model: String,
    pub(super) request_id: String,
    pub(super) shows_thinking: bool,
    pub(super) input_tokens: u64,
    /// As the client listed them.
    pub(super) stop_sequences: Vec<String>,
}

impl Identity {
    /// The stop sequence that ended the answer.
    pub(super) fn sequence(&self, finish: Finish) -> Option<&str> {
        match finish {
            Finish::Sequence(place) => self.stop_sequences.get(place).map(String::as_str),
            _ => None,
        }
    }
}

/// Writes the events of one answer.
pub(super) struct EventEncoder {
    identity: Identity,
    index: usize,
    open: Option<Open>,
    /// A drain waits for streams, too.
    _busy: TaskTrackerToken,
}

/// Which kind of block is being written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Open {
    Text,
    Thinking,
    Call,
}

impl EventEncoder {
    pub(super) fn new(identity: Identity, busy: TaskTrackerToken) -> Self {
        Self { identity, index: 0, open: None, _busy: busy }
    }

    pub(super) fn identity(&self) -> &Identity {
        &self.identity
    }

    fn start(&mut self, out: &mut Vec<u8>, kind: Open, content_block: ContentBlock<'_>) {
        self.stop(out);
        event(out, "content_block_start", &BlockStart { index: self.index, content_block });
        self.open = Some(kind);
    }

    fn delta(&self, out: &mut Vec<u8>, delta: Delta<'_>) {
        event(out, "content_block_delta", &BlockDelta { index: self.index, delta });
    }

    fn stop(&mut self, out: &mut Vec<u8>) {
        let Some(open) = self.open.take() else { return };
        if open == Open::Thinking {
            // The SDKs' own types have a signature in every thought, be it empty.
            self.delta(out, Delta::SignatureDelta { signature: "" });
        }
        event(out, "content_block_stop", &BlockStop { index: self.index });
        self.index += 1;
    }

    fn end(&mut self, out: &mut Vec<u8>, finish: Finish, cost: crate::usage::Usage) {
        self.stop(out);
        if self.index == 0 {
            // Clients read the first block.
            self.start(out, Open::Text, ContentBlock::Text { text: "" });
            self.stop(out);
        }
        let stop_sequence = self.identity.sequence(finish);
        let delta = Stopped { stop_reason: stop_reason(finish), stop_sequence };
        let usage = usage(cost.prompt, cost.completion);
        event(out, "message_delta", &MessageDelta { delta, usage });
        event(out, "message_stop", &MessageEnd {});
    }
}

impl Encode for EventEncoder {
    fn open(&mut self, out: &mut Vec<u8>) {
        let Identity { id, model, input_tokens, .. } = &self.identity;
        let message = Message {
            id,
            role: "assistant",
            model,
            content: Vec::new(),
            stop_reason: None,
            stop_sequence: None,
            usage: usage(*input_tokens, 0),
        };
        event(out, "message_start", &MessageStart { message });
    }

    fn part(&mut self, part: Part, out: &mut Vec<u8>) {
        match part {
            Part::Text(text) => {
                if self.open != Some(Open::Text) {
                    self.start(out, Open::Text, ContentBlock::Text { text: "" });
                }
                self.delta(out, Delta::TextDelta { text: &text });
            }
            Part::Reasoning(text) if self.identity.shows_thinking => {
                if self.open != Some(Open::Thinking) {
                    let block = ContentBlock::Thinking { thinking: "", signature: "" };
                    self.start(out, Open::Thinking, block);
                }
                self.delta(out, Delta::ThinkingDelta { thinking: &text });
            }
            Part::Reasoning(_) => {}
            Part::CallBegin { id, name, .. } => {
                let block = ContentBlock::ToolUse { id: &id, name: &name, input: json!({}) };
                self.start(out, Open::Call, block);
            }
            Part::CallArguments { delta, .. } => {
                self.delta(out, Delta::InputJsonDelta { partial_json: &delta });
            }
            Part::CallEnd { .. } => self.stop(out),
            Part::End(finish, cost) => self.end(out, finish, cost),
            Part::Failed(failure) => {
                let error = ApiError::from(failure);
                event(out, "error", &envelope(&error, &self.identity.request_id));
            }
        }
    }

    fn beat(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(PING);
    }
}

fn event<T: Serialize>(out: &mut Vec<u8>, name: &str, value: &T) {
    sse::event(out, name, value);
}

/// Anthropic's word for why an answer ended.
pub(super) fn stop_reason(finish: Finish) -> &'static str {
    match finish {
        Finish::Stop => "end_turn",
        Finish::Sequence(_) => "stop_sequence",
        Finish::Length => "max_tokens",
        Finish::ContentFilter => "refusal",
        Finish::ToolCalls => "tool_use",
    }
}

/// The cost in Anthropic's fields.
pub(super) fn usage(input_tokens: u64, output_tokens: u64) -> Usage {
    Usage { input_tokens, output_tokens, ..Usage::default() }
}
