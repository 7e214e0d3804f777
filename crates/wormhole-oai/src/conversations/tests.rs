use wormhole_protocol::ConversationId;

use super::*;
use crate::chat::{Call, Part, Tool};

fn message(role: Role, text: &str) -> Message {
    Message::new(role, vec![Part::Text(text.to_owned())])
}

fn chat() -> Chat {
    let call = Call { id: Some("c".to_owned()), name: "f".to_owned(), arguments: "{}".to_owned() };
    let called = Message { calls: vec![call], ..message(Role::Assistant, "") };
    let result = Message { answers: Some("c".to_owned()), ..message(Role::Tool, "r") };
    let messages = vec![message(Role::System, "s"), message(Role::User, "u"), called, result];
    Chat { messages, tools: vec![Tool::new("f".to_owned(), None, None)], ..Chat::default() }
}

fn rest(head_known: bool) -> Chat {
    let reference = ConversationRef { id: ConversationId::new("x"), parent: 1 };
    GoOn { reference, from: 3, head_known }.rest(&chat())
}

#[test]
fn the_rest_is_what_is_new_and_names_the_tool_it_answers() {
    let rest = rest(true);
    assert_eq!((rest.messages.len(), rest.tools.len()), (1, 0));
    assert_eq!((rest.messages[0].text().as_str(), rest.messages[0].name.as_deref()), ("r", Some("f")));
}

#[test]
fn a_changed_head_is_told_again() {
    let rest = rest(false);
    let texts: Vec<_> = rest.messages.iter().map(Message::text).collect();
    assert_eq!((texts, rest.tools.len()), (vec!["s".to_owned(), "r".to_owned()], 1));
}
