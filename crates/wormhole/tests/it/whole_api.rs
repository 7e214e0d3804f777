//! What the rest of the API adds, through the real hub and Chromium: images, tools, conversations that go on, keys.

use serde_json::{Value, json};
use wormhole_testkit::{Stack, Streamed};

use crate::with_everything;

/// One pixel.
const PNG: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

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

/// What VS Code's Copilot does with an Ollama server, in its order, and what its source checks (clients.md, 3.2).
#[tokio::test]
async fn copilots_ollama_sequence_finds_what_it_checks() {
    let stack = with_everything().await;
    let get = async |path: &str| stack.api.get(path).send().await.unwrap().json::<Value>().await.unwrap();
    let version = get("/api/version").await["version"].as_str().unwrap().to_owned();
    let mut numbers = version.split('.').map(|number| number.parse::<u32>().unwrap());
    assert!((numbers.next(), numbers.next(), numbers.next()) >= (Some(0), Some(6), Some(4)), "{version}");

    let mut names = std::collections::BTreeSet::new();
    for model in get("/api/tags").await["models"].as_array().unwrap() {
        let shown = stack.api.post("/api/show", &json!({"model": model["model"]})).send().await.unwrap();
        let shown: Value = shown.json().await.unwrap();
        let capabilities = shown["capabilities"].as_array().unwrap();
        assert!(capabilities.contains(&json!("tools")), "agent mode needs tools: {shown}");
        let info = &shown["model_info"];
        let architecture = info["general.architecture"].as_str().unwrap();
        assert!(info[format!("{architecture}.context_length")].as_u64().unwrap() > 0, "{info}");
        assert!(
            names.insert(info["general.basename"].as_str().unwrap().to_owned()),
            "names tell models apart"
        );
    }

    let parameters =
        json!({"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]});
    let body = json!({
        "model": "practice-agent:latest", "stream": true, "stream_options": {"include_usage": true}, "n": 1,
        "tools": [{"type": "function", "function": {"name": "read_file", "parameters": parameters}}],
        "messages": [{"role": "user", "content": "[[call:read_file {\"path\": \"a\"}]] [[call:read_file {\"path\": \"b\"}]] [[together]]"}],
    });
    let mut stream = Streamed::of(stack.api.post("/v1/chat/completions", &body).send().await.unwrap());
    stream.to_end().await;
    check_chunks(&stream.lines);
    stack.stop(&["[[together]]"]).await;
}

/// Copilot keys on a call's id, counts on one call after the other, and takes usage from the last chunk only.
fn check_chunks(lines: &[String]) {
    assert_eq!(lines.last().unwrap(), "[DONE]");
    let chunks: Vec<Value> =
        lines[..lines.len() - 1].iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (usage, chunks) = chunks.split_last().unwrap();
    assert_eq!(usage["choices"], json!([]));
    for count in ["prompt_tokens", "completion_tokens", "total_tokens"] {
        assert!(usage["usage"][count].is_u64(), "{usage}");
    }
    let roles = chunks.iter().filter(|chunk| chunk["choices"][0]["delta"]["role"].is_string()).count();
    assert_eq!(roles, 1, "a role that is said twice is written twice by the SDKs");
    let finishes: Vec<_> =
        chunks.iter().filter_map(|chunk| chunk["choices"][0]["finish_reason"].as_str()).collect();
    assert_eq!(finishes, ["tool_calls"]);

    let pieces =
        chunks.iter().filter_map(|chunk| chunk["choices"][0]["delta"]["tool_calls"].as_array()).flatten();
    let mut calls: Vec<(String, String)> = Vec::new();
    for piece in pieces {
        if let Some(id) = piece["id"].as_str() {
            assert_eq!(piece["index"], calls.len(), "one after the other: {piece}");
            assert_eq!(piece["function"]["name"], "read_file");
            calls.push((id.to_owned(), String::new()));
        }
        let last = calls.last_mut().expect("a call begins with its id");
        last.1.push_str(piece["function"]["arguments"].as_str().unwrap_or_default());
    }
    assert_eq!(calls.len(), 2);
    assert_ne!(calls[0].0, calls[1].0, "ids are unique");
    for (path, (_, arguments)) in ["a", "b"].iter().zip(&calls) {
        assert_eq!(serde_json::from_str::<Value>(arguments).unwrap(), json!({"path": path}));
    }
}
