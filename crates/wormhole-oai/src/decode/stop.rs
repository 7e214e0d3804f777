//! Finds stop sequences in text that comes in pieces.

/// Withholds only what could be the beginning of a stop sequence.
#[derive(Debug)]
pub(super) struct StopFinder {
    /// With their places in the client's list.
    stops: Vec<(usize, String)>,
    held: String,
}

impl StopFinder {
    pub(super) fn new(stops: Vec<String>) -> Self {
        let stops = stops.into_iter().enumerate().filter(|(_, stop)| !stop.is_empty()).collect();
        Self { stops, held: String::new() }
    }

    /// What may be sent, and which stop sequence followed it.
    pub(super) fn push(&mut self, delta: String) -> (String, Option<usize>) {
        if self.stops.is_empty() {
            return (delta, None);
        }
        let mut text = std::mem::take(&mut self.held);
        text.push_str(&delta);
        if let Some((start, place)) = self.first(&text) {
            text.truncate(start);
            return (text, Some(place));
        }
        let held = self.stops.iter().map(|(_, stop)| overlap(&text, stop)).max().unwrap_or(0);
        self.held = text.split_off(text.len() - held);
        (text, None)
    }

    /// What is still withheld.
    pub(super) fn rest(&mut self) -> String {
        std::mem::take(&mut self.held)
    }

    /// Where the stop sequence starts that *ends* first, and which: the same one however the text was cut into pieces.
    fn first(&self, text: &str) -> Option<(usize, usize)> {
        let found = |(place, stop): &(usize, String)| {
            text.find(stop.as_str()).map(|start| (start + stop.len(), start, *place))
        };
        self.stops.iter().filter_map(found).min().map(|(_, start, place)| (start, place))
    }
}

/// The length of the longest end of `text` that is a beginning of `stop`, but not all of it.
fn overlap(text: &str, stop: &str) -> usize {
    let (text, stop) = (text.as_bytes(), stop.as_bytes());
    let longest = text.len().min(stop.len() - 1);
    (1..=longest).rev().find(|&length| text.ends_with(&stop[..length])).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str, stops: &[&str], size: usize) -> (String, bool) {
        let mut finder = StopFinder::new(stops.iter().map(ToString::to_string).collect());
        let characters: Vec<char> = text.chars().collect();
        let mut sent = String::new();
        for piece in characters.chunks(size) {
            let (more, stopped) = finder.push(piece.iter().collect());
            sent.push_str(&more);
            if stopped.is_some() {
                return (sent, true);
            }
        }
        sent.push_str(&finder.rest());
        (sent, false)
    }

    #[test]
    fn the_cut_is_the_same_however_the_text_is_cut_into_pieces() {
        for (text, stops, expected) in [
            ("hello STOP more", &["STOP"][..], ("hello ", true)),
            ("aaab", &["aab"], ("a", true)),
            ("abcdef", &["abcdef", "cd"], ("ab", true)),
            ("abcd", &["bcd", "cd"], ("a", true)),
            ("no such thing, STO", &["STOP"], ("no such thing, STO", false)),
            ("größe → ende", &["→ e"], ("größe ", true)),
            ("\n\nUser:", &["\nUser:", ""], ("\n", true)),
        ] {
            for size in 1..=text.len() {
                let (sent, stopped) = cut(text, stops, size);
                assert_eq!((sent.as_str(), stopped), expected, "{text:?} in pieces of {size}");
            }
        }
    }
}
