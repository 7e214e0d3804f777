//! The response object while its answer comes, and keeping it once it is whole.

use std::sync::Arc;

use serde_json::Value;
use wormhole_api::responses::{
    IncompleteDetails, InputDetails, OutputDetails, OutputItem, OutputText, Response, ResponseError,
    SummaryText, Usage,
};

use super::tools::Names;
use crate::errors::ApiError;
use crate::reply::{Finish, Whole};
use crate::responses_store::{ResponsesStore, StoredResponse};
use crate::usage;

/// Where to keep the response.
#[derive(Debug)]
pub(super) struct Keep {
    pub(super) store: Arc<dyn ResponsesStore>,
    pub(super) caller: String,
    /// The conversation before the answer.
    pub(super) items: Vec<Value>,
}

/// The response.
#[derive(Debug)]
pub(super) struct Output {
    pub(super) object: Response,
    names: Names,
    keep: Option<Keep>,
}

impl Output {
    pub(super) fn new(object: Response, names: Names, keep: Option<Keep>) -> Self {
        Self { object, names, keep }
    }

    /// All of it at once.
    pub(super) fn whole(&mut self, whole: Whole) -> &Response {
        if !whole.reasoning.is_empty() {
            let item = OutputItem::Reasoning {
                id: new_id("rs"),
                summary: vec![SummaryText { text: whole.reasoning }],
            };
            self.object.output.push(item);
        }
        // Without a call there is always a message: clients read the first.
        if !whole.text.is_empty() || whole.calls.is_empty() {
            self.object.output.push(message(new_id("msg"), "completed", vec![OutputText::new(whole.text)]));
        }
        for call in whole.calls {
            let item = self.call("completed", call.id, &call.name, call.arguments);
            self.object.output.push(item);
        }
        self.finish(whole.finish, whole.usage);
        &self.object
    }

    /// A call as an item.
    pub(super) fn call(
        &self,
        status: &'static str,
        call_id: String,
        name: &str,
        arguments: String,
    ) -> OutputItem {
        let (namespace, name) = self.names.split(name);
        OutputItem::FunctionCall { id: new_id("fc"), status, call_id, name, namespace, arguments }
    }

    /// The answer is whole.
    pub(super) fn finish(&mut self, finish: Finish, cost: usage::Usage) {
        let object = &mut self.object;
        object.usage = Some(Usage {
            input_tokens: cost.prompt,
            input_tokens_details: InputDetails::default(),
            output_tokens: cost.completion,
            output_tokens_details: OutputDetails::default(),
            total_tokens: cost.total(),
        });
        let reason = match finish {
            Finish::Length => Some("max_output_tokens"),
            Finish::ContentFilter => Some("content_filter"),
            _ => None,
        };
        object.incomplete_details = reason.map(|reason| IncompleteDetails { reason });
        if reason.is_some() {
            object.status = "incomplete";
            mark_incomplete(&mut object.output);
        } else {
            object.status = "completed";
            object.completed_at = Some(jiff::Timestamp::now().as_second());
        }
        self.put();
    }

    /// It never will be.
    pub(super) fn fail(&mut self, error: &ApiError) {
        self.object.status = "failed";
        let code = error.openai_code().unwrap_or("server_error").to_owned();
        self.object.error = Some(ResponseError { code, message: error.message().to_owned() });
    }

    fn put(&mut self) {
        let Some(Keep { store, caller, mut items }) = self.keep.take() else { return };
        let output = self.object.output.iter().map(serde_json::to_value);
        items.extend(output.filter_map(Result::ok));
        if let Ok(response) = serde_json::to_value(&self.object) {
            store.put(&caller, &self.object.id, StoredResponse { items, response });
        }
    }
}

/// A message of the assistant.
pub(super) fn message(id: String, status: &'static str, content: Vec<OutputText>) -> OutputItem {
    OutputItem::Message { id, status, role: "assistant", content }
}

/// What was being written when the answer was cut.
fn mark_incomplete(output: &mut [OutputItem]) {
    if let Some(OutputItem::Message { status, .. } | OutputItem::FunctionCall { status, .. }) =
        output.last_mut()
    {
        *status = "incomplete";
    }
}

/// An id of this kind.
pub(super) fn new_id(kind: &str) -> String {
    format!("{kind}_{}", uuid::Uuid::now_v7().simple())
}
