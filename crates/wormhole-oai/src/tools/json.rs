//! Reads JSON as models write it, and writes it as JSON is.
//!
//! What [`Reader::out`] holds never changes by what comes later, so it may be passed on while the rest is awaited.
//! Known habits: trailing and missing commas, single quotes, bare keys, Python's literals, line breaks in strings,
//! unescaped quotes in strings, comments, missing closing brackets.

mod members;
mod strings;

use std::fmt::Write;

pub(super) use members::{Member, elements, members, partial_members};
pub(super) use strings::write_string;

/// Deeper than this nobody means it.
const MAX_DEPTH: usize = 64;

/// What follows a value where its closing brackets were forgotten.
const SOFT_ENDS: &[&str] = &["</", "<|", "<｜", "```", "[END", "[/"];

/// Why reading stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// More text decides it.
    More,
    /// It is not what was expected.
    Not(&'static str),
}

/// The result of reading.
pub(super) type Read<T> = Result<T, Stop>;

/// Reads one value.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    text: &'a str,
    at: usize,
    /// Nothing follows the text.
    is_end: bool,
    /// The value so far, as JSON without spaces.
    pub(super) out: String,
}

impl<'a> Reader<'a> {
    /// A reader at a place of the text.
    pub(super) fn new(text: &'a str, at: usize, is_end: bool) -> Self {
        Self { text, at, is_end, out: String::new() }
    }

