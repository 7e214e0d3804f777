//! A hub on free ports, and peers that speak its protocol by hand.

use std::{
    future::Future,
    net::{Ipv4Addr, SocketAddr},
    process::ExitCode,
    time::Duration,
};

use futures_util::{SinkExt, StreamExt};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{self, Message, client::IntoClientRequest, http::HeaderValue},
};
use wormhole_protocol::{
    Body, Event, Failure, Finish, FromHub, FromPeer, Hello, ModelInfo, PROTOCOL_VERSION, PageHello,
    PageState, Post, Role, Submit, TurnId, decode, encode,
};
use wormhole_runtime::Lifecycle;
use wormhole_server::{Config, Service};

pub(crate) const PAGE_TOKEN: &str = "token-for-pages";
pub(crate) const SENDER_TOKEN: &str = "token-for-senders";

/// A hub that runs.
pub(crate) struct TestHub {
    pub(crate) addr: SocketAddr,
    pub(crate) admin: SocketAddr,
    pub(crate) lifecycle: Lifecycle,
}

impl TestHub {
    pub(crate) async fn start() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut Config)) -> Self {
        Self::graceful(Duration::from_secs(20), change).await
    }

    pub(crate) async fn graceful(grace: Duration, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = config();
        change(&mut config);
        let service = Service::bind(config).await.unwrap();
        let lifecycle = Lifecycle::new(grace);
        let (addr, admin) = (service.addr(), service.admin_addr());
        service.spawn(&lifecycle);
        Self { addr, admin, lifecycle }
    }

    pub(crate) async fn stop(self) -> ExitCode {
        self.lifecycle.shutdown("test is over");
        soon(self.lifecycle.wait()).await
    }

    pub(crate) async fn sender(&self) -> Peer {
        let mut peer = Peer::connect(self.addr, SENDER_TOKEN).await;
        peer.send(&hello(None)).await;
        assert!(matches!(peer.next().await, FromHub::Welcome(_)));
        assert!(matches!(peer.next().await, FromHub::Directory(_)));
        peer
    }

    pub(crate) async fn page(&self, account: &str) -> Peer {
        let mut peer = Peer::connect(self.addr, PAGE_TOKEN).await;
        peer.send(&hello(Some(page(account)))).await;
        assert!(matches!(peer.next().await, FromHub::Welcome(_)));
        peer
    }

    /// A metric's value, by the whole name of its series.
    pub(crate) async fn metric(&self, series: &str) -> u64 {
        let (_, text) = get(self.admin, "/metrics").await;
        let line = text.lines().find_map(|line| line.strip_prefix(series)).expect(series);
        line.trim().parse().unwrap()
    }
}

