//! The site's JSON API, `/internal/experts/assistant`.

mod conversations;
mod error;
mod fault;
mod models;
mod session;
mod turn;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use axum::routing::post;

use crate::app::App;

pub(crate) use error::ApiError;
pub(crate) use error::Json;
pub(crate) use fault::Met;

/// The API's routes, to be nested under its path.
pub(crate) fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/playground-models", get(models::newer))
        .route("/models", get(models::older))
        .route("/conversations", post(conversations::create))
        .route("/conversations/paginated", get(conversations::list))
        .route("/conversations/{id}", get(conversations::read).delete(conversations::delete))
        .route("/conversations/{id}/turn-streaming", post(turn::stream))
        .fallback(|| async { ApiError::not_found("there is no such call") })
        .method_not_allowed_fallback(|| async { ApiError::method_not_allowed() })
}
