//! One call, or several, at one place of the text: in the form that was asked for, or in one that models are used to.

mod arguments;
mod object;
mod words;

use super::json::{Read, Reader, Stop};
use super::tags::{self, Tag};
use super::{Called, ToolSet};
use object::{interpret, open_in, plausible};

/// The longest name of a tool, and the longest line that opens a fence.
const MAX_NAME: usize = 128;

/// Names of fences that hold calls and nothing else.
const CALL_FENCES: &[&str] = &[
    "tool_call",
    "tool_calls",
    "tool",
    "tools",
    "tool_code",
    "tool_use",
    "function_call",
    "function",
    "call",
];

/// Names of fences that may hold calls.
const PLAIN_FENCES: &[&str] =
    &["", "json", "json5", "jsonc", "xml", "html", "text", "txt", "plaintext", "yaml"];

/// Where the text that is looked at stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// At the beginning of a line.
    pub(super) starts_line: bool,
    /// In a block of code.
    pub(super) in_fence: bool,
    /// Right after a call.
    pub(super) after_call: bool,
}

/// What is seen at a place.
#[derive(Debug)]
pub(super) struct Seen {
    /// What it is.
    pub(super) verdict: Verdict,
    /// The call that is being written, with the arguments so far: JSON without spaces.
    pub(super) open: Option<Called>,
}

/// What it is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Calls, up to this place.
    Calls(Vec<Called>, usize),
    /// More text decides it.
    More,
    /// No call.
    Text,
    /// A call that cannot be read.
    Broken(String),
    /// A made-up result.
    Result,
}

/// Looks at the beginning of a text.
pub(super) fn see(text: &str, is_end: bool, place: Place, tools: &ToolSet) -> Seen {
    let mut form =
        Form { text, at: 0, is_end, place, tools, is_sure: false, is_call: false, open: None, broken: None };
    let verdict = match form.calls() {
        Ok(Some(calls)) if calls.is_empty() => Verdict::Text,
        Ok(Some(calls)) => Verdict::Calls(calls, form.at),
        Ok(None) => Verdict::Result,
        Err(Stop::More) => Verdict::More,
        Err(Stop::Not(why)) if form.is_call && !place.in_fence => {
            Verdict::Broken(form.broken.take().unwrap_or_else(|| why.to_owned()))
        }
        Err(Stop::Not(_)) => Verdict::Text,
    };
    Seen { verdict, open: form.open }
}

const NO_CALL: Stop = Stop::Not("this is no call");

struct Form<'a> {
    text: &'a str,
    at: usize,
    is_end: bool,
    place: Place,
    tools: &'a ToolSet,
    /// A mark that nothing but calls has stands before.
    is_sure: bool,
    /// It is meant as a call, whether it can be read or not.
    is_call: bool,
    open: Option<Called>,
    broken: Option<String>,
}

