use std::sync::Arc;

use proptest::prelude::*;
use serde::Deserialize;
use serde_json::json;

use super::*;

/// A reply, and what it comes to.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    reply: String,
    #[serde(default)]
    text: String,
    #[serde(default)]
    calls: Vec<CaseCall>,
    #[serde(default)]
    broken: bool,
    #[serde(default)]
    repeat: usize,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseCall {
    name: String,
    arguments: Value,
}

/// Pieces, joined.
#[derive(Debug, Default, PartialEq)]
struct Outcome {
    text: String,
    calls: Vec<Called>,
    problem: Option<Problem>,
    refused: usize,
    is_lost: bool,
}

fn tools() -> Vec<Tool> {
    let tool = |name: &str, schema: Value| Tool::new(name.to_owned(), None, Some(schema));
    let object = |required: &[&str], properties: Value| json!({"type": "object", "properties": properties, "required": required});
    let (text, whole) = (json!({"type": "string"}), json!({"type": "integer"}));
    vec![
        tool("get_weather", object(&["city"], json!({"city": text, "days": whole}))),
        tool(
            "read_file",
            object(
                &["path"],
                json!({"path": text, "limit": whole, "lines": {"type": "array", "items": whole}}),
            ),
        ),
        tool("write_file", object(&["path", "content"], json!({"path": text, "content": text}))),
        tool(
            "run_command",
            object(
                &["command"],
                json!({"command": text, "timeout": whole, "background": {"type": "boolean"}}),
            ),
        ),
        tool("list_tools", json!({})),
    ]
}

fn set(choice: &ToolChoice) -> Arc<ToolSet> {
    Arc::new(ToolSet::new(&tools(), choice).unwrap())
}

/// Feeds the deltas; checks that the pieces come in their order.
fn feed<'a>(
    tools: &Arc<ToolSet>,
    deltas: impl Iterator<Item = &'a str>,
    takes_one: bool,
    is_cut: bool,
) -> Outcome {
    let mut scanner = Scanner::new(tools.clone(), takes_one);
    let mut outcome = Outcome::default();
    let mut is_open = false;
    let mut all: Vec<Piece> = Vec::new();
    for delta in deltas {
        all.extend(scanner.push(delta));
    }
    all.extend(scanner.end(is_cut));
    for piece in all {
        match piece {
            Piece::Text(text) => {
                assert!(!is_open && !text.is_empty());
                outcome.text.push_str(&text);
            }
            Piece::Begin(name) => {
                assert!(!is_open);
                is_open = true;
                outcome.calls.push(Called { name, arguments: String::new() });
            }
            Piece::Arguments(delta) => {
                assert!(is_open);
                outcome.calls.last_mut().unwrap().arguments.push_str(&delta);
            }
            Piece::End => {
                let arguments = &outcome.calls.last().unwrap().arguments;
                assert!(
                    serde_json::from_str::<Value>(arguments).is_ok_and(|value| value.is_object()),
                    "{arguments}"
                );
                is_open = false;
            }
            Piece::Stop => {}
            Piece::Lost => outcome.is_lost = true,
        }
    }
    outcome.refused = scanner.refused();
    outcome.problem = scanner.problem();
    outcome
}

fn cases() -> Vec<Case> {
    let files = [
        include_str!("../../fixtures/replies/asked.yaml"),
        include_str!("../../fixtures/replies/habits.yaml"),
        include_str!("../../fixtures/replies/text.yaml"),
    ];
    files.into_iter().flat_map(|file| serde_yaml::from_str::<Vec<Case>>(file).unwrap()).collect()
}

/// Repeats what stands between two `@@`.
fn repeated(text: &str, times: usize) -> String {
    let parts: Vec<_> = text.split("@@").collect();
    match parts.as_slice() {
        [before, middle, after] => format!("{before}{}{after}", middle.repeat(times)),
        _ => text.to_owned(),
    }
}

fn expected(case: &Case) -> (String, Vec<CaseCall>) {
    let calls = case.calls.iter().map(|call| CaseCall {
        name: call.name.clone(),
        arguments: serde_json::from_str(&repeated(&call.arguments.to_string(), case.repeat)).unwrap(),
    });
    (case.text.clone(), calls.collect())
}

fn calls(outcome: &Outcome) -> Vec<CaseCall> {
    let call = |call: &Called| CaseCall {
        name: call.name.clone(),
        arguments: serde_json::from_str(&call.arguments).unwrap_or(Value::Null),
    };
    outcome.calls.iter().map(call).collect()
}

