//! From the wire to the canonical conversation.

use wormhole_api::asked;
use wormhole_api::ollama::{ChatRequest, KeepAlive, RequestMessage, ToolCall};

use crate::chat::{Call, Chat, Limits, Message, Part, Role};
use crate::errors::ApiError;

/// Reads a request.
pub(super) fn chat(request: ChatRequest) -> Result<Chat, ApiError> {
    let options = request.options.unwrap_or_default();
    let nested = asked(&options.rest).map(|name| format!("options.{name}"));
    let ignored = asked(&request.rest).map(str::to_owned).chain(nested).collect();
    // Negative means no limit.
    let max_tokens = options.num_predict.and_then(|most| u64::try_from(most).ok()).filter(|&most| most > 0);
    let messages = request.messages.unwrap_or_default().into_iter().enumerate();
    let messages = messages.map(|(index, message)| read_message(index, message)).collect::<Result<_, _>>()?;
    Ok(Chat { model: request.model, messages, limits: Limits { stop: options.stop, max_tokens }, ignored })
}

fn read_message(index: usize, message: RequestMessage) -> Result<Message, ApiError> {
    let role = match message.role.as_str() {
        "system" | "developer" => Role::System,
        "user" => Role::User,
        "assistant" => Role::Assistant,
        "tool" => Role::Tool,
        _ => {
            let param = format!("messages[{index}].role");
            let known = "expected system, user, assistant or tool";
            return Err(ApiError::field(param.clone(), format!("'{param}' is unknown: {known}")));
        }
    };
    let text = message.content.map(Part::Text);
    let images = message.images.unwrap_or_default().into_iter().map(Part::Image);
    Ok(Message {
        role,
        parts: text.into_iter().chain(images).collect(),
        name: message.tool_name.or(message.name),
        calls: message.tool_calls.unwrap_or_default().into_iter().map(read_call).collect(),
        answers: message.tool_call_id,
    })
}

fn read_call(call: ToolCall) -> Call {
    let arguments = match call.function.arguments {
        serde_json::Value::Null => "{}".to_owned(),
        // Some clients send OpenAI's form, a string.
        serde_json::Value::String(text) => text,
        arguments => arguments.to_string(),
    };
    Call { id: call.id, name: call.function.name, arguments }
}

/// Whether `keep_alive` asks to unload: zero, in any spelling.
pub(super) fn unloads(keep_alive: Option<&KeepAlive>) -> bool {
    match keep_alive {
        None => false,
        Some(KeepAlive::Seconds(seconds)) => *seconds == 0.0,
        Some(KeepAlive::Text(text)) => {
            let number = text.trim_end_matches(|character: char| character.is_ascii_alphabetic());
            number.trim().parse::<f64>().is_ok_and(|number| number == 0.0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_options_and_calls_are_read() {
        let request = serde_json::from_str(
            r#"{"model":"m","messages":[
                {"role":"user","content":"hi"},
                {"role":"assistant","content":"","tool_calls":[{"function":{"index":0,"name":"f","arguments":{"a":1}}},
                    {"id":"c","function":{"name":"g","arguments":"{}"}},{"function":{"name":"h"}}]},
                {"role":"tool","content":"r","tool_name":"f"}],
               "options":{"stop":["x"],"num_predict":-2,"num_ctx":9},"format":"json","tool_choice":"auto"}"#,
        );
        let chat = chat(request.unwrap()).unwrap();
        let arguments: Vec<_> = chat.messages[1].calls.iter().map(|call| call.arguments.as_str()).collect();
        assert_eq!(arguments, [r#"{"a":1}"#, "{}", "{}"]);
        assert_eq!(chat.messages[2].name.as_deref(), Some("f"));
        assert_eq!((chat.limits.stop, chat.limits.max_tokens), (vec!["x".to_owned()], None));
        assert_eq!(chat.ignored, ["format", "tool_choice", "options.num_ctx"]);
    }

    #[test]
    fn zero_unloads_in_every_spelling() {
        let text = |text: &str| KeepAlive::Text(text.to_owned());
        for zero in [KeepAlive::Seconds(0.0), text("0"), text("0s"), text("0m")] {
            assert!(unloads(Some(&zero)), "{zero:?}");
        }
        for other in [KeepAlive::Seconds(-1.0), text("5m"), text("10s"), text("-1")] {
            assert!(!unloads(Some(&other)), "{other:?}");
        }
        assert!(!unloads(None));
    }
}
