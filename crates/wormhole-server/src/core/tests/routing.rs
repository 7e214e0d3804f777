//! Which page takes which turn, and which turn waits in vain.

use super::*;

fn conversation() -> ConversationRef {
    ConversationRef { id: wormhole_protocol::ConversationId::new("c"), parent: 1 }
}

#[test]
fn a_known_conversation_waits_for_its_account() {
    let mut desk = Desk::new();
    let sender = desk.sender();
    let (a, b) = (desk.page(hello("a", 1)), desk.page(hello("b", 1)));
    let bound =
        |id: &str| Submit { account: Some("b".to_owned()), conversation: Some(conversation()), ..turn(id) };
    desk.submit(&sender, bound("1"));
    desk.submit(&sender, bound("2"));
    desk.submit(&sender, turn("3"));
    assert_eq!(b.posted_turns(), ["1"]);
    assert_eq!(a.posted_turns(), ["3"], "who can go elsewhere is not held up");
    desk.answer(&a, "3");
    assert!(a.posted_turns().is_empty());
    desk.answer(&b, "1");
    let posts = b.posts();
    assert_eq!((&*posts[0].text, &posts[0].conversation), ("prompt of 2", &Some(conversation())));
}

#[test]
fn a_conversation_without_its_account_breaks_the_protocol() {
    let mut desk = Desk::new();
    let sender = desk.sender();
    desk.submit(&sender, Submit { conversation: Some(conversation()), ..turn("1") });
    assert_eq!(sender.failure("1").code, FailureCode::Protocol);
}

#[test]
fn site_and_model_restrict_the_choice() {
    let mut desk = Desk::new();
    let sender = desk.sender();
    let here = desk.page(hello("a", 9));
    let there = desk.page(PageHello { site: "other".to_owned(), models: vec![model("n")], ..hello("a", 9) });
    desk.submit(&sender, Submit { model: "n".to_owned(), ..turn("1") });
    desk.submit(&sender, Submit { site: Some("site".to_owned()), ..turn("2") });
    assert_eq!((there.posted_turns(), here.posted_turns()), (vec!["1".to_owned()], vec!["2".to_owned()]));
    desk.submit(&sender, Submit { site: Some("other".to_owned()), ..turn("3") });
    let failure = sender.failure("3");
    assert_eq!((failure.code, failure.retryable), (FailureCode::ModelUnknown, false));
}

#[test]
fn the_page_with_the_smallest_share_taken_is_chosen() {
    let mut desk = Desk::new();
    let sender = desk.sender();
    let (small, large) = (desk.page(hello("a", 1)), desk.page(hello("b", 4)));
    for id in ["1", "2", "3", "4", "5"] {
        desk.submit(&sender, turn(id));
    }
    assert_eq!(small.posts().len(), 1);
    assert_eq!(large.posts().len(), 4);
}

#[test]
fn without_any_page_a_turn_waits_a_while() {
    let mut desk = Desk::new();
    let sender = desk.sender();
    desk.submit(&sender, turn("1"));
    desk.submit(&sender, turn("2"));
    sender.read();
    desk.pass(seconds(19));
    assert!(sender.failures().is_empty());
    desk.pass(seconds(1));
    let failures = sender.failures();
    assert_eq!(failures.len(), 2);
    assert!(failures.iter().all(|(_, failure)| failure.code == FailureCode::NoPage));

    desk.submit(&sender, turn("3"));
    desk.pass(seconds(19));
    desk.join(Some(hello("a", 1)));
    desk.pass(seconds(60));
    assert!(sender.failures().is_empty());
}

#[test]
fn a_page_that_joins_takes_what_waits() {
    let mut desk = Desk::new();
    let sender = desk.sender();
    desk.submit(&sender, turn("1"));
    let page = desk.join(Some(hello("a", 1)));
    assert_eq!(page.posted_turns(), ["1"]);
    desk.pass(seconds(60));
    assert!(sender.failures().is_empty(), "the wait for a page is over");
}

#[test]
fn an_unknown_model_is_said_at_once_but_not_before_a_page_has_asked_its_site() {
    let mut desk = Desk::new();
    let sender = desk.sender();
    let page = desk.page(PageHello { models: Vec::new(), ..hello("a", 1) });
    desk.submit(&sender, turn("1"));
    desk.pass(seconds(60));
    assert!(sender.failures().is_empty());
    let status = Status {
        state: PageState::Ready,
        detail: String::new(),
        models: Some(vec![model("n")]),
        capacity: None,
    };
    desk.say(&page, FromPeer::Status(status));
    assert_eq!(sender.failure("1").code, FailureCode::ModelUnknown);
}

#[test]
fn a_draining_page_takes_nothing_new_and_counts_as_gone() {
    let mut desk = Desk::new();
    let (sender, page) = (desk.sender(), desk.page(hello("a", 9)));
    desk.submit(&sender, turn("1"));
    assert_eq!(page.posted_turns(), ["1"]);
    desk.state(&page, PageState::Draining, "");
    desk.submit(&sender, turn("2"));
    desk.answer(&page, "1");
    sender.read();
    desk.pass(seconds(20));
    assert_eq!(sender.failure("2").code, FailureCode::NoPage);
}

#[test]
fn senders_see_the_directory_and_changes_come_together() {
    let mut desk = Desk::new();
    let sender = desk.sender();
    let page = desk.page(hello("b", 1));
    desk.page(hello("a", 1));
    desk.state(&page, PageState::Expired, "again");
    assert_eq!(sender.read_all(), []);
    desk.pass(seconds(1));
    let frames = sender.read_all();
    let [FromHub::Directory(Directory { accounts })] = &*frames else { panic!("{frames:?}") };
    let seen: Vec<_> = accounts.iter().map(|entry| (&*entry.account, entry.state, &*entry.detail)).collect();
    assert_eq!(seen, [("a", PageState::Ready, ""), ("b", PageState::Expired, "again")]);
    let late = desk.join(None).read_all();
    assert!(matches!(&late[1], FromHub::Directory(directory) if directory.accounts.len() == 2));
}

#[test]
fn a_directory_that_is_as_before_is_not_told_again() {
    let mut desk = Desk::new();
    let (sender, page) = (desk.sender(), desk.page(hello("a", 1)));
    desk.pass(seconds(1));
    assert_eq!(sender.read_all().len(), 1);
    desk.state(&page, PageState::Expired, "");
    let in_between = desk.sender();
    desk.state(&page, PageState::Ready, "");
    desk.pass(seconds(1));
    assert_eq!(in_between.read_all().len(), 1, "it had seen the page expired");
    sender.read_all();
    desk.state(&page, PageState::Ready, "");
    desk.pass(seconds(1));
    assert_eq!(sender.read_all(), []);
}

#[test]
fn frames_that_are_not_for_the_role_are_answered_and_nothing_else_happens() {
    let mut desk = Desk::new();
    let (sender, page) = (desk.sender(), desk.page(hello("a", 1)));
    desk.submit(&page, turn("1"));
    desk.event(&sender, "1", 1, 0, accepted());
    desk.say(&page, FromPeer::Cancel { turn: TurnId::new("1") });
    assert!(matches!(&*page.read(), [FromHub::Error(_), FromHub::Error(_)]));
    assert!(matches!(&*sender.read(), [FromHub::Error(_)]));
}
