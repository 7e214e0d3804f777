//! Accepting connections and serving HTTP/1.1 and HTTP/2 on them, until told to stop.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::rt::Executor;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::rt::TokioTimer;
use hyper_util::server::conn::auto::Builder;
use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

/// How long open streams may go on after the stop; then their connections are dropped.
const GRACE: Duration = Duration::from_millis(500);
/// A handshake that takes longer is given up.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Chromium opens up to 256 streams on one connection; hyper's default would refuse some of them.
const STREAMS: u32 = 1_000;

/// What a handler may know about the connection a request came on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Connection {
    pub(crate) peer: SocketAddr,
    pub(crate) secure: bool,
}

/// Owns every task of the site.
#[derive(Clone)]
pub(crate) struct Server {
    router: Router,
    tasks: TaskTracker,
    soft: CancellationToken,
    hard: CancellationToken,
}

impl Server {
    pub(crate) fn new(router: Router, soft: CancellationToken) -> Self {
        Self { router, tasks: TaskTracker::new(), soft, hard: CancellationToken::new() }
    }

    /// Accepts on `listener` until the soft stop.
    pub(crate) fn listen(&self, listener: TcpListener, tls: Option<TlsAcceptor>) {
        let server = self.clone();
        self.execute(async move {
            while let Some(accepted) = server.soft.run_until_cancelled(listener.accept()).await {
                match accepted {
                    Ok((socket, peer)) => server.welcome(socket, peer, tls.clone()),
                    Err(error) => {
                        tracing::warn!(%error, "the practice site could not accept a connection");
                        // Out of file descriptors, most likely: give others a chance to close theirs.
                        tokio::time::sleep(Duration::from_millis(20)).await;
                    }
                }
            }
        });
    }

    /// Returns when the soft stop has come and every task has ended. Dropped before, it ends them at once.
    pub(crate) async fn ended(self) {
        let _hard = self.hard.clone().drop_guard();
        self.soft.cancelled().await;
        self.tasks.close();
        if tokio::time::timeout(GRACE, self.tasks.wait()).await.is_err() {
            self.hard.cancel();
            self.tasks.wait().await;
        }
    }

    fn welcome(&self, socket: TcpStream, peer: SocketAddr, tls: Option<TlsAcceptor>) {
        let server = self.clone();
        self.execute(async move {
            if let Err(error) = server.attend(socket, peer, tls).await {
                tracing::debug!(%error, %peer, "a connection to the practice site ended");
            }
        });
    }

    async fn attend(&self, socket: TcpStream, peer: SocketAddr, tls: Option<TlsAcceptor>) -> io::Result<()> {
        // Without it, small writes of a stream wait for the client's delayed acknowledgements.
        socket.set_nodelay(true)?;
        match tls {
            Some(tls) => {
                let secured = tokio::time::timeout(HANDSHAKE, tls.accept(socket)).await??;
                self.speak(secured, Connection { peer, secure: true }).await
            }
            None => self.speak(socket, Connection { peer, secure: false }).await,
        }
    }

    async fn speak<S>(&self, socket: S, connection: Connection) -> io::Result<()>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let service = service_fn(|mut request: Request<Incoming>| {
            request.extensions_mut().insert(connection);
            self.router.clone().oneshot(request)
        });
        let mut builder = Builder::new(self.clone());
        builder.http1().timer(TokioTimer::new());
        builder.http2().timer(TokioTimer::new()).max_concurrent_streams(STREAMS);
        let mut serving = std::pin::pin!(builder.serve_connection(TokioIo::new(socket), service));
        tokio::select! {
            served = serving.as_mut() => return served.map_err(io::Error::other),
            () = self.soft.cancelled() => serving.as_mut().graceful_shutdown(),
        }
        serving.await.map_err(io::Error::other)
    }
}

// hyper hands the streams of an HTTP/2 connection to this, so that they too end at the hard stop.
impl<F> Executor<F> for Server
where
    F: Future<Output: Send> + Send + 'static,
{
    fn execute(&self, future: F) {
        let hard = self.hard.clone();
        self.tasks.spawn(hard.run_until_cancelled_owned(future));
    }
}
