//! Turns, from submit to their end.

use std::process::ExitCode;
use std::time::Duration;

use wormhole_client::{LinkState, LinkTimings, Sender, Turn, TurnEvent};
use wormhole_protocol::{
    AccountModels, Body, CLOSE_GOING_AWAY, ConversationId, Directory, Event, Failure, FailureCode, Finish,
    FromHub, FromPeer, Limits, PageState, Posted, Submit, TurnId,
};
use wormhole_runtime::Lifecycle;

use crate::hub::{Hub, Peer, soon, timings, until};

async fn joined() -> (Hub, Peer, Sender, Lifecycle) {
    joined_with(timings(), Limits::default()).await
}

async fn joined_with(timings: LinkTimings, limits: Limits) -> (Hub, Peer, Sender, Lifecycle) {
    let mut hub = Hub::start().await;
    let life = Lifecycle::new(Duration::from_secs(5));
    let sender = Sender::start(hub.address(), timings, &life);
    let peer = hub.welcome_with(limits).await;
    until(&mut sender.state(), |state| *state == LinkState::Joined).await;
    (hub, peer, sender, life)
}

fn submit(turn: &str) -> Submit {
    Submit {
        turn: TurnId::new(turn),
        caller: "tests".to_owned(),
        model: "echo".to_owned(),
        site: None,
        account: None,
        conversation: None,
        text: "hello".to_owned(),
        images: Vec::new(),
        deadline_ms: 60_000,
        trace: None,
    }
}

fn text(delta: &str) -> Body {
    Body::Text { delta: delta.to_owned() }
}

fn accepted() -> Body {
    Body::Accepted { conversation: None, account: "a".to_owned() }
}

fn done(bytes: u64) -> Body {
    Body::Done { finish: Finish::Stop, conversation: None, bytes }
}

async fn next(turn: &mut Turn) -> Option<TurnEvent> {
    soon(turn.next()).await
}

async fn body(turn: &mut Turn) -> Body {
    match next(turn).await {
        Some(TurnEvent::Body(body)) => body,
        other => panic!("expected a step of the reply, got {other:?}"),
    }
}

async fn failure(turn: &mut Turn) -> (FailureCode, Posted) {
    match body(turn).await {
        Body::Failed(failure) => (failure.code, failure.posted),
        other => panic!("expected a failure, got {other:?}"),
    }
}

fn is_cancel_of(frame: &FromPeer, id: &str) -> bool {
    matches!(frame, FromPeer::Cancel { turn } if turn.as_str() == id)
}

#[tokio::test]
async fn a_reply_comes_step_by_step_and_ends_once() {
    let (_hub, mut peer, sender, _life) = joined().await;
    let mut turn = sender.submit(submit("t1")).await.unwrap();
    assert_eq!(peer.hear().await, FromPeer::Submit(Box::new(submit("t1"))));
    let id = turn.id().clone();
    peer.say(&FromHub::Queued { turn: id.clone(), ahead: 2 }).await;
    assert_eq!(next(&mut turn).await, Some(TurnEvent::Queued { ahead: 2 }));
    // Each step is sent only after the one before was read: nothing waits for the whole.
    for (seq, step) in [(0, accepted()), (1, text("wo")), (2, text("rd")), (3, done(4))] {
        peer.event(&id, seq, step.clone()).await;
        assert_eq!(body(&mut turn).await, step);
    }
    assert_eq!(next(&mut turn).await, None);
    assert_eq!(next(&mut turn).await, None);
    // A turn that has ended is not cancelled: the next frame is the next turn's.
    drop(turn);
    let _turn = sender.submit(submit("t2")).await.unwrap();
    assert!(matches!(peer.hear().await, FromPeer::Submit(_)));
}

#[tokio::test]
async fn many_turns_run_at_once_and_none_is_crossed() {
    let (_hub, mut peer, sender, _life) = joined().await;
    let names: Vec<_> = (0..32).map(|n| format!("t{n}")).collect();
    let mut turns = Vec::new();
    for name in &names {
        turns.push(sender.submit(submit(name)).await.unwrap());
        peer.hear().await;
    }
    for name in names.iter().rev() {
        peer.event(&TurnId::new(name), 0, text(name)).await;
        peer.event(&TurnId::new(name), 1, done(name.len() as u64)).await;
    }
    for (name, mut turn) in names.iter().zip(turns) {
        assert_eq!(body(&mut turn).await, text(name));
        assert!(matches!(body(&mut turn).await, Body::Done { .. }));
    }
}

