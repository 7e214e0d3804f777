//! Orders in, replies out, and the page's state.

use std::process::ExitCode;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use wormhole_client::{LinkLost, LinkState, PageLink, PageOrder, ReplyWriter};
use wormhole_protocol::{
    Body, CLOSE_GOING_AWAY, ConversationId, Event, Failure, FailureCode, FromHub, FromPeer, ModelInfo,
    PageHello, PageState, Post, Status, TurnId,
};
use wormhole_runtime::Lifecycle;

use crate::hub::{Hub, Peer, soon, timings, until};

struct Page {
    hub: Hub,
    peer: Peer,
    link: PageLink,
    orders: mpsc::Receiver<PageOrder>,
    hello: watch::Sender<PageHello>,
    life: Lifecycle,
}

async fn joined() -> Page {
    let mut hub = Hub::start().await;
    let life = Lifecycle::new(Duration::from_secs(5));
    let hello = watch::Sender::new(PageHello {
        site: "practice".to_owned(),
        account: "default".to_owned(),
        capacity: 2,
        gap_ms: 0,
        state: PageState::Starting,
        detail: String::new(),
        models: Vec::new(),
    });
    let (link, orders) = PageLink::start_with(hub.address(), timings(), hello.subscribe(), &life);
    let peer = hub.welcome().await;
    until(&mut link.state(), |state| *state == LinkState::Joined).await;
    Page { hub, peer, link, orders, hello, life }
}

fn post(turn: &str, attempt: u32) -> Box<Post> {
    Box::new(Post {
        turn: TurnId::new(turn),
        attempt,
        model: "echo".to_owned(),
        conversation: None,
        text: "hello".to_owned(),
        images: Vec::new(),
        deadline_ms: 60_000,
        trace: None,
    })
}

fn text(delta: &str) -> Body {
    Body::Text { delta: delta.to_owned() }
}

impl Page {
    /// Orders a turn and begins its reply.
    async fn order(&mut self, turn: &str, attempt: u32) -> ReplyWriter {
        self.peer.say(&FromHub::Post(post(turn, attempt))).await;
        assert_eq!(self.next().await, PageOrder::Post(post(turn, attempt)));
        self.link.replies(TurnId::new(turn), attempt)
    }

    async fn next(&mut self) -> PageOrder {
        soon(self.orders.recv()).await.unwrap()
    }

    async fn hear_event(&mut self) -> (String, u32, u64, Body) {
        match self.peer.hear().await {
            FromPeer::Event(Event { turn, attempt, seq, body }) => {
                (turn.as_str().to_owned(), attempt, seq, body)
            }
            other => panic!("expected an event, got {other:?}"),
        }
    }
}

#[tokio::test]
async fn replies_are_numbered_for_each_turn_and_attempt() {
    let mut page = joined().await;
    let mut first = page.order("t1", 1).await;
    let mut second = page.order("t2", 3).await;
    for (turn, attempt, seq, delta) in [("t1", 1, 0, "a"), ("t2", 3, 0, "b"), ("t1", 1, 1, "c")] {
        let writer = if turn == "t1" { &mut first } else { &mut second };
        writer.send(text(delta)).await.unwrap();
        assert_eq!(page.hear_event().await, (turn.to_owned(), attempt, seq, text(delta)));
    }
    let mut again = page.order("t1", 2).await;
    again.send(text("d")).await.unwrap();
    assert_eq!(page.hear_event().await, ("t1".to_owned(), 2, 0, text("d")));
}

#[tokio::test]
async fn orders_come_in_order_and_are_answered() {
    let mut page = joined().await;
    let (account, conversation) = ("default".to_owned(), ConversationId::new("c1"));
    page.peer.say(&FromHub::Cancel { turn: TurnId::new("t1") }).await;
    page.peer.say(&FromHub::Forget { account: account.clone(), conversation: conversation.clone() }).await;
    assert_eq!(page.next().await, PageOrder::Cancel(TurnId::new("t1")));
    let forget = PageOrder::Forget { account: account.clone(), conversation: conversation.clone() };
    assert_eq!(page.next().await, forget);
    page.link.forgotten(account.clone(), conversation.clone()).await.unwrap();
    let forgotten = FromPeer::Forgotten { account: account.clone(), conversation: conversation.clone() };
    assert_eq!(page.peer.hear().await, forgotten);
    let failure = Failure::not_posted(FailureCode::ConversationUnknown, "no such conversation");
    page.link.forget_failed(account, conversation, failure).await.unwrap();
    assert!(matches!(page.peer.hear().await, FromPeer::ForgetFailed { .. }));
    // A frame for senders is not for pages.
    page.peer.say(&FromHub::Queued { turn: TurnId::new("t1"), ahead: 1 }).await;
    assert!(matches!(page.peer.hear().await, FromPeer::Error(_)));
}

