//! What an answer is to be beyond text: calls of tools, JSON that obeys a schema. Text goes in, parts come out; at the
//! end it says whether the model should be asked again.

use std::sync::Arc;

use crate::chat::{Chat, ToolChoice};
use crate::output::Format;
use crate::reply::Part;
use crate::tools::{Piece, Problem, Scanner, ToolSet};

/// How often the model is asked again for a call, and for an answer in a format.
const CALL_TRIES: u32 = 1;
const FORMAT_TRIES: u32 = 2;

/// The state of one answer, over all replies to it.
#[derive(Debug)]
pub(crate) struct Shape {
    tools: Option<Arc<ToolSet>>,
    takes_one: bool,
    scanner: Option<Scanner>,
    format: Option<Format>,
    /// The text of this reply that is passed on only if it is the answer.
    withheld: String,
    /// The text of the first reply from its broken call on.
    raw: String,
    calls: u32,
    is_open: bool,
    asked: u32,
}

/// What came of some text.
#[derive(Debug, Default)]
pub(crate) struct Shaped {
    /// To be delivered.
    pub parts: Vec<Part>,
    /// The answer ends here.
    pub is_over: bool,
    /// A call that the client has seen the beginning of cannot be read to its end.
    pub is_lost: bool,
    /// Calls that were passed on as text.
    pub refused: usize,
}

/// How an answer ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// As it should.
    Fine {
        /// In calls that are whole.
        in_calls: bool,
    },
    /// The model should be told this, and answer again.
    Ask(Kind, String),
}

/// What the model is asked again for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A call that can be read and obeys its schema.
    Call,
    /// JSON that obeys the schema.
    Format,
}

impl Shape {
    /// What a request asks for.
    ///
    /// # Errors
    /// It asks for what cannot be.
    pub(crate) fn new(chat: &Chat) -> Result<Self, String> {
        let tools = ToolSet::new(&chat.tools, &chat.tool_choice).map(Arc::new);
        if let ToolChoice::Named(name) = &chat.tool_choice
            && !chat.tools.iter().any(|tool| tool.name == *name)
        {
            return Err(format!("the tool '{name}' that is to be called is not among the tools"));
        }
        if chat.tool_choice == ToolChoice::Required && tools.is_none() {
            return Err("a tool is to be called, but there is none".to_owned());
        }
        let takes_one = !chat.parallel_calls;
        let scanner = tools.as_ref().map(|tools| Scanner::new(tools.clone(), takes_one));
        Ok(Self {
            tools,
            takes_one,
            scanner,
            format: Format::new(&chat.output)?,
            withheld: String::new(),
            raw: String::new(),
            calls: 0,
            is_open: false,
            asked: 0,
        })
    }

    /// More of the reply.
    pub(crate) fn text(&mut self, delta: String) -> Shaped {
        if let Some(scanner) = &mut self.scanner {
            let pieces = scanner.push(&delta);
            return self.shaped(pieces);
        }
        let mut shaped = Shaped::default();
        self.words(delta, &mut shaped);
        shaped
    }

    /// The reply is at its end, or was cut off.
    pub(crate) fn end(&mut self, is_cut: bool) -> (Shaped, Ending) {
        let (mut shaped, mut problem) = (Shaped::default(), None);
        if let Some(mut scanner) = self.scanner.take() {
            let pieces = scanner.end(is_cut);
            shaped = self.shaped(pieces);
            problem = scanner.problem();
            shaped.refused = scanner.refused();
        }
        if self.calls > 0 || is_cut {
            self.let_go(problem, &mut shaped);
            return (shaped, Ending::Fine { in_calls: self.calls > 0 && !self.is_open });
        }
        if let Some(Problem { why, raw }) = problem {
            self.keep_raw(raw);
            return (shaped, Ending::Ask(Kind::Call, format!("{why} {CALL_AGAIN}")));
        }
        if let Some(missing) = self.tools.as_ref().and_then(|tools| tools.missing()) {
            let raw = std::mem::take(&mut self.withheld);
            self.keep_raw(raw);
            return (shaped, Ending::Ask(Kind::Call, format!("{missing} {CALL_AGAIN}")));
        }
        let Some(format) = &self.format else {
            if self.asked > 0 {
                // No call even now: the first reply stands.
                return (shaped, Ending::Ask(Kind::Call, String::new()));
            }
            return (shaped, Ending::Fine { in_calls: false });
        };
        match format.read(&self.withheld) {
            Ok(answer) => {
                shaped.parts.push(Part::Text(answer));
                (shaped, Ending::Fine { in_calls: false })
            }
            Err(why) => (shaped, Ending::Ask(Kind::Format, why)),
        }
    }

