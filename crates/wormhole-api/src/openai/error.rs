//! The error envelope.

use serde::Serialize;

/// `{"error":{…}}`, as a body and as an event of a stream.
#[derive(Debug, Serialize)]
pub struct ErrorEnvelope<'a> {
    /// The error.
    pub error: ErrorBody<'a>,
}

/// The error. `param` and `code` are null, not omitted.
#[derive(Debug, Serialize)]
pub struct ErrorBody<'a> {
    /// For people.
    pub message: &'a str,
    /// `invalid_request_error`, `rate_limit_error`, `server_error` …
    #[serde(rename = "type")]
    pub kind: &'a str,
    /// The field of the request that is wrong.
    pub param: Option<&'a str>,
    /// For programs.
    pub code: Option<&'a str>,
}
