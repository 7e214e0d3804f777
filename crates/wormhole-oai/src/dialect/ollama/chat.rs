//! `POST /api/chat`.

use axum::Extension;
use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use wormhole_api::ndjson;
use wormhole_api::ollama::{ChatLine, ChatMessage, ChatRequest, Think};

use super::encode::{Clock, LineEncoder, done_word, now, object, shown};
use super::{error, parse};
use crate::api::{Api, annotate};
use crate::body;
use crate::dialect::{json, streamed};
use crate::errors::ApiError;
use crate::stream;
use crate::turns::{Caller, Started};

/// The handler.
pub(super) async fn chat(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Response {
    answer(&api, caller, request).await.unwrap_or_else(|failed| error(&failed))
}

async fn answer(api: &Api, caller: Caller, request: Request) -> Result<Response, ApiError> {
    let request: ChatRequest = body::read(request, api.limits.body).await?;
    if request.messages.as_ref().is_none_or(Vec::is_empty) {
        return loaded(api, &request);
    }
    let wants_stream = request.stream.unwrap_or(true);
    let shows_thinking = request.think != Some(Think::Switch(false));
    let mut chat = parse::chat(request)?;
    let ignored = std::mem::take(&mut chat.ignored);
    let Started { target, mut reply } = api.turns.start(chat, caller).await?;
    let response = if wants_stream {
        reply.settle(api.limits.status_window).await?;
        let clock = Clock::from(&reply);
        let encoder = LineEncoder::new(target.asked.clone(), shows_thinking, clock, api.busy.token());
        let body = stream::body(reply, encoder, api.limits.heartbeat, api.metrics.clone());
        streamed(ndjson::CONTENT_TYPE, body)
    } else {
        let whole = reply.whole().await?;
        let thinking = Some(whole.reasoning.as_str()).filter(|text| shows_thinking && !text.is_empty());
        let arguments: Vec<_> = whole.calls.iter().map(|call| object(&call.arguments)).collect();
        let calls = whole.calls.iter().zip(&arguments).zip(0..);
        let tool_calls =
            calls.map(|((call, arguments), index)| shown(index, &call.id, &call.name, arguments)).collect();
        let line = ChatLine {
            model: &target.asked,
            created_at: &now(),
            message: ChatMessage { role: "assistant", content: &whole.text, thinking, tool_calls },
            done_reason: Some(done_word(whole.finish)),
            done: true,
            counts: Some(Clock::from(&reply).counts(whole.usage)),
        };
        json(StatusCode::OK, &line)
    };
    Ok(annotate(response, &target, &ignored))
}

/// No messages: the client asks to load or unload the model, which is nothing here, and no turn.
fn loaded(api: &Api, request: &ChatRequest) -> Result<Response, ApiError> {
    let target = api.models.target(request.model.as_deref())?;
    let reason = if parse::unloads(request.keep_alive.as_ref()) { "unload" } else { "load" };
    let line = ChatLine {
        model: &target.asked,
        created_at: &now(),
        message: ChatMessage { role: "assistant", content: "", thinking: None, tool_calls: Vec::new() },
        done_reason: Some(reason),
        done: true,
        counts: None,
    };
    Ok(json(StatusCode::OK, &line))
}
