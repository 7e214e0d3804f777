//! The Ollama dialect: heartbeat, version, models, chat, generate and embeddings.

mod chat;
mod embed;
mod encode;
mod generate;
mod manage;
mod models;
mod parse;

use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use wormhole_api::ollama::{ErrorBody, Version};

use super::json;
use crate::errors::ApiError;
use crate::routes::{Answer, Field, Routes};
use crate::routes::{
    LIST, NUMBER, NUMBER_OR_TEXT, OBJECT, SWITCH, SWITCH_OR_TEXT, TEXT, TEXT_OR_LIST, TEXT_OR_OBJECT,
};

/// The release of Ollama whose API this is. Clients compare it with the least they need; the highest known gate is 0.13.4.
const VERSION: &str = "0.32.1";

/// The routes.
pub(crate) fn routes() -> Routes {
    let routes = Routes::new("Ollama")
        .get("/", "A sign of life.", Answer::Text, root)
        .get("/api/version", "The version of Ollama whose API this is.", Answer::Json, version)
        .get("/api/tags", "The models.", Answer::Json, models::tags)
        .get("/api/ps", "The models; all of them are loaded.", Answer::Json, manage::ps)
        .post("/api/show", "One model.", NAME, Answer::Json, models::show)
        .post("/api/pull", "Succeeds for models that are there.", PULL, Answer::JsonOrLines, manage::pull)
        .post("/api/chat", "Go on with a chat.", CHAT, Answer::JsonOrLines, chat::chat)
        .post("/api/generate", "Go on with a text.", GENERATE, Answer::JsonOrLines, generate::generate)
        .post(
            "/api/embed",
            "Embeddings, from the server that the operator named.",
            EMBED,
            Answer::Json,
            embed::embed,
        )
        .post("/api/embeddings", "The same, as of old.", EMBED, Answer::Json, embed::embeddings);
    let no_files = "Not supported: there are no model files.";
    ["/api/create", "/api/copy", "/api/push", "/api/blobs/{digest}"]
        .into_iter()
        .fold(routes, |routes, path| routes.post(path, no_files, &[], Answer::Unsupported, manage::no_files))
        .head("/api/blobs/{digest}", no_files, Answer::Unsupported, manage::no_files)
        .delete("/api/delete", no_files, Answer::Unsupported, manage::no_files)
}

/// What a chat may ask for.
const CHAT: &[Field] = &[
    ("model", TEXT, "The model's name, with or without its site or `:latest`."),
    ("messages", LIST, "The conversation: texts, images, calls, results. None loads or unloads."),
    ("stream", SWITCH, "Stream the answer; on by default."),
    ("tools", LIST, "Functions."),
    ("format", TEXT_OR_OBJECT, "json, or a JSON schema."),
    ("think", SWITCH_OR_TEXT, "Show the reasoning; on by default."),
    ("options", OBJECT, "`stop` and `num_predict`."),
    ("keep_alive", NUMBER_OR_TEXT, "0 unloads, where there are no messages."),
];

/// What a text may ask for.
const GENERATE: &[Field] = &[
    ("model", TEXT, "The model's name, with or without its site or `:latest`."),
    ("prompt", TEXT, "The text. None loads or unloads."),
    ("suffix", TEXT, "What comes after the text that is asked for."),
    ("system", TEXT, "System text."),
    ("images", LIST, "Pictures in base64."),
    ("stream", SWITCH, "Stream the answer; on by default."),
    ("format", TEXT_OR_OBJECT, "json, or a JSON schema."),
    ("think", SWITCH_OR_TEXT, "Show the reasoning; on by default."),
    ("options", OBJECT, "`stop` and `num_predict`."),
    ("keep_alive", NUMBER_OR_TEXT, "0 unloads, where there is no prompt."),
];

/// What a request for embeddings may ask for.
const EMBED: &[Field] = &[
    ("model", TEXT, "The model's name, with or without its site or `:latest`."),
    ("input", TEXT_OR_LIST, "A text, or texts."),
    ("prompt", TEXT, "The text, in the older API."),
    ("dimensions", NUMBER, "How many numbers; passed on."),
];

/// A model.
const NAME: &[Field] = &[
    ("model", TEXT, "The model's name, with or without its site or `:latest`."),
    ("name", TEXT, "The same, as of old."),
];

/// A model to fetch.
const PULL: &[Field] = &[
    ("model", TEXT, "The model's name, with or without its site or `:latest`."),
    ("name", TEXT, "The same, as of old."),
    ("stream", SWITCH, "Stream the answer; on by default."),
];

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
