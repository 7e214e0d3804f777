//! A hub that does what the test says.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::sync::{Mutex as AsyncMutex, mpsc};
use wormhole_protocol::{
    AccountModels, Body, Directory, Event, Failure, Finish, FromHub, FromPeer, HUB_PATH, Limits, ModelInfo,
    PROTOCOL_VERSION, PageState, PeerId, Submit, TurnId, Welcome, decode, encode,
};
use wormhole_runtime::{Lifecycle, listen, serve_http};

use crate::stage::soon;

pub(crate) const TOKEN: &str = "sender-t0ken";

/// What the hub's connection and the test share.
#[derive(Clone)]
pub(crate) struct FakeHub {
    pub(crate) addr: SocketAddr,
    directory: Arc<Mutex<Directory>>,
    /// To the newest connection.
    out: Arc<Mutex<Option<mpsc::Sender<FromHub>>>>,
    submits: Arc<AsyncMutex<mpsc::Receiver<Submit>>>,
    cancels: Arc<AsyncMutex<mpsc::Receiver<TurnId>>>,
}

#[derive(Clone)]
struct Ear {
    hub: FakeHub,
    submits: mpsc::Sender<Submit>,
    cancels: mpsc::Sender<TurnId>,
}

impl FakeHub {
    pub(crate) async fn start(lifecycle: &Lifecycle, directory: Directory) -> Self {
        let listener = listen(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let (submits, submitted) = mpsc::channel(64);
        let (cancels, cancelled) = mpsc::channel(64);
        let hub = Self {
            addr: listener.local_addr().unwrap(),
            directory: Arc::new(Mutex::new(directory)),
            out: Arc::default(),
            submits: Arc::new(AsyncMutex::new(submitted)),
            cancels: Arc::new(AsyncMutex::new(cancelled)),
        };
        let ear = Ear { hub: hub.clone(), submits, cancels };
        let router = Router::new().route(HUB_PATH, get(join)).with_state(ear);
        serve_http(listener, router, lifecycle, "fake hub");
        hub
    }

    pub(crate) fn send(&self, frame: FromHub) {
        let out = self.out.lock().unwrap().clone().expect("a sender has joined");
        out.try_send(frame).unwrap();
    }

    /// Tells the sender, and whoever joins next.
    pub(crate) fn tell(&self, directory: Directory) {
        self.directory.lock().unwrap().clone_from(&directory);
        self.send(FromHub::Directory(directory));
    }

    /// Drops the connection.
    pub(crate) fn cut(&self) {
        self.out.lock().unwrap().take();
    }

    /// The next turn that is submitted.
    pub(crate) async fn turn(&self) -> FakeTurn {
        let submit = soon(async { self.submits.lock().await.recv().await }).await.unwrap();
        FakeTurn { hub: self.clone(), submit, seq: 0, bytes: 0 }
    }

    /// Nothing has been submitted that was not taken with [`turn`](Self::turn).
    pub(crate) async fn is_quiet(&self) -> bool {
        self.submits.lock().await.try_recv().is_err()
    }
}

/// A submitted turn, played by the test.
pub(crate) struct FakeTurn {
    hub: FakeHub,
    pub(crate) submit: Submit,
    seq: u64,
    bytes: u64,
}

impl FakeTurn {
    fn event(&mut self, body: Body) {
        let event = Event { turn: self.submit.turn.clone(), attempt: 1, seq: self.seq, body };
        self.seq += 1;
        self.hub.send(FromHub::Event(event));
    }

    pub(crate) fn accept(&mut self) {
        self.event(Body::Accepted { conversation: None, account: "default".to_owned() });
    }

    pub(crate) fn text(&mut self, delta: &str) {
        self.bytes += delta.len() as u64;
        self.event(Body::Text { delta: delta.to_owned() });
    }

    pub(crate) fn reasoning(&mut self, delta: &str) {
        self.bytes += delta.len() as u64;
        self.event(Body::Reasoning { delta: delta.to_owned() });
    }

    pub(crate) fn done(mut self) {
        let bytes = self.bytes;
        self.event(Body::Done { finish: Finish::Stop, conversation: None, bytes });
    }

    pub(crate) fn fail(mut self, failure: Failure) {
        self.event(Body::Failed(failure));
    }

    /// Answers whole.
    pub(crate) fn answer(mut self, text: &str) {
        self.accept();
        self.text(text);
        self.done();
    }

    /// Accepted, and with its first text told.
    pub(crate) fn begun(mut self, text: &str) -> Self {
        self.accept();
        self.text(text);
        self
    }

    /// Counts a byte that was never sent.
    pub(crate) fn claim_more(&mut self) {
        self.bytes += 1;
    }

    /// Waits until the sender stops this turn.
    pub(crate) async fn cancelled(&self) {
        let cancelled = soon(async { self.hub.cancels.lock().await.recv().await }).await.unwrap();
        assert_eq!(cancelled, self.submit.turn);
    }
}

async fn join(State(ear): State<Ear>, headers: HeaderMap, upgrade: WebSocketUpgrade) -> Response {
    let authorised = headers.get("authorization").is_some_and(|value| value == &format!("Bearer {TOKEN}"));
    if !authorised {
        return http::StatusCode::UNAUTHORIZED.into_response();
    }
    upgrade.max_message_size(64 << 20).max_frame_size(64 << 20).on_upgrade(|socket| serve(ear, socket))
}

async fn serve(ear: Ear, mut socket: WebSocket) {
    let Some(Ok(Message::Text(hello))) = socket.recv().await else { return };
    let FromPeer::Hello(_) = decode(hello.as_bytes()).unwrap() else { panic!("the first frame is hello") };
    let (out, mut frames) = mpsc::channel(1024);
    let welcome = Welcome { protocol: PROTOCOL_VERSION, peer: PeerId::new("p1"), limits: Limits::default() };
    let directory = ear.hub.directory.lock().unwrap().clone();
    for frame in [FromHub::Welcome(welcome), FromHub::Directory(directory)] {
        socket.send(Message::text(encode(&frame))).await.unwrap();
    }
    ear.hub.out.lock().unwrap().replace(out);
    loop {
        tokio::select! {
            frame = frames.recv() => match frame {
                Some(frame) => if socket.send(Message::text(encode(&frame))).await.is_err() { return },
                None => return,
            },
            message = socket.recv() => match message {
                Some(Ok(Message::Text(text))) => ear.take(decode(text.as_bytes()).unwrap()).await,
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return,
            },
        }
    }
}

impl Ear {
    async fn take(&self, frame: FromPeer) {
        match frame {
            FromPeer::Submit(submit) => self.submits.send(*submit).await.unwrap(),
            FromPeer::Cancel { turn } => self.cancels.send(turn).await.unwrap(),
            other => panic!("unexpected: {other:?}"),
        }
    }
}

/// Models by site, each on one account.
pub(crate) fn directory(sites: &[(&str, &[&str])]) -> Directory {
    let model =
        |name: &&str| ModelInfo { name: (*name).to_owned(), label: None, provider: None, images: false };
    let accounts = sites.iter().map(|(site, models)| AccountModels {
        site: (*site).to_owned(),
        account: "default".to_owned(),
        state: PageState::Ready,
        detail: String::new(),
        models: models.iter().map(model).collect(),
    });
    Directory { accounts: accounts.collect() }
}
