//! An estimate from classes of characters. It needs no tables, and can be made while text streams.
//!
//! The weights were fitted to `o200k_base`, and a test holds the errors on a mixed corpus (docs/USAGE.md).

/// Thousandths of a token.
const PER_TOKEN: u64 = 1000;

/// What a character is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Class {
    /// The beginning, and a single space, which tokens swallow.
    #[default]
    Gap,
    Lower,
    Upper,
    Digit,
    Punctuation,
    /// White space that is not a single space.
    Blank,
    /// Accented Latin letters.
    Accented,
    /// Other letters of two bytes: Greek, Cyrillic, Hebrew, Arabic.
    Alphabet,
    Kana,
    /// Chinese characters.
    Han,
    Hangul,
    /// Other characters of three bytes: Indic scripts, symbols, wide punctuation.
    Wide,
    /// Four bytes: mostly emoji.
    Emoji,
}

/// Counts the tokens of text that comes in pieces.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Meter {
    thousandths: u64,
    last: Class,
}

/// An estimate of how many tokens a text is.
pub(crate) fn tokens(text: &str) -> u64 {
    let mut meter = Meter::default();
    meter.push(text);
    meter.tokens()
}

impl Meter {
    /// More text.
    pub(crate) fn push(&mut self, text: &str) {
        for character in text.chars() {
            self.take(character);
        }
    }

    /// Tokens so far, rounded up.
    pub(crate) fn tokens(&self) -> u64 {
        self.thousandths.div_ceil(PER_TOKEN)
    }

    /// How many bytes of `text` can follow until there are more than `most` tokens.
    pub(crate) fn room(&self, text: &str, most: u64) -> usize {
        let mut meter = *self;
        let over = text.char_indices().find(|(_, character)| {
            meter.take(*character);
            meter.tokens() > most
        });
        over.map_or(text.len(), |(at, _)| at)
    }

    fn take(&mut self, character: char) {
        let class = class(character, self.last);
        self.thousandths += weight(class, self.last);
        self.last = class;
    }
}

fn class(character: char, last: Class) -> Class {
    match character {
        ' ' if !matches!(last, Class::Gap | Class::Blank) => Class::Gap,
        'a'..='z' => Class::Lower,
        'A'..='Z' => Class::Upper,
        '0'..='9' => Class::Digit,
        '\0'..=' ' | '\u{7f}' => Class::Blank,
        '!'..='~' => Class::Punctuation,
        '\u{80}'..='\u{24f}' => Class::Accented,
        '\u{250}'..='\u{7ff}' => Class::Alphabet,
        '\u{3040}'..='\u{30ff}' => Class::Kana,
        '\u{4e00}'..='\u{9fff}' => Class::Han,
        '\u{ac00}'..='\u{d7a3}' => Class::Hangul,
        '\u{800}'..='\u{ffff}' => Class::Wide,
        _ => Class::Emoji,
    }
}

/// What a character adds, after one of class `last`: beginnings of words and runs cost more than what follows.
fn weight(class: Class, last: Class) -> u64 {
    let (begins, goes_on) = match class {
        Class::Gap => (540, 540),
        Class::Lower => (280, 65),
        Class::Upper => (210, 300),
        Class::Digit => (1200, 250),
        Class::Punctuation => (780, 335),
        Class::Blank => (950, 50),
        Class::Accented => (830, 830),
        Class::Alphabet => (50, 205),
        Class::Kana => (1000, 410),
        Class::Han => (725, 700),
        Class::Hangul => (100, 560),
        Class::Wide => (900, 900),
        Class::Emoji => (2000, 1500),
    };
    if class == last { goes_on } else { begins }
}

#[cfg(test)]
mod tests;
