//! The OpenAI dialect: models and chat completions.

mod chat;
mod encode;
mod parse;

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{get, post};
use http::StatusCode;
use wormhole_api::openai::{ErrorBody, ErrorEnvelope, Model, ModelList};

use super::json;
use crate::api::Api;
use crate::errors::ApiError;
use crate::models::Entry;

/// The routes. A model's id may hold `/` and `:`, percent-encoded or not.
pub(crate) fn routes() -> Router<Api> {
    Router::new()
        .route("/v1/models", get(models))
        .route("/v1/models/{*id}", get(model))
        .route("/v1/chat/completions", post(chat::completions))
}

/// An error as a response.
pub(crate) fn error(error: &ApiError) -> Response {
    let mut response = json(error.status(), &envelope(error));
    error.add_headers(response.headers_mut());
    response
}

fn envelope(error: &ApiError) -> ErrorEnvelope<'_> {
    ErrorEnvelope {
        error: ErrorBody {
            message: error.message(),
            kind: error.openai_type(),
            param: error.param(),
            code: error.openai_code(),
        },
    }
}

async fn models(State(api): State<Api>) -> Response {
    let catalogue = api.models.catalogue();
    let data = catalogue.entries().map(|entry| shown(&api, entry)).collect();
    json(StatusCode::OK, &ModelList { object: "list", data })
}

async fn model(State(api): State<Api>, id: Result<Path<String>, PathRejection>) -> Response {
    // An id that is no text cannot be that of a model.
    let id = id.map_or_else(|_| String::new(), |Path(id)| id);
    let catalogue = api.models.catalogue();
    match catalogue.find(&id) {
        Some(entry) => json(StatusCode::OK, &Model { id: &id, ..shown(&api, entry) }),
        None => error(&ApiError::model_unknown(&id, &catalogue.some_names())),
    }
}

fn shown<'a>(api: &Api, entry: &'a Entry) -> Model<'a> {
    Model { id: &entry.name, object: "model", created: api.since.as_second(), owned_by: &entry.site }
}
