//! From the wire to the canonical conversation.

use wormhole_api::asked;
use wormhole_api::ollama::{
    ChatRequest, KeepAlive, RequestMessage, Think, Tool as WireTool, ToolCall, ToolChoice as WireChoice,
};

use super::generate::output;
use crate::chat::{Call, Chat, Image, Limits, Message, Part, Role, Tool, ToolChoice};
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
    let limits = Limits { stop: options.stop, max_tokens };
    let tools: Vec<Tool> = request.tools.unwrap_or_default().into_iter().filter_map(read_tool).collect();
    let tool_choice =
        request.tool_choice.map(|choice| read_choice(choice, &tools)).transpose()?.unwrap_or_default();
    let effort = request.think.and_then(|think| match think {
        Think::Level(level) => Some(level),
        Think::Switch(_) => None,
    });
    Ok(Chat {
        model: request.model,
        messages,
        limits,
        ignored,
        tools,
        tool_choice,
        output: output(request.format)?,
        effort,
        ..Chat::default()
    })
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
    let images =
        message.images.unwrap_or_default().into_iter().map(|image| Part::Image(Image::from_base64(image)));
    Ok(Message {
        role,
        parts: text.into_iter().chain(images).collect(),
        name: message.tool_name.or(message.name),
        calls: message.tool_calls.unwrap_or_default().into_iter().map(read_call).collect(),
        answers: message.tool_call_id,
        failed: false,
    })
}

fn read_tool(tool: WireTool) -> Option<Tool> {
    let function = tool.function?;
    Some(Tool::new(function.name, function.description, function.parameters))
}

fn read_choice(choice: WireChoice, tools: &[Tool]) -> Result<ToolChoice, ApiError> {
    let unknown = || {
        ApiError::field("tool_choice", "'tool_choice' is unknown: expected auto, none, required or a tool")
    };
    match choice {
        WireChoice::Word(word) => match word.as_str() {
            "auto" => Ok(ToolChoice::Auto),
            "none" => Ok(ToolChoice::None),
            // Without tools there is nothing to call.
            "required" | "any" if tools.is_empty() => Ok(ToolChoice::Auto),
            "required" | "any" => Ok(ToolChoice::Required),
            _ => Err(unknown()),
        },
        WireChoice::Named { function } => {
            let name = function.ok_or_else(unknown)?.name;
            if tools.iter().any(|tool| tool.name == name) {
                Ok(ToolChoice::Named(name))
            } else {
                Err(unknown())
            }
        }
    }
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
    use crate::chat::Output;

    #[test]
    fn messages_options_and_calls_are_read() {
        let request = serde_json::from_str(
            r#"{"model":"m","messages":[
                {"role":"user","content":"hi"},
                {"role":"assistant","content":"","tool_calls":[{"function":{"index":0,"name":"f","arguments":{"a":1}}},
                    {"id":"c","function":{"name":"g","arguments":"{}"}},{"function":{"name":"h"}}]},
                {"role":"tool","content":"r","tool_name":"f"}],
               "options":{"stop":["x"],"num_predict":-2,"num_ctx":9},"format":"json","tool_choice":"required","logprobs":true,"think":"low",
               "tools":[{"type":"function","function":{"name":"f"}},{"type":"other"}]}"#,
        );
        let chat = chat(request.unwrap()).unwrap();
        let arguments: Vec<_> = chat.messages[1].calls.iter().map(|call| call.arguments.as_str()).collect();
        assert_eq!(arguments, [r#"{"a":1}"#, "{}", "{}"]);
        assert_eq!(chat.messages[2].name.as_deref(), Some("f"));
        assert_eq!((chat.limits.stop, chat.limits.max_tokens), (vec!["x".to_owned()], None));
        assert_eq!(chat.ignored, ["logprobs", "options.num_ctx"]);
        assert_eq!((chat.tools.len(), chat.tool_choice), (1, ToolChoice::Required));
        assert_eq!((chat.output, chat.effort.as_deref()), (Output::Json, Some("low")));
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