/// A connection to the hub.
pub(crate) struct Peer {
    ws: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Peer {
    pub(crate) async fn connect(addr: SocketAddr, token: &str) -> Self {
        Self { ws: connect(addr, &[("authorization", &format!("Bearer {token}"))]).await.unwrap() }
    }

    pub(crate) async fn send(&mut self, frame: &FromPeer) {
        self.send_text(encode(frame)).await;
    }

    pub(crate) async fn send_text(&mut self, text: String) {
        soon(self.ws.send(Message::Text(text.into()))).await.unwrap();
    }

    pub(crate) async fn try_send(&mut self, message: Message) -> Result<(), tungstenite::Error> {
        soon(self.ws.send(message)).await
    }

    /// The hub's next frame; directories are skipped once the first has come.
    pub(crate) async fn next(&mut self) -> FromHub {
        soon(async {
            loop {
                match self.ws.next().await.expect("a frame before the end").unwrap() {
                    Message::Text(text) => return decode(text.as_bytes()).unwrap(),
                    Message::Ping(_) | Message::Pong(_) => {}
                    other => panic!("not a frame: {other:?}"),
                }
            }
        })
        .await
    }

    /// The hub's next frame that is no directory and no `queued`.
    pub(crate) async fn step(&mut self) -> FromHub {
        loop {
            let frame = self.next().await;
            if !matches!(frame, FromHub::Directory(_) | FromHub::Queued { .. }) {
                return frame;
            }
        }
    }

    pub(crate) async fn body(&mut self) -> Body {
        match self.step().await {
            FromHub::Event(Event { body, .. }) => body,
            other => panic!("not an event: {other:?}"),
        }
    }

    pub(crate) async fn failure(&mut self) -> Failure {
        match self.body().await {
            Body::Failed(failure) => failure,
            other => panic!("not a failure: {other:?}"),
        }
    }

    pub(crate) async fn post(&mut self) -> Post {
        match self.step().await {
            FromHub::Post(post) => *post,
            other => panic!("not a post: {other:?}"),
        }
    }

    /// Reads until the connection ends; the code of its close.
    pub(crate) async fn closed(&mut self) -> Option<u16> {
        let mut code = None;
        soon(async {
            while let Some(Ok(message)) = self.ws.next().await {
                if let Message::Close(frame) = message {
                    code = frame.map(|frame| frame.code.into());
                }
            }
        })
        .await;
        code
    }

    pub(crate) async fn close(&mut self) {
        soon(self.ws.close(None)).await.unwrap();
        self.closed().await;
    }

    pub(crate) async fn submit(&mut self, id: &str) {
        self.send(&FromPeer::Submit(Box::new(turn(id)))).await;
    }

    pub(crate) async fn event(&mut self, turn: &str, seq: u64, body: Body) {
        self.send(&FromPeer::Event(Event { turn: TurnId::new(turn), attempt: 1, seq, body })).await;
    }

    /// A whole reply.
    pub(crate) async fn answer(&mut self, turn: &str, text: &str) {
        self.event(turn, 0, accepted()).await;
        self.event(turn, 1, Body::Text { delta: text.to_owned() }).await;
        self.event(turn, 2, done(text.len())).await;
    }
}

pub(crate) fn config() -> Config {
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    Config::new(any, any, PAGE_TOKEN.into(), SENDER_TOKEN.into())
}

pub(crate) async fn connect(
    addr: SocketAddr,
    headers: &[(&'static str, &str)],
) -> Result<WebSocketStream<MaybeTlsStream<TcpStream>>, tungstenite::Error> {
    let mut request = format!("ws://{addr}{}", wormhole_protocol::HUB_PATH).into_client_request().unwrap();
    for (name, value) in headers {
        request.headers_mut().insert(*name, HeaderValue::from_str(value).unwrap());
    }
    soon(Box::pin(connect_async(request))).await.map(|(ws, _)| ws)
}

/// The status of a request to join that is refused before the upgrade.
pub(crate) async fn refusal(addr: SocketAddr, headers: &[(&'static str, &str)]) -> u16 {
    match connect(addr, headers).await {
        Err(tungstenite::Error::Http(response)) => response.status().as_u16(),
        other => panic!("not refused: {other:?}"),
    }
}

/// Status and body of a plain request.
pub(crate) async fn get(addr: SocketAddr, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: {addr}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    soon(stream.read_to_string(&mut answer)).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

/// No wait of a test is without end.
pub(crate) async fn soon<F: Future>(future: F) -> F::Output {
    timeout(Duration::from_secs(20), future).await.expect("it should not take so long")
}

pub(crate) fn hello(page: Option<PageHello>) -> FromPeer {
    FromPeer::Hello(Hello {
        protocol: PROTOCOL_VERSION,
        role: if page.is_some() { Role::Page } else { Role::Sender },
        name: "test".to_owned(),
        version: "0".to_owned(),
        page,
    })
}

pub(crate) fn page(account: &str) -> PageHello {
    PageHello {
        site: "site".to_owned(),
        account: account.to_owned(),
        capacity: 4,
        gap_ms: 0,
        state: PageState::Ready,
        detail: String::new(),
        models: vec![ModelInfo { name: "m".to_owned(), label: None, provider: None, images: false }],
    }
}

pub(crate) fn turn(id: &str) -> Submit {
    Submit {
        turn: TurnId::new(id),
        caller: "caller".to_owned(),
        model: "m".to_owned(),
        site: None,
        account: None,
        conversation: None,
        text: format!("prompt of {id}"),
        images: Vec::new(),
        deadline_ms: 60_000,
        trace: None,
    }
}

pub(crate) fn accepted() -> Body {
    Body::Accepted { conversation: None, account: "a".to_owned() }
}

pub(crate) fn done(bytes: usize) -> Body {
    Body::Done { finish: Finish::Stop, conversation: None, bytes: bytes as u64 }
}
