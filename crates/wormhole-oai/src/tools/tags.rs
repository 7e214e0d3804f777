//! The marks that models put around calls: tags, tokens of their own formats, brackets.

use super::ToolSet;
use super::json::{Read, Stop};

/// The longest tag.
const MAX_TAG: usize = 256;

/// Tags that hold calls, without their prefixes, edges and dashes.
const HOLDERS: &[&str] = &[
    "tool_call",
    "tool_calls",
    "toolcall",
    "toolcalls",
    "function_call",
    "function_calls",
    "functioncall",
    "functioncalls",
    "functions",
    "tool_use",
    "tool_uses",
    "tool_code",
    "tool_request",
    "tool_call_begin",
    "tool_calls_begin",
    "tool_calls_section_begin",
    "tool_call_start",
    "python_tag",
    "execute_tool",
];

/// Tags that stand between a call's name and its arguments.
const BETWEEN: &[&str] = &[
    "tool_sep",
    "tool_call_argument_begin",
    "message",
    "arguments",
    "parameters",
    "args",
    "input",
    "tool_input",
];

/// Tags that name the call in an attribute.
const NAMING: &[&str] = &["invoke", "function", "tool", "tool_call", "function_call", "call"];

/// Tags around a name.
const NAMES: &[&str] = &["name", "tool_name", "function_name", "server_tool_name"];

/// Tags of the results of calls: a model that writes one makes it up.
const RESULTS: &[&str] = &[
    "tool_response",
    "tool_responses",
    "tool_result",
    "tool_results",
    "function_result",
    "function_results",
    "function_response",
    "tool_output",
    "tool_outputs",
    "tool_outputs_begin",
    "tool_output_begin",
];

/// Words that are known by more than their name.
const OTHERS: &[&str] = &[
    "parameter",
    "param",
    "argument",
    "arg_key",
    "arg_value",
    "channel",
    "start",
    "call",
    "tool_calls_section",
    "tool_outputs",
    "tool_output",
];

/// What stands before a tag's own name.
const PREFIXES: &[&str] = &["antml:", "minimax:", "seed:", "｜DSML｜"];

/// Marks that are no tags.
const BRACKETS: &[&str] = &["[TOOL_CALLS]", "[TOOL_REQUEST]", "[TOOL_CALL]", "[FUNCTION_CALL]"];

/// Their ends.
const BRACKET_ENDS: &[&str] =
    &["[END_TOOL_REQUEST]", "[/TOOL_CALLS]", "[/TOOL_CALL]", "[/TOOL_REQUEST]", "[/FUNCTION_CALL]"];

/// What a tag is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Tag<'a> {
    /// Calls follow.
    Holds,
    /// A call of this name follows.
    Names(&'a str),
    /// A name follows, and the end of this tag.
    Name,
    /// A parameter of this name follows. The word is what its end repeats.
    Parameter {
        /// The parameter.
        key: &'a str,
        /// The tag's own name.
        word: &'a str,
    },
    /// Arguments follow.
    Between,
    /// OpenAI's `<|channel|>` and `<|start|>`.
    Channel,
    /// The end of any of these.
    End,
    /// A made-up result follows.
    Result,
}

/// The tag here, and its length. What may yet become one needs more.
pub(super) fn tag<'a>(text: &'a str, is_end: bool, tools: &ToolSet) -> Read<(Tag<'a>, usize)> {
    const NO_TAG: Stop = Stop::Not("no tag");
    let inner = text.strip_prefix('<').ok_or(NO_TAG)?;
    match inner.find(['>', '<', '\n']) {
        Some(end) if end <= MAX_TAG && inner[end..].starts_with('>') => {
            known(&inner[..end], tools).map(|tag| (tag, end + 2)).ok_or(NO_TAG)
        }
        None if !is_end && inner.len() <= MAX_TAG && may_become(inner, tools) => Err(Stop::More),
        _ => Err(NO_TAG),
    }
}

