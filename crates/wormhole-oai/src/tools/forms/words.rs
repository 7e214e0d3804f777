//! Calls that begin with a word: a name and then arguments in one of many forms.

use super::{Form, MAX_NAME, NO_CALL};
use crate::tools::Called;
use crate::tools::json::{self, Read, Reader, Stop};
use crate::tools::tags::Tag;

impl<'a> Form<'a> {
    /// A name, and after it arguments in one of many forms.
    pub(super) fn worded(&mut self) -> Read<Vec<Called>> {
        let printed = self.eats("print(")?;
        self.eats("call:")?;
        let mut word = self.word()?;
        if word == "function" {
            // DeepSeek writes the kind before the name.
            self.next()?;
            let (tag, length) = self.tag().map_err(|stop| if stop == Stop::More { stop } else { NO_CALL })?;
            if tag != Tag::Between {
                return Err(NO_CALL);
            }
            self.at += length;
            self.next()?;
            word = self.word()?;
        }
        let is_known = self.tools.resolve(word).is_some();
        if !is_known && !self.is_sure {
            return Err(NO_CALL);
        }
        match self.next()? {
            Some('(') => {
                self.is_call |= is_known;
                self.at += 1;
                let call = self.python(word)?;
                if printed && self.next()? == Some(')') {
                    self.at += 1;
                }
                Ok(vec![call])
            }
            _ if is_known || matches!(self.rest().chars().next(), Some('{' | '<')) => self.named(word),
            _ => Err(NO_CALL),
        }
    }

    /// The name that stands here, whole.
    fn word(&mut self) -> Read<&'a str> {
        let rest = self.rest();
        let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ':' | '/');
        let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        if end > MAX_NAME {
            return Err(NO_CALL);
        }
        if end == rest.len() && !self.is_end {
            return Err(Stop::More);
        }
        if end == 0 {
            return Err(NO_CALL);
        }
        self.at += end;
        Ok(&rest[..end])
    }

    /// `[f(a=1), g(b=2)]`
    pub(super) fn list_of_pythons(&mut self) -> Read<Vec<Called>> {
        self.at += 1;
        let mut calls = Vec::new();
        loop {
            match self.next()? {
                Some(']') => {
                    self.at += 1;
                    return Ok(calls);
                }
                Some(',') => {
                    self.at += 1;
                    continue;
                }
                None => return Ok(calls),
                Some(_) => {}
            }
            let word = self.word()?;
            if self.tools.resolve(word).is_none() && !self.is_sure || !self.eats("(")? {
                return Err(NO_CALL);
            }
            self.is_call = true;
            calls.push(self.python(word)?);
        }
    }

    /// `a=1, b="two")`, after the bracket.
    fn python(&mut self, name: &str) -> Read<Called> {
        let mut arguments = String::from("{");
        loop {
            match self.next()? {
                Some(')') => {
                    self.at += 1;
                    break;
                }
                Some(',') => {
                    self.at += 1;
                    continue;
                }
                Some('{') if arguments == "{" => {
                    let mut reader = Reader::new(self.text, self.at, self.is_end);
                    reader.value()?;
                    self.at = reader.at();
                    arguments = reader.out;
                    arguments.pop();
                    continue;
                }
                None => break,
                Some(_) => {}
            }
            let key = self.word()?;
            if !matches!(self.next()?, Some('=')) {
                return Err(Stop::Not("an argument of the call has no name"));
            }
            self.at += 1;
            let mut reader = Reader::new(self.text, self.at, self.is_end);
            reader.value()?;
            self.at = reader.at();
            if arguments.len() > 1 {
                arguments.push(',');
            }
            json::write_string(&mut arguments, key);
            arguments.push(':');
            arguments.push_str(&reader.out);
        }
        arguments.push('}');
        Ok(Called { name: name.to_owned(), arguments })
    }

    /// `Action: f` and `Action Input: {…}`, each on a line.
    pub(super) fn action(&mut self) -> Read<Vec<Called>> {
        if !self.eats("Action:")? {
            return Err(NO_CALL);
        }
        if self.next()? == Some('`') {
            self.fence()?;
            return self.core();
        }
        let word = self.word()?;
        if self.tools.resolve(word).is_none() {
            return Err(NO_CALL);
        }
        self.next()?;
        if !self.eats("Action Input:")? {
            return Err(NO_CALL);
        }
        self.named(word)
    }

    /// `commentary to=functions.f <|constrain|>json<|message|>{…}`
    pub(super) fn channel(&mut self) -> Read<Vec<Called>> {
        const MESSAGE: &str = "<|message|>";
        let rest = self.rest();
        let end = self.within(MESSAGE)?;
        let to = rest[..end].split_once("to=").ok_or(NO_CALL)?.1;
        let name = to.split(|c: char| c.is_whitespace() || c == '<').next().filter(|name| !name.is_empty());
        let name = name.ok_or(NO_CALL)?;
        self.at += end + MESSAGE.len();
        self.named(name)
    }

    /// `f</name><arguments>{…}</arguments>`
    pub(super) fn name_element(&mut self) -> Read<Vec<Called>> {
        let end = self.within("</")?;
        let name = self.rest()[..end].trim();
        self.at += end;
        let (_, length) = self.tag()?;
        self.at += length;
        self.named(name)
    }
}
