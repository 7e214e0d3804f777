//! A hub in the hands of the test: it takes peers in, and says and hears what the test wants.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{HeaderMap, StatusCode};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;
use wormhole_client::{HubAddress, LinkState, LinkTimings};
use wormhole_protocol::{
    Body, Event, FromHub, FromPeer, HUB_PATH, Hello, Limits, PROTOCOL_VERSION, PeerId, TurnId, Welcome,
    decode, encode,
};
use wormhole_runtime::{Lifecycle, listen, serve_http};

/// No test waits longer for anything.
const PATIENCE: Duration = Duration::from_secs(20);

/// Waits for what must happen.
pub(crate) async fn soon<T>(what: impl Future<Output = T>) -> T {
    timeout(PATIENCE, what).await.expect("it did not happen")
}

/// Patient where a slow machine needs it, quick to come back.
pub(crate) fn timings() -> LinkTimings {
    LinkTimings {
        backoff_min: Duration::from_millis(1),
        backoff_max: Duration::from_millis(20),
        ..LinkTimings::default()
    }
}

/// Waits for a state of the link.
pub(crate) async fn until(state: &mut watch::Receiver<LinkState>, is_it: impl Fn(&LinkState) -> bool) {
    soon(state.wait_for(|state| is_it(state))).await.unwrap();
}

/// Waits until the link is down for this reason.
pub(crate) async fn until_down(state: &mut watch::Receiver<LinkState>, reason: &str) {
    until(state, |state| {
        matches!(state, LinkState::Connecting { last_error: Some(error), .. } if error.contains(reason))
    })
    .await;
}

pub(crate) struct Hub {
    pub(crate) addr: SocketAddr,
    door: Arc<Door>,
    peers: mpsc::Receiver<Peer>,
    life: Lifecycle,
}

struct Door {
    open: AtomicBool,
    peers: mpsc::Sender<Peer>,
}

impl Hub {
    pub(crate) async fn start() -> Self {
        Self::start_at("127.0.0.1:0".parse().unwrap()).await
    }

    pub(crate) async fn start_at(addr: SocketAddr) -> Self {
        let (sender, peers) = mpsc::channel(8);
        let door = Arc::new(Door { open: AtomicBool::new(true), peers: sender });
        let router = Router::new().route(HUB_PATH, get(enter)).with_state(Arc::clone(&door));
        let listener = listen(addr).await.unwrap();
        let addr = listener.local_addr().unwrap();
        let life = Lifecycle::new(Duration::ZERO);
        serve_http(listener, router, &life, "test hub");
        Self { addr, door, peers, life }
    }

    /// From now on every token is refused, or none.
    pub(crate) fn refuse(&self, refuse: bool) {
        self.door.open.store(!refuse, Ordering::SeqCst);
    }

    pub(crate) fn address(&self) -> HubAddress {
        HubAddress {
            url: format!("ws://{}", self.addr).parse().unwrap(),
            token: "good".into(),
            name: "tester".to_owned(),
        }
    }

    /// The next peer that said hello; it has not been answered.
    pub(crate) async fn peer(&mut self) -> Peer {
        soon(self.peers.recv()).await.unwrap()
    }

    /// The next peer, taken in.
    pub(crate) async fn welcome(&mut self) -> Peer {
        self.welcome_with(Limits::default()).await
    }

    pub(crate) async fn welcome_with(&mut self, limits: Limits) -> Peer {
        let mut peer = self.peer().await;
        peer.say(&FromHub::Welcome(Welcome { protocol: PROTOCOL_VERSION, peer: PeerId::new("p1"), limits }))
            .await;
        peer
    }

    /// Ends; the address is free again.
    pub(crate) async fn stop(self) {
        self.life.shutdown("test");
        self.life.hard().cancel();
        soon(self.life.wait()).await;
    }
}

async fn enter(State(door): State<Arc<Door>>, headers: HeaderMap, upgrade: WebSocketUpgrade) -> Response {
    assert!(!headers.contains_key("origin"), "only browsers send an origin");
    let is_good = headers.get("authorization").is_some_and(|value| value == "Bearer good");
    if !is_good || !door.open.load(Ordering::SeqCst) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    upgrade.on_upgrade(async move |socket| {
        let mut peer = Peer { socket, hello: None };
        if let FromPeer::Hello(hello) = peer.hear().await {
            peer.hello = Some(hello);
            // A test that has ended takes no more peers.
            let _ = door.peers.send(peer).await;
        }
    })
}

/// A peer, seen from the hub.
pub(crate) struct Peer {
    socket: WebSocket,
    hello: Option<Hello>,
}

impl Peer {
    pub(crate) fn hello(&self) -> &Hello {
        self.hello.as_ref().unwrap()
    }

    pub(crate) async fn say(&mut self, frame: &FromHub) {
        self.say_raw(Message::text(encode(frame))).await;
    }

    pub(crate) async fn say_raw(&mut self, message: Message) {
        soon(self.socket.send(message)).await.unwrap();
    }

    pub(crate) async fn event(&mut self, turn: &TurnId, seq: u64, body: Body) {
        self.say(&FromHub::Event(Event { turn: turn.clone(), attempt: 1, seq, body })).await;
    }

    /// The next message of any kind; `None` when the link is gone.
    pub(crate) async fn hear_raw(&mut self) -> Option<Message> {
        soon(self.socket.recv()).await?.ok()
    }

    /// The next frame.
    pub(crate) async fn hear(&mut self) -> FromPeer {
        loop {
            match self.hear_raw().await {
                Some(Message::Text(text)) => return decode(text.as_bytes()).unwrap(),
                Some(Message::Ping(_) | Message::Pong(_)) => {}
                other => panic!("expected a frame, got {other:?}"),
            }
        }
    }

    /// The close code with which the peer says goodbye, once everything before it has been read.
    pub(crate) async fn goodbye(&mut self) -> u16 {
        let frame = loop {
            match self.hear_raw().await {
                Some(Message::Close(Some(frame))) => break frame,
                Some(Message::Ping(_) | Message::Pong(_)) => {}
                other => panic!("expected a goodbye, got {other:?}"),
            }
        };
        // The answer to it goes out with the next read.
        assert!(self.hear_raw().await.is_none());
        frame.code
    }

    pub(crate) async fn close(mut self, code: u16, reason: &str) {
        self.say_raw(Message::Close(Some(CloseFrame { code, reason: reason.into() }))).await;
        // Reads the echo, so that the socket is not reset before the frame has been read.
        while self.hear_raw().await.is_some() {}
    }
}
