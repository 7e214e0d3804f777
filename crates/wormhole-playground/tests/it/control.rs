//! The control endpoint, for tests in other languages.

use serde_json::Value;
use serde_json::json;
use wormhole_playground::Config;
use wormhole_playground::ControlAccess;
use wormhole_playground::ECHO;
use wormhole_playground::Era;
use wormhole_playground::GATE;

use crate::site::Browser;
use crate::site::Running;
use crate::site::client;
use crate::site::logged_in;
use crate::site::quick;
use crate::site::said;
use crate::site::start;

async fn controlled() -> (Running, Browser) {
    let site = start(Config { control: ControlAccess::Loopback, ..quick() }).await;
    let mut browser = Browser::new(&site.origin);
    browser.login().await;
    (site, browser)
}

async fn tell(site: &Running, verb: &str, body: Value) -> (u16, Value) {
    let url = format!("{}/control/{verb}", site.origin);
    let told = client().build().unwrap().post(url).json(&body).send().await.unwrap();
    (told.status().as_u16(), told.json().await.unwrap())
}

async fn see(site: &Running, what: &str) -> Value {
    let url = format!("{}/control/{what}", site.origin);
    client().build().unwrap().get(url).send().await.unwrap().json().await.unwrap()
}

#[tokio::test]
async fn it_does_not_exist_unless_it_is_switched_on() {
    let (site, _browser) = logged_in().await;
    let answer =
        client().build().unwrap().get(format!("{}/control/state", site.origin)).send().await.unwrap();
    assert_eq!(answer.status(), 404);
}

#[tokio::test]
async fn it_wants_its_token_if_it_has_one() {
    let site = start(Config { control: ControlAccess::Token("t0".to_owned()), ..quick() }).await;
    let url = format!("{}/control/state", site.origin);
    let http = client().build().unwrap();
    assert_eq!(http.get(&url).send().await.unwrap().status(), 403);
    assert_eq!(http.get(&url).bearer_auth("t1").send().await.unwrap().status(), 403);
    assert_eq!(http.get(&url).bearer_auth("t0").send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn switches_are_set_one_by_one_and_unknown_ones_refused() {
    let (site, _browser) = controlled().await;
    let (status, now) = tell(&site, "switches", json!({ "era": "older", "cut_bytes": 3 })).await;
    assert_eq!((status, &now["era"], &now["cut_bytes"]), (200, &json!("older"), &json!(3)));
    assert_eq!(site.control.switches().era, Era::Older);
    for wrong in [json!({ "aera": "older" }), json!({ "era": 1 }), json!([])] {
        assert_eq!(tell(&site, "switches", wrong).await.0, 422);
    }
    assert_eq!(site.control.switches().cut_bytes, 3);
    assert_eq!(see(&site, "switches").await["word_pace_ms"], 0);
}

#[tokio::test]
async fn faults_are_ordered_and_taken_back() {
    let (site, browser) = controlled().await;
    for fault in [
        json!({ "kind": "status", "code": 429, "retry_after": 3 }),
        json!({ "kind": "cut", "after_words": 2 }),
        json!({ "kind": "html" }),
    ] {
        assert_eq!(tell(&site, "faults", json!({ "fault": fault })).await.0, 200);
    }
    assert_eq!(browser.ask("a b c", ECHO).await.status(), 429);
    let cut = said(&browser.ask("a b c", ECHO).await.text().await.unwrap());
    assert_eq!(cut, ("a b ".to_owned(), String::new(), false));
    let url = format!("{}/control/faults", site.origin);
    assert_eq!(client().build().unwrap().delete(url).send().await.unwrap().status(), 200);
    assert!(said(&browser.ask("a b c", ECHO).await.text().await.unwrap()).2);
    assert_eq!(tell(&site, "faults", json!({ "fault": { "kind": "wrath" } })).await.0, 422);
}

#[tokio::test]
async fn words_are_released_and_counters_waited_for() {
    let (site, browser) = controlled().await;
    let id = browser.converse("x", GATE).await;
    let answer = browser.turn(&id, "[[words:2]]", GATE, 0).await;
    let seen = see(&site, "state?wait_for=in_flight&at_least=1").await;
    assert_eq!((&seen["met"], &seen["state"]["turns_received"]), (&json!(true), &json!(1)));
    assert_eq!(tell(&site, "release", json!({ "count": 1 })).await.0, 200);
    assert_eq!(tell(&site, "release", json!({ "conversation": id })).await.0, 200);
    assert_eq!(tell(&site, "release", json!({ "conversation": "none" })).await.0, 404);
    assert_eq!(said(&answer.text().await.unwrap()).0, "w1 w2");
    let seen = see(&site, "state?wait_for=in_flight&at_most=0").await;
    assert_eq!(seen["met"], true);
    let seen = see(&site, "state?wait_for=turns_aborted&timeout_ms=1").await;
    assert_eq!(seen["met"], false);
    assert_eq!(see(&site, "turns").await["turns"][0]["outcome"], "completed");
    let wrong = see(&site, "state?wait_for=nonsense").await;
    assert!(wrong["error"]["message"].as_str().unwrap().contains("nonsense"));
}

#[tokio::test]
async fn sessions_end_and_tokens_go_stale() {
    let (site, mut browser) = controlled().await;
    assert_eq!(tell(&site, "rotate-csrf", json!({})).await.0, 200);
    assert_eq!(browser.post("/conversations", &json!({})).await.status(), 403);
    assert_eq!(tell(&site, "expire-sessions", json!({})).await.1["ended"], 1);
    assert_eq!(browser.api_get("/playground-models").await.status(), 401);
    assert_eq!(tell(&site, "release-held", json!({ "count": u64::MAX })).await.0, 200);
    assert_eq!(tell(&site, "release-held", json!({ "count": u64::MAX })).await.0, 200);
    assert_eq!(tell(&site, "nonsense", json!({})).await.0, 404);
}