impl<'a> Form<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn skip_space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    /// What comes next after spaces; none at the end of all.
    fn next(&mut self) -> Read<Option<char>> {
        self.skip_space();
        match self.rest().chars().next() {
            None if !self.is_end => Err(Stop::More),
            next => Ok(next),
        }
    }

    /// Whether this stands here.
    fn sees(&self, what: &str) -> Read<bool> {
        let rest = self.rest();
        if !self.is_end && rest.len() < what.len() && what.starts_with(rest) {
            return Err(Stop::More);
        }
        Ok(rest.starts_with(what))
    }

    fn eats(&mut self, what: &str) -> Read<bool> {
        let sees = self.sees(what)?;
        self.at += if sees { what.len() } else { 0 };
        Ok(sees)
    }

    /// Where this stands, near enough for a name before it.
    fn within(&self, what: &str) -> Read<usize> {
        match self.rest().find(what) {
            Some(end) if end <= MAX_NAME => Ok(end),
            None if !self.is_end && self.rest().len() < MAX_NAME + what.len() => Err(Stop::More),
            _ => Err(NO_CALL),
        }
    }

    fn tag(&self) -> Read<(Tag<'a>, usize)> {
        tags::tag(self.rest(), self.is_end, self.tools)
    }

    /// The calls; none where a made-up result stands here.
    fn calls(&mut self) -> Read<Option<Vec<Called>>> {
        for _ in 0..8 {
            if self.at > 0 {
                self.next()?;
            }
            match self.rest().chars().next() {
                Some('<') => match self.tag() {
                    Ok((Tag::Result, _)) if self.place.after_call => return Ok(None),
                    Ok((Tag::Holds, length)) => {
                        self.at += length;
                        self.is_sure = true;
                        continue;
                    }
                    Ok((Tag::Names(name), length)) => {
                        // A tag of a tool's own name may be anything, such as HTML, until arguments follow.
                        let is_bare = !self.is_sure && self.rest()[1..].starts_with(name);
                        self.at += length;
                        return self.named_by(name, is_bare).map(Some);
                    }
                    Ok((Tag::Name, length)) if self.is_sure => {
                        self.at += length;
                        return self.name_element().map(Some);
                    }
                    Ok((Tag::Channel, length)) => {
                        self.at += length;
                        return self.channel().map(Some);
                    }
                    Ok(_) | Err(Stop::Not(_)) => return Err(NO_CALL),
                    Err(Stop::More) => return Err(Stop::More),
                },
                Some('`') if self.at > 0 || self.place.starts_line => {
                    self.fence()?;
                    continue;
                }
                Some('[') => {
                    if let Some(length) = tags::opening_bracket(self.rest(), self.is_end)? {
                        self.at += length;
                        self.is_sure = true;
                        continue;
                    }
                }
                Some('A') if self.at == 0 && self.place.starts_line => return self.action().map(Some),
                Some(first @ ('>' | 'f')) if self.at == 0 && self.place.starts_line => {
                    self.is_sure = first == 'f';
                    if !self.eats(if self.is_sure { "functools" } else { ">>>" })? {
                        return Err(NO_CALL);
                    }
                }
                _ => {}
            }
            break;
        }
        self.core().map(Some)
    }

    /// The line that opens a block of code.
    fn fence(&mut self) -> Read<()> {
        if !self.eats("```")? {
            return Err(NO_CALL);
        }
        let end = self.within("\n")?;
        let word = self.rest()[..end].trim().to_lowercase();
        if CALL_FENCES.contains(&word.as_str()) {
            self.is_sure = true;
        } else if !PLAIN_FENCES.contains(&word.as_str()) {
            return Err(NO_CALL);
        }
        self.at += end;
        Ok(())
    }

    /// A call without a name before it.
    fn core(&mut self) -> Read<Vec<Called>> {
        match self.next()? {
            Some('{') => self.json(),
            Some('[') => {
                let inner = self.rest()[1..].trim_start();
                match inner.chars().next() {
                    None if !self.is_end => Err(Stop::More),
                    Some(first) if first.is_alphabetic() => self.list_of_pythons(),
                    _ => self.json(),
                }
            }
            Some(first) if (self.is_sure || self.at > 0) && (first.is_alphabetic() || first == '_') => {
                self.worded()
            }
            _ => Err(NO_CALL),
        }
    }

    /// A call as JSON.
    fn json(&mut self) -> Read<Vec<Called>> {
        let mut reader = Reader::new(self.text, self.at, self.is_end);
        let read = reader.value();
        self.is_call |= self.is_sure;
        if !self.is_sure && !plausible(&reader.out, self.tools) {
            return Err(NO_CALL);
        }
        match read {
            Ok(()) => {}
            Err(Stop::More) => {
                self.open = open_in(&reader.out, self.tools);
                return Err(Stop::More);
            }
            Err(Stop::Not(why)) => {
                self.is_call |= open_in(&reader.out, self.tools).is_some();
                return Err(Stop::Not(why));
            }
        }
        self.at = reader.at();
        match interpret(&reader.out, self.is_sure, self.tools) {
            Ok(calls) => Ok(calls),
            Err(why) => {
                self.broken = Some(why);
                Err(NO_CALL)
            }
        }
    }
}
