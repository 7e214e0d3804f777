//! The text of a reply while it comes: words flow, calls are read, and only what may yet be a call waits.
//!
//! However the text is cut into deltas, the pieces joined are the same.

use std::sync::Arc;

use super::forms::{self, Place, Verdict};
use super::json::Stop;
use super::tags::{self, Tag};
use super::{Called, ToolSet};

/// A held text is looked at again when it has grown by this part of itself, so that the work stays in proportion.
const GROWTH: usize = 32;

/// What is certain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    /// More text.
    Text(String),
    /// A call of this tool begins.
    Begin(String),
    /// More of its arguments.
    Arguments(String),
    /// It is whole.
    End,
    /// The reply ends here, whatever follows: a second call where one is allowed, or a result that is made up.
    Stop,
    /// A call that has begun to flow cannot be read to its end.
    Lost,
}

/// A call that could not be read, where nothing can be passed on of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    /// What is wrong, for the model.
    pub why: String,
    /// The text from the call on, as it came.
    pub raw: String,
}

/// The state of one reply.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own about the place in the text")]
#[derive(Debug)]
pub(crate) struct Scanner {
    tools: Arc<ToolSet>,
    takes_one: bool,
    /// What is not decided, and what of it has been looked at.
    held: String,
    looked_at: usize,
    /// Spaces that are passed on only if text follows: a call does not leave them behind.
    gap: String,
    /// Where the held text stands.
    starts_line: bool,
    after_tick: bool,
    in_fence: bool,
    after_call: bool,
    in_thought: Option<&'static str>,
    has_text: bool,
    /// The call that flows, and how much of its arguments did.
    flowing: Option<usize>,
    calls: usize,
    /// Calls that were passed on as text because others had been passed on before.
    refused: usize,
    problem: Option<Problem>,
    is_over: bool,
}

impl Scanner {
    /// The beginning of a reply.
    pub(crate) fn new(tools: Arc<ToolSet>, takes_one: bool) -> Self {
        Self {
            tools,
            takes_one,
            held: String::new(),
            looked_at: 0,
            gap: String::new(),
            starts_line: true,
            after_tick: false,
            in_fence: false,
            after_call: false,
            in_thought: None,
            has_text: false,
            flowing: None,
            calls: 0,
            refused: 0,
            problem: None,
            is_over: false,
        }
    }

    /// More of the reply.
    pub(crate) fn push(&mut self, delta: &str) -> Vec<Piece> {
        let mut pieces = Vec::new();
        if self.is_over {
            return pieces;
        }
        if let Some(problem) = &mut self.problem {
            problem.raw.push_str(delta);
            return pieces;
        }
        self.held.push_str(delta);
        if self.held.len() >= self.looked_at + self.looked_at / GROWTH {
            self.scan(false, &mut pieces);
        }
        pieces
    }

    /// The reply is at its end, or was cut off: then a call that is not whole is none.
    pub(crate) fn end(&mut self, is_cut: bool) -> Vec<Piece> {
        let mut pieces = Vec::new();
        if self.is_over || self.problem.is_some() {
            return pieces;
        }
        if is_cut {
            self.cut(&mut pieces);
        } else {
            self.scan(true, &mut pieces);
        }
        if self.calls == 0 && self.problem.is_none() {
            let gap = std::mem::take(&mut self.gap);
            self.text(gap, &mut pieces);
        }
        pieces
    }

    /// Calls that were passed on as text.
    pub(crate) fn refused(&self) -> usize {
        self.refused
    }

    /// What could not be read, if the model should be asked again.
    pub(crate) fn problem(&mut self) -> Option<Problem> {
        self.problem.take()
    }

    /// A reply that was cut off: what is certainly a call stays away, everything else is text.
    fn cut(&mut self, pieces: &mut Vec<Piece>) {
        self.scan(false, pieces);
        if self.held.is_empty() || self.flowing.is_some() || self.problem.is_some() {
            return;
        }
        let seen = forms::see(&self.held, false, self.place(), &self.tools);
        let is_tag = self.held.starts_with('<') && self.held.contains('>');
        if seen.open.is_none() && !is_tag {
            let text = std::mem::take(&mut self.held);
            self.flush(&text, pieces);
        }
    }

    fn place(&self) -> Place {
        Place { starts_line: self.starts_line, in_fence: self.in_fence, after_call: self.after_call }
    }

    fn scan(&mut self, is_end: bool, pieces: &mut Vec<Piece>) {
        let held = std::mem::take(&mut self.held);
        let mut rest = held.as_str();
        while !rest.is_empty() && self.problem.is_none() && !self.is_over {
            let Some(length) = self.step(rest, is_end, pieces) else { break };
            rest = &rest[length..];
        }
        if self.problem.is_none() && !self.is_over {
            self.looked_at = rest.len();
            rest.clone_into(&mut self.held);
        }
    }

