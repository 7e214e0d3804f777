//! `POST /v1/completions`.

use async_openai::types::completions::CreateCompletionResponse;
use serde_json::{Value, json};
use wormhole_api::sse;

use crate::stage::{Stage, header, text};

#[tokio::test]
async fn a_whole_completion_and_what_was_ignored() {
    let stage = Stage::new().await;
    let body =
        json!({"model": "echo", "prompt": ["fn main"], "suffix": "}", "echo": true, "max_tokens": 100});
    let (response, ()) = tokio::join!(stage.post("/v1/completions", &body), async {
        let turn = stage.hub.turn().await;
        assert!(turn.submit.text.contains("fn main") && turn.submit.text.contains('}'));
        turn.answer("() {");
    });
    assert_eq!(header(&response, "x-wormhole-ignored"), Some("echo"));
    let answer: Value = response.json().await.unwrap();
    serde_json::from_value::<CreateCompletionResponse>(answer.clone()).unwrap();
    assert_eq!(answer["object"], "text_completion");
    assert_eq!(
        answer["choices"],
        json!([{"index": 0, "text": "() {", "logprobs": null, "finish_reason": "stop"}])
    );
}

#[tokio::test]
async fn a_streamed_completion_ends_with_usage_and_done() {
    let stage = Stage::new().await;
    let body =
        json!({"model": "echo", "prompt": "hi", "stream": true, "stream_options": {"include_usage": true}});
    let (response, ()) = tokio::join!(stage.post("/v1/completions", &body), async {
        let mut turn = stage.hub.turn().await;
        assert_eq!(turn.submit.text, "hi");
        turn.accept();
        turn.reasoning("hm");
        turn.text("one ");
        turn.text("two");
        turn.done();
    });
    let stream = text(response).await;
    let mut events = sse::Reader::new().push(stream.as_bytes());
    assert_eq!(events.pop().unwrap(), "[DONE]");
    let chunks: Vec<CreateCompletionResponse> =
        events.iter().map(|event| serde_json::from_str(event).unwrap()).collect();
    let said: String =
        chunks.iter().flat_map(|chunk| &chunk.choices).map(|choice| choice.text.as_str()).collect();
    assert_eq!(said, "one two");
    let last = chunks.last().unwrap();
    assert!(last.choices.is_empty() && last.usage.as_ref().unwrap().total_tokens > 0);
}
