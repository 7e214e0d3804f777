use super::*;

fn said(role: Role, text: &str) -> Message {
    Message::new(role, vec![Part::Text(text.to_owned())])
}

fn render(messages: Vec<Message>) -> String {
    let chat = Chat { messages, ..Chat::default() };
    Prompt::load(None, None).unwrap().render(&chat).unwrap()
}

#[test]
fn one_message_of_a_user_is_posted_as_it_is() {
    for text in ["hi", " spaces \n\n", "{{ not a template }} {% if %} <b>&amp;</b>", "\n"] {
        assert_eq!(render(vec![said(Role::User, text)]), text);
    }
}

#[test]
fn system_and_user() {
    insta::assert_snapshot!(render(vec![
        said(Role::System, "Be terse.\n\nAnswer in French."),
        said(Role::User, "What is 2 + 2?"),
    ]));
}

#[test]
fn many_turns_with_names_and_two_system_texts() {
    let mut named = said(Role::User, "And the next one?");
    named.name = Some("alice".to_owned());
    insta::assert_snapshot!(render(vec![
        said(Role::System, "You know primes."),
        said(Role::System, "You are patient."),
        said(Role::User, "First prime?"),
        said(Role::Assistant, "2"),
        said(Role::System, "From now on, explain."),
        said(Role::User, "Second\nprime?"),
        said(Role::Assistant, "3, because 3 has no divisors."),
        named,
    ]));
}

#[test]
fn history_without_system() {
    insta::assert_snapshot!(render(vec![
        said(Role::User, "one"),
        said(Role::Assistant, "two"),
        said(Role::User, "three"),
    ]));
}

#[test]
fn calls_and_results_of_tools() {
    let call = |id: &str, city: &str| Call {
        id: Some(id.to_owned()),
        name: "weather".to_owned(),
        arguments: format!("{{\"city\":\"{city}\"}}"),
    };
    let mut calls = said(Role::Assistant, "");
    calls.calls = vec![call("call_1", "Paris"), call("call_2", "Rome")];
    let mut spoken = said(Role::Assistant, "Let me look.");
    spoken.calls = vec![call("call_3", "Oslo")];
    let result = |id: &str, text| {
        let mut result = said(Role::Tool, text);
        result.answers = Some(id.to_owned());
        result.name = Some("weather".to_owned());
        result
    };
    insta::assert_snapshot!(render(vec![
        said(Role::User, "Weather in Paris and Rome?"),
        calls,
        result("call_1", "sunny"),
        result("call_2", "rain"),
        spoken,
        result("call_3", "{\"snow\": true}"),
    ]));
}

#[test]
fn parts_are_lines_and_only_instructions_are_a_conversation_too() {
    let mut parts = said(Role::User, "first");
    parts.parts.push(Part::Text("second".to_owned()));
    assert_eq!(render(vec![parts]), "first\nsecond");
    insta::assert_snapshot!(render(vec![said(Role::System, "Say hello.")]));
}

/// The tokens of a prompt that are neither the client's text nor its tools.
fn furniture(chat: &Chat) -> u64 {
    let mut prompt = Prompt::load(None, None).unwrap().render(chat).unwrap();
    for tool in chat.tools.iter().map(tool_line) {
        prompt = prompt.replace(&tool, "");
    }
    if let Output::Schema { schema, .. } = &chat.output {
        prompt = prompt.replace(&schema.to_string(), "");
    }
    for text in chat.messages.iter().map(Message::text).filter(|text| !text.is_empty()) {
        prompt = prompt.replace(&text, "");
    }
    crate::usage::tokens(&prompt)
}

fn tool(name: &str, description: &str, parameters: serde_json::Value) -> Tool {
    Tool::new(name.to_owned(), Some(description.to_owned()), Some(parameters))
}

fn weather() -> Tool {
    let schema = serde_json::json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]});
    tool("weather", "The weather in a city.", schema)
}

