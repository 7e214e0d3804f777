//! Lines of JSON: writing them, and reading them from chunks that are cut anywhere.

use serde::Serialize;

use crate::write_json;

/// The content type of a stream of such lines.
pub const CONTENT_TYPE: &str = "application/x-ndjson";

/// Appends one line. Clients parse every line, so there are no blank ones and no comments.
pub fn line<T: Serialize>(out: &mut Vec<u8>, value: &T) {
    write_json(out, value);
    out.push(b'\n');
}

/// Reads lines from chunks that are cut anywhere. For clients of this API: tests and the load generator.
#[derive(Debug, Default)]
pub struct Reader {
    line: Vec<u8>,
}

impl Reader {
    /// A reader at the beginning of a stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a chunk and returns each line that it completes, without its end.
    pub fn push(&mut self, chunk: &[u8]) -> Vec<Vec<u8>> {
        let mut lines = Vec::new();
        let mut rest = chunk;
        while let Some(end) = rest.iter().position(|&byte| byte == b'\n') {
            self.line.extend_from_slice(&rest[..end]);
            lines.push(std::mem::take(&mut self.line));
            rest = &rest[end + 1..];
        }
        self.line.extend_from_slice(rest);
        lines
    }

    /// What came after the last line's end: something only if the stream was cut.
    pub fn rest(&self) -> &[u8] {
        &self.line
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read_back_whatever_the_text_and_the_cuts(
            texts in prop::collection::vec(any::<String>(), 0..6),
            size in 1_usize..9,
        ) {
            let mut wire = Vec::new();
            for text in &texts {
                line(&mut wire, text);
            }
            let mut reader = Reader::new();
            let lines: Vec<_> = wire.chunks(size).flat_map(|chunk| reader.push(chunk)).collect();
            let read: Vec<String> = lines.iter().map(|line| serde_json::from_slice(line).unwrap()).collect();
            prop_assert_eq!(read, texts);
            prop_assert!(reader.rest().is_empty());
        }
    }
}
