//! Tools and structured output, through the whole service.

use serde_json::{Value, json};
use wormhole_api::sse;

use crate::hub::FakeTurn;
use crate::stage::{Stage, header, piece, text};

const CALL: &str = "<tool_call>\n{\"name\": \"add\", \"arguments\": {\"a\": 1, \"b\": 2}}\n</tool_call>";
const BROKEN: &str = "<tool_call>\n{\"name\": \"add\", \"arguments\": {\"a\": 1}}\n</tool_call>";

fn function() -> Value {
    json!({"name": "add", "description": "Adds.", "parameters": {"type": "object", "required": ["a", "b"],
        "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}}})
}

fn tools() -> Value {
    json!([{"type": "function", "function": function()}])
}

fn with_tools(fields: &Value) -> Value {
    let mut all = json!({"tools": tools()});
    all.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    all
}

/// The choices of a stream's chunks.
fn choices(stream: &str) -> Vec<Value> {
    assert!(stream.ends_with("data: [DONE]\n\n"), "{stream}");
    let events = sse::Reader::new().push(stream.as_bytes());
    let chunks = events.iter().filter_map(|event| serde_json::from_str::<Value>(event).ok());
    chunks.map(|mut chunk| chunk["choices"][0].take()).collect()
}

async fn play(stage: &Stage, fields: Value, play: impl FnOnce(FakeTurn)) -> reqwest::Response {
    let (response, ()) = tokio::join!(stage.openai(fields), async { play(stage.hub.turn().await) });
    response
}

#[tokio::test]
async fn tools_travel_in_the_text_and_calls_come_back_whole() {
    let stage = Stage::new().await;
    let response = play(&stage, with_tools(&json!({})), |turn| {
        assert!(
            turn.submit.text.contains("<tool_call>")
                && turn.submit.text.contains("\"description\":\"Adds.\"")
        );
        turn.answer(&format!("{CALL}\n{CALL}"));
    });
    let response = response.await;
    assert_eq!(header(&response, "x-wormhole-ignored"), None);
    let answer: Value = response.json().await.unwrap();
    let message = &answer["choices"][0]["message"];
    assert_eq!(
        (&message["content"], &answer["choices"][0]["finish_reason"]),
        (&Value::Null, &json!("tool_calls"))
    );
    let calls = message["tool_calls"].as_array().unwrap();
    assert_eq!(calls.len(), 2);
    assert_eq!(calls[0]["function"], json!({"name": "add", "arguments": "{\"a\":1,\"b\":2}"}));
    assert_ne!(calls[0]["id"], calls[1]["id"]);
    assert!(
        calls
            .iter()
            .all(|call| call["type"] == "function" && call["id"].as_str().unwrap().starts_with("call_"))
    );
}

#[tokio::test]
async fn calls_stream_in_the_pieces_that_clients_expect() {
    let stage = Stage::new().await;
    let fields = with_tools(&json!({"stream": true}));
    let response = play(&stage, fields, |mut turn| {
        turn.accept();
        turn.reasoning("<tool_call>{\"name\": \"add\"");
        for delta in [
            "I ad",
            "d. <too",
            "l_call>{\"name\": \"a",
            "dd\", \"arguments\": {\"a\": 1, ",
            "\"b\": 2}}",
            "</tool_call>\n",
        ] {
            turn.text(delta);
        }
        turn.text(CALL);
        turn.done();
    });
    let choices = choices(&text(response.await).await);
    let field = |name: &str| -> String {
        choices.iter().filter_map(|choice| choice["delta"][name].as_str()).collect()
    };
    assert_eq!((field("role").as_str(), field("content").trim_end()), ("assistant", "I add."));
    let calls: Vec<&Value> =
        choices.iter().filter_map(|choice| choice["delta"]["tool_calls"].get(0)).collect();
    for (index, pieces) in [(0, &calls[..2]), (1, &calls[2..])] {
        assert_eq!(pieces[0]["index"], json!(index));
        assert_eq!(pieces[0]["type"], "function");
        assert!(pieces[0]["id"].as_str().unwrap().starts_with("call_"));
        assert_eq!(pieces[0]["function"], json!({"name": "add", "arguments": ""}));
        assert_eq!(*pieces[1], json!({"index": index, "function": {"arguments": "{\"a\":1,\"b\":2}"}}));
    }
    assert_eq!(calls.len(), 4);
    let last = choices.last().unwrap();
    assert_eq!((&last["delta"], &last["finish_reason"]), (&json!({}), &json!("tool_calls")));
    assert!(choices[..choices.len() - 1].iter().all(|choice| choice["finish_reason"].is_null()));
}

#[tokio::test]
async fn a_long_argument_arrives_while_it_is_written() {
    let stage = Stage::new().await;
    let write = json!({"type": "object", "required": ["text"], "properties": {"text": {"type": "string"}}});
    let tools = json!([{"type": "function", "function": {"name": "write", "parameters": write}}]);
    let (mut response, mut turn) =
        tokio::join!(stage.openai(json!({"tools": tools, "stream": true})), async {
            let turn = stage.hub.turn().await;
            turn.begun(&format!(
                "<tool_call>{{\"name\": \"write\", \"arguments\": {{\"text\": \"{}MARK",
                "x".repeat(400)
            ))
        });
    while !piece(&mut response).await.contains("MARK") {}
    turn.text("\"}}</tool_call>");
    turn.done();
    assert!(text(response).await.contains(r#""finish_reason":"tool_calls""#));
}

#[tokio::test]
async fn functions_of_old_are_called_as_of_old() {
    let stage = Stage::new().await;
    let fields = json!({"functions": [function()], "function_call": "auto"});
    let answer: Value = play(&stage, fields.clone(), |turn| turn.answer(CALL)).await.json().await.unwrap();
    let choice = &answer["choices"][0];
    let call = json!({"name": "add", "arguments": "{\"a\":1,\"b\":2}"});
    assert_eq!(
        (&choice["message"]["function_call"], &choice["finish_reason"]),
        (&call, &json!("function_call"))
    );
    assert!(choice["message"].get("tool_calls").is_none());
    let mut fields = fields;
    fields["stream"] = json!(true);
    let choices = choices(&text(play(&stage, fields, |turn| turn.answer(CALL)).await).await);
    assert_eq!(choices[1]["delta"]["function_call"], json!({"name": "add", "arguments": ""}));
    assert_eq!(choices.last().unwrap()["finish_reason"], "function_call");
}

#[tokio::test]
async fn a_broken_call_is_asked_for_again_in_the_same_conversation() {
    let stage = Stage::new().await;
    let (response, ()) = tokio::join!(stage.openai(with_tools(&json!({"stream": true}))), async {
        stage.hub.turn().await.answer_in("c1", 1, &format!("Adding. {BROKEN}"));
        let again = stage.hub.turn().await;
        assert_eq!(again.place(), Some(("default", "c1", 1)));
        assert!(again.submit.text.contains("\"b\" is a required property"), "{}", again.submit.text);
        again.answer_in("c1", 2, &format!("Sorry. {CALL}"));
    });
    let stream = text(response).await;
    let choices = choices(&stream);
    let content: String = choices.iter().filter_map(|choice| choice["delta"]["content"].as_str()).collect();
    assert_eq!(content.trim_end(), "Adding.");
    assert_eq!(choices.last().unwrap()["finish_reason"], "tool_calls");
    assert_eq!(stage.metric("wormhole_oai_repairs_total{kind=\"call_again\"}").await, 1);
}

#[tokio::test]
async fn a_call_that_stays_broken_is_text() {
    let stage = Stage::new().await;
    let (response, ()) = tokio::join!(stage.openai(with_tools(&json!({}))), async {
        stage.hub.turn().await.answer_in("c1", 1, &format!("Adding. {BROKEN}"));
        stage.hub.turn().await.answer_in("c1", 2, BROKEN);
    });
    let answer: Value = response.json().await.unwrap();
    assert_eq!(answer["choices"][0]["message"]["content"], format!("Adding. {BROKEN}"));
    assert_eq!(answer["choices"][0]["finish_reason"], "stop");
    assert_eq!(stage.metric("wormhole_oai_repairs_total{kind=\"call_given_up\"}").await, 1);
    // A site without threads cannot be asked again.
    let answer: Value =
        play(&stage, with_tools(&json!({})), |turn| turn.answer(BROKEN)).await.json().await.unwrap();
    assert_eq!(answer["choices"][0]["message"]["content"], BROKEN);
    assert!(stage.hub.is_quiet().await);
}

#[tokio::test]
async fn a_call_that_must_be_made_is_asked_for() {
    let stage = Stage::new().await;
    for choice in [json!("required"), json!({"type": "function", "function": {"name": "add"}})] {
        let (response, ()) = tokio::join!(stage.openai(with_tools(&json!({"tool_choice": choice}))), async {
            let turn = stage.hub.turn().await;
            assert!(turn.submit.text.contains("Your answer now must be a call of"));
            turn.answer_in("c1", 1, "It is 3.");
            stage.hub.turn().await.answer_in("c1", 2, CALL);
        });
        let answer: Value = response.json().await.unwrap();
        assert_eq!(answer["choices"][0]["finish_reason"], "tool_calls");
    }
    let response = stage.openai(json!({"tool_choice": "required"})).await;
    assert_eq!(response.status(), 400);
}

#[tokio::test]
async fn where_one_call_is_allowed_the_first_ends_the_turn() {
    let stage = Stage::new().await;
    let (response, turn) =
        tokio::join!(stage.openai(with_tools(&json!({"parallel_tool_calls": false}))), async {
            let mut turn = stage.hub.turn().await;
            turn.accept();
            turn.text(&format!("{CALL}{CALL}"));
            turn
        });
    let answer: Value = response.json().await.unwrap();
    assert_eq!(answer["choices"][0]["message"]["tool_calls"].as_array().unwrap().len(), 1);
    turn.cancelled().await;
}

#[tokio::test]
async fn where_no_tool_may_be_called_a_call_is_text() {
    let stage = Stage::new().await;
    let answer = play(&stage, with_tools(&json!({"tool_choice": "none"})), |turn| {
        assert_eq!(turn.submit.text, "hi");
        turn.answer(CALL);
    });
    let answer: Value = answer.await.json().await.unwrap();
    assert_eq!(answer["choices"][0]["message"]["content"], CALL);
}

#[tokio::test]
async fn history_holds_calls_without_any_tools() {
    let stage = Stage::new().await;
    let messages = json!([
        {"role": "user", "content": "1 + 2?"},
        {"role": "assistant", "content": null, "tool_calls": [
            {"id": "call_1", "type": "function", "function": {"name": "add", "arguments": "{\"a\":1,\"b\":2}"}}]},
        {"role": "tool", "tool_call_id": "call_1", "content": "3"},
    ]);
    let response = play(&stage, json!({"messages": messages}), |turn| {
        for part in ["add (call_1): {\"a\":1,\"b\":2}", "[Tool result: add (call_1)]\n3"] {
            assert!(turn.submit.text.contains(part), "{}", turn.submit.text);
        }
        turn.answer("It is 3.");
    });
    assert_eq!(response.await.status(), 200);
}

fn schema() -> Value {
    json!({"type": "object", "required": ["n"], "properties": {"n": {"type": "integer", "maximum": 9}}})
}

#[tokio::test]
async fn an_answer_in_a_format_is_asked_for_again_until_it_is_right() {
    let stage = Stage::new().await;
    for stream in [false, true] {
        let format = json!({"type": "json_schema", "json_schema": {"name": "s", "schema": schema()}});
        let fields = json!({"response_format": format, "stream": stream});
        let (response, ()) = tokio::join!(stage.openai(fields), async {
            let turn = stage.hub.turn().await;
            assert!(turn.submit.text.contains("\"maximum\":9"));
            turn.answer_in("c1", 1, "Seven!");
            stage.hub.turn().await.answer_in("c1", 2, "{\"n\": 70}");
            let last = stage.hub.turn().await;
            assert!(last.submit.text.contains("70 is greater than the maximum of 9"), "{}", last.submit.text);
            last.answer_in("c1", 3, "```json\n{\"n\": 7}\n```");
        });
        let body = text(response).await;
        assert!(body.contains(r#""content":"{\"n\": 7}""#), "{body}");
        assert!(!body.contains("Seven") && !body.contains(": 70"), "{body}");
    }
}

#[tokio::test]
async fn an_answer_that_never_has_the_format_is_an_error_that_names_the_rule() {
    let stage = Stage::new().await;
    let format = json!({"type": "json_schema", "json_schema": {"name": "s", "schema": schema()}});
    let (response, ()) = tokio::join!(stage.openai(json!({"response_format": format})), async {
        for turns in 1..=3 {
            stage.hub.turn().await.answer_in("c1", turns, "{\"n\": 70}");
        }
    });
    assert_eq!(response.status(), 502);
    assert_eq!(header(&response, "x-should-retry"), Some("false"));
    let error: Value = response.json().await.unwrap();
    assert!(
        error["error"]["message"].as_str().unwrap().contains("at /n: 70 is greater than the maximum"),
        "{error}"
    );
    let remote = json!({"type": "json_schema", "json_schema": {"schema": {"$ref": "http://127.0.0.1:1/s"}}});
    assert_eq!(stage.openai(json!({"response_format": remote})).await.status(), 400);
}

#[tokio::test]
async fn a_prompt_over_the_limit_says_by_how_much() {
    let stage = Stage::with(|config| config.limits.prompt = 1_000).await;
    let messages = json!([{"role": "user", "content": "x".repeat(1_200)}]);
    let response = stage.openai(json!({"messages": messages})).await;
    assert_eq!(response.status(), 400);
    let error: Value = response.json().await.unwrap();
    assert_eq!(error["error"]["code"], "context_length_exceeded");
    assert!(
        error["error"]["message"].as_str().unwrap().contains("200 bytes over the limit of 1000"),
        "{error}"
    );
}

#[tokio::test]
async fn ollama_tells_calls_whole_with_index_and_object() {
    let stage = Stage::new().await;
    for stream in [true, false] {
        let fields = json!({"tools": tools(), "stream": stream, "tool_choice": "auto"});
        let (response, ()) = tokio::join!(stage.ollama(fields), async {
            stage.hub.turn().await.answer(&format!("Adding.\n{CALL}\n{CALL}"));
        });
        assert_eq!(header(&response, "x-wormhole-ignored"), None);
        let lines: Vec<Value> =
            text(response).await.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let calls: Vec<&Value> =
            lines.iter().filter_map(|line| line["message"]["tool_calls"].as_array()).flatten().collect();
        for (index, call) in calls.iter().enumerate() {
            let expected = json!({"index": index, "name": "add", "arguments": {"a": 1, "b": 2}});
            assert_eq!(call["function"], expected);
            assert!(call["id"].as_str().unwrap().starts_with("call_"));
        }
        assert_eq!(calls.len(), 2);
        assert_eq!(lines.last().unwrap()["done_reason"], "stop");
    }
}

#[tokio::test]
async fn ollamas_format_is_checked() {
    let stage = Stage::new().await;
    for (format, reply, content) in [
        (json!("json"), "Sure: {\"a\": 1}", "{\"a\":1}"),
        (schema(), "{\"n\": 3}", "{\"n\": 3}"),
        (json!(""), "words", "words"),
    ] {
        let fields = json!({"format": format, "stream": false});
        let (response, ()) =
            tokio::join!(stage.ollama(fields), async { stage.hub.turn().await.answer(reply) });
        assert_eq!(response.json::<Value>().await.unwrap()["message"]["content"], content);
    }
    assert_eq!(stage.ollama(json!({"format": "yaml"})).await.status(), 400);
}
