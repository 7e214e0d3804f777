//! The session at the site: expiry, a wrong password, a one-time code, restarts.

use std::time::Duration;

use wormhole_testkit::site::{Call, Config, Fault, Switches};
use wormhole_testkit::{Setup, Stack};

use crate::WORMHOLE;

#[tokio::test]
async fn an_expired_session_is_logged_in_again_once_and_the_request_succeeds() {
    let stack = Stack::start(WORMHOLE, Setup::default()).await;
    assert_eq!(stack.site.expire_sessions(), 1);
    assert_eq!(stack.api.answer("practice-echo", "after the expiry").await, "after the expiry");
    assert_eq!(stack.site.snapshot().logins_ok, 2);

    stack.site.rotate_csrf();
    assert_eq!(stack.api.answer("practice-echo", "with a stale token").await, "with a stale token");

    stack.site.misbehave(Call::Create, Fault::SilentLogout, 1);
    assert_eq!(stack.api.answer("practice-echo", "after a silent logout").await, "after a silent logout");
    assert_eq!(stack.site.snapshot().logins_ok, 3);
    stack.stop(&["after the expiry", "with a stale token", "after a silent logout"]).await;
}

#[tokio::test]
async fn a_wrong_password_is_tried_once_and_readiness_says_why() {
    let server = vec![("WORMHOLE_PERSON_WAIT", "100ms".to_owned())];
    let password = Some("wrong-password-1".to_owned());
    let setup = Setup { password, server, not_ready: true, ..Setup::default() };
    let stack = Stack::start(WORMHOLE, setup).await;
    stack.until_readyz("oai", 200).await;
    let refused = |seen: &wormhole_testkit::site::Snapshot| seen.logins_failed == 1;
    stack.site.wait_until(Duration::from_mins(1), refused).await.unwrap();
    let why =
        wormhole_testkit::until(Duration::from_secs(30), "the bridge says that it is blocked", || async {
            let (status, text) = stack.admin("bridge", "/readyz").await?;
            (status == 503 && text.contains("blocked")).then_some(text)
        })
        .await;
    assert!(why.contains("refused the credentials"), "{why}");
    assert_eq!(stack.admin("bridge", "/livez").await.unwrap().0, 200);

    let reply = stack.api.chat("practice-echo", "nobody home", false).send().await.unwrap();
    assert_eq!(reply.status(), 502);
    let error: serde_json::Value = reply.json().await.unwrap();
    assert_eq!(error["error"]["code"], "login_required", "{error}");
    assert_eq!(stack.site.snapshot().logins_failed, 1, "no second try");
    stack.stop(&["nobody home"]).await;
}

#[tokio::test]
async fn a_one_time_code_is_a_challenge_that_nobody_tries_to_pass() {
    let switches = Switches { one_time_code: true, ..Switches::default() };
    let site = Config { switches, ..Config::default() };
    let server = vec![("WORMHOLE_PERSON_WAIT", "100ms".to_owned())];
    let setup = Setup { site, server, not_ready: true, ..Setup::default() };
    let stack = Stack::start(WORMHOLE, setup).await;
    let why = wormhole_testkit::until(Duration::from_mins(1), "the bridge says challenge", || async {
        let (status, text) = stack.admin("bridge", "/readyz").await?;
        (status == 503 && text.contains("challenge")).then_some(text)
    })
    .await;
    assert!(why.contains("code"), "{why}");
    stack.until_readyz("oai", 200).await;
    let reply = stack.api.chat("practice-echo", "nobody home", false).send().await.unwrap();
    let error: serde_json::Value = reply.json().await.unwrap();
    assert_eq!(error["error"]["code"], "challenge", "{error}");
    let seen = stack.site.snapshot();
    assert_eq!((seen.logins_ok, seen.codes_ok, seen.codes_failed), (1, 0, 0));
    stack.stop(&["nobody home"]).await;
}

#[tokio::test]
async fn a_restart_of_everything_posts_no_login_again() {
    let mut stack = Stack::start(WORMHOLE, Setup::default()).await;
    assert_eq!(stack.api.answer("practice-echo", "ask at first").await, "ask at first");
    for process in [stack.oai.take(), stack.bridge.take(), stack.server.take()].into_iter().flatten() {
        assert_eq!(process.end(Duration::from_secs(30)).await, Some(0));
    }
    stack.start_server();
    stack.start_bridge();
    stack.start_oai();
    stack.until_ready().await;
    assert_eq!(stack.api.answer("practice-echo", "ask again").await, "ask again");
    assert_eq!(stack.site.snapshot().logins_ok, 1);

    // Nobody asks politely this time, and the browser goes with its bridge.
    stack.bridge.take().unwrap().kill().await;
    let profile = stack.profile();
    wormhole_testkit::until(Duration::from_secs(10), "Chromium has gone with its bridge", || async {
        wormhole_testkit::chromium_pids(&profile).is_empty().then_some(())
    })
    .await;
    stack.start_bridge();
    stack.until_ready().await;
    assert_eq!(stack.api.answer("practice-echo", "after the kill").await, "after the kill");
    assert_eq!(stack.site.snapshot().logins_ok, 1);
    stack.stop(&["ask at first", "after the kill"]).await;
}
