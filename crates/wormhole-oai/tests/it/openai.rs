//! `POST /v1/chat/completions`: shapes and limits.

use std::time::Duration;

use serde_json::{Value, json};
use wormhole_api::sse;

use crate::hub::FakeTurn;
use crate::stage::{Stage, header, piece, soon, text};

/// Events of a stream, with what differs from run to run checked and replaced.
fn events(stream: &str) -> Vec<Value> {
    let events = sse::Reader::new().push(stream.as_bytes());
    let mut values: Vec<Value> = events
        .iter()
        .map(|event| serde_json::from_str(event).unwrap_or_else(|_| Value::String(event.clone())))
        .collect();
    let first = values[0].clone();
    for value in values.iter_mut().filter(|value| value.get("choices").is_some()) {
        for same in ["id", "created", "model"] {
            assert_eq!(value[same], first[same]);
        }
        normalise(value);
    }
    values
}

fn normalise(value: &mut Value) {
    assert!(value["id"].as_str().unwrap().starts_with("chatcmpl-"));
    assert!(value["created"].as_i64().unwrap() > 1_700_000_000);
    value["id"] = json!("chatcmpl-…");
    value["created"] = json!(0);
}

fn reason_and_tell(mut turn: FakeTurn) {
    turn.accept();
    turn.reasoning("hm, ");
    turn.reasoning("yes");
    turn.text("one ");
    turn.text("two\n\n\"three\" ü");
    turn.done();
}

#[tokio::test]
async fn a_whole_answer() {
    let stage = Stage::new().await;
    let (response, ()) = tokio::join!(stage.openai(json!({})), async {
        let turn = stage.hub.turn().await;
        assert_eq!(turn.submit.text, "hi");
        assert_eq!((turn.submit.model.as_str(), turn.submit.site.as_deref()), ("echo", None));
        assert_eq!(turn.submit.caller, "anonymous");
        reason_and_tell(turn);
    });
    assert_eq!(response.status(), 200);
    assert_eq!(header(&response, "content-type"), Some("application/json"));
    assert_eq!(header(&response, "x-wormhole-ignored"), None);
    let mut answer: Value = response.json().await.unwrap();
    normalise(&mut answer);
    insta::assert_json_snapshot!(answer);
}

#[tokio::test]
async fn a_stream_in_its_exact_order_with_usage() {
    let stage = Stage::new().await;
    let fields = json!({"stream": true, "stream_options": {"include_usage": true}});
    let (response, ()) =
        tokio::join!(stage.openai(fields), async { reason_and_tell(stage.hub.turn().await) });
    assert_eq!(response.status(), 200);
    assert_eq!(header(&response, "content-type"), Some("text/event-stream"));
    let stream = text(response).await;
    assert!(stream.ends_with("data: [DONE]\n\n"));
    // Deltas may come merged, so their number is not part of the shape.
    let events = events(&stream);
    let joined = |field: &str| -> String {
        events.iter().filter_map(|event| event["choices"][0]["delta"][field].as_str()).collect()
    };
    assert_eq!(joined("content"), "one two\n\n\"three\" ü");
    assert_eq!(joined("reasoning"), "hm, yes");
    assert_eq!(joined("reasoning_content"), "hm, yes");
    assert_eq!(joined("role"), "assistant");
    let last = events.len() - 1;
    insta::assert_json_snapshot!([&events[0], &events[last - 2], &events[last - 1], &events[last]]);
    assert!(events[1..last - 2].iter().all(|event| event["choices"][0]["finish_reason"].is_null()));
    assert!(events[..last - 1].iter().all(|event| event.get("usage").is_none()));
}

#[tokio::test]
async fn every_delta_arrives_before_the_next_is_made() {
    let stage = Stage::new().await;
    let (mut response, mut turn) = tokio::join!(stage.openai(json!({"stream": true})), async {
        let mut turn = stage.hub.turn().await;
        turn.text("word0");
        turn
    });
    for number in 1..20 {
        while !piece(&mut response).await.contains(&format!("word{}", number - 1)) {}
        turn.text(&format!("word{number}"));
    }
    turn.done();
    let rest = text(response).await;
    assert!(rest.contains("word19") && rest.ends_with("data: [DONE]\n\n"));
    assert!(!rest.contains("\"usage\""), "usage was not asked for");
}

