//! Who waits, and for how long.

use super::*;

#[test]
fn callers_take_turns_on_one_place() {
    let mut desk = Desk::new();
    let (sender, page) = (desk.sender(), desk.page(hello("a", 1)));
    for (id, caller) in [("a1", "a"), ("a2", "a"), ("a3", "a"), ("b1", "b"), ("c1", "c")] {
        desk.submit(&sender, turn_of(id, caller));
    }
    let mut order = Vec::new();
    while let Some(id) = page.posted_turns().pop() {
        desk.answer(&page, &id);
        order.push(id);
    }
    assert_eq!(order, ["a1", "a2", "b1", "c1", "a3"], "a2 was first when a1 was posted");
}

#[test]
fn capacity_is_kept_and_may_change() {
    let mut desk = Desk::new();
    let (sender, page) = (desk.sender(), desk.page(hello("a", 2)));
    for id in ["1", "2", "3", "4"] {
        desk.submit(&sender, turn(id));
    }
    assert_eq!(page.posted_turns(), ["1", "2"]);
    let status = Status { state: PageState::Ready, detail: String::new(), models: None, capacity: Some(3) };
    desk.say(&page, FromPeer::Status(status));
    assert_eq!(page.posted_turns(), ["3"]);
    assert_eq!(desk.core.load(), (1, 3));
}

#[test]
fn queued_is_told_at_once_and_again_on_change_at_most_once_a_second() {
    let mut desk = Desk::new();
    let (sender, page) = (desk.sender(), desk.page(hello("a", 1)));
    for id in ["1", "2", "3"] {
        desk.submit(&sender, turn(id));
    }
    let queued = |turn: &str, ahead| FromHub::Queued { turn: TurnId::new(turn), ahead };
    assert_eq!(sender.read(), [queued("2", 0), queued("3", 1)]);
    desk.answer(&page, "1");
    sender.read();
    desk.pass(Duration::from_millis(999));
    assert_eq!(sender.read(), []);
    desk.pass(Duration::from_millis(1));
    assert_eq!(sender.read(), [queued("3", 0)]);
    desk.pass(seconds(10));
    assert_eq!(sender.read(), [], "nothing has changed");
}

#[test]
fn a_full_queue_refuses_at_once_and_says_when_to_come_back() {
    let mut desk = Desk::with(|rules| rules.queue_limit = 1);
    let (sender, page) = (desk.sender(), desk.page(hello("a", 1)));
    for id in ["1", "2"] {
        desk.submit(&sender, turn(id));
    }
    sender.read();
    desk.submit(&sender, turn("3"));
    let failure = sender.failure("3");
    assert_eq!((failure.code, failure.posted), (FailureCode::QueueFull, Posted::No));
    assert!(failure.retry_after_ms.is_some_and(|millis| (1000..=60_000).contains(&millis)));
    assert_eq!(page.posted_turns(), ["1"]);
    desk.answer(&page, "1");
    assert_eq!(page.posted_turns(), ["2"], "who waited is served");
}

#[test]
fn one_caller_leaves_room_for_another() {
    let mut desk = Desk::with(|rules| rules.queue_limit = 8);
    let (sender, page) = (desk.sender(), desk.page(hello("a", 1)));
    for id in 0..9 {
        desk.submit(&sender, turn_of(&format!("greedy {id}"), "greedy"));
    }
    let failures = sender.failures();
    let [(_, first), _] = &*failures else { panic!("one runs, six wait, two are refused: {failures:?}") };
    assert_eq!(first.code, FailureCode::QueueFull);
    assert!(first.retry_after_ms.is_some());
    desk.submit(&sender, turn_of("modest", "modest"));
    assert_eq!(sender.failures(), []);
    assert_eq!(page.posted_turns(), ["greedy 0"]);
    desk.answer(&page, "greedy 0");
    desk.answer(&page, &page.posted_turns().pop().unwrap());
    assert_eq!(page.posted_turns(), ["modest"]);
}

