//! The Ollama dialect: heartbeat, version, models and chat.

mod chat;
mod encode;
mod models;
mod parse;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::StatusCode;
use wormhole_api::ollama::{ErrorBody, Version};

use super::json;
use crate::api::Api;
use crate::errors::ApiError;

/// The release of Ollama whose API this is. Clients compare it with the least they need; the highest known gate is 0.13.4.
const VERSION: &str = "0.32.1";

/// The routes.
pub(crate) fn routes() -> Router<Api> {
    Router::new()
        .route("/", get(root))
        .route("/api/version", get(version))
        .route("/api/tags", get(models::tags))
        .route("/api/show", post(models::show))
        .route("/api/chat", post(chat::chat))
}

/// An error as a response.
pub(crate) fn error(error: &ApiError) -> Response {
    let mut response = json(error.status(), &ErrorBody { error: error.message(), status: None });
    error.add_headers(response.headers_mut());
    response
}

async fn root() -> Response {
    ([(CONTENT_TYPE, "text/plain; charset=utf-8")], "Ollama is running").into_response()
}

async fn version() -> Response {
    json(StatusCode::OK, &Version { version: VERSION })
}