    /// Deals with the beginning of the text; tells how much of it is done, or that more is needed.
    fn step(&mut self, text: &str, is_end: bool, pieces: &mut Vec<Piece>) -> Option<usize> {
        if let Some(end) = self.in_thought {
            return self.thought(text, end, is_end, pieces);
        }
        if self.after_call {
            match self.leftover(text, is_end) {
                Ok(0) => {}
                Ok(length) => return Some(length),
                Err(_) => return None,
            }
        }
        let plain = self.plain(text);
        if plain > 0 {
            self.flush(&text[..plain], pieces);
            return Some(plain);
        }
        if !self.has_text && self.calls == 0 {
            match self.opens_thought(text, is_end) {
                Ok(true) => return Some(0),
                Ok(false) => {}
                Err(_) => return None,
            }
        }
        let seen = forms::see(text, is_end, self.place(), &self.tools);
        match seen.verdict {
            Verdict::More => {
                if let Some(open) = seen.open {
                    self.flow(&open, pieces);
                }
                None
            }
            // An example of a call, not one.
            Verdict::Calls(calls, _) if self.is_example(text, &calls) => {
                self.opener_as_text(text, is_end, pieces)
            }
            Verdict::Calls(calls, length) => {
                self.take(calls, text, length, pieces);
                Some(length)
            }
            Verdict::Result => {
                pieces.push(Piece::Stop);
                self.is_over = true;
                None
            }
            Verdict::Broken(why) => Some(self.broken(&why, text, pieces)),
            Verdict::Text => {
                if self.flowing.is_some() {
                    self.lose(pieces);
                    return None;
                }
                self.opener_as_text(text, is_end, pieces)
            }
        }
    }

    /// How much of the text cannot be the beginning of a call. Spaces end it: they may stand before one.
    fn plain(&self, text: &str) -> usize {
        let mut starts_line = self.starts_line;
        let mut after_tick = self.after_tick;
        for (at, character) in text.char_indices() {
            let opens = match character {
                '<' => !after_tick && (!self.in_fence || starts_line),
                '`' => starts_line,
                '[' => !self.in_fence && !after_tick,
                '{' | 'A' | 'f' | '>' => starts_line && !self.in_fence,
                _ => false,
            };
            if opens {
                return at;
            }
            after_tick = character == '`';
            starts_line = character == '\n' || (starts_line && character.is_whitespace());
        }
        text.len()
    }

    /// Passes text on.
    fn flush(&mut self, text: &str, pieces: &mut Vec<Piece>) {
        for character in text.chars() {
            self.after_tick = character == '`';
            self.starts_line = character == '\n' || (self.starts_line && character.is_whitespace());
        }
        let words = text.trim_end();
        if words.is_empty() {
            self.gap.push_str(text);
            return;
        }
        self.after_call = false;
        let mut out = std::mem::take(&mut self.gap);
        out.push_str(words);
        self.gap.push_str(&text[words.len()..]);
        self.text(out, pieces);
    }

    fn text(&mut self, text: String, pieces: &mut Vec<Piece>) {
        self.has_text |= !text.trim().is_empty();
        match pieces.last_mut() {
            _ if text.is_empty() => {}
            Some(Piece::Text(before)) => before.push_str(&text),
            _ => pieces.push(Piece::Text(text)),
        }
    }

    /// What looked like an opener is text: its first character is, or all of the line that opens or closes a fence.
    fn opener_as_text(&mut self, text: &str, is_end: bool, pieces: &mut Vec<Piece>) -> Option<usize> {
        if self.starts_line && text.starts_with('`') {
            let ticks = text.len() - text.trim_start_matches('`').len();
            if ticks == text.len() && !is_end {
                return None;
            }
            if ticks >= 3 {
                self.in_fence = !self.in_fence;
            }
            self.flush(&text[..ticks], pieces);
            return Some(ticks);
        }
        let length = text.chars().next().map_or(0, char::len_utf8);
        self.flush(&text[..length], pieces);
        Some(length)
    }

    /// What may stand between calls and after the last: ends of tags and fences, brackets, commas.
    fn leftover(&mut self, text: &str, is_end: bool) -> Result<usize, Stop> {
        let first = text.chars().next().unwrap_or(' ');
        if first.is_whitespace() {
            let length = text.len() - text.trim_start().len();
            self.gap.push_str(&text[..length]);
            self.starts_line = true;
            return Ok(length);
        }
        match first {
            '}' | ']' | ')' | ',' | ';' => Ok(1),
            '`' => {
                let ticks = text.len() - text.trim_start_matches('`').len();
                if ticks == text.len() && !is_end {
                    return Err(Stop::More);
                }
                // A fence with a word opens another block.
                let after = text[ticks..].chars().next();
                Ok(if after.is_none_or(|after| after.is_whitespace() || after == '<') { ticks } else { 0 })
            }
            '[' => tags::closing_bracket(text, is_end).map(|found| found.unwrap_or(0)),
            '<' => match tags::tag(text, is_end, &self.tools) {
                Ok((Tag::End, length)) => Ok(length),
                Err(Stop::More) => Err(Stop::More),
                _ => Ok(0),
            },
            _ => Ok(0),
        }
    }

