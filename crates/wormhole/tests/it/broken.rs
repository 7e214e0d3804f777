//! Streams that break: the client gets an error of its dialect, and never a word that the reply is whole.

use serde_json::{Value, json};
use wormhole_testkit::site::{Call, Fault};
use wormhole_testkit::{Setup, Stack, Streamed};

use crate::WORMHOLE;

/// What the site may do in the middle of an answer. `cut` and the like come after two words were sent.
fn mid_stream_faults() -> Vec<(&'static str, Fault)> {
    vec![
        ("cut cleanly", Fault::Cut { after_words: 2, abrupt: false }),
        ("cut abruptly", Fault::Cut { after_words: 2, abrupt: true }),
        ("stalled", Fault::Stall { after_words: 2 }),
    ]
}

fn instead_of_a_stream() -> Vec<(&'static str, Fault)> {
    vec![
        ("an unknown shape", Fault::UnknownShape),
        ("an HTML page", Fault::Html),
        ("a 500", Fault::Status { code: 500, retry_after: None }),
    ]
}

async fn with_little_patience() -> Stack {
    let setup = Setup { bridge: vec![("WORMHOLE_TURN_IDLE", "2s".to_owned())], ..Setup::default() };
    Stack::start(WORMHOLE, setup).await
}

fn ollama(stream: bool) -> Value {
    json!({"model": "practice-story", "stream": stream, "messages": [{"role": "user", "content": "a story"}]})
}

async fn streams(stack: &Stack, fault: &Fault) -> Vec<Streamed> {
    let mut streams = Vec::new();
    for openai in [true, false] {
        stack.site.misbehave(Call::Turn, fault.clone(), 1);
        let request = if openai {
            stack.api.chat("practice-story", "a story", true)
        } else {
            stack.api.post("/api/chat", &ollama(true))
        };
        let mut stream = Streamed::of(request.send().await.unwrap());
        stream.to_end().await;
        streams.push(stream);
    }
    streams
}

#[tokio::test]
async fn an_answer_that_breaks_in_the_middle_is_an_error_and_never_whole() {
    let stack = with_little_patience().await;
    for (what, fault) in mid_stream_faults() {
        for stream in streams(&stack, &fault).await {
            assert!(!stream.text.is_empty(), "{what}: the words before it arrived");
            assert!(stream.error().is_some(), "{what}: {:?}", stream.lines);
            assert!(!stream.says_it_is_whole(), "{what}: {:?}", stream.lines);
        }
        stack.site.misbehave(Call::Turn, fault.clone(), 1);
        let reply = stack.api.chat("practice-story", "a story", false).send().await.unwrap();
        assert_eq!(reply.status(), 502, "{what}");
        assert_eq!(reply.headers()["x-should-retry"], "false", "{what}: it was posted");
        assert!(reply.json::<Value>().await.unwrap()["error"]["message"].is_string(), "{what}");
    }
    stack.stop(&["a story"]).await;
}

#[tokio::test]
async fn an_answer_that_is_no_answer_is_an_error_of_the_dialect() {
    let stack = with_little_patience().await;
    for (what, fault) in instead_of_a_stream() {
        for stream in streams(&stack, &fault).await {
            assert!(stream.error().is_some(), "{what}: {:?}", stream.lines);
            assert!(!stream.says_it_is_whole(), "{what}: {:?}", stream.lines);
        }
        stack.site.misbehave(Call::Turn, fault.clone(), 1);
        let reply = stack.api.post("/api/chat", &ollama(false)).send().await.unwrap();
        assert_eq!(reply.status(), 502, "{what}");
        assert!(reply.json::<Value>().await.unwrap()["error"].is_string(), "{what}");
    }
    // A site that answers in a new shape is named as such: call and field, for whoever mends the profile.
    stack.site.misbehave(Call::Turn, Fault::UnknownShape, 1);
    let reply: Value =
        stack.api.chat("practice-echo", "x", false).send().await.unwrap().json().await.unwrap();
    assert_eq!(reply["error"]["code"], "site_changed", "{reply}");
    stack.stop(&["a story"]).await;
}

#[tokio::test]
async fn the_sites_own_limit_rests_the_account_and_tells_the_client_when_to_come_back() {
    let stack = with_little_patience().await;
    stack.site.misbehave(Call::Turn, Fault::Status { code: 429, retry_after: Some(600) }, 1);
    let request = stack.api.chat("practice-echo", "too much", false);
    let reply = request.send().await.unwrap();
    assert_eq!(reply.status(), 429);
    let wait: u64 = reply.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=600).contains(&wait), "{wait}");
    stack.stop(&["too much"]).await;
}
