//! The headers of every response. The policy is as strict as the strictest site we have met.

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::CACHE_CONTROL;
use axum::http::header::CONTENT_SECURITY_POLICY;
use axum::http::header::REFERRER_POLICY;
use axum::http::header::X_CONTENT_TYPE_OPTIONS;
use axum::response::Response;

use crate::app::App;

const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'self'; connect-src 'self'; frame-ancestors 'none'; \
     require-trusted-types-for 'script'; base-uri 'none'",
);

/// The same for a site whose pages may connect to anybody, as most self-hosted ones may.
const OPEN: HeaderValue = HeaderValue::from_static(
    "default-src 'self'; connect-src *; frame-ancestors 'none'; \
     require-trusted-types-for 'script'; base-uri 'none'",
);

/// Adds them, except where a handler chose its own.
pub(super) async fn add(State(app): State<Arc<App>>, mut response: Response) -> Response {
    let policy = if app.switches().connect_anywhere { OPEN } else { POLICY };
    let headers = response.headers_mut();
    headers.entry(CONTENT_SECURITY_POLICY).or_insert(policy);
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    response
}