#[tokio::test]
async fn a_slow_reader_holds_up_nobody_and_gets_everything_merged() {
    let (_hub, mut peer, sender, _life) = joined().await;
    let mut slow = sender.submit(submit("slow")).await.unwrap();
    let mut quick = sender.submit(submit("quick")).await.unwrap();
    for seq in 0..5_000 {
        peer.event(slow.id(), seq, text("0123456789")).await;
    }
    peer.event(slow.id(), 5_000, done(50_000)).await;
    peer.event(quick.id(), 0, text("x")).await;
    // What was sent before this has arrived as well.
    assert_eq!(body(&mut quick).await, text("x"));
    assert_eq!(body(&mut slow).await, text(&"0123456789".repeat(5_000)));
    assert_eq!(body(&mut slow).await, done(50_000));
}

#[tokio::test]
async fn dropping_a_turn_stops_it() {
    let (_hub, mut peer, sender, _life) = joined().await;
    let turn = sender.submit(submit("t1")).await.unwrap();
    peer.hear().await;
    drop(turn);
    assert!(is_cancel_of(&peer.hear().await, "t1"));
    // What crossed the cancel is dropped and counted.
    peer.event(&TurnId::new("t1"), 0, text("late")).await;
    let mut next = sender.submit(submit("t2")).await.unwrap();
    peer.event(&TurnId::new("t2"), 0, text("x")).await;
    assert_eq!(body(&mut next).await, text("x"));
    assert_eq!(sender.stats().dropped_events, 1);
}

#[tokio::test]
async fn a_lost_link_ends_its_turns_with_what_is_known() {
    let (mut hub, mut peer, sender, _life) = joined().await;
    let mut posted = sender.submit(submit("t1")).await.unwrap();
    let mut unknown = sender.submit(submit("t2")).await.unwrap();
    peer.hear().await;
    peer.hear().await;
    peer.event(posted.id(), 0, accepted()).await;
    assert_eq!(body(&mut posted).await, accepted());
    drop(peer);
    assert_eq!(failure(&mut posted).await, (FailureCode::HubLost, Posted::Yes));
    assert_eq!(failure(&mut unknown).await, (FailureCode::HubLost, Posted::Unknown));
    assert_eq!(next(&mut unknown).await, None);
    // The next turn goes over the next link, and nothing of the old ones does.
    drop((posted, unknown));
    let mut peer = hub.welcome().await;
    let mut turn = sender.submit(submit("t3")).await.unwrap();
    assert_eq!(peer.hear().await, FromPeer::Submit(Box::new(submit("t3"))));
    peer.event(turn.id(), 0, done(0)).await;
    assert_eq!(body(&mut turn).await, done(0));
}

#[tokio::test]
async fn without_a_link_nothing_is_posted() {
    let mut hub = Hub::start().await;
    let life = Lifecycle::new(Duration::from_secs(5));
    let hasty = LinkTimings { submit_within: Duration::from_millis(20), ..timings() };
    let sender = Sender::start(hub.address(), hasty, &life);
    let _unanswered = hub.peer().await;
    let failure = sender.submit(submit("t1")).await.unwrap_err();
    assert_eq!((failure.code, failure.posted), (FailureCode::HubLost, Posted::No));
    assert!(failure.retryable);
}

#[tokio::test]
async fn a_submit_waits_a_little_for_the_link() {
    let mut hub = Hub::start().await;
    let life = Lifecycle::new(Duration::from_secs(5));
    let patient = LinkTimings { submit_within: Duration::from_secs(20), ..timings() };
    let sender = Sender::start(hub.address(), patient, &life);
    let (turn, frame) = tokio::join!(sender.submit(submit("t1")), async { hub.welcome().await.hear().await });
    turn.unwrap();
    assert!(matches!(frame, FromPeer::Submit(_)));
}

#[tokio::test]
async fn a_turn_over_the_frame_limit_is_not_sent() {
    let limits = Limits { max_frame_bytes: 1_000, ..Limits::default() };
    let (_hub, _peer, sender, _life) = joined_with(timings(), limits).await;
    let large = Submit { text: "x".repeat(1_000), ..submit("t1") };
    let failure = sender.submit(large).await.unwrap_err();
    assert_eq!((failure.code, failure.posted), (FailureCode::TooLarge, Posted::No));
    // The same turn fits when it is smaller; a deadline beyond all clocks is no trouble.
    assert!(sender.submit(Submit { deadline_ms: u64::MAX, ..submit("t1") }).await.is_ok());
}

