//! The document of the API describes what is served.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::stage::{Stage, header, soon, text};

/// The route patterns of docs/API.md.
const DOCS: &str = include_str!("../../../../docs/API.md");

async fn document(stage: &Stage) -> Value {
    let response = stage.get("/openapi.json").await;
    assert_eq!(header(&response, "content-type"), Some("application/json"));
    response.json().await.unwrap()
}

fn operations(document: &Value) -> Vec<(String, String)> {
    let paths = document["paths"].as_object().unwrap();
    let operations = paths.iter().flat_map(|(path, item)| {
        item.as_object().unwrap().keys().map(move |method| (method.to_uppercase(), path.clone()))
    });
    operations.collect()
}

#[tokio::test]
async fn every_operation_is_served_and_told_of() {
    let stage = Stage::new().await;
    let document = document(&stage).await;
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let operations = operations(&document);
    assert!(operations.len() >= 25, "{operations:?}");
    for (method, path) in &operations {
        let there = path.replace("{id}", "echo").replace("{digest}", "sha256:00");
        let response = soon(stage.request(method, &there).body("{").send()).await.unwrap();
        let status = response.status().as_u16();
        let body = text(response).await;
        assert!(status != 405 && !body.contains("no such path"), "{method} {path}: {status} {body}");
        assert!(DOCS.contains(&format!("`{method} {path}`")), "docs/API.md does not tell of {method} {path}");
    }
    // And the other way round.
    let known: BTreeSet<String> =
        operations.iter().map(|(method, path)| format!("{method} {path}")).collect();
    for line in DOCS.lines().filter_map(|line| line.strip_prefix("### ")) {
        for route in line.split('`').filter(|part| part.contains(" /")) {
            assert!(known.contains(route), "docs/API.md tells of {route}, which is not served");
        }
    }
}

/// A value of a field that asks for something and can be honoured.
fn example(path: &str, name: &str) -> Value {
    let schema = json!({"type": "object", "properties": {}});
    let function = json!({"name": "f", "description": "d", "parameters": schema});
    match (path, name) {
        (_, "model") => json!("echo"),
        ("/v1/responses", "tools") => json!([{"type": "function", "name": "f", "parameters": schema}]),
        ("/v1/messages" | "/v1/messages/count_tokens", "tools") => {
            json!([{"name": "f", "input_schema": schema}])
        }
        (_, "tools") => json!([{"type": "function", "function": function}]),
        (_, "functions") => json!([function]),
        ("/v1/messages" | "/v1/messages/count_tokens", "tool_choice") => json!({"type": "auto"}),
        (_, "tool_choice" | "function_call") => json!("auto"),
        (_, "messages") => json!([{"role": "user", "content": "hi"}]),
        (_, "input" | "prompt") => json!("hi"),
        (_, "stream" | "parallel_tool_calls" | "store" | "think") => json!(false),
        (_, "stream_options") => json!({"include_usage": true}),
        (_, "n" | "best_of") => json!(1),
        (_, "max_tokens" | "max_completion_tokens" | "max_output_tokens") => json!(100),
        (_, "stop" | "stop_sequences") => json!(["x"]),
        (_, "response_format") => json!({"type": "text"}),
        (_, "text") => json!({"format": {"type": "text"}}),
        (_, "output_config") => json!({}),
        (_, "thinking") => json!({"type": "adaptive"}),
        (_, "metadata") => json!({"a": "b"}),
        (_, "options") => json!({"stop": ["x"], "num_predict": 5}),
        (_, "keep_alive") => json!("5m"),
        (_, "format") => json!(""),
        (_, "images") => json!([]),
        (_, "instructions" | "system" | "suffix") => json!("s"),
        // What needs more than itself.
        _ => Value::Null,
    }
}

#[tokio::test]
async fn every_field_that_is_described_is_honoured() {
    let stage = Stage::new().await;
    let document = document(&stage).await;
    for path in [
        "/v1/chat/completions",
        "/v1/responses",
        "/v1/completions",
        "/v1/messages",
        "/api/chat",
        "/api/generate",
    ] {
        let schema = "requestBody/content/application~1json/schema/properties";
        let pointer = format!("/paths/{}/post/{schema}", path.replace('/', "~1"));
        let fields = document.pointer(&pointer).unwrap().as_object().unwrap();
        let mut body: serde_json::Map<String, Value> =
            fields.keys().map(|name| (name.clone(), example(path, name))).collect();
        if body.contains_key("functions") {
            body.remove("functions");
            body.remove("function_call");
        }
        let body = Value::Object(body);
        let (response, ()) = tokio::join!(stage.post(path, &body), async {
            stage.hub.turn().await.answer("ok");
        });
        assert_eq!(header(&response, "x-wormhole-ignored"), None, "{path}");
        let status = response.status();
        assert_eq!(status, 200, "{path}: {}", text(response).await);
    }
}
