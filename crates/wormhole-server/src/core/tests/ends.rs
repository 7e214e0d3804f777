//! Ends that do not come from the page: lost links, cancels, deadlines, drains, and conversations to be removed.

use wormhole_protocol::{CLOSE_GOING_AWAY, CLOSE_REPLACED, ConversationId};

use super::*;

fn running(desk: &mut Desk) -> (Peer, Peer) {
    let (sender, page) = (desk.sender(), desk.page(hello("a", 1)));
    desk.submit(&sender, turn("1"));
    assert_eq!(page.posted_turns(), ["1"]);
    (sender, page)
}

fn cancel_frame(turn: &str) -> FromHub {
    FromHub::Cancel { turn: TurnId::new(turn) }
}

#[test]
fn a_lost_page_leaves_it_unknown_whether_its_turn_was_posted() {
    let mut desk = Desk::new();
    let (sender, page) = running(&mut desk);
    desk.leave(&page);
    let failure = sender.failure("1");
    assert_eq!((failure.code, failure.posted), (FailureCode::PageLost, Posted::Unknown));
}

#[test]
fn once_the_site_has_accepted_a_lost_page_means_posted() {
    let mut desk = Desk::new();
    let (sender, page) = running(&mut desk);
    desk.event(&page, "1", 1, 0, accepted());
    sender.read();
    desk.leave(&page);
    let failure = sender.failure("1");
    assert_eq!((failure.code, failure.posted), (FailureCode::PageLost, Posted::Yes));
}

#[test]
fn posts_that_were_never_written_go_to_another_page_in_their_order() {
    let mut desk = Desk::new();
    let (sender, page) = (desk.sender(), desk.page(hello("a", 3)));
    for id in ["1", "2", "3", "4"] {
        desk.submit(&sender, turn(id));
    }
    sender.read();
    let mut batch = Vec::new();
    assert_eq!(page.outbox.take(&mut batch), Some(Next::Batch));
    desk.leave(&page);
    assert_eq!(sender.failure("1").posted, Posted::Unknown);
    let other = desk.join(Some(hello("b", 9)));
    let posts = other.posts();
    let seen: Vec<_> = posts.iter().map(|post| (post.turn.as_str(), post.attempt)).collect();
    assert_eq!(seen, [("2", 1), ("3", 1), ("4", 1)]);
}

#[test]
fn a_second_page_for_the_same_account_replaces_the_first() {
    let mut desk = Desk::new();
    let (sender, old) = running(&mut desk);
    let new = desk.page(hello("a", 1));
    assert_eq!(old.closed_with(), Some(CLOSE_REPLACED));
    assert_eq!(sender.failure("1").code, FailureCode::PageLost);
    desk.submit(&sender, turn("2"));
    assert_eq!(new.posted_turns(), ["2"]);
    desk.event(&old, "2", 1, 0, accepted());
    desk.leave(&old);
    assert!(sender.failures().is_empty(), "the old connection has no say any more");
}

#[test]
fn the_same_account_name_on_another_site_is_another_account() {
    let mut desk = Desk::new();
    let first = desk.page(hello("a", 1));
    desk.page(PageHello { site: "other".to_owned(), ..hello("a", 1) });
    assert_eq!(first.closed_with(), None);
}

#[test]
fn cancelling_a_waiting_turn_ends_it_at_once() {
    let mut desk = Desk::new();
    let (sender, page) = running(&mut desk);
    desk.submit(&sender, turn("2"));
    sender.read();
    desk.cancel(&sender, "2");
    let failure = sender.failure("2");
    assert_eq!((failure.code, failure.posted), (FailureCode::Cancelled, Posted::No));
    assert!(page.read().is_empty());
}

#[test]
fn cancelling_a_post_that_was_not_written_takes_it_back() {
    let mut desk = Desk::new();
    let (sender, page) = (desk.sender(), desk.page(hello("a", 1)));
    desk.submit(&sender, turn("1"));
    desk.cancel(&sender, "1");
    assert_eq!(sender.failure("1").posted, Posted::No);
    assert!(page.read().is_empty());
    assert_eq!(desk.core.load(), (0, 0));
}

