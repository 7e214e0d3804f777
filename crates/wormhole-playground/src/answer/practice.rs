//! The practice models: the same text in, the same words out.
//!
//! One marker is understood, anywhere in the text of a turn: `[[words:N]]` asks `practice-story`,
//! `practice-thinker` (its answer) and `practice-gate` for N words. If it occurs more than once the last
//! one counts, because a client may send its whole history in one text.

use std::sync::Arc;

use super::ECHO;
use super::GATE;
use super::Piece;
use super::STORY;
use super::THINKER;

const TALE: &str = include_str!("../../assets/story.txt");
const THOUGHT: &str = "The question is short. First I look at what is asked, then at what is known, \
                       and then I weigh the two against each other. That settles it.";
const ANSWER: &str = "I have thought about it, and the answer is forty-two.";
/// What a turn may ask for at most.
const MOST_WORDS: usize = 1_000_000;
const GATE_WORDS: usize = 5;

pub(super) type Iter = Box<dyn Iterator<Item = Piece> + Send>;

/// The words with which `model` answers `text`; `None` if it is not a practice model.
pub(super) fn words(model: &str, text: &Arc<str>) -> Option<Iter> {
    let count = wanted(text);
    Some(match model {
        ECHO => spoken(Arc::clone(text)),
        STORY => prose(TALE, count),
        THINKER => Box::new(reasoning().chain(prose(ANSWER, count))),
        GATE => Box::new(
            (1..=count.unwrap_or(GATE_WORDS))
                .map(|k| Piece::Text(if k == 1 { "w1".to_owned() } else { format!(" w{k}") })),
        ),
        _ => return None,
    })
}

/// Exactly this text, word by word.
pub(super) fn spoken(text: impl Into<Arc<str>>) -> Iter {
    let (text, mut said): (Arc<str>, _) = (text.into(), 0);
    Box::new(std::iter::from_fn(move || {
        let word = text.get(said..)?.split_inclusive(char::is_whitespace).next()?;
        said += word.len();
        Some(Piece::Text(word.to_owned()))
    }))
}

fn reasoning() -> impl Iterator<Item = Piece> + Send {
    THOUGHT.split_inclusive(' ').map(|word| Piece::Reasoning(word.to_owned()))
}

/// The prose once, or over and over until there are `count` words.
fn prose(text: &'static str, count: Option<usize>) -> Iter {
    let once = text.split_whitespace();
    let spaced =
        |(k, word): (usize, &str)| Piece::Text(if k == 0 { word.to_owned() } else { format!(" {word}") });
    match count {
        Some(count) => Box::new(once.cycle().take(count).enumerate().map(spaced)),
        None => Box::new(once.enumerate().map(spaced)),
    }
}

fn wanted(text: &str) -> Option<usize> {
    let (_, after) = text.rsplit_once("[[words:")?;
    let (count, _) = after.split_once("]]")?;
    count.trim().parse::<usize>().ok().map(|count| count.min(MOST_WORDS))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(model: &str, text: &str) -> String {
        let pieces = words(model, &Arc::from(text)).into_iter().flatten();
        pieces
            .map(|piece| match piece {
                Piece::Text(text) | Piece::Reasoning(text) => text,
            })
            .collect()
    }

    #[test]
    fn echo_says_exactly_what_it_was_told() {
        for text in ["", " ", "a", "a  b\n\n\tc ", "größer 🦀🦀\u{3000}x", "[[words:3]]"] {
            assert_eq!(said(ECHO, text), text);
        }
    }

    #[test]
    fn the_last_marker_counts_and_nonsense_does_not() {
        assert_eq!(said(GATE, "[[words:9]] then [[words:3]]"), "w1 w2 w3");
        assert_eq!(said(GATE, "[[words:-3]]"), "w1 w2 w3 w4 w5");
        assert_eq!(said(GATE, "[[words:"), "w1 w2 w3 w4 w5");
        assert_eq!(said(STORY, "[[words:900]]").split(' ').count(), 900);
        assert_eq!(said(STORY, "[[words:0]]"), "");
        assert_eq!(wanted("[[words:99999999]]"), Some(MOST_WORDS));
    }

    #[test]
    fn the_story_is_long_and_the_thinker_thinks_first() {
        assert!((350..450).contains(&said(STORY, "").split(' ').count()));
        let pieces: Vec<_> = words(THINKER, &Arc::from("")).into_iter().flatten().collect();
        assert!(matches!(pieces.first(), Some(Piece::Reasoning(_))));
        assert!(matches!(pieces.last(), Some(Piece::Text(_))));
    }
}