#[test]
fn the_furniture_is_at_most_four_hundred_tokens() {
    let asked = vec![said(Role::System, "SYSTEMTEXT"), said(Role::User, "USERTEXT")];
    let history = vec![
        said(Role::System, "SYSTEMTEXT"),
        said(Role::User, "FIRSTTEXT"),
        said(Role::Assistant, "SECONDTEXT"),
        said(Role::User, "THIRDTEXT"),
    ];
    let schema = Output::Schema { name: "s".to_owned(), schema: serde_json::json!({"type": "array"}) };
    for tool_choice in [ToolChoice::Auto, ToolChoice::Required, ToolChoice::Named("weather".to_owned())] {
        for messages in [&asked, &history] {
            let chat = Chat {
                messages: messages.clone(),
                tools: vec![weather()],
                tool_choice: tool_choice.clone(),
                output: schema.clone(),
                ..Chat::default()
            };
            let tokens = furniture(&chat);
            assert!(tokens <= 400, "{tokens} tokens with {tool_choice:?}");
        }
    }
}

fn with_tools(messages: Vec<Message>, change: impl FnOnce(&mut Chat)) -> String {
    let read = tool(
        "read_file",
        "Reads a file.\nWhole lines.",
        serde_json::json!({"type": "object",
        "properties": {"path": {"type": "string"}, "lines": {"type": "array", "items": {"type": "integer"}}},
        "required": ["path"], "additionalProperties": false}),
    );
    let mut chat = Chat { messages, tools: vec![weather(), read], ..Chat::default() };
    change(&mut chat);
    Prompt::load(None, None).unwrap().render(&chat).unwrap()
}

#[test]
fn tools_are_described_with_their_schema() {
    insta::assert_snapshot!(with_tools(vec![said(Role::User, "Weather in Paris?")], |_| {}));
}

#[test]
fn a_tool_must_be_called_and_only_one() {
    insta::assert_snapshot!(with_tools(vec![said(Role::User, "Weather in Paris?")], |chat| {
        chat.tool_choice = ToolChoice::Required;
        chat.parallel_calls = false;
    }));
}

#[test]
fn a_named_tool_must_be_called() {
    let prompt = with_tools(vec![said(Role::User, "hi")], |chat| {
        chat.tool_choice = ToolChoice::Named("weather".to_owned());
    });
    assert!(prompt.contains("must be a call of the tool \"weather\"."), "{prompt}");
}

#[test]
fn where_no_tool_may_be_called_none_is_told() {
    let prompt = with_tools(vec![said(Role::User, "hi")], |chat| chat.tool_choice = ToolChoice::None);
    assert_eq!(prompt, "hi");
}

fn called(id: &str, name: &str, arguments: &str) -> Message {
    let call = Call { id: Some(id.to_owned()), name: name.to_owned(), arguments: arguments.to_owned() };
    Message { calls: vec![call], ..said(Role::Assistant, "") }
}

fn answered(id: &str, text: &str, failed: bool) -> Message {
    Message { answers: Some(id.to_owned()), failed, ..said(Role::Tool, text) }
}

#[test]
fn history_shows_calls_as_they_are_to_be_written() {
    insta::assert_snapshot!(with_tools(
        vec![
            said(Role::System, "You are an agent."),
            said(Role::User, "What is in a.txt, and how is the weather?"),
            called("call_1", "read_file", "{\"path\": \"a.txt\"}"),
            answered("call_1", "no such file", true),
            called("call_2", "weather", "not JSON"),
            answered("call_2", "sunny", false),
        ],
        |_| {}
    ));
}

#[test]
fn json_is_asked_for_at_the_end() {
    insta::assert_snapshot!(with_tools(
        vec![said(Role::System, "Be exact."), said(Role::User, "Two primes?")],
        |chat| {
            chat.tools.clear();
            chat.output = Output::Json;
        }
    ));
}

