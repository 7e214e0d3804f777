//! A reply as events: the response announced, each item announced, written and closed, and the response again.

use serde::Serialize;
use tokio_util::task::task_tracker::TaskTrackerToken;
use wormhole_api::responses::{
    ArgumentsDelta, ArgumentsDone, Event, ItemEvent, OutputItem, OutputText, PartEvent, ResponseEvent,
    SummaryDelta, SummaryPartEvent, SummaryText, SummaryTextDone, TextDelta, TextDone,
};
use wormhole_api::sse;

use super::output::{Output, message, new_id};
use crate::errors::ApiError;
use crate::reply::{Finish, Part};
use crate::stream::Encode;

/// Writes the events of one response.
pub(super) struct EventEncoder {
    output: Output,
    next: u64,
    open: Option<Open>,
    /// A drain waits for streams, too.
    _busy: TaskTrackerToken,
}

/// The item that is being written. It stands at the end of the output once it is closed.
enum Open {
    Message { id: String, text: String },
    Reasoning { id: String, text: String },
    Call { id: String, item: OutputItem, arguments: String },
}

impl EventEncoder {
    pub(super) fn new(output: Output, busy: TaskTrackerToken) -> Self {
        Self { output, next: 0, open: None, _busy: busy }
    }

    pub(super) fn into_output(self) -> Output {
        self.output
    }

    fn event<T: Serialize>(&mut self, out: &mut Vec<u8>, kind: &str, body: T) {
        sse::event(out, kind, &Event { kind, sequence_number: self.next, body });
        self.next += 1;
    }

    fn response(&mut self, out: &mut Vec<u8>, kind: &str) {
        sse::event(
            out,
            kind,
            &Event {
                kind,
                sequence_number: self.next,
                body: ResponseEvent { response: &self.output.object },
            },
        );
        self.next += 1;
    }

    /// Where the open item will stand.
    fn place(&self) -> usize {
        self.output.object.output.len()
    }

    fn added(&mut self, out: &mut Vec<u8>, item: &OutputItem) {
        let output_index = self.place();
        self.event(out, "response.output_item.added", ItemEvent { output_index, item });
    }

    fn open_message(&mut self, out: &mut Vec<u8>) {
        let id = new_id("msg");
        self.added(out, &message(id.clone(), "in_progress", Vec::new()));
        let (output_index, part) = (self.place(), &OutputText::new(String::new()));
        let body = PartEvent { item_id: &id, output_index, content_index: 0, part };
        self.event(out, "response.content_part.added", body);
        self.open = Some(Open::Message { id, text: String::new() });
    }

    fn text(&mut self, out: &mut Vec<u8>, delta: &str) {
        if !matches!(self.open, Some(Open::Message { .. })) {
            self.close(out, "completed");
            self.open_message(out);
        }
        let (output_index, sequence_number) = (self.place(), self.next);
        let Some(Open::Message { id, text }) = &mut self.open else { return };
        text.push_str(delta);
        let kind = "response.output_text.delta";
        let body = TextDelta { item_id: id, output_index, content_index: 0, delta, logprobs: [] };
        sse::event(out, kind, &Event { kind, sequence_number, body });
        self.next += 1;
    }

    fn reasoning(&mut self, out: &mut Vec<u8>, delta: &str) {
        if !matches!(self.open, Some(Open::Reasoning { .. })) {
            self.close(out, "completed");
            let id = new_id("rs");
            self.added(out, &OutputItem::Reasoning { id: id.clone(), summary: Vec::new() });
            let (output_index, part) = (self.place(), &SummaryText { text: String::new() });
            let body = SummaryPartEvent { item_id: &id, output_index, summary_index: 0, part };
            self.event(out, "response.reasoning_summary_part.added", body);
            self.open = Some(Open::Reasoning { id, text: String::new() });
        }
        let (output_index, sequence_number) = (self.place(), self.next);
        let Some(Open::Reasoning { id, text }) = &mut self.open else { return };
        text.push_str(delta);
        let kind = "response.reasoning_summary_text.delta";
        let body = SummaryDelta { item_id: id, output_index, summary_index: 0, delta };
        sse::event(out, kind, &Event { kind, sequence_number, body });
        self.next += 1;
    }

