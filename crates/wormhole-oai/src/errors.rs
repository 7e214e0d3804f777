//! What can go wrong, and the one table from it to status, type and code. The dialects only give it their shape.

use std::time::Duration;

use http::StatusCode;
use http::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use wormhole_protocol::{Failure, FailureCode, Posted};

/// Tells the SDKs' automatic retry that it must not post again.
pub(crate) const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");

/// When to come back, where nobody said.
const COME_BACK: Duration = Duration::from_secs(5);

/// What kind of error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The request cannot be used.
    BadRequest,
    /// The key is missing or wrong.
    Unauthorised,
    /// No such path.
    NotFound,
    /// No such model.
    ModelUnknown,
    /// No such response to read or delete.
    ResponseUnknown,
    /// The response that a request continues is not kept.
    PreviousUnknown,
    /// A web page of a foreign origin asks, or the address is one that this server does not answer for.
    Forbidden,
    /// Nobody here can do this.
    Unsupported,
    /// The server that embeddings are passed to broke.
    Upstream,
    /// The key allows no more now.
    OverLimit,
    /// The path knows other methods.
    MethodNotAllowed,
    /// The client took too long to send its request.
    RequestTimeout,
    /// The request is too large.
    PayloadTooLarge,
    /// The body is of a kind that this API does not read.
    UnsupportedMedia,
    /// This process is going down.
    Draining,
    /// A defect here.
    Internal,
    /// The turn failed.
    Turn(FailureCode),
}

/// A row of the table: HTTP status, OpenAI's `type` and `code`. Anthropic's `type` follows from the status.
struct Row(u16, &'static str, Option<&'static str>);

const INVALID: &str = "invalid_request_error";
const RATE: &str = "rate_limit_error";
const SERVER: &str = "server_error";

impl Kind {
    /// The table.
    ///
    /// Never 401 or 403 for the site's troubles (clients drop their own key), 503 only while draining (VS Code takes it
    /// for a rate limit), never 422 (it takes that for a content filter).
    fn row(self) -> Row {
        use FailureCode as Code;
        match self {
            Self::BadRequest => Row(400, INVALID, None),
            Self::Unauthorised => Row(401, INVALID, Some("invalid_api_key")),
            Self::NotFound => Row(404, INVALID, Some("unknown_url")),
            Self::ModelUnknown | Self::Turn(Code::ModelUnknown) => Row(404, INVALID, Some("model_not_found")),
            Self::ResponseUnknown => Row(404, INVALID, Some("response_not_found")),
            Self::PreviousUnknown => Row(400, INVALID, Some("previous_response_not_found")),
            Self::Forbidden => Row(403, INVALID, Some("forbidden")),
            Self::Unsupported => Row(501, INVALID, Some("unsupported")),
            Self::Upstream => Row(502, SERVER, Some("upstream_error")),
            Self::MethodNotAllowed => Row(405, INVALID, Some("method_not_allowed")),
            Self::RequestTimeout => Row(408, INVALID, Some("request_timeout")),
            Self::PayloadTooLarge => Row(413, INVALID, Some("request_too_large")),
            Self::UnsupportedMedia => Row(415, INVALID, Some("unsupported_media_type")),
            Self::Draining => Row(503, SERVER, Some("draining")),
            Self::Internal => Row(500, SERVER, Some("internal_error")),
            Self::Turn(Code::Refused) => Row(400, INVALID, Some("refused")),
            Self::Turn(Code::QueueFull) => Row(429, RATE, Some("queue_full")),
            Self::OverLimit | Self::Turn(Code::RateLimited) => Row(429, RATE, Some("rate_limit_exceeded")),
            Self::Turn(code) => Row(502, SERVER, Some(code.as_str())),
        }
    }
}

/// An error on its way to the caller. The message is written for them; it never holds a key or an inner error's text.
#[derive(Debug, Clone)]
pub(crate) struct ApiError {
    kind: Kind,
    message: String,
    param: Option<String>,
    code: Option<&'static str>,
    retry_after: Option<Duration>,
    /// Doing the same again by itself is harmless and may help.
    may_retry: bool,
}

impl ApiError {
    /// An error of this kind.
    pub(crate) fn new(kind: Kind, message: impl Into<String>) -> Self {
        let may_retry = matches!(kind, Kind::Draining | Kind::RequestTimeout);
        let retry_after = (kind == Kind::Draining).then_some(COME_BACK);
        Self { kind, message: message.into(), param: None, code: None, retry_after, may_retry }
    }

    /// The conversation is longer than a model takes.
    pub(crate) fn too_long(message: String) -> Self {
        Self { code: Some("context_length_exceeded"), ..Self::field("messages", message) }
    }

    /// A field of the request cannot be used.
    pub(crate) fn field(param: impl Into<String>, message: impl Into<String>) -> Self {
        Self { param: Some(param.into()), ..Self::new(Kind::BadRequest, message) }
    }