#[tokio::test]
async fn a_stream_that_waits_begins_at_once_and_shows_signs_of_life() {
    let stage = Stage::with(|config| {
        config.limits.status_window = Duration::from_millis(1);
        config.limits.heartbeat = Duration::from_millis(20);
    })
    .await;
    let mut response = stage.openai(json!({"stream": true})).await;
    assert!(piece(&mut response).await.contains(r#""delta":{"role":"assistant","content":""}"#));
    assert_eq!(piece(&mut response).await, ": ping\n\n");
    assert_eq!(piece(&mut response).await, ": ping\n\n");
    stage.hub.turn().await.answer("late");
    let rest = text(response).await;
    assert!(rest.contains("late") && !rest.contains("\"role\""), "{rest}");
    assert!(stage.metric("wormhole_oai_heartbeats_total").await >= 2);
}

#[tokio::test]
async fn a_stop_sequence_ends_the_answer_and_the_turn() {
    let stage = Stage::new().await;
    for stream in [false, true] {
        let fields = json!({"stream": stream, "stop": ["END", "\n\n"]});
        let (response, turn) = tokio::join!(stage.openai(fields), async {
            let mut turn = stage.hub.turn().await;
            for piece in ["it E", "NDs EN", "D never"] {
                turn.text(piece);
            }
            turn
        });
        let body = text(response).await;
        assert!(body.contains("it ") && !body.contains("EN") && !body.contains("never"), "{body}");
        assert!(body.contains(r#""finish_reason":"stop""#), "{body}");
        turn.cancelled().await;
    }
    assert_eq!(stage.metric("wormhole_oai_hangups_total").await, 0);
}

#[tokio::test]
async fn max_tokens_cut_the_answer_and_the_turn() {
    let stage = Stage::new().await;
    for limit in ["max_tokens", "max_completion_tokens"] {
        let (response, turn) = tokio::join!(stage.openai(json!({limit: 2})), async {
            let mut turn = stage.hub.turn().await;
            turn.text("12345678 and more");
            turn
        });
        let answer: Value = response.json().await.unwrap();
        assert_eq!(answer["choices"][0]["message"]["content"], "1234");
        assert_eq!(answer["choices"][0]["finish_reason"], "length");
        assert_eq!(answer["usage"], json!({"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}));
        turn.cancelled().await;
    }
}

#[tokio::test]
async fn the_whole_conversation_travels_in_the_text() {
    let stage = Stage::new().await;
    let messages = json!([
        {"role": "developer", "content": "Be kind."},
        {"role": "user", "content": [{"type": "text", "text": "first"}]},
        {"role": "assistant", "content": "second"},
        {"role": "user", "content": "third"},
    ]);
    let (response, ()) = tokio::join!(stage.openai(json!({"messages": messages})), async {
        let turn = stage.hub.turn().await;
        let mut rest = turn.submit.text.as_str();
        for part in ["Be kind.", "first", "second", "third"] {
            rest = rest.split_once(part).unwrap_or_else(|| panic!("{part} in {}", turn.submit.text)).1;
        }
        turn.answer("ok");
    });
    assert_eq!(response.status(), 200);
}

#[tokio::test]
async fn what_is_not_honoured_is_named_once() {
    let stage = Stage::new().await;
    let fields = json!({"temperature": 1, "tools": [{"type": "web_search"}], "seed": null,
        "stream": true, "user": "u", "odd name, really": 1, "n": 1});
    let (response, ()) = tokio::join!(stage.openai(fields), async { stage.hub.turn().await.answer("ok") });
    assert_eq!(response.status(), 200);
    assert_eq!(header(&response, "x-wormhole-ignored"), Some("temperature, user, tools.web_search"));
}

#[tokio::test]
async fn a_request_id_is_echoed_and_travels_with_the_turn() {
    let stage = Stage::new().await;
    let request = stage.request("POST", "/v1/chat/completions").header("x-request-id", "abc-1");
    let request = request.json(&crate::stage::chat(json!({})));
    let (response, ()) = tokio::join!(request.send(), async {
        let turn = stage.hub.turn().await;
        assert_eq!(turn.submit.trace.as_deref(), Some("abc-1"));
        turn.answer("ok");
    });
    assert_eq!(header(&response.unwrap(), "x-request-id"), Some("abc-1"));
    let made = soon(stage.request("GET", "/").header("x-request-id", "not plain").send()).await.unwrap();
    assert_eq!(header(&made, "x-request-id").unwrap().len(), 32);
}
