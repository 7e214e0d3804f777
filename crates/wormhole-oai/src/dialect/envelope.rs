//! The shape of errors that the dialects made by OpenAI share.

use axum::response::Response;
use wormhole_api::openai::{ErrorBody, ErrorEnvelope};

use super::json;
use crate::errors::ApiError;

/// An error as a response.
pub(crate) fn error(error: &ApiError) -> Response {
    let mut response = json(error.status(), &envelope(error));
    error.add_headers(response.headers_mut());
    response
}

/// An error as a value: a body, or an event of a stream.
pub(super) fn envelope(error: &ApiError) -> ErrorEnvelope<'_> {
    ErrorEnvelope {
        error: ErrorBody {
            message: error.message(),
            kind: error.openai_type(),
            param: error.param(),
            code: error.openai_code(),
        },
    }
}
