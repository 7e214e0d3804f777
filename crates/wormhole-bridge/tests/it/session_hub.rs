//! A hub for tests: takes one page after the other, remembers what it says, and posts what the test wants.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    extract::{
        State,
        ws::{Message, WebSocket, WebSocketUpgrade},
    },
    response::Response,
    routing::any,
};
use tokio::{
    sync::{broadcast, mpsc, watch},
    time::timeout,
};
use wormhole_protocol::{
    Body, ConversationRef, Failure, FromHub, FromPeer, HUB_PATH, Image, Limits, PROTOCOL_VERSION, PageHello,
    PageState, PeerId, Post, TurnId, Welcome, decode, encode,
};
use wormhole_runtime::{Lifecycle, listen, serve_http};

/// Nothing here takes that long; whatever does hangs.
pub(crate) const SOON: Duration = Duration::from_secs(30);

/// The hub, as the test sees it.
#[derive(Clone)]
pub(crate) struct TestHub {
    pub(crate) addr: SocketAddr,
    inner: Arc<Inner>,
}

struct Inner {
    page: watch::Sender<Option<PageHello>>,
    /// Every state the page said it is in, in order.
    states: Mutex<Vec<PageState>>,
    orders: broadcast::Sender<FromHub>,
    drop_links: broadcast::Sender<()>,
    turns: Mutex<HashMap<TurnId, mpsc::Sender<Body>>>,
    others: mpsc::Sender<FromPeer>,
    other_frames: tokio::sync::Mutex<mpsc::Receiver<FromPeer>>,
    next: AtomicU64,
}

impl TestHub {
    pub(crate) async fn start(lifecycle: &Lifecycle) -> Self {
        let listener = listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let addr = listener.local_addr().unwrap();
        let (others, other_frames) = mpsc::channel(64);
        let inner = Arc::new(Inner {
            page: watch::Sender::new(None),
            states: Mutex::default(),
            orders: broadcast::Sender::new(64),
            drop_links: broadcast::Sender::new(4),
            turns: Mutex::default(),
            others,
            other_frames: tokio::sync::Mutex::new(other_frames),
            next: AtomicU64::new(1),
        });
        let hub = Self { addr, inner };
        let router = Router::new().route(HUB_PATH, any(join)).with_state(hub.clone());
        serve_http(listener, router, lifecycle, "test hub");
        hub
    }

    /// Waits until the page is in a state, and gives what it says of itself.
    pub(crate) async fn until(&self, state: PageState) -> PageHello {
        let mut page = self.inner.page.subscribe();
        let is_there = |page: &Option<PageHello>| page.as_ref().is_some_and(|page| page.state == state);
        let waited = timeout(SOON, page.wait_for(is_there)).await.map(|page| page.unwrap().clone());
        waited
            .unwrap_or_else(|_| panic!("never {state}: {:?}", self.inner.page.borrow()))
            .expect("checked above")
    }

    /// Waits until the page is in one of two states, and says which.
    pub(crate) async fn until_either(&self, one: PageState, other: PageState) -> PageState {
        let mut page = self.inner.page.subscribe();
        let is_there =
            |page: &Option<PageHello>| page.as_ref().is_some_and(|page| [one, other].contains(&page.state));
        let waited = timeout(SOON, page.wait_for(is_there)).await.expect("in time");
        waited.unwrap().as_ref().expect("checked above").state
    }

    /// The states since the last time this was asked.
    pub(crate) fn take_states(&self) -> Vec<PageState> {
        std::mem::take(&mut self.inner.states.lock().unwrap())
    }

    /// Posts a new thread's first turn.
    pub(crate) fn post(&self, model: &str, text: &str) -> Reply {
        self.post_in(model, text, None)
    }

    pub(crate) fn post_in(&self, model: &str, text: &str, conversation: Option<ConversationRef>) -> Reply {
        self.post_with(model, text, conversation, Vec::new())
    }

    pub(crate) fn post_with(
        &self,
        model: &str,
        text: &str,
        conversation: Option<ConversationRef>,
        images: Vec<Image>,
    ) -> Reply {
        let turn = TurnId::new(format!("t{}", self.inner.next.fetch_add(1, Ordering::SeqCst)));
        let (sender, events) = mpsc::channel(4096);
        self.inner.turns.lock().unwrap().insert(turn.clone(), sender);
        let post = Post {
            turn: turn.clone(),
            attempt: 1,
            model: model.to_owned(),
            conversation,
            text: text.to_owned(),
            images,
            deadline_ms: 60_000,
            trace: None,
        };
        self.order(FromHub::Post(Box::new(post)));
        Reply { turn, events }
    }

