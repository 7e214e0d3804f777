//! The JSON API: who may call, models of both eras, conversations.

use reqwest::Method;
use serde_json::Value;
use serde_json::json;
use wormhole_playground::AGENT;
use wormhole_playground::ECHO;
use wormhole_playground::EYES;
use wormhole_playground::Era;
use wormhole_playground::GATE;
use wormhole_playground::Limits;
use wormhole_playground::STORY;
use wormhole_playground::THINKER;

use crate::site::Browser;
use crate::site::logged_in;
use crate::site::quick;
use crate::site::start;
use crate::site::turn;

async fn json(response: reqwest::Response) -> Value {
    response.json().await.unwrap()
}

#[tokio::test]
async fn without_a_session_every_call_is_401_in_json() {
    let site = start(quick()).await;
    let mut browser = Browser::new(&site.origin);
    for path in ["/playground-models", "/conversations/paginated", "/conversations/ab"] {
        let refused = browser.api_get(path).await;
        assert_eq!(refused.status(), 401);
        assert_eq!(json(refused).await["error"]["code"], "unauthorized");
    }
    assert_eq!(browser.post("/conversations", &json!({})).await.status(), 401);
    assert_eq!(site.control.snapshot().unauthorized, 4);
}

#[tokio::test]
async fn state_changing_calls_want_a_fresh_csrf_token_and_a_page_load_brings_it() {
    let (site, mut browser) = logged_in().await;
    let id = browser.converse("x", ECHO).await;
    site.control.rotate_csrf();
    let path = format!("/conversations/{id}");
    for refused in [
        browser.post("/conversations", &json!({ "prompt": { "text": "x" }, "model": ECHO })).await,
        browser.turn(&id, "x", ECHO, 0).await,
        browser.api(Method::DELETE, &path).send().await.unwrap(),
    ] {
        assert_eq!(refused.status(), 403);
        assert_eq!(json(refused).await["error"]["code"], "invalid_csrf");
    }
    assert_eq!(browser.api_get(&path).await.status(), 200);
    assert_eq!(site.control.snapshot().csrf_refused, 3);
    browser.get("/chat").await;
    assert_eq!(browser.turn(&id, "x", ECHO, 0).await.status(), 200);
}

#[tokio::test]
async fn the_newer_era_lists_full_records_and_the_older_path_does_not_exist() {
    let (_site, mut browser) = logged_in().await;
    assert_eq!(browser.api_get("/models").await.status(), 404);
    let models = json(browser.api_get("/playground-models").await).await;
    let models = models.as_array().unwrap();
    for model in models {
        let id = model["id"].as_str().unwrap();
        assert!(id.len() == 24 && id.bytes().all(|byte| byte.is_ascii_hexdigit()));
        for field in ["endpointString", "displayName", "status", "visibility", "provider", "modelVersion"] {
            assert!(model[field].is_string(), "{field}");
        }
        let inputs = if model["endpointString"] == EYES { json!(["Text", "Image"]) } else { json!(["Text"]) };
        assert!(model["inputTypes"] == inputs && model["outputTypes"] == json!(["Text"]));
    }
    let stories: Vec<_> = models.iter().filter(|model| model["endpointString"] == STORY).collect();
    assert_eq!(stories.len(), 2);
    assert!(stories[0]["parentId"] == stories[1]["id"] && stories[1]["parentId"].is_null());
    assert_eq!(models.iter().filter(|model| model["status"] != "Ok").count(), 1);
}

#[tokio::test]
async fn the_older_era_lists_ids_and_names_and_takes_calls_with_little_in_them() {
    let (site, mut browser) = logged_in().await;
    site.control.switch(|switches| switches.era = Era::Older);
    assert_eq!(browser.api_get("/playground-models").await.status(), 404);
    let models = json(browser.api_get("/models").await).await;
    let names: Vec<_> =
        models.as_array().unwrap().iter().map(|model| model["name"].as_str().unwrap()).collect();
    assert_eq!(names, [ECHO, STORY, THINKER, GATE, EYES, AGENT]);
    let made =
        browser.post("/conversations", &json!({ "prompt": { "text": "x" }, "model": models[0]["id"] })).await;
    assert_eq!(json(made).await["model"], ECHO);
}

