//! From items to messages.

use serde_json::Value;
use wormhole_api::TextOr;
use wormhole_api::responses::{Item, Part as WirePart};

use super::tools::Names;
use crate::body::within;
use crate::chat::{Call, Image, Message, Part, Role};
use crate::errors::ApiError;

/// The messages of a conversation.
#[derive(Debug, Default)]
pub(super) struct Read {
    /// In order.
    pub(super) messages: Vec<Message>,
    /// Types of items that say nothing to a model here.
    pub(super) ignored: Vec<String>,
}

impl Read {
    /// Reads items. Their errors name `input[…]`; stored ones were read before, so only the client's can be wrong.
    pub(super) fn items(&mut self, items: &[Value]) -> Result<(), ApiError> {
        for (place, value) in items.iter().enumerate() {
            let at = format!("input[{place}]");
            self.item(within(value, &at)?, &at)?;
        }
        Ok(())
    }

    fn item(&mut self, item: Item, at: &str) -> Result<(), ApiError> {
        match item.kind.as_deref().unwrap_or("message") {
            "message" => {
                let role = role(item.role.as_deref(), at)?;
                let parts = content(item.content, &format!("{at}.content"))?;
                self.messages.push(Message::new(role, parts));
            }
            "function_call" => {
                let name = item.name.ok_or_else(|| ApiError::missing(&format!("{at}.name")))?;
                let arguments = item.arguments.filter(|text| !text.trim().is_empty());
                self.call(Call {
                    id: item.call_id,
                    name: Names::join(item.namespace.as_deref(), name),
                    arguments: arguments.unwrap_or_else(|| "{}".to_owned()),
                });
            }
            "function_call_output" => {
                let parts = output(item.output, &format!("{at}.output"))?;
                let mut message = Message::new(Role::Tool, parts);
                message.answers = item.call_id;
                self.messages.push(message);
            }
            // What the model thought before is not shown to it again; OpenAI's own is encrypted anyway.
            "reasoning" => {}
            kind => self.ignored.push(format!("input.{kind}")),
        }
        Ok(())
    }

    /// Calls stand in the message before them if that is the assistant's, as one answer had them.
    fn call(&mut self, call: Call) {
        match self.messages.last_mut() {
            Some(message) if message.role == Role::Assistant => message.calls.push(call),
            _ => {
                let mut message = Message::new(Role::Assistant, Vec::new());
                message.calls.push(call);
                self.messages.push(message);
            }
        }
    }
}

fn role(role: Option<&str>, at: &str) -> Result<Role, ApiError> {
    match role {
        Some("system" | "developer") => Ok(Role::System),
        Some("user") => Ok(Role::User),
        Some("assistant") => Ok(Role::Assistant),
        Some(_) => {
            let param = format!("{at}.role");
            let message = format!("'{param}' is unknown: expected system, developer, user or assistant");
            Err(ApiError::field(param, message))
        }
        None => Err(ApiError::missing(&format!("{at}.role"))),
    }
}

fn content(content: Option<TextOr<WirePart>>, at: &str) -> Result<Vec<Part>, ApiError> {
    match content {
        None => Ok(Vec::new()),
        Some(TextOr::Text(text)) => Ok(vec![Part::Text(text)]),
        Some(TextOr::Many(parts)) => {
            let parts = parts.into_iter().enumerate();
            parts.map(|(place, part)| read_part(part, &format!("{at}[{place}]"))).collect()
        }
    }
}

fn read_part(part: WirePart, at: &str) -> Result<Part, ApiError> {
    let WirePart { kind, text, refusal, image_url } = part;
    let needed =
        |value: Option<String>, field: &str| value.ok_or_else(|| ApiError::missing(&format!("{at}.{field}")));
    match kind.as_str() {
        "input_text" | "output_text" | "text" | "summary_text" => needed(text, "text").map(Part::Text),
        "refusal" => needed(refusal, "refusal").map(Part::Text),
        "input_image" => needed(image_url, "image_url").map(|url| Part::Image(Image::from_url(url))),
        _ => {
            let message = format!("'{at}' is of a kind that is not taken: send text or images");
            Err(ApiError::field(at, message))
        }
    }
}

/// Results are text or parts by the book; some clients send the JSON as it is.
fn output(output: Option<Value>, at: &str) -> Result<Vec<Part>, ApiError> {
    match output {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::String(text)) => Ok(vec![Part::Text(text)]),
        Some(list @ Value::Array(_)) => match within::<Vec<WirePart>>(&list, at) {
            Ok(parts) => content(Some(TextOr::Many(parts)), at),
            Err(_) => Ok(vec![Part::Text(list.to_string())]),
        },
        Some(other) => Ok(vec![Part::Text(other.to_string())]),
    }
}
