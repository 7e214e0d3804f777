use wormhole_runtime::Registry;

use super::*;

fn session() -> Session {
    let metrics = Metrics::register(&Registry::new()).unwrap();
    let site = Profile::shipped("outlier").unwrap().unwrap();
    Session::new(&site, "me", Readiness::new(), Arc::new(metrics))
}

fn model(id: &str, name: &str) -> SiteModel {
    let info =
        wormhole_protocol::ModelInfo { name: name.to_owned(), label: None, provider: None, images: false };
    SiteModel { id: id.to_owned(), info }
}

#[test]
fn a_change_is_seen_by_hub_and_probe_and_the_same_again_is_none() {
    let session = session();
    let mut hello = session.hello();
    session.change(PageState::Blocked, "wrong password");
    assert!(hello.has_changed().unwrap());
    assert_eq!(hello.borrow_and_update().detail, "wrong password");
    assert_eq!(session.inner.readiness.unmet(), ["session: blocked: wrong password"]);
    session.change(PageState::Blocked, "wrong password");
    assert!(!hello.has_changed().unwrap());
    session.ready(vec![model("1", "m")]);
    assert!(session.inner.readiness.is_ready());
    assert_eq!(hello.borrow().models.len(), 1);
    assert_eq!((session.model_id("m"), session.model_id("n")), (Some("1".to_owned()), None));
}

#[tokio::test]
async fn only_the_session_that_expired_is_expired() {
    let session = session();
    session.ready(vec![]);
    let first = session.epoch();
    assert!(session.expire(first));
    assert!(!session.expire(first), "already known");
    session.expired().await;
    session.ready(vec![]);
    assert!(!session.expire(first), "of a session before");
    assert_eq!(session.state(), PageState::Ready);
}

#[test]
fn nothing_leads_out_of_draining() {
    let session = session();
    session.ready(vec![]);
    session.change(PageState::Draining, "");
    session.change(PageState::Ready, "");
    assert!(!session.expire(session.epoch()));
    assert_eq!(session.state(), PageState::Draining);
    assert_eq!(session.place().map(drop).unwrap_err().code, FailureCode::NoPage);
}

#[test]
fn a_turn_that_comes_too_early_was_not_posted() {
    let session = session();
    let cases = [
        (PageState::LoggingIn, FailureCode::LoginRequired),
        (PageState::Challenge, FailureCode::Challenge),
        (PageState::BrowserDown, FailureCode::PageLost),
    ];
    for (state, code) in cases {
        session.change(state, "why");
        let failure = session.place().map(drop).unwrap_err();
        assert_eq!((failure.code, failure.posted, failure.retryable), (code, Posted::No, true), "{state}");
        assert_eq!(failure.message, format!("the page is not ready ({state}: why)"));
    }
}
