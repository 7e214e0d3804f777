//! Ollama's generate, ps, pull, and what it cannot do here.

use serde_json::{Value, json};

use crate::stage::{Stage, header, soon, text};

#[tokio::test]
async fn a_stream_is_the_default_and_ends_with_counts() {
    let stage = Stage::new().await;
    let body = json!({"model": "echo:latest", "prompt": "hi", "system": "rules", "raw": true,
        "options": {"stop": ["x"], "num_ctx": 1}});
    let (response, ()) = tokio::join!(stage.post("/api/generate", &body), async {
        let mut turn = stage.hub.turn().await;
        assert!(turn.submit.text.contains("rules") && turn.submit.text.contains("hi"));
        turn.accept();
        turn.reasoning("hm");
        turn.text("one ");
        turn.text("two");
        turn.done();
    });
    assert_eq!(header(&response, "content-type"), Some("application/x-ndjson"));
    assert_eq!(header(&response, "x-wormhole-ignored"), Some("raw, options.num_ctx"));
    let stream = text(response).await;
    let lines: Vec<Value> = stream.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let joined = |field: &str| -> String { lines.iter().filter_map(|line| line[field].as_str()).collect() };
    assert_eq!((joined("response"), joined("thinking")), ("one two".to_owned(), "hm".to_owned()));
    assert!(lines.iter().all(|line| line["response"].is_string() && line["model"] == "echo:latest"));
    let last = lines.last().unwrap();
    assert_eq!(
        (&last["done"], &last["done_reason"], &last["context"]),
        (&json!(true), &json!("stop"), &json!([]))
    );
    for field in [
        "total_duration",
        "load_duration",
        "prompt_eval_count",
        "prompt_eval_duration",
        "eval_count",
        "eval_duration",
    ] {
        assert!(last[field].as_u64().unwrap() > 0, "{field}");
    }
}

#[tokio::test]
async fn a_whole_answer_fills_a_gap() {
    let stage = Stage::new().await;
    let body = json!({"model": "echo", "prompt": "fn a", "suffix": "}", "stream": false});
    let (response, ()) = tokio::join!(stage.post("/api/generate", &body), async {
        let turn = stage.hub.turn().await;
        assert!(turn.submit.text.contains("<before_gap>\nfn a\n"));
        turn.answer("() {");
    });
    let line: Value = response.json().await.unwrap();
    assert_eq!((&line["response"], &line["done"]), (&json!("() {"), &json!(true)));
}

#[tokio::test]
async fn no_prompt_loads_or_unloads_without_a_turn() {
    let stage = Stage::new().await;
    for (fields, reason) in [(json!({}), "load"), (json!({"prompt": "", "keep_alive": 0}), "unload")] {
        let mut body = json!({"model": "echo"});
        body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let line: Value = stage.post("/api/generate", &body).await.json().await.unwrap();
        assert_eq!((&line["done_reason"], &line["response"]), (&json!(reason), &json!("")));
    }
    let unknown = stage.post("/api/generate", &json!({"model": "none"})).await;
    assert_eq!(unknown.status(), 404);
    assert!(stage.hub.is_quiet().await);
}

#[tokio::test]
async fn every_model_runs_and_python_can_read_until_when() {
    let stage = Stage::new().await;
    let running: Value = stage.get("/api/ps").await.json().await.unwrap();
    let tags: Value = stage.get("/api/tags").await.json().await.unwrap();
    assert_eq!(running["models"].as_array().unwrap().len(), 2);
    assert_eq!(running["models"][0]["digest"], tags["models"][0]["digest"]);
    let expires_at = running["models"][0]["expires_at"].as_str().unwrap();
    assert_eq!(expires_at.len(), "2026-11-22T10:00:00+00:00".len());
    assert!(expires_at.ends_with("+00:00"), "{expires_at}");
}

#[tokio::test]
async fn a_known_model_is_pulled_at_once_and_an_unknown_one_never() {
    let stage = Stage::new().await;
    for name in ["model", "name"] {
        let pulled = stage.post("/api/pull", &json!({name: "echo:latest"})).await;
        assert_eq!(header(&pulled, "content-type"), Some("application/x-ndjson"));
        assert!(text(pulled).await.ends_with("{\"status\":\"success\"}\n"));
    }
    let pulled = stage.post("/api/pull", &json!({"model": "echo", "stream": false})).await;
    assert_eq!(pulled.json::<Value>().await.unwrap(), json!({"status": "success"}));
    let unknown = stage.post("/api/pull", &json!({"model": "none"})).await;
    assert_eq!(unknown.status(), 404);
    assert!(unknown.json::<Value>().await.unwrap()["error"].is_string());
}

#[tokio::test]
async fn what_needs_model_files_says_so() {
    let stage = Stage::new().await;
    for (method, path) in [
        ("POST", "/api/create"),
        ("POST", "/api/copy"),
        ("POST", "/api/push"),
        ("DELETE", "/api/delete"),
        ("HEAD", "/api/blobs/sha256:00"),
        ("POST", "/api/blobs/sha256:00"),
        ("POST", "/api/embed"),
        ("POST", "/api/embeddings"),
    ] {
        let response =
            soon(stage.request(method, path).json(&json!({"model": "echo"})).send()).await.unwrap();
        assert_eq!(response.status(), 501, "{method} {path}");
        assert_eq!(header(&response, "x-should-retry"), Some("false"));
        if method != "HEAD" {
            assert!(response.json::<Value>().await.unwrap()["error"].is_string());
        }
    }
}
