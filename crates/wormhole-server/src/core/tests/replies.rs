//! Replies: forwarding, attempts, and what is dropped.

use super::*;

fn running(desk: &mut Desk) -> (Peer, Peer) {
    let (sender, page) = (desk.sender(), desk.page(hello("a", 2)));
    desk.submit(&sender, turn("1"));
    assert_eq!(page.posted_turns(), ["1"]);
    (sender, page)
}

fn bodies(sender: &Peer) -> Vec<(u64, Body)> {
    let body = |frame| if let FromHub::Event(event) = frame { Some((event.seq, event.body)) } else { None };
    sender.read().into_iter().filter_map(body).collect()
}

#[test]
fn a_reply_is_forwarded_step_by_step_and_numbered_anew() {
    let mut desk = Desk::new();
    let (sender, page) = running(&mut desk);
    let steps = [accepted(), text("a"), Body::Reasoning { delta: "b".to_owned() }, text("c"), done(3)];
    for (seq, body) in (0..).zip(steps) {
        desk.event(&page, "1", 1, seq, body.clone());
        assert_eq!(bodies(&sender), [(seq, body)]);
    }
    assert_eq!(desk.core.load(), (0, 0));
}

#[test]
fn deltas_for_a_slow_reader_are_joined_and_the_numbers_have_no_gap() {
    let mut desk = Desk::new();
    let (sender, page) = running(&mut desk);
    desk.event(&page, "1", 1, 0, accepted());
    for seq in 1..=100 {
        desk.event(&page, "1", 1, seq, text("x"));
    }
    desk.event(&page, "1", 1, 101, done(100));
    assert_eq!(bodies(&sender), [(0, accepted()), (1, text(&"x".repeat(100))), (2, done(100))]);
    let merged = desk.core.take_notes().into_iter().filter(|note| *note == Note::Merged).count();
    assert_eq!(merged, 99);
}

#[test]
fn stale_events_are_dropped_and_counted_by_reason() {
    let mut desk = Desk::new();
    let (sender, page) = running(&mut desk);
    let other = desk.page(hello("b", 1));
    desk.event(&page, "no such turn", 1, 0, accepted());
    desk.event(&other, "1", 1, 0, accepted());
    desk.event(&page, "1", 2, 0, accepted());
    desk.event(&page, "1", 1, 0, accepted());
    desk.event(&page, "1", 1, 0, accepted());
    let expected = [Stale::UnknownTurn, Stale::WrongPeer, Stale::OldAttempt, Stale::Duplicate];
    assert_eq!(desk.stale(), expected);
    assert_eq!(bodies(&sender), [(0, accepted())]);
}

#[test]
fn after_a_gap_nothing_is_forwarded_and_the_reply_is_truncated() {
    let mut desk = Desk::new();
    let (sender, page) = running(&mut desk);
    desk.event(&page, "1", 1, 0, accepted());
    desk.event(&page, "1", 1, 2, text("b"));
    desk.event(&page, "1", 1, 3, text("c"));
    assert_eq!(desk.stale(), [Stale::Gap, Stale::Gap]);
    desk.event(&page, "1", 1, 4, done(3));
    let steps = bodies(&sender);
    assert_eq!(steps[0], (0, accepted()));
    assert!(matches!(
        &steps[1..],
        [(1, Body::Failed(Failure { code: FailureCode::Truncated, posted: Posted::Yes, .. }))]
    ));
}

#[test]
fn a_reply_whose_bytes_disagree_is_truncated() {
    let mut desk = Desk::new();
    let (sender, page) = running(&mut desk);
    desk.event(&page, "1", 1, 0, text("abc"));
    desk.event(&page, "1", 1, 1, done(4));
    assert_eq!(sender.failure("1").code, FailureCode::Truncated);
}

