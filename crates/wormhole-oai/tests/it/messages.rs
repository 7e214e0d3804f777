//! `POST /v1/messages` and `/v1/messages/count_tokens`.

use serde_json::{Value, json};
use wormhole_api::sse;
use wormhole_oai::Keys;
use wormhole_protocol::{Failure, FailureCode};

use crate::stage::{Stage, header, soon, text};

fn request(fields: &Value) -> Value {
    let mut body = json!({"model": "echo", "max_tokens": 1024,
        "messages": [{"role": "user", "content": "hi"}]});
    body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    body
}

#[tokio::test]
async fn a_whole_answer() {
    let stage = Stage::new().await;
    let body =
        request(&json!({"thinking": {"type": "adaptive"}, "system": [{"type": "text", "text": "rules"}]}));
    let (response, ()) = tokio::join!(stage.post("/v1/messages?beta=true", &body), async {
        let mut turn = stage.hub.turn().await;
        assert!(turn.submit.text.contains("rules"));
        turn.accept();
        turn.reasoning("hm");
        turn.text("hello");
        turn.done();
    });
    assert_eq!(response.status(), 200);
    assert_eq!(header(&response, "request-id"), header(&response, "x-request-id"));
    let answer: Value = response.json().await.unwrap();
    assert_eq!(
        answer["content"],
        json!([{"type": "thinking", "thinking": "hm", "signature": ""}, {"type": "text", "text": "hello"}])
    );
    assert_eq!((&answer["type"], &answer["role"]), (&json!("message"), &json!("assistant")));
    assert_eq!((&answer["stop_reason"], &answer["stop_sequence"]), (&json!("end_turn"), &Value::Null));
    assert!(answer["usage"]["input_tokens"].as_u64().unwrap() > 0);
}

#[tokio::test]
async fn the_stop_sequence_that_came_is_named() {
    let stage = Stage::new().await;
    for stream in [false, true] {
        let body = request(&json!({"stop_sequences": ["", "END", "STOP"], "stream": stream}));
        let (response, turn) = tokio::join!(stage.post("/v1/messages", &body), async {
            stage.hub.turn().await.begun("one STOP two")
        });
        let answer = text(response).await;
        let told = r#""stop_reason":"stop_sequence","stop_sequence":"STOP""#;
        assert!(answer.contains(told) && answer.contains("one ") && !answer.contains("two"), "{answer}");
        turn.cancelled().await;
    }
}

#[tokio::test]
async fn a_stream_names_its_events() {
    let stage = Stage::new().await;
    let body = request(&json!({"stream": true}));
    let (response, ()) = tokio::join!(stage.post("/v1/messages", &body), async {
        let mut turn = stage.hub.turn().await;
        turn.accept();
        turn.reasoning("hm");
        turn.text("one ");
        turn.text("two");
        turn.done();
    });
    assert_eq!(header(&response, "content-type"), Some("text/event-stream"));
    let stream = text(response).await;
    let names: Vec<_> = stream.lines().filter_map(|line| line.strip_prefix("event: ")).collect();
    let events: Vec<Value> = sse::Reader::new()
        .push(stream.as_bytes())
        .iter()
        .map(|event| serde_json::from_str(event).unwrap())
        .collect();
    assert!(events.iter().zip(&names).all(|(event, name)| event["type"] == *name));
    let mut once = names.clone();
    once.dedup();
    assert_eq!(
        once,
        [
            "message_start",
            "content_block_start",
            "content_block_delta",
            "content_block_stop",
            "message_delta",
            "message_stop"
        ]
    );
    let said: String = events.iter().filter_map(|event| event["delta"]["text"].as_str()).collect();
    assert_eq!(said, "one two");
    assert!(events[0]["message"]["usage"]["input_tokens"].as_u64().unwrap() > 0);
}

#[tokio::test]
async fn a_silent_stream_is_kept_alive_by_pings() {
    let stage = Stage::with(|config| {
        config.limits.status_window = std::time::Duration::ZERO;
        config.limits.heartbeat = std::time::Duration::from_millis(20);
    })
    .await;
    let mut response = stage.post("/v1/messages", &request(&json!({"stream": true}))).await;
    let turn = stage.hub.turn().await;
    let mut seen = String::new();
    while !seen.contains("event: ping\ndata: {\"type\":\"ping\"}\n\n") {
        seen.push_str(&crate::stage::piece(&mut response).await);
    }
    turn.answer("ok");
    assert!(text(response).await.contains("message_stop"));
}

#[tokio::test]
async fn errors_have_anthropics_shape_and_the_requests_id() {
    let stage = Stage::with(|config| config.keys = Keys::parse("alice:k1").unwrap()).await;
    let check = async |response: reqwest::Response, status: u16, kind: &str| {
        assert_eq!(response.status(), status);
        let id = header(&response, "request-id").unwrap().to_owned();
        let error: Value = response.json().await.unwrap();
        assert_eq!((&error["type"], &error["error"]["type"]), (&json!("error"), &json!(kind)));
        assert_eq!(error["request_id"], id);
        assert!(!error["error"]["message"].as_str().unwrap().is_empty());
    };
    let post =
        |body: Value| stage.request("POST", "/v1/messages").header("x-api-key", "k1").json(&body).send();
    check(stage.post("/v1/messages", &json!({})).await, 401, "authentication_error").await;
    check(soon(post(json!({}))).await.unwrap(), 400, "invalid_request_error").await;
    check(soon(post(request(&json!({"model": "none"})))).await.unwrap(), 404, "not_found_error").await;
    let wrong = stage.request("GET", "/v1/messages").bearer_auth("k1").send();
    check(soon(wrong).await.unwrap(), 405, "invalid_request_error").await;
    let wrong = stage.request("POST", "/v1/messages/batches").bearer_auth("k1").send();
    check(soon(wrong).await.unwrap(), 404, "not_found_error").await;
    for (code, status, kind) in
        [(FailureCode::QueueFull, 429, "rate_limit_error"), (FailureCode::Stalled, 502, "api_error")]
    {
        let (response, ()) = tokio::join!(post(request(&json!({}))), async {
            stage.hub.turn().await.fail(Failure::not_posted(code, "no"));
        });
        check(response.unwrap(), status, kind).await;
    }
}

#[tokio::test]
async fn tokens_are_counted_without_a_turn() {
    let stage = Stage::new().await;
    let count = async |words: usize| {
        let body = json!({"model": "echo", "messages": [{"role": "user", "content": "word ".repeat(words)}]});
        let response = stage.post("/v1/messages/count_tokens", &body).await;
        assert_eq!(response.status(), 200);
        response.json::<Value>().await.unwrap()["input_tokens"].as_u64().unwrap()
    };
    assert!(count(1).await > 0);
    assert!(count(1_000).await > 500);
    assert!(stage.hub.is_quiet().await);
}
