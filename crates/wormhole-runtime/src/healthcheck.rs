//! The `healthcheck` subcommand: images without a shell have no curl.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use bytes::Bytes;
use clap::Args;
use http::header::HOST;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use thiserror::Error;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long the admin port may take to answer.
const DEADLINE: Duration = Duration::from_secs(3);

/// The most that is read of an answer: far more than the reasons of a service that is not ready.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// Arguments of the `healthcheck` subcommand.
#[derive(Debug, Clone, Default, Args)]
pub struct HealthcheckArgs {
    /// Ask whether the service is ready, not only whether it is alive.
    #[arg(long)]
    pub ready: bool,
    /// Ask this address in place of the service's own admin port.
    #[arg(long)]
    pub at: Option<SocketAddr>,
}

impl HealthcheckArgs {
    /// Asks `own`, the service's own admin address, unless another one is given.
    pub async fn run(&self, own: SocketAddr) -> ExitCode {
        healthcheck(self.at.unwrap_or(own), self.ready).await
    }
}

/// Asks an admin port `/livez`, or `/readyz`, and writes its answer to standard output. Exit code 0 if the answer is yes,
/// 1 if it is no or there is none within three seconds.
pub async fn healthcheck(admin: SocketAddr, ready: bool) -> ExitCode {
    let admin = reachable(admin);
    let path = if ready { "/readyz" } else { "/livez" };
    let answer = timeout(DEADLINE, ask(admin, path)).await.unwrap_or(Err(AskError::Late));
    let (healthy, text) = match answer {
        Ok((status, body)) => (status == StatusCode::OK, body),
        Err(error) => (false, format!("cannot ask {admin}: {error}\n")),
    };
    // Nobody may be listening to what the probe says; its exit code still counts.
    let _ = std::io::stdout().write_all(text.as_bytes());
    if healthy { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Where this machine asks a socket that is bound to `addr`: one that is bound to every address is asked on loopback.
pub fn reachable(mut addr: SocketAddr) -> SocketAddr {
    if addr.ip().is_unspecified() {
        addr.set_ip(match addr.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    addr
}

#[derive(Debug, Error)]
enum AskError {
    #[error("no connection ({})", .0.kind())]
    Connect(#[source] std::io::Error),
    #[error("no HTTP answer")]
    Http(#[source] hyper::Error),
    #[error("the answer cannot be read")]
    Body,
    #[error("no answer within {} s", DEADLINE.as_secs())]
    Late,
}

async fn ask(admin: SocketAddr, path: &'static str) -> Result<(StatusCode, String), AskError> {
    let stream = TcpStream::connect(admin).await.map_err(AskError::Connect)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(AskError::Http)?;
    let exchange = async move {
        let mut request = Request::new(Empty::<Bytes>::new());
        *request.uri_mut() = http::Uri::from_static(path);
        let host = http::HeaderValue::from_maybe_shared(admin.to_string()).map_err(|_| AskError::Body)?;
        request.headers_mut().insert(HOST, host);
        let response = sender.send_request(request).await.map_err(AskError::Http)?;
        let status = response.status();
        let body = Limited::new(response.into_body(), MAX_ANSWER_BYTES)
            .collect()
            .await
            .map_err(|_| AskError::Body)?;
        Ok((status, String::from_utf8_lossy(&body.to_bytes()).into_owned()))
    };
    // The exchange owns the sender: when it is done the connection ends as well.
    let (answer, _) = futures_util::future::join(exchange, connection).await;
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_for_everybody_is_asked_on_loopback() {
        for (bound, asked) in
            [("0.0.0.0:1", "127.0.0.1:1"), ("[::]:2", "[::1]:2"), ("10.0.0.1:3", "10.0.0.1:3")]
        {
            assert_eq!(reachable(bound.parse().unwrap()), asked.parse().unwrap());
        }
    }
}
