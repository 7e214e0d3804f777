//! One keep-alive HTTP/1.1 connection: as little work as possible between the socket and the clock.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http::{HeaderName, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::clock::{Clock, Marks};

/// What is asked, ready to be sent any number of times.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    /// Path of the API.
    pub(crate) path: &'static str,
    /// The JSON body.
    pub(crate) body: Bytes,
    /// How many marked deltas a whole answer holds.
    pub(crate) deltas: usize,
    /// What stands near the end of a whole answer and nowhere else.
    pub(crate) end: &'static str,
}

/// What one answer took.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    /// From the request to the answer's last byte.
    pub(crate) whole: Duration,
    /// From the request to the first delta.
    pub(crate) first: Duration,
    /// From the making of each delta to its reading.
    pub(crate) deltas: Vec<Duration>,
}

/// The connection. Dropping it closes the socket, whatever is under way.
pub(crate) struct Connection {
    requests: SendRequest<Full<Bytes>>,
    host: String,
    clock: Clock,
    body: Vec<u8>,
    _driver: JoinSet<()>,
}

impl Connection {
    /// Connects.
    pub(crate) async fn open(address: SocketAddr, clock: Clock) -> Result<Self> {
        let stream =
            TcpStream::connect(address).await.with_context(|| format!("cannot connect to {address}"))?;
        stream.set_nodelay(true)?;
        let (requests, connection) = handshake(TokioIo::new(stream)).await?;
        let mut driver = JoinSet::new();
        driver.spawn(async move {
            // A broken connection shows as a failed request.
            let _broken = connection.await;
        });
        Ok(Self { requests, host: address.to_string(), clock, body: Vec::new(), _driver: driver })
    }

    /// Asks and reads the whole answer.
    pub(crate) async fn exchange(&mut self, ask: &Ask) -> Result<Taken> {
        let asked = self.clock.now();
        let answer = self.answer(ask).await?;
        let taken = self.read(answer, asked).await?;
        self.check(ask, taken.deltas.len())?;
        Ok(taken)
    }

    /// Reads an answer to its end; what it took counts from `asked`.
    pub(crate) async fn read(&mut self, mut answer: Incoming, asked: Duration) -> Result<Taken> {
        self.body.clear();
        let (mut taken, mut marks) = (Taken::default(), Marks::default());
        while let Some(frame) = answer.frame().await {
            let Ok(data) = frame?.into_data() else { continue };
            let now = self.clock.now();
            self.body.extend_from_slice(&data);
            marks.scan(&self.body, |made| taken.deltas.push(now.saturating_sub(made)));
            if taken.first.is_zero() && !taken.deltas.is_empty() {
                taken.first = now.saturating_sub(asked);
            }
        }
        taken.whole = self.clock.now().saturating_sub(asked);
        Ok(taken)
    }

    /// Asks and reads until the first delta has come. The answer goes on for as long as it is kept.
    pub(crate) async fn until_first_delta(&mut self, ask: &Ask) -> Result<Incoming> {
        let mut answer = self.answer(ask).await?;
        self.body.clear();
        let mut marks = Marks::default();
        while let Some(frame) = answer.frame().await {
            let Ok(data) = frame?.into_data() else { continue };
            self.body.extend_from_slice(&data);
            if marks.scan(&self.body, |_| {}) > 0 {
                return Ok(answer);
            }
        }
        anyhow::bail!("the answer ended before its first delta: {}", self.start_of_body())
    }

    /// The answer's pieces as they came, for the stand-in to send again.
    pub(crate) async fn record(&mut self, ask: &Ask) -> Result<(String, Bytes)> {
        let response = self.post(ask.path, ask.body.clone()).await?;
        let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let kind = kind.unwrap_or("application/json").to_owned();
        let body = response.into_body().collect().await?.to_bytes();
        let mut count = 0;
        Marks::default().scan(&body, |_| count += 1);
        self.body = body.to_vec();
        self.check(ask, count)?;
        Ok((kind, body))
    }

    /// The status and body of a GET.
    pub(crate) async fn get(&mut self, path: &str) -> Result<(StatusCode, Bytes)> {
        let response = self.send(Method::GET, path, &[], Bytes::new()).await?;
        let status = response.status();
        Ok((status, response.into_body().collect().await?.to_bytes()))
    }

    async fn answer(&mut self, ask: &Ask) -> Result<Incoming> {
        let response = self.post(ask.path, ask.body.clone()).await?;
        let status = response.status();
        if status != StatusCode::OK {
            self.body = response.into_body().collect().await?.to_bytes().to_vec();
            anyhow::bail!("{status}: {}", self.start_of_body());
        }
        Ok(response.into_body())
    }

    async fn post(&mut self, path: &str, body: Bytes) -> Result<Response<Incoming>> {
        self.send(Method::POST, path, &[(header::CONTENT_TYPE, "application/json")], body).await
    }

    /// Sends one request and gives the response as it begins.
    pub(crate) async fn send(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(HeaderName, &str)],
        body: Bytes,
    ) -> Result<Response<Incoming>> {
        let mut request = Request::builder().method(method).uri(path).header(header::HOST, &self.host);
        for (name, value) in headers {
            request = request.header(name, *value);
        }
        self.requests.ready().await?;
        Ok(self.requests.send_request(request.body(Full::new(body))?).await?)
    }

    fn check(&self, ask: &Ask, deltas: usize) -> Result<()> {
        let tail = &self.body[self.body.len().saturating_sub(1024)..];
        let ended = tail.windows(ask.end.len()).any(|window| window == ask.end.as_bytes());
        ensure!(ended, "the answer has no end: {}", self.start_of_body());
        ensure!(deltas == ask.deltas, "{deltas} deltas of {}: {}", ask.deltas, self.start_of_body());
        Ok(())
    }

    fn start_of_body(&self) -> String {
        String::from_utf8_lossy(&self.body[..self.body.len().min(300)]).into_owned()
    }
}