#[tokio::test]
async fn a_change_is_said_with_only_what_changed() {
    let mut page = joined().await;
    let model = ModelInfo { name: "echo".to_owned(), label: None, provider: None, images: false };
    page.hello.send_modify(|hello| hello.state = PageState::LoggingIn);
    let status = |state| Status { state, detail: String::new(), models: None, capacity: None };
    assert_eq!(page.peer.hear().await, FromPeer::Status(status(PageState::LoggingIn)));
    page.hello.send_modify(|hello| {
        hello.state = PageState::Ready;
        hello.models = vec![model.clone()];
    });
    let with_models = Status { models: Some(vec![model.clone()]), ..status(PageState::Ready) };
    assert_eq!(page.peer.hear().await, FromPeer::Status(with_models));
    // Nothing new, then a new capacity.
    page.hello.send_modify(|_| {});
    page.hello.send_modify(|hello| {
        hello.capacity = 4;
        hello.detail = "busy".to_owned();
    });
    let with_capacity = Status { capacity: Some(4), detail: "busy".to_owned(), ..status(PageState::Ready) };
    assert_eq!(page.peer.hear().await, FromPeer::Status(with_capacity));
}

#[tokio::test]
async fn a_lost_hub_is_told_and_the_next_one_hears_how_the_page_is_now() {
    let mut page = joined().await;
    let mut writer = page.order("t1", 1).await;
    writer.send(text("a")).await.unwrap();
    page.hear_event().await;
    drop(page.peer);
    assert_eq!(soon(page.orders.recv()).await, Some(PageOrder::HubLost));
    page.hello.send_modify(|hello| hello.state = PageState::Ready);
    page.peer = page.hub.peer().await;
    let hello = page.peer.hello().page.clone().unwrap();
    assert_eq!((hello.account.as_str(), hello.capacity), ("default", 2));
    drop(page.peer);
    // The peer before was not welcomed: no link was lost with it, and nobody is told.
    page.peer = page.hub.welcome().await;
    assert_eq!(page.peer.hello().page.as_ref().unwrap().state, PageState::Ready);
    // What belongs to the old link is not said over the new one.
    let mut next = page.order("t2", 1).await;
    assert_eq!(writer.send(text("b")).await, Err(LinkLost));
    next.send(text("c")).await.unwrap();
    assert_eq!(page.hear_event().await, ("t2".to_owned(), 1, 0, text("c")));
    assert_eq!(page.link.stats().joins, 2);
}

#[tokio::test]
async fn a_page_of_another_account_joins_again() {
    let mut page = joined().await;
    page.hello.send_modify(|hello| hello.account = "other".to_owned());
    let again = page.hub.welcome().await;
    assert_eq!(again.hello().page.as_ref().unwrap().account, "other");
    assert_eq!(page.next().await, PageOrder::HubLost);
}

#[tokio::test]
async fn a_hub_that_does_not_read_holds_up_the_page_and_loses_nothing() {
    let mut page = joined().await;
    let mut writer = page.order("t1", 1).await;
    let piece = text(&"x".repeat(64 * 1024));
    let mut sent = 0;
    // More than any socket buffers: at some point there is no place any more.
    let within = Duration::from_millis(300);
    while tokio::time::timeout(within, writer.send(piece.clone())).await.is_ok() {
        sent += 1;
        assert!(sent < 4_000, "the link holds more than its queue");
    }
    for seq in 0..sent {
        let (_, _, heard, body) = page.hear_event().await;
        assert_eq!((heard, &body), (seq, &piece));
    }
    writer.send(text("end")).await.unwrap();
    assert_eq!(page.hear_event().await.2, sent);
}

#[tokio::test]
async fn a_drain_lasts_until_the_bridge_takes_no_more_orders() {
    let mut page = joined().await;
    let mut writer = page.order("t1", 1).await;
    page.life.shutdown("test");
    page.hello.send_modify(|hello| hello.state = PageState::Draining);
    assert!(
        matches!(page.peer.hear().await, FromPeer::Status(status) if status.state == PageState::Draining)
    );
    for _ in 0..100 {
        writer.send(text("a")).await.unwrap();
    }
    drop(page.orders);
    for seq in 0..100 {
        let FromPeer::Event(event) = page.peer.hear().await else { panic!("expected an event") };
        assert_eq!(event.seq, seq);
    }
    let (exit, code) = tokio::join!(soon(page.life.wait()), page.peer.goodbye());
    assert_eq!((exit, code), (ExitCode::SUCCESS, CLOSE_GOING_AWAY));
}

#[tokio::test]
async fn at_hard_the_link_ends_whatever_the_bridge_does() {
    let mut page = joined().await;
    page.life.shutdown("test");
    page.life.hard().cancel();
    let (exit, code) = tokio::join!(soon(page.life.wait()), page.peer.goodbye());
    assert_eq!((exit, code), (ExitCode::SUCCESS, CLOSE_GOING_AWAY));
    assert_eq!(page.next().await, PageOrder::HubLost);
}
