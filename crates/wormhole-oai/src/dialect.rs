//! The dialects. None knows another, the hub or a site; each is a folder with its routes, its reading and its writing.

pub(crate) mod ollama;
pub(crate) mod openai;

use axum::Router;
use axum::extract::Request;
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, StatusCode};

use crate::api::Api;
use crate::edge::edge;
use crate::errors::{ApiError, Kind};

const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// Whose shape an error has where no handler was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// `/v1/…`, and every path that belongs to nobody.
    OpenAi,
    /// `/` and `/api/…`.
    Ollama,
}

impl Dialect {
    /// The dialect of a path.
    pub(crate) fn of(path: &str) -> Self {
        if path == "/" || path == "/api" || path.starts_with("/api/") { Self::Ollama } else { Self::OpenAi }
    }

    /// An error in this dialect.
    pub(crate) fn error(self, error: &ApiError) -> Response {
        match self {
            Self::OpenAi => openai::error(error),
            Self::Ollama => ollama::error(error),
        }
    }
}

/// All routes of all dialects.
pub(crate) fn router(api: Api) -> Router {
    Router::new()
        .merge(openai::routes())
        .merge(ollama::routes())
        .fallback(unknown_path)
        .method_not_allowed_fallback(unknown_method)
        .layer(from_fn_with_state(api.clone(), edge))
        .with_state(api)
}

async fn unknown_path(request: Request) -> Response {
    let path = request.uri().path();
    Dialect::of(path)
        .error(&ApiError::new(Kind::NotFound, format!("no such path: {} {path}", request.method())))
}

async fn unknown_method(request: Request) -> Response {
    let path = request.uri().path();
    let message = format!("{path} does not take {}", request.method());
    Dialect::of(path).error(&ApiError::new(Kind::MethodNotAllowed, message))
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