    /// Reasoning that the site writes into the answer: no calls are read out of it.
    fn opens_thought(&mut self, text: &str, is_end: bool) -> Result<bool, Stop> {
        for (open, close) in
            [("<think>", "</think>"), ("<thinking>", "</thinking>"), ("<thought>", "</thought>")]
        {
            if text.starts_with(open) {
                self.in_thought = Some(close);
                return Ok(true);
            }
            if !is_end && open.starts_with(text) {
                return Err(Stop::More);
            }
        }
        Ok(false)
    }

    fn thought(
        &mut self,
        text: &str,
        end: &'static str,
        is_end: bool,
        pieces: &mut Vec<Piece>,
    ) -> Option<usize> {
        if let Some(found) = text.find(end) {
            self.in_thought = None;
            let length = found + end.len();
            self.flush(&text[..length], pieces);
            return Some(length);
        }
        let kept = if is_end {
            0
        } else {
            (1..end.len()).rev().find(|&length| text.ends_with(&end[..length])).unwrap_or(0)
        };
        let length = text.len() - kept;
        if length == 0 {
            return None;
        }
        self.flush(&text[..length], pieces);
        Some(length)
    }

    /// Passes on what is certain of a call that is being written.
    fn flow(&mut self, open: &Called, pieces: &mut Vec<Piece>) {
        if self.in_fence {
            return;
        }
        let Some(gate) = self.tools.gate(&open.name) else { return };
        let certain = gate.certain(&open.arguments);
        let sent = self.flowing.unwrap_or(0);
        if certain <= sent {
            return;
        }
        if self.flowing.is_none() {
            self.begin(open.name.clone(), pieces);
        }
        pieces.push(Piece::Arguments(open.arguments[sent..certain].to_owned()));
        self.flowing = Some(certain);
    }

    fn begin(&mut self, name: String, pieces: &mut Vec<Piece>) {
        self.gap.clear();
        self.calls += 1;
        pieces.push(Piece::Begin(name));
    }

    /// A block of code that shows a call of a tool that does not exist.
    fn is_example(&self, text: &str, calls: &[Called]) -> bool {
        let is_shown = self.in_fence || text.starts_with("```");
        is_shown && calls.iter().any(|call| self.tools.resolve(&call.name).is_none())
    }

    /// Passes on calls that are whole, where they are right.
    fn take(&mut self, calls: Vec<Called>, text: &str, length: usize, pieces: &mut Vec<Piece>) {
        let mut checked = Vec::new();
        for call in calls {
            match self.checked(call) {
                Ok(call) => checked.push(call),
                Err(why) if self.calls == 0 && !self.in_fence => {
                    self.ask_again(why, text);
                    return;
                }
                // Others have been passed on already, or it stands in an example.
                Err(_) => {
                    self.refused += usize::from(!self.in_fence);
                    let raw = &text[..length];
                    self.flush(raw, pieces);
                    return;
                }
            }
        }
        for Called { name, arguments } in checked {
            if self.takes_one && self.calls > 0 && self.flowing.is_none() {
                pieces.push(Piece::Stop);
                self.is_over = true;
                return;
            }
            let sent = self.flowing.take().unwrap_or_else(|| {
                self.begin(name, pieces);
                0
            });
            pieces.push(Piece::Arguments(arguments[sent..].to_owned()));
            pieces.push(Piece::End);
        }
        self.after_call = true;
        self.starts_line = true;
        self.after_tick = false;
        if self.takes_one {
            pieces.push(Piece::Stop);
            self.is_over = true;
        }
    }

    /// A call that is right; of one that flows, what may be settled still.
    fn checked(&self, call: Called) -> Result<Called, String> {
        let own = self.tools.resolve(&call.name).filter(|_| !self.in_fence);
        if let Some((name, gate)) = own.and_then(|name| Some((name, self.tools.gate(name)?)))
            && gate.certain(&call.arguments) > 0
        {
            return Ok(Called { name: name.to_owned(), arguments: gate.settled(&call.arguments) });
        }
        self.tools.check(call)
    }

    fn ask_again(&mut self, why: String, text: &str) {
        let raw = std::mem::take(&mut self.gap) + text;
        self.problem = Some(Problem { why, raw });
    }

    fn broken(&mut self, why: &str, text: &str, pieces: &mut Vec<Piece>) -> usize {
        if self.flowing.is_some() {
            self.lose(pieces);
        } else if self.calls == 0 {
            self.ask_again(format!("The tool call could not be read: {why}."), text);
        } else {
            // Others have been passed on already: this one is text, as it came.
            self.refused += 1;
            let length = text.chars().next().map_or(0, char::len_utf8);
            self.flush(&text[..length], pieces);
            return length;
        }
        text.len()
    }

    fn lose(&mut self, pieces: &mut Vec<Piece>) {
        self.is_over = true;
        pieces.push(Piece::Lost);
    }
}
