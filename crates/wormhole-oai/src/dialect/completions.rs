//! OpenAI's completions of old.

mod complete;

use super::envelope::{envelope, error};
use crate::routes::{Answer, Field, Routes};
use crate::routes::{NUMBER, OBJECT, SWITCH, TEXT, TEXT_OR_LIST};

/// The routes.
pub(crate) fn routes() -> Routes {
    let summary = "Complete a text, or fill a gap in one.";
    Routes::new("OpenAI").post(
        "/v1/completions",
        summary,
        COMPLETE,
        Answer::JsonOrEvents,
        complete::completions,
    )
}

/// What a request may ask for.
const COMPLETE: &[Field] = &[
    ("model", TEXT, "The model's name, with or without its site or `:latest`."),
    ("prompt", TEXT_OR_LIST, "A text, or a list of one."),
    ("suffix", TEXT, "What comes after the text that is asked for."),
    ("stream", SWITCH, "Stream the answer; off by default."),
    ("stream_options", OBJECT, "`include_usage`: one more chunk, with the usage."),
    ("n", NUMBER, "1."),
    ("best_of", NUMBER, "1."),
    ("stop", TEXT_OR_LIST, "Texts before which the answer ends."),
    ("max_tokens", NUMBER, "Where the answer is cut, by estimate."),
];
