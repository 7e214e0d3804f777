//! The dialects. None knows another, the hub or a site; each is a folder with its routes, its reading and its writing.

mod completions;
mod embeddings;
mod envelope;
mod messages;
mod ollama;
mod openai;
mod responses;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::Response;
use axum::routing::get;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, StatusCode};

use crate::api::{Api, annotate};
use crate::chat::Chat;
use crate::edge::{edge, guard};
use crate::errors::{ApiError, Kind};
use crate::idempotency::once;
use crate::limits::tell_wait;
use crate::models::Target;
use crate::reply::{Reply, Whole};
use crate::routes::{DOCUMENT, Routes};
use crate::stream::{self, Encode};
use crate::turns::{Caller, Started};

const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// Whose shape an error has where no handler was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// `/v1/…`, and every path that belongs to nobody.
    OpenAi,
    /// `/v1/messages…`.
    Anthropic,
    /// `/` and `/api/…`.
    Ollama,
}

impl Dialect {
    /// The dialect of a path.
    pub(crate) fn of(path: &str) -> Self {
        let is_below =
            |root: &str| path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        if path == "/" || is_below("/api") {
            Self::Ollama
        } else if is_below("/v1/messages") {
            Self::Anthropic
        } else {
            Self::OpenAi
        }
    }

    /// An error in this dialect, for the request with this id.
    pub(crate) fn error(self, error: &ApiError, request_id: &str) -> Response {
        match self {
            Self::OpenAi => envelope::error(error),
            Self::Anthropic => messages::error(error, request_id),
            Self::Ollama => ollama::error(error),
        }
    }
}

/// All routes of all dialects.
pub(crate) fn router(api: Api) -> Router {
    let routes = Routes::new("Wormhole")
        .merge(openai::routes())
        .merge(responses::routes())
        .merge(completions::routes())
        .merge(embeddings::routes())
        .merge(messages::routes())
        .merge(ollama::routes());
    let (served, described) = routes.finish();
    let document = Bytes::from(serde_json::to_vec(&described).expect("the document has string keys"));
    served
        .route(
            DOCUMENT,
            get(async move || with_body(StatusCode::OK, "application/json", document.clone().into())),
        )
        .fallback(unknown_path)
        .method_not_allowed_fallback(unknown_method)
        .layer(from_fn(tell_wait))
        .layer(from_fn_with_state(api.clone(), once))
        .layer(from_fn_with_state(api.clone(), edge))
        .layer(from_fn_with_state(api.clone(), guard))
        .with_state(api)
}

async fn unknown_path(request: Request) -> Response {
    let path = request.uri().path();
    let message = format!("no such path: {} {path}", request.method());
    refusal(&request, &ApiError::new(Kind::NotFound, message))
}

async fn unknown_method(request: Request) -> Response {
    let message = format!("{} does not take {}", request.uri().path(), request.method());
    refusal(&request, &ApiError::new(Kind::MethodNotAllowed, message))
}

fn refusal(request: &Request, error: &ApiError) -> Response {
    let id = request.extensions().get::<Caller>().map_or("", |caller| caller.request.as_str());
    Dialect::of(request.uri().path()).error(error, id)
}

/// How a dialect writes one answer: part by part, or whole.
trait Write: Encode {
    /// The content type of a stream.
    const STREAM: &'static str;

    /// The answer that is there.
    fn whole(self, whole: Whole) -> Response;
}

/// Submits a conversation and answers it. The writer is made once the answer has begun, or is there.
async fn answer<W: Write>(
    api: &Api,
    caller: Caller,
    mut chat: Chat,
    wants_stream: bool,
    writer: impl FnOnce(&Target, &Reply) -> W,
) -> Result<Response, ApiError> {
    let ignored = std::mem::take(&mut chat.ignored);
    let Started { target, mut reply } = api.turns.start(chat, caller).await?;
    let response = if wants_stream {
        reply.settle(api.limits.status_window).await?;
        let writer = writer(&target, &reply);
        streamed(W::STREAM, stream::body(reply, writer, api.limits.heartbeat, api.metrics.clone()))
    } else {
        let whole = reply.whole().await?;
        writer(&target, &reply).whole(whole)
    };
    Ok(annotate(response, &target, &ignored))
}

/// A response with a JSON body.
fn json<T: serde::Serialize>(status: StatusCode, value: &T) -> Response {
    let body = serde_json::to_vec(value).expect("wire types have string keys");
    with_body(status, "application/json", body.into())
}

/// A stream's response. Proxies are told to pass each piece on as it comes.
fn streamed(content_type: &'static str, body: axum::body::Body) -> Response {
    let mut response = with_body(StatusCode::OK, content_type, body);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    // nginx, and with it the most common ingress, buffers answers unless it is told not to.
    response.headers_mut().insert(ACCEL_BUFFERING, HeaderValue::from_static("no"));
    response
}

/// A response with a body of this type.
fn with_body(status: StatusCode, content_type: &'static str, body: axum::body::Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
