//! OpenAI's responses.

mod create;
mod encode;
mod input;
mod kept;
mod output;
mod tools;

#[cfg(test)]
mod tests;

use super::envelope::error;
use crate::routes::{Answer, Field, Routes};
use crate::routes::{LIST, NUMBER, OBJECT, SWITCH, TEXT, TEXT_OR_LIST, TEXT_OR_OBJECT};

/// The routes.
pub(crate) fn routes() -> Routes {
    let id = "/v1/responses/{id}";
    Routes::new("OpenAI")
        .post("/v1/responses", "Create a response.", CREATE, Answer::JsonOrEvents, create::create)
        .get(id, "Read a stored response.", Answer::Json, kept::read)
        .delete(id, "Delete a stored response.", Answer::Json, kept::delete)
}

/// What a request may ask for.
const CREATE: &[Field] = &[
    ("model", TEXT, "The model's name, with or without its site or `:latest`."),
    ("input", TEXT_OR_LIST, "A user's text, or items: messages, calls, results of calls."),
    ("instructions", TEXT, "System text, for this response alone."),
    ("tools", LIST, "Functions, and namespaces of them."),
    ("tool_choice", TEXT_OR_OBJECT, "auto, none, required, a function, or allowed tools."),
    ("parallel_tool_calls", SWITCH, "More than one call an answer."),
    ("text", OBJECT, "`format`: text, json_object or json_schema."),
    ("max_output_tokens", NUMBER, "Where the answer is cut, by estimate."),
    ("previous_response_id", TEXT, "The response that this one continues."),
    ("store", SWITCH, "Whether it can be continued and read later; on by default."),
    ("stream", SWITCH, "Stream the answer; off by default."),
    ("metadata", OBJECT, "Repeated in the answer."),
];
