//! The port for probes and metrics: never the public one.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use prometheus::{Registry, TEXT_FORMAT, TextEncoder};
use tokio::net::TcpListener;
use tracing::{debug, error};

use crate::lifecycle::Lifecycle;
use crate::listen::{listen, serve_last};
use crate::readiness::Readiness;

/// A bound admin port: `/livez` (and `/healthz`), `/readyz`, `/metrics`.
///
/// `/livez` answers as long as the process can answer at all and never depends on a peer; `/readyz` says why not, one
/// condition a line. It answers through the whole drain and ends last.
#[derive(Debug)]
pub struct Admin {
    listener: TcpListener,
    addr: SocketAddr,
    registry: Registry,
    readiness: Readiness,
}

impl Admin {
    /// Binds the port; nothing answers yet.
    ///
    /// # Errors
    /// The address cannot be bound; the error names it.
    pub async fn bind(addr: SocketAddr, registry: Registry, readiness: Readiness) -> io::Result<Self> {
        let listener = listen(addr).await.map_err(crate::ListenError::into_io)?;
        let addr = listener.local_addr()?;
        Ok(Self { listener, addr, registry, readiness })
    }

    /// Where it listens; tells the port when it was bound with port 0.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Answers until all of the lifecycle's tasks have ended. Adds the lifecycle's count of panics to the registry.
    pub fn spawn(self, lifecycle: &Lifecycle) {
        if let Err(error) = self.registry.register(Box::new(lifecycle.panics())) {
            debug!(%error, "the count of panics is not in this registry");
        }
        let state = Arc::new(Answers {
            registry: self.registry,
            readiness: self.readiness,
            lifecycle: lifecycle.clone(),
        });
        let router = Router::new()
            .route("/livez", get(|| async { "alive\n" }))
            .route("/healthz", get(|| async { "alive\n" }))
            .route("/readyz", get(readyz))
            .route("/metrics", get(metrics))
            .with_state(state);
        serve_last(self.listener, router, lifecycle, "admin");
    }
}

struct Answers {
    registry: Registry,
    readiness: Readiness,
    lifecycle: Lifecycle,
}

async fn readyz(State(answers): State<Arc<Answers>>) -> (StatusCode, String) {
    let mut lines = answers.readiness.unmet();
    if answers.lifecycle.is_draining() {
        lines.insert(0, "process: draining".to_owned());
    }
    let status = if lines.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    if lines.is_empty() {
        lines.push("ready".to_owned());
    }
    lines.extend(answers.readiness.notes());
    (status, lines.join("\n") + "\n")
}

async fn metrics(
    State(answers): State<Arc<Answers>>,
) -> (StatusCode, [(http::HeaderName, &'static str); 1], String) {
    let (status, text) = match TextEncoder::new().encode_to_string(&answers.registry.gather()) {
        Ok(text) => (StatusCode::OK, text),
        Err(error) => {
            error!(%error, "cannot write the metrics");
            (StatusCode::INTERNAL_SERVER_ERROR, String::new())
        }
    };
    (status, [(CONTENT_TYPE, TEXT_FORMAT)], text)
}
