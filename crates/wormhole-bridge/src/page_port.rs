//! The page port: where the page script's WebSocket arrives, for those who want it in place of the CDP binding.
//!
//! Same script, same commands, same frames; only the carrier differs. It takes the site's own origins alone, one document
//! at a time, with a token that each browser's script is given when it is injected.

mod door;
mod line;
mod metrics;
mod socket;

use std::{fmt, future::ready, net::SocketAddr, sync::Arc};

use axum::{
    Router,
    extract::{State, WebSocketUpgrade, ws::rejection::WebSocketUpgradeRejection},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::any,
};
use tokio::{net::TcpListener, sync::Semaphore};
use url::Url;
use wormhole_runtime::{CancellationToken, Lifecycle, ListenError, listen, serve_http_until};

pub use self::{door::PageDoor, metrics::PagePortMetrics};
pub(crate) use self::{
    door::Pass,
    line::Line,
    metrics::{Entry, NoSocket},
};

/// The largest message of the page: a chunk of 64 Ki units is less than half of it, however it is escaped.
const MAX_MESSAGE: usize = 1024 * 1024;

/// Connections at once; one more is refused. A page has one, and for a moment two.
const SOCKETS: usize = 8;

/// Where pages reach the bridge.
#[derive(Debug, Clone)]
pub struct PagePortConfig {
    /// Where it listens; port 0 takes any free one.
    pub listen: SocketAddr,
    /// What the page dials; the address that is listened on if not given.
    pub url: Option<Url>,
}

/// A page port whose socket is bound.
pub struct PagePort {
    listener: TcpListener,
    addr: SocketAddr,
    door: PageDoor,
}

impl fmt::Debug for PagePort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PagePort").field("addr", &self.addr).finish_non_exhaustive()
    }
}

impl PagePort {
    /// Binds its socket.
    ///
    /// # Errors
    /// The address cannot be bound; the error names it.
    pub async fn bind(config: &PagePortConfig, metrics: PagePortMetrics) -> Result<Self, ListenError> {
        let listener = listen(config.listen).await?;
        let addr = listener.local_addr().unwrap_or(config.listen);
        let here = || format!("ws://{addr}/");
        let url = config.url.as_ref().map_or_else(here, Url::to_string);
        Ok(Self { listener, addr, door: PageDoor::new(url, metrics) })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// What browsers are started with whose pages are to come here.
    pub fn door(&self) -> PageDoor {
        self.door.clone()
    }

    /// Answers until `stop`: pages are needed until the last turn has ended.
    pub fn spawn(self, lifecycle: &Lifecycle, stop: CancellationToken) {
        tracing::info!(page_port = %self.addr, "pages are reached by WebSocket");
        let places = Arc::new(Semaphore::new(SOCKETS));
        let desk = Desk { door: self.door, places, lifecycle: lifecycle.clone() };
        // Whatever path a proxy in between leaves.
        let router = Router::new().fallback(any(upgrade)).with_state(desk);
        serve_http_until(self.listener, router, lifecycle, "page port", stop);
    }
}

/// What a request needs.
#[derive(Clone)]
struct Desk {
    door: PageDoor,
    places: Arc<Semaphore>,
    lifecycle: Lifecycle,
}

/// A page asks for a WebSocket. Its token comes in the first message: a URL would stand in logs.
async fn upgrade(
    State(desk): State<Desk>,
    headers: HeaderMap,
    ws: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let Desk { door, places, lifecycle } = desk;
    let origin = headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok());
    if !origin.is_some_and(|origin| door.is_for(origin)) {
        door.count(Entry::Origin);
        return (StatusCode::FORBIDDEN, "only the site's own page may come here\n").into_response();
    }
    let ws = match ws {
        Ok(ws) => ws,
        Err(rejection) => return rejection.into_response(),
    };
    let Ok(place) = places.try_acquire_owned() else {
        door.count(Entry::Full);
        return (StatusCode::SERVICE_UNAVAILABLE, "too many connections are open\n").into_response();
    };
    ws.max_message_size(MAX_MESSAGE).max_frame_size(MAX_MESSAGE).on_upgrade(move |socket| {
        // axum runs this in a task that nobody waits for, so the connection gets one of the lifecycle's.
        let hard = lifecycle.hard();
        lifecycle.spawn_transient("page socket", async move {
            socket::serve(socket, &door, &hard).await;
            drop(place);
        });
        ready(())
    })
}
