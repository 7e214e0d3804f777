//! Items in, events out.

use async_openai::types::responses::{OutputItem, Response as StrictResponse, ResponseStreamEvent};
use serde_json::{Value, json};
use tokio_util::task::TaskTracker;
use wormhole_api::sse;

use super::create::{Reading, read};
use super::encode::EventEncoder;
use super::output::{Keep, Output};
use crate::chat::{self, Role, ToolChoice};
use crate::errors::ApiError;
use crate::reply::{Finish, Part, Whole, WholeCall};
use crate::responses_store::ResponsesStore;
use crate::store::KeptResponses;
use crate::stream::Encode;
use crate::usage::Usage;

const COST: Usage = Usage { prompt: 3, completion: 5 };

fn reading(fields: Value) -> Result<Reading, ApiError> {
    reading_with(fields, &KeptResponses::in_memory())
}

fn reading_with(fields: Value, store: &dyn ResponsesStore) -> Result<Reading, ApiError> {
    read(serde_json::from_value(fields).unwrap(), store, "alice")
}

/// As codex 0.169 sends it, in short.
fn codex() -> Value {
    json!({
        "model": "m", "stream": true, "store": false, "include": ["reasoning.encrypted_content"],
        "instructions": "be brief", "prompt_cache_key": "k", "client_metadata": {"a": "b"},
        "parallel_tool_calls": true, "tool_choice": "auto", "reasoning": {"effort": "low", "summary": "auto"},
        "input": [
            {"type": "message", "role": "developer", "id": "msg_1", "content": [{"type": "input_text", "text": "rules"}]},
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "list"}]},
            {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "x"},
            {"type": "function_call", "name": "shell", "arguments": "{\"a\":1}", "call_id": "call_1"},
            {"type": "function_call", "name": "read", "namespace": "fs", "arguments": "", "call_id": "call_2"},
            {"type": "function_call_output", "call_id": "call_1", "output": "done"},
            {"type": "function_call_output", "call_id": "call_2", "output": [{"type": "input_text", "text": "x"}]},
            {"type": "web_search_call", "id": "ws_1", "status": "completed"},
        ],
        "tools": [
            {"type": "function", "name": "shell", "description": "runs", "strict": false,
             "parameters": {"type": "object", "properties": {"a": {"type": "integer"}}}},
            {"type": "namespace", "name": "fs", "description": "files", "tools": [
                {"type": "function", "name": "read", "parameters": {"type": "object", "properties": {}}},
                {"type": "custom", "name": "odd"}]},
            {"type": "web_search", "external_web_access": false},
        ],
    })
}

#[test]
fn the_request_of_codex_is_read() {
    let Reading { chat, names, object, items } = reading(codex()).unwrap();
    let roles: Vec<_> = chat.messages.iter().map(|message| message.role).collect();
    assert_eq!(
        roles,
        [Role::System, Role::System, Role::User, Role::Assistant, Role::Tool, Role::Tool],
        "calls of one answer are one message"
    );
    let calls: Vec<_> = chat.messages[3].calls.iter().map(|call| call.name.as_str()).collect();
    assert_eq!(calls, ["shell", "fs__read"]);
    assert_eq!(chat.messages[3].calls[1].arguments, "{}");
    assert_eq!(chat.messages[4].answers.as_deref(), Some("call_1"));
    assert_eq!(chat.messages[5].text(), "x");
    let tools: Vec<_> = chat.tools.iter().map(|tool| tool.name.as_str()).collect();
    assert_eq!(tools, ["shell", "fs__read"]);
    assert_eq!(
        chat.ignored,
        ["reasoning.effort", "tools.custom", "tools.web_search", "input.web_search_call"]
    );
    assert_eq!(chat.effort.as_deref(), Some("low"));
    assert_eq!(names.split("fs__read"), (Some("fs".to_owned()), "read".to_owned()));
    assert_eq!(names.split("shell"), (None, "shell".to_owned()));
    assert_eq!((object.store, items.len()), (false, 8));
}