#[test]
fn with_no_room_to_wait_a_free_place_is_still_taken() {
    let mut desk = Desk::with(|rules| rules.queue_limit = 0);
    let (sender, page) = (desk.sender(), desk.page(hello("a", 1)));
    desk.submit(&sender, turn("1"));
    desk.submit(&sender, turn("2"));
    assert_eq!(page.posted_turns(), ["1"]);
    assert_eq!(sender.failure("2").code, FailureCode::QueueFull);
}

#[test]
fn posts_on_one_account_keep_the_gap() {
    let mut desk = Desk::new();
    let sender = desk.sender();
    let page = desk.page(PageHello { gap_ms: 1000, ..hello("a", 9) });
    for id in ["1", "2", "3"] {
        desk.submit(&sender, turn(id));
    }
    assert_eq!(page.posted_turns(), ["1"]);
    desk.pass(Duration::from_millis(999));
    assert!(page.posted_turns().is_empty());
    desk.pass(Duration::from_millis(1));
    assert_eq!(page.posted_turns(), ["2"]);
    desk.pass(seconds(1));
    assert_eq!(page.posted_turns(), ["3"]);
}

#[test]
fn the_gap_belongs_to_the_account_and_survives_a_new_connection() {
    let mut desk = Desk::new();
    let sender = desk.sender();
    let slow = PageHello { gap_ms: 5000, ..hello("a", 9) };
    let page = desk.page(slow.clone());
    desk.submit(&sender, turn("1"));
    assert_eq!(page.posted_turns(), ["1"]);
    desk.leave(&page);
    let page = desk.page(slow);
    desk.submit(&sender, turn("2"));
    assert!(page.posted_turns().is_empty());
    desk.pass(seconds(5));
    assert_eq!(page.posted_turns(), ["2"]);
}

#[test]
fn a_rate_limit_rests_the_whole_account_for_the_time_the_site_named() {
    let mut desk = Desk::new();
    let (sender, page) = (desk.sender(), desk.page(hello("a", 2)));
    desk.submit(&sender, turn("1"));
    desk.submit(&sender, turn("2"));
    assert_eq!(page.posted_turns(), ["1", "2"]);
    let limited = Failure::not_posted(FailureCode::RateLimited, "slow down").retry_after_ms(7000);
    desk.event(&page, "1", 1, 0, Body::Failed(limited));
    desk.answer(&page, "2");
    desk.submit(&sender, turn("3"));
    desk.pass(Duration::from_millis(6999));
    assert!(page.posted_turns().is_empty());
    desk.pass(Duration::from_millis(1));
    assert_eq!(page.posted_turns(), ["1", "3"], "the turn that came back is first");
}

#[test]
fn another_account_takes_what_a_resting_one_cannot() {
    let mut desk = Desk::new();
    let (sender, page) = (desk.sender(), desk.page(hello("a", 2)));
    desk.submit(&sender, turn("1"));
    assert_eq!(page.posted_turns(), ["1"]);
    let other = desk.page(hello("b", 2));
    desk.event(&page, "1", 1, 0, failed(FailureCode::RateLimited, Posted::No));
    let posts = other.posts();
    assert_eq!(posts.len(), 1);
    assert_eq!((posts[0].attempt, &*posts[0].text), (2, "prompt of 1"));
}

#[test]
fn nobody_waits_for_a_rest_that_is_too_long() {
    let mut desk = Desk::new();
    let (sender, page) = (desk.sender(), desk.page(hello("a", 1)));
    desk.submit(&sender, turn("1"));
    desk.submit(&sender, turn("2"));
    page.read();
    sender.read();
    let limited = Failure::not_posted(FailureCode::RateLimited, "slow down").retry_after_ms(3_600_000);
    desk.event(&page, "1", 1, 0, Body::Failed(limited));
    let failures = sender.failures();
    assert_eq!(failures.len(), 2);
    for (_, failure) in failures {
        assert_eq!((failure.code, failure.posted), (FailureCode::RateLimited, Posted::No));
        assert_eq!(failure.retry_after_ms, Some(3_600_000));
    }
    desk.submit(&sender, turn("3"));
    assert_eq!(sender.failure("3").code, FailureCode::RateLimited);
}
