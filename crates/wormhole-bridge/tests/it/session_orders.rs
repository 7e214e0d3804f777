//! What an operator orders of the keeper.

use std::time::Duration;

use wormhole_playground::ECHO;
use wormhole_protocol::PageState;

use crate::{
    console_client::manned,
    session_hub::SOON,
    session_stand::{Stand, process_ended},
};

#[tokio::test]
async fn a_refused_login_is_tried_again_only_when_a_person_asks() {
    let password = |stand: &Stand| stand.folder.path().join("password");
    let (stand, bridge, mut viewer) = manned(PageState::Blocked, |stand, config| {
        std::fs::write(password(stand), "wrong\n").unwrap();
        config.credentials.as_mut().unwrap().password = wormhole_bridge::Password::File(password(stand));
        // The corrected file would be found sooner or later; here only the order may find it.
        config.session.person = Duration::from_hours(1);
    })
    .await;
    let page = stand.hub.until(PageState::Blocked).await;
    assert_eq!(page.detail, "the site refused the credentials: go on at http://console.example/");

    // Another browser is no reason to give the password again.
    let pid = stand.chrome_pid();
    viewer.order("restart").await;
    viewer.until_state("browser_down").await;
    viewer.until_state("blocked").await;
    process_ended(pid).await;
    let seen = stand.site.snapshot();
    assert_eq!((seen.logins_failed, seen.logins_ok), (1, 0));

    std::fs::write(password(&stand), "practice\n").unwrap();
    viewer.order("log_in").await;
    let status = viewer.until_state("ready").await;
    let seen = stand.site.snapshot();
    assert_eq!((seen.logins_failed, seen.logins_ok), (1, 1));
    let history: Vec<_> = status["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| change["state"].as_str().unwrap())
        .collect();
    assert_eq!(history[..2], ["ready", "logging_in"], "the newest first: {history:?}");
    bridge.stop().await;
    stand.close().await;
}

#[tokio::test]
async fn a_look_is_ordered_and_a_browser_restarts_with_its_session() {
    let (stand, bridge, mut viewer) = manned(PageState::Ready, |_, _| {}).await;
    viewer.until_state("ready").await;
    viewer.order("restart").await;
    viewer.until_state("browser_down").await;
    viewer.until_state("ready").await;
    assert_eq!(stand.site.snapshot().logins_ok, 1, "the session is kept");

    // The check is an hour away: only the order can find that the session is over.
    stand.site.expire_sessions();
    viewer.order("check").await;
    stand.site.wait_until(SOON, |seen| seen.logins_ok == 2).await.unwrap();
    viewer.until_state("ready").await;
    assert_eq!(stand.hub.post(ECHO, "hi").ended().await.text, "hi");
    bridge.stop().await;
    stand.close().await;
}
