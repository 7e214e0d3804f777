//! Joining, losing and coming back: what both kinds of link do.

use std::process::ExitCode;
use std::time::Duration;

use axum::extract::ws::Message;
use wormhole_client::{HubAddress, LinkState, LinkTimings, Sender};
use wormhole_protocol::{
    CLOSE_GOING_AWAY, CLOSE_PROTOCOL, CLOSE_REPLACED, FailureCode, FromHub, FromPeer, Limits,
    PROTOCOL_VERSION, PeerId, Role, TurnId, Welcome,
};
use wormhole_runtime::Lifecycle;

use crate::hub::{Hub, soon, timings, until, until_down};

fn start(hub: &Hub, timings: LinkTimings) -> (Sender, Lifecycle) {
    let life = Lifecycle::new(Duration::from_secs(5));
    (Sender::start(hub.address(), timings, &life), life)
}

#[tokio::test]
async fn it_says_who_it_is_and_joins() {
    let mut hub = Hub::start().await;
    let (sender, _life) = start(&hub, timings());
    assert!(matches!(*sender.state().borrow(), LinkState::Connecting { last_error: None, .. }));
    let peer = hub.welcome().await;
    assert_eq!(peer.hello().role, Role::Sender);
    assert_eq!(peer.hello().protocol, PROTOCOL_VERSION);
    assert_eq!(peer.hello().name, "tester");
    assert_eq!(peer.hello().page, None);
    until(&mut sender.state(), |state| *state == LinkState::Joined).await;
    assert_eq!(sender.stats().joins, 1);
}

#[tokio::test]
async fn it_comes_back_when_the_hub_does() {
    let mut hub = Hub::start().await;
    let (sender, _life) = start(&hub, timings());
    let mut state = sender.state();
    let peer = hub.welcome().await;
    until(&mut state, |state| *state == LinkState::Joined).await;
    let addr = hub.addr;
    drop(peer);
    hub.stop().await;
    until_down(&mut state, "cannot reach the hub: connection refused").await;
    let mut hub = Hub::start_at(addr).await;
    let _peer = hub.welcome().await;
    until(&mut state, |state| *state == LinkState::Joined).await;
    assert_eq!(sender.stats().joins, 2);
}

#[tokio::test]
async fn a_refused_token_is_said_and_tried_again() {
    let mut hub = Hub::start().await;
    hub.refuse(true);
    let (sender, _life) = start(&hub, timings());
    let mut state = sender.state();
    until_down(&mut state, "refused the token (HTTP 401)").await;
    hub.refuse(false);
    let _peer = hub.welcome().await;
    until(&mut state, |state| *state == LinkState::Joined).await;
}

#[tokio::test]
async fn a_close_code_is_said_with_its_reason_and_the_link_tries_on() {
    for (code, reason) in
        [(CLOSE_PROTOCOL, "the hub speaks 2, you speak 1"), (CLOSE_REPLACED, "replaced by p2")]
    {
        let mut hub = Hub::start().await;
        let (sender, _life) = start(&hub, timings());
        let mut state = sender.state();
        let peer = hub.welcome().await;
        until(&mut state, |state| *state == LinkState::Joined).await;
        let ((), again) = tokio::join!(peer.close(code, reason), async {
            until_down(&mut state, &format!("code {code}: {reason}")).await;
            hub.welcome().await
        });
        until(&mut state, |state| *state == LinkState::Joined).await;
        drop(again);
    }
}

#[tokio::test]
async fn a_hub_of_another_version_is_not_joined() {
    let mut hub = Hub::start().await;
    let (sender, _life) = start(&hub, timings());
    let mut peer = hub.peer().await;
    let welcome = Welcome { protocol: 2, peer: PeerId::new("p"), limits: Limits::default() };
    peer.say(&FromHub::Welcome(welcome)).await;
    until_down(&mut sender.state(), "the hub speaks protocol 2, we speak 1").await;
}