    /// A field that must be there.
    pub(crate) fn missing(param: &str) -> Self {
        let code = Some("missing_required_parameter");
        Self { code, ..Self::field(param, format!("missing required parameter: '{param}'")) }
    }

    /// The response that a request continues is not kept. Clients have a branch for exactly this code.
    pub(crate) fn previous_unknown(id: &str) -> Self {
        let param = Some("previous_response_id".to_owned());
        Self { param, ..Self::new(Kind::PreviousUnknown, format!("previous response '{id}' not found")) }
    }

    /// The key allows no more for this long.
    pub(crate) fn over_limit(message: String, retry_after: Duration) -> Self {
        let retry_after = Some(retry_after);
        Self { retry_after, may_retry: true, ..Self::new(Kind::OverLimit, message) }
    }

    /// The idempotency key of another request.
    pub(crate) fn key_reused(message: &str) -> Self {
        Self { code: Some("idempotency_key_reused"), ..Self::new(Kind::BadRequest, message) }
    }

    /// No site has this model.
    pub(crate) fn model_unknown(model: &str, known: &[&str]) -> Self {
        let known =
            if known.is_empty() { String::new() } else { format!("; known models: {}", known.join(", ")) };
        Self {
            param: Some("model".to_owned()),
            ..Self::new(Kind::ModelUnknown, format!("model '{model}' not found{known}"))
        }
    }

    /// The HTTP status.
    pub(crate) fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.kind.row().0).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// For people.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// OpenAI's word for the kind.
    pub(crate) fn openai_type(&self) -> &'static str {
        self.kind.row().1
    }

    /// OpenAI's word for the reason.
    pub(crate) fn openai_code(&self) -> Option<&'static str> {
        self.code.or(self.kind.row().2)
    }

    /// Anthropic's word for the kind: theirs has one for each status.
    pub(crate) fn anthropic_type(&self) -> &'static str {
        match self.kind.row().0 {
            401 => "authentication_error",
            403 => "permission_error",
            404 => "not_found_error",
            413 => "request_too_large",
            429 => "rate_limit_error",
            503 => "overloaded_error",
            408 => "timeout_error",
            400..500 => "invalid_request_error",
            _ => "api_error",
        }
    }

    /// The field that is wrong.
    pub(crate) fn param(&self) -> Option<&str> {
        self.param.as_deref()
    }

    /// Says when to come back, and whether an SDK may try again by itself.
    pub(crate) fn add_headers(&self, headers: &mut HeaderMap) {
        if let Some(after) = self.retry_after {
            let seconds = after.as_millis().div_ceil(1000).max(1);
            headers.insert(RETRY_AFTER, HeaderValue::from(u64::try_from(seconds).unwrap_or(u64::MAX)));
        }
        if !self.may_retry {
            headers.insert(SHOULD_RETRY, HeaderValue::from_static("false"));
        }
    }
}

impl From<Failure> for ApiError {
    fn from(failure: Failure) -> Self {
        let Failure { code, message, retryable, posted, retry_after_ms, .. } = failure;
        let said = retry_after_ms.map(Duration::from_millis);
        let limited = matches!(code, FailureCode::QueueFull | FailureCode::RateLimited);
        let message = if message.is_empty() { format!("the turn failed: {code}") } else { message };
        Self {
            kind: Kind::Turn(code),
            message,
            param: (code == FailureCode::ModelUnknown).then(|| "model".to_owned()),
            code: None,
            retry_after: said.or(limited.then_some(COME_BACK)),
            // The one rule against posting twice: only what was certainly not posted may be tried again unasked.
            may_retry: retryable && posted == Posted::No,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::*;

    #[test]
    fn the_table_of_failures() {
        let mut table = String::new();
        for &code in FailureCode::ALL {
            for posted in [Posted::No, Posted::Unknown, Posted::Yes] {
                let error = ApiError::from(Failure::new(code, posted, "why"));
                let mut headers = HeaderMap::new();
                error.add_headers(&mut headers);
                let header =
                    |name| headers.get(name).map_or("-", |value: &HeaderValue| value.to_str().unwrap());
                writeln!(
                    table,
                    "{code} posted {posted:?}: {} {} {} retry-after {} should-retry {}",
                    error.status().as_u16(),
                    error.openai_type(),
                    error.openai_code().unwrap(),
                    header(RETRY_AFTER),
                    header(SHOULD_RETRY),
                )
                .unwrap();
            }
        }
        insta::assert_snapshot!(table);
    }

    #[test]
    fn the_time_to_come_back_is_whole_seconds_rounded_up() {
        let failure = Failure::not_posted(FailureCode::RateLimited, "slow down").retry_after_ms(1_200);
        let mut headers = HeaderMap::new();
        ApiError::from(failure).add_headers(&mut headers);
        assert_eq!(headers[RETRY_AFTER], "2");
        assert!(!headers.contains_key(SHOULD_RETRY));
    }
}
