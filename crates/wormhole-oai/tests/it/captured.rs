//! What is posted for requests that were captured from real agents (`captured/README.md`).

use serde_json::Value;

use crate::stage::Stage;

/// Posts a captured body, with this stage's model in place of its own; what reaches the hub.
async fn posted(path: &str, body: &str) -> String {
    let stage = Stage::new().await;
    let mut body: Value = serde_json::from_str(body).unwrap();
    body["model"] = "echo".into();
    let (response, text) = tokio::join!(stage.post(path, &body), async {
        let turn = stage.hub.turn().await;
        let text = turn.submit.text.clone();
        turn.answer("done");
        text
    });
    assert_eq!(response.status(), 200);
    text
}

#[tokio::test]
async fn a_request_of_aider() {
    let text = posted("/v1/chat/completions", include_str!("captured/aider.json")).await;
    insta::assert_snapshot!(text);
}

#[tokio::test]
async fn a_request_of_codex_with_a_call_and_its_result() {
    let body = include_str!("captured/codex.json");
    let text = posted("/v1/responses", body).await;
    let schema = r#""parameters":{"type":"object","properties":{"target":"#;
    assert!(text.contains(schema), "a schema keeps the order of its keys");
    insta::assert_snapshot!(text);
}
