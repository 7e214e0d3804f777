//! The hub's sockets and tasks.

use std::{io, net::SocketAddr, sync::Arc};

use axum::{Router, routing::get};
use thiserror::Error;
use tokio::{net::TcpListener, sync::Semaphore};
use tracing::info;
use wormhole_protocol::HUB_PATH;
use wormhole_runtime::{
    Admin, ConfigError, Lifecycle, ListenError, Readiness, VERSION, listen, registry, revision, serve_http,
};

use crate::{
    config::Config,
    hub::Hub,
    metrics::Metrics,
    ws::{self, Door},
};

/// Why a hub cannot be started.
#[derive(Debug, Error)]
pub enum StartError {
    /// A setting cannot be used.
    #[error("cannot start the hub: {0}")]
    Config(#[source] ConfigError),
    /// The public socket cannot be bound.
    #[error("cannot start the hub: {0}")]
    Listen(#[source] ListenError),
    /// A socket cannot be bound.
    #[error("cannot start the hub's socket: {0}")]
    Socket(#[source] io::Error),
    /// A metric's name is taken.
    #[error("cannot register the hub's metrics: {0}")]
    Metrics(#[source] prometheus::Error),
}

/// A hub whose sockets are bound and that does nothing yet.
#[derive(Debug)]
pub struct Service {
    hub: Arc<Hub>,
    listener: TcpListener,
    addr: SocketAddr,
    admin: Admin,
}

impl Service {
    /// Binds the hub's sockets.
    ///
    /// # Errors
    /// A setting cannot be used, or an address cannot be bound; the error names it.
    pub async fn bind(config: Config) -> Result<Self, StartError> {
        config.check().map_err(StartError::Config)?;
        let registry = registry();
        let metrics = Metrics::register(&registry).map_err(StartError::Metrics)?;
        let listener = listen(config.listen).await.map_err(StartError::Listen)?;
        let addr = listener.local_addr().map_err(StartError::Socket)?;
        // Ready means listening, and it listens from here on; the admin port itself says when it drains.
        let admin =
            Admin::bind(config.admin, registry, Readiness::new()).await.map_err(StartError::Socket)?;
        Ok(Self { hub: Arc::new(Hub::new(config, metrics)), listener, addr, admin })
    }

    /// Where bridges and APIs join.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Where probes and metrics are answered.
    pub fn admin_addr(&self) -> SocketAddr {
        self.admin.addr()
    }

    /// Starts serving; returns at once.
    pub fn spawn(self, lifecycle: &Lifecycle) {
        let Self { hub, listener, addr, admin } = self;
        let (soft, hard) = (lifecycle.soft(), lifecycle.hard());
        info!(%addr, admin = %admin.addr(), version = VERSION, revision = revision(), "hub is up");
        admin.spawn(lifecycle);
        lifecycle.spawn("hub ticker", Arc::clone(&hub).tick(hard.clone()));
        lifecycle.spawn("hub drain", Arc::clone(&hub).drain(soft, hard));
        serve_http(listener, router(hub, lifecycle), lifecycle, "hub listener");
    }
}

fn router(hub: Arc<Hub>, lifecycle: &Lifecycle) -> Router {
    let places = Arc::new(Semaphore::new(hub.config.max_peers.min(Semaphore::MAX_PERMITS)));
    let door = Door { hub, places, lifecycle: lifecycle.clone() };
    let about = format!("wormhole-server {VERSION}: bridges and APIs join by WebSocket at {HUB_PATH}\n");
    Router::new()
        .route("/", get(move || std::future::ready(about.clone())))
        .route(HUB_PATH, get(ws::upgrade))
        .with_state(door)
}