    /// Whether the model may be asked once more; then the next text is its new reply.
    pub(crate) fn ask_again(&mut self, kind: Kind) -> bool {
        let tries = match kind {
            Kind::Call => CALL_TRIES,
            Kind::Format => FORMAT_TRIES,
        };
        if self.asked >= tries {
            return false;
        }
        self.asked += 1;
        self.withheld.clear();
        self.scanner = self.tools.as_ref().map(|tools| Scanner::new(tools.clone(), self.takes_one));
        true
    }

    /// Whether this is a second reply.
    pub(crate) fn is_asked_again(&self) -> bool {
        self.asked > 0
    }

    /// Whether the answer is to have a format.
    pub(crate) fn has_format(&self) -> bool {
        self.format.is_some()
    }

    /// The model will not be asked again: the text as it came.
    pub(crate) fn as_it_came(&mut self) -> Option<Part> {
        let raw = std::mem::take(&mut self.raw);
        (!raw.is_empty()).then_some(Part::Text(raw))
    }

    fn keep_raw(&mut self, raw: String) {
        if self.asked == 0 {
            self.raw = raw;
        }
    }

    /// What is withheld, where nothing will come of it any more. Beside calls it was the model's talk.
    fn let_go(&mut self, problem: Option<Problem>, shaped: &mut Shaped) {
        let mut text = std::mem::take(if self.raw.is_empty() { &mut self.withheld } else { &mut self.raw });
        text.push_str(&problem.map(|problem| problem.raw).unwrap_or_default());
        if !text.is_empty() && self.calls == 0 {
            shaped.parts.push(Part::Text(text));
        }
    }

    fn shaped(&mut self, pieces: Vec<Piece>) -> Shaped {
        let mut shaped = Shaped::default();
        for piece in pieces {
            match piece {
                Piece::Text(text) => self.words(text, &mut shaped),
                Piece::Begin(name) => {
                    let id = format!("call_{}", uuid::Uuid::now_v7().simple());
                    shaped.parts.push(Part::CallBegin { index: self.calls, id, name });
                    self.calls += 1;
                    self.is_open = true;
                }
                Piece::Arguments(delta) if delta.is_empty() => {}
                Piece::Arguments(delta) => {
                    shaped.parts.push(Part::CallArguments { index: self.calls.saturating_sub(1), delta });
                }
                Piece::End => {
                    shaped.parts.push(Part::CallEnd { index: self.calls.saturating_sub(1) });
                    self.is_open = false;
                }
                Piece::Stop => shaped.is_over = true,
                Piece::Lost => shaped.is_lost = true,
            }
        }
        shaped
    }

    /// Text is passed on at once, unless it must be checked first, or only a call is wanted any more.
    fn words(&mut self, text: String, shaped: &mut Shaped) {
        if self.format.is_some() || self.asked > 0 {
            self.withheld.push_str(&text);
        } else if !text.is_empty() {
            shaped.parts.push(Part::Text(text));
        }
    }
}

/// What the model is told after what was wrong.
const CALL_AGAIN: &str = "Nothing was run. Write all your tool calls again, corrected, and nothing else.";

#[cfg(test)]
mod tests;
