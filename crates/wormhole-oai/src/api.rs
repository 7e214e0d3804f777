//! What every handler needs, and what every answer carries.

use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use axum::response::Response;
use http::{HeaderName, HeaderValue};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use wormhole_runtime::Lifecycle;

use crate::edge::Browsers;
use crate::embeddings::Upstream;
use crate::idempotency::Idempotency;
use crate::keys::Keys;
use crate::metrics::Metrics;
use crate::models::{Models, Target};
use crate::responses_store::ResponsesStore;
use crate::turns::Turns;

/// Names the model that stepped in for the one that was asked for.
const MODEL: HeaderName = HeaderName::from_static("x-wormhole-model");

/// Names the fields of the request that were not honoured.
const IGNORED: HeaderName = HeaderName::from_static("x-wormhole-ignored");

/// The most fields it names.
const MAX_IGNORED: usize = 32;

/// The state behind the routes. Cloning shares it.
#[derive(Debug, Clone)]
pub(crate) struct Api(Arc<Parts>);

/// Its parts.
#[derive(Debug)]
pub(crate) struct Parts {
    /// Submits turns.
    pub turns: Turns,
    /// Which models there are.
    pub models: Arc<Models>,
    /// Who may call.
    pub keys: Keys,
    /// Which web pages may call, and under which names this server answers.
    pub browsers: Browsers,
    /// Where this server listens.
    pub listen: SocketAddr,
    /// Responses that may be continued or read later.
    pub responses: Arc<dyn ResponsesStore>,
    /// Where embeddings come from.
    pub embeddings: Option<Upstream>,
    /// Requests with a key of their own, which run only once.
    pub idempotency: Idempotency,
    /// Who ends tasks, and waits for them.
    pub lifecycle: Lifecycle,
    /// Counts.
    pub metrics: Metrics,
    /// Times and sizes.
    pub limits: Limits,
    /// When this process began: what models without a date are dated.
    pub since: Timestamp,
    /// What runs: handlers and streams hold a token each.
    pub busy: TaskTracker,
    /// The drain has begun.
    pub draining: CancellationToken,
}

/// Times and sizes of the API.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Time between signs of life in a stream that has nothing to say.
    pub heartbeat: Duration,
    /// How long a stream waits for its reply to begin or fail before it commits itself to status 200.
    pub status_window: Duration,
    /// The largest body of a request, in bytes.
    pub body: usize,
    /// The most bytes of the text that is posted.
    pub prompt: usize,
    /// What clients are told of how long a context may be, in tokens.
    pub context_length: u32,
}

impl Api {
    /// From its parts.
    pub(crate) fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }
}

impl Deref for Api {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

/// Says in the answer's head which model stepped in and what was not honoured.
pub(crate) fn annotate(mut response: Response, target: &Target, ignored: &[String]) -> Response {
    let headers = response.headers_mut();
    if let Some(value) = target.instead.as_deref().and_then(|model| HeaderValue::from_str(model).ok()) {
        headers.insert(MODEL, value);
    }
    let is_plain =
        |name: &&str| name.len() <= 64 && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b',');
    let names: Vec<&str> = ignored.iter().map(String::as_str).filter(is_plain).take(MAX_IGNORED).collect();
    if !names.is_empty()
        && let Ok(value) = HeaderValue::from_str(&names.join(", "))
    {
        headers.insert(IGNORED, value);
    }
    response
}
