//! Turns that wait for a page to get ready, or for a person to make it so.

use super::*;

const WAY_IN: &str = "the site asks for a one-time code; go to http://127.0.0.1:8767";

fn patience(wait: Duration) -> Desk {
    Desk::with(|rules| rules.person_wait = wait)
}

#[test]
fn a_turn_is_held_for_a_person_and_posted_when_the_page_is_ready() {
    for state in [PageState::Challenge, PageState::Blocked] {
        let mut desk = patience(seconds(60));
        let (sender, page) = (desk.sender(), desk.page(hello("a", 1)));
        desk.state(&page, state, WAY_IN);
        desk.submit(&sender, turn("1"));
        assert!(matches!(&*sender.read(), [FromHub::Queued { ahead: 0, .. }]));
        desk.pass(seconds(59));
        assert!(page.posted_turns().is_empty() && sender.failures().is_empty(), "{state}");
        desk.state(&page, PageState::Ready, "");
        assert_eq!(page.posted_turns(), ["1"], "{state}");
        desk.pass(seconds(300));
        assert_eq!(sender.failures(), [], "its time for a person is over, its own is not: {state}");
    }
}

#[test]
fn a_turn_that_no_person_came_for_fails_with_the_pages_words() {
    for (state, code) in
        [(PageState::Challenge, FailureCode::Challenge), (PageState::Blocked, FailureCode::LoginRequired)]
    {
        let mut desk = patience(seconds(60));
        let (sender, page) = (desk.sender(), desk.page(hello("a", 0)));
        desk.submit(&sender, turn("1"));
        desk.pass(seconds(5));
        sender.read();
        desk.state(&page, state, WAY_IN);
        desk.pass(Duration::from_millis(59_999));
        assert!(sender.failures().is_empty(), "{state}");
        desk.pass(Duration::from_millis(1));
        let failure = sender.failure("1");
        assert_eq!((failure.code, &*failure.message, failure.posted), (code, WAY_IN, Posted::No));
    }
}

#[test]
fn the_turns_own_deadline_comes_first_and_the_words_are_the_same() {
    let mut desk = patience(seconds(3600));
    let (sender, page) = (desk.sender(), desk.page(hello("a", 1)));
    desk.state(&page, PageState::Challenge, WAY_IN);
    desk.submit(&sender, Submit { deadline_ms: 7_000, ..turn("1") });
    desk.pass(Duration::from_millis(6_999));
    assert!(sender.failures().is_empty());
    desk.pass(Duration::from_millis(1));
    let failure = sender.failure("1");
    assert_eq!((failure.code, &*failure.message), (FailureCode::Challenge, WAY_IN));
}

#[test]
fn without_patience_a_turn_fails_at_once() {
    let mut desk = patience(Duration::ZERO);
    let (sender, page) = (desk.sender(), desk.page(hello("a", 1)));
    desk.state(&page, PageState::Blocked, "");
    desk.submit(&sender, turn("1"));
    let failure = sender.failure("1");
    assert_eq!((failure.code, &*failure.message), (FailureCode::LoginRequired, "the site has no session"));
}

#[test]
fn while_a_page_helps_itself_the_turn_waits_up_to_its_deadline() {
    let words = |state, code| {
        let mut desk = patience(Duration::ZERO);
        let (sender, page) = (desk.sender(), desk.page(hello("a", 1)));
        let _blocked = desk.page(PageHello { state: PageState::Draining, ..hello("b", 1) });
        desk.state(&page, state, "why");
        desk.submit(&sender, turn("1"));
        desk.submit(&sender, Submit { deadline_ms: 60_000, ..turn("2") });
        desk.pass(seconds(60));
        let failure = sender.failure("2");
        assert_eq!((failure.code, &*failure.message), (code, "why"), "{state}");
        assert!(page.posted_turns().is_empty(), "{state}");
        desk.state(&page, PageState::Ready, "");
        assert_eq!(page.posted_turns(), ["1"], "{state}");
    };
    for state in [PageState::Starting, PageState::LoggingIn, PageState::Expired] {
        words(state, FailureCode::LoginRequired);
    }
    words(PageState::BrowserDown, FailureCode::Deadline);
}

#[test]
fn one_page_that_helps_itself_is_worth_waiting_for_but_the_words_are_of_the_one_that_needs_a_person() {
    let mut desk = patience(Duration::ZERO);
    let (sender, page) = (desk.sender(), desk.page(hello("a", 1)));
    let other = desk.page(hello("b", 1));
    desk.state(&page, PageState::Expired, "again");
    desk.state(&other, PageState::Blocked, WAY_IN);
    desk.submit(&sender, Submit { deadline_ms: 9_000, ..turn("1") });
    desk.pass(Duration::from_millis(8_999));
    assert!(sender.failures().is_empty());
    desk.pass(Duration::from_millis(1));
    assert_eq!(sender.failure("1").message, WAY_IN);
}

#[test]
fn a_turn_behind_a_busy_page_fails_with_its_deadline_whatever_the_others_need() {
    let mut desk = Desk::new();
    let (sender, _busy) = (desk.sender(), desk.page(hello("a", 0)));
    let other = desk.page(hello("b", 1));
    desk.state(&other, PageState::Blocked, WAY_IN);
    desk.submit(&sender, Submit { deadline_ms: 9_000, ..turn("1") });
    desk.pass(seconds(9));
    assert_eq!(sender.failure("1").code, FailureCode::Deadline);
}

#[test]
fn a_page_that_tries_in_vain_now_and_then_does_not_prolong_the_wait() {
    let mut desk = patience(seconds(60));
    let (sender, page) = (desk.sender(), desk.page(hello("a", 1)));
    desk.state(&page, PageState::Blocked, WAY_IN);
    desk.submit(&sender, turn("1"));
    sender.read();
    for _ in 0..7 {
        desk.pass(seconds(5));
        desk.state(&page, PageState::LoggingIn, "");
        desk.pass(seconds(5));
        desk.state(&page, PageState::Blocked, WAY_IN);
    }
    assert_eq!(sender.failure("1").code, FailureCode::LoginRequired);
}

#[test]
fn a_turn_held_for_its_account_stands_in_nobodys_way() {
    let mut desk = patience(seconds(60));
    let (sender, page) = (desk.sender(), desk.page(hello("a", 1)));
    let other = desk.page(hello("b", 1));
    desk.state(&page, PageState::Challenge, WAY_IN);
    desk.submit(&sender, Submit { account: Some("a".to_owned()), ..turn("held") });
    desk.submit(&sender, turn("other"));
    assert_eq!(other.posted_turns(), ["other"]);
    desk.pass(seconds(60));
    let failures = sender.failures();
    assert_eq!(failures.len(), 1);
    assert_eq!((&*failures[0].0, failures[0].1.code), ("held", FailureCode::Challenge));
}

#[test]
fn a_caller_that_hangs_up_is_no_longer_held() {
    let mut desk = patience(seconds(60));
    let (sender, page) = (desk.sender(), desk.page(hello("a", 1)));
    desk.state(&page, PageState::Challenge, WAY_IN);
    desk.submit(&sender, turn("1"));
    sender.read();
    desk.cancel(&sender, "1");
    assert_eq!(sender.failure("1").code, FailureCode::Cancelled);
    desk.state(&page, PageState::Ready, "");
    assert!(page.posted_turns().is_empty());
    desk.pass(seconds(600));
    assert_eq!(desk.core.next_due(), None, "nothing of it is left");
}
