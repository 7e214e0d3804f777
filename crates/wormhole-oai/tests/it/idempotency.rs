//! A request that is sent again is not posted again.

use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};
use wormhole_protocol::{Failure, FailureCode, Posted};

use crate::stage::{Stage, chat, header, piece, soon, text};

fn keyed(stage: &Stage, key: &str, fields: Value) -> RequestBuilder {
    stage.request("POST", "/v1/chat/completions").header("idempotency-key", key).json(&chat(fields))
}

async fn send(request: RequestBuilder) -> Response {
    soon(request.send()).await.unwrap()
}

#[tokio::test]
async fn a_repetition_gets_the_same_answer() {
    let stage = Stage::new().await;
    for stream in [false, true] {
        let key = format!("key-{stream}");
        let (first, ()) = tokio::join!(send(keyed(&stage, &key, json!({"stream": stream}))), async {
            stage.hub.turn().await.answer("once");
        });
        assert_eq!(header(&first, "idempotent-replayed"), None);
        let first = text(first).await;
        let again = send(keyed(&stage, &key, json!({"stream": stream}))).await;
        assert_eq!((again.status().as_u16(), header(&again, "idempotent-replayed")), (200, Some("true")));
        assert_eq!(text(again).await, first);
        assert!(first.contains("once"));
    }
    assert!(stage.hub.is_quiet().await);
}

#[tokio::test]
async fn a_repetition_joins_the_stream_that_runs_from_its_start() {
    let stage = Stage::new().await;
    let stream = || send(keyed(&stage, "k", json!({"stream": true})));
    let (mut first, mut turn) = tokio::join!(stream(), async { stage.hub.turn().await.begun("one ") });
    while !piece(&mut first).await.contains("one ") {}
    let second = stream().await;
    turn.text("two");
    turn.done();
    let (rest, all) = (text(first).await, text(second).await);
    assert!(all.contains("one ") && all.contains("two") && all.ends_with("[DONE]\n\n"), "{all}");
    assert!(rest.contains("two") && !rest.contains("one "));
    assert!(stage.hub.is_quiet().await);
}

#[tokio::test]
async fn a_client_that_comes_back_finds_its_turn_running() {
    let stage = Stage::new().await;
    let (first, mut turn) = tokio::join!(send(keyed(&stage, "k", json!({"stream": true}))), async {
        stage.hub.turn().await.begun("one ")
    });
    drop(first);
    let second = send(keyed(&stage, "k", json!({"stream": true}))).await;
    turn.text("two");
    turn.done();
    let all = text(second).await;
    assert!(all.contains("one ") && all.contains("two") && all.ends_with("[DONE]\n\n"), "{all}");
    assert_eq!(stage.metric("wormhole_oai_hangups_total").await, 0);
}

#[tokio::test]
async fn another_request_with_the_same_key_is_refused_and_another_caller_has_their_own() {
    let stage = Stage::with(|config| config.keys = wormhole_oai::Keys::parse("a:k1,b:k2").unwrap()).await;
    let ask = |key: &str, fields| send(keyed(&stage, "k", fields).bearer_auth(key));
    let (first, ()) = tokio::join!(ask("k1", json!({})), async { stage.hub.turn().await.answer("one") });
    assert_eq!(first.status(), 200);
    let refused = ask("k1", json!({"user": "other"})).await;
    assert_eq!((refused.status().as_u16(), header(&refused, "x-should-retry")), (400, Some("false")));
    assert_eq!(refused.json::<Value>().await.unwrap()["error"]["code"], "idempotency_key_reused");
    let (other, ()) = tokio::join!(ask("k2", json!({})), async { stage.hub.turn().await.answer("two") });
    assert!(text(other).await.contains("two"));
    let odd = send(keyed(&stage, &"x".repeat(300), json!({})).bearer_auth("k1")).await;
    assert_eq!(odd.status(), 400);
}

#[tokio::test]
async fn only_what_was_certainly_not_posted_is_tried_again() {
    let stage = Stage::new().await;
    for (posted, tries) in [(Posted::No, true), (Posted::Unknown, false)] {
        let key = format!("{posted:?}");
        let failure = Failure::new(FailureCode::RateLimited, posted, "slow down");
        let (first, ()) = tokio::join!(send(keyed(&stage, &key, json!({}))), async {
            stage.hub.turn().await.fail(failure);
        });
        assert_eq!(first.status(), 429);
        let second = send(keyed(&stage, &key, json!({})));
        if tries {
            let (second, ()) = tokio::join!(second, async { stage.hub.turn().await.answer("ok") });
            assert_eq!(second.status(), 200);
        } else {
            let second = second.await;
            assert_eq!(
                (second.status().as_u16(), header(&second, "idempotent-replayed")),
                (429, Some("true"))
            );
        }
    }
}

#[tokio::test]
async fn an_sdks_retry_joins_and_its_next_request_does_not() {
    let stage = Stage::new().await;
    let ask = |count: u32| {
        let request = stage.request("POST", "/v1/chat/completions").header("x-stainless-retry-count", count);
        send(request.json(&chat(json!({"stream": true}))))
    };
    let (first, mut turn) = tokio::join!(ask(0), async { stage.hub.turn().await.begun("one ") });
    drop(first);
    let second = ask(1).await;
    turn.text("two");
    turn.done();
    assert!(text(second).await.contains("one "));
    let (new, ()) = tokio::join!(ask(0), async { stage.hub.turn().await.answer("new") });
    assert!(text(new).await.contains("new"));
}

#[tokio::test]
async fn a_turn_that_nobody_comes_back_for_is_stopped() {
    let stage = Stage::new().await;
    let request = stage.request("POST", "/v1/chat/completions").header("x-stainless-retry-count", "0");
    let (first, turn) = tokio::join!(send(request.json(&chat(json!({"stream": true})))), async {
        stage.hub.turn().await.begun("one ")
    });
    drop(first);
    turn.cancelled().await;
}
