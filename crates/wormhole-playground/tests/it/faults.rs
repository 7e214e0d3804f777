//! Each misbehaviour, as its client meets it.

use std::time::Duration;

use serde_json::Value;
use serde_json::json;
use wormhole_playground::Call;
use wormhole_playground::ECHO;
use wormhole_playground::Fault;
use wormhole_playground::Outcome;
use wormhole_playground::STORY;

use crate::site::Browser;
use crate::site::SOON;
use crate::site::logged_in;
use crate::site::said;
use crate::site::turn;

#[tokio::test]
async fn an_ordered_status_comes_as_often_as_ordered_and_leaves_no_turn_behind() {
    let (site, mut browser) = logged_in().await;
    let limited = Fault::Status { code: 429, retry_after: Some(7) };
    assert!(site.control.misbehave(Call::Turn, limited, 2));
    assert!(site.control.misbehave(Call::Turn, Fault::Status { code: 500, retry_after: None }, 1));
    let id = browser.converse("x", ECHO).await;
    for status in [429, 429, 500, 200] {
        let answer = browser.turn(&id, "x", ECHO, 0).await;
        assert_eq!(answer.status(), status);
        assert_eq!(answer.headers().contains_key("retry-after"), status == 429);
        answer.text().await.unwrap();
    }
    let read: Value = browser.api_get(&format!("/conversations/{id}")).await.json().await.unwrap();
    assert_eq!(read["turns"].as_array().unwrap().len(), 1);
    let seen = site.control.snapshot();
    assert_eq!((seen.turns_received, seen.turns_refused, seen.turns_completed), (4, 3, 1));
    assert_eq!((seen.faults_met, seen.in_flight), (3, 0));
}

#[tokio::test]
async fn a_cut_stream_ends_cleanly_or_abruptly_but_never_properly() {
    let (site, mut browser) = logged_in().await;
    for abrupt in [false, true] {
        site.control.misbehave(Call::Turn, Fault::Cut { after_words: 3, abrupt }, 1);
        let id = browser.converse("x", STORY).await;
        let mut answer = browser.turn(&id, "x", STORY, 0).await;
        let mut stream = String::new();
        let ended = loop {
            match answer.chunk().await {
                Ok(Some(bytes)) => stream.push_str(std::str::from_utf8(&bytes).unwrap()),
                Ok(None) => break true,
                Err(_) => break false,
            }
        };
        assert_eq!(ended, !abrupt);
        assert_eq!(said(&stream), ("At the end".to_owned(), String::new(), false));
        let read: Value = browser.api_get(&format!("/conversations/{id}")).await.json().await.unwrap();
        assert_eq!(read["turns"][0]["reply"], "At the end");
        assert_eq!(read["turns"][0]["complete"], false);
    }
    let seen = site.control.wait_until(SOON, |seen| seen.turns_broken == 2).await.unwrap();
    assert_eq!(seen.in_flight, 0);
}

#[tokio::test]
async fn a_stalled_stream_stays_open_until_its_client_leaves() {
    let (site, browser) = logged_in().await;
    site.control.misbehave(Call::Turn, Fault::Stall { after_words: 1 }, 1);
    let mut answer = browser.ask("one two three", ECHO).await;
    let mut stream = String::new();
    while !stream.contains("one") {
        stream.push_str(std::str::from_utf8(&answer.chunk().await.unwrap().unwrap()).unwrap());
    }
    assert!(tokio::time::timeout(Duration::from_millis(100), answer.chunk()).await.is_err());
    assert_eq!(site.control.snapshot().in_flight, 1);
    drop(answer);
    let seen = site.control.wait_until(SOON, |seen| seen.in_flight == 0).await.unwrap();
    assert_eq!(seen.turns[0].outcome, Outcome::Aborted);
}

#[tokio::test]
async fn html_and_unknown_shapes_come_in_place_of_the_real_thing() {
    let (site, mut browser) = logged_in().await;
    site.control.misbehave(Call::Turn, Fault::Html, 1);
    let answer = browser.ask("x", ECHO).await;
    assert_eq!(answer.status(), 200);
    assert!(answer.headers()["content-type"].to_str().unwrap().starts_with("text/html"));
    site.control.misbehave(Call::Turn, Fault::UnknownShape, 1);
    let stream = browser.ask("x", ECHO).await.text().await.unwrap();
    assert!(stream.contains("utterance.v9") && !stream.contains("choices") && !stream.contains("DONE"));
    site.control.misbehave(Call::Models, Fault::UnknownShape, 1);
    let models: Value = browser.api_get("/playground-models").await.json().await.unwrap();
    assert!(models.is_object());
    site.control.switch(|switches| switches.unknown_models = true);
    let models: Value = browser.api_get("/playground-models").await.json().await.unwrap();
    assert!(models["data"]["records"].is_array());
}