    pub(crate) fn order(&self, order: FromHub) {
        self.inner.orders.send(order).expect("a page has joined");
    }

    /// Cuts every link without a word.
    pub(crate) fn drop_links(&self) {
        self.inner.page.send_replace(None);
        let _ = self.inner.drop_links.send(());
    }

    /// The next frame that is neither `hello`, `status` nor `event`.
    pub(crate) async fn other(&self) -> FromPeer {
        timeout(SOON, async { self.inner.other_frames.lock().await.recv().await })
            .await
            .expect("a frame")
            .unwrap()
    }

    fn hear(&self, frame: FromPeer) {
        match frame {
            FromPeer::Hello(hello) => {
                let page = hello.page.expect("a page's hello");
                self.inner.states.lock().unwrap().push(page.state);
                self.inner.page.send_replace(Some(page));
            }
            FromPeer::Status(status) => {
                self.inner.states.lock().unwrap().push(status.state);
                self.inner.page.send_modify(|page| {
                    let page = page.as_mut().expect("status after hello");
                    page.state = status.state;
                    page.detail = status.detail;
                    page.models = status.models.unwrap_or_else(|| page.models.clone());
                });
            }
            FromPeer::Event(event) => {
                let turns = self.inner.turns.lock().unwrap();
                // A test that has dropped its reply does not care.
                let _ = turns[&event.turn].try_send(event.body);
            }
            other => self.inner.others.try_send(other).expect("few of them"),
        }
    }
}

async fn join(State(hub): State<TestHub>, upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(move |socket| serve(hub, socket))
}

async fn serve(hub: TestHub, mut socket: WebSocket) {
    let mut orders = hub.inner.orders.subscribe();
    let mut drops = hub.inner.drop_links.subscribe();
    let Some(Ok(Message::Text(hello))) = socket.recv().await else { return };
    let hello = decode(hello.as_bytes()).expect("a hello");
    let welcome = Welcome { protocol: PROTOCOL_VERSION, peer: PeerId::new("p"), limits: Limits::default() };
    socket.send(Message::text(encode(&FromHub::Welcome(welcome)))).await.unwrap();
    hub.hear(hello);
    loop {
        tokio::select! {
            _ = drops.recv() => return,
            order = orders.recv() => {
                let Ok(order) = order else { return };
                if socket.send(Message::text(encode(&order))).await.is_err() {
                    return;
                }
            }
            frame = socket.recv() => match frame {
                Some(Ok(Message::Text(text))) => hub.hear(decode(text.as_bytes()).expect("a frame of the protocol")),
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => {}
            },
        }
    }
}

/// The events of a turn.
pub(crate) struct Reply {
    pub(crate) turn: TurnId,
    events: mpsc::Receiver<Body>,
}

/// A reply as a whole.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) text: String,
    pub(crate) reasoning: String,
    pub(crate) end: Body,
}

impl Reply {
    pub(crate) async fn next(&mut self) -> Body {
        timeout(SOON, self.events.recv())
            .await
            .unwrap_or_else(|_| panic!("{} says nothing", self.turn))
            .unwrap()
    }

    /// Reads until the answer holds `text`.
    pub(crate) async fn until_text(&mut self, text: &str) {
        let mut read = String::new();
        while !read.contains(text) {
            match self.next().await {
                Body::Text { delta } => read.push_str(&delta),
                Body::Accepted { .. } => {}
                other => panic!("{other:?} after {read:?}"),
            }
        }
    }

    pub(crate) async fn ended(mut self) -> Ended {
        let (mut text, mut reasoning) = (String::new(), String::new());
        loop {
            match self.next().await {
                Body::Accepted { .. } => {}
                Body::Text { delta } => text.push_str(&delta),
                Body::Reasoning { delta } => reasoning.push_str(&delta),
                end => return Ended { text, reasoning, end },
            }
        }
    }

    pub(crate) async fn failed(self) -> Failure {
        match self.ended().await.end {
            Body::Failed(failure) => failure,
            other => panic!("{other:?}"),
        }
    }
}

impl Ended {
    /// Where a whole answer's thread goes on; its bytes are checked.
    #[track_caller]
    pub(crate) fn whole(&self) -> ConversationRef {
        match &self.end {
            Body::Done { conversation, bytes, .. } => {
                assert_eq!(*bytes, (self.text.len() + self.reasoning.len()) as u64);
                conversation.clone().expect("a thread")
            }
            other => panic!("{other:?}"),
        }
    }
}
