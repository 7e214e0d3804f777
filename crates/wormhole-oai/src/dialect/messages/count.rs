//! `POST /v1/messages/count_tokens`.

use axum::Extension;
use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use wormhole_api::messages::{CountRequest, InputTokens};

use super::{error, identified, parse};
use crate::api::Api;
use crate::body;
use crate::dialect::json;
use crate::errors::ApiError;
use crate::turns::Caller;

/// Counts what would be posted, by estimate. No turn.
pub(super) async fn count_tokens(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Response {
    match count(&api, request).await {
        Ok(input_tokens) => identified(json(StatusCode::OK, &InputTokens { input_tokens }), &caller.request),
        Err(failed) => error(&failed, &caller.request),
    }
}

async fn count(api: &Api, request: Request) -> Result<u64, ApiError> {
    let request: CountRequest = body::read(request, api.limits.body).await?;
    let chat = parse::chat(request)?;
    api.turns.count(&chat).await
}
