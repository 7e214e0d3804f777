//! Server-sent events: writing them, and reading them from chunks that are cut anywhere.

use serde::Serialize;

use crate::write_json;

/// Of an event stream.
pub const CONTENT_TYPE: &str = "text/event-stream";

/// A comment that keeps a connection alive; every event stream parser skips it.
pub const PING: &[u8] = b": ping\n\n";

/// The last event of an OpenAI stream that is whole.
pub const DONE: &[u8] = b"data: [DONE]\n\n";

/// Appends one event without a name: `data: {json}` and an empty line. JSON holds no bare line feed, so it is one line.
pub fn data<T: Serialize>(out: &mut Vec<u8>, value: &T) {
    out.extend_from_slice(b"data: ");
    write_json(out, value);
    out.extend_from_slice(b"\n\n");
}

/// Appends one event with a name: `event: {name}` before its data.
pub fn event<T: Serialize>(out: &mut Vec<u8>, name: &str, value: &T) {
    out.extend_from_slice(b"event: ");
    out.extend_from_slice(name.as_bytes());
    out.push(b'\n');
    data(out, value);
}

/// Reads events from chunks that are cut anywhere. For clients of this API: tests and the load generator.
#[derive(Debug, Default)]
pub struct Reader {
    line: Vec<u8>,
    data: String,
    has_data: bool,
    skip_line_feed: bool,
}

impl Reader {
    /// A reader at the beginning of a stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a chunk and returns the `data` of each event that it completes. Comments and other fields are skipped.
    pub fn push(&mut self, chunk: &[u8]) -> Vec<String> {
        let mut events = Vec::new();
        for &byte in chunk {
            // A line ends in CR, LF or both; the LF after a CR belongs to the same end.
            let after_return = std::mem::replace(&mut self.skip_line_feed, byte == b'\r');
            match byte {
                b'\n' if after_return => {}
                b'\n' | b'\r' => self.end_line(&mut events),
                _ => self.line.push(byte),
            }
        }
        events
    }

    fn end_line(&mut self, events: &mut Vec<String>) {
        let line = std::mem::take(&mut self.line);
        if line.is_empty() {
            if std::mem::take(&mut self.has_data) {
                events.push(std::mem::take(&mut self.data));
            }
            return;
        }
        let Some(value) = line.strip_prefix(b"data:") else { return };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        if std::mem::replace(&mut self.has_data, true) {
            self.data.push('\n');
        }
        self.data.push_str(&String::from_utf8_lossy(value));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn comments_other_fields_and_every_line_end_are_read() {
        let mut reader = Reader::new();
        let events = reader.push(b": ping\n\nevent: x\r\ndata: a\r\ndata:b\r\n\r\ndata: c\r\rdata: cut");
        assert_eq!(events, ["a\nb", "c"]);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back_whatever_the_text_and_the_cuts(
            texts in prop::collection::vec(any::<String>(), 0..6),
            size in 1_usize..9,
        ) {
            let mut wire = Vec::new();
            for text in &texts {
                data(&mut wire, text);
                wire.extend_from_slice(PING);
            }
            let mut reader = Reader::new();
            let events: Vec<_> = wire.chunks(size).flat_map(|chunk| reader.push(chunk)).collect();
            let read: Vec<String> = events.iter().map(|event| serde_json::from_str(event).unwrap()).collect();
            prop_assert_eq!(read, texts);
        }

        #[test]
        fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), size in 1_usize..9) {
            let mut reader = Reader::new();
            let cut: Vec<_> = bytes.chunks(size).flat_map(|chunk| reader.push(chunk)).collect();
            prop_assert_eq!(cut, Reader::new().push(&bytes));
        }
    }
}