#[test]
fn json_that_obeys_a_schema_is_asked_for_beside_tools() {
    insta::assert_snapshot!(with_tools(vec![said(Role::User, "Two primes?")], |chat| {
        chat.tools.truncate(1);
        chat.output = Output::Schema {
            name: "primes".to_owned(),
            schema: serde_json::json!({"type": "object", "properties": {"primes": {"type": "array"}}}),
        };
    }));
}

#[test]
fn what_vs_code_puts_around_a_request_stays_in_its_place() {
    let system = "You are an expert AI programming assistant, working with a user in the VS Code editor.\n<instructions>\nKeep going until done.\n</instructions>";
    let context = "<environment_info>\nThe user's current OS is: Linux\n</environment_info>\n<workspace_info>\nI am working in a workspace with the following folders:\n- /work/demo\n</workspace_info>";
    let request = "<attachments>\n<attachment filePath=\"/work/demo/a.rs\">\nfn main() {}\n</attachment>\n</attachments>\n<context>\nThe current date is November 22, 2026.\n</context>\n<reminderInstructions>\nUse the tools.\n</reminderInstructions>\n<userRequest>\nAdd a test & run <it>.\n</userRequest>";
    let prompt = with_tools(
        vec![said(Role::System, system), said(Role::User, context), said(Role::User, request)],
        |_| {},
    );
    for text in [system, context, request] {
        assert!(prompt.contains(text), "whole, and as it was");
    }
    insta::assert_snapshot!(prompt);
}

#[test]
fn a_request_of_aider() {
    insta::assert_snapshot!(render(vec![
        said(Role::System, "Act as an expert software developer.\nAlways use best practices when coding."),
        said(
            Role::User,
            "I have *added these files to the chat* so you can go ahead and edit them.\n\nmain.py\n```\nprint(1)\n```"
        ),
        said(Role::Assistant, "Ok, any changes I propose will be to those files."),
        said(Role::User, "print 2"),
        said(Role::System, "Reply in the SEARCH/REPLACE format."),
    ]));
}

#[test]
fn sixty_five_kilobytes_of_schemas_survive() {
    let text = "A long description, with \"quotes\" and {{ braces }}. ".repeat(40);
    let tools: Vec<Tool> = (0..30)
        .map(|number| {
            let properties = serde_json::json!({"value": {"type": "string", "description": text}});
            tool(
                &format!("tool_{number}"),
                "One of many.",
                serde_json::json!({"type": "object", "properties": properties}),
            )
        })
        .collect();
    let lines: Vec<String> = tools.iter().map(tool_line).collect();
    assert!(lines.iter().map(String::len).sum::<usize>() > 65_000);
    let chat = Chat { messages: vec![said(Role::User, "hi")], tools, ..Chat::default() };
    let prompt = Prompt::load(None, None).unwrap().render(&chat).unwrap();
    assert!(lines.iter().all(|line| prompt.contains(line)));
}

#[test]
fn an_operators_template_takes_the_place_of_the_shipped_one() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("message.j2"), "{{ turn.role }} said {{ turn.text }}").unwrap();
    let prompt = Prompt::load(Some(folder.path()), None).unwrap();
    let messages = vec![said(Role::System, "s"), said(Role::User, "u")];
    assert!(prompt.render(&Chat { messages, ..Chat::default() }).unwrap().contains("user said u"));
}

#[test]
fn a_broken_template_is_named_with_its_line_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    for (source, expected) in [
        (
            "fine\n{{ turn.txet }}",
            "WORMHOLE_TEMPLATES: template message.j2 failed at line 2: undefined value",
        ),
        ("{% if %}", "WORMHOLE_TEMPLATES: template message.j2 failed at line 1: syntax error"),
    ] {
        std::fs::write(folder.path().join("message.j2"), source).unwrap();
        assert_eq!(Prompt::load(Some(folder.path()), None).unwrap_err().to_string(), expected);
    }
    let missing = Prompt::load(Some(&folder.path().join("nowhere")), None).unwrap_err();
    assert!(missing.to_string().contains("cannot read"), "{missing}");
}