#[tokio::test]
async fn a_conversation_is_made_answered_read_listed_and_deleted() {
    let (site, mut browser) = logged_in().await;
    let id = browser.converse("  Guten\n Tag ", ECHO).await;
    assert!(id.len() == 24 && id.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let path = format!("/conversations/{id}");
    assert_eq!(json(browser.api_get(&path).await).await["turns"], json!([]));
    browser.turn(&id, "one", ECHO, 0).await.text().await.unwrap();
    browser.turn(&id, "two", ECHO, 1).await.text().await.unwrap();
    assert_eq!(
        json(browser.api_get(&path).await).await,
        json!({ "id": id, "title": "Guten Tag", "model": ECHO, "turns": [
            { "idx": 1, "prompt": { "text": "one" }, "reply": "one", "complete": true },
            { "idx": 2, "prompt": { "text": "two" }, "reply": "two", "complete": true },
        ]})
    );
    let other = browser.converse("other", ECHO).await;
    let listed = json(browser.api_get("/conversations/paginated?page=2&pageSize=1").await).await;
    assert_eq!(listed["total"], 2);
    assert_eq!(listed["conversations"][0]["id"], id);
    assert_ne!(other, id);
    assert_eq!(browser.api(Method::DELETE, &path).send().await.unwrap().status(), 200);
    assert_eq!(browser.api(Method::DELETE, &path).send().await.unwrap().status(), 404);
    assert_eq!(browser.api_get(&path).await.status(), 404);
    let seen = site.control.snapshot();
    assert_eq!((seen.conversations_created, seen.conversations_deleted, seen.turns_completed), (2, 1, 2));
}

#[tokio::test]
async fn wrong_calls_get_errors_that_name_what_is_wrong() {
    let (_site, browser) = logged_in().await;
    let id = browser.converse("x", ECHO).await;
    let path = format!("/conversations/{id}/turn-streaming");
    let mut two_models = turn("x", ECHO, 0);
    let story = browser.clone().api_get("/playground-models").await;
    two_models["modelId"] = json(story).await[2]["id"].clone();
    for (path, body, status, named) in [
        ("/conversations/none/turn-streaming", turn("x", ECHO, 0), 404, "conversation"),
        (path.as_str(), turn("x", "gpt-9", 0), 422, "gpt-9"),
        (path.as_str(), turn("x", "practice-retired", 0), 422, "not available"),
        (path.as_str(), two_models, 422, "two models"),
        (path.as_str(), turn("x", ECHO, 1), 409, "must be 0"),
        (path.as_str(), json!({ "model": ECHO }), 422, "prompt"),
        ("/conversations", json!({ "model": ECHO }), 422, "prompt"),
        ("/conversations", json!({ "prompt": { "text": "x" } }), 422, "no model"),
        ("/nothing", json!({}), 404, "no such call"),
    ] {
        let refused = browser.post(path, &body).await;
        assert_eq!(refused.status(), status, "{body}");
        let error = json(refused).await;
        assert!(error["error"]["message"].as_str().unwrap().contains(named), "{error}");
    }
    let refused = browser.api(Method::PUT, "/conversations").send().await.unwrap();
    assert_eq!(refused.status(), 405);
    for (kind, body, status) in [("application/json", "{", 400), ("text/plain", "{}", 415)] {
        let request = browser.api(Method::POST, "/conversations").header("content-type", kind).body(body);
        assert_eq!(request.send().await.unwrap().status(), status);
    }
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_413() {
    let site = start(wormhole_playground::Config {
        limits: Limits { body_bytes: 1_000, ..Limits::default() },
        ..quick()
    })
    .await;
    let mut browser = Browser::new(&site.origin);
    browser.login().await;
    let refused = browser.post("/conversations", &json!({ "prompt": { "text": "x".repeat(2_000) } })).await;
    assert_eq!(refused.status(), 413);
    assert_eq!(json(refused).await["error"]["code"], "too_large");
}
