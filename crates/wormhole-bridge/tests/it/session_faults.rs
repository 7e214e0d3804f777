//! Logins that do not go through by themselves.

use std::time::Duration;

use wormhole_bridge::{Credentials, Password};
use wormhole_playground::{Call, ECHO, Fault};
use wormhole_protocol::PageState;

use crate::{
    session_hub::SOON,
    session_stand::{Stand, ask},
};
#[tokio::test]
async fn session_with_a_wrong_password_is_not_tried_twice() {
    let stand = Stand::open().await;
    let file = stand.folder.path().join("password");
    std::fs::write(&file, "wrong\n").unwrap();
    let mut config = stand.config("outlier");
    let email = "demo@example.test".to_owned().into();
    config.credentials = Some(Credentials { email, password: Password::File(file.clone()) });
    let bridge = stand.bridge(config).await;
    let page = stand.hub.until(PageState::Blocked).await;
    assert_eq!(page.detail, "the site refused the credentials: log in with `wormhole login`");
    let (status, text) = ask(bridge.admin, "/readyz").await;
    assert_eq!(status, 503);
    assert!(text.contains("session: blocked: the site refused the credentials"), "{text}");
    assert_eq!(ask(bridge.admin, "/livez").await.0, 200);
    let (_, metrics) = ask(bridge.admin, "/metrics").await;
    assert!(metrics.contains(r#"wormhole_bridge_state{state="blocked"} 1"#), "{metrics}");

    // The operator corrects the file: that it was looked at in the meantime proves that nothing was tried.
    std::fs::write(&file, "practice\n").unwrap();
    stand.hub.until(PageState::Ready).await;
    let seen = stand.site.snapshot();
    assert_eq!((seen.logins_failed, seen.logins_ok), (1, 1));
    bridge.stop().await;
    stand.close().await;
}

#[tokio::test]
async fn session_that_wants_a_person_waits_for_one() {
    let stand = Stand::open().await;
    stand.site.switch(|switches| {
        switches.one_time_code = true;
        switches.captcha = true;
    });
    let bridge = stand.bridge(stand.config("outlier")).await;
    let page = stand.hub.until(PageState::Challenge).await;
    assert_eq!(page.detail, "the site asks for a captcha to be solved: log in with `wormhole login`");
    assert_eq!(stand.site.snapshot().logins_ok, 0);

    // The person gets past the captcha, types the password, and then the code.
    let person = stand.person().await;
    let send = "document.querySelector('form').requestSubmit(document.querySelector('form [type=submit]'))";
    person.act(&format!("(document.querySelector('[name=person]') ?? {{}}).checked = true; {send}")).await;
    stand.site.wait_until(SOON, |seen| seen.captchas_passed == 1 && seen.login_pages >= 2).await.unwrap();
    person.fill_when_there("input[type=email]", "demo@example.test").await;
    person.fill_when_there("input[type=password]", "practice").await;
    person.act(send).await;
    person.fill_when_there("input[autocomplete=one-time-code]", "424242").await;
    assert_eq!(stand.site.snapshot().sessions, 0);
    person.act(send).await;
    stand.hub.until(PageState::Ready).await;
    let seen = stand.site.snapshot();
    assert_eq!((seen.logins_ok, seen.logins_failed, seen.codes_ok), (1, 0, 1));
    assert_eq!(stand.hub.post(ECHO, "hi").ended().await.text, "hi");
    bridge.stop().await;
    stand.close().await;
}

#[tokio::test]
async fn session_without_credentials_says_what_to_do_and_a_changed_site_is_named() {
    let stand = Stand::open().await;
    let mut config = stand.config("outlier");
    config.credentials = None;
    let bridge = stand.bridge(config).await;
    let page = stand.hub.until(PageState::Blocked).await;
    assert_eq!(page.detail, "not logged in: log in with `wormhole login`");
    bridge.stop().await;

    stand.hub.drop_links();
    stand.site.switch(|switches| switches.unknown_models = true);
    let mut config = stand.config("outlier");
    config.session.check = Duration::from_millis(200);
    let bridge = stand.bridge(config).await;
    let page = stand.hub.until(PageState::Blocked).await;
    assert!(page.detail.starts_with("site_changed: call models: "), "{}", page.detail);
    stand.site.switch(|switches| switches.unknown_models = false);
    stand.hub.until(PageState::Ready).await;

    // Every login is taken and every session ends at once: at some point that is for a person.
    assert!(stand.site.misbehave(Call::Turn, Fault::Status { code: 401, retry_after: None }, 100));
    let mut turns = 0;
    while stand.hub.until_either(PageState::Ready, PageState::Blocked).await == PageState::Ready {
        stand.hub.post(ECHO, "x").failed().await;
        turns += 1;
    }
    assert_eq!(turns, 3);
    bridge.stop().await;
    stand.close().await;
}
