//! `POST /v1/chat/completions`.

use axum::Extension;
use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use wormhole_api::openai::{
    CalledFunction, ChatCompletion, ChatRequest, Choice, MessageToolCall, ResponseMessage, StreamOptions,
};
use wormhole_api::sse;

use super::encode::{ChunkEncoder, finish_word, usage};
use super::{error, parse, tools};
use crate::api::Api;
use crate::body;
use crate::dialect::{self, json};
use crate::errors::ApiError;
use crate::reply::Whole;
use crate::turns::Caller;

/// What all chunks of an answer have in common.
pub(super) struct Identity {
    pub(super) id: String,
    pub(super) created: i64,
    pub(super) model: String,
    /// Calls are written as of old.
    pub(super) legacy: bool,
}

/// The handler.
pub(super) async fn completions(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Response {
    complete(&api, caller, request).await.unwrap_or_else(|failed| error(&failed))
}

async fn complete(api: &Api, caller: Caller, request: Request) -> Result<Response, ApiError> {
    let request: ChatRequest = body::read(request, api.limits.body).await?;
    let wants_stream = request.stream.unwrap_or(false);
    let wants_usage = StreamOptions::want_usage(request.stream_options.as_ref());
    let legacy = tools::is_legacy(&request);
    dialect::answer(api, caller, parse::chat(request)?, wants_stream, |target, _| {
        let identity = Identity {
            id: format!("chatcmpl-{}", uuid::Uuid::now_v7().simple()),
            created: jiff::Timestamp::now().as_second(),
            model: target.asked.clone(),
            legacy,
        };
        ChunkEncoder::new(identity, wants_usage, api.busy.token())
    })
    .await
}

impl dialect::Write for ChunkEncoder {
    const STREAM: &'static str = sse::CONTENT_TYPE;

    fn whole(self, whole: Whole) -> Response {
        completion(self.identity(), &whole)
    }
}

fn completion(identity: &Identity, whole: &Whole) -> Response {
    let reasoning = Some(whole.reasoning.as_str()).filter(|text| !text.is_empty());
    let calls = whole.calls.iter().map(|call| {
        let function = CalledFunction { name: &call.name, arguments: &call.arguments };
        MessageToolCall { id: &call.id, kind: "function", function }
    });
    let mut tool_calls: Vec<_> = calls.collect();
    let legacy = identity.legacy && !tool_calls.is_empty();
    let function_call = legacy.then(|| tool_calls.remove(0).function);
    let only_calls = whole.text.is_empty() && !whole.calls.is_empty();
    let message = ResponseMessage {
        role: "assistant",
        content: (!only_calls).then_some(whole.text.as_str()),
        refusal: None,
        reasoning_content: reasoning,
        reasoning,
        tool_calls,
        function_call,
    };
    let finish_reason = finish_word(whole.finish, identity.legacy);
    let choice = Choice { index: 0, message, logprobs: None, finish_reason };
    let answer = ChatCompletion {
        id: &identity.id,
        object: "chat.completion",
        created: identity.created,
        model: &identity.model,
        choices: [choice],
        usage: usage(whole.usage),
    };
    json(StatusCode::OK, &answer)
}
