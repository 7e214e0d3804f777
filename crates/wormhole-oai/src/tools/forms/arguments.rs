//! The arguments of a call whose name is known: JSON, or a tag for each.

use serde_json::Value;

use super::object::ARGUMENT_KEYS;
use super::{Form, NO_CALL};
use crate::tools::json::{self, Read, Reader, Stop};
use crate::tools::tags::Tag;
use crate::tools::{Called, takes};

impl<'a> Form<'a> {
    pub(super) fn named(&mut self, name: &str) -> Read<Vec<Called>> {
        self.named_by(name, false)
    }

    /// The arguments of a call whose name is known.
    pub(super) fn named_by(&mut self, name: &str, is_bare: bool) -> Read<Vec<Called>> {
        let own = self.tools.resolve(name);
        self.is_call = !is_bare && own.is_some();
        if own.is_none() && self.place.in_fence {
            return Err(NO_CALL);
        }
        for _ in 0..4 {
            match self.next()? {
                Some('`') => self.fence()?,
                Some('[') => {
                    if !self.eats("[ARGS]")? {
                        return Err(Stop::Not("the call has no arguments"));
                    }
                }
                Some('<') => match self.tag() {
                    Ok((Tag::Between | Tag::Holds, length)) if !self.is_element(self.properties(name))? => {
                        self.at += length;
                    }
                    Err(Stop::More) => return Err(Stop::More),
                    _ => return self.parameters(name),
                },
                Some('{') => {
                    let mut reader = Reader::new(self.text, self.at, self.is_end);
                    let read = reader.value();
                    if let Err(stop) = read {
                        if stop == Stop::More {
                            self.open = own.map(|own| Called { name: own.to_owned(), arguments: reader.out });
                        }
                        return Err(stop);
                    }
                    self.at = reader.at();
                    let arguments = self.unwrapped(name, reader.out);
                    return Ok(vec![Called { name: name.to_owned(), arguments }]);
                }
                // A call that ends at once has no arguments.
                None if !is_bare => {
                    return Ok(vec![Called { name: name.to_owned(), arguments: "{}".to_owned() }]);
                }
                Some(first) if first.is_alphabetic() && self.rest().starts_with("json") => self.at += 4,
                _ => break,
            }
        }
        Err(Stop::Not("the call has no arguments"))
    }

