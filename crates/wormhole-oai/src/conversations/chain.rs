//! A chain of hashes over a conversation: equal beginnings have equal links, however the dialect spelled them.

use std::collections::HashMap;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::furniture::stripped;
use crate::chat::{Call, Chat, Image, Message, Part, Role};

/// The hash of a beginning.
pub(super) type Digest = [u8; 32];

/// The end of a beginning that the site may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Link {
    /// The hash of everything up to here.
    pub digest: Digest,
    /// How many messages of the conversation that is, the leading system messages included.
    pub end: usize,
    /// Who spoke last.
    pub role: Role,
}

/// The links of a conversation, shortest first. Leading system messages are not in it (see [`head`]), and messages of
/// the assistant that follow each other are one, since some dialects tell text and calls apart and others do not.
pub(super) fn links(seed: &str, chat: &Chat) -> Vec<Link> {
    let leading = leading(chat);
    let mut calls = Ordinals::default();
    let mut digest: Digest = Sha256::digest(seed.as_bytes()).into();
    let mut links: Vec<Link> = Vec::new();
    let mut at = leading;
    while let Some(message) = chat.messages.get(at) {
        let is_assistant = |message: &&Message| message.role == Role::Assistant;
        let run = match message.role {
            Role::Assistant => chat.messages.iter().skip(at).take_while(is_assistant).count(),
            Role::System | Role::User | Role::Tool => 1,
        };
        let end = at + run;
        digest = match message.role {
            Role::Assistant => calls.said(&digest, chat.messages.get(at..end).unwrap_or_default()),
            Role::System | Role::User | Role::Tool => calls.heard(&digest, message),
        };
        links.push(Link { digest, end, role: message.role });
        at = end;
    }
    links
}

/// How many messages stand at the beginning that are the system's.
pub(super) fn leading(chat: &Chat) -> usize {
    chat.messages.iter().take_while(|message| message.role == Role::System).count()
}

/// The link after an answer as it was delivered.
pub(super) fn answered(digest: &Digest, text: &str, calls: &[(String, String)]) -> Digest {
    let calls: Vec<_> = calls.iter().map(|(name, arguments)| (name.as_str(), arguments.as_str())).collect();
    assistant(digest, text, &calls)
}

/// The hash of what stands above the conversation: system texts, tools, what the answer is to be. It is not in the
/// chain, so that a conversation goes on when it changes; it is then told again.
pub(super) fn head(chat: &Chat) -> Digest {
    let mut fields = Fields::new(b"head");
    for message in chat.messages.iter().take(leading(chat)) {
        fields.add(&stripped(&message.text()));
    }
    for tool in &chat.tools {
        fields.add(&tool.name);
        fields.add(tool.description.as_deref().unwrap_or_default());
        fields.add(&canonical(&tool.parameters));
    }
    fields.add(&format!("{:?} {} {:?}", chat.tool_choice, chat.parallel_calls, chat.effort));
    match &chat.output {
        crate::chat::Output::Schema { name, schema } => {
            fields.add(name);
            fields.add(&canonical(schema));
        }
        other => fields.add(&format!("{other:?}")),
    }
    fields.finish()
}

/// Calls by their place: ids differ from dialect to dialect, and some have none.
#[derive(Default)]
struct Ordinals<'a> {
    known: HashMap<&'a str, usize>,
    count: usize,
}

impl<'a> Ordinals<'a> {
    fn said(&mut self, digest: &Digest, messages: &'a [Message]) -> Digest {
        let texts: Vec<String> =
            messages.iter().map(Message::text).filter(|text| !text.trim().is_empty()).collect();
        let calls: Vec<&Call> = messages.iter().flat_map(|message| &message.calls).collect();
        for call in &calls {
            if let Some(id) = &call.id {
                self.known.insert(id, self.count);
            }
            self.count += 1;
        }
        let calls: Vec<_> = calls.iter().map(|call| (call.name.as_str(), call.arguments.as_str())).collect();
        assistant(digest, &texts.join("\n"), &calls)
    }

    fn heard(&self, digest: &Digest, message: &Message) -> Digest {
        let mut fields = Fields::new(digest);
        fields.add(message.role.as_str());
        if message.role == Role::User {
            fields.add(message.name.as_deref().unwrap_or_default());
        }
        let answers = message.answers.as_deref().and_then(|id| self.known.get(id));
        fields.add(&format!("{answers:?} {}", message.failed));
        fields.add(&stripped(&message.text()));
        for part in &message.parts {
            match part {
                Part::Text(_) => {}
                Part::Image(Image::Data { media_type, base64 }) => {
                    fields.add(media_type);
                    fields.add(base64);
                }
                Part::Image(Image::Url(url)) => fields.add(url),
            }
        }
        fields.finish()
    }
}

fn assistant(digest: &Digest, text: &str, calls: &[(&str, &str)]) -> Digest {
    let mut fields = Fields::new(digest);
    fields.add(Role::Assistant.as_str());
    fields.add(&stripped(text));
    for (name, arguments) in calls {
        fields.add(name);
        let value = serde_json::from_str::<Value>(arguments);
        fields.add(&value.map_or_else(|_| (*arguments).to_owned(), |value| canonical(&value)));
    }
    fields.finish()
}

/// A hash over fields that cannot run into each other.
struct Fields(Sha256);

impl Fields {
    fn new(before: &[u8]) -> Self {
        Self(Sha256::new_with_prefix(before))
    }

