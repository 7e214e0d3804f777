//! A reply as lines: deltas, then one with `done: true` and the counts.

use std::time::{Duration, Instant};

use serde_json::Value;
use tokio_util::task::task_tracker::TaskTrackerToken;
use wormhole_api::ndjson;
use wormhole_api::ollama::{CalledFunction, ChatLine, ChatMessage, Counts, ErrorBody, MessageToolCall};

use crate::errors::ApiError;
use crate::reply::{Finish, Part, Reply, Whole, WholeCall};
use crate::stream::Encode;
use crate::usage::Usage;

/// When a turn began and when its first delta came: what the durations are made of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    started: Instant,
    first_delta: Option<Instant>,
}

impl From<&Reply> for Clock {
    fn from(reply: &Reply) -> Self {
        let (started, first_delta) = reply.times();
        Self { started, first_delta }
    }
}

impl Clock {
    /// A part came.
    pub(super) fn see(&mut self, part: &Part) {
        if !matches!(part, Part::End(..) | Part::Failed(_)) {
            self.first_delta.get_or_insert_with(Instant::now);
        }
    }

    /// The counts of the last line. Until the first delta, everything is the prompt's time.
    pub(super) fn counts(self, usage: Usage) -> Counts {
        let now = Instant::now();
        let began = self.first_delta.unwrap_or(now);
        let prompt = nanoseconds(began - self.started);
        Counts {
            total_duration: nanoseconds(now - self.started),
            // Nothing is loaded, but clients divide by it.
            load_duration: 1,
            prompt_eval_count: usage.prompt,
            prompt_eval_duration: prompt,
            eval_count: usage.completion,
            eval_duration: nanoseconds(now - began),
        }
    }
}

/// Never zero.
fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX).max(1)
}

/// Writes the lines of one answer.
pub(super) struct LineEncoder {
    model: String,
    shows_thinking: bool,
    clock: Clock,
    /// The call that comes: here a call is told whole.
    call: WholeCall,
    /// A drain waits for streams, too.
    _busy: TaskTrackerToken,
}

impl LineEncoder {
    pub(super) fn new(model: String, shows_thinking: bool, clock: Clock, busy: TaskTrackerToken) -> Self {
        Self { model, shows_thinking, clock, call: WholeCall::default(), _busy: busy }
    }

    pub(super) fn model(&self) -> &str {
        &self.model
    }

    pub(super) fn clock(&self) -> Clock {
        self.clock
    }

    /// The reasoning of an answer, where it is shown and there is some.
    pub(super) fn thinking<'a>(&self, whole: &'a Whole) -> Option<&'a str> {
        Some(whole.reasoning.as_str()).filter(|text| self.shows_thinking && !text.is_empty())
    }

    fn delta(&self, out: &mut Vec<u8>, content: &str, thinking: Option<&str>) {
        let message = ChatMessage { role: "assistant", content, thinking, tool_calls: Vec::new() };
        self.line(out, message, None);
    }

    fn line(&self, out: &mut Vec<u8>, message: ChatMessage<'_>, end: Option<(Finish, Counts)>) {
        let line = ChatLine {
            model: &self.model,
            created_at: &now(),
            message,
            done_reason: end.map(|(finish, _)| done_word(finish)),
            done: end.is_some(),
            counts: end.map(|(_, counts)| counts),
        };
        ndjson::line(out, &line);
    }
}

impl Encode for LineEncoder {
    fn open(&mut self, out: &mut Vec<u8>) {
        self.beat(out);
    }

    fn part(&mut self, part: Part, out: &mut Vec<u8>) {
        self.clock.see(&part);
        match part {
            Part::Text(text) => self.delta(out, &text, None),
            Part::Reasoning(text) if self.shows_thinking => self.delta(out, "", Some(&text)),
            Part::Reasoning(_) => {}
            Part::CallBegin { id, name, .. } => self.call = WholeCall { id, name, arguments: String::new() },
            Part::CallArguments { delta, .. } => self.call.arguments.push_str(&delta),
            Part::CallEnd { index } => {
                let WholeCall { id, name, arguments } = &self.call;
                let arguments = object(arguments);
                let tool_calls = vec![shown(index, id, name, &arguments)];
                self.line(
                    out,
                    ChatMessage { role: "assistant", content: "", thinking: None, tool_calls },
                    None,
                );
            }
            Part::End(finish, usage) => {
                let message =
                    ChatMessage { role: "assistant", content: "", thinking: None, tool_calls: Vec::new() };
                self.line(out, message, Some((finish, self.clock.counts(usage))));
            }
            Part::Failed(failure) => {
                let error = ApiError::from(failure);
                ndjson::line(
                    out,
                    &ErrorBody { error: error.message(), status: Some(error.status().as_u16()) },
                );
            }
        }
    }

    fn beat(&mut self, out: &mut Vec<u8>) {
        // A blank line or a comment would break every client; a line that says nothing breaks none.
        self.delta(out, "", None);
    }
}

/// A call as Ollama writes it.
pub(super) fn shown<'a>(index: u32, id: &'a str, name: &'a str, arguments: &'a Value) -> MessageToolCall<'a> {
    MessageToolCall { id, function: CalledFunction { index, name, arguments } }
}

/// The arguments of a whole call: always the text of an object.
pub(super) fn object(arguments: &str) -> Value {
    serde_json::from_str(arguments).unwrap_or_else(|_| Value::Object(serde_json::Map::new()))
}

/// Ollama's word for why an answer ended; it has none for a filter.
pub(super) fn done_word(finish: Finish) -> &'static str {
    match finish {
        Finish::Stop | Finish::Sequence(_) | Finish::ContentFilter | Finish::ToolCalls => "stop",
        Finish::Length => "length",
    }
}

/// RFC 3339.
pub(super) fn now() -> String {
    jiff::Timestamp::now().to_string()
}
