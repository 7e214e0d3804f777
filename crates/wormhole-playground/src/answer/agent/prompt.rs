//! What a prompt says: which tools there are, how a call is written, and who said what.
//!
//! The tools and the form of a call are found by their shape, whatever the tags are called: lines of JSON with a `name`
//! between a tag and its end, and then, as an example of a call, one such line with `arguments` between two others.

use serde::Deserialize;
use serde_json::Value;

/// How a prompt begins the messages of a conversation that it tells: a line of its own in brackets, after an empty one.
const USER: &str = "[User";
const RESULT: &str = "[Tool result";
const OTHERS: [&str; 2] = ["[Assistant", "[Instructions"];
/// How it says that the answer must be a call; then the tool's name in quotes, if it must be a certain one.
const MUST: &str = "must be a call of";
/// How it says, at its end, that the answer must be JSON; the schema is the next line, if there is one.
const FORMAT: &str = "Your whole answer must be";

/// A prompt, read.
#[derive(Debug, Default)]
pub(super) struct Read {
    pub(super) tools: Option<Tools>,
    pub(super) must: Option<Must>,
    /// The schema that the answer must obey; null where any object will do.
    pub(super) format: Option<Value>,
    pub(super) sections: Vec<Section>,
}

/// The answer must be a call.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Must {
    CallAny,
    Call(String),
}

/// A message, or the part of the prompt above them.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Section {
    User(String),
    Result(String),
    Other,
}

/// What can be called, and how.
#[derive(Debug)]
pub(super) struct Tools {
    pub(super) list: Vec<Tool>,
    pub(super) form: Form,
}

/// A tool.
#[derive(Debug, Deserialize)]
pub(super) struct Tool {
    pub(super) name: String,
    #[serde(default)]
    pub(super) parameters: Value,
}

/// The lines around a call.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Form {
    open: String,
    close: String,
}

impl Form {
    /// The call in its form, the name first as in the example.
    pub(super) fn call(&self, name: &str, arguments: &Value) -> String {
        let name = Value::from(name);
        format!("{}\n{{\"name\": {name}, \"arguments\": {arguments}}}\n{}", self.open, self.close)
    }
}

/// Reads a prompt.
pub(super) fn read(prompt: &str) -> Read {
    let lines: Vec<&str> = prompt.lines().collect();
    let (tools, after) = tools(&lines).map_or((None, 0), |(tools, after)| (Some(tools), after));
    let rest = lines.get(after..).unwrap_or_default();
    // The rules stand between the example and the first message.
    let rules = rest.iter().take_while(|line| kind(line).is_none());
    let must = rules.filter_map(|line| line.split_once(MUST)).map(|(_, after)| Must::of(after)).next();
    let must = must.filter(|_| tools.is_some());
    Read { must, format: format(rest), sections: sections(rest, tools.is_some()), tools }
}

fn format(lines: &[&str]) -> Option<Value> {
    let at = lines.iter().rposition(|line| line.starts_with(FORMAT))?;
    let mut after = lines.iter().skip(at + 1).filter(|line| !line.trim().is_empty());
    Some(after.next().and_then(|line| serde_json::from_str(line).ok()).unwrap_or_default())
}

/// The tools, and the line after the example of a call.
fn tools(lines: &[&str]) -> Option<(Tools, usize)> {
    for (begin, open) in lines.iter().enumerate() {
        let Some(name) = open.strip_prefix('<').and_then(|tag| tag.strip_suffix('>')) else { continue };
        let listed = lines.iter().skip(begin + 1);
        let list: Vec<Tool> = listed.map_while(|line| serde_json::from_str(line).ok()).collect();
        let end = begin + 1 + list.len();
        let is_whole = !list.is_empty() && lines.get(end).is_some_and(|line| *line == format!("</{name}>"));
        if is_whole && let Some((form, after)) = example(lines, end + 1) {
            return Some((Tools { list, form }, after));
        }
    }
    None
}

fn example(lines: &[&str], from: usize) -> Option<(Form, usize)> {
    let is_call = |line: &str| {
        let call = serde_json::from_str::<Value>(line).ok();
        call.is_some_and(|call| call["name"].is_string() && call["arguments"].is_object())
    };
    let at = (from..lines.len()).find(|at| lines.get(*at).is_some_and(|line| is_call(line)))?;
    let (open, close) = (lines.get(at.checked_sub(1)?)?, lines.get(at + 1)?);
    Some((Form { open: (*open).to_owned(), close: (*close).to_owned() }, at + 2))
}

/// The messages. A text without any is a user's own, unless there was something before it.
fn sections(lines: &[&str], has_head: bool) -> Vec<Section> {
    let after_blank = |at: usize| at == 0 || lines.get(at - 1).is_some_and(|line| line.trim().is_empty());
    let begins: Vec<(usize, Kind)> = lines
        .iter()
        .enumerate()
        .filter_map(|(at, line)| Some((at, kind(line)?)).filter(|_| after_blank(at)))
        .collect();
    if begins.is_empty() && !has_head {
        return vec![Section::User(lines.join("\n"))];
    }
    let ends = begins.iter().skip(1).map(|(at, _)| Some(*at)).chain([None]);
    let messages = begins.iter().zip(ends).map(|((begin, kind), end)| {
        let end_of_text = end.map_or(lines.len(), |end| before(lines, *begin + 1, end));
        let text = lines.get(begin + 1..end_of_text).unwrap_or_default().join("\n").trim().to_owned();
        match kind {
            Kind::User => Section::User(text),
            Kind::Result => Section::Result(text),
            Kind::Other => Section::Other,
        }
    });
    messages.collect()
}

/// Where the text before the message at `end` ends: a phrase may stand above a message, such as "Now answer this:".
fn before(lines: &[&str], begin: usize, end: usize) -> usize {
    let text = |at: usize| lines.get(at).map(|line| line.trim()).unwrap_or_default();
    let phrase = end.saturating_sub(2);
    let stands_alone = phrase > begin && text(phrase).ends_with(':') && text(phrase - 1).is_empty();
    if stands_alone { phrase } else { end }
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    User,
    Result,
    Other,
}

fn kind(line: &str) -> Option<Kind> {
    let is = |label: &str| line.strip_prefix(label).is_some_and(|rest| rest.starts_with([']', ':', ' ']));
    let whole = line.ends_with(']');
    match line {
        _ if !whole => None,
        _ if is(USER) => Some(Kind::User),
        _ if is(RESULT) => Some(Kind::Result),
        _ => OTHERS.into_iter().any(is).then_some(Kind::Other),
    }
}

impl Must {
    /// The tool's name stands in quotes.
    fn of(rest_of_rule: &str) -> Self {
        let named = rest_of_rule.split_once('"').and_then(|(_, after)| after.split_once('"'));
        named.map_or(Self::CallAny, |(name, _)| Self::Call(name.to_owned()))
    }
}