    fn add(&mut self, field: &str) {
        self.0.update((field.len() as u64).to_le_bytes());
        self.0.update(field.as_bytes());
    }

    fn finish(self) -> Digest {
        self.0.finalize().into()
    }
}

/// JSON with its keys in order, whatever order they came in.
fn canonical(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by_key(|(name, _)| *name);
            let fields: Vec<String> = fields
                .into_iter()
                .map(|(name, value)| format!("{}:{}", Value::String(name.clone()), canonical(value)))
                .collect();
            format!("{{{}}}", fields.join(","))
        }
        Value::Array(items) => {
            format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(","))
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::Tool;

    fn message(role: Role, text: &str) -> Message {
        Message::new(role, vec![Part::Text(text.to_owned())])
    }

    fn called(text: &str, id: Option<&str>, arguments: &str) -> Message {
        let call = Call { id: id.map(str::to_owned), name: "f".to_owned(), arguments: arguments.to_owned() };
        Message { calls: vec![call], ..message(Role::Assistant, text) }
    }

    fn result(id: Option<&str>, text: &str) -> Message {
        Message { answers: id.map(str::to_owned), ..message(Role::Tool, text) }
    }

    fn chain(messages: Vec<Message>) -> Vec<Link> {
        links("m", &Chat { messages, ..Chat::default() })
    }

    fn last(messages: Vec<Message>) -> Digest {
        chain(messages).last().unwrap().digest
    }

    #[test]
    fn equal_beginnings_have_equal_links() {
        let one =
            chain(vec![message(Role::System, "s"), message(Role::User, "a"), message(Role::Assistant, "b")]);
        let two = chain(vec![
            message(Role::User, " a\n"),
            message(Role::Assistant, "b "),
            message(Role::User, "c"),
        ]);
        let digests = |links: &[Link]| links.iter().map(|link| link.digest).collect::<Vec<_>>();
        assert_eq!(digests(&one), digests(&two)[..2]);
        assert_eq!(one.iter().map(|link| link.end).collect::<Vec<_>>(), [2, 3]);
        assert_eq!(one[1].digest, answered(&one[0].digest, "b", &[]));
        assert_ne!(
            links("other model", &Chat { messages: vec![message(Role::User, "a")], ..Chat::default() })[0],
            two[0]
        );
    }

    #[test]
    fn calls_are_the_same_however_they_are_spelled() {
        let user = || message(Role::User, "a");
        let whole = last(vec![user(), called("t", Some("x"), r#"{"a":1,"b":[2]}"#), result(Some("x"), "r")]);
        let split = last(vec![
            user(),
            message(Role::Assistant, "t"),
            called("", Some("y"), r#"{ "b": [2], "a": 1 }"#),
            result(Some("y"), "r"),
        ]);
        assert_eq!(whole, split);
        let links = chain(vec![user(), called("t", None, r#"{"a":1,"b":[2]}"#)]);
        let delivered = [("f".to_owned(), r#"{"b":[2],"a":1}"#.to_owned())];
        assert_eq!(links[1].digest, answered(&links[0].digest, "t", &delivered));
    }

    #[test]
    fn the_order_of_a_schemas_keys_is_no_difference() {
        // The prompt keeps the client's order; a client that writes it another time in another order goes on.
        let of = |schema: &str| {
            let tool = Tool::new("f".to_owned(), None, serde_json::from_str(schema).unwrap());
            head(&Chat { tools: vec![tool], ..Chat::default() })
        };
        let one = of(r#"{"type":"object","properties":{"b":{"type":"string"},"a":{"enum":[1,2]}}}"#);
        let two = of(r#"{"properties":{"a":{"enum":[1,2]},"b":{"type":"string"}},"type":"object"}"#);
        assert_eq!(one, two);
        assert_ne!(one, of(r#"{"properties":{"a":{"enum":[2,1]},"b":{"type":"string"}},"type":"object"}"#));
    }

    #[test]
    fn what_differs_has_another_link() {
        let user = |text: &str| message(Role::User, text);
        let named = Message { name: Some("n".to_owned()), ..user("a") };
        let image = Message::new(
            Role::User,
            vec![Part::Text("a".to_owned()), Part::Image(Image::Url("u".to_owned()))],
        );
        let all = [
            vec![user("a")],
            vec![user("b")],
            vec![named],
            vec![image],
            vec![message(Role::Tool, "a")],
            vec![message(Role::Assistant, "a")],
            vec![called("a", None, "{}")],
            vec![called("a", None, "{\"x\":1}")],
            vec![user("a"), user("")],
            vec![Message { failed: true, ..result(None, "a") }],
        ];
        let digests: std::collections::HashSet<_> = all.into_iter().map(last).collect();
        assert_eq!(digests.len(), 10);
    }

    #[test]
    fn the_head_is_apart_from_the_chain() {
        let chat = |system: &str, tools: Vec<Tool>| Chat {
            messages: vec![message(Role::System, system), message(Role::User, "a")],
            tools,
            ..Chat::default()
        };
        let tool = || Tool::new("f".to_owned(), None, None);
        let (one, two) = (chat("s", vec![]), chat("t", vec![tool()]));
        assert_eq!(links("m", &one), links("m", &two));
        assert_ne!(head(&one), head(&two));
        assert_ne!(head(&chat("t", vec![])), head(&two));
        assert_eq!(head(&chat("t\nCurrent date: 1 May", vec![tool()])), head(&two));
    }
}