#[test]
fn a_reply_over_the_limit_is_stopped() {
    let mut desk = Desk::with(|rules| rules.max_reply_bytes = 10);
    let (sender, page) = running(&mut desk);
    desk.event(&page, "1", 1, 0, text("0123456789"));
    assert_eq!(bodies(&sender).len(), 1);
    desk.event(&page, "1", 1, 1, text("x"));
    let failure = sender.failure("1");
    assert_eq!((failure.code, failure.posted), (FailureCode::TooLarge, Posted::Yes));
    assert_eq!(page.read(), [FromHub::Cancel { turn: TurnId::new("1") }]);
    desk.event(&page, "1", 1, 2, text("y"));
    assert_eq!(desk.stale(), [Stale::Ended]);
    assert_eq!(desk.core.load(), (0, 1), "the place is taken until the page says its end");
    desk.event(&page, "1", 1, 3, failed(FailureCode::Cancelled, Posted::Yes));
    assert_eq!(desk.core.load(), (0, 0));
    assert!(sender.read().is_empty(), "one end is enough");
}

#[test]
fn a_turn_that_was_not_posted_is_given_out_again_at_most_three_times() {
    let mut desk = Desk::new();
    let (sender, page) = running(&mut desk);
    for attempt in 1..=2 {
        desk.event(&page, "1", attempt, 0, failed(FailureCode::LoginRequired, Posted::No));
        assert!(page.posted_turns().is_empty(), "not at once on the same page");
        desk.pass(seconds(1));
        let posts = page.posts();
        assert_eq!((posts[0].attempt, &*posts[0].text), (attempt + 1, "prompt of 1"));
    }
    desk.event(&page, "1", 3, 0, failed(FailureCode::LoginRequired, Posted::No));
    let failure = sender.failure("1");
    assert_eq!((failure.code, failure.posted), (FailureCode::LoginRequired, Posted::No));
}

#[test]
fn what_is_left_of_the_deadline_goes_with_each_attempt() {
    let mut desk = Desk::new();
    let (_sender, page) = running(&mut desk);
    desk.pass(seconds(100));
    desk.event(&page, "1", 1, 0, failed(FailureCode::PageLost, Posted::No));
    desk.pass(seconds(1));
    assert_eq!(page.posts()[0].deadline_ms, 499_500);
}

#[test]
fn only_a_retryable_failure_that_says_not_posted_is_tried_again() {
    for (code, posted) in [
        (FailureCode::Refused, Posted::No),
        (FailureCode::SiteError, Posted::Unknown),
        (FailureCode::SiteError, Posted::Yes),
    ] {
        let mut desk = Desk::new();
        let (sender, page) = running(&mut desk);
        desk.event(&page, "1", 1, 0, failed(code, posted));
        let failure = sender.failure("1");
        assert_eq!((failure.code, failure.posted), (code, posted));
        desk.pass(seconds(5));
        assert!(page.posted_turns().is_empty());
    }
}

#[test]
fn a_page_cannot_take_back_that_the_site_has_the_message() {
    for said in [accepted(), text("a")] {
        let mut desk = Desk::new();
        let (sender, page) = running(&mut desk);
        desk.event(&page, "1", 1, 0, said);
        desk.event(&page, "1", 1, 1, failed(FailureCode::SiteError, Posted::No));
        let failures = sender.failures();
        assert_eq!(failures[0].1.posted, Posted::Yes);
        desk.pass(seconds(5));
        assert!(page.posted_turns().is_empty());
    }
}

#[test]
fn events_of_a_given_up_attempt_are_dropped() {
    let mut desk = Desk::new();
    let (sender, page) = running(&mut desk);
    desk.event(&page, "1", 1, 0, failed(FailureCode::LoginRequired, Posted::No));
    desk.event(&page, "1", 1, 1, text("late"));
    desk.pass(seconds(1));
    desk.event(&page, "1", 1, 2, text("later"));
    assert_eq!(desk.stale(), [Stale::OldAttempt, Stale::OldAttempt]);
    desk.event(&page, "1", 2, 0, text("ok"));
    let frames = sender.read();
    let Some(FromHub::Event(event)) = frames.last() else { panic!("{frames:?}") };
    assert_eq!((event.attempt, event.seq, &event.body), (2, 0, &text("ok")));
}