/// The tag with this text between its angles.
fn known<'a>(inner: &'a str, tools: &ToolSet) -> Option<Tag<'a>> {
    let (is_end, rest) = inner.strip_prefix('/').map_or((false, inner), |rest| (true, rest));
    let rest = rest.trim_end_matches('/').trim_end();
    let rest = PREFIXES.iter().find_map(|prefix| rest.strip_prefix(prefix)).unwrap_or(rest);
    let rest = rest.trim_matches(['|', '｜']);
    if rest.starts_with(char::is_whitespace) {
        return None;
    }
    let is_word_end = |c: char| c.is_whitespace() || c == '=';
    let (word, attributes) = rest.split_at(rest.find(is_word_end).unwrap_or(rest.len()));
    let plain = word.replace(['▁', '-'], "_").to_lowercase();
    let plain = plain.strip_suffix("_end").unwrap_or(&plain);
    let is = |list: &[&str]| list.contains(&plain);
    let ends = is_end || word.ends_with("end") || inner.ends_with("_call|") && inner.starts_with("tool");
    let name = attribute(attributes);
    if ends {
        let known = is(HOLDERS)
            || is(BETWEEN)
            || is(NAMING)
            || is(NAMES)
            || is(RESULTS)
            || tools.tools.contains_key(word);
        let known =
            known || matches!(plain, "parameter" | "tool_calls_section" | "arg_value" | "tool_outputs");
        return known.then_some(Tag::End);
    }
    if let Some(name) = name {
        if is(NAMING) {
            return Some(Tag::Names(name));
        }
        if matches!(plain, "parameter" | "param" | "argument" | "arg") {
            return Some(Tag::Parameter { key: name, word });
        }
    }
    match plain {
        _ if is(HOLDERS) => Some(Tag::Holds),
        _ if is(RESULTS) => Some(Tag::Result),
        _ if tools.tools.contains_key(word) && attributes.is_empty() => Some(Tag::Names(word)),
        _ if is(NAMES) => Some(Tag::Name),
        _ if is(BETWEEN) => Some(Tag::Between),
        "channel" | "start" if inner.starts_with('|') => Some(Tag::Channel),
        "call" if inner.starts_with('|') => Some(Tag::End),
        _ => None,
    }
}

/// The name in `=f`, `="f"` or ` name="f" …`.
fn attribute(attributes: &str) -> Option<&str> {
    let value = if let Some(value) = attributes.strip_prefix('=') {
        value
    } else {
        let keys = ["name=", "name =", "tool="];
        let start = keys.iter().find_map(|key| Some(attributes.find(key)? + key.len()))?;
        &attributes[start..]
    };
    let value = value.trim_start();
    let value = match value.chars().next()? {
        quote @ ('"' | '\'') => value[1..].split(quote).next()?,
        _ => value.split(|c: char| c.is_whitespace() || c == '>').next()?,
    };
    (!value.is_empty()).then_some(value)
}

/// Whether what stands after `<` so far may yet be a tag that opens a call.
fn may_become(inner: &str, tools: &ToolSet) -> bool {
    let rest = inner.strip_prefix('/').unwrap_or(inner).to_lowercase().replace(['▁', '-'], "_");
    if PREFIXES.iter().any(|prefix| prefix.to_lowercase().starts_with(&rest)) {
        return true;
    }
    let rest = PREFIXES.iter().find_map(|prefix| rest.strip_prefix(&prefix.to_lowercase())).unwrap_or(&rest);
    let rest = rest.trim_start_matches(['|', '｜']);
    let fits = |word: &str| {
        word.starts_with(rest)
            || rest.strip_prefix(word).is_some_and(|more| {
                "_end".starts_with(more)
                    || more
                        .strip_prefix("_end")
                        .unwrap_or(more)
                        .starts_with(|c: char| !c.is_alphanumeric() && c != '_')
            })
    };
    [HOLDERS, BETWEEN, NAMING, NAMES, RESULTS].iter().copied().flatten().any(|word| fits(word))
        || OTHERS.iter().any(|word| fits(word))
        || tools.tools.keys().any(|name| fits(&name.to_lowercase().replace('-', "_")))
}

/// Which of these marks stands here, by its length.
fn bracket(text: &str, is_end: bool, marks: &[&str]) -> Read<Option<usize>> {
    if let Some(mark) = marks.iter().find(|mark| text.starts_with(**mark)) {
        return Ok(Some(mark.len()));
    }
    let may_be = !is_end && !text.is_empty() && marks.iter().any(|mark| mark.starts_with(text));
    if may_be { Err(Stop::More) } else { Ok(None) }
}

/// A mark in brackets that holds calls.
pub(super) fn opening_bracket(text: &str, is_end: bool) -> Read<Option<usize>> {
    bracket(text, is_end, BRACKETS)
}

/// The end of one.
pub(super) fn closing_bracket(text: &str, is_end: bool) -> Read<Option<usize>> {
    bracket(text, is_end, BRACKET_ENDS)
}
