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
    AccountModels, Body, ConversationId, ConversationRef, Directory, Event, Failure, Finish, FromHub,
    FromPeer, HUB_PATH, Limits, ModelInfo, PROTOCOL_VERSION, PageState, PeerId, Submit, TurnId, Welcome,
    decode, encode,
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
    forgets: Arc<AsyncMutex<mpsc::Receiver<(String, ConversationId)>>>,
}

#[derive(Clone)]
struct Ear {
    hub: FakeHub,
    submits: mpsc::Sender<Submit>,
    cancels: mpsc::Sender<TurnId>,
    forgets: mpsc::Sender<(String, ConversationId)>,
}

impl FakeHub {
    pub(crate) async fn start(lifecycle: &Lifecycle, directory: Directory) -> Self {
        let listener = listen(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let (submits, submitted) = mpsc::channel(64);
        let (cancels, cancelled) = mpsc::channel(64);
        let (forgets, forgotten) = mpsc::channel(64);
        let hub = Self {
            addr: listener.local_addr().unwrap(),
            directory: Arc::new(Mutex::new(directory)),
            out: Arc::default(),
            submits: Arc::new(AsyncMutex::new(submitted)),
            cancels: Arc::new(AsyncMutex::new(cancelled)),
            forgets: Arc::new(AsyncMutex::new(forgotten)),
        };
        let ear = Ear { hub: hub.clone(), submits, cancels, forgets };
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

    /// The next conversation that is to be removed, which is then said to be removed.
    pub(crate) async fn forgotten(&self) -> (String, String) {
        let (account, conversation) = soon(async { self.forgets.lock().await.recv().await }).await.unwrap();
        let told = (account.clone(), conversation.to_string());
        self.send(FromHub::Forgotten { account, conversation });
        told
    }

    /// The next turn, however long it takes to come.
    pub(crate) async fn next_turn(&self) -> FakeTurn {
        let submit = self.submits.lock().await.recv().await.expect("the hub outlives its turns");
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

    /// Answers whole, in a conversation of the account `default` that has so many turns then.
    pub(crate) fn answer_in(self, conversation: &str, turns: u32, text: &str) {
        self.answer_on("default", conversation, turns, text);
    }

    /// The same, on an account.
    pub(crate) fn answer_on(mut self, account: &str, conversation: &str, turns: u32, text: &str) {
        let id = ConversationId::new(conversation);
        self.event(Body::Accepted { conversation: Some(id.clone()), account: account.to_owned() });
        self.text(text);
        let bytes = self.bytes;
        let conversation = Some(ConversationRef { id, parent: turns });
        self.event(Body::Done { finish: Finish::Stop, conversation, bytes });
    }

    /// Says that it waits.
    pub(crate) fn queued(&self, ahead: u32) {
        self.hub.send(FromHub::Queued { turn: self.submit.turn.clone(), ahead });
    }

    /// The conversation that it is to go on in, and the turn after which.
    pub(crate) fn place(&self) -> Option<(&str, &str, u32)> {
        let conversation = self.submit.conversation.as_ref()?;
        Some((self.submit.account.as_deref()?, conversation.id.as_str(), conversation.parent))
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
            FromPeer::Forget { account, conversation } => {
                self.forgets.send((account, conversation)).await.unwrap();
            }
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