    /// What the tool's schema says of its arguments.
    fn properties(&self, name: &str) -> Option<&'a Value> {
        self.tools.schema(self.tools.resolve(name)?)?.get("properties")
    }

    /// Arguments that stand in one member more than they should.
    fn unwrapped(&self, name: &str, arguments: String) -> String {
        let found = json::members(&arguments);
        let Some([(key, inner)]) = found.as_deref() else { return arguments };
        let is_own = self.properties(name).is_some_and(|all| all.get(key).is_some());
        if !is_own && ARGUMENT_KEYS.contains(&key.as_str()) && inner.starts_with('{') {
            return (*inner).to_owned();
        }
        arguments
    }

    /// `<parameter name="a">…</parameter>` and its relatives, up to the end of the call.
    fn parameters(&mut self, name: &str) -> Read<Vec<Called>> {
        let properties = self.properties(name);
        let mut given: Vec<(String, Value)> = Vec::new();
        loop {
            if self.next()? != Some('<') {
                break;
            }
            let (key, word) = match self.tag() {
                Ok((Tag::Parameter { key, word }, length)) => {
                    self.at += length;
                    (key, word)
                }
                Ok((Tag::End, length)) => {
                    self.at += length;
                    break;
                }
                Err(Stop::More) => return Err(Stop::More),
                _ if self.sees("<arg_key>")? => self.argument_key()?,
                _ => match self.element(properties)? {
                    Some(key) => (key, key),
                    None if given.is_empty() => return Err(Stop::Not("the call's arguments cannot be read")),
                    None => break,
                },
            };
            let raw = self.raw_value(word, properties)?;
            let property = properties.and_then(|all| all.get(key));
            let value = typed(property, raw);
            match given.iter_mut().find(|(known, _)| known == key) {
                Some((_, Value::Array(all))) => all.push(value),
                Some((_, first)) => *first = Value::Array(vec![std::mem::take(first), value]),
                None => given.push((key.to_owned(), value)),
            }
        }
        let mut arguments = String::from("{");
        for (place, (key, value)) in given.iter().enumerate() {
            if place > 0 {
                arguments.push(',');
            }
            json::write_string(&mut arguments, key);
            arguments.push(':');
            arguments.push_str(&value.to_string());
        }
        arguments.push('}');
        Ok(vec![Called { name: name.to_owned(), arguments }])
    }

    /// GLM's `<arg_key>a</arg_key><arg_value>`.
    fn argument_key(&mut self) -> Read<(&'a str, &'a str)> {
        const VALUE: &str = "<arg_value>";
        let rest = self.rest();
        let Some(end) = rest.find(VALUE) else {
            return Err(if self.is_end {
                Stop::Not("an argument of the call has no value")
            } else {
                Stop::More
            });
        };
        let key = rest[..end].trim_start_matches("<arg_key>").split("</arg_key>").next().unwrap_or_default();
        self.at += end + VALUE.len();
        Ok((key.trim(), "arg_value"))
    }

    /// `<a>`, where the tool has an argument of this name.
    fn element(&mut self, properties: Option<&Value>) -> Read<Option<&'a str>> {
        if !self.is_element(properties)? {
            return Ok(None);
        }
        let rest = self.rest();
        let end = rest.find('>').unwrap_or(rest.len() - 1);
        self.at += end + 1;
        Ok(Some(&rest[1..end]))
    }

    fn is_element(&self, properties: Option<&Value>) -> Read<bool> {
        match self.within(">") {
            Ok(end) => Ok(properties.is_some_and(|all| all.get(&self.rest()[1..end]).is_some())),
            Err(Stop::Not(_)) => Ok(false),
            Err(Stop::More) => Err(Stop::More),
        }
    }

    /// The text up to the end tag of a parameter: the first after which the call goes on or ends, since the text may hold
    /// such tags itself.
    fn raw_value(&mut self, word: &str, properties: Option<&Value>) -> Read<&'a str> {
        let start = self.at;
        let mut from = start;
        let mut first = None;
        while let Some(found) = self.text[from..].find("</") {
            let open = from + found;
            from = open + 2;
            let rest = &self.text[open..];
            let Some(close) = rest.find('>') else { break };
            let named = rest[2..close].trim().rsplit([':', '｜']).find(|part| !part.is_empty());
            if named != Some(word) {
                continue;
            }
            let end = open + close + 1;
            first.get_or_insert((open, end));
            let after = self.text[end..].trim_start();
            let follows = Self { at: self.text.len() - after.len(), open: None, broken: None, ..*self };
            let goes_on = match after.chars().next() {
                None if !self.is_end => return Err(Stop::More),
                None => true,
                Some('<') => match follows.tag() {
                    Err(Stop::More) => return Err(Stop::More),
                    Ok(_) => true,
                    Err(Stop::Not(_)) => after.starts_with("<arg_key>") || follows.is_element(properties)?,
                },
                Some(_) => false,
            };
            if goes_on {
                self.at = end;
                return Ok(&self.text[start..open]);
            }
        }
        if !self.is_end {
            return Err(Stop::More);
        }
        if let Some((open, end)) = first {
            self.at = end;
            return Ok(&self.text[start..open]);
        }
        // Its end tag is missing: it ends where the next parameter begins, or the call ends.
        let rest = self.rest();
        let ends = ["<parameter", "</function", "</invoke", "</tool_call", "<arg_key>", "</parameter"];
        let end = ends.iter().filter_map(|end| rest.find(end)).min();
        let end = end.ok_or(Stop::Not("an argument of the call does not end"))?;
        self.at += end;
        Ok(&rest[..end])
    }
}

/// The value of a parameter that is written as text.
fn typed(property: Option<&Value>, raw: &str) -> Value {
    let text = raw.strip_prefix("\r\n").or_else(|| raw.strip_prefix('\n')).unwrap_or(raw);
    let text = text.strip_suffix('\n').map_or(text, |text| text.strip_suffix('\r').unwrap_or(text));
    let is_text = property.is_some_and(|schema| takes(schema, "string"));
    let says_type = property.is_some_and(|schema| schema.get("type").is_some());
    let is_structure = text.trim_start().starts_with(['{', '[']);
    if !is_text && (says_type || is_structure) {
        let read = json::whole(text.trim()).and_then(|text| serde_json::from_str(&text).ok());
        if let Some(value) = read {
            return value;
        }
    }
    Value::String(text.to_owned())
}
