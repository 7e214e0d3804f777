//! `GET` and `DELETE /v1/responses/{id}`.

use axum::Extension;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;
use wormhole_api::responses::Deleted;

use super::error;
use crate::api::Api;
use crate::dialect::json;
use crate::errors::{ApiError, Kind};
use crate::turns::Caller;

/// The response as it was sent.
pub(super) async fn read(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    id: Result<Path<String>, PathRejection>,
) -> Response {
    let id = id.map_or_else(|_| String::new(), |Path(id)| id);
    match api.responses.get(&caller.scope, &id) {
        Some(stored) => json(StatusCode::OK, &stored.response),
        None => unknown(&id),
    }
}

/// Forgets it.
pub(super) async fn delete(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    id: Result<Path<String>, PathRejection>,
) -> Response {
    let id = id.map_or_else(|_| String::new(), |Path(id)| id);
    if api.responses.delete(&caller.scope, &id) {
        return json(StatusCode::OK, &Deleted { id: &id, object: "response", deleted: true });
    }
    unknown(&id)
}

fn unknown(id: &str) -> Response {
    error(&ApiError::new(Kind::ResponseUnknown, format!("response '{id}' not found")))
}
