use std::{sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;
use wormhole_protocol::PageState;
use wormhole_runtime::{Readiness, Registry};

use super::*;
use crate::{
    calls::Caller, diagnostics::Diagnostics, metrics::Metrics, session::Session, site::Profile,
    turn::ModelRefresh,
};

fn desk() -> Desk {
    let metrics = Arc::new(Metrics::register(&Registry::new()).unwrap());
    let site = Arc::new(Profile::shipped("outlier").unwrap().unwrap());
    let session = Session::new(&site, "me", Readiness::new(), Arc::clone(&metrics));
    session.ready(vec![]);
    let caller = Caller::new(site, Arc::clone(&metrics));
    let (diagnostics, _) = Diagnostics::new(None, session.clone(), Readiness::new(), Arc::clone(&metrics));
    let (refresh, hard) = (ModelRefresh::default(), CancellationToken::new());
    Desk { caller, session, metrics, refresh, diagnostics, hard }
}

fn fail(error: CallError, name: CallName) -> (FailureCode, Posted) {
    let desk = desk();
    let fails = Fails { desk: &desk, epoch: desk.session.epoch(), text: "a long secret prompt" };
    let failure = fails.call(error, name, if name == CallName::Turn { Posted::Unknown } else { Posted::No });
    assert!(!failure.message.contains("secret"), "{failure}");
    (failure.code, failure.posted)
}

fn status(status: u16) -> CallError {
    CallError::Status { status, words: "cannot answer a long secret prompt".to_owned() }
}

#[test]
fn a_refused_turn_was_not_posted_and_a_broken_one_may_have_been() {
    let turn = |error| fail(error, CallName::Turn);
    assert_eq!(turn(CallError::LoggedOut), (FailureCode::LoginRequired, Posted::No));
    assert_eq!(turn(CallError::RateLimited(None)), (FailureCode::RateLimited, Posted::No));
    assert_eq!(turn(status(400)), (FailureCode::Refused, Posted::No));
    assert_eq!(turn(status(413)), (FailureCode::Refused, Posted::No));
    assert_eq!(turn(status(404)), (FailureCode::ConversationUnknown, Posted::No));
    assert_eq!(turn(status(500)), (FailureCode::SiteError, Posted::Unknown));
    assert_eq!(
        turn(CallError::Tab(TabError::Interrupted(String::new()))),
        (FailureCode::SiteError, Posted::Unknown)
    );
    assert_eq!(turn(CallError::Tab(TabError::Timeout("x"))), (FailureCode::Stalled, Posted::Unknown));
    assert_eq!(turn(CallError::Tab(TabError::Crashed)), (FailureCode::PageLost, Posted::Unknown));
    assert_eq!(turn(CallError::Tab(TabError::NotAllowed)), (FailureCode::PageLost, Posted::No));
    assert_eq!(
        turn(CallError::Fault(Fault::changed("turn", "x"))),
        (FailureCode::SiteChanged, Posted::Unknown)
    );
}

#[test]
fn what_fails_before_the_turn_was_not_posted() {
    let create = |error| fail(error, CallName::Create);
    assert_eq!(create(status(500)), (FailureCode::SiteError, Posted::No));
    assert_eq!(create(status(404)), (FailureCode::SiteChanged, Posted::No));
    assert_eq!(create(CallError::Tab(TabError::BrowserGone)), (FailureCode::PageLost, Posted::No));
}

#[test]
fn what_fails_after_the_site_took_the_message_was_posted() {
    let cases = [
        (TabError::Interrupted(String::new()), FailureCode::Truncated),
        (TabError::ContextLost, FailureCode::PageLost),
        (TabError::BrowserGone, FailureCode::PageLost),
        (TabError::Timeout("x"), FailureCode::Stalled),
    ];
    for (error, code) in cases {
        let failure = after_accepted(&error);
        assert_eq!((failure.code, failure.posted), (code, Posted::Yes), "{error}");
    }
}

#[test]
fn an_ended_session_is_known_before_the_turn_fails() {
    let desk = desk();
    let fails = Fails { desk: &desk, epoch: desk.session.epoch(), text: "" };
    fails.call(CallError::LoggedOut, CallName::Turn, Posted::Unknown);
    assert_eq!(desk.session.state(), PageState::Expired);
}

#[test]
fn the_sites_own_limit_says_how_long() {
    let desk = desk();
    let fails = Fails { desk: &desk, epoch: 0, text: "" };
    let rest = CallError::RateLimited(Some(Duration::from_secs(7)));
    assert_eq!(fails.call(rest, CallName::Turn, Posted::Unknown).retry_after_ms, Some(7_000));
}
