//! Reading a request's JSON body, with errors that say what is wrong where.

use std::io;
use std::time::Duration;

use async_compression::tokio::bufread::{GzipDecoder, ZstdDecoder};
use async_compression::zstd::DParameter;
use axum::body::{Body, HttpBody};
use axum::extract::Request;
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, TryStreamExt};
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::timeout;
use tokio_util::io::StreamReader;

use crate::errors::{ApiError, Kind};

/// How long a client may take to send a body.
const BODY_WITHIN: Duration = Duration::from_mins(2);

/// Of a body that is too large, this many times the limit is read and thrown away, so that the client, which is still
/// writing, gets to read the answer in place of a reset connection.
const DRAINED: usize = 4;

/// The most that a zstd stream may make its reader remember: 8 MiB, what RFC 9659 allows on the web.
const ZSTD_WINDOW_LOG: u32 = 23;

/// Content types that real clients send with JSON: `curl -d` says the last but one, and Ollama takes all of them.
const JSON_TYPES: &[&str] = &[
    "application/json",
    "text/json",
    "text/plain",
    "application/x-www-form-urlencoded",
    "application/octet-stream",
];

/// The body as `T`.
///
/// # Errors
/// It is of another kind, too large, late, not JSON, or not what `T` needs.
pub(crate) async fn read<T: DeserializeOwned>(request: Request, limit: usize) -> Result<T, ApiError> {
    let encoding = check_headers(request.headers())?;
    let body = request.into_body();
    let bytes = async {
        match encoding {
            Encoding::Identity => collect(body, limit).await,
            Encoding::Gzip => {
                let mut decoder = GzipDecoder::new(reader(body));
                decoder.multiple_members(true);
                unpack(decoder, limit).await
            }
            Encoding::Zstd => {
                let window = [DParameter::window_log_max(ZSTD_WINDOW_LOG)];
                let mut decoder = ZstdDecoder::with_params(reader(body), &window);
                decoder.multiple_members(true);
                unpack(decoder, limit).await
            }
        }
    };
    let bytes = timeout(BODY_WITHIN, bytes).await.unwrap_or_else(|_| {
        let seconds = BODY_WITHIN.as_secs();
        Err(ApiError::new(
            Kind::RequestTimeout,
            format!("the request's body did not come within {seconds} s"),
        ))
    })?;
    parse(&bytes)
}

/// The body as it came, packed or not.
///
/// # Errors
/// It is too large, or late.
pub(crate) async fn whole(body: Body, limit: usize) -> Result<Bytes, ApiError> {
    timeout(BODY_WITHIN, collect(body, limit)).await.unwrap_or_else(|_| {
        let seconds = BODY_WITHIN.as_secs();
        let message = format!("the request's body did not come within {seconds} s");
        Err(ApiError::new(Kind::RequestTimeout, message))
    })
}

/// How a body is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Identity,
    Gzip,
    Zstd,
}

fn check_headers(headers: &HeaderMap) -> Result<Encoding, ApiError> {
    let text = |name| headers.get(name).map(|value: &http::HeaderValue| value.to_str().unwrap_or("?"));
    let refuse = |message| Err(ApiError::new(Kind::UnsupportedMedia, message));
    let encoding = match text(CONTENT_ENCODING).map(str::to_ascii_lowercase).as_deref().map(str::trim) {
        None | Some("" | "identity") => Encoding::Identity,
        Some("gzip" | "x-gzip") => Encoding::Gzip,
        Some("zstd") => Encoding::Zstd,
        Some(other) => {
            return refuse(format!("content-encoding '{other}' is not supported: send gzip, zstd or none"));
        }
    };
    let Some(content_type) = text(CONTENT_TYPE) else { return Ok(encoding) };
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if essence.is_empty() || JSON_TYPES.contains(&essence.as_str()) || essence.ends_with("+json") {
        return Ok(encoding);
    }
    refuse(format!("content-type '{essence}' is not supported: send application/json"))
}

async fn collect(body: Body, limit: usize) -> Result<Bytes, ApiError> {
    let told = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    let mut stream = body.into_data_stream();
    let mut all = BytesMut::with_capacity(if told > limit { 0 } else { told });
    let mut length = 0_usize;
    while let Some(piece) = stream.next().await {
        let piece = piece.map_err(|_| ApiError::new(Kind::BadRequest, "the request's body was cut off"))?;
        length = length.saturating_add(piece.len());
        if length > limit.saturating_mul(DRAINED) {
            break;
        }
        if length <= limit {
            all.extend_from_slice(&piece);
        }
    }
    if length > limit {
        return Err(too_large(limit));
    }
    Ok(all.freeze())
}

fn too_large(limit: usize) -> ApiError {
    let message = format!("the request's body is over the limit of {limit} bytes");
    ApiError::new(Kind::PayloadTooLarge, message)
}

fn reader(body: Body) -> StreamReader<impl futures_util::Stream<Item = io::Result<Bytes>> + Unpin, Bytes> {
    StreamReader::new(body.into_data_stream().map_err(io::Error::other))
}

