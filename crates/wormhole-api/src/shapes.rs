//! Golden shapes of the answers.

use serde_json::json;

use crate::{ndjson, ollama, openai, sse};

fn chunk<'a>(choices: &'a [openai::ChunkChoice<'a>], usage: Option<openai::Usage>) -> openai::ChatChunk<'a> {
    openai::ChatChunk {
        id: "chatcmpl-1",
        object: "chat.completion.chunk",
        created: 7,
        model: "m",
        choices,
        usage,
    }
}

fn choice<'a>(delta: openai::Delta<'a>, finish_reason: Option<&'a str>) -> openai::ChunkChoice<'a> {
    openai::ChunkChoice { index: 0, delta, logprobs: None, finish_reason }
}

const USAGE: openai::Usage = openai::Usage { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 };

#[test]
fn a_stream_of_chat_chunks() {
    let mut wire = Vec::new();
    let first = openai::Delta { role: Some("assistant"), content: Some(""), ..openai::Delta::default() };
    let text = openai::Delta { content: Some("two\nlines \u{2028} \"q\""), ..openai::Delta::default() };
    let thought =
        openai::Delta { reasoning_content: Some("hm"), reasoning: Some("hm"), ..openai::Delta::default() };
    sse::data(&mut wire, &chunk(&[choice(first, None)], None));
    wire.extend_from_slice(sse::PING);
    sse::data(&mut wire, &chunk(&[choice(thought, None)], None));
    sse::data(&mut wire, &chunk(&[choice(text, None)], None));
    let function = |name, arguments| openai::FunctionDelta { name, arguments };
    let call = |id, kind, function| openai::Delta {
        tool_calls: Some([openai::ToolCallDelta { index: 0, id, kind, function }]),
        ..openai::Delta::default()
    };
    let begin = call(Some("call_1"), Some("function"), function(Some("f"), ""));
    sse::data(&mut wire, &chunk(&[choice(begin, None)], None));
    sse::data(&mut wire, &chunk(&[choice(call(None, None, function(None, "{}")), None)], None));
    sse::data(&mut wire, &chunk(&[choice(openai::Delta::default(), Some("stop"))], None));
    sse::data(&mut wire, &chunk(&[], Some(USAGE)));
    wire.extend_from_slice(sse::DONE);
    insta::assert_snapshot!(String::from_utf8(wire).unwrap());
}

#[test]
fn whole_answers_lists_and_errors_of_openai() {
    let message = openai::ResponseMessage {
        role: "assistant",
        content: Some("hi"),
        refusal: None,
        reasoning_content: None,
        reasoning: None,
        tool_calls: Vec::new(),
        function_call: None,
    };
    let function = || openai::CalledFunction { name: "f", arguments: "{}" };
    let calls = openai::ResponseMessage {
        role: "assistant",
        content: None,
        refusal: None,
        reasoning_content: None,
        reasoning: None,
        tool_calls: vec![openai::MessageToolCall { id: "call_1", kind: "function", function: function() }],
        function_call: Some(function()),
    };
    let whole = openai::ChatCompletion {
        id: "chatcmpl-1",
        object: "chat.completion",
        created: 7,
        model: "m",
        choices: [openai::Choice { index: 0, message, logprobs: None, finish_reason: "stop" }],
        usage: USAGE,
    };
    let model = openai::Model { id: "a/b:c", object: "model", created: 7, owned_by: "site" };
    let error = openai::ErrorEnvelope {
        error: openai::ErrorBody { message: "no", kind: "invalid_request_error", param: None, code: None },
    };
    insta::assert_json_snapshot!(json!([
        whole,
        calls,
        openai::ModelList { object: "list", data: vec![model] },
        error
    ]));
}

#[test]
fn lines_tags_and_errors_of_ollama() {
    let counts = ollama::Counts {
        total_duration: 4,
        load_duration: 1,
        prompt_eval_count: 2,
        prompt_eval_duration: 1,
        eval_count: 3,
        eval_duration: 2,
    };
    let line = |content, thinking, done_reason: Option<&'static str>, counts| ollama::ChatLine {
        model: "m",
        created_at: "2026-11-22T10:00:00Z",
        message: ollama::ChatMessage { role: "assistant", content, thinking, tool_calls: Vec::new() },
        done: done_reason.is_some(),
        done_reason,
        counts,
    };
    let mut wire = Vec::new();
    ndjson::line(&mut wire, &line("", None, None, None));
    ndjson::line(&mut wire, &line("", Some("hm"), None, None));
    ndjson::line(&mut wire, &line("two\nlines", None, None, None));
    let arguments = json!({"a": 1});
    let function = ollama::CalledFunction { index: 0, name: "f", arguments: &arguments };
    let mut call = line("", None, None, None);
    call.message.tool_calls = vec![ollama::MessageToolCall { id: "call_1", function }];
    ndjson::line(&mut wire, &call);
    ndjson::line(&mut wire, &line("", None, Some("stop"), Some(counts)));
    ndjson::line(&mut wire, &ollama::ErrorBody { error: "cut", status: Some(502) });
    ndjson::line(&mut wire, &ollama::ErrorBody { error: "model 'x' not found", status: None });
    insta::assert_snapshot!(String::from_utf8(wire).unwrap());
}
