//! From the wire to the canonical conversation.

use wormhole_api::openai::{ChatRequest, Content, ContentPart, RequestMessage};
use wormhole_api::{FunctionCall, asked};

use super::tools;
use crate::chat::{Call, Chat, Image, Limits, Message, Part, Role};
use crate::errors::ApiError;

/// Reads a request.
pub(super) fn chat(mut request: ChatRequest) -> Result<Chat, ApiError> {
    if request.n.is_some_and(|n| n > 1) {
        return Err(ApiError::field("n", "only one answer at a time: n must be 1"));
    }
    let mut ignored: Vec<String> = asked(&request.rest).map(str::to_owned).collect();
    let wanted = tools::wanted(&mut request, &mut ignored)?;
    // The sites have no such switch.
    ignored.extend(request.reasoning_effort.as_ref().map(|_| "reasoning_effort".to_owned()));
    let output = request.response_format.map(tools::output).transpose()?.unwrap_or_default();
    // Some clients write -1 or 0 for no limit.
    let max_tokens =
        request.max_completion_tokens.or(request.max_tokens).and_then(|most| u64::try_from(most).ok());
    let limits = Limits { stop: request.stop, max_tokens: max_tokens.filter(|&most| most > 0) };
    let messages =
        request.messages.into_iter().enumerate().map(|(index, message)| read_message(index, message));
    let messages = messages.collect::<Result<_, _>>()?;
    Ok(Chat {
        model: request.model,
        messages,
        limits,
        ignored,
        tools: wanted.tools,
        tool_choice: wanted.choice,
        parallel_calls: wanted.parallel,
        output,
        effort: request.reasoning_effort,
    })
}

fn read_message(index: usize, message: RequestMessage) -> Result<Message, ApiError> {
    let role = match message.role.as_str() {
        "system" | "developer" => Role::System,
        "user" => Role::User,
        "assistant" => Role::Assistant,
        "tool" | "function" => Role::Tool,
        _ => {
            let param = format!("messages[{index}].role");
            let known = "expected system, developer, user, assistant or tool";
            return Err(ApiError::field(param.clone(), format!("'{param}' is unknown: {known}")));
        }
    };
    let mut parts = match message.content {
        None => Vec::new(),
        Some(Content::Text(text)) => vec![Part::Text(text)],
        Some(Content::Parts(parts)) => {
            let parts = parts.into_iter().enumerate().map(|(place, part)| read_part(index, place, part));
            parts.collect::<Result<_, _>>()?
        }
    };
    parts.extend(message.refusal.map(Part::Text));
    let calls = message.tool_calls.unwrap_or_default().into_iter();
    // Calls of tools that are no functions are left out: nothing is known of what they look like.
    let calls = calls.filter_map(|call| Some(read_call(call.id, call.function?)));
    let calls = calls.chain(message.function_call.map(|call| read_call(None, call))).collect();
    Ok(Message { role, parts, name: message.name, calls, answers: message.tool_call_id, failed: false })
}

fn read_part(index: usize, place: usize, part: ContentPart) -> Result<Part, ApiError> {
    let ContentPart { kind, text, refusal, image_url } = part;
    let param = || format!("messages[{index}].content[{place}]");
    let needed = |value: Option<String>, field: &str| {
        value.ok_or_else(|| ApiError::missing(&format!("{}.{field}", param())))
    };
    match kind.as_str() {
        "text" | "input_text" | "output_text" => needed(text, "text").map(Part::Text),
        "refusal" => needed(refusal, "refusal").map(Part::Text),
        "image_url" => needed(image_url, "image_url").map(|url| Part::Image(Image::from_url(url))),
        _ => {
            let message = format!("'{}' is of a kind that this model does not take: send text only", param());
            Err(ApiError::field(param(), message))
        }
    }
}

fn read_call(id: Option<String>, function: FunctionCall<Option<String>>) -> Call {
    let arguments =
        function.arguments.filter(|arguments| !arguments.is_empty()).unwrap_or_else(|| "{}".to_owned());
    Call { id, name: function.name, arguments }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Chat, ApiError> {
        chat(serde_json::from_str(json).unwrap())
    }

    #[test]
    fn every_role_and_every_form_of_content_is_read() {
        let chat = read(
            r#"{"model":"m","messages":[
                {"role":"developer","content":"rules"},
                {"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}],"name":"alice"},
                {"role":"assistant","content":null,"tool_calls":[
                    {"id":"c1","type":"function","function":{"name":"f","arguments":""}},{"id":"c2","type":"custom"}]},
                {"role":"tool","content":[{"type":"text","text":"result"}],"tool_call_id":"c1"},
                {"role":"assistant","refusal":"no"}],
               "stop":"x","max_tokens":5,"max_completion_tokens":3,"temperature":1,"tools":[],"seed":null}"#,
        )
        .unwrap();
        let roles: Vec<_> = chat.messages.iter().map(|message| message.role).collect();
        assert_eq!(roles, [Role::System, Role::User, Role::Assistant, Role::Tool, Role::Assistant]);
        assert_eq!(chat.messages[1].text(), "a\nb");
        assert_eq!(chat.messages[1].name.as_deref(), Some("alice"));
        assert_eq!(chat.messages[2].calls.len(), 1);
        assert_eq!(chat.messages[2].calls[0].arguments, "{}");
        assert_eq!(chat.messages[3].answers.as_deref(), Some("c1"));
        assert_eq!(chat.messages[4].text(), "no");
        assert_eq!((chat.limits.stop, chat.limits.max_tokens), (vec!["x".to_owned()], Some(3)));
        assert_eq!(chat.ignored, ["temperature"]);
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        for (json, param) in [
            (r#"{"messages":[],"n":2}"#, "n"),
            (r#"{"messages":[{"role":"robot","content":""}]}"#, "messages[0].role"),
            (r#"{"messages":[{"role":"user","content":[{"type":"text"}]}]}"#, "messages[0].content[0].text"),
            (
                r#"{"messages":[{"role":"user","content":[{"type":"input_audio"}]}]}"#,
                "messages[0].content[0]",
            ),
        ] {
            assert_eq!(read(json).unwrap_err().param(), Some(param));
        }
        assert_eq!(read(r#"{"messages":[],"max_tokens":-1,"n":1}"#).unwrap().limits.max_tokens, None);
    }
}