#[test]
fn input_is_a_text_or_messages_of_any_form() {
    let chat = reading(json!({"input": "hi"})).unwrap().chat;
    assert_eq!((chat.messages[0].role, chat.messages[0].text()), (Role::User, "hi".to_owned()));
    let chat = reading(json!({"input": [
        {"role": "system", "content": "rules"},
        {"role": "user", "content": [{"type": "input_text", "text": "see"},
            {"type": "input_image", "image_url": "data:image/png;base64,AA==", "detail": "auto"}]},
        {"role": "assistant", "content": [{"type": "output_text", "text": "I do", "annotations": []},
            {"type": "refusal", "refusal": "no"}]}],
        "max_output_tokens": 7, "temperature": 0.5, "text": {"format": {"type": "json_object"}}}));
    let chat = chat.unwrap().chat;
    assert!(matches!(chat.messages[1].parts[1], chat::Part::Image(chat::Image::Data { .. })));
    assert_eq!(chat.messages[2].text(), "I do\nno");
    assert_eq!((chat.limits.max_tokens, chat.output), (Some(7), chat::Output::Json));
    assert_eq!(chat.ignored, ["temperature"]);
}

#[test]
fn the_choice_of_tools_is_read() {
    let with = |choice: Value| {
        let mut request = codex();
        request["tool_choice"] = choice;
        reading(request).map(|reading| (reading.chat.tool_choice, reading.chat.tools.len()))
    };
    for (choice, expected) in [
        (json!("auto"), ToolChoice::Auto),
        (json!("none"), ToolChoice::None),
        (json!("required"), ToolChoice::Required),
        (json!({"type": "function", "name": "shell"}), ToolChoice::Named("shell".to_owned())),
        (json!({"type": "web_search"}), ToolChoice::Auto),
        (Value::Null, ToolChoice::Auto),
    ] {
        assert_eq!(with(choice.clone()).unwrap(), (expected, 2), "{choice}");
    }
    let allowed = json!({"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "shell"}]});
    assert_eq!(with(allowed).unwrap(), (ToolChoice::Required, 1));
    for wrong in [json!({"type": "function", "name": "nothing"}), json!("sometimes"), json!({})] {
        assert!(with(wrong.clone()).unwrap_err().param().unwrap().starts_with("tool_choice"), "{wrong}");
    }
}

#[test]
fn what_cannot_be_used_is_named() {
    for (fields, param) in [
        (json!({}), "input"),
        (json!({"input": "a", "conversation": "conv_1"}), "conversation"),
        (json!({"input": "a", "prompt": {"id": "p"}}), "prompt"),
        (json!({"input": "a", "previous_response_id": "resp_0"}), "previous_response_id"),
        (json!({"input": [7]}), "input[0]"),
        (json!({"input": [{"role": "robot", "content": ""}]}), "input[0].role"),
        (json!({"input": [{"content": ""}]}), "input[0].role"),
        (json!({"input": [{"role": "user", "content": 7}]}), "input[0].content"),
        (
            json!({"input": [{"role": "user", "content": [{"type": "input_text"}]}]}),
            "input[0].content[0].text",
        ),
        (json!({"input": [{"role": "user", "content": [{"type": "input_file"}]}]}), "input[0].content[0]"),
        (json!({"input": [{"type": "function_call"}]}), "input[0].name"),
        (json!({"input": "a", "tools": [{"type": "function"}]}), "tools[0].name"),
        (json!({"input": "a", "tools": [{}]}), "tools[0].type"),
        (json!({"input": "a", "text": {"format": {"type": "json_schema"}}}), "text.format.schema"),
        (json!({"input": "a", "text": {"format": {"type": "grammar"}}}), "text.format"),
    ] {
        assert_eq!(reading(fields.clone()).unwrap_err().param(), Some(param), "{fields}");
    }
    let lost = reading(json!({"input": "a", "previous_response_id": "resp_0"})).unwrap_err();
    assert_eq!((lost.status().as_u16(), lost.openai_code()), (400, Some("previous_response_not_found")));
}

fn text(text: &str) -> Part {
    Part::Text(text.to_owned())
}

fn everything() -> Vec<Part> {
    let call = |index, name: &str, arguments: &[&str]| {
        let begin = Part::CallBegin { index, id: format!("call_{index}"), name: name.to_owned() };
        let deltas =
            arguments.iter().map(move |delta| Part::CallArguments { index, delta: (*delta).to_owned() });
        std::iter::once(begin).chain(deltas).chain([Part::CallEnd { index }]).collect::<Vec<_>>()
    };
    let mut parts =
        vec![Part::Reasoning("h".to_owned()), Part::Reasoning("m".to_owned()), text("one "), text("two")];
    parts.extend(call(0, "shell", &["{\"a\"", ":1}"]));
    parts.extend(call(1, "fs__read", &["{}"]));
    parts.push(Part::End(Finish::ToolCalls, COST));
    parts
}

/// The events of an answer, each parsed with types that we did not write and numbered without gaps.
fn events(fields: Value, parts: Vec<Part>) -> Vec<Value> {
    let Reading { names, object, .. } = reading(fields).unwrap();
    let mut encoder = EventEncoder::new(Output::new(object, names, None), TaskTracker::new().token());
    let mut wire = Vec::new();
    encoder.open(&mut wire);
    encoder.beat(&mut wire);
    for part in parts {
        encoder.part(part, &mut wire);
    }
    let wire = String::from_utf8(wire).unwrap();
    let names: Vec<_> = wire.lines().filter_map(|line| line.strip_prefix("event: ")).collect();
    let events = sse::Reader::new().push(wire.as_bytes());
    let values = events.iter().enumerate().map(|(number, event)| {
        serde_json::from_str::<ResponseStreamEvent>(event).unwrap_or_else(|error| panic!("{error}: {event}"));
        let value: Value = serde_json::from_str(event).unwrap();
        assert_eq!(value["sequence_number"], number);
        assert_eq!(value["type"], names[number], "the two names of an event agree");
        value
    });
    values.collect()
}

fn kinds(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["type"].as_str().unwrap().strip_prefix("response.").unwrap()).collect()
}

#[test]
fn the_events_of_thoughts_text_and_calls() {
    let mut fields = codex();
    // The strict types know no tools of namespaces that hold unknown ones.
    fields["tools"][1]["tools"].as_array_mut().unwrap().truncate(1);
    let events = events(fields, everything());
    assert_eq!(
        kinds(&events),
        [
            "created",
            "in_progress",
            "output_item.added",
            "reasoning_summary_part.added",
            "reasoning_summary_text.delta",
            "reasoning_summary_text.delta",
            "reasoning_summary_text.done",
            "reasoning_summary_part.done",
            "output_item.done",
            "output_item.added",
            "content_part.added",
            "output_text.delta",
            "output_text.delta",
            "output_text.done",
            "content_part.done",
            "output_item.done",
            "output_item.added",
            "function_call_arguments.delta",
            "function_call_arguments.delta",
            "function_call_arguments.done",
            "output_item.done",
            "output_item.added",
            "function_call_arguments.delta",
            "function_call_arguments.done",
            "output_item.done",
            "completed",
        ]
    );
    let last = &events.last().unwrap()["response"];
    let done: Vec<_> = events
        .iter()
        .filter(|event| event["type"] == "response.output_item.done")
        .map(|event| &event["item"])
        .collect();
    assert_eq!(
        done,
        last["output"].as_array().unwrap().iter().collect::<Vec<_>>(),
        "the items are told twice alike"
    );
    for event in &events {
        if let Some(place) = event["output_index"].as_u64() {
            let item = &last["output"][usize::try_from(place).unwrap()];
            let id = event.get("item_id").unwrap_or(&event["item"]["id"]);
            assert_eq!(*id, item["id"]);
        }
    }
    assert_eq!((&done[0]["type"], &done[0]["summary"][0]["text"]), (&json!("reasoning"), &json!("hm")));
    assert_eq!(
        done[1]["content"][0],
        json!({"type": "output_text", "text": "one two", "annotations": [], "logprobs": []})
    );
    assert_eq!((&done[2]["call_id"], &done[2]["arguments"]), (&json!("call_0"), &json!("{\"a\":1}")));
    assert_eq!((&done[3]["namespace"], &done[3]["name"]), (&json!("fs"), &json!("read")));
    assert_eq!(last["usage"]["total_tokens"], 8);
    assert_eq!((&last["status"], &last["error"]), (&json!("completed"), &Value::Null));
}

#[test]
fn an_answer_that_is_cut_empty_or_lost_ends_in_its_own_event() {
    let cut = events(json!({"input": "a"}), vec![text("half"), Part::End(Finish::Length, COST)]);
    let last = cut.last().unwrap();
    assert_eq!(last["type"], "response.incomplete");
    assert_eq!(last["response"]["incomplete_details"]["reason"], "max_output_tokens");
    assert_eq!(last["response"]["output"][0]["status"], "incomplete");
    let thought = vec![Part::Reasoning("hm".to_owned()), Part::End(Finish::Stop, COST)];
    let empty = events(json!({"input": "a"}), thought);
    assert_eq!(empty.last().unwrap()["response"]["output"][1]["content"][0]["text"], "");
    let failure = wormhole_protocol::Failure::new(
        wormhole_protocol::FailureCode::Truncated,
        wormhole_protocol::Posted::Yes,
        "the stream was cut",
    );
    let broken = events(json!({"input": "a"}), vec![text("half"), Part::Failed(failure)]);
    let last = broken.last().unwrap();
    assert_eq!(last["type"], "response.failed");
    assert_eq!(last["response"]["error"], json!({"code": "truncated", "message": "the stream was cut"}));
}

#[test]
fn a_whole_answer_has_the_items_of_the_stream_and_is_kept() {
    let store = std::sync::Arc::new(KeptResponses::in_memory());
    let Reading { names, object, items, .. } =
        reading(json!({"input": "hi", "metadata": {"a": "b"}})).unwrap();
    let id = object.id.clone();
    let keep = Keep { store: store.clone(), caller: "alice".to_owned(), items };
    let mut output = Output::new(object, names, Some(keep));
    let call = WholeCall { id: "call_1".to_owned(), name: "f".to_owned(), arguments: "{}".to_owned() };
    let whole = Whole {
        text: "hello".to_owned(),
        reasoning: "hm".to_owned(),
        calls: vec![call],
        finish: Finish::ToolCalls,
        usage: COST,
    };
    let answer = serde_json::to_value(output.whole(whole)).unwrap();
    let strict: StrictResponse = serde_json::from_value(answer.clone()).unwrap();
    assert!(matches!(
        strict.output[..],
        [OutputItem::Reasoning(_), OutputItem::Message(_), OutputItem::FunctionCall(_)]
    ));
    assert_eq!(answer["metadata"], json!({"a": "b"}));
    assert_eq!(store.get("alice", &id).unwrap().response, answer);

    // Going on: the whole conversation, without the instructions of the response before.
    let next = json!({"input": [{"type": "function_call_output", "call_id": "call_1", "output": "7"}],
        "previous_response_id": id});
    let Reading { chat, items, .. } = reading_with(next, &*store).unwrap();
    let roles: Vec<_> = chat.messages.iter().map(|message| message.role).collect();
    assert_eq!(roles, [Role::User, Role::Assistant, Role::Tool]);
    assert_eq!((chat.messages[1].text(), chat.messages[1].calls.len()), ("hello".to_owned(), 1));
    assert_eq!(items.len(), 5);
}
