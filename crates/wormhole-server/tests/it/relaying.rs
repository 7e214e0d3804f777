//! Turns through real connections: slow readers, lost peers, heartbeats.

use std::time::Duration;

use wormhole_protocol::{Body, Event, FromHub, FromPeer, PageState, Posted, Status, TurnId};

use crate::harness::*;

const PIECE: usize = 64 * 1024;

fn piece() -> Body {
    Body::Text { delta: "x".repeat(PIECE) }
}

#[tokio::test]
async fn a_turn_goes_to_the_page_and_its_reply_comes_back() {
    let hub = TestHub::start().await;
    let mut sender = hub.sender().await;
    let mut page = hub.page("a").await;
    sender.submit("1").await;
    let post = page.post().await;
    assert_eq!((post.attempt, &*post.text), (1, "prompt of 1"));
    for (seq, body) in (0..).zip([accepted(), Body::Text { delta: "hi".to_owned() }, done(2)]) {
        page.event("1", seq, body.clone()).await;
        assert_eq!(sender.body().await, body, "each step arrives before the next is sent");
    }
    assert_eq!(hub.metric("wormhole_server_turns_total{outcome=\"done\"}").await, 1);
    assert_eq!(hub.metric("wormhole_server_running_turns").await, 0);
}

#[tokio::test]
async fn many_turns_at_once_get_each_their_own_reply() {
    let hub = TestHub::start().await;
    let (mut first, mut second) = (hub.sender().await, hub.sender().await);
    let mut pages = [hub.page("a").await, hub.page("b").await];
    for turn in 0..8 {
        let sender = if turn % 2 == 0 { &mut first } else { &mut second };
        sender.submit(&turn.to_string()).await;
    }
    // None is answered before all are posted: eight turns fill the eight places, whoever's come first.
    let mut posts = Vec::new();
    for (index, page) in pages.iter_mut().enumerate() {
        for _ in 0..4 {
            posts.push((index, page.post().await));
        }
    }
    for (index, post) in posts {
        pages[index].answer(post.turn.as_str(), &post.text).await;
    }
    for sender in [&mut first, &mut second] {
        let mut ends = 0;
        while ends < 4 {
            let FromHub::Event(Event { turn, body, .. }) = sender.step().await else { panic!("no event") };
            match body {
                Body::Text { delta } => assert_eq!(delta, format!("prompt of {turn}")),
                Body::Done { .. } => ends += 1,
                _ => {}
            }
        }
    }
}

#[tokio::test]
async fn a_slow_reader_gets_everything_in_fewer_frames_and_holds_up_nobody() {
    // More than any socket buffers: 32 MiB, while the slow sender reads nothing.
    const PIECES: usize = 512;
    let hub = TestHub::with(|config| config.rules.max_reply_bytes = 1 << 30).await;
    let (mut slow, mut quick) = (hub.sender().await, hub.sender().await);
    let mut page = hub.page("a").await;
    slow.submit("slow").await;
    page.post().await;
    page.event("slow", 0, accepted()).await;
    for seq in 1..=PIECES {
        page.event("slow", seq as u64, piece()).await;
    }
    page.event("slow", PIECES as u64 + 1, done(PIECES * PIECE)).await;
    quick.submit("quick").await;
    page.post().await;
    page.answer("quick", "hi").await;
    for expected in [accepted(), Body::Text { delta: "hi".to_owned() }, done(2)] {
        assert_eq!(quick.body().await, expected);
    }
    // The page's frames are taken in order, so by now every piece is in the hub's hands.
    let (mut frames, mut bytes) = (0, 0);
    loop {
        let FromHub::Event(Event { seq, body, .. }) = slow.step().await else { panic!("no event") };
        assert_eq!(seq, frames, "numbers have no gap");
        frames += 1;
        match body {
            Body::Text { delta } => bytes += delta.len(),
            Body::Done { .. } => break,
            _ => {}
        }
    }
    assert_eq!(bytes, PIECES * PIECE);
    assert!(frames < PIECES as u64, "{frames} frames");
    assert!(hub.metric("wormhole_server_merged_deltas_total").await > 0);
}

