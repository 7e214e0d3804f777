//! Who may join, and what happens to those who may not.

use tokio_tungstenite::tungstenite::Message;
use wormhole_protocol::{Body, FromHub, FromPeer, MAX_FRAME_BYTES};

use crate::harness::*;

#[tokio::test]
async fn the_root_says_what_this_is() {
    let hub = TestHub::start().await;
    let (status, text) = get(hub.addr, "/").await;
    assert_eq!(status, 200);
    assert!(text.starts_with("wormhole-server ") && text.lines().count() == 1, "{text}");
}

#[tokio::test]
async fn without_the_right_token_there_is_no_upgrade() {
    let hub = TestHub::start().await;
    assert_eq!(refusal(hub.addr, &[]).await, 401);
    assert_eq!(refusal(hub.addr, &[("authorization", "Bearer wrong")]).await, 401);
    assert_eq!(hub.metric("wormhole_server_refused_requests_total{reason=\"token\"}").await, 2);
}

#[tokio::test]
async fn no_web_page_may_join_even_with_a_token() {
    let hub = TestHub::start().await;
    let token = format!("Bearer {PAGE_TOKEN}");
    for origin in ["https://site.example", "null"] {
        assert_eq!(refusal(hub.addr, &[("authorization", &token), ("origin", origin)]).await, 403);
    }
}

#[tokio::test]
async fn a_plain_request_learns_nothing_without_a_token() {
    let hub = TestHub::start().await;
    let (status, _) = get(hub.addr, "/v1/ws").await;
    assert_eq!(status, 401);
}

#[tokio::test]
async fn connections_are_bounded_and_a_place_is_free_again_when_one_ends() {
    let hub = TestHub::with(|config| config.max_peers = 1).await;
    let mut only = hub.sender().await;
    let token = format!("Bearer {PAGE_TOKEN}");
    assert_eq!(refusal(hub.addr, &[("authorization", &token)]).await, 503);
    only.close().await;
    // The place is given back when the connection's task ends, shortly after its close.
    soon(async {
        while connect(hub.addr, &[("authorization", &token)]).await.is_err() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_connection_that_does_not_say_hello_is_closed() {
    let hub = TestHub::with(|config| config.hello_within = std::time::Duration::from_millis(50)).await;
    let mut silent = Peer::connect(hub.addr, SENDER_TOKEN).await;
    assert_eq!(silent.closed().await, Some(4400));
    assert_eq!(hub.metric("wormhole_server_gone_peers_total{reason=\"malformed\"}").await, 1);
}

#[tokio::test]
async fn every_bad_hello_has_its_close_code() {
    let hub = TestHub::start().await;
    let hello_of = |protocol: u32, role: &str| {
        format!(r#"{{"type":"hello","protocol":{protocol},"role":"{role}","name":"n","version":"v"}}"#)
    };
    for (token, first, code) in [
        (SENDER_TOKEN, "garbage".to_owned(), 4400),
        (SENDER_TOKEN, r#"{"type":"cancel","turn":"t"}"#.to_owned(), 4400),
        (SENDER_TOKEN, hello_of(1, "page"), 4401),
        (PAGE_TOKEN, hello_of(1, "sender"), 4401),
        (PAGE_TOKEN, hello_of(1, "page"), 4400),
        (PAGE_TOKEN, hello_of(2, "page"), 4406),
    ] {
        let mut peer = Peer::connect(hub.addr, token).await;
        peer.send_text(first.clone()).await;
        assert_eq!(peer.closed().await, Some(code), "{first}");
    }
}

#[tokio::test]
async fn welcome_names_the_limits() {
    let hub = TestHub::start().await;
    let mut peer = Peer::connect(hub.addr, SENDER_TOKEN).await;
    peer.send(&hello(None)).await;
    let FromHub::Welcome(welcome) = peer.next().await else { panic!("no welcome") };
    assert_eq!(welcome.limits, wormhole_protocol::Limits::default());
    assert!(welcome.peer.as_str().starts_with("sender-"));
}

#[tokio::test]
async fn a_second_page_for_an_account_replaces_the_first() {
    let hub = TestHub::start().await;
    let mut sender = hub.sender().await;
    let mut old = hub.page("a").await;
    sender.submit("1").await;
    assert_eq!(old.post().await.turn.as_str(), "1");
    let mut new = hub.page("a").await;
    assert_eq!(old.closed().await, Some(4409));
    assert_eq!(sender.failure().await.code.as_str(), "page_lost");
    sender.submit("2").await;
    assert_eq!(new.post().await.turn.as_str(), "2");
    assert_eq!(hub.metric("wormhole_server_peers{role=\"page\"}").await, 1);
}

#[tokio::test]
async fn garbage_is_answered_and_the_connection_goes_on() {
    let hub = TestHub::start().await;
    let mut sender = hub.sender().await;
    let mut page = hub.page("a").await;
    for garbage in ["", "{", "[]", "\u{0}", r#"{"type":"fly"}"#, r#"{"type":"submit"}"#] {
        sender.send_text(garbage.to_owned()).await;
        let FromHub::Error(error) = sender.step().await else { panic!("no error for {garbage}") };
        assert_eq!(error.code.as_str(), "protocol");
    }
    sender.try_send(Message::Binary(vec![0xff, 0].into())).await.unwrap();
    assert!(matches!(sender.step().await, FromHub::Error(_)));
    page.send(&FromPeer::Cancel { turn: wormhole_protocol::TurnId::new("t") }).await;
    assert!(matches!(page.step().await, FromHub::Error(_)));
    sender.submit("1").await;
    page.post().await;
    page.answer("1", "still here").await;
    assert_eq!(sender.body().await, accepted());
}

#[tokio::test]
async fn a_frame_over_the_limit_ends_that_connection_and_no_other() {
    let hub = TestHub::start().await;
    let mut sender = hub.sender().await;
    let mut page = hub.page("a").await;
    let mut rude = hub.sender().await;
    let frame = "x".repeat(MAX_FRAME_BYTES + 1);
    // The hub may close before it has read everything.
    let _ = rude.try_send(Message::Text(frame.into())).await;
    rude.closed().await;
    sender.submit("1").await;
    page.post().await;
    page.answer("1", "hi").await;
    for expected in [accepted(), Body::Text { delta: "hi".to_owned() }, done(2)] {
        assert_eq!(sender.body().await, expected);
    }
    assert_eq!(hub.metric("wormhole_server_gone_peers_total{reason=\"oversized\"}").await, 1);
}
