//! `GET /playground-models` (newer) and `GET /models` (older). The other era's path does not exist.

use std::sync::Arc;

use axum::extract::State;
use axum::response::IntoResponse;
use axum::response::Response;
use serde_json::json;

use super::ApiError;
use super::Met;
use super::session::Reader;
use crate::answer::Model;
use crate::answer::catalogue;
use crate::app::App;
use crate::fault::Call;
use crate::switches::Era;

pub(super) async fn newer(State(app): State<Arc<App>>, reader: Reader) -> Response {
    list(&app, &reader, Era::Newer).await
}

pub(super) async fn older(State(app): State<Arc<App>>, reader: Reader) -> Response {
    list(&app, &reader, Era::Older).await
}

async fn list(app: &Arc<App>, reader: &Reader, era: Era) -> Response {
    let switches = app.switches();
    if switches.era != era {
        return ApiError::not_found("there is no such call").into_response();
    }
    if let Some(wrong) = (Met { app, browser: &reader.browser }).answer(Call::Models).await {
        return wrong;
    }
    app.observed.note(|seen| seen.models_listed += 1);
    let models = catalogue(app, era).await;
    if switches.unknown_models {
        let names: Vec<_> = models.iter().map(|model: &Model| json!({ "key": model.name })).collect();
        return axum::Json(json!({ "data": { "records": names } })).into_response();
    }
    let records: Vec<_> = models.iter().map(|model| model.record(era)).collect();
    axum::Json(records).into_response()
}