    /// Where the value ended.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// Reads a value into [`out`](Self::out).
    pub(super) fn value(&mut self) -> Read<()> {
        self.nested(0)
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// The next character; none at the end of all.
    fn peek(&self) -> Read<Option<char>> {
        match self.rest().chars().next() {
            None if !self.is_end => Err(Stop::More),
            next => Ok(next),
        }
    }

    /// Whether this stands here.
    fn sees(&self, what: &str) -> Read<bool> {
        let rest = self.rest();
        if rest.starts_with(what) {
            return Ok(true);
        }
        if !self.is_end && what.starts_with(rest) { Err(Stop::More) } else { Ok(false) }
    }

    fn eats(&mut self, what: &str) -> Read<bool> {
        let sees = self.sees(what)?;
        if sees {
            self.at += what.len();
        }
        Ok(sees)
    }

    /// Skips spaces and comments.
    fn space(&mut self) -> Read<()> {
        loop {
            let rest = self.rest();
            self.at += rest.len() - rest.trim_start().len();
            if self.peek()? != Some('/') {
                return Ok(());
            }
            let end = if self.sees("//")? {
                "\n"
            } else if self.sees("/*")? {
                "*/"
            } else {
                return Ok(());
            };
            match self.rest()[2..].find(end) {
                Some(found) => self.at += 2 + found + end.len(),
                None if self.is_end => self.at = self.text.len(),
                None => return Err(Stop::More),
            }
        }
    }

    /// The end of all, or what can only stand after the value.
    fn soft_end(&self) -> Read<bool> {
        if self.rest().is_empty() {
            return if self.is_end { Ok(true) } else { Err(Stop::More) };
        }
        for end in SOFT_ENDS {
            if self.sees(end)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn nested(&mut self, depth: usize) -> Read<()> {
        if depth > MAX_DEPTH {
            return Err(Stop::Not("the JSON is nested too deeply"));
        }
        self.space()?;
        match self.peek()? {
            Some('{') => self.object(depth),
            Some('[') => self.array(depth),
            Some(quote @ ('"' | '\'' | '“')) => self.string(quote, false),
            Some(_) => self.word(),
            None => Err(Stop::Not("the JSON ends where a value is expected")),
        }
    }

    fn object(&mut self, depth: usize) -> Read<()> {
        self.at += 1;
        self.out.push('{');
        let mut is_first = true;
        loop {
            self.space()?;
            if self.eats("}")? || self.soft_end()? {
                break;
            }
            if self.eats(",")? {
                continue;
            }
            let mark = self.out.len();
            if !is_first {
                self.out.push(',');
            }
            // A key that is not whole yet is taken back: nothing says that it will be one.
            if let Err(stop) = self.key() {
                self.out.truncate(mark);
                return Err(stop);
            }
            is_first = false;
            self.nested(depth + 1)?;
        }
        self.out.push('}');
        Ok(())
    }

    /// A key with its colon.
    fn key(&mut self) -> Read<()> {
        match self.peek()? {
            Some(quote @ ('"' | '\'' | '“')) => self.string(quote, true)?,
            Some(first) if first.is_alphabetic() || first == '_' || first == '$' => {
                let word = self.letters()?;
                write_string(&mut self.out, word);
            }
            _ => return Err(Stop::Not("a key is expected in the JSON object")),
        }
        self.space()?;
        if self.eats(":")? || self.eats("=>")? || self.eats("=")? {
            self.out.push(':');
            return Ok(());
        }
        Err(Stop::Not("a colon is expected after a key of the JSON object"))
    }

    fn array(&mut self, depth: usize) -> Read<()> {
        self.at += 1;
        self.out.push('[');
        let mut is_first = true;
        loop {
            self.space()?;
            if self.eats("]")? || self.soft_end()? {
                break;
            }
            if self.eats(",")? {
                continue;
            }
            if self.peek()? == Some('}') {
                return Err(Stop::Not("the brackets of the JSON do not match"));
            }
            let mark = self.out.len();
            if !is_first {
                self.out.push(',');
            }
            let before = self.out.len();
            let read = self.nested(depth + 1);
            if self.out.len() == before {
                self.out.truncate(mark);
            }
            read?;
            is_first = false;
        }
        self.out.push(']');
        Ok(())
    }

    /// A run of letters, digits and what numbers and names hold; whole.
    fn letters(&mut self) -> Read<&'a str> {
        let rest = self.rest();
        let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$' | '-' | '+' | '.');
        let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        if end == rest.len() && !self.is_end {
            return Err(Stop::More);
        }
        self.at += end;
        Ok(&rest[..end])
    }

    fn word(&mut self) -> Read<()> {
        let word = self.letters()?;
        let literal = match word {
            "true" | "True" | "TRUE" => "true",
            "false" | "False" | "FALSE" => "false",
            "null" | "None" | "undefined" | "nil" => "null",
            number if serde_json::from_str::<serde_json::Number>(number).is_ok() => number,
            _ => return self.odd_number(word),
        };
        self.out.push_str(literal);
        Ok(())
    }

    fn odd_number(&mut self, word: &str) -> Read<()> {
        let plain = word.strip_prefix('+').unwrap_or(word);
        let number = plain.parse::<f64>().ok().filter(|_| plain.bytes().any(|byte| byte.is_ascii_digit()));
        let number = number.and_then(serde_json::Number::from_f64);
        let number = number.ok_or(Stop::Not("a word of the JSON is neither a string nor a number"))?;
        write!(self.out, "{number}").expect("writing to a string cannot fail");
        Ok(())
    }
}

/// Reads a text that is one value, tolerantly.
pub(crate) fn whole(text: &str) -> Option<String> {
    let mut reader = Reader::new(text, 0, true);
    reader.value().ok()?;
    let is_all = text[reader.at()..].trim().is_empty();
    (is_all && serde_json::from_str::<serde_json::Value>(&reader.out).is_ok()).then_some(reader.out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn habits_are_read_as_meant() {
        for (text, expected) in [
            (r#"{"a": [1, 2.5, -3e2], "b": {"c": null}}"#, r#"{"a":[1,2.5,-3e2],"b":{"c":null}}"#),
            (r#"{"a": 1, "b": [1, 2,],}"#, r#"{"a":1,"b":[1,2]}"#),
            (r#"{'a': 'it\'s', 'b': 'say \"x\"'}"#, r#"{"a":"it's","b":"say \"x\""}"#),
            (r#"{a: True, b_c: None, "d": False}"#, r#"{"a":true,"b_c":null,"d":false}"#),
            ("{\"a\": \"two\nlines\tand a tab\"}", r#"{"a":"two\nlines\tand a tab"}"#),
            (r#"{"a": "say "hi" to her", "b": 1}"#, r#"{"a":"say \"hi\" to her","b":1}"#),
            (r#"{"re": "\d+\.\w"}"#, r#"{"re":"\\d+\\.\\w"}"#),
            (r#"{"a": 1 "b": 2}"#, r#"{"a":1,"b":2}"#),
            ("{\"a\": 1, // one\n \"b\": /* two */ 2}", r#"{"a":1,"b":2}"#),
            (r#"{"a": {"b": [1, 2"#, r#"{"a":{"b":[1,2]}}"#),
            (
                r#"{"a": """x "y"
z"""}"#,
                r#"{"a":"x \"y\"\nz"}"#,
            ),
            (r#"{"a": "\ud83d\ude00 \ud83d \u00e4 \u12"}"#, r#"{"a":"\ud83d\ude00 \ufffd \u00e4 \\u12"}"#),
            (r#"{"a": +.5, "b": 007}"#, r#"{"a":0.5,"b":7.0}"#),
            ("{“a”: “b”}", r#"{"a":"b"}"#),
            (r#"{"url": "http://x/y"}"#, r#"{"url":"http://x/y"}"#),
        ] {
            assert_eq!(whole(text).as_deref(), Some(expected), "{text}");
        }
        for not in ["{", "{\"a\": \"b", "{a b}", "[1}", "{\"a\": oops}", "", "x"] {
            assert!(not == "{" || whole(not).is_none(), "{not}");
        }
    }

    #[test]
    fn what_is_read_never_changes_by_what_comes() {
        for text in [
            r#"{"a": [1, 2.5], 'b': {"c": null, d: "e \"f\" \u00e4 "g" h"}, "z": """ab"""}"#,
            "{\"a\": \"x\ny\", \"b\": \"\\ud83d\\ude00\", }",
        ] {
            let end = whole(text).unwrap();
            for (cut, _) in text.char_indices() {
                let mut reader = Reader::new(&text[..cut], 0, false);
                assert_eq!(reader.value(), Err(Stop::More), "{}", &text[..cut]);
                assert!(end.starts_with(&reader.out), "{} of {end}", reader.out);
            }
        }
    }

    #[test]
    fn members_come_in_their_order() {
        let found = members(r#"{"b":{"x":1},"a":"two","c":[]}"#).unwrap();
        assert_eq!(found[0], ("b".to_owned(), r#"{"x":1}"#));
        assert_eq!(found.len(), 3);
        assert_eq!(elements(r#"[{"a":1},2]"#).unwrap(), [r#"{"a":1}"#, "2"]);
        assert!(members("[]").is_none());
    }
}