#[tokio::test]
async fn two_turns_of_one_id_do_not_run() {
    let (_hub, mut peer, sender, _life) = joined().await;
    let mut first = sender.submit(submit("t1")).await.unwrap();
    let failure = sender.submit(submit("t1")).await.unwrap_err();
    assert_eq!((failure.code, failure.posted), (FailureCode::Protocol, Posted::No));
    peer.event(&TurnId::new("t1"), 0, done(0)).await;
    assert_eq!(body(&mut first).await, done(0));
}

#[tokio::test]
async fn lost_text_and_old_attempts_do_not_pass_for_a_reply() {
    let (_hub, mut peer, sender, _life) = joined().await;
    let mut turn = sender.submit(submit("t1")).await.unwrap();
    let event = |attempt, seq, body| FromHub::Event(Event { turn: TurnId::new("t1"), attempt, seq, body });
    peer.say(&event(2, 0, text("ab"))).await;
    peer.say(&event(1, 1, text("old"))).await;
    peer.say(&event(2, 2, text("ef"))).await;
    peer.say(&event(2, 3, done(6))).await;
    assert_eq!(body(&mut turn).await, text("ab"));
    assert_eq!(failure(&mut turn).await, (FailureCode::Truncated, Posted::Yes));
    assert_eq!(sender.stats().dropped_events, 2);
}

#[tokio::test]
async fn a_hub_that_forgets_a_turn_does_not_keep_us_waiting() {
    let hasty = LinkTimings { deadline_slack: Duration::from_millis(10), ..timings() };
    let (_hub, mut peer, sender, _life) = joined_with(hasty, Limits::default()).await;
    let mut turn = sender.submit(Submit { deadline_ms: 500, ..submit("t1") }).await.unwrap();
    peer.hear().await;
    assert_eq!(failure(&mut turn).await, (FailureCode::Deadline, Posted::Unknown));
    assert!(is_cancel_of(&peer.hear().await, "t1"));
}

#[tokio::test]
async fn the_directory_is_kept_while_the_link_is_lost() {
    let (mut hub, mut peer, sender, _life) = joined().await;
    let mut directory = sender.directory();
    assert!(directory.borrow().accounts.is_empty());
    let account = AccountModels {
        site: "practice".to_owned(),
        account: "default".to_owned(),
        state: PageState::Ready,
        detail: String::new(),
        models: Vec::new(),
    };
    peer.say(&FromHub::Directory(Directory { accounts: vec![account.clone()] })).await;
    soon(directory.changed()).await.unwrap();
    drop(peer);
    let _unanswered = hub.peer().await;
    assert_eq!(directory.borrow().accounts, [account]);
}

#[tokio::test]
async fn a_conversation_is_forgotten_or_why_not_is_told() {
    let (_hub, mut peer, sender, _life) = joined().await;
    let (account, conversation) = ("a".to_owned(), ConversationId::new("c1"));
    let forget = || sender.forget(account.clone(), conversation.clone());
    let asked = FromPeer::Forget { account: account.clone(), conversation: conversation.clone() };
    let (result, ()) = tokio::join!(forget(), async {
        assert_eq!(peer.hear().await, asked);
        peer.say(&FromHub::Forgotten { account: account.clone(), conversation: conversation.clone() }).await;
    });
    assert_eq!(result, Ok(()));
    let failure = Failure::not_posted(FailureCode::ConversationUnknown, "no such conversation");
    let (result, ()) = tokio::join!(forget(), async {
        assert_eq!(peer.hear().await, asked);
        let (account, conversation, failure) = (account.clone(), conversation.clone(), failure.clone());
        peer.say(&FromHub::ForgetFailed { account, conversation, failure }).await;
    });
    assert_eq!(result, Err(failure));
    let (result, ()) = tokio::join!(forget(), async {
        peer.hear().await;
        drop(peer);
    });
    assert_eq!(result.unwrap_err().code, FailureCode::HubLost);
}

#[tokio::test]
async fn a_drain_waits_for_the_turns_that_run() {
    let (_hub, mut peer, sender, life) = joined().await;
    let mut turn = sender.submit(submit("t1")).await.unwrap();
    peer.hear().await;
    life.shutdown("test");
    peer.event(turn.id(), 0, text("x")).await;
    assert_eq!(body(&mut turn).await, text("x"));
    peer.event(turn.id(), 1, done(1)).await;
    let (exit, code) = tokio::join!(soon(life.wait()), peer.goodbye());
    assert_eq!((exit, code), (ExitCode::SUCCESS, CLOSE_GOING_AWAY));
    assert_eq!(body(&mut turn).await, done(1));
    // The link does not come back, and nobody is kept waiting for it.
    let failure = soon(sender.submit(submit("t2"))).await.unwrap_err();
    assert_eq!((failure.code, failure.posted), (FailureCode::HubLost, Posted::No));
}
