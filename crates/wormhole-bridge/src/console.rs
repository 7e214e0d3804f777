//! The console: where an operator sees how the session is, looks at the tab, and puts their own hands in it.
//!
//! It has a port of its own, and none at all without a token. Everything that is typed there passes through and is
//! written down nowhere.

mod assets;
mod attempts;
mod gate;
mod hands;
mod seats;
mod sessions;
mod socket;
mod stage;
mod wire;

use std::{fmt, net::SocketAddr, sync::Arc};

use axum::{
    Form, Json, Router,
    extract::{ConnectInfo, DefaultBodyLimit, State, WebSocketUpgrade},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::from_fn,
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use serde::Deserialize;
use tokio::net::TcpListener;
use url::Url;
use wormhole_runtime::{Lifecycle, ListenError, SecretString, listen, serve_http};

use self::{
    gate::{Denied, Gate},
    seats::Seats,
    stage::{Projector, Stage},
    wire::{MAX_MESSAGE, Report},
};
use crate::{metrics::Metrics, running::Running, session::Session, site::Profile};

/// The largest form: a token.
const MAX_FORM: usize = 4 * 1024;

/// What a program that was refused can tell by that this is a console.
const MARK: (&str, &str) = ("x-wormhole-console", "1");

/// Where the console is, and who may in.
#[derive(Debug, Clone)]
pub struct ConsoleConfig {
    /// What an operator signs in with.
    pub token: SecretString,
    /// Where it listens; port 0 takes any free one.
    pub listen: SocketAddr,
    /// Where operators are told to go.
    pub url: Url,
}

/// What every request of the console needs.
struct Desk {
    gate: Gate,
    session: Session,
    running: Arc<Running>,
    site: Arc<Profile>,
    seats: Arc<Seats>,
    stage: Arc<Stage>,
    lifecycle: Lifecycle,
    /// How a reason ends that sends people here: not worth saying to those who are here.
    way_in: String,
}

/// What the console shows and works on.
pub(crate) struct Parts {
    pub(crate) session: Session,
    pub(crate) running: Arc<Running>,
    pub(crate) site: Arc<Profile>,
    pub(crate) metrics: Arc<Metrics>,
    /// What a person is told to do to get at the page.
    pub(crate) way_in: String,
}

/// A console whose socket is bound.
pub(crate) struct Console {
    listener: TcpListener,
    addr: SocketAddr,
    gate: Gate,
}

impl fmt::Debug for Console {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Console").field("addr", &self.addr).finish_non_exhaustive()
    }
}

impl Console {
    /// Binds its socket.
    ///
    /// # Errors
    /// The address cannot be bound.
    pub(crate) async fn bind(config: ConsoleConfig) -> Result<Self, ListenError> {
        let listener = listen(config.listen).await?;
        let addr = listener.local_addr().unwrap_or(config.listen);
        Ok(Self { listener, addr, gate: Gate::new(config.token, config.url) })
    }

    /// Where it listens.
    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Starts it.
    pub(crate) fn spawn(self, parts: Parts, lifecycle: &Lifecycle) {
        let Parts { session, running, site, metrics, way_in } = parts;
        let (seats, stage) = (Seats::new(metrics), Arc::new(Stage::default()));
        let projector = Projector {
            stage: Arc::clone(&stage),
            session: session.clone(),
            seating: seats.seating(),
            soft: lifecycle.soft(),
        };
        lifecycle.spawn("console stage", projector.run());
        let desk = Desk {
            gate: self.gate,
            session,
            running,
            site,
            seats,
            stage,
            lifecycle: lifecycle.clone(),
            way_in: format!(": {way_in}"),
        };
        tracing::info!(console = %self.addr, "the console is up");
        serve_http(self.listener, router(Arc::new(desk)), lifecycle, "console");
    }
}

impl Desk {
    /// How the session is.
    fn report(&self) -> Report {
        Report::new(&self.session.status().borrow(), self.running.count(), &self.way_in)
    }
}

fn router(desk: Arc<Desk>) -> Router {
    Router::new()
        .route("/", get(page))
        .route("/sign-in", post(sign_in))
        .route("/sign-out", post(sign_out))
        .route("/api/status", get(status))
        .route("/api/view", get(view))
        .route("/assets/{name}", get(assets::file))
        .layer(DefaultBodyLimit::max(MAX_FORM))
        .layer(from_fn(assets::guarded))
        .with_state(desk)
}

async fn page(State(desk): State<Arc<Desk>>, headers: HeaderMap) -> Response {
    if desk.gate.signed(&headers).is_some() { assets::console() } else { assets::sign_in(None) }
}

/// The form of the sign-in page. It has no `Debug`.
#[derive(Deserialize)]
struct SignIn {
    token: String,
}

async fn sign_in(
    State(desk): State<Arc<Desk>>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    Form(form): Form<SignIn>,
) -> Response {
    if !desk.gate.is_ours(&headers) {
        return StatusCode::FORBIDDEN.into_response();
    }
    match desk.gate.sign_in(&form.token, from.ip(), &headers) {
        Ok(cookie) => ([(header::SET_COOKIE, cookie)], Redirect::to("./")).into_response(),
        Err(Denied::Wrong) => {
            (StatusCode::UNAUTHORIZED, assets::sign_in(Some("This is not the token."))).into_response()
        }
        Err(Denied::Wait(seconds)) => {
            let text = format!("Too many wrong tokens. Try again in {seconds} seconds.");
            (StatusCode::TOO_MANY_REQUESTS, retry_after(seconds), assets::sign_in(Some(&text)))
                .into_response()
        }
    }
}

async fn sign_out(State(desk): State<Arc<Desk>>, headers: HeaderMap) -> Response {
    if !desk.gate.is_ours(&headers) {
        return StatusCode::FORBIDDEN.into_response();
    }
    ([(header::SET_COOKIE, desk.gate.sign_out(&headers))], Redirect::to("./")).into_response()
}

/// How the session is, for programs such as `wormhole login`.
async fn status(
    State(desk): State<Arc<Desk>>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
) -> Response {
    match desk.gate.knows(from.ip(), &headers) {
        Ok(()) => ([MARK], Json(desk.report())).into_response(),
        Err(Denied::Wrong) => (StatusCode::UNAUTHORIZED, [MARK]).into_response(),
        Err(Denied::Wait(seconds)) => {
            (StatusCode::TOO_MANY_REQUESTS, [MARK], retry_after(seconds)).into_response()
        }
    }
}

async fn view(State(desk): State<Arc<Desk>>, headers: HeaderMap, upgrade: WebSocketUpgrade) -> Response {
    if !desk.gate.is_ours(&headers) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let Some(signed) = desk.gate.signed(&headers) else { return StatusCode::UNAUTHORIZED.into_response() };
    let lifecycle = desk.lifecycle.clone();
    upgrade.max_message_size(MAX_MESSAGE).max_frame_size(MAX_MESSAGE).on_upgrade(move |socket| async move {
        // A task of the lifecycle: axum's own would not be waited for.
        lifecycle.spawn_transient("console viewer", socket::serve(desk, socket, signed));
    })
}

fn retry_after(seconds: u64) -> [(header::HeaderName, HeaderValue); 1] {
    [(header::RETRY_AFTER, HeaderValue::from(seconds))]
}
