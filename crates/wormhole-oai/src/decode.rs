//! From the text that the site writes to the text that the client gets: cut at stop sequences and at the length limit.
//!
//! Pure: it is fed deltas and gives back what may be sent now, so that nothing waits that need not.

mod stop;

use crate::chat::Limits;
use crate::reply::Finish;
use crate::usage::Meter;
use stop::StopFinder;

/// The state of one answer.
#[derive(Debug)]
pub(crate) struct Decoder {
    stop: StopFinder,
    /// The most tokens that may be sent.
    most: u64,
    sent: Meter,
}

/// What to send now, and why the answer ends here if it does.
pub(crate) type Decoded = (String, Option<Finish>);

impl Decoder {
    /// The beginning of an answer.
    pub(crate) fn new(limits: Limits) -> Self {
        let most = limits.max_tokens.unwrap_or(u64::MAX);
        Self { stop: StopFinder::new(limits.stop), most, sent: Meter::default() }
    }

    /// More of the answer. What could be the beginning of a stop sequence is withheld.
    pub(crate) fn text(&mut self, delta: String) -> Decoded {
        let (text, stopped) = self.stop.push(delta);
        let (text, finish) = self.within_limit(text);
        (text, finish.or(stopped.map(Finish::Sequence)))
    }

    /// More of the reasoning: stop sequences do not count in it, the limit does.
    pub(crate) fn reasoning(&mut self, delta: String) -> Decoded {
        self.within_limit(delta)
    }

    /// The site is done: what was withheld was no stop sequence after all.
    pub(crate) fn rest(&mut self) -> Decoded {
        let rest = self.stop.rest();
        self.within_limit(rest)
    }

    /// Tokens of all that was sent, by estimate.
    pub(crate) fn tokens(&self) -> u64 {
        self.sent.tokens()
    }

    fn within_limit(&mut self, mut text: String) -> Decoded {
        let room = self.sent.room(&text, self.most);
        let over = room < text.len();
        text.truncate(room);
        self.sent.push(&text);
        (text, over.then_some(Finish::Length))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoder(stop: &[&str], max_tokens: Option<u64>) -> Decoder {
        Decoder::new(Limits { stop: stop.iter().map(ToString::to_string).collect(), max_tokens })
    }

    #[test]
    fn without_limits_every_delta_passes_as_it_is() {
        let mut decoder = decoder(&[], None);
        assert_eq!(decoder.text("one".to_owned()), ("one".to_owned(), None));
        assert_eq!(decoder.rest(), (String::new(), None));
        assert_eq!(decoder.tokens(), 1);
    }

    #[test]
    fn an_answer_that_just_fits_is_not_cut() {
        let mut decoder = decoder(&[], Some(1));
        assert_eq!(decoder.text("four".to_owned()), ("four".to_owned(), None));
        assert_eq!(decoder.text(" x".to_owned()), (String::new(), Some(Finish::Length)));
    }

    #[test]
    fn the_cut_is_between_characters_and_counts_reasoning() {
        let mut decoder = decoder(&[], Some(2));
        assert_eq!(decoder.reasoning("abcde".to_owned()), ("abcde".to_owned(), None));
        assert_eq!(decoder.text("ä€".to_owned()), ("ä".to_owned(), Some(Finish::Length)));
        assert_eq!(decoder.tokens(), 2);
    }

    #[test]
    fn what_was_withheld_comes_at_the_end() {
        let mut decoder = decoder(&["END"], None);
        assert_eq!(decoder.text("the EN".to_owned()), ("the ".to_owned(), None));
        assert_eq!(decoder.rest(), ("EN".to_owned(), None));
    }
}
