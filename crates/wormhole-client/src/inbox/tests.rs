//! Events as they may come in, and what the reader of the turn then sees.

use wormhole_protocol::Finish;

use super::*;

fn text(delta: &str) -> Body {
    Body::Text { delta: delta.to_owned() }
}

fn reasoning(delta: &str) -> Body {
    Body::Reasoning { delta: delta.to_owned() }
}

fn accepted() -> Body {
    Body::Accepted { conversation: None, account: "a".to_owned() }
}

fn done(bytes: u64) -> Body {
    Body::Done { finish: Finish::Stop, conversation: None, bytes }
}

/// Takes these bodies as the events of attempt 1, in order.
fn inbox_with(bodies: impl IntoIterator<Item = Body>) -> Inbox {
    let inbox = Inbox::default();
    for (seq, body) in (0..).zip(bodies) {
        inbox.take(1, seq, body);
    }
    inbox
}

fn read(inbox: &Inbox) -> Vec<TurnEvent> {
    std::iter::from_fn(|| inbox.pop().ok()).collect()
}

fn bodies(inbox: &Inbox) -> Vec<Body> {
    read(inbox)
        .into_iter()
        .filter_map(|event| match event {
            TurnEvent::Body(body) => Some(body),
            TurnEvent::Queued { .. } => None,
        })
        .collect()
}

/// Code and posted of the failure that ends the turn.
fn failure(inbox: &Inbox) -> (FailureCode, Posted) {
    match bodies(inbox).pop() {
        Some(Body::Failed(failure)) => (failure.code, failure.posted),
        other => panic!("expected a failure, got {other:?}"),
    }
}

#[test]
fn deltas_of_one_kind_merge_while_nobody_reads() {
    let inbox =
        inbox_with([accepted(), reasoning("a"), reasoning("b"), text("c"), text("d"), text("é"), done(6)]);
    assert_eq!(bodies(&inbox), [accepted(), reasoning("ab"), text("cdé"), done(6)]);
    assert_eq!(inbox.pop(), Err(Pending::Never));
}

#[test]
fn what_has_been_read_does_not_merge_with_what_comes() {
    let inbox = inbox_with([text("a")]);
    assert_eq!(bodies(&inbox), [text("a")]);
    assert_eq!(inbox.pop(), Err(Pending::NotYet));
    inbox.take(1, 1, text("b"));
    assert_eq!(bodies(&inbox), [text("b")]);
}

#[test]
fn only_the_newest_place_in_the_queue_is_told() {
    let inbox = Inbox::default();
    inbox.queued(3);
    inbox.queued(2);
    inbox.take(1, 0, accepted());
    assert_eq!(read(&inbox), [TurnEvent::Queued { ahead: 2 }, TurnEvent::Body(accepted())]);
}

#[test]
fn events_of_an_older_attempt_and_repetitions_are_dropped() {
    let inbox = Inbox::default();
    assert_eq!(inbox.take(2, 0, accepted()), Taken::Kept);
    assert_eq!(inbox.take(1, 0, text("old")), Taken::Dropped);
    assert_eq!(inbox.take(2, 0, accepted()), Taken::Dropped);
    assert_eq!(inbox.take(2, 1, text("new")), Taken::Kept);
    assert_eq!(inbox.take(2, 2, done(3)), Taken::Ended);
    assert_eq!(inbox.take(2, 3, text("late")), Taken::Dropped);
    assert_eq!(bodies(&inbox), [accepted(), text("new"), done(3)]);
}

#[test]
fn a_newer_attempt_counts_from_0_again() {
    let inbox = Inbox::default();
    assert_eq!(inbox.take(1, 0, accepted()), Taken::Kept);
    assert_eq!(inbox.take(2, 0, text("x")), Taken::Kept);
    assert_eq!(inbox.take(2, 1, done(1)), Taken::Ended);
}

#[test]
fn a_newer_attempt_in_the_middle_of_the_text_breaks_the_turn() {
    let inbox = inbox_with([accepted(), text("half")]);
    assert_eq!(inbox.take(2, 0, text("again")), Taken::Broken);
    assert_eq!(failure(&inbox), (FailureCode::Protocol, Posted::Yes));
}

#[test]
fn after_a_gap_no_text_is_taken_and_the_end_is_truncated() {
    let inbox = inbox_with([text("a")]);
    assert_eq!(inbox.take(1, 2, text("c")), Taken::Dropped);
    assert_eq!(inbox.take(1, 3, done(3)), Taken::Ended);
    let bodies = bodies(&inbox);
    assert_eq!(bodies[0], text("a"));
    assert!(matches!(&bodies[1], Body::Failed(failure) if failure.code == FailureCode::Truncated));
}

#[test]
fn a_gap_hides_no_failure() {
    let inbox = inbox_with([text("a")]);
    let end = Body::Failed(Failure::new(FailureCode::Stalled, Posted::Yes, "silent"));
    assert_eq!(inbox.take(1, 5, end), Taken::Ended);
    assert_eq!(failure(&inbox), (FailureCode::Stalled, Posted::Yes));
}

#[test]
fn bytes_that_do_not_add_up_are_truncated() {
    for (says, is_whole) in [(3, true), (2, false), (4, false)] {
        let inbox = inbox_with([text("é"), reasoning("x"), done(says)]);
        let ends_well = matches!(bodies(&inbox).last(), Some(Body::Done { .. }));
        assert_eq!(ends_well, is_whole, "{says}");
    }
}

#[test]
fn a_reply_over_the_limit_is_too_large_even_for_a_quick_reader() {
    let half = "x".repeat(MAX_REPLY_BYTES / 2);
    let inbox = inbox_with([text(&half), text(&half)]);
    assert_eq!(bodies(&inbox).len(), 1);
    assert_eq!(inbox.take(1, 2, text("x")), Taken::Broken);
    assert_eq!(failure(&inbox), (FailureCode::TooLarge, Posted::No));
}

#[test]
fn deltas_that_cannot_merge_are_bounded_in_number() {
    let inbox = inbox_with([text("a"), reasoning("b")].into_iter().cycle().take(3 * WAITING_EVENTS));
    let bodies = bodies(&inbox);
    assert_eq!(bodies.len(), WAITING_EVENTS + 1);
    assert!(matches!(bodies.last(), Some(Body::Failed(failure)) if failure.code == FailureCode::TooLarge));
}

#[test]
fn a_lost_turn_says_what_is_known_of_its_posting() {
    let lost = |inbox: &Inbox| {
        inbox.fail(FailureCode::HubLost, "lost");
        inbox.fail(FailureCode::Deadline, "only the first end counts");
        failure(inbox)
    };
    let inbox = Inbox::default();
    assert_eq!(lost(&inbox), (FailureCode::HubLost, Posted::No));
    let inbox = Inbox::default();
    inbox.written();
    assert_eq!(lost(&inbox), (FailureCode::HubLost, Posted::Unknown));
    let inbox = inbox_with([accepted()]);
    inbox.written();
    assert_eq!(lost(&inbox), (FailureCode::HubLost, Posted::Yes));
}

#[test]
fn its_debug_text_holds_no_conversation() {
    let shown = format!("{:?}", inbox_with([text("private words")]));
    assert!(!shown.contains("private"), "{shown}");
}
