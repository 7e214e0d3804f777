//! Blocks in, events out.

use serde_json::{Value, json};
use tokio_util::task::TaskTracker;

use super::encode::{EventEncoder, Identity};
use super::parse::{chat, shows_thinking};
use crate::chat::{Chat, Image, Output, Part as Piece, Role, ToolChoice};
use crate::errors::ApiError;
use crate::reply::{Finish, Part};
use crate::stream::Encode;
use crate::usage::Usage;

fn read(fields: Value) -> Result<Chat, ApiError> {
    chat(serde_json::from_value(fields).unwrap())
}

#[test]
fn the_request_of_claude_code_is_read() {
    let chat = read(json!({
        "model": "m", "max_tokens": 32000, "stream": true, "stop_sequences": ["x"], "temperature": 1,
        "system": [{"type": "text", "text": "rules", "cache_control": {"type": "ephemeral"}}, {"type": "text", "text": "more"}],
        "thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}, "metadata": {"user_id": "u"},
        "context_management": {"edits": []},
        "tools": [{"name": "Bash", "description": "runs", "input_schema": {"type": "object", "properties": {}}},
            {"type": "web_search_20250305", "name": "web_search"}],
        "tool_choice": {"type": "auto", "disable_parallel_tool_use": true},
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "look"}, {"type": "image", "source":
                {"type": "base64", "media_type": "image/jpeg", "data": "AA=="}}]},
            {"role": "assistant", "content": [{"type": "thinking", "thinking": "hm", "signature": ""},
                {"type": "text", "text": "ok"}, {"type": "tool_use", "id": "t1", "name": "Bash", "input": {"a": 1}},
                {"type": "tool_use", "id": "t2", "name": "Bash", "input": {}}]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "t1", "content": "out"},
                {"type": "tool_result", "tool_use_id": "t2", "is_error": true, "content": [{"type": "text", "text": "bad"}]},
                {"type": "text", "text": "and now?"}]},
            {"role": "system", "content": "be quick"},
        ],
    }))
    .unwrap();
    let roles: Vec<_> = chat.messages.iter().map(|message| message.role).collect();
    assert_eq!(
        roles,
        [Role::System, Role::User, Role::Assistant, Role::Tool, Role::Tool, Role::User, Role::System]
    );
    assert_eq!(chat.messages[0].text(), "rules\nmore");
    assert!(matches!(&chat.messages[1].parts[1],
        Piece::Image(Image::Data { media_type, .. }) if media_type == "image/jpeg"));
    assert_eq!(chat.messages[2].text(), "ok");
    assert_eq!(chat.messages[2].calls[0].arguments, "{\"a\":1}");
    assert_eq!((chat.messages[3].answers.as_deref(), chat.messages[3].failed), (Some("t1"), false));
    assert_eq!((chat.messages[4].text(), chat.messages[4].failed), ("bad".to_owned(), true));
    assert_eq!(chat.messages[5].text(), "and now?");
    assert_eq!((chat.tools.len(), chat.parallel_calls), (1, false));
    assert_eq!((chat.effort.as_deref(), chat.limits.max_tokens), (Some("high"), Some(32000)));
    assert_eq!(
        chat.ignored,
        ["context_management", "temperature", "tools.web_search_20250305", "output_config.effort"]
    );
}

#[test]
fn choices_formats_and_thinking_are_read() {
    let with = |fields: Value| {
        let mut request = json!({"messages": [{"role": "user", "content": "a"}], "tools": [{"name": "f"}]});
        request.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        request
    };
    for (choice, expected) in [
        (json!({"type": "any"}), ToolChoice::Required),
        (json!({"type": "none"}), ToolChoice::None),
        (json!({"type": "tool", "name": "f"}), ToolChoice::Named("f".to_owned())),
    ] {
        assert_eq!(read(with(json!({"tool_choice": choice}))).unwrap().tool_choice, expected);
    }
    let format = json!({"type": "json_schema", "schema": {"type": "object"}});
    let chat = read(with(json!({"output_config": {"format": format}}))).unwrap();
    assert!(matches!(chat.output, Output::Schema { .. }));
    for (thinking, expected) in [
        (json!({"type": "enabled", "budget_tokens": 1024}), true),
        (json!({"type": "adaptive"}), true),
        (json!({"type": "adaptive", "display": "omitted"}), false),
        (json!({"type": "disabled"}), false),
        (Value::Null, false),
    ] {
        let request = serde_json::from_value(with(json!({"thinking": thinking}))).unwrap();
        assert_eq!(shows_thinking(&request), expected, "{thinking}");
    }
}

