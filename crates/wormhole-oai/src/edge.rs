//! Around every route: the request's id, who calls, whether new work is taken, metrics, panics.

mod browsers;

pub use browsers::Browsers;
pub(crate) use browsers::guard;

use std::panic::AssertUnwindSafe;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use futures_util::FutureExt;
use http::{HeaderMap, HeaderName, HeaderValue};
use tracing::{Instrument, debug, error, info_span};

use crate::api::Api;
use crate::dialect::Dialect;
use crate::errors::{ApiError, Kind};
use crate::keys::Identity;
use crate::turns::Caller;

/// The request's id: taken from the client, else made here; echoed either way.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Paths that answer without a key: probes ask them, and they tell nothing but a version.
const OPEN: &[&str] = &["/", "/api/version"];

/// The middleware.
pub(crate) async fn edge(State(api): State<Api>, mut request: Request, next: Next) -> Response {
    let id = request_id(request.headers());
    let dialect = Dialect::of(request.uri().path());
    let route = request.extensions().get::<MatchedPath>().map_or("other", MatchedPath::as_str).to_owned();
    let span = info_span!("request", id, method = %request.method(), route);
    let guard = api.metrics.request(route);
    let _busy = api.busy.token();
    let admitted = admit(&api, &request).map(|key| Caller::new(key, id.clone()));
    let answered = async {
        match admitted {
            Ok(caller) => {
                request.extensions_mut().insert(caller);
                AssertUnwindSafe(next.run(request)).catch_unwind().await.unwrap_or_else(|_| {
                    error!("a handler panicked");
                    let mistake =
                        ApiError::new(Kind::Internal, "the server made a mistake; its log says which");
                    dialect.error(&mistake, &id)
                })
            }
            Err(error) => dialect.error(&error, &id),
        }
    };
    let mut response = answered.instrument(span.clone()).await;
    guard.answered(response.status());
    debug!(parent: &span, status = response.status().as_u16(), "answered");
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

/// Who calls.
fn admit(api: &Api, request: &Request) -> Result<Identity, ApiError> {
    if api.draining.is_cancelled() {
        return Err(ApiError::new(Kind::Draining, "the server is going down: try again in a moment"));
    }
    match api.keys.caller(request.headers()) {
        Some(key) => Ok(key),
        None if OPEN.contains(&request.uri().path()) => Ok(Identity::anonymous()),
        None => Err(ApiError::new(
            Kind::Unauthorised,
            "missing or incorrect API key: send one as 'Authorization: Bearer <key>'",
        )),
    }
}

fn request_id(headers: &HeaderMap) -> String {
    let is_plain = |id: &&str| {
        (1..=128).contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte))
    };
    let given = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok()).filter(is_plain);
    given.map_or_else(|| uuid::Uuid::now_v7().simple().to_string(), str::to_owned)
}