    fn call(&mut self, out: &mut Vec<u8>, call_id: String, name: &str) {
        self.close(out, "completed");
        let item = self.output.call("in_progress", call_id, name, String::new());
        self.added(out, &item);
        let OutputItem::FunctionCall { id, .. } = &item else { return };
        self.open = Some(Open::Call { id: id.clone(), item, arguments: String::new() });
    }

    fn arguments(&mut self, out: &mut Vec<u8>, delta: &str) {
        let (output_index, sequence_number) = (self.place(), self.next);
        let Some(Open::Call { id, arguments, .. }) = &mut self.open else { return };
        arguments.push_str(delta);
        let kind = "response.function_call_arguments.delta";
        let body = ArgumentsDelta { item_id: id, output_index, delta };
        sse::event(out, kind, &Event { kind, sequence_number, body });
        self.next += 1;
    }

    /// Closes the open item, if there is one.
    fn close(&mut self, out: &mut Vec<u8>, status: &'static str) {
        let output_index = self.place();
        let item = match self.open.take() {
            None => return,
            Some(Open::Message { id, text }) => {
                let body =
                    TextDone { item_id: &id, output_index, content_index: 0, text: &text, logprobs: [] };
                self.event(out, "response.output_text.done", body);
                let part = OutputText::new(text);
                let body = PartEvent { item_id: &id, output_index, content_index: 0, part: &part };
                self.event(out, "response.content_part.done", body);
                message(id, status, vec![part])
            }
            Some(Open::Reasoning { id, text }) => {
                let body = SummaryTextDone { item_id: &id, output_index, summary_index: 0, text: &text };
                self.event(out, "response.reasoning_summary_text.done", body);
                let part = SummaryText { text };
                let body = SummaryPartEvent { item_id: &id, output_index, summary_index: 0, part: &part };
                self.event(out, "response.reasoning_summary_part.done", body);
                OutputItem::Reasoning { id, summary: vec![part] }
            }
            Some(Open::Call { id, mut item, arguments: all }) => {
                if let OutputItem::FunctionCall { status: now, arguments, name, .. } = &mut item {
                    let body = ArgumentsDone { item_id: &id, output_index, name, arguments: &all };
                    self.event(out, "response.function_call_arguments.done", body);
                    *now = status;
                    *arguments = all;
                }
                item
            }
        };
        self.event(out, "response.output_item.done", ItemEvent { output_index, item: &item });
        self.output.object.output.push(item);
    }

    fn end(&mut self, out: &mut Vec<u8>, finish: Finish, cost: crate::usage::Usage) {
        let is_cut = matches!(finish, Finish::Length | Finish::ContentFilter);
        // Without a call there is always a message: clients read the first.
        let is_called =
            self.output.object.output.iter().any(|item| matches!(item, OutputItem::FunctionCall { .. }));
        if !is_called && !matches!(self.open, Some(Open::Message { .. } | Open::Call { .. })) {
            self.close(out, "completed");
            let has_message = |item: &OutputItem| matches!(item, OutputItem::Message { .. });
            if !self.output.object.output.iter().any(has_message) {
                self.open_message(out);
            }
        }
        self.close(out, if is_cut { "incomplete" } else { "completed" });
        self.output.finish(finish, cost);
        self.response(out, if is_cut { "response.incomplete" } else { "response.completed" });
    }
}

impl Encode for EventEncoder {
    fn open(&mut self, out: &mut Vec<u8>) {
        self.response(out, "response.created");
        self.response(out, "response.in_progress");
    }

    fn part(&mut self, part: Part, out: &mut Vec<u8>) {
        match part {
            Part::Text(delta) => self.text(out, &delta),
            Part::Reasoning(delta) => self.reasoning(out, &delta),
            Part::CallBegin { id, name, .. } => self.call(out, id, &name),
            Part::CallArguments { delta, .. } => self.arguments(out, &delta),
            Part::CallEnd { .. } => self.close(out, "completed"),
            Part::End(finish, cost) => self.end(out, finish, cost),
            Part::Failed(failure) => {
                self.output.fail(&ApiError::from(failure));
                self.response(out, "response.failed");
            }
        }
    }

    fn beat(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(sse::PING);
    }
}
