//! Embeddings: refused, or passed on.

use std::net::SocketAddr;

use async_openai::types::embeddings::{CreateBase64EmbeddingResponse, CreateEmbeddingResponse};
use axum::routing::post;
use axum::{Json, Router};
use http::HeaderMap;
use serde_json::{Value, json};
use wormhole_oai::EmbeddingsServer;
use wormhole_runtime::{Lifecycle, listen, serve_http};

use crate::stage::Stage;

/// A server that gives each text its length and its place.
async fn server(lifecycle: &Lifecycle) -> EmbeddingsServer {
    let answer = async |headers: HeaderMap, Json(body): Json<Value>| {
        if body["model"] != "small" {
            return (http::StatusCode::NOT_FOUND, Json(json!({"error": {"message": "no such model"}})));
        }
        assert_eq!(headers["authorization"], "Bearer k3y");
        assert_eq!(body["encoding_format"], "float");
        let texts: Vec<Value> = match &body["input"] {
            Value::Array(texts) => texts.clone(),
            text => vec![text.clone()],
        };
        let length = |text: &Value| text.as_str().map_or(0, str::len);
        let data: Vec<_> = texts
            .iter()
            .enumerate()
            .map(|(place, text)| json!({"object": "embedding", "index": place, "embedding": [length(text), place]}))
            .collect();
        let usage = json!({"prompt_tokens": 3, "total_tokens": 3});
        (
            http::StatusCode::OK,
            Json(json!({"object": "list", "data": data, "model": "small", "usage": usage})),
        )
    };
    let listener = listen(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let url = format!("http://{}/v1/", listener.local_addr().unwrap()).parse().unwrap();
    serve_http(listener, Router::new().route("/v1/embeddings", post(answer)), lifecycle, "embeddings");
    EmbeddingsServer { url, key: Some("k3y".into()) }
}

async fn stage() -> Stage {
    let lifecycle = Lifecycle::new(std::time::Duration::from_secs(1));
    let server = server(&lifecycle).await;
    Stage::with(|config| config.embeddings = Some(server)).await
}

#[tokio::test]
async fn without_a_server_they_are_refused() {
    let stage = Stage::new().await;
    let refused = stage.post("/v1/embeddings", &json!({"model": "echo", "input": "a"})).await;
    assert_eq!(refused.status(), 501);
    let refused: Value = refused.json().await.unwrap();
    assert_eq!(refused["error"]["code"], "unsupported");
    assert!(refused["error"]["message"].as_str().unwrap().contains("WORMHOLE_EMBEDDINGS_URL"));
}

#[tokio::test]
async fn they_are_passed_on_and_packed_if_asked_for() {
    let stage = stage().await;
    let body = json!({"model": "small", "input": ["a", "bcd"]});
    let list: Value = stage.post("/v1/embeddings", &body).await.json().await.unwrap();
    serde_json::from_value::<CreateEmbeddingResponse>(list.clone()).unwrap();
    assert_eq!(list["data"][1]["embedding"], json!([3.0, 1.0]));
    let body = json!({"model": "small", "input": "bcd", "encoding_format": "base64"});
    let list: Value = stage.post("/v1/embeddings", &body).await.json().await.unwrap();
    serde_json::from_value::<CreateBase64EmbeddingResponse>(list.clone()).unwrap();
    assert_eq!(list["data"][0]["embedding"], "AABAQAAAAAA=");
    let refused = stage.post("/v1/embeddings", &json!({"model": "large", "input": "a"})).await;
    assert_eq!(refused.status(), 404);
    assert!(
        refused.json::<Value>().await.unwrap()["error"]["message"]
            .as_str()
            .unwrap()
            .contains("no such model")
    );
    let wrong = json!({"model": "small", "input": "a", "encoding_format": "int8"});
    assert_eq!(stage.post("/v1/embeddings", &wrong).await.status(), 400);
}

#[tokio::test]
async fn ollamas_forms_are_translated() {
    let stage = stage().await;
    let many: Value = stage
        .post("/api/embed", &json!({"model": "small", "input": ["a", "bcd"], "truncate": true}))
        .await
        .json()
        .await
        .unwrap();
    assert_eq!((&many["model"], &many["embeddings"]), (&json!("small"), &json!([[1.0, 0.0], [3.0, 1.0]])));
    assert_eq!(many["prompt_eval_count"], 3);
    let none: Value =
        stage.post("/api/embed", &json!({"model": "small", "input": []})).await.json().await.unwrap();
    assert_eq!(none["embeddings"], json!([]));
    let one: Value = stage
        .post("/api/embeddings", &json!({"model": "small", "prompt": "bcd"}))
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(one, json!({"embedding": [3.0, 0.0]}));
}
