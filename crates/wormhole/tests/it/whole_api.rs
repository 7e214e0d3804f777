//! What the rest of the API adds, through the real hub and Chromium: images, tools, conversations that go on, keys.

use serde_json::{Value, json};
use wormhole_testkit::{Setup, Stack};

use crate::WORMHOLE;

/// One pixel.
const PNG: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

async fn with_everything() -> Stack {
    Stack::start(WORMHOLE, Setup { profile: "playground", ..Setup::default() }).await
}

async fn chat(stack: &Stack, body: Value) -> Value {
    let reply = stack.api.post("/v1/chat/completions", &body).send().await.unwrap();
    let status = reply.status();
    let body: Value = reply.json().await.unwrap();
    assert!(status.is_success(), "{status}: {body}");
    body["choices"][0]["message"].clone()
}

#[tokio::test]
async fn an_image_reaches_a_model_that_sees_and_is_refused_for_one_that_does_not() {
    let stack = with_everything().await;
    let content = json!([
        {"type": "text", "text": "what is this?"},
        {"type": "image_url", "image_url": {"url": format!("data:image/png;base64,{PNG}")}},
    ]);
    let ask = |model| json!({"model": model, "messages": [{"role": "user", "content": content}]});
    let seen = chat(&stack, ask("practice-eyes")).await;
    assert!(seen["content"].as_str().unwrap().contains("image/png"), "{seen}");
    let refused = stack.api.post("/v1/chat/completions", &ask("practice-echo")).send().await.unwrap();
    assert_eq!(refused.status(), 400);
    assert!(refused.text().await.unwrap().contains("image"));
    stack.stop(&[PNG]).await;
}

#[tokio::test]
async fn an_agent_calls_two_tools_reads_their_results_and_answers_in_one_site_conversation() {
    let stack = with_everything().await;
    let tool = |name: &str| {
        let parameters =
            json!({"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]});
        json!({"type": "function", "function": {"name": name, "description": "A tool.", "parameters": parameters}})
    };
    let tools = json!([tool("read_file"), tool("list_files")]);
    let question =
        "look around [[call:list_files {\"path\": \".\"}]] [[call:read_file {\"path\": \"a.txt\"}]]";
    let mut messages = vec![json!({"role": "user", "content": question})];
    for (name, result) in [("list_files", "a.txt b.txt"), ("read_file", "the treasure is under the tree")] {
        let body = json!({"model": "practice-agent", "tools": tools, "messages": messages});
        let message = chat(&stack, body).await;
        let call = &message["tool_calls"][0];
        assert_eq!(call["function"]["name"], name, "{message}");
        let arguments: Value = serde_json::from_str(call["function"]["arguments"].as_str().unwrap()).unwrap();
        assert!(arguments["path"].is_string(), "{message}");
        let answer = json!({"role": "tool", "tool_call_id": call["id"], "content": result});
        messages.extend([message, answer]);
    }
    let body = json!({"model": "practice-agent", "tools": tools, "messages": messages});
    let message = chat(&stack, body).await;
    assert!(message["content"].as_str().unwrap().contains("the treasure is under the tree"), "{message}");

    let seen = stack.site.snapshot();
    assert_eq!((seen.turns_received, seen.conversations_created), (3, 1), "the conversation went on");
    let posted: Vec<_> = seen.turns.iter().map(|turn| turn.text.len()).collect();
    assert!(posted[1] < posted[0] && posted[2] < posted[0], "only what is new is posted: {posted:?}");
    stack.stop(&["the treasure is under the tree"]).await;
}

#[tokio::test]
async fn a_conversation_goes_on_after_a_restart_of_the_api() {
    let mut stack = with_everything().await;
    let first = json!({"role": "user", "content": "my name is Ada"});
    let answer = chat(&stack, json!({"model": "practice-echo", "messages": [first]})).await;
    let code = stack.oai.take().unwrap().end(std::time::Duration::from_secs(30)).await;
    assert_eq!(code, Some(0));
    stack.start_oai();
    stack.until_ready().await;
    let second = json!({"role": "user", "content": "what is it?"});
    let body = json!({"model": "practice-echo", "messages": [first, answer, second]});
    let answer = chat(&stack, body).await;
    assert!(answer["content"].as_str().unwrap().contains("what is it?"), "{answer}");
    let seen = stack.site.snapshot();
    assert_eq!((seen.turns_received, seen.conversations_created), (2, 1));
    assert!(!seen.turns[1].text.contains("Ada"), "what the site holds is not posted again");
    stack.stop(&["my name is Ada"]).await;
}

#[tokio::test]
async fn a_repeated_request_with_its_key_is_answered_and_not_posted_again() {
    let stack = with_everything().await;
    let ask = || {
        let request = stack.api.chat("practice-echo", "pay once", false).header("idempotency-key", "order-1");
        async move { request.send().await.unwrap().json::<Value>().await.unwrap() }
    };
    let (first, second) = tokio::join!(ask(), ask());
    let third = ask().await;
    assert_eq!(first["choices"], second["choices"]);
    assert_eq!(first["id"], third["id"]);
    assert_eq!(stack.site.snapshot().turns_received, 1);
    stack.stop(&["pay once"]).await;
}
