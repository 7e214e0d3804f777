//! Drains, hard ends and restarts.

use std::{process::ExitCode, time::Duration};

use tokio::sync::watch;
use wormhole_client::{HubAddress, LinkState, LinkTimings, PageLink, PageOrder, Sender, TurnEvent};
use wormhole_protocol::{Body, FailureCode, PageHello};
use wormhole_runtime::Lifecycle;
use wormhole_server::{Service, StartError};

use crate::harness::*;

#[tokio::test]
async fn a_drain_lets_the_running_turn_end_and_then_closes_with_1001() {
    let hub = TestHub::start().await;
    let mut sender = hub.sender().await;
    let mut page = hub.page("a").await;
    assert_eq!(get(hub.admin, "/readyz").await.0, 200);
    sender.submit("1").await;
    page.post().await;
    hub.lifecycle.shutdown("test");
    assert_eq!(get(hub.admin, "/readyz").await.0, 503);
    assert_eq!(get(hub.admin, "/livez").await.0, 200);
    sender.submit("2").await;
    let failure = sender.failure().await;
    assert_eq!((failure.code, failure.retryable), (FailureCode::NoPage, true));
    assert!(failure.retry_after_ms.is_some());
    page.answer("1", "whole").await;
    for expected in [accepted(), Body::Text { delta: "whole".to_owned() }, done(5)] {
        assert_eq!(sender.body().await, expected);
    }
    assert_eq!(sender.closed().await, Some(1001));
    assert_eq!(page.closed().await, Some(1001));
    assert_eq!(hub.stop().await, ExitCode::SUCCESS);
}

#[tokio::test]
async fn with_nothing_running_a_drain_is_over_at_once() {
    let hub = TestHub::start().await;
    let mut sender = hub.sender().await;
    let mut undecided = Peer::connect(hub.addr, SENDER_TOKEN).await;
    hub.lifecycle.shutdown("test");
    assert_eq!(sender.closed().await, Some(1001));
    assert_eq!(undecided.closed().await, Some(1001), "who has not said hello is closed as well");
    assert_eq!(hub.stop().await, ExitCode::SUCCESS);
}

#[tokio::test]
async fn when_the_grace_is_over_running_turns_are_cut_with_1001() {
    let hub = TestHub::graceful(Duration::from_millis(100), |_| {}).await;
    let mut sender = hub.sender().await;
    let mut page = hub.page("a").await;
    sender.submit("1").await;
    page.post().await;
    let lifecycle = hub.lifecycle.clone();
    lifecycle.shutdown("test");
    let (code, sender, page) = tokio::join!(soon(lifecycle.wait()), sender.closed(), page.closed());
    assert_eq!((sender, page), (Some(1001), Some(1001)));
    assert_eq!(code, ExitCode::SUCCESS);
}

#[tokio::test]
async fn equal_or_empty_tokens_are_refused_before_anything_is_bound() {
    for (page, sender) in [("same", "same"), ("", "sender"), ("page", "")] {
        let config =
            wormhole_server::Config { page_token: page.into(), sender_token: sender.into(), ..config() };
        assert!(matches!(Service::bind(config).await, Err(StartError::Config(_))), "{page:?} {sender:?}");
    }
}

#[tokio::test]
async fn a_taken_address_is_named() {
    let hub = TestHub::start().await;
    let taken = wormhole_server::Config { listen: hub.addr, ..config() };
    let error = Service::bind(taken).await.unwrap_err();
    assert!(error.to_string().contains(&hub.addr.to_string()), "{error}");
}

#[tokio::test]
async fn after_a_restart_the_clients_rejoin_and_the_next_turn_works() {
    let hub = TestHub::start().await;
    let addr = hub.addr;
    let clients = Lifecycle::new(Duration::from_secs(1));
    let address = |token: &str, name: &str| HubAddress {
        url: format!("ws://{addr}").parse().unwrap(),
        token: token.into(),
        name: name.to_owned(),
    };
    let sender = Sender::start(address(SENDER_TOKEN, "oai"), LinkTimings::default(), &clients);
    let (_hello, hello) = watch::channel::<PageHello>(page("a"));
    let (link, mut orders) = PageLink::start(address(PAGE_TOKEN, "bridge"), hello, &clients);

    exchange(&sender, &link, &mut orders, "1").await;
    assert_eq!(hub.stop().await, ExitCode::SUCCESS);
    let mut state = sender.state();
    soon(state.wait_for(|state| !matches!(state, LinkState::Joined))).await.unwrap();
    let hub = TestHub::with(|config| config.listen = addr).await;
    soon(state.wait_for(|state| matches!(state, LinkState::Joined))).await.unwrap();
    exchange(&sender, &link, &mut orders, "2").await;

    clients.shutdown("test is over");
    soon(clients.wait()).await;
    assert_eq!(hub.stop().await, ExitCode::SUCCESS);
}

/// One turn through both clients.
async fn exchange(
    sender: &Sender,
    link: &PageLink,
    orders: &mut tokio::sync::mpsc::Receiver<PageOrder>,
    id: &str,
) {
    let mut turn = soon(sender.submit(turn(id))).await.unwrap();
    let post = loop {
        match soon(orders.recv()).await.unwrap() {
            PageOrder::Post(post) => break post,
            PageOrder::HubLost => {}
            other => panic!("not a post: {other:?}"),
        }
    };
    assert_eq!(post.turn.as_str(), id);
    let mut replies = link.replies(post.turn, post.attempt);
    for body in [accepted(), Body::Text { delta: id.to_owned() }, done(id.len())] {
        soon(replies.send(body)).await.unwrap();
    }
    let mut text = String::new();
    loop {
        match soon(turn.next()).await.expect("an end") {
            TurnEvent::Body(Body::Text { delta }) => text.push_str(&delta),
            TurnEvent::Body(Body::Done { .. }) => break,
            TurnEvent::Body(Body::Failed(failure)) => panic!("{failure}"),
            _ => {}
        }
    }
    assert_eq!(text, id);
}
