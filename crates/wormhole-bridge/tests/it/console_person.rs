//! A person gets the session through what the site asks for, at the console's own socket.

use std::time::Duration;

use wormhole_playground::{ECHO, GATE};
use wormhole_protocol::{FailureCode, PageState};

use crate::{
    console_client::{Viewer, manned},
    session_hub::SOON,
};

#[tokio::test]
async fn person_types_a_one_time_code_and_the_bridge_goes_on_by_itself() {
    let (stand, bridge, mut viewer) = manned(PageState::Challenge, |stand, config| {
        stand.site.switch(|switches| switches.one_time_code = true);
        // As in real life: without the console's word the bridge would look only then.
        config.session.person = Duration::from_mins(10);
    })
    .await;
    let page = stand.hub.until(PageState::Challenge).await;
    assert_eq!(page.detail, "the site asks for a one-time code: go on at http://console.example/");

    let status = viewer.until_state("challenge").await;
    assert_eq!((status["may_work"].as_bool(), status["paused"].as_bool()), (Some(true), Some(false)));
    let (width, height, jpeg) = viewer.picture().await;
    assert!(width > 1000 && height > 500, "{width} × {height}");
    assert_eq!(jpeg[..2], [0xff, 0xd8], "a JPEG");
    // The field has the focus when the page opens. (Clicks: see the captcha.)
    let eyes = stand.person().await;
    eyes.place("input[autocomplete=one-time-code]").await;
    viewer.type_keys("4242").await;
    viewer.paste("42").await;
    eyes.sees("document.activeElement.value === '424242'").await;
    viewer.key("Enter", 13).await;
    stand.hub.until(PageState::Ready).await;
    let status = viewer.until_state("ready").await;
    assert_eq!((status["hub_joined"].as_bool(), status["may_work"].as_bool()), (Some(true), Some(false)));
    assert!(status["models"].as_u64().unwrap() > 0);
    let seen = stand.site.snapshot();
    assert_eq!((seen.logins_ok, seen.codes_ok, seen.codes_failed), (1, 1, 0));
    assert_eq!(stand.hub.post(ECHO, "hi").ended().await.text, "hi");

    // The page is Wormhole's now: hands are kept off it.
    viewer.click((200.0, 200.0)).await;
    let note = viewer.until("a note", |told| told["type"] == "note").await;
    assert!(note["text"].as_str().unwrap().starts_with("Pause first"), "{note}");
    bridge.stop().await;
    stand.close().await;
}

#[tokio::test]
async fn person_solves_a_captcha_and_logs_in_by_hand() {
    let (stand, bridge, mut viewer) = manned(PageState::Challenge, |stand, _| {
        stand.site.switch(|switches| switches.captcha = true);
    })
    .await;
    viewer.picture().await;
    let eyes = stand.person().await;
    viewer.click(eyes.place("#person").await).await;
    eyes.sees("document.querySelector('#person').checked").await;
    viewer.click(eyes.place("[type=submit]").await).await;
    stand.site.wait_until(SOON, |seen| seen.captchas_passed == 1).await.unwrap();
    viewer.click(eyes.place("#email").await).await;
    viewer.type_keys("demo").await;
    viewer.paste("@example.test").await;
    viewer.key("Tab", 9).await;
    eyes.sees("document.querySelector('#email').value === 'demo@example.test'").await;
    eyes.sees("document.activeElement.type === 'password'").await;
    viewer.type_keys("practice").await;
    eyes.sees("document.activeElement.value === 'practice'").await;
    viewer.key("Enter", 13).await;
    stand.hub.until(PageState::Ready).await;
    let seen = stand.site.snapshot();
    assert_eq!((seen.logins_ok, seen.logins_failed), (1, 0));
    bridge.stop().await;
    stand.close().await;
}

#[tokio::test]
async fn operator_pauses_and_resumes_and_one_of_two_has_the_control() {
    let (stand, bridge, mut first) = manned(PageState::Ready, |_, _| {}).await;
    first.until("control", |told| told["yours"] == true).await;
    let mut second = Viewer::at(&bridge).await;
    second.until("a seat", |told| told["yours"] == false && told["viewers"] == 2).await;

    // An answer that runs may end while the page is paused; nothing new is taken.
    let mut running = stand.hub.post(GATE, "[[words:2]]");
    stand.site.release(1);
    running.until_text("w1").await;
    first.order("pause").await;
    let paused = first.until("paused", |told| told["paused"] == true && told["running"] == 1).await;
    assert_eq!(paused["detail"], "paused by the operator");
    assert_eq!(stand.hub.until(PageState::Starting).await.detail, "paused by the operator");
    assert_eq!(stand.hub.post(ECHO, "no").failed().await.code, FailureCode::LoginRequired);
    stand.site.release(1);
    assert_eq!(running.ended().await.text, " w2");

    // Only one pair of hands: the second takes the control, the first is told and no longer obeyed.
    second.send(serde_json::json!({"type": "take_control"})).await;
    first.until("the loss", |told| told["type"] == "seats" && told["yours"] == false).await;
    first.order("resume").await;
    second.until("control", |told| told["yours"] == true).await;
    second.send(serde_json::json!({"type": "open", "url": "https://evil.example/"})).await;
    let note = second.until("a note", |told| told["type"] == "note").await;
    assert_eq!(note["text"], "This address is not one of the site's.");
    second.order("resume").await;
    stand.hub.until(PageState::Ready).await;
    assert_eq!(stand.hub.post(ECHO, "yes").ended().await.text, "yes");
    assert_eq!(stand.site.snapshot().logins_ok, 1);
    bridge.stop().await;
    stand.close().await;
}
