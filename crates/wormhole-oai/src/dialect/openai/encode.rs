//! A reply as chunks: the role, then deltas, then the reason for its end, then the usage if asked for, then `[DONE]`.

use tokio_util::task::task_tracker::TaskTrackerToken;
use wormhole_api::openai::{ChatChunk, ChunkChoice, Delta, FunctionDelta, ToolCallDelta, Usage};
use wormhole_api::sse;

use super::chat::Identity;
use super::envelope;
use crate::errors::ApiError;
use crate::reply::{Finish, Part};
use crate::stream::Encode;
use crate::usage;

/// Writes the chunks of one answer.
pub(super) struct ChunkEncoder {
    identity: Identity,
    wants_usage: bool,
    /// A drain waits for streams, too.
    _busy: TaskTrackerToken,
}

impl ChunkEncoder {
    pub(super) fn new(identity: Identity, wants_usage: bool, busy: TaskTrackerToken) -> Self {
        Self { identity, wants_usage, _busy: busy }
    }

    pub(super) fn identity(&self) -> &Identity {
        &self.identity
    }

    fn chunk(&self, out: &mut Vec<u8>, choices: &[ChunkChoice<'_>], usage: Option<Usage>) {
        let Identity { id, created, model, .. } = &self.identity;
        let chunk =
            ChatChunk { id, object: "chat.completion.chunk", created: *created, model, choices, usage };
        sse::data(out, &chunk);
    }

    fn call(&self, out: &mut Vec<u8>, call: ToolCallDelta<'_>) {
        let delta = if self.identity.legacy {
            Delta { function_call: Some(call.function), ..Delta::default() }
        } else {
            Delta { tool_calls: Some([call]), ..Delta::default() }
        };
        self.delta(out, delta, None);
    }

    fn delta(&self, out: &mut Vec<u8>, delta: Delta<'_>, finish_reason: Option<&str>) {
        self.chunk(out, &[ChunkChoice { index: 0, delta, logprobs: None, finish_reason }], None);
    }
}

impl Encode for ChunkEncoder {
    fn open(&mut self, out: &mut Vec<u8>) {
        // Only here: openai-python appends every string it is given, so a role said twice is `assistantassistant`.
        let delta = Delta { role: Some("assistant"), content: Some(""), ..Delta::default() };
        self.delta(out, delta, None);
    }

    fn part(&mut self, part: Part, out: &mut Vec<u8>) {
        match part {
            Part::Text(text) => self.delta(out, Delta { content: Some(&text), ..Delta::default() }, None),
            Part::Reasoning(text) => {
                let delta =
                    Delta { reasoning_content: Some(&text), reasoning: Some(&text), ..Delta::default() };
                self.delta(out, delta, None);
            }
            Part::CallBegin { index, id, name } => {
                let function = FunctionDelta { name: Some(&name), arguments: "" };
                self.call(out, ToolCallDelta { index, id: Some(&id), kind: Some("function"), function });
            }
            Part::CallArguments { index, delta } => {
                let function = FunctionDelta { name: None, arguments: &delta };
                self.call(out, ToolCallDelta { index, id: None, kind: None, function });
            }
            Part::CallEnd { .. } => {}
            Part::End(finish, cost) => {
                self.delta(out, Delta::default(), Some(finish_word(finish, self.identity.legacy)));
                if self.wants_usage {
                    self.chunk(out, &[], Some(usage(cost)));
                }
                out.extend_from_slice(sse::DONE);
            }
            Part::Failed(failure) => sse::data(out, &envelope(&ApiError::from(failure))),
        }
    }

    fn beat(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(sse::PING);
    }
}

/// OpenAI's word for why an answer ended.
pub(super) fn finish_word(finish: Finish, legacy: bool) -> &'static str {
    match finish {
        Finish::ToolCalls if legacy => "function_call",
        Finish::Stop | Finish::Sequence(_) => "stop",
        Finish::Length => "length",
        Finish::ContentFilter => "content_filter",
        Finish::ToolCalls => "tool_calls",
    }
}

/// The cost in OpenAI's fields.
pub(super) fn usage(cost: usage::Usage) -> Usage {
    Usage { prompt_tokens: cost.prompt, completion_tokens: cost.completion, total_tokens: cost.total() }
}
