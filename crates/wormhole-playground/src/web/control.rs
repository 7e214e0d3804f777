//! `/control/*`: the same abilities as [`Control`], for tests in other languages and other processes.
//!
//! Only from loopback, with JSON bodies, so that no page in a browser can post here unasked.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Query;
use axum::extract::Request;
use axum::extract::State;
use axum::http::header::AUTHORIZATION;
use axum::middleware;
use axum::middleware::Next;
use axum::response::IntoResponse;
use axum::response::Response;
use axum::routing::get;
use axum::routing::post;
use serde::Deserialize;
use serde_json::Value;
use serde_json::json;
use subtle::ConstantTimeEq;

use crate::api::ApiError;
use crate::api::Json;
use crate::app::App;
use crate::config::ControlAccess;
use crate::control::Control;
use crate::fault::Call;
use crate::fault::Fault;
use crate::observe::Snapshot;
use crate::serve::Connection;
use crate::switches::Switches;

/// The longest a caller may wait in one call.
const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// Adds the control routes, if they are open to anybody.
pub(super) fn routes(app: &Arc<App>, site: Router<Arc<App>>) -> Router<Arc<App>> {
    if app.config.control == ControlAccess::Off {
        return site;
    }
    let control = Router::new()
        .route("/state", get(state))
        .route("/turns", get(turns))
        .route("/switches", get(switches).post(switch))
        .route("/faults", post(misbehave).delete(behave))
        .route("/expire-sessions", post(expire_sessions))
        .route("/rotate-csrf", post(rotate_csrf))
        .route("/release", post(release))
        .route("/release-held", post(release_held))
        .fallback(|| async { ApiError::not_found("control knows no such verb") })
        .layer(middleware::from_fn_with_state(Arc::clone(app), guard));
    site.nest("/control", control)
}

async fn guard(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let connection = request.extensions().get::<Connection>();
    if !connection.is_some_and(|connection| connection.peer.ip().to_canonical().is_loopback()) {
        return ApiError::forbidden("control is for callers on this machine").into_response();
    }
    if let ControlAccess::Token(token) = &app.config.control {
        let sent = request.headers().get(AUTHORIZATION).map_or(&[][..], |value| value.as_bytes());
        let wanted = format!("Bearer {token}");
        if !bool::from(sent.ct_eq(wanted.as_bytes())) {
            return ApiError::forbidden("control wants its bearer token").into_response();
        }
    }
    next.run(request).await
}

#[derive(Deserialize)]
struct Until {
    /// A counter's name; the call returns when it lies within the bounds, or when time is up.
    wait_for: Option<String>,
    at_least: Option<u64>,
    at_most: Option<u64>,
    timeout_ms: Option<u64>,
}

async fn state(State(app): State<Arc<App>>, until: Query<Until>) -> Result<Response, ApiError> {
    let Query(Until { wait_for, at_least, at_most, timeout_ms }) = until;
    let control = Control::new(app);
    let Some(counter) = wait_for else { return Ok(told(true, &control.snapshot())) };
    if count(&control.snapshot(), &counter).is_none() {
        return Err(ApiError::invalid(format!("there is no counter `{counter}`")));
    }
    let least = at_least.unwrap_or_else(|| u64::from(at_most.is_none()));
    let wanted = least..=at_most.unwrap_or(u64::MAX);
    let within = Duration::from_millis(timeout_ms.unwrap_or(5_000)).min(LONGEST_WAIT);
    let met = |seen: &Snapshot| count(seen, &counter).is_some_and(|count| wanted.contains(&count));
    Ok(match control.wait_until(within, met).await {
        Ok(seen) => told(true, &seen),
        Err(unmet) => told(false, &unmet.last),
    })
}

fn told(met: bool, seen: &Snapshot) -> Response {
    axum::Json(json!({ "met": met, "state": seen })).into_response()
}

fn count(seen: &Snapshot, counter: &str) -> Option<u64> {
    serde_json::to_value(seen).ok()?.get(counter)?.as_u64()
}

async fn turns(State(app): State<Arc<App>>) -> Response {
    axum::Json(json!({ "turns": app.observed.snapshot().turns })).into_response()
}

async fn switches(State(app): State<Arc<App>>) -> axum::Json<Switches> {
    axum::Json(app.switches())
}

/// Sets the switches that are named and leaves the others.
async fn switch(State(app): State<Arc<App>>, Json(wanted): Json<Value>) -> Result<Response, ApiError> {
    let Value::Object(wanted) = wanted else { return Err(ApiError::invalid("an object is wanted")) };
    let mut changed: Result<Switches, serde_json::Error> = Ok(Switches::default());
    Control::new(app).switch(|switches| {
        changed = serde_json::to_value(&*switches).and_then(|mut all| {
            if let Some(all) = all.as_object_mut() {
                all.extend(wanted);
            }
            serde_json::from_value(all)
        });
        if let Ok(changed) = &changed {
            *switches = changed.clone();
        }
    });
    let changed = changed.map_err(|error| ApiError::invalid(error.to_string()))?;
    Ok(axum::Json(changed).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    #[serde(default = "turn")]
    call: Call,
    fault: Fault,
    #[serde(default = "once")]
    times: u32,
}

const fn turn() -> Call {
    Call::Turn
}

const fn once() -> u32 {
    1
}

async fn misbehave(State(app): State<Arc<App>>, Json(order): Json<Order>) -> Result<Response, ApiError> {
    if Control::new(app).misbehave(order.call, order.fault, order.times) {
        Ok(done())
    } else {
        Err(ApiError::conflict("too many faults are ordered already"))
    }
}

async fn behave(State(app): State<Arc<App>>) -> Response {
    Control::new(app).behave();
    done()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

async fn expire_sessions(State(app): State<Arc<App>>, Json(Nothing {}): Json<Nothing>) -> Response {
    axum::Json(json!({ "ok": true, "ended": Control::new(app).expire_sessions() })).into_response()
}

async fn rotate_csrf(State(app): State<Arc<App>>, Json(Nothing {}): Json<Nothing>) -> Response {
    Control::new(app).rotate_csrf();
    done()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Release {
    #[serde(default = "one")]
    count: u64,
    conversation: Option<String>,
}

const fn one() -> u64 {
    1
}

async fn release(State(app): State<Arc<App>>, Json(release): Json<Release>) -> Result<Response, ApiError> {
    let control = Control::new(app);
    match release.conversation {
        None => control.release(release.count),
        Some(id) => control
            .release_in(&id, release.count)
            .map_err(|unknown| ApiError::not_found(unknown.to_string()))?,
    }
    Ok(done())
}

async fn release_held(State(app): State<Arc<App>>, Json(release): Json<Release>) -> Response {
    Control::new(app).release_held(release.count);
    done()
}

fn done() -> Response {
    axum::Json(json!({ "ok": true })).into_response()
}