/// The limit is that of what comes out: a few bytes can hold a great many.
async fn unpack(mut decoder: impl AsyncRead + Unpin, limit: usize) -> Result<Bytes, ApiError> {
    let mut all = BytesMut::new();
    loop {
        let read = decoder.read_buf(&mut all).await;
        let read = read.map_err(|_| {
            let message = "the request's body is not what its content-encoding says, or was cut off";
            ApiError::new(Kind::BadRequest, message)
        })?;
        if all.len() > limit {
            return Err(too_large(limit));
        }
        if read == 0 {
            return Ok(all.freeze());
        }
    }
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    serde_json::from_slice(bytes).map_err(|error| {
        if !error.is_data() {
            let (line, column) = (error.line(), error.column());
            let message = format!("the request's body is not valid JSON at line {line}, column {column}");
            return ApiError::new(Kind::BadRequest, message);
        }
        // Only now, because following the path costs time that good requests need not pay.
        let mut json = serde_json::Deserializer::from_slice(bytes);
        match serde_path_to_error::deserialize::<_, T>(&mut json) {
            Err(located) => wrong_field(&located.path().to_string(), located.inner()),
            Ok(_) => wrong_field(".", &error),
        }
    })
}

/// A value within a body, as `T`; `at` is where it stands.
///
/// # Errors
/// It is not what `T` needs.
pub(crate) fn within<T: DeserializeOwned>(value: &serde_json::Value, at: &str) -> Result<T, ApiError> {
    serde_path_to_error::deserialize::<_, T>(value).map_err(|located| {
        let path = located.path().to_string();
        let path = if path == "." { at.to_owned() } else { format!("{at}.{path}") };
        wrong_field(&path, located.inner())
    })
}

fn wrong_field(path: &str, error: &serde_json::Error) -> ApiError {
    let text = error.to_string();
    // serde ends it with a line and column, which mean nothing to people who did not write the JSON by hand.
    let text = text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what);
    if let Some(field) = text.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`')) {
        let whole = if path == "." { field.to_owned() } else { format!("{path}.{field}") };
        return ApiError::missing(&whole);
    }
    if path == "." {
        return ApiError::new(Kind::BadRequest, format!("the request cannot be used: {text}"));
    }
    ApiError::field(path, format!("'{path}' cannot be used: {text}"))
}

#[cfg(test)]
mod tests {
    use wormhole_api::openai::ChatRequest;

    use super::*;

    #[test]
    fn errors_say_what_is_wrong_where() {
        for (json, message, param) in [
            ("{", "the request's body is not valid JSON at line 1, column 1", None),
            ("", "the request's body is not valid JSON at line 1, column 0", None),
            ("[]", "the request cannot be used: invalid type: sequence, expected an object", None),
            (r#"{"model":"m"}"#, "missing required parameter: 'messages'", Some("messages")),
            (
                r#"{"messages":[{}]}"#,
                "missing required parameter: 'messages[0].role'",
                Some("messages[0].role"),
            ),
            (
                r#"{"messages":[{"role":"user","content":7}]}"#,
                "'messages[0].content' cannot be used: invalid type: integer `7`, expected a string or a list of content parts",
                Some("messages[0].content"),
            ),
            (
                r#"{"messages":[],"stream":"yes"}"#,
                "'stream' cannot be used: invalid type: string \"yes\", expected a boolean",
                Some("stream"),
            ),
        ] {
            let error = parse::<ChatRequest>(json.as_bytes()).unwrap_err();
            assert_eq!((error.message(), error.param()), (message, param), "{json}");
            assert_eq!(error.status(), 400);
        }
        let error = parse::<wormhole_api::ollama::ChatRequest>(br#"{"think":7}"#).unwrap_err();
        assert_eq!(error.message(), "'think' cannot be used: expected a boolean or a level such as \"low\"");
    }

    #[test]
    fn kinds_of_content_that_are_not_json_are_refused() {
        let check = |name: &'static str, value: &str| {
            check_headers(&HeaderMap::from_iter([(
                http::HeaderName::from_static(name),
                value.parse().unwrap(),
            )]))
            .is_ok()
        };
        assert!(check_headers(&HeaderMap::new()).is_ok());
        for taken in [
            "application/json",
            "Application/JSON; charset=utf-8",
            "application/x-www-form-urlencoded",
            "a/b+json",
        ] {
            assert!(check("content-type", taken), "{taken}");
        }
        for refused in ["multipart/form-data; boundary=x", "image/png", "text/html", "application/xml"] {
            assert!(!check("content-type", refused), "{refused}");
        }
        for taken in ["identity", "gzip", "X-GZip", "zstd", ""] {
            assert!(check("content-encoding", taken), "{taken}");
        }
        for refused in ["br", "deflate", "gzip, zstd"] {
            assert!(!check("content-encoding", refused), "{refused}");
        }
    }
}
