//! What waits, what is joined, and what is given back.

use wormhole_protocol::Post;

use super::*;

fn event(seq: u64, body: Body) -> Event {
    Event { turn: TurnId::new("t"), attempt: 1, seq, body }
}

fn text(delta: &str) -> Body {
    Body::Text { delta: delta.to_owned() }
}

fn post(turn: &str) -> Arc<FromHub> {
    Arc::new(FromHub::Post(Box::new(Post {
        turn: TurnId::new(turn),
        attempt: 1,
        model: String::new(),
        conversation: None,
        text: String::new(),
        images: Vec::new(),
        deadline_ms: 1,
        trace: None,
    })))
}

fn drain(outbox: &Outbox) -> Vec<FromHub> {
    let (mut frames, mut batch) = (Vec::new(), Vec::new());
    while outbox.take(&mut batch) == Some(Next::Batch) {
        frames.extend(batch.drain(..).map(|item| item.frame().clone()));
    }
    frames
}

#[test]
fn deltas_of_one_kind_are_joined_while_they_wait_and_keep_their_order() {
    let outbox = Outbox::new(1 << 20);
    let mut last = None;
    let mut seq = 0;
    for body in [
        text("a"),
        text("b"),
        Body::Reasoning { delta: "c".to_owned() },
        Body::Reasoning { delta: "d".to_owned() },
        text("e"),
    ] {
        if let Put::New(number) = outbox.step(event(seq, body), last) {
            last = Some(number);
            seq += 1;
        }
    }
    let expected = vec![
        FromHub::Event(event(0, text("ab"))),
        FromHub::Event(event(1, Body::Reasoning { delta: "cd".to_owned() })),
        FromHub::Event(event(2, text("e"))),
    ];
    assert_eq!(drain(&outbox), expected);
    assert_eq!(outbox.step(event(3, text("f")), last), Put::New(3), "what was taken cannot be joined to");
}

#[test]
fn two_turns_are_not_joined_to_each_other() {
    let outbox = Outbox::new(1 << 20);
    let Put::New(first) = outbox.step(event(0, text("a")), None) else { panic!("nothing to join to") };
    let other = Event { turn: TurnId::new("u"), ..event(0, text("x")) };
    outbox.step(other.clone(), None);
    assert_eq!(outbox.step(event(1, text("b")), Some(first)), Put::Joined);
    assert_eq!(drain(&outbox), vec![FromHub::Event(event(0, text("ab"))), FromHub::Event(other)]);
}

#[test]
fn a_joined_frame_stays_far_below_the_frame_limit() {
    let outbox = Outbox::new(usize::MAX);
    let piece = "x".repeat(MAX_JOINED_BYTES / 2);
    let last = match outbox.step(event(0, text(&piece)), None) {
        Put::New(number) => Some(number),
        Put::Joined => None,
    };
    assert_eq!(outbox.step(event(1, text(&piece)), last), Put::Joined);
    assert!(matches!(outbox.step(event(1, text("y")), last), Put::New(_)));
}

#[test]
fn a_peer_that_reads_nothing_overflows_by_bytes_and_by_frames() {
    let bytes = Outbox::new(1000);
    bytes.step(event(0, text(&"x".repeat(2000))), None);
    assert!(bytes.overflow().is_cancelled());

    let frames = Outbox::new(usize::MAX);
    for turn in 0..=MAX_WAITING_FRAMES as u64 {
        assert!(!frames.overflow().is_cancelled());
        frames.push(FromHub::Cancel { turn: TurnId::new(turn.to_string()) });
    }
    assert!(frames.overflow().is_cancelled());
}

#[test]
fn closing_gives_back_the_posts_that_were_not_taken_and_writes_the_rest() {
    let outbox = Outbox::new(1000);
    outbox.push_shared(post("one"));
    outbox.push(FromHub::Cancel { turn: TurnId::new("x") });
    outbox.push_shared(post("two"));
    outbox.push_shared(post("three"));
    let mut batch = Vec::new();
    assert_eq!(outbox.take(&mut batch), Some(Next::Batch));
    assert_eq!(batch.len(), 1, "a batch ends with its first post");
    assert!(!outbox.revoke(&TurnId::new("one")), "what was taken counts as sent");
    assert!(outbox.revoke(&TurnId::new("two")));
    outbox.close(1001, "bye");
    outbox.close(1000, "a later close changes nothing");
    outbox.push_shared(post("four"));
    assert_eq!(outbox.unsent(), vec![TurnId::new("three"), TurnId::new("four")]);
    assert_eq!(drain(&outbox), vec![FromHub::Cancel { turn: TurnId::new("x") }]);
    outbox.push(FromHub::Cancel { turn: TurnId::new("y") });
    let close = Close { code: 1001, reason: "bye".to_owned() };
    assert_eq!(outbox.take(&mut batch), Some(Next::Close(close)), "nothing is put in after a close");
}