#[test]
fn cancelling_a_running_turn_asks_the_page_whose_end_is_the_turns() {
    let mut desk = Desk::new();
    let (sender, page) = running(&mut desk);
    desk.submit(&sender, turn("2"));
    sender.read();
    desk.cancel(&sender, "1");
    desk.cancel(&sender, "1");
    assert_eq!(page.read(), [cancel_frame("1")]);
    assert!(sender.read().is_empty());
    desk.event(&page, "1", 1, 0, failed(FailureCode::Cancelled, Posted::Yes));
    assert_eq!(sender.failure("1").posted, Posted::Yes);
    assert_eq!(page.posted_turns(), ["2"], "the place is free");
}

#[test]
fn a_cancelled_turn_is_not_given_out_again() {
    let mut desk = Desk::new();
    let (sender, page) = running(&mut desk);
    desk.cancel(&sender, "1");
    desk.event(&page, "1", 1, 0, failed(FailureCode::LoginRequired, Posted::No));
    assert_eq!(sender.failure("1").posted, Posted::No);
    desk.pass(seconds(5));
    assert!(page.posted_turns().is_empty());
}

#[test]
fn a_page_that_does_not_stop_in_time_loses_the_place_and_its_events_are_stale() {
    let mut desk = Desk::new();
    let (sender, page) = running(&mut desk);
    desk.cancel(&sender, "1");
    desk.pass(seconds(9));
    assert!(sender.read().is_empty());
    desk.pass(seconds(1));
    let failure = sender.failure("1");
    assert_eq!((failure.code, failure.posted), (FailureCode::Cancelled, Posted::Unknown));
    assert_eq!(desk.core.load(), (0, 0));
    desk.event(&page, "1", 1, 0, text("late"));
    assert_eq!(desk.stale(), [Stale::UnknownTurn]);
}

#[test]
fn another_senders_turn_cannot_be_cancelled() {
    let mut desk = Desk::new();
    let (_sender, page) = running(&mut desk);
    let stranger = desk.sender();
    desk.cancel(&stranger, "1");
    assert!(page.read().is_empty());
}

#[test]
fn a_turn_id_that_is_known_is_refused_and_the_first_goes_on() {
    let mut desk = Desk::new();
    let (sender, page) = running(&mut desk);
    let stranger = desk.sender();
    desk.submit(&stranger, turn("1"));
    assert_eq!(stranger.failure("1").code, FailureCode::Protocol);
    desk.answer(&page, "1");
    assert_eq!(sender.read().len(), 3);
    assert!(stranger.read().is_empty());
}

#[test]
fn deadlines_end_waiting_and_running_turns() {
    let mut desk = Desk::new();
    let (sender, page) = (desk.sender(), desk.page(hello("a", 2)));
    let short = |id: &str| Submit { deadline_ms: 5000, ..turn(id) };
    for id in ["1", "2", "3"] {
        desk.submit(&sender, short(id));
    }
    assert_eq!(page.posted_turns(), ["1", "2"]);
    desk.event(&page, "2", 1, 0, accepted());
    desk.pass(Duration::from_millis(4999));
    assert!(sender.failures().is_empty());
    desk.pass(Duration::from_millis(1));
    let failures = sender.failures();
    assert!(failures.iter().all(|(_, failure)| failure.code == FailureCode::Deadline));
    let posted: Vec<_> = failures.iter().map(|(id, failure)| (&**id, failure.posted)).collect();
    assert_eq!(posted, [("1", Posted::Unknown), ("2", Posted::Yes), ("3", Posted::No)]);
    assert_eq!(page.read(), [cancel_frame("1"), cancel_frame("2")]);
    desk.pass(seconds(10));
    assert_eq!(desk.core.load(), (0, 0));
    assert!(sender.read().is_empty());
}

#[test]
fn an_absurd_deadline_is_no_defect() {
    let mut desk = Desk::new();
    let (sender, page) = (desk.sender(), desk.page(PageHello { gap_ms: u64::MAX, ..hello("a", 1) }));
    desk.submit(&sender, Submit { deadline_ms: u64::MAX, ..turn("1") });
    desk.submit(&sender, Submit { deadline_ms: 0, ..turn("2") });
    assert_eq!(page.posted_turns(), ["1"]);
    desk.pass(seconds(0));
    assert_eq!(sender.failure("2").code, FailureCode::Deadline);
    let limited = Failure::not_posted(FailureCode::RateLimited, "slow").retry_after_ms(u64::MAX);
    desk.event(&page, "1", 1, 0, Body::Failed(limited));
    assert_eq!(sender.failure("1").code, FailureCode::RateLimited);
}