#[test]
fn what_cannot_be_used_is_named() {
    let user = |content: Value| json!({"messages": [{"role": "user", "content": content}]});
    for (fields, param) in [
        (json!({"messages": [{"role": "robot", "content": ""}]}), "messages[0].role"),
        (json!({"messages": [{"role": "user"}]}), "messages[0].content"),
        (user(json!([{"type": "text"}])), "messages[0].content[0].text"),
        (user(json!([{"type": "image"}])), "messages[0].content[0].source"),
        (
            user(json!([{"type": "image", "source": {"type": "file", "file_id": "f"}}])),
            "messages[0].content[0].source",
        ),
        (
            user(json!([{"type": "document", "source": {"type": "base64", "data": "x"}}])),
            "messages[0].content[0]",
        ),
        (json!({"messages": [], "tools": [{}]}), "tools[0].name"),
        (json!({"messages": [], "tool_choice": {"type": "tool", "name": "x"}}), "tool_choice"),
        (json!({"messages": [], "tool_choice": {"type": "?"}}), "tool_choice.type"),
        (
            json!({"messages": [], "output_config": {"format": {"type": "json_schema"}}}),
            "output_config.format.schema",
        ),
    ] {
        assert_eq!(read(fields.clone()).unwrap_err().param(), Some(param), "{fields}");
    }
}

fn wire(shows_thinking: bool, parts: Vec<Part>) -> String {
    let identity = Identity {
        id: "msg_1".to_owned(),
        model: "m".to_owned(),
        request_id: "r1".to_owned(),
        shows_thinking,
        input_tokens: 7,
        stop_sequences: vec!["one".to_owned(), "two".to_owned()],
    };
    let mut encoder = EventEncoder::new(identity, TaskTracker::new().token());
    let mut wire = Vec::new();
    encoder.open(&mut wire);
    encoder.beat(&mut wire);
    for part in parts {
        encoder.part(part, &mut wire);
    }
    String::from_utf8(wire).unwrap()
}

fn everything() -> Vec<Part> {
    vec![
        Part::Reasoning("hm".to_owned()),
        Part::Text("one ".to_owned()),
        Part::Text("two".to_owned()),
        Part::CallBegin { index: 0, id: "call_0".to_owned(), name: "f".to_owned() },
        Part::CallArguments { index: 0, delta: "{\"a\"".to_owned() },
        Part::CallArguments { index: 0, delta: ":1}".to_owned() },
        Part::CallEnd { index: 0 },
        Part::CallBegin { index: 1, id: "call_1".to_owned(), name: "g".to_owned() },
        Part::CallEnd { index: 1 },
        Part::End(Finish::ToolCalls, Usage { prompt: 7, completion: 5 }),
    ]
}

#[test]
fn the_events_of_thoughts_text_and_calls() {
    insta::assert_snapshot!(wire(true, everything()));
}

#[test]
fn thoughts_that_nobody_asked_for_and_empty_answers_and_failures() {
    assert!(!wire(false, everything()).contains("thinking"));
    let end = Part::End(Finish::Length, Usage { prompt: 7, completion: 0 });
    let empty = wire(false, vec![end]);
    assert!(empty.contains("content_block_start") && empty.contains("\"max_tokens\""), "{empty}");
    let end = Part::End(Finish::Sequence(1), Usage { prompt: 7, completion: 1 });
    let stopped = wire(false, vec![Part::Text("one".to_owned()), end]);
    assert!(stopped.contains(r#""stop_reason":"stop_sequence","stop_sequence":"two""#), "{stopped}");
    let failure =
        wormhole_protocol::Failure::not_posted(wormhole_protocol::FailureCode::QueueFull, "too many");
    let lost = wire(false, vec![Part::Text("half".to_owned()), Part::Failed(failure)]);
    let error = json!({"type": "error", "error": {"type": "rate_limit_error", "message": "too many"}, "request_id": "r1"});
    assert!(
        lost.ends_with(&format!("event: error\ndata: {error}\n\n")) || lost.contains("rate_limit_error"),
        "{lost}"
    );
    assert!(!lost.contains("message_stop"));
}
