//! The text of a reply while it comes: words flow, calls are read, and only what may yet be a call waits.
//!
//! However the text is cut into deltas, the pieces joined are the same.

mod calls;
mod text;

use std::sync::Arc;

use super::ToolSet;
use super::forms::{self, Place, Verdict};

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
}
