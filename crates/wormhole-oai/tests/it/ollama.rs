//! The Ollama dialect: shapes, lines, counts.

use std::time::Duration;

use serde_json::{Value, json};

use crate::hub::FakeTurn;
use crate::stage::{Stage, header, piece, soon, text};

fn reason_and_tell(mut turn: FakeTurn) {
    turn.accept();
    turn.reasoning("hm");
    turn.text("one\n");
    turn.text("two");
    turn.done();
}

/// Lines of a stream, each checked against what strict clients need.
fn lines(stream: &str) -> Vec<Value> {
    assert!(stream.ends_with('\n'));
    let lines: Vec<Value> =
        stream.lines().map(|line| serde_json::from_str(line).expect("no blank line, no comment")).collect();
    for line in &lines {
        if line.get("error").is_none() {
            check_line(line);
        }
    }
    lines
}

fn check_line(line: &Value) {
    assert_eq!(line["message"]["role"], "assistant");
    assert!(line["message"]["content"].is_string());
    assert!(line["created_at"].as_str().unwrap().ends_with('Z'));
    assert!(line["done"].is_boolean());
    assert!(line.get("type").is_none() && line.get("error").is_none());
}

fn check_counts(line: &Value) {
    assert_eq!((&line["done"], &line["done_reason"]), (&json!(true), &json!("stop")));
    let durations = ["total_duration", "load_duration", "prompt_eval_duration", "eval_duration"];
    for field in durations.iter().chain(&["prompt_eval_count", "eval_count"]) {
        assert!(line[field].as_u64().unwrap() > 0, "{field}");
    }
}

#[tokio::test]
async fn a_stream_is_the_default_and_ends_with_counts() {
    let stage = Stage::new().await;
    let (response, ()) = tokio::join!(stage.ollama(json!({"model": "echo:latest"})), async {
        let turn = stage.hub.turn().await;
        assert_eq!(turn.submit.model, "echo");
        reason_and_tell(turn);
    });
    assert_eq!(header(&response, "content-type"), Some("application/x-ndjson"));
    let lines = lines(&text(response).await);
    let joined =
        |field: &str| -> String { lines.iter().filter_map(|line| line["message"][field].as_str()).collect() };
    assert_eq!((joined("content"), joined("thinking")), ("one\ntwo".to_owned(), "hm".to_owned()));
    let (last, others) = lines.split_last().unwrap();
    assert!(others.iter().all(|line| line["done"] == false && line.get("done_reason").is_none()));
    assert!(lines.iter().all(|line| line["model"] == "echo:latest"), "the name is the client's own");
    check_counts(last);
}

#[tokio::test]
async fn a_whole_answer_with_and_without_thinking() {
    let stage = Stage::new().await;
    for (think, thinking) in
        [(json!(true), json!("hm")), (json!("low"), json!("hm")), (json!(false), Value::Null)]
    {
        let (response, ()) = tokio::join!(stage.ollama(json!({"stream": false, "think": think})), async {
            reason_and_tell(stage.hub.turn().await);
        });
        assert_eq!(header(&response, "content-type"), Some("application/json"));
        let line: Value = response.json().await.unwrap();
        check_line(&line);
        check_counts(&line);
        assert_eq!(line["message"]["content"], "one\ntwo");
        assert_eq!(line["message"].get("thinking").unwrap_or(&Value::Null), &thinking);
    }
}

#[tokio::test]
async fn thinking_that_is_not_wanted_is_left_out_of_the_stream() {
    let stage = Stage::new().await;
    let (response, ()) = tokio::join!(stage.ollama(json!({"think": false})), async {
        reason_and_tell(stage.hub.turn().await);
    });
    assert!(!text(response).await.contains("hm"));
}

#[tokio::test]
async fn a_sign_of_life_is_a_line_that_says_nothing() {
    let stage = Stage::with(|config| {
        config.limits.status_window = Duration::from_millis(1);
        config.limits.heartbeat = Duration::from_millis(20);
    })
    .await;
    let mut response = stage.ollama(json!({})).await;
    for _ in 0..3 {
        let line = &lines(&piece(&mut response).await)[0];
        assert_eq!((&line["message"]["content"], &line["done"]), (&json!(""), &json!(false)));
    }
    stage.hub.turn().await.answer("late");
    assert!(text(response).await.contains("late"));
}

#[tokio::test]
async fn options_limit_the_answer() {
    let stage = Stage::new().await;
    let fields = json!({"stream": false, "options": {"stop": ["!"], "num_predict": 100, "num_ctx": 1}, "logprobs": true});
    let (response, turn) = tokio::join!(stage.ollama(fields), async {
        let mut turn = stage.hub.turn().await;
        turn.text("so! no");
        turn
    });
    assert_eq!(header(&response, "x-wormhole-ignored"), Some("logprobs, options.num_ctx"));
    assert_eq!(response.json::<Value>().await.unwrap()["message"]["content"], "so");
    turn.cancelled().await;
}

#[tokio::test]
async fn loading_and_unloading_touch_nothing() {
    let stage = Stage::new().await;
    for (fields, reason) in [
        (json!({"messages": []}), "load"),
        (json!({"messages": null, "keep_alive": "5m"}), "load"),
        (json!({"messages": [], "keep_alive": 0}), "unload"),
        (json!({"messages": [], "keep_alive": "0s", "stream": true}), "unload"),
    ] {
        let line: Value = stage.ollama(fields).await.json().await.unwrap();
        check_line(&line);
        assert_eq!((&line["done"], &line["done_reason"]), (&json!(true), &json!(reason)));
    }
    assert_eq!(stage.ollama(json!({"model": "nope", "messages": []})).await.status(), 404);
    assert!(stage.hub.is_quiet().await);
}

#[tokio::test]
async fn the_heartbeat_and_the_version() {
    let stage = Stage::new().await;
    let root = stage.get("/").await;
    assert!(header(&root, "content-type").unwrap().starts_with("text/plain"));
    assert_eq!(root.text().await.unwrap(), "Ollama is running");
    for path in ["/", "/api/version", "/api/tags"] {
        let head = soon(stage.request("HEAD", path).send()).await.unwrap();
        assert_eq!((head.status().as_u16(), head.text().await.unwrap().as_str()), (200, ""), "{path}");
    }
    let version: Value = stage.get("/api/version").await.json().await.unwrap();
    let numbers: Vec<u32> =
        version["version"].as_str().unwrap().split('.').map(|number| number.parse().unwrap()).collect();
    assert!(numbers >= vec![0, 13, 4], "codex asks for 0.13.4");
}

#[tokio::test]
async fn curl_without_a_content_type_is_understood() {
    let stage = Stage::new().await;
    let body = json!({"model": "echo", "messages": [{"role": "user", "content": "hi"}], "stream": false})
        .to_string();
    for content_type in [None, Some("application/x-www-form-urlencoded"), Some("text/plain; charset=utf-8")] {
        let mut request = stage.request("POST", "/api/chat").body(body.clone());
        if let Some(content_type) = content_type {
            request = request.header("content-type", content_type);
        }
        let (response, ()) = tokio::join!(request.send(), async { stage.hub.turn().await.answer("ok") });
        assert_eq!(response.unwrap().status(), 200);
    }
}