#[tokio::test]
async fn a_silent_logout_answers_200_with_the_login_page() {
    let (site, mut browser) = logged_in().await;
    site.control.misbehave(Call::Models, Fault::SilentLogout, 1);
    let answer = browser.api_get("/playground-models").await;
    assert_eq!(answer.status(), 200);
    assert!(answer.text().await.unwrap().contains(r#"type="password""#));
    assert_eq!(browser.api_get("/playground-models").await.status(), 401);
    assert_eq!(site.control.snapshot().sessions, 0);
}

#[tokio::test]
async fn a_held_response_is_received_but_not_answered_until_it_is_released() {
    let (site, browser) = logged_in().await;
    site.control.misbehave(Call::Turn, Fault::HoldResponse, 1);
    let id = browser.converse("x", ECHO).await;
    let asking = browser.turn(&id, "x", ECHO, 0);
    let releasing = async {
        let seen = site.control.wait_until(SOON, |seen| seen.held == 1).await.unwrap();
        assert_eq!((seen.turns_received, seen.in_flight), (1, 1));
        site.control.release_held(1);
    };
    let (answer, ()) = tokio::join!(asking, releasing);
    assert_eq!(said(&answer.text().await.unwrap()).0, "x");
    assert_eq!(site.control.snapshot().held, 0);
}

#[tokio::test]
async fn a_client_that_leaves_a_held_call_is_noticed() {
    let (site, browser) = logged_in().await;
    site.control.misbehave(Call::Turn, Fault::HoldResponse, 1);
    let id = browser.converse("x", ECHO).await;
    let path = format!("/conversations/{id}/turn-streaming");
    let body = turn("x", ECHO, 0);
    tokio::select! {
        _ = browser.try_post(&path, &body) => unreachable!("nobody let it go"),
        seen = site.control.wait_until(SOON, |seen| seen.held == 1) => { seen.unwrap(); }
    }
    let seen = site.control.wait_until(SOON, |seen| seen.turns_aborted == 1).await.unwrap();
    assert_eq!((seen.held, seen.in_flight), (0, 0));
}

#[tokio::test]
async fn sessions_can_be_expired_and_logged_in_again() {
    let (site, mut browser) = logged_in().await;
    assert_eq!(site.control.expire_sessions(), 1);
    assert_eq!(browser.api_get("/playground-models").await.status(), 401);
    assert_eq!(browser.get("/chat").await.status(), 302);
    browser.login().await;
    assert_eq!(browser.api_get("/playground-models").await.status(), 200);
    assert_eq!(site.control.snapshot().logins_ok, 2);
}

#[tokio::test]
async fn every_kind_of_call_can_fail_and_orders_can_be_taken_back() {
    let (site, mut browser) = logged_in().await;
    let unwell = Fault::Status { code: 503, retry_after: None };
    let id = browser.converse("x", ECHO).await;
    let path = format!("/conversations/{id}");
    let all = [Call::Login, Call::Page, Call::Models, Call::Create, Call::Read, Call::List, Call::Delete];
    for call in all {
        site.control.misbehave(call, unwell.clone(), 1);
    }
    let new = json!({ "prompt": { "text": "x" }, "model": ECHO });
    let mut stranger = Browser::new(&site.origin);
    for failed in [
        stranger.submit("/en/expert/login", "email=a").await,
        browser.get("/chat").await,
        browser.api_get("/playground-models").await,
        browser.post("/conversations", &new).await,
        browser.api_get(&path).await,
        browser.api_get("/conversations/paginated").await,
        browser.api(reqwest::Method::DELETE, &path).send().await.unwrap(),
    ] {
        assert_eq!(failed.status(), 503, "{}", failed.url());
    }
    site.control.misbehave(Call::Models, unwell, 5);
    site.control.behave();
    assert_eq!(browser.api_get("/playground-models").await.status(), 200);
}
