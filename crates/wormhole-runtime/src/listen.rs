//! Listening sockets, and HTTP on them with a drain.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use thiserror::Error;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use crate::lifecycle::Lifecycle;

/// How long a client may take for a request's head, and how long a kept connection may idle between requests.
const HEAD_WITHIN: Duration = Duration::from_secs(75);

/// How long a connection may go on after it was to be cut: what makes a stream fail at that same moment can still be
/// told to its client.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// Rest after an accept that failed for want of something (file descriptors, memory): trying at once would spin.
const ACCEPT_REST: Duration = Duration::from_millis(200);

/// A socket that cannot be bound.
#[derive(Debug, Error)]
#[error("cannot listen on {addr}: {}", source.kind())]
pub struct ListenError {
    addr: SocketAddr,
    source: io::Error,
}

impl ListenError {
    /// The address that was asked for.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    pub(crate) fn into_io(self) -> io::Error {
        io::Error::new(self.source.kind(), self)
    }
}

/// Binds a TCP socket.
///
/// # Errors
/// The address is taken, not ours, or not allowed; the error names it.
pub async fn listen(addr: SocketAddr) -> Result<TcpListener, ListenError> {
    TcpListener::bind(addr).await.map_err(|source| ListenError { addr, source })
}

/// Serves `router` until the drain begins: then no new connection is taken, what runs is finished, and what is left at
/// hard is cut. The peer's address is in `ConnectInfo<SocketAddr>`.
///
/// An upgraded connection (WebSocket) is the router's own: it must be a task of the lifecycle to be waited for.
pub fn serve_http(listener: TcpListener, router: Router, lifecycle: &Lifecycle, name: &'static str) {
    serve_http_until(listener, router, lifecycle, name, lifecycle.soft());
}

/// As [`serve_http`], but accepts until `stop`: for a service that answers during its drain. Cancelling `stop` before
/// the drain counts as ending early.
pub fn serve_http_until(
    listener: TcpListener,
    router: Router,
    lifecycle: &Lifecycle,
    name: &'static str,
    stop: CancellationToken,
) {
    let life = lifecycle.clone();
    let server = Server { router, stop, cut: lifecycle.hard() };
    lifecycle.spawn(name, async move {
        let spawn = |connection| drop(life.spawn_transient("http connection", connection));
        server.accept(listener, spawn).await;
    });
}

/// As [`serve_http`], but until everything else has ended.
pub(crate) fn serve_last(listener: TcpListener, router: Router, lifecycle: &Lifecycle, name: &'static str) {
    let life = lifecycle.clone();
    let server = Server { router, stop: lifecycle.last(), cut: lifecycle.last() };
    lifecycle.spawn_last(name, async move {
        let spawn = |connection| life.spawn_last("admin connection", connection);
        server.accept(listener, spawn).await;
    });
}

type Connection = BoxFuture<'static, ()>;

/// What every connection of a listener shares.
#[derive(Clone)]
struct Server {
    router: Router,
    /// Take no new connection and no new request on an old one.
    stop: CancellationToken,
    /// Drop what is left.
    cut: CancellationToken,
}

impl Server {
    async fn accept(self, listener: TcpListener, spawn: impl Fn(Connection)) {
        let ended = || async {
            tokio::select! {
                () = self.stop.cancelled() => {}
                () = self.cut.cancelled() => {}
            }
        };
        loop {
            let accepted = tokio::select! {
                biased;
                () = ended() => return,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => spawn(self.clone().connection(stream, peer).boxed()),
                Err(error) if is_the_peers(&error) => {
                    debug!(%error, "a connection ended before it was accepted");
                }
                Err(error) => {
                    warn!(%error, "cannot accept a connection");
                    let _ = timeout(ACCEPT_REST, ended()).await;
                }
            }
        }
    }

    async fn connection(self, stream: TcpStream, peer: SocketAddr) {
        // Without it, each small piece of a stream waits for the acknowledgement of the one before: 40 ms.
        if let Err(error) = stream.set_nodelay(true) {
            debug!(%error, %peer, "cannot set TCP_NODELAY");
        }
        let service = WithPeer { router: TowerToHyperService::new(self.router), peer };
        let serving = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_WITHIN)
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades();
        let mut serving = pin!(serving);
        let mut ended = tokio::select! {
            ended = serving.as_mut() => Some(ended),
            () = self.stop.cancelled() => None,
            () = self.cut.cancelled() => None,
        };
        if ended.is_none() {
            serving.as_mut().graceful_shutdown();
            ended = self.cut.run_until_cancelled(serving.as_mut()).await;
        }
        if ended.is_none() {
            ended = timeout(LAST_WORDS, serving).await.ok();
        }
        if let Some(Err(error)) = ended {
            debug!(%error, %peer, "connection ended with an error");
        }
    }
}

/// Puts the peer's address where axum's `ConnectInfo` looks for it.
struct WithPeer {
    router: TowerToHyperService<Router>,
    peer: SocketAddr,
}

impl Service<Request<Incoming>> for WithPeer {
    type Response = <TowerToHyperService<Router> as Service<Request<Incoming>>>::Response;
    type Error = <TowerToHyperService<Router> as Service<Request<Incoming>>>::Error;
    type Future = <TowerToHyperService<Router> as Service<Request<Incoming>>>::Future;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        request.extensions_mut().insert(ConnectInfo(self.peer));
        self.router.call(request)
    }
}

fn is_the_peers(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

#[cfg(test)]
mod tests;
