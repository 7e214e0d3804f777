//! A streamed answer, from pieces of event stream to pieces of text, by the rules of the profile.
//!
//! An answer is whole only when the site said so. Whatever the rules do not know is a change of the site, never guessed at.

use serde_json::Value;
use thiserror::Error;
use wormhole_protocol::{Finish, MAX_REPLY_BYTES};

use crate::site::{
    field::FieldPath,
    profile::{MessageRule, Stream},
    sse::SseParser,
};

/// A piece of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    /// Of the answer itself.
    Text(String),
    /// Of the reasoning before it.
    Reasoning(String),
}

/// Why an answer of the site cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum Fault {
    /// A shape that the profile does not describe. Names the call and the field, never a value.
    #[error("site_changed: call {call}: {what}")]
    Changed {
        /// Which call of the profile.
        call: &'static str,
        /// What was expected where.
        what: String,
    },
    /// Nothing in the page matches a field of the profile.
    #[error("site_changed: {field} not found")]
    Missing {
        /// Which field.
        field: &'static str,
    },
    /// The page took back what had been passed on as part of an answer.
    #[error("the page rewrote a part of the answer that was already passed on")]
    Rewritten,
    /// The site reported an error in its own words.
    #[error("the site reported an error")]
    Site {
        /// Its words; may quote the prompt, so they are checked before they go anywhere.
        words: String,
    },
    /// More text than a reply may hold.
    #[error("the reply is over the limit of {MAX_REPLY_BYTES} bytes")]
    TooLarge,
    /// The end came before the site said that the answer is whole.
    #[error("the stream ended before the site said that the answer is whole")]
    Truncated,
}

impl Fault {
    /// A change of the site.
    pub(crate) fn changed(call: &'static str, what: impl Into<String>) -> Self {
        Self::Changed { call, what: what.into() }
    }
}

/// Reads one answer.
#[derive(Debug)]
pub(crate) struct Decoder<'p> {
    rules: &'p Stream,
    sse: SseParser,
    finish: Option<Finish>,
    over: bool,
    bytes: u64,
    /// A field for text that was absent, while none was ever present.
    missed: Option<&'p FieldPath>,
    met_text: bool,
}

impl<'p> Decoder<'p> {
    /// A decoder for one answer.
    pub(crate) fn new(rules: &'p Stream) -> Self {
        let sse = SseParser::new(MAX_REPLY_BYTES);
        Self { rules, sse, finish: None, over: false, bytes: 0, missed: None, met_text: false }
    }

    /// Reads one piece of the stream and appends what it completes to `pieces`, also before a fault.
    pub(crate) fn feed(&mut self, piece: &str, pieces: &mut Vec<Piece>) -> Result<(), Fault> {
        let mut events = Vec::new();
        let fed = self.sse.feed(piece, &mut events);
        for data in &events {
            self.event(data, pieces)?;
        }
        fed.map_err(|_| Fault::TooLarge)
    }

    /// The site has said that the answer is whole; little or nothing follows.
    pub(crate) fn is_whole(&self) -> bool {
        self.finish.is_some()
    }

    /// The site has said that nothing follows.
    pub(crate) fn is_over(&self) -> bool {
        self.over
    }

    /// The stream is over, by itself or because [`Decoder::is_over`]: why the answer ended, and its bytes.
    pub(crate) fn end(mut self, pieces: &mut Vec<Piece>) -> Result<(Finish, u64), Fault> {
        let sse = std::mem::replace(&mut self.sse, SseParser::new(0));
        if let Some(tail) = sse.finish() {
            // The last event without its blank line counts if it is whole in itself.
            let is_whole = self.is_end_mark(&tail) || serde_json::from_str::<Value>(&tail).is_ok();
            if is_whole && !self.over {
                self.event(&tail, pieces)?;
            }
        }
        let finish = self.finish.ok_or(Fault::Truncated)?;
        match self.missed {
            Some(field) if !self.met_text && self.bytes == 0 => {
                Err(Fault::changed("turn", format!("no message of the answer has the field {field}")))
            }
            _ => Ok((finish, self.bytes)),
        }
    }

