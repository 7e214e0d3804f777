//! A model for tests of agents: it calls the tools that the prompts of its conversation describe, and quotes results.
//!
//! The site has no tools, so whoever wants calls describes tools and the form of a call in the text of a turn. This
//! model reads both there, with what it was told before in the same conversation in mind:
//! - `[[call:NAME {"json": "arguments"}]]` in a user's words asks for a call of that tool. Several ask for several, in
//!   order, each when the one before has its result; with `[[together]]` in the same words, for all of them at once.
//! - Without any marker and any result it calls the first tool, with arguments made from its schema. So it does where
//!   the prompt says that it must call one, or a certain one.
//! - With nothing left to call it quotes the beginning of the last result, or writes JSON made from the schema where the
//!   prompt asks for such an answer.

mod prompt;
mod sample;

use std::collections::VecDeque;
use std::sync::Arc;

use serde_json::Value;
use serde_json::json;

use prompt::Must;
use prompt::Section;
use prompt::Tools;

/// How much of the last result is quoted, in characters.
const QUOTED: usize = 200;

/// A call that a marker asks for.
#[derive(Debug, PartialEq)]
struct Wanted {
    name: String,
    arguments: Value,
    together: bool,
}

/// The answer to the last of these turns.
pub(super) fn answer(prompts: &[Arc<str>]) -> String {
    let mut tools: Option<Tools> = None;
    let mut wanted: VecDeque<Wanted> = VecDeque::new();
    let (mut asked, mut result, mut must, mut format) = (false, None, None, None);
    for prompt in prompts {
        let read = prompt::read(prompt);
        (must, format) = (read.must, read.format);
        tools = read.tools.or(tools);
        for section in read.sections {
            match section {
                Section::User(text) => {
                    wanted.extend(markers(&text));
                    asked |= !wanted.is_empty();
                }
                Section::Result(text) => {
                    wanted.pop_front();
                    result = Some(text);
                }
                Section::Other => {}
            }
        }
    }
    let done = |otherwise| format.as_ref().map_or_else(|| quoted(otherwise, result.as_deref()), sample::json);
    let Some(tools) = tools else { return done("I have no tools.") };
    let calls: Vec<Wanted> = match wanted.front() {
        Some(first) if first.together => wanted.into_iter().take_while(|wanted| wanted.together).collect(),
        Some(_) => wanted.into_iter().take(1).collect(),
        None if must.is_some() || (!asked && result.is_none()) => {
            tools.any(must.as_ref()).into_iter().collect()
        }
        None => return done("Nothing is left to do."),
    };
    let mut said = "Let me see.".to_owned();
    for Wanted { name, arguments, .. } in calls {
        said.push('\n');
        said.push_str(&tools.form.call(&name, &arguments));
    }
    said
}

impl Tools {
    /// A call of the tool that must be called, or of the first one.
    fn any(&self, must: Option<&Must>) -> Option<Wanted> {
        let is_meant = |tool: &&prompt::Tool| match must {
            Some(Must::Call(name)) => tool.name == *name,
            Some(Must::CallAny) | None => true,
        };
        let tool = self.list.iter().find(is_meant)?;
        Some(Wanted { name: tool.name.clone(), arguments: sample::of(&tool.parameters), together: false })
    }
}

fn quoted(otherwise: &str, result: Option<&str>) -> String {
    let Some(result) = result else { return otherwise.to_owned() };
    let beginning: String = result.chars().take(QUOTED).collect();
    format!("The last result says: \"{beginning}\"")
}

/// The markers in a user's words. Arguments are JSON, which may hold brackets of its own.
fn markers(text: &str) -> Vec<Wanted> {
    let together = text.contains("[[together]]");
    let mut found = Vec::new();
    for rest in text.split("[[call:").skip(1) {
        let Some(end) = rest.find([' ', ']', '\n']) else { continue };
        let (name, rest) = rest.split_at(end);
        let mut read = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
        let arguments = read.next().and_then(Result::ok).filter(Value::is_object);
        let after =
            if arguments.is_some() { rest.get(read.byte_offset()..).unwrap_or_default() } else { rest };
        if !name.is_empty() && after.trim_start().starts_with("]]") {
            let arguments = arguments.unwrap_or_else(|| json!({}));
            found.push(Wanted { name: name.to_owned(), arguments, together });
        }
    }
    found
}

#[cfg(test)]
mod tests;
