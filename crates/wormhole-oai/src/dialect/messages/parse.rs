//! From the wire to the canonical conversation.

use serde_json::Value;
use wormhole_api::messages::{
    Block, MessageParam, MessagesRequest, OutputConfig, OutputFormat, Tool as WireTool,
    ToolChoice as WireChoice,
};
use wormhole_api::{TextOr, asked};

use super::blocks;
use crate::chat::{Chat, Limits, Message, Output, Part, Role, Tool, ToolChoice};
use crate::errors::ApiError;

/// Whether thoughts are to be sent.
pub(super) fn shows_thinking(request: &MessagesRequest) -> bool {
    request
        .thinking
        .as_ref()
        .is_some_and(|thinking| thinking.kind != "disabled" && thinking.display.as_deref() != Some("omitted"))
}

/// Reads a request.
pub(super) fn chat(request: MessagesRequest) -> Result<Chat, ApiError> {
    let mut ignored: Vec<String> = asked(&request.rest).map(str::to_owned).collect();
    let mut messages = Vec::new();
    if let Some(system) = request.system {
        messages.extend(system_text(system, "system")?);
    }
    for (place, message) in request.messages.into_iter().enumerate() {
        read_message(message, &format!("messages[{place}]"), &mut messages, &mut ignored)?;
    }
    let mut tools = Vec::new();
    for (place, tool) in request.tools.unwrap_or_default().into_iter().enumerate() {
        read_tool(tool, place, &mut tools, &mut ignored)?;
    }
    let (tool_choice, parallel_calls) = choice(request.tool_choice, &tools)?;
    let OutputConfig { effort, format } = request.output_config.unwrap_or_default();
    // No site lets it be set.
    ignored.extend(effort.as_ref().map(|_| "output_config.effort".to_owned()));
    let max_tokens = request.max_tokens.and_then(|most| u64::try_from(most).ok()).filter(|&most| most > 0);
    ignored.dedup();
    Ok(Chat {
        model: request.model,
        messages,
        limits: Limits { stop: request.stop_sequences, max_tokens },
        ignored,
        tools,
        tool_choice,
        parallel_calls,
        output: output(format.or(request.output_format))?,
        effort,
    })
}

fn read_message(
    message: MessageParam,
    at: &str,
    messages: &mut Vec<Message>,
    ignored: &mut Vec<String>,
) -> Result<(), ApiError> {
    let content = message.content.ok_or_else(|| ApiError::missing(&format!("{at}.content")))?;
    let at_content = format!("{at}.content");
    match message.role.as_str() {
        "user" => blocks::user(content, &at_content, messages, ignored),
        "assistant" => {
            messages.push(blocks::assistant(content, &at_content, ignored)?);
            Ok(())
        }
        // Claude Code says system text in the middle of a conversation, too.
        "system" => {
            messages.extend(system_text(content, &at_content)?);
            Ok(())
        }
        _ => {
            let param = format!("{at}.role");
            let message = format!("'{param}' is unknown: expected user, assistant or system");
            Err(ApiError::field(param, message))
        }
    }
}

fn system_text(content: TextOr<Block>, at: &str) -> Result<Option<Message>, ApiError> {
    let parts = match content {
        TextOr::Text(text) => vec![Part::Text(text)],
        TextOr::Many(blocks) => {
            let blocks = blocks.into_iter().enumerate();
            let texts = blocks.map(|(place, block)| blocks::text(block, &format!("{at}[{place}]")));
            texts.collect::<Result<_, _>>()?
        }
    };
    let is_empty = parts.iter().all(|part| matches!(part, Part::Text(text) if text.is_empty()));
    Ok((!is_empty).then(|| Message::new(Role::System, parts)))
}

fn read_tool(
    tool: WireTool,
    place: usize,
    tools: &mut Vec<Tool>,
    ignored: &mut Vec<String>,
) -> Result<(), ApiError> {
    let WireTool { kind, name, description, input_schema } = tool;
    match kind.as_deref() {
        None | Some("custom") => {
            let name = name.filter(|name| !name.is_empty());
            let name = name.ok_or_else(|| ApiError::missing(&format!("tools[{place}].name")))?;
            tools.push(Tool::new(name, description, input_schema));
        }
        // Anthropic's servers run these, or its models know them by heart: no schema comes with them.
        Some(kind) => ignored.push(format!("tools.{kind}")),
    }
    Ok(())
}

fn choice(choice: Option<WireChoice>, tools: &[Tool]) -> Result<(ToolChoice, bool), ApiError> {
    let Some(WireChoice { kind, name, disable_parallel_tool_use }) = choice else {
        return Ok((ToolChoice::Auto, true));
    };
    let chosen = match kind.as_str() {
        "auto" => ToolChoice::Auto,
        "any" => ToolChoice::Required,
        "none" => ToolChoice::None,
        "tool" => {
            let name = name.ok_or_else(|| ApiError::missing("tool_choice.name"))?;
            if tools.iter().all(|tool| tool.name != name) {
                let message = format!("'tool_choice' names '{name}', which is none of the tools");
                return Err(ApiError::field("tool_choice", message));
            }
            ToolChoice::Named(name)
        }
        _ => {
            let message = "'tool_choice.type' is unknown: expected auto, any, tool or none";
            return Err(ApiError::field("tool_choice.type", message));
        }
    };
    Ok((chosen, !disable_parallel_tool_use.unwrap_or(false)))
}

fn output(format: Option<OutputFormat>) -> Result<Output, ApiError> {
    let Some(OutputFormat { kind, schema }) = format else { return Ok(Output::Text) };
    if kind != "json_schema" {
        return Err(ApiError::field("output_config.format", "expected a format of type json_schema"));
    }
    let schema = schema.filter(Value::is_object);
    let schema = schema.ok_or_else(|| ApiError::missing("output_config.format.schema"))?;
    Ok(Output::Schema { name: "answer".to_owned(), schema })
}
