use super::*;

fn said(role: Role, text: &str) -> Message {
    Message { role, parts: vec![Part::Text(text.to_owned())], name: None, calls: Vec::new(), answers: None }
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

#[test]
fn the_furniture_is_far_below_four_hundred_tokens() {
    let all = |chat: &Chat| chat.messages.iter().map(|message| message.text().len()).sum::<usize>();
    let [_, everything] = trials();
    let prompt = Prompt::load(None, None).unwrap();
    let furniture = prompt.render(&everything).unwrap().len() - all(&everything);
    assert!(crate::usage::tokens(furniture) <= 200, "{furniture} bytes");
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
