//! An event stream, taken apart while it arrives. Pieces may be cut anywhere; what comes out does not depend on the cuts.
//!
//! Only `data` matters here: event names, ids and retry times are skipped, as are comments.

use thiserror::Error;

/// The stream holds one line or event that is larger than any message can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("an event of the stream is over the limit of {limit} bytes")]
pub(crate) struct EventTooLarge {
    limit: usize,
}

/// The state between two pieces of a stream.
#[derive(Debug)]
pub(crate) struct SseParser {
    limit: usize,
    /// The line that has begun.
    line: String,
    /// The data lines of the event that has begun; `None` before its first.
    data: Option<String>,
    /// The last piece ended in CR: an LF at the start of the next belongs to it.
    after_cr: bool,
    /// Nothing was read yet: a byte-order mark may come.
    at_start: bool,
}

impl SseParser {
    /// A parser for one stream, whose events may hold `limit` bytes.
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, line: String::new(), data: None, after_cr: false, at_start: true }
    }

    /// Reads one piece and appends the data of every event that it completes to `events`.
    pub(crate) fn feed(&mut self, piece: &str, events: &mut Vec<String>) -> Result<(), EventTooLarge> {
        let mut rest = piece;
        if self.at_start && !rest.is_empty() {
            rest = rest.strip_prefix('\u{feff}').unwrap_or(rest);
            self.at_start = false;
        }
        while !rest.is_empty() {
            if std::mem::take(&mut self.after_cr)
                && let Some(after) = rest.strip_prefix('\n')
            {
                rest = after;
                continue;
            }
            let Some(end) = rest.find(['\r', '\n']) else {
                return self.grow(rest);
            };
            self.grow(&rest[..end])?;
            self.after_cr = rest.as_bytes()[end] == b'\r';
            rest = &rest[end + 1..];
            events.extend(self.end_line());
        }
        Ok(())
    }

    /// The stream is over: the data of an event whose blank line never came. It may be cut off.
    pub(crate) fn finish(mut self) -> Option<String> {
        self.end_line();
        self.data
    }

    fn grow(&mut self, text: &str) -> Result<(), EventTooLarge> {
        let held = self.line.len() + self.data.as_ref().map_or(0, String::len);
        if held + text.len() > self.limit {
            return Err(EventTooLarge { limit: self.limit });
        }
        self.line.push_str(text);
        Ok(())
    }

    fn end_line(&mut self) -> Option<String> {
        if self.line.is_empty() {
            return self.data.take();
        }
        let (field, value) = self.line.split_once(':').unwrap_or((&self.line, ""));
        if field == "data" {
            let value = value.strip_prefix(' ').unwrap_or(value);
            match &mut self.data {
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
                None => self.data = Some(value.to_owned()),
            }
        }
        self.line.clear();
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STREAM: &str = "\u{feff}: hello\r\ndata: {\"a\":\"ü\"}\r\n\r\nevent: x\rdata:one\rdata:  two\r\r\ndata\n\nid: 7\n\ndata: last — 終\n\n";

    fn parse(pieces: &[&str]) -> Vec<String> {
        let mut parser = SseParser::new(1024);
        let mut events = Vec::new();
        for piece in pieces {
            parser.feed(piece, &mut events).unwrap();
        }
        events.extend(parser.finish());
        events
    }

    #[test]
    fn every_line_end_comments_and_several_data_lines_are_read() {
        assert_eq!(parse(&[STREAM]), ["{\"a\":\"ü\"}", "one\n two", "", "last — 終"]);
    }

    #[test]
    fn a_stream_cut_at_any_two_places_gives_the_same_events() {
        let whole = parse(&[STREAM]);
        let cuts: Vec<usize> = (0..=STREAM.len()).filter(|at| STREAM.is_char_boundary(*at)).collect();
        for &first in &cuts {
            for &second in cuts.iter().filter(|at| **at >= first) {
                let pieces = [&STREAM[..first], &STREAM[first..second], &STREAM[second..]];
                assert_eq!(parse(&pieces), whole, "cut at {first} and {second}");
            }
        }
    }

    #[test]
    fn what_the_end_leaves_over_is_handed_out() {
        assert_eq!(parse(&["data: a\n\ndata: [DO", "NE]"]), ["a", "[DONE]"]);
    }

    #[test]
    fn an_event_over_the_limit_is_refused_however_it_is_made() {
        for piece in ["x", "data: xxxx\n", ": comment "] {
            let mut parser = SseParser::new(64);
            let grown = (0..100).try_for_each(|_| parser.feed(piece, &mut Vec::new()));
            assert_eq!(grown, Err(EventTooLarge { limit: 64 }), "{piece:?}");
        }
    }

    proptest! {
        #[test]
        fn any_pieces_give_what_they_give_together(pieces in prop::collection::vec("[\r\n:a ü]{0,6}|data: ?|\\PC{0,4}", 0..12)) {
            let whole = pieces.concat();
            let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
            prop_assert_eq!(parse(&pieces), parse(&[&whole]));
        }
    }
}
