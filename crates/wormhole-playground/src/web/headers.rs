//! The headers of every response. The policy is as strict as the strictest site we have met.

use axum::http::HeaderValue;
use axum::http::header::CACHE_CONTROL;
use axum::http::header::CONTENT_SECURITY_POLICY;
use axum::http::header::REFERRER_POLICY;
use axum::http::header::X_CONTENT_TYPE_OPTIONS;
use axum::response::Response;

const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'self'; connect-src 'self'; frame-ancestors 'none'; \
     require-trusted-types-for 'script'; base-uri 'none'",
);

/// Adds them, except where a handler chose its own.
pub(super) async fn add(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.entry(CONTENT_SECURITY_POLICY).or_insert(POLICY);
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    response
}
