//! What is a call: passed on while it is written or when it is whole, or asked for again.

use super::{Piece, Problem, Scanner};
use crate::tools::Called;

impl Scanner {
    /// Passes on what is certain of a call that is being written.
    pub(super) fn flow(&mut self, open: &Called, pieces: &mut Vec<Piece>) {
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
    pub(super) fn is_example(&self, text: &str, calls: &[Called]) -> bool {
        let is_shown = self.in_fence || text.starts_with("```");
        is_shown && calls.iter().any(|call| self.tools.resolve(&call.name).is_none())
    }

    /// Passes on calls that are whole, where they are right.
    pub(super) fn take(&mut self, calls: Vec<Called>, text: &str, length: usize, pieces: &mut Vec<Piece>) {
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

    pub(super) fn broken(&mut self, why: &str, text: &str, pieces: &mut Vec<Piece>) -> usize {
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

    pub(super) fn lose(&mut self, pieces: &mut Vec<Piece>) {
        self.is_over = true;
        pieces.push(Piece::Lost);
    }
}
