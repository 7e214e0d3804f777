//! The fake page at a hub of a few lines.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use url::Url;
use wormhole_client::HubAddress;
use wormhole_protocol::{
    Body, Event, FailureCode, FromHub, FromPeer, Limits, PROTOCOL_VERSION, PeerId, Post, TurnId, Welcome,
    decode, encode,
};
use wormhole_runtime::Lifecycle;

use super::FakePage;
use crate::ask::{PLAIN, STALL, Script, TWENTY};
use crate::clock::{Clock, Marks};

struct Hub {
    socket: WebSocketStream<TcpStream>,
    page: FakePage,
    lifecycle: Lifecycle,
}

impl Hub {
    async fn with_page() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = Url::parse(&format!("ws://{}", listener.local_addr().unwrap())).unwrap();
        let lifecycle = Lifecycle::new(Duration::from_secs(1));
        let address = HubAddress { url, token: "token".into(), name: "bench".to_owned() };
        let page = FakePage::join(address, "bench-0", Clock::start(), &lifecycle);
        let (stream, _) = listener.accept().await.unwrap();
        let socket = tokio_tungstenite::accept_async(stream).await.unwrap();
        let mut hub = Self { socket, page, lifecycle };
        let FromPeer::Hello(hello) = hub.next().await else { panic!("no hello") };
        assert_eq!(hello.page.unwrap().models.len(), 5);
        let (peer, limits) = (PeerId::new("p1"), Limits::default());
        hub.send(FromHub::Welcome(Welcome { protocol: PROTOCOL_VERSION, peer, limits })).await;
        hub
    }

    async fn send(&mut self, frame: FromHub) {
        self.socket.send(Message::text(encode(&frame))).await.unwrap();
    }

    async fn next(&mut self) -> FromPeer {
        loop {
            let message = self.socket.next().await.unwrap().unwrap();
            if let Message::Text(text) = message {
                return decode(text.as_bytes()).unwrap();
            }
        }
    }

    async fn post(&mut self, turn: &str, script: Script) {
        let post = Post {
            turn: TurnId::new(turn),
            attempt: 1,
            model: script.model.to_owned(),
            conversation: None,
            text: "hello".to_owned(),
            images: Vec::new(),
            deadline_ms: 60_000,
            trace: None,
        };
        self.send(FromHub::Post(Box::new(post))).await;
    }

    /// Bodies of the next events until one ends the reply, or until there are so many.
    async fn events(&mut self, most: usize) -> Vec<Body> {
        let mut bodies = Vec::new();
        while bodies.len() < most && !bodies.last().is_some_and(Body::is_end) {
            let FromPeer::Event(Event { seq, body, .. }) = self.next().await else { continue };
            assert_eq!(seq, bodies.len() as u64);
            bodies.push(body);
        }
        bodies
    }

    async fn end(self) {
        assert!(self.page.rests(Duration::from_secs(5)).await);
        self.lifecycle.shutdown("the test is over");
        drop(self.socket);
        self.lifecycle.wait().await;
    }
}

#[tokio::test]
async fn a_reply_holds_as_many_marked_deltas_as_its_script_says() {
    let mut hub = Hub::with_page().await;
    for script in [PLAIN, TWENTY] {
        hub.post(script.model, script).await;
        let bodies = hub.events(usize::MAX).await;
        assert_eq!(bodies.len(), script.deltas + 2);
        let text: String =
            bodies.iter().map(|body| if let Body::Text { delta } = body { delta } else { "" }).collect();
        assert_eq!(Marks::default().scan(text.as_bytes(), |_| {}), script.deltas);
        let Some(Body::Done { bytes, .. }) = bodies.last() else { panic!("not done: {bodies:?}") };
        assert_eq!(*bytes, text.len() as u64);
    }
    hub.end().await;
}

#[tokio::test]
async fn a_reply_that_stalls_ends_when_it_is_cancelled() {
    let mut hub = Hub::with_page().await;
    hub.post("t", STALL).await;
    assert!(matches!(hub.events(2).await[..], [Body::Accepted { .. }, Body::Text { .. }]));
    assert_eq!(hub.page.running(), 1);
    hub.send(FromHub::Cancel { turn: TurnId::new("t") }).await;
    let FromPeer::Event(Event { seq: 2, body: Body::Failed(failure), .. }) = hub.next().await else {
        panic!("no end")
    };
    assert_eq!(failure.code, FailureCode::Cancelled);
    hub.end().await;
}
