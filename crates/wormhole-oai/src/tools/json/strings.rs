//! Strings: quotes that were not escaped, line breaks, escapes that JSON does not know.

use std::fmt::Write;

use super::{Read, Reader, Stop};

impl Reader<'_> {
    pub(super) fn string(&mut self, quote: char, is_key: bool) -> Read<()> {
        let closing = if quote == '“' { '”' } else { quote };
        if quote == '"' && !is_key && self.eats("\"\"\"")? {
            return self.long_string();
        }
        self.at += quote.len_utf8();
        self.out.push('"');
        loop {
            match self.peek()? {
                None => return Err(Stop::Not("a string of the JSON does not end")),
                Some(next) if next == closing => {
                    if self.closes(closing, is_key)? {
                        self.at += closing.len_utf8();
                        self.out.push('"');
                        return Ok(());
                    }
                    self.at += closing.len_utf8();
                    push_escaped(&mut self.out, closing);
                }
                Some('\\') => self.escape()?,
                Some(next) => {
                    self.at += next.len_utf8();
                    push_escaped(&mut self.out, next);
                }
            }
        }
    }

    /// A string between three quotes, as in Python.
    fn long_string(&mut self) -> Read<()> {
        self.out.push('"');
        loop {
            if self.eats("\"\"\"")? {
                self.out.push('"');
                return Ok(());
            }
            match self.peek()? {
                None => return Err(Stop::Not("a string of the JSON does not end")),
                Some('\\') => self.escape()?,
                Some(next) => {
                    self.at += next.len_utf8();
                    push_escaped(&mut self.out, next);
                }
            }
        }
    }

    /// Whether the quote here ends the string: then only what can follow a string follows. In well-formed JSON it always
    /// does; elsewhere a quote that was not escaped is told from the last one.
    fn closes(&self, closing: char, is_key: bool) -> Read<bool> {
        if is_key {
            return Ok(true);
        }
        let mut ahead = Self { at: self.at + closing.len_utf8(), out: String::new(), ..*self };
        let rest = ahead.rest();
        ahead.at += rest.len() - rest.trim_start().len();
        match ahead.peek()? {
            None | Some(',' | '}' | ']' | ')' | ':') => Ok(true),
            Some('/') => Ok(ahead.sees("//")? || ahead.sees("/*")?),
            Some(_) => ahead.soft_end(),
        }
    }

    fn escape(&mut self) -> Read<()> {
        let mut after = self.rest()[1..].chars();
        let Some(next) = after.next() else {
            return if self.is_end {
                Err(Stop::Not("a string of the JSON does not end"))
            } else {
                Err(Stop::More)
            };
        };
        match next {
            '"' | '\\' | '/' | 'b' | 'f' | 'n' | 'r' | 't' => {
                self.out.push('\\');
                self.out.push(next);
                self.at += 2;
            }
            'u' => return self.unicode(),
            '\'' | '”' | '`' | '$' => {
                self.out.push(next);
                self.at += 1 + next.len_utf8();
            }
            // A line continued, or an escape that JSON does not know: meant as it stands.
            '\n' => {
                self.out.push_str("\\n");
                self.at += 2;
            }
            _ => {
                self.out.push_str("\\\\");
                self.at += 1;
            }
        }
        Ok(())
    }

    /// `\uXXXX`; halves of a pair that stand alone are no text.
    fn unicode(&mut self) -> Read<()> {
        let Some(unit) = self.unit(0)? else {
            self.out.push_str("\\\\");
            self.at += 1;
            return Ok(());
        };
        if (0xD800..0xDC00).contains(&unit)
            && let Some(low) = self.unit(6)?
            && (0xDC00..0xE000).contains(&low)
        {
            self.out.push_str(&self.text[self.at..self.at + 12]);
            self.at += 12;
            return Ok(());
        }
        let is_half = (0xD800..0xE000).contains(&unit);
        self.out.push_str(if is_half { "\\ufffd" } else { &self.text[self.at..self.at + 6] });
        self.at += 6;
        Ok(())
    }

    /// The code unit of the escape this far ahead, if one stands there.
    fn unit(&self, ahead: usize) -> Read<Option<u32>> {
        let rest = self.rest().as_bytes().get(ahead..).unwrap_or_default();
        for (place, byte) in rest.iter().take(6).enumerate() {
            let fits = match place {
                0 => *byte == b'\\',
                1 => *byte == b'u',
                _ => byte.is_ascii_hexdigit(),
            };
            if !fits {
                return Ok(None);
            }
        }
        if rest.len() < 6 {
            return if self.is_end { Ok(None) } else { Err(Stop::More) };
        }
        let digits = std::str::from_utf8(&rest[2..6]).ok();
        Ok(digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()))
    }
}

/// Appends a string as JSON.
pub(in crate::tools) fn write_string(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        if character == '\\' { out.push_str("\\\\") } else { push_escaped(out, character) }
    }
    out.push('"');
}

/// Appends a character of a string.
fn push_escaped(out: &mut String, character: char) {
    match character {
        '"' => out.push_str("\\\""),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        control if control < ' ' => {
            write!(out, "\\u{:04x}", u32::from(control)).expect("writing to a string cannot fail");
        }
        other => out.push(other),
    }
}
