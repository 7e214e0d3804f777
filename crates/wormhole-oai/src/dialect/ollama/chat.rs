//! `POST /api/chat`.

use axum::Extension;
use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use wormhole_api::ndjson;
use wormhole_api::ollama::{ChatLine, ChatMessage, ChatRequest, Think};

use super::encode::{Clock, LineEncoder, done_word, now, object, shown};
use super::{error, parse};
use crate::api::Api;
use crate::body;
use crate::dialect::{self, json};
use crate::errors::ApiError;
use crate::reply::Whole;
use crate::turns::Caller;

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
        return loaded(api, &caller, &request);
    }
    let wants_stream = request.stream.unwrap_or(true);
    let shows_thinking = request.think != Some(Think::Switch(false));
    dialect::answer(api, caller, parse::chat(request)?, wants_stream, |target, reply| {
        LineEncoder::new(target.asked.clone(), shows_thinking, Clock::from(reply), api.busy.token())
    })
    .await
}

impl dialect::Write for LineEncoder {
    const STREAM: &'static str = ndjson::CONTENT_TYPE;

    fn whole(self, whole: Whole) -> Response {
        let arguments: Vec<_> = whole.calls.iter().map(|call| object(&call.arguments)).collect();
        let calls = whole.calls.iter().zip(&arguments).zip(0..);
        let tool_calls =
            calls.map(|((call, arguments), index)| shown(index, &call.id, &call.name, arguments)).collect();
        let line = ChatLine {
            model: self.model(),
            created_at: &now(),
            message: ChatMessage {
                role: "assistant",
                content: &whole.text,
                thinking: self.thinking(&whole),
                tool_calls,
            },
            done_reason: Some(done_word(whole.finish)),
            done: true,
            counts: Some(self.clock().counts(whole.usage)),
        };
        json(StatusCode::OK, &line)
    }
}

/// No messages: the client asks to load or unload the model, which is nothing here, and no turn.
fn loaded(api: &Api, caller: &Caller, request: &ChatRequest) -> Result<Response, ApiError> {
    let target = api.models.target(request.model.as_deref(), &caller.accounts)?;
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
