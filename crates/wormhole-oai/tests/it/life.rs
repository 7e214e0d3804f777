//! The drain: running answers end, new requests are told to come back.

use std::process::ExitCode;

use serde_json::{Value, json};

use crate::stage::{Stage, header, piece, soon, text};

#[tokio::test]
async fn a_drain_finishes_what_runs_and_refuses_what_is_new() {
    let stage = Stage::new().await;
    let (mut streamed, mut first) =
        tokio::join!(stage.openai(json!({"stream": true})), async { stage.hub.turn().await.begun("half ") });
    while !piece(&mut streamed).await.contains("half ") {}
    let whole = stage.openai(json!({"model": "story"}));
    let (whole, ()) = tokio::join!(whole, async {
        let second = stage.hub.turn().await;
        stage.lifecycle.shutdown("test");
        for (path, body) in [("/v1/chat/completions", json!({})), ("/api/chat", json!({}))] {
            let refused = stage.post(path, &body).await;
            assert_eq!(refused.status(), 503, "{path}");
            assert!(
                header(&refused, "retry-after").is_some() && header(&refused, "x-should-retry").is_none()
            );
            let error = &refused.json::<Value>().await.unwrap()["error"];
            assert!(error.is_string() || error["code"] == "draining");
        }
        let ready = soon(stage.client.get(format!("{}/readyz", stage.admin)).send()).await.unwrap();
        assert_eq!(ready.status(), 503);
        second.answer("whole");
    });
    assert_eq!(whole.status(), 200);
    first.text("and half");
    first.done();
    let rest = text(streamed).await;
    assert!(rest.contains("and half") && rest.ends_with("data: [DONE]\n\n"), "{rest}");
    let code = soon(stage.lifecycle.wait()).await;
    assert_eq!(format!("{code:?}"), format!("{:?}", ExitCode::SUCCESS));
    assert!(stage.request("GET", "/").send().await.is_err(), "the socket is closed");
}

#[tokio::test]
async fn an_idle_service_ends_at_once() {
    let stage = Stage::new().await;
    stage.lifecycle.shutdown("test");
    let code = soon(stage.lifecycle.wait()).await;
    assert_eq!(format!("{code:?}"), format!("{:?}", ExitCode::SUCCESS));
}
