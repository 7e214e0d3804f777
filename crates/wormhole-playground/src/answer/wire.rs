//! How an answer is written as server-sent events.

use std::collections::VecDeque;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use bytes::Bytes;
use serde_json::Value;
use serde_json::json;

use super::Piece;
use crate::switches::Shape;
use crate::switches::Switches;

/// Writes events in the shape, and with the quirks, that were switched on when the stream began.
#[derive(Debug)]
pub(crate) struct Encoder {
    form: Form,
    line_end: &'static str,
    comments: bool,
    cut_bytes: usize,
    id: String,
    model: String,
    created: u64,
}

#[derive(Debug, Clone, Copy)]
enum Form {
    OpenAi,
    Typed,
    Unknown,
}

impl Encoder {
    pub(crate) fn new(switches: &Switches, model: &str, unknown: bool) -> Self {
        let form = match switches.shape {
            _ if unknown => Form::Unknown,
            Shape::OpenAi => Form::OpenAi,
            Shape::Typed => Form::Typed,
        };
        Self {
            form,
            line_end: if switches.crlf { "\r\n" } else { "\n" },
            comments: switches.comments,
            cut_bytes: switches.cut_bytes,
            id: format!("chatcmpl-{}", hex::encode(rand::random::<[u8; 12]>())),
            model: model.to_owned(),
            created: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()),
        }
    }

    /// What comes before the first word.
    pub(crate) fn start(&self) -> VecDeque<Bytes> {
        match self.form {
            Form::OpenAi => self.events(&[self.chunk(&json!({ "role": "assistant", "content": "" }), None)]),
            Form::Typed | Form::Unknown => VecDeque::new(),
        }
    }

    /// One word.
    pub(crate) fn piece(&self, piece: &Piece) -> VecDeque<Bytes> {
        let event = match (self.form, piece) {
            (Form::OpenAi, Piece::Text(text)) => self.chunk(&json!({ "content": text }), None),
            (Form::OpenAi, Piece::Reasoning(text)) => self.chunk(&json!({ "reasoning_content": text }), None),
            (Form::Typed, Piece::Text(text)) => json!({ "type": "chunk", "content": text }).to_string(),
            (Form::Typed, Piece::Reasoning(text)) => {
                json!({ "type": "reasoning", "content": text }).to_string()
            }
            (Form::Unknown, Piece::Text(text) | Piece::Reasoning(text)) => {
                json!({ "kind": "utterance.v9", "body": { "glyphs": text } }).to_string()
            }
        };
        self.events(&[event])
    }

    /// The end marks.
    pub(crate) fn end(&self) -> VecDeque<Bytes> {
        match self.form {
            Form::OpenAi => self.events(&[self.chunk(&json!({}), Some("stop")), "[DONE]".to_owned()]),
            Form::Typed => self.events(&[json!({ "type": "done" }).to_string()]),
            Form::Unknown => self.events(&[json!({ "kind": "curtain.v9" }).to_string()]),
        }
    }

    fn chunk(&self, delta: &Value, finish: Option<&str>) -> String {
        json!({
            "id": self.id,
            "object": "chat.completion.chunk",
            "created": self.created,
            "model": self.model,
            "choices": [{ "index": 0, "delta": delta, "finish_reason": finish }],
        })
        .to_string()
    }

    /// The events as they go out: whole, or in pieces of `cut_bytes`. No piece waits for a later event.
    fn events(&self, events: &[String]) -> VecDeque<Bytes> {
        let end = self.line_end;
        let mut written = String::new();
        for event in events {
            if self.comments {
                written.extend([": keep-alive", end, end]);
            }
            written.extend(["data: ", event, end, end]);
        }
        let written = Bytes::from(written);
        let size = if self.cut_bytes == 0 { written.len() } else { self.cut_bytes };
        let cuts = (0..written.len()).step_by(size.max(1));
        cuts.map(|at| written.slice(at..at.saturating_add(size).min(written.len()))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(pieces: VecDeque<Bytes>) -> String {
        String::from_utf8(pieces.into_iter().flatten().collect()).unwrap()
    }

    #[test]
    fn pieces_are_small_and_lose_nothing() {
        let whole = Switches { shape: Shape::Typed, ..Switches::default() };
        let crab = Piece::Text("🦀".to_owned());
        let expected = text(Encoder::new(&whole, "m", false).piece(&crab));
        assert_eq!(expected, "data: {\"type\":\"chunk\",\"content\":\"🦀\"}\n\n");
        for cut_bytes in [1, 2, 3, 7, usize::MAX] {
            let pieces = Encoder::new(&Switches { cut_bytes, ..whole.clone() }, "m", false).piece(&crab);
            assert!(pieces.iter().all(|piece| (1..=cut_bytes).contains(&piece.len())));
            assert_eq!(text(pieces), expected);
        }
    }

    #[test]
    fn comments_and_line_ends_are_as_switched() {
        let quirks = Switches { shape: Shape::Typed, crlf: true, comments: true, ..Switches::default() };
        let end = text(Encoder::new(&quirks, "m", false).end());
        assert_eq!(end, ": keep-alive\r\n\r\ndata: {\"type\":\"done\"}\r\n\r\n");
    }
}
