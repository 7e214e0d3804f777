//! Anthropic's messages.

mod answer;
mod blocks;
mod count;
mod encode;
mod parse;

#[cfg(test)]
mod tests;

use axum::response::Response;
use http::{HeaderName, HeaderValue};
use wormhole_api::messages::{ErrorBody, ErrorEnvelope};

use super::json;
use crate::errors::ApiError;
use crate::routes::{Answer, Field, Routes};
use crate::routes::{LIST, NUMBER, OBJECT, SWITCH, TEXT, TEXT_OR_LIST};

/// Where Anthropic's SDKs look for the request's id.
const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");

/// The routes.
pub(crate) fn routes() -> Routes {
    let count = "/v1/messages/count_tokens";
    Routes::new("Anthropic")
        .post("/v1/messages", "Create a message.", MESSAGE, Answer::JsonOrEvents, answer::messages)
        .post(count, "Estimate what a message would cost.", MESSAGE, Answer::Json, count::count_tokens)
}

/// What a request may ask for.
const MESSAGE: &[Field] = &[
    ("model", TEXT, "The model's name, with or without its site or `:latest`."),
    ("messages", LIST, "The conversation: texts, images, calls, results; `system` in the middle, too."),
    ("system", TEXT_OR_LIST, "System text."),
    ("max_tokens", NUMBER, "Where the answer is cut, by estimate."),
    ("stop_sequences", LIST, "Texts before which the answer ends."),
    ("stream", SWITCH, "Stream the answer; off by default."),
    ("tools", LIST, "The client's own tools."),
    ("tool_choice", OBJECT, "auto, any, tool or none; `disable_parallel_tool_use`."),
    ("thinking", OBJECT, "Whether thoughts are shown."),
    ("output_config", OBJECT, "`format`: a JSON schema."),
    ("metadata", OBJECT, "Taken, and not used."),
];

/// An error as a response.
pub(crate) fn error(error: &ApiError, request_id: &str) -> Response {
    let mut response = json(error.status(), &envelope(error, request_id));
    error.add_headers(response.headers_mut());
    identified(response, request_id)
}

fn envelope<'a>(error: &'a ApiError, request_id: &'a str) -> ErrorEnvelope<'a> {
    let body = ErrorBody { kind: error.anthropic_type(), message: error.message() };
    ErrorEnvelope { error: body, request_id }
}

fn identified(mut response: Response, request_id: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(request_id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}
