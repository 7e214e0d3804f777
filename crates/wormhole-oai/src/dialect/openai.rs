//! The OpenAI dialect: models and chat completions.

mod chat;
mod encode;
mod parse;
mod tools;

use axum::Extension;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;
use wormhole_api::openai::{Model, ModelList};

use super::envelope::{envelope, error};
use super::json;
use crate::api::Api;
use crate::errors::ApiError;
use crate::models::Entry;
use crate::routes::{Answer, Field, Routes};
use crate::routes::{LIST, NUMBER, OBJECT, SWITCH, TEXT, TEXT_OR_LIST, TEXT_OR_OBJECT};
use crate::turns::Caller;

/// The routes. A model's id may hold `/` and `:`, percent-encoded or not.
pub(crate) fn routes() -> Routes {
    Routes::new("OpenAI")
        .get("/v1/models", "The models.", Answer::Json, models)
        .get("/v1/models/{*id}", "One model.", Answer::Json, model)
        .post("/v1/chat/completions", "Go on with a chat.", CHAT, Answer::JsonOrEvents, chat::completions)
}

/// What a chat may ask for.
const CHAT: &[Field] = &[
    ("model", TEXT, "The model's name, with or without its site or `:latest`."),
    ("messages", LIST, "The conversation: texts, images, calls, results."),
    ("stream", SWITCH, "Stream the answer; off by default."),
    ("stream_options", OBJECT, "`include_usage`: one more chunk, with the usage."),
    ("n", NUMBER, "1."),
    ("stop", TEXT_OR_LIST, "Texts before which the answer ends."),
    ("max_tokens", NUMBER, "Where the answer is cut, by estimate."),
    ("max_completion_tokens", NUMBER, "The same."),
    ("tools", LIST, "Functions."),
    ("tool_choice", TEXT_OR_OBJECT, "auto, none, required, a function, or allowed tools."),
    ("parallel_tool_calls", SWITCH, "More than one call an answer."),
    ("functions", LIST, "Tools, as of old."),
    ("function_call", TEXT_OR_OBJECT, "The choice of a tool, as of old."),
    ("response_format", OBJECT, "text, json_object or json_schema."),
];

async fn models(State(api): State<Api>, Extension(caller): Extension<Caller>) -> Response {
    let catalogue = api.models.catalogue(&caller.accounts);
    let data = catalogue.entries().map(|entry| shown(&api, entry)).collect();
    json(StatusCode::OK, &ModelList { object: "list", data })
}

async fn model(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    id: Result<Path<String>, PathRejection>,
) -> Response {
    // An id that is no text cannot be that of a model.
    let id = id.map_or_else(|_| String::new(), |Path(id)| id);
    let catalogue = api.models.catalogue(&caller.accounts);
    match catalogue.find(&id) {
        Some(entry) => json(StatusCode::OK, &Model { id: &id, ..shown(&api, entry) }),
        None => error(&ApiError::model_unknown(&id, &catalogue.some_names())),
    }
}

fn shown<'a>(api: &Api, entry: &'a Entry) -> Model<'a> {
    Model { id: &entry.name, object: "model", created: api.since.as_second(), owned_by: &entry.site }
}
