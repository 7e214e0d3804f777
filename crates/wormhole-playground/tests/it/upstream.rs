//! A model server behind the site; another practice-like server stands in for it.

use std::sync::Arc;
use std::sync::Mutex;

use axum::Json;
use axum::Router;
use axum::routing::get;
use axum::routing::post;
use serde_json::Value;
use serde_json::json;
use tokio::net::TcpListener;
use wormhole_playground::AnswerWith;
use wormhole_playground::Config;
use wormhole_playground::Shape;

use crate::site::Browser;
use crate::site::Running;
use crate::site::SOON;
use crate::site::quick;
use crate::site::said;
use crate::site::start;

const STREAM: &str = "data: {\"choices\":[{\"delta\":{\"reasoning_content\":\"hm\"}}]}\n\n\
                      data: {\"choices\":[{\"delta\":{\"content\":\"gr\u{fc}n\"},\"finish_reason\":null}]}\n\n\
                      data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";

/// A site in front of a model server that answers with `stream`, and what that server was asked.
async fn answered_with(stream: &'static str) -> (Running, Browser, Arc<Mutex<Vec<Value>>>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let asked_here = Arc::clone(&asked);
    let router = Router::new()
        .route("/v1/models", get(|| async { Json(json!({ "data": [{ "id": "llama-tiny" }] })) }))
        .route(
            "/v1/chat/completions",
            post(move |Json(body): Json<Value>| async move {
                asked_here.lock().unwrap().push(body);
                stream
            }),
        );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/v1/", listener.local_addr().unwrap());
    let answer_with = Some(AnswerWith { base, key: Some("k".to_owned()) });
    let mut site = start(Config { answer_with, ..quick() }).await;
    site.tasks.spawn(async move { axum::serve(listener, router).await.unwrap() });
    let mut browser = Browser::new(&site.origin);
    browser.login().await;
    (site, browser, asked)
}

#[tokio::test]
async fn a_model_server_answers_for_its_own_models_with_the_history() {
    let (site, mut browser, asked) = answered_with(STREAM).await;
    let models: Value = browser.api_get("/playground-models").await.json().await.unwrap();
    assert_eq!(models.as_array().unwrap().last().unwrap()["endpointString"], "llama-tiny");
    let id = browser.converse("x", "llama-tiny").await;
    let answer = browser.turn(&id, "colour?", "llama-tiny", 0).await.text().await.unwrap();
    assert_eq!(said(&answer), ("grün".to_owned(), "hm".to_owned(), true));
    site.control.switch(|switches| switches.shape = Shape::Typed);
    let answer = browser.turn(&id, "again", "llama-tiny", 1).await.text().await.unwrap();
    assert!(answer.ends_with("data: {\"type\":\"done\"}\n\n"));
    let asked = asked.lock().unwrap();
    assert_eq!(
        asked[1]["messages"],
        json!([
            { "role": "user", "content": "colour?" },
            { "role": "assistant", "content": "grün" },
            { "role": "user", "content": "again" },
        ])
    );
}

#[tokio::test]
async fn a_model_server_that_breaks_off_breaks_the_answer_off() {
    let (site, browser, _) =
        answered_with("data: {\"choices\":[{\"delta\":{\"content\":\"half\"}}]}\n\n").await;
    let mut answer = browser.ask("x", "llama-tiny").await;
    let broken = loop {
        match answer.chunk().await {
            Ok(Some(_)) => {}
            Ok(None) => break false,
            Err(_) => break true,
        }
    };
    assert!(broken);
    site.control.wait_until(SOON, |seen| seen.turns_broken == 1).await.unwrap();
}

#[tokio::test]
async fn without_its_model_server_the_site_still_practises() {
    let answer_with = Some(AnswerWith { base: "http://127.0.0.1:9/v1".to_owned(), key: None });
    let site = start(Config { answer_with, ..quick() }).await;
    let mut browser = Browser::new(&site.origin);
    browser.login().await;
    assert!(said(&browser.ask("hello", "practice-echo").await.text().await.unwrap()).2);
}
