//! `POST /v1/messages`.

use axum::Extension;
use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use serde_json::{Value, json};
use wormhole_api::messages::{ContentBlock, Message, MessagesRequest};
use wormhole_api::sse;

use super::encode::{EventEncoder, Identity, stop_reason, usage};
use super::{error, identified, parse};
use crate::api::Api;
use crate::body;
use crate::dialect;
use crate::errors::ApiError;
use crate::reply::Whole;
use crate::turns::Caller;

/// The handler.
pub(super) async fn messages(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Response {
    let id = caller.request.clone();
    match answer(&api, caller, request).await {
        Ok(response) => identified(response, &id),
        Err(failed) => error(&failed, &id),
    }
}

async fn answer(api: &Api, caller: Caller, request: Request) -> Result<Response, ApiError> {
    let request: MessagesRequest = body::read(request, api.limits.body).await?;
    let wants_stream = request.stream.unwrap_or(false);
    let shows_thinking = parse::shows_thinking(&request);
    let chat = parse::chat(request)?;
    let request_id = caller.request.clone();
    let stop_sequences = chat.limits.stop.clone();
    dialect::answer(api, caller, chat, wants_stream, |target, reply| {
        let identity = Identity {
            id: format!("msg_{}", uuid::Uuid::now_v7().simple()),
            model: target.asked.clone(),
            request_id,
            shows_thinking,
            input_tokens: reply.prompt_tokens(),
            stop_sequences,
        };
        EventEncoder::new(identity, api.busy.token())
    })
    .await
}

impl dialect::Write for EventEncoder {
    const STREAM: &'static str = sse::CONTENT_TYPE;

    fn whole(self, answer: Whole) -> Response {
        whole(self.identity(), &answer)
    }
}

fn whole(identity: &Identity, whole: &Whole) -> Response {
    let mut content = Vec::new();
    if identity.shows_thinking && !whole.reasoning.is_empty() {
        content.push(ContentBlock::Thinking { thinking: &whole.reasoning, signature: "" });
    }
    if !whole.text.is_empty() || whole.calls.is_empty() {
        content.push(ContentBlock::Text { text: &whole.text });
    }
    content.extend(whole.calls.iter().map(|call| ContentBlock::ToolUse {
        id: &call.id,
        name: &call.name,
        input: serde_json::from_str::<Value>(&call.arguments).unwrap_or_else(|_| json!({})),
    }));
    let message = Message {
        id: &identity.id,
        role: "assistant",
        model: &identity.model,
        content,
        stop_reason: Some(stop_reason(whole.finish)),
        stop_sequence: identity.sequence(whole.finish),
        usage: usage(whole.usage.prompt, whole.usage.completion),
    };
    dialect::json(StatusCode::OK, &message)
}
