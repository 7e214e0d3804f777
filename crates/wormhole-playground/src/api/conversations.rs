//! Conversations: make, read, list, delete. Making one does not answer its prompt.

use std::sync::Arc;

use axum::extract::Path;
use axum::extract::Query;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;

use super::ApiError;
use super::Json;
use super::Met;
use super::session::Reader;
use super::session::Writer;
use super::turn::seen;
use crate::answer::choose;
use crate::app::App;
use crate::app::lock;
use crate::fault::Call;

/// The parts of the request that the site uses; it takes any others without a word.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewConversation {
    prompt: Prompt,
    model: Option<String>,
    model_id: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Prompt {
    text: String,
    /// Looked at as those of a turn are, and forgotten: making a conversation answers nothing.
    #[serde(default)]
    images: Vec<String>,
}

pub(super) async fn create(
    State(app): State<Arc<App>>,
    writer: Writer,
    Json(new): Json<NewConversation>,
) -> Result<Response, ApiError> {
    let named = choose(&app, new.model.as_deref(), new.model_id.as_deref()).await;
    let model = named.map_err(ApiError::invalid)?;
    seen(&model, &new.prompt.images)?;
    if let Some(wrong) = (Met { app: &app, browser: &writer.browser }).answer(Call::Create).await {
        return Ok(wrong);
    }
    let id = lock(&app.conversations).create(&new.prompt.text, &model);
    app.observed.note(|seen| seen.conversations_created += 1);
    let made = lock(&app.conversations).view(&id);
    Ok((StatusCode::CREATED, axum::Json(made)).into_response())
}

pub(super) async fn read(
    State(app): State<Arc<App>>,
    reader: Reader,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let view = lock(&app.conversations).view(&id).ok_or_else(unknown)?;
    match (Met { app: &app, browser: &reader.browser }).answer(Call::Read).await {
        Some(wrong) => Ok(wrong),
        None => Ok(axum::Json(view).into_response()),
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PageOf {
    page: Option<usize>,
    page_size: Option<usize>,
}

pub(super) async fn list(
    State(app): State<Arc<App>>,
    reader: Reader,
    page: Result<Query<PageOf>, axum::extract::rejection::QueryRejection>,
) -> Result<Response, ApiError> {
    let Query(PageOf { page, page_size }) = page.map_err(|wrong| ApiError::invalid(wrong.body_text()))?;
    if let Some(wrong) = (Met { app: &app, browser: &reader.browser }).answer(Call::List).await {
        return Ok(wrong);
    }
    let size = page_size.unwrap_or(20).clamp(1, 100);
    let listed = lock(&app.conversations).list(page.unwrap_or(1).max(1), size);
    Ok(axum::Json(listed).into_response())
}

pub(super) async fn delete(
    State(app): State<Arc<App>>,
    writer: Writer,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    if !lock(&app.conversations).contains(&id) {
        return Err(unknown());
    }
    if let Some(wrong) = (Met { app: &app, browser: &writer.browser }).answer(Call::Delete).await {
        return Ok(wrong);
    }
    if lock(&app.conversations).delete(&id) {
        app.words.forget(&id);
        app.observed.note(|seen| seen.conversations_deleted += 1);
    }
    Ok(axum::Json(json!({ "id": id, "deleted": true })).into_response())
}

pub(super) fn unknown() -> ApiError {
    ApiError::not_found("there is no such conversation")
}