#[tokio::test]
async fn a_sender_that_reads_nothing_is_dropped_when_too_much_waits() {
    let hub = TestHub::with(|config| {
        config.outbox_bytes = 1024 * 1024;
        config.rules.max_reply_bytes = 1 << 30;
    })
    .await;
    let mut slow = hub.sender().await;
    let mut page = hub.page("a").await;
    slow.submit("1").await;
    page.post().await;
    let mut seq = 0;
    let cancelled = loop {
        page.event("1", seq, piece()).await;
        seq += 1;
        assert!(seq < 4096, "256 MiB should be too much");
        // A status is answered by nothing, so a frame that is there can only be the cancel.
        if let Ok(frame) = tokio::time::timeout(Duration::from_millis(1), page.step()).await {
            break frame;
        }
    };
    assert_eq!(cancelled, FromHub::Cancel { turn: TurnId::new("1") });
    assert_eq!(hub.metric("wormhole_server_gone_peers_total{reason=\"slow\"}").await, 1);
}

#[tokio::test]
async fn a_page_that_falls_silent_is_dropped_and_its_turn_ends() {
    let hub = TestHub::with(|config| {
        config.heartbeat = Duration::from_millis(50);
        config.dead_after = Duration::from_millis(400);
    })
    .await;
    let mut page = hub.page("a").await;
    let mut sender = hub.sender().await;
    sender.submit("1").await;
    page.post().await;
    // From here on nobody reads the page's socket, so no ping is answered; the sender's are, for it is being read.
    let failure = sender.failure().await;
    assert_eq!((failure.code.as_str(), failure.posted), ("page_lost", Posted::Unknown));
    assert_eq!(hub.metric("wormhole_server_gone_peers_total{reason=\"silent\"}").await, 1);
    assert_eq!(hub.metric("wormhole_server_peers{role=\"sender\"}").await, 1);
}

#[tokio::test]
async fn a_quiet_peer_that_answers_pings_stays() {
    let hub = TestHub::with(|config| {
        config.heartbeat = Duration::from_millis(20);
        config.dead_after = Duration::from_millis(200);
    })
    .await;
    let mut page = hub.page("a").await;
    let quiet = Duration::from_millis(600);
    assert!(tokio::time::timeout(quiet, page.next()).await.is_err(), "no frame came, and no close");
    assert_eq!(hub.metric("wormhole_server_peers{role=\"page\"}").await, 1);
}

#[tokio::test]
async fn a_page_whose_link_breaks_leaves_its_turns_unknown() {
    let hub = TestHub::start().await;
    let mut sender = hub.sender().await;
    let mut page = hub.page("a").await;
    sender.submit("1").await;
    page.post().await;
    drop(page);
    assert_eq!(sender.failure().await.posted, Posted::Unknown);
}

#[tokio::test]
async fn a_sender_that_leaves_cancels_its_turns_and_the_place_is_free() {
    let hub = TestHub::start().await;
    let mut page = hub.page("a").await;
    let mut sender = hub.sender().await;
    sender.submit("1").await;
    page.post().await;
    drop(sender);
    assert_eq!(page.step().await, FromHub::Cancel { turn: TurnId::new("1") });
}

#[tokio::test]
async fn a_pages_state_reaches_the_senders() {
    let hub = TestHub::with(|config| config.rules.person_wait = Duration::ZERO).await;
    let mut page = hub.page("a").await;
    let mut sender = hub.sender().await;
    let detail = "open the console".to_owned();
    let status = Status { state: PageState::Challenge, detail: detail.clone(), models: None, capacity: None };
    page.send(&FromPeer::Status(status)).await;
    loop {
        let FromHub::Directory(directory) = sender.next().await else { panic!("no directory") };
        if directory.accounts.first().is_some_and(|entry| entry.state == PageState::Challenge) {
            assert_eq!(directory.accounts[0].detail, detail);
            break;
        }
    }
    assert_eq!(hub.metric("wormhole_server_pages{state=\"challenge\"}").await, 1);
    assert_eq!(hub.metric("wormhole_server_pages{state=\"ready\"}").await, 0);
    sender.submit("1").await;
    assert_eq!(sender.failure().await.message, detail);
}

#[tokio::test]
async fn a_turn_without_a_page_ends_when_the_wait_is_over() {
    let hub = TestHub::with(|config| config.rules.no_page_wait = Duration::from_millis(50)).await;
    let mut sender = hub.sender().await;
    sender.submit("1").await;
    assert_eq!(sender.failure().await.code.as_str(), "no_page");
}