#[test]
fn a_sender_that_leaves_takes_its_turns_with_it() {
    let mut desk = Desk::new();
    let (sender, page) = running(&mut desk);
    desk.submit(&sender, turn("2"));
    desk.leave(&sender);
    assert_eq!(page.read(), [cancel_frame("1")]);
    assert_eq!(desk.core.load(), (0, 1));
    desk.event(&page, "1", 1, 0, failed(FailureCode::Cancelled, Posted::Yes));
    assert_eq!(desk.core.load(), (0, 0));
}

#[test]
fn a_drain_refuses_new_turns_ends_waiting_ones_and_closes_when_the_last_has_ended() {
    let mut desk = Desk::new();
    let (sender, page) = running(&mut desk);
    desk.submit(&sender, turn("2"));
    sender.read();
    desk.core.drain(desk.now);
    let failure = sender.failure("2");
    assert_eq!((failure.code, failure.retryable), (FailureCode::NoPage, true));
    desk.submit(&sender, turn("3"));
    let failure = sender.failure("3");
    assert_eq!((failure.code, failure.retry_after_ms), (FailureCode::NoPage, Some(5000)));
    assert!(!desk.core.is_closed());
    desk.answer(&page, "1");
    assert_eq!(sender.read().len(), 3, "the end is written before the close");
    assert!(desk.core.is_closed());
    assert_eq!((sender.closed_with(), page.closed_with()), (Some(CLOSE_GOING_AWAY), Some(CLOSE_GOING_AWAY)));
}

#[test]
fn a_drain_with_nothing_to_do_closes_at_once() {
    let mut desk = Desk::new();
    let sender = desk.sender();
    desk.core.drain(desk.now);
    assert_eq!(sender.closed_with(), Some(CLOSE_GOING_AWAY));
    let late = desk.join(None);
    assert_eq!(late.closed_with(), Some(CLOSE_GOING_AWAY));
}

#[test]
fn a_turn_that_was_not_posted_is_not_given_out_again_while_draining() {
    let mut desk = Desk::new();
    let (sender, page) = running(&mut desk);
    desk.core.drain(desk.now);
    desk.event(&page, "1", 1, 0, failed(FailureCode::LoginRequired, Posted::No));
    let failure = sender.failure("1");
    assert_eq!((failure.code, failure.posted), (FailureCode::NoPage, Posted::No));
    assert!(desk.core.is_closed());
}

#[test]
fn conversations_are_removed_through_their_accounts_page() {
    let mut desk = Desk::new();
    let (sender, page) = (desk.sender(), desk.page(hello("a", 1)));
    let ask = |account: &str, id: &str| FromPeer::Forget {
        account: account.to_owned(),
        conversation: ConversationId::new(id),
    };
    let failure_of = |sender: &Peer| match &*sender.read() {
        [FromHub::ForgetFailed { failure, .. }] => failure.code,
        other => panic!("{other:?}"),
    };
    desk.say(&sender, ask("nobody", "c"));
    assert_eq!(failure_of(&sender), FailureCode::NoPage);

    desk.say(&sender, ask("a", "c1"));
    desk.say(&sender, ask("a", "c2"));
    assert_eq!(page.read().len(), 2);
    let (account, conversation) = ("a".to_owned(), ConversationId::new("c2"));
    desk.say(&page, FromPeer::Forgotten { account: account.clone(), conversation: conversation.clone() });
    desk.say(&page, FromPeer::Forgotten { account: account.clone(), conversation: conversation.clone() });
    assert_eq!(sender.read(), [FromHub::Forgotten { account, conversation }]);
    desk.pass(seconds(29));
    assert!(sender.read().is_empty());
    desk.pass(seconds(1));
    assert_eq!(failure_of(&sender), FailureCode::Deadline);

    desk.say(&sender, ask("a", "c3"));
    desk.leave(&page);
    assert_eq!(failure_of(&sender), FailureCode::PageLost);
}