#[test]
fn every_reply_of_the_corpus_is_read_as_meant() {
    let tools = set(&ToolChoice::Auto);
    let cases = cases();
    assert!(cases.len() >= 60, "{}", cases.len());
    let mut wrong = Vec::new();
    for case in &cases {
        let reply = repeated(&case.reply, case.repeat);
        let whole = feed(&tools, [reply.as_str()].into_iter(), false, false);
        let is_right =
            (whole.text.clone(), calls(&whole)) == expected(case) && whole.problem.is_some() == case.broken;
        if !is_right {
            wrong.push(format!("{}: {whole:?}", case.name));
        }
        if let Some(problem) = &whole.problem {
            assert_eq!(format!("{}{}", whole.text, problem.raw), reply, "{}: nothing is lost", case.name);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_reply_comes_to_the_same_at_every_cut() {
    let tools = set(&ToolChoice::Auto);
    for case in cases() {
        let reply = repeated(&case.reply, case.repeat);
        let whole = feed(&tools, [reply.as_str()].into_iter(), false, false);
        let bounds: Vec<usize> = reply.char_indices().map(|(at, _)| at).chain([reply.len()]).collect();
        for &cut in &bounds {
            let outcome = feed(&tools, [&reply[..cut], &reply[cut..]].into_iter(), false, false);
            assert_eq!(outcome, whole, "{} cut at {cut}: {:?}", case.name, &reply[..cut]);
        }
        for size in [1, 2, 3, 7, 31] {
            let pieces: Vec<String> =
                reply.chars().collect::<Vec<_>>().chunks(size).map(|piece| piece.iter().collect()).collect();
            let outcome = feed(&tools, pieces.iter().map(String::as_str), false, false);
            assert_eq!(outcome, whole, "{} in pieces of {size}", case.name);
        }
    }
}

#[test]
fn no_mark_of_a_good_call_is_ever_passed_on_as_text() {
    let tools = set(&ToolChoice::Auto);
    for case in cases().into_iter().filter(|case| !case.broken && !case.calls.is_empty()) {
        let reply = repeated(&case.reply, case.repeat);
        let mut scanner = Scanner::new(tools.clone(), false);
        let mut text = String::new();
        for (at, character) in reply.char_indices() {
            for piece in scanner.push(&reply[at..at + character.len_utf8()]) {
                if let Piece::Text(more) = piece {
                    text.push_str(&more);
                }
            }
            assert!(expected(&case).0.starts_with(text.as_str()), "{}: {text:?}", case.name);
        }
    }
}

#[test]
fn text_flows_as_it_comes_and_only_what_may_be_a_call_waits() {
    let mut scanner = Scanner::new(set(&ToolChoice::Auto), false);
    let text = |text: &str| vec![Piece::Text(text.to_owned())];
    assert_eq!(scanner.push("Hello"), text("Hello"));
    assert_eq!(scanner.push(", world <"), text(", world"));
    assert_eq!(scanner.push("b>bold</b> <tool"), text(" <b>bold</b>"));
    assert_eq!(scanner.push("box>"), text(" <toolbox>"));
    assert_eq!(scanner.push("\n<tool_call>{\"name\": \"list_tools\""), []);
    let [Piece::Begin(name), Piece::Arguments(_), Piece::End] = &scanner.push(", \"arguments\": {}}")[..]
    else {
        panic!("the call is passed on before its end tag");
    };
    assert_eq!(name, "list_tools");
}

#[test]
fn long_arguments_flow_while_they_are_written() {
    let mut scanner = Scanner::new(set(&ToolChoice::Auto), false);
    scanner.push("<tool_call>{\"name\": \"write_file\", \"arguments\": {\"path\": \"a\", \"content\": \"");
    let mut arguments = String::new();
    for _ in 0..100 {
        for piece in scanner.push("line of code;\\n") {
            if let Piece::Arguments(delta) = piece {
                arguments.push_str(&delta);
            }
        }
    }
    assert!(arguments.len() > 1_300, "{}", arguments.len());
    assert!(!scanner.end(true).contains(&Piece::End), "a call that is cut off has no end");
}

#[test]
fn a_call_that_flows_and_cannot_be_read_is_lost() {
    let begun = "<tool_call>{\"name\": \"write_file\", \"arguments\": {\"path\": \"a\", \"content\": \"";
    let reply = format!("{begun}{}", "x".repeat(400));
    let mut scanner = Scanner::new(set(&ToolChoice::Auto), false);
    assert!(matches!(scanner.push(&reply)[0], Piece::Begin(_)));
    assert_eq!(scanner.end(false), [Piece::Lost]);
}

#[test]
fn the_choice_is_enforced() {
    let call = "<tool_call>{\"name\": \"list_tools\", \"arguments\": {}}</tool_call>";
    let named = set(&ToolChoice::Named("get_weather".to_owned()));
    let problem = feed(&named, [call].into_iter(), false, false).problem.unwrap();
    assert!(problem.why.contains("must not be called now"), "{}", problem.why);
    assert!(named.missing().unwrap().contains("get_weather"));
    assert!(set(&ToolChoice::Required).missing().is_some());
    assert!(set(&ToolChoice::Auto).missing().is_none());
    assert!(ToolSet::new(&tools(), &ToolChoice::None).is_none());
}

#[test]
fn where_one_call_is_allowed_the_first_ends_the_reply() {
    let call = "<tool_call>{\"name\": \"list_tools\", \"arguments\": {}}</tool_call>\n";
    let tools = set(&ToolChoice::Auto);
    assert_eq!(feed(&tools, [call, call, "and more"].into_iter(), true, false).calls.len(), 1);
    let list = "[{\"name\":\"list_tools\",\"arguments\":{}},{\"name\":\"list_tools\",\"arguments\":{}}]";
    assert_eq!(feed(&tools, [list].into_iter(), true, false).calls.len(), 1);
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    let check = |name: &str, arguments: &str| {
        set(&ToolChoice::Auto)
            .check(Called { name: name.to_owned(), arguments: arguments.to_owned() })
            .unwrap_err()
    };
    assert!(check("fly", "{}").contains("The tools are: get_weather, list_tools"));
    assert!(check("write_file", r#"{"path":"a"}"#).contains("\"content\" is a required property"));
    assert!(check("read_file", r#"{"path":"a","lines":["x"]}"#).contains("at /lines/0"));
    assert!(check("read_file", "[]").contains("not a JSON object"));
}

#[test]
fn no_schema_is_fetched() {
    assert!(compiled(&json!({"$ref": "http://127.0.0.1:1/schema.json"})).is_none());
    assert!(compiled(&json!({"$ref": "file:///etc/passwd"})).is_none());
    let local = json!({"$defs": {"a": {"type": "string"}}, "properties": {"x": {"$ref": "#/$defs/a"}}});
    assert!(errors(&compiled(&local).unwrap(), &json!({"x": 1})).is_some());
}

#[test]
fn a_cut_reply_keeps_its_text_and_hides_a_half_call() {
    let tools = set(&ToolChoice::Auto);
    for (reply, text) in [
        ("One <tool_call>{\"name\": \"list_t", "One"),
        ("One {\"a\": ", "One {\"a\": "),
        ("{\"a\": ", "{\"a\": "),
        ("{\"name\": \"write_file\", \"arguments\": {\"path\": \"a", ""),
    ] {
        let outcome = feed(&tools, [reply].into_iter(), false, true);
        assert_eq!((outcome.text.trim_end(), outcome.calls.len()), (text.trim_end(), 0), "{reply}");
    }
}

/// Text made of what calls are made of.
fn calls_and_noise() -> impl Strategy<Value = String> {
    let tokens = [
        "<tool_call>",
        "</tool_call>",
        "<",
        "{",
        "}",
        "[",
        "]",
        "\"",
        "'",
        "name",
        "list_tools",
        "write_file",
        ":",
        ",",
        "arguments",
        "content",
        "path",
        "\n",
        " ",
        "```",
        "```json\n",
        "<function=",
        "write_file>",
        "<parameter=",
        "path>",
        "</parameter>",
        "</function>",
        "\\",
        "\\u00",
        "ä",
        "Action: ",
        "<think>",
        "</think>",
        "[TOOL_CALLS]",
        "(",
        ")",
        "=",
        "<invoke name=\"",
        "\">",
        "text",
        "<|channel|>",
        "to=",
        "<|message|>",
        "<tool_response>",
        "{\"name\": \"list_tools\", \"arguments\": {}}",
        "<arg_key>",
        "<arg_value>",
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    ];
    prop::collection::vec(prop::sample::select(tokens.to_vec()), 0..40).prop_map(|tokens| tokens.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_comes_is_the_same_in_any_pieces(text in calls_and_noise(), size in 1_usize..9) {
        let tools = set(&ToolChoice::Auto);
        let whole = feed(&tools, [text.as_str()].into_iter(), false, false);
        let characters: Vec<char> = text.chars().collect();
        let pieces: Vec<String> = characters.chunks(size).map(|piece| piece.iter().collect()).collect();
        let outcome = feed(&tools, pieces.iter().map(String::as_str), false, false);
        prop_assert_eq!(&outcome, &whole);
        if whole.calls.is_empty() && !whole.is_lost {
            let raw = whole.problem.map(|problem| problem.raw).unwrap_or_default();
            prop_assert_eq!(format!("{}{raw}", whole.text), text);
        }
    }
}
