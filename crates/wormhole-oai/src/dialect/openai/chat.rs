//! `POST /v1/chat/completions`.

use axum::Extension;
use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use wormhole_api::openai::{
    CalledFunction, ChatCompletion, ChatRequest, Choice, MessageToolCall, ResponseMessage,
};

use super::encode::{ChunkEncoder, finish_word, usage};
use super::{error, parse, tools};
use crate::api::{Api, annotate};
use crate::body;
use crate::dialect::{json, streamed};
use crate::errors::ApiError;
use crate::reply::Whole;
use crate::stream;
use crate::turns::{Caller, Started};

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
    let wants_usage =
        request.stream_options.as_ref().and_then(|options| options.include_usage).unwrap_or(false);
    let legacy = tools::is_legacy(&request);
    let mut chat = parse::chat(request)?;
    let ignored = std::mem::take(&mut chat.ignored);
    let Started { target, mut reply } = api.turns.start(chat, caller).await?;
    let identity = Identity {
        id: format!("chatcmpl-{}", uuid::Uuid::now_v7().simple()),
        created: jiff::Timestamp::now().as_second(),
        model: target.asked.clone(),
        legacy,
    };
    let response = if wants_stream {
        reply.settle(api.limits.status_window).await?;
        let busy = api.busy.token();
        let encoder = ChunkEncoder::new(identity, wants_usage, busy);
        let body = stream::body(reply, encoder, api.limits.heartbeat, api.metrics.clone());
        streamed("text/event-stream", body)
    } else {
        completion(&identity, &reply.whole().await?)
    };
    Ok(annotate(response, &target, &ignored))
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