#[tokio::test]
async fn a_hub_that_does_not_say_welcome_is_left() {
    let mut hub = Hub::start().await;
    let timings = LinkTimings { join_within: Duration::from_millis(50), ..timings() };
    let (sender, _life) = start(&hub, timings);
    let _silent = hub.peer().await;
    until_down(&mut sender.state(), "did not let us join in time").await;
}

#[tokio::test]
async fn an_address_that_does_not_fit_the_hub_is_said() {
    let hub = Hub::start().await;
    for (scheme, reason) in
        [("wss", "the link broke: received corrupt message"), ("http", "expected ws:// or wss://")]
    {
        let life = Lifecycle::new(Duration::from_secs(5));
        let url = format!("{scheme}://{}", hub.addr).parse().unwrap();
        let sender = Sender::start(HubAddress { url, ..hub.address() }, timings(), &life);
        until_down(&mut sender.state(), reason).await;
    }
}

#[tokio::test]
async fn a_silent_hub_is_dead() {
    let mut hub = Hub::start().await;
    let timings = LinkTimings {
        heartbeat: Duration::from_millis(20),
        dead_after: Duration::from_millis(60),
        ..timings()
    };
    let (sender, _life) = start(&hub, timings);
    // Nobody reads at the other end, so nobody answers the pings.
    let _deaf = hub.welcome().await;
    until_down(&mut sender.state(), "the hub was silent for too long").await;
}

#[tokio::test]
async fn pings_are_sent_and_answered_pings_keep_the_link() {
    let mut hub = Hub::start().await;
    let timings = LinkTimings { heartbeat: Duration::from_millis(5), ..timings() };
    let (sender, _life) = start(&hub, timings);
    let mut peer = hub.welcome().await;
    peer.say_raw(Message::Ping("hub".into())).await;
    let (mut pings, mut pong) = (0, false);
    while pings < 3 || !pong {
        match peer.hear_raw().await {
            Some(Message::Ping(_)) => pings += 1,
            Some(Message::Pong(data)) => pong |= data == "hub",
            other => panic!("expected a heartbeat, got {other:?}"),
        }
    }
    assert_eq!(*sender.state().borrow(), LinkState::Joined);
}

#[tokio::test]
async fn garbage_is_answered_with_an_error_and_the_link_goes_on() {
    let mut hub = Hub::start().await;
    let (sender, _life) = start(&hub, timings());
    let mut peer = hub.welcome().await;
    let not_for_senders = r#"{"type":"cancel","turn":"t"}"#;
    for garbage in ["{", "[]", "null", r#"{"type":"surprise"}"#, r#"{"type":"queued"}"#, not_for_senders] {
        peer.say_raw(Message::text(garbage)).await;
        let FromPeer::Error(error) = peer.hear().await else { panic!("{garbage} was not complained of") };
        assert_eq!(error.code, FailureCode::Protocol);
    }
    peer.say_raw(Message::binary(vec![0, 159, 146, 150])).await;
    assert!(matches!(peer.hear().await, FromPeer::Error(_)));
    peer.say(&FromHub::Queued { turn: TurnId::new("nobody's"), ahead: 1 }).await;
    assert_eq!(sender.stats().bad_frames, 7);
    assert_eq!(*sender.state().borrow(), LinkState::Joined);
}

#[tokio::test]
async fn an_idle_link_says_goodbye_when_draining() {
    let mut hub = Hub::start().await;
    let (sender, life) = start(&hub, timings());
    let mut peer = hub.welcome().await;
    until(&mut sender.state(), |state| *state == LinkState::Joined).await;
    life.shutdown("test");
    let (exit, code) = tokio::join!(soon(life.wait()), peer.goodbye());
    assert_eq!((exit, code), (ExitCode::SUCCESS, CLOSE_GOING_AWAY));
}

#[tokio::test]
async fn a_link_that_is_not_joined_ends_at_once_when_draining() {
    let hub = Hub::start().await;
    hub.refuse(true);
    let patient = LinkTimings { backoff_max: Duration::from_hours(1), ..timings() };
    let (sender, life) = start(&hub, patient);
    until_down(&mut sender.state(), "401").await;
    life.shutdown("test");
    assert_eq!(soon(life.wait()).await, ExitCode::SUCCESS);
}