    fn is_end_mark(&self, data: &str) -> bool {
        self.rules.end_mark.as_deref() == Some(data.trim())
    }

    fn event(&mut self, data: &str, pieces: &mut Vec<Piece>) -> Result<(), Fault> {
        if self.over || data.trim().is_empty() {
            return Ok(());
        }
        if self.is_end_mark(data) {
            self.over = true;
            self.finish.get_or_insert(Finish::Stop);
            return Ok(());
        }
        let message: Value = serde_json::from_str(data)
            .map_err(|_| Fault::changed("turn", "a message of the stream is not JSON"))?;
        let rules = self.rules;
        let rule =
            rules.messages.iter().find(|rule| fits(rule, &message)).ok_or_else(|| unknown(&message))?;
        self.message(rule, &message, pieces)
    }

    fn message(
        &mut self,
        rule: &'p MessageRule,
        message: &Value,
        pieces: &mut Vec<Piece>,
    ) -> Result<(), Fault> {
        if let Some(error) = &rule.error {
            return Err(Fault::Site { words: error.text(message).unwrap_or_default().to_owned() });
        }
        if let Some(field) = rule.requires.as_ref().filter(|field| field.find(message).is_none()) {
            return Err(Fault::changed("turn", format!("a message lacks the field {field}")));
        }
        for field in &rule.reasoning {
            if let Some(text) = text_at(field, message)? {
                self.count(text)?;
                pieces.push(Piece::Reasoning(text.to_owned()));
                break;
            }
        }
        if let Some(field) = &rule.text {
            self.note_presence(field, message);
            if let Some(text) = text_at(field, message)? {
                self.count(text)?;
                pieces.push(Piece::Text(text.to_owned()));
            }
        }
        let reason = rule.finish.as_ref().map(|field| text_at(field, message)).transpose()?.flatten();
        if reason.is_some() || rule.done {
            self.finish = Some(reason.map_or(Finish::Stop, finish_of));
        }
        self.over |= rule.done;
        Ok(())
    }

    fn note_presence(&mut self, field: &'p FieldPath, message: &Value) {
        if field.find(message).is_some() {
            self.met_text = true;
        } else {
            self.missed.get_or_insert(field);
        }
    }

    fn count(&mut self, text: &str) -> Result<(), Fault> {
        self.bytes += text.len() as u64;
        if self.bytes > MAX_REPLY_BYTES as u64 { Err(Fault::TooLarge) } else { Ok(()) }
    }
}

fn fits(rule: &MessageRule, message: &Value) -> bool {
    match rule.when.find(message) {
        None | Some(Value::Null) => false,
        Some(value) => {
            rule.equals.is_empty() || value.as_str().is_some_and(|text| rule.equals.iter().any(|e| e == text))
        }
    }
}

/// Text that is there and not empty. Another type in its place is a change of the site.
fn text_at<'m>(field: &FieldPath, message: &'m Value) -> Result<Option<&'m str>, Fault> {
    match field.find(message) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.as_str()).filter(|text| !text.is_empty())),
        Some(_) => Err(Fault::changed("turn", format!("the field {field} of a message is not text"))),
    }
}

/// Names the message's own fields (names are the site's, values may be anybody's), few and short.
fn unknown(message: &Value) -> Fault {
    let names = |map: &serde_json::Map<String, Value>| {
        let plain = |name: &str| {
            name.chars()
                .filter(|c| c.is_ascii_alphanumeric() || "_-.".contains(*c))
                .take(40)
                .collect::<String>()
        };
        map.keys().take(5).map(|name| plain(name)).collect::<Vec<_>>().join(", ")
    };
    let what = message.as_object().map_or_else(
        || "a message of the stream is no object".to_owned(),
        |map| format!("no rule fits a message with the fields {}", names(map)),
    );
    Fault::changed("turn", what)
}

fn finish_of(reason: &str) -> Finish {
    match reason {
        "length" | "max_tokens" | "max_output_tokens" => Finish::Length,
        "content_filter" | "safety" | "refusal" => Finish::ContentFilter,
        _ => Finish::Stop,
    }
}

#[cfg(test)]
mod tests;
