//! What is text: what cannot begin a call, what looked like one and is none, what stands around calls, thoughts.

use super::{Piece, Scanner};
use crate::tools::json::Stop;
use crate::tools::tags::{self, Tag};

impl Scanner {
    /// How much of the text cannot be the beginning of a call. Spaces end it: they may stand before one.
    pub(super) fn plain(&self, text: &str) -> usize {
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
    pub(super) fn flush(&mut self, text: &str, pieces: &mut Vec<Piece>) {
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

    pub(super) fn text(&mut self, text: String, pieces: &mut Vec<Piece>) {
        self.has_text |= !text.trim().is_empty();
        match pieces.last_mut() {
            _ if text.is_empty() => {}
            Some(Piece::Text(before)) => before.push_str(&text),
            _ => pieces.push(Piece::Text(text)),
        }
    }

    /// What looked like an opener is text: its first character is, or all of the line that opens or closes a fence.
    pub(super) fn opener_as_text(
        &mut self,
        text: &str,
        is_end: bool,
        pieces: &mut Vec<Piece>,
    ) -> Option<usize> {
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
    pub(super) fn leftover(&mut self, text: &str, is_end: bool) -> Result<usize, Stop> {
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
    pub(super) fn opens_thought(&mut self, text: &str, is_end: bool) -> Result<bool, Stop> {
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

    pub(super) fn thought(
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
}
