//! Blocks of content to parts, calls and results.

use wormhole_api::TextOr;
use wormhole_api::messages::{Block, Source};

use crate::chat::{Call, Image, Message, Part, Role};
use crate::errors::ApiError;

/// A user's message: results of tools become messages of their own, in their place.
pub(super) fn user(
    content: TextOr<Block>,
    at: &str,
    messages: &mut Vec<Message>,
    ignored: &mut Vec<String>,
) -> Result<(), ApiError> {
    let blocks = match content {
        TextOr::Text(text) => {
            messages.push(Message::new(Role::User, vec![Part::Text(text)]));
            return Ok(());
        }
        TextOr::Many(blocks) => blocks,
    };
    let mut said = Vec::new();
    for (place, block) in blocks.into_iter().enumerate() {
        let at = format!("{at}[{place}]");
        if block.kind == "tool_result" {
            if !said.is_empty() {
                messages.push(Message::new(Role::User, std::mem::take(&mut said)));
            }
            messages.push(result(block, &at, ignored)?);
        } else {
            part(block, &at, &mut said, ignored)?;
        }
    }
    if !said.is_empty() {
        messages.push(Message::new(Role::User, said));
    }
    Ok(())
}

/// An assistant's message.
pub(super) fn assistant(
    content: TextOr<Block>,
    at: &str,
    ignored: &mut Vec<String>,
) -> Result<Message, ApiError> {
    let mut message = Message::new(Role::Assistant, Vec::new());
    match content {
        TextOr::Text(text) => message.parts.push(Part::Text(text)),
        TextOr::Many(blocks) => {
            for (place, block) in blocks.into_iter().enumerate() {
                let at = format!("{at}[{place}]");
                if block.kind == "tool_use" {
                    message.calls.push(call(block, &at)?);
                } else {
                    part(block, &at, &mut message.parts, ignored)?;
                }
            }
        }
    }
    Ok(message)
}

/// A block that must be text.
pub(super) fn text(block: Block, at: &str) -> Result<Part, ApiError> {
    let text = block.text.ok_or_else(|| ApiError::missing(&format!("{at}.text")))?;
    Ok(Part::Text(text))
}

fn call(block: Block, at: &str) -> Result<Call, ApiError> {
    let name = block.name.ok_or_else(|| ApiError::missing(&format!("{at}.name")))?;
    let input = block.input.filter(|input| !input.is_null());
    let arguments = input.map_or_else(|| "{}".to_owned(), |input| input.to_string());
    Ok(Call { id: block.id, name, arguments })
}

fn result(block: Block, at: &str, ignored: &mut Vec<String>) -> Result<Message, ApiError> {
    let mut parts = Vec::new();
    match block.content {
        None => {}
        Some(TextOr::Text(text)) => parts.push(Part::Text(text)),
        Some(TextOr::Many(blocks)) => {
            for (place, block) in blocks.into_iter().enumerate() {
                part(block, &format!("{at}.content[{place}]"), &mut parts, ignored)?;
            }
        }
    }
    let mut message = Message::new(Role::Tool, parts);
    message.answers = block.tool_use_id;
    message.failed = block.is_error.unwrap_or(false);
    Ok(message)
}

fn part(block: Block, at: &str, parts: &mut Vec<Part>, ignored: &mut Vec<String>) -> Result<(), ApiError> {
    match block.kind.as_str() {
        "text" => parts.push(text(block, at)?),
        "image" => parts.push(image(block.source, at)?),
        "document" => parts.push(document(block, at)?),
        "search_result" => {
            parts.extend(block.title.map(Part::Text));
            match block.content {
                None => {}
                Some(TextOr::Text(text)) => parts.push(Part::Text(text)),
                Some(TextOr::Many(found)) => {
                    parts.extend(found.into_iter().filter_map(|block| block.text).map(Part::Text));
                }
            }
        }
        // What the model thought before is not shown to it again.
        "thinking" | "redacted_thinking" => {}
        kind => ignored.push(format!("content.{kind}")),
    }
    Ok(())
}

fn image(source: Option<Source>, at: &str) -> Result<Part, ApiError> {
    let wrong = || {
        let param = format!("{at}.source");
        ApiError::field(param.clone(), format!("'{param}' cannot be used: expected base64 or url"))
    };
    let Some(Source::Of { kind, media_type, data, url }) = source else { return Err(wrong()) };
    let image = match (kind.as_str(), data, url) {
        ("base64", Some(base64), _) => {
            Image::Data { media_type: media_type.unwrap_or_else(|| "image/png".to_owned()), base64 }
        }
        ("url", _, Some(url)) => Image::from_url(url),
        _ => return Err(wrong()),
    };
    Ok(Part::Image(image))
}

/// A document of text, with its title; others cannot be read here.
fn document(block: Block, at: &str) -> Result<Part, ApiError> {
    match block.source {
        Some(Source::Of { kind, data: Some(text), .. }) if kind == "text" => {
            Ok(Part::Text(block.title.map_or(text.clone(), |title| format!("{title}\n{text}"))))
        }
        _ => {
            let message = format!("'{at}' is a document that cannot be read here: send its text");
            Err(ApiError::field(at, message))
        }
    }
}
