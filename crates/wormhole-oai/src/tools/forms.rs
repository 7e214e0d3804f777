//! One call, or several, at one place of the text: in the form that was asked for, or in one that models are used to.

use serde_json::Value;

use super::json::{self, Read, Reader, Stop};
use super::tags::{self, Tag};
use super::{Called, ToolSet, takes};

/// The longest name of a tool, and the longest line that opens a fence.
const MAX_NAME: usize = 128;

/// Names of fences that hold calls and nothing else.
const CALL_FENCES: &[&str] = &[
    "tool_call",
    "tool_calls",
    "tool",
    "tools",
    "tool_code",
    "tool_use",
    "function_call",
    "function",
    "call",
];

/// Names of fences that may hold calls.
const PLAIN_FENCES: &[&str] =
    &["", "json", "json5", "jsonc", "xml", "html", "text", "txt", "plaintext", "yaml"];

/// Where a call's name stands.
const NAME_KEYS: &[&str] =
    &["name", "tool", "tool_name", "function", "function_name", "recipient_name", "action"];

/// Where its arguments stand.
const ARGUMENT_KEYS: &[&str] = &[
    "arguments",
    "parameters",
    "args",
    "params",
    "input",
    "tool_input",
    "action_input",
    "tool_arguments",
    "kwargs",
];

/// Where calls stand in an object.
const HOLDING_KEYS: &[&str] =
    &["tool_calls", "tool_uses", "function_calls", "calls", "tool_call", "function_call"];

/// What else stands in a call.
const OTHER_KEYS: &[&str] = &["id", "type", "index", "tool_call_id", "call_id"];

/// Where the text that is looked at stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// At the beginning of a line.
    pub(super) starts_line: bool,
    /// In a block of code.
    pub(super) in_fence: bool,
    /// Right after a call.
    pub(super) after_call: bool,
}

/// What is seen at a place.
#[derive(Debug)]
pub(super) struct Seen {
    /// What it is.
    pub(super) verdict: Verdict,
    /// The call that is being written, with the arguments so far: JSON without spaces.
    pub(super) open: Option<Called>,
}

/// What it is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Calls, up to this place.
    Calls(Vec<Called>, usize),
    /// More text decides it.
    More,
    /// No call.
    Text,
    /// A call that cannot be read.
    Broken(String),
    /// A made-up result.
    Result,
}

/// Looks at the beginning of a text.
pub(super) fn see(text: &str, is_end: bool, place: Place, tools: &ToolSet) -> Seen {
    let mut form =
        Form { text, at: 0, is_end, place, tools, is_sure: false, is_call: false, open: None, broken: None };
    let verdict = match form.calls() {
        Ok(Some(calls)) if calls.is_empty() => Verdict::Text,
        Ok(Some(calls)) => Verdict::Calls(calls, form.at),
        Ok(None) => Verdict::Result,
        Err(Stop::More) => Verdict::More,
        Err(Stop::Not(why)) if form.is_call && !place.in_fence => {
            Verdict::Broken(form.broken.take().unwrap_or_else(|| why.to_owned()))
        }
        Err(Stop::Not(_)) => Verdict::Text,
    };
    Seen { verdict, open: form.open }
}

const NO_CALL: Stop = Stop::Not("this is no call");

struct Form<'a> {
    text: &'a str,
    at: usize,
    is_end: bool,
    place: Place,
    tools: &'a ToolSet,
    /// A mark that nothing but calls has stands before.
    is_sure: bool,
    /// It is meant as a call, whether it can be read or not.
    is_call: bool,
    open: Option<Called>,
    broken: Option<String>,
}

impl<'a> Form<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn skip_space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    /// What comes next after spaces; none at the end of all.
    fn next(&mut self) -> Read<Option<char>> {
        self.skip_space();
        match self.rest().chars().next() {
            None if !self.is_end => Err(Stop::More),
            next => Ok(next),
        }
    }

    /// Whether this stands here.
    fn sees(&self, what: &str) -> Read<bool> {
        let rest = self.rest();
        if !self.is_end && rest.len() < what.len() && what.starts_with(rest) {
            return Err(Stop::More);
        }
        Ok(rest.starts_with(what))
    }

    fn eats(&mut self, what: &str) -> Read<bool> {
        let sees = self.sees(what)?;
        self.at += if sees { what.len() } else { 0 };
        Ok(sees)
    }

    /// Where this stands, near enough for a name before it.
    fn within(&self, what: &str) -> Read<usize> {
        match self.rest().find(what) {
            Some(end) if end <= MAX_NAME => Ok(end),
            None if !self.is_end && self.rest().len() < MAX_NAME + what.len() => Err(Stop::More),
            _ => Err(NO_CALL),
        }
    }

    fn tag(&self) -> Read<(Tag<'a>, usize)> {
        tags::tag(self.rest(), self.is_end, self.tools)
    }

    /// The calls; none where a made-up result stands here.
    fn calls(&mut self) -> Read<Option<Vec<Called>>> {
        for _ in 0..8 {
            if self.at > 0 {
                self.next()?;
            }
            match self.rest().chars().next() {
                Some('<') => match self.tag() {
                    Ok((Tag::Result, _)) if self.place.after_call => return Ok(None),
                    Ok((Tag::Holds, length)) => {
                        self.at += length;
                        self.is_sure = true;
                        continue;
                    }
                    Ok((Tag::Names(name), length)) => {
                        // A tag of a tool's own name may be anything, such as HTML, until arguments follow.
                        let is_bare = !self.is_sure && self.rest()[1..].starts_with(name);
                        self.at += length;
                        return self.named_by(name, is_bare).map(Some);
                    }
                    Ok((Tag::Name, length)) if self.is_sure => {
                        self.at += length;
                        return self.name_element().map(Some);
                    }
                    Ok((Tag::Channel, length)) => {
                        self.at += length;
                        return self.channel().map(Some);
                    }
                    Ok(_) | Err(Stop::Not(_)) => return Err(NO_CALL),
                    Err(Stop::More) => return Err(Stop::More),
                },
                Some('`') if self.at > 0 || self.place.starts_line => {
                    self.fence()?;
                    continue;
                }
                Some('[') => {
                    if let Some(length) = tags::opening_bracket(self.rest(), self.is_end)? {
                        self.at += length;
                        self.is_sure = true;
                        continue;
                    }
                }
                Some('A') if self.at == 0 && self.place.starts_line => return self.action().map(Some),
                Some(first @ ('>' | 'f')) if self.at == 0 && self.place.starts_line => {
                    self.is_sure = first == 'f';
                    if !self.eats(if self.is_sure { "functools" } else { ">>>" })? {
                        return Err(NO_CALL);
                    }
                }
                _ => {}
            }
            break;
        }
        self.core().map(Some)
    }

    /// The line that opens a block of code.
    fn fence(&mut self) -> Read<()> {
        if !self.eats("```")? {
            return Err(NO_CALL);
        }
        let end = self.within("\n")?;
        let word = self.rest()[..end].trim().to_lowercase();
        if CALL_FENCES.contains(&word.as_str()) {
            self.is_sure = true;
        } else if !PLAIN_FENCES.contains(&word.as_str()) {
            return Err(NO_CALL);
        }
        self.at += end;
        Ok(())
    }

    /// A call without a name before it.
    fn core(&mut self) -> Read<Vec<Called>> {
        match self.next()? {
            Some('{') => self.json(),
            Some('[') => {
                let inner = self.rest()[1..].trim_start();
                match inner.chars().next() {
                    None if !self.is_end => Err(Stop::More),
                    Some(first) if first.is_alphabetic() => self.list_of_pythons(),
                    _ => self.json(),
                }
            }
            Some(first) if (self.is_sure || self.at > 0) && (first.is_alphabetic() || first == '_') => {
                self.worded()
            }
            _ => Err(NO_CALL),
        }
    }

    /// A call as JSON.
    fn json(&mut self) -> Read<Vec<Called>> {
        let mut reader = Reader::new(self.text, self.at, self.is_end);
        let read = reader.value();
        self.is_call |= self.is_sure;
        if !self.is_sure && !plausible(&reader.out, self.tools) {
            return Err(NO_CALL);
        }
        match read {
            Ok(()) => {}
            Err(Stop::More) => {
                self.open = open_in(&reader.out, self.tools);
                return Err(Stop::More);
            }
            Err(Stop::Not(why)) => {
                self.is_call |= open_in(&reader.out, self.tools).is_some();
                return Err(Stop::Not(why));
            }
        }
        self.at = reader.at();
        match interpret(&reader.out, self.is_sure, self.tools) {
            Ok(calls) => Ok(calls),
            Err(why) => {
                self.broken = Some(why);
                Err(NO_CALL)
            }
        }
    }

    /// A name, and after it arguments in one of many forms.
    fn worded(&mut self) -> Read<Vec<Called>> {
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
    fn list_of_pythons(&mut self) -> Read<Vec<Called>> {
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
    fn action(&mut self) -> Read<Vec<Called>> {
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
    fn channel(&mut self) -> Read<Vec<Called>> {
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
    fn name_element(&mut self) -> Read<Vec<Called>> {
        let end = self.within("</")?;
        let name = self.rest()[..end].trim();
        self.at += end;
        let (_, length) = self.tag()?;
        self.at += length;
        self.named(name)
    }

    fn named(&mut self, name: &str) -> Read<Vec<Called>> {
        self.named_by(name, false)
    }

    /// The arguments of a call whose name is known.
    fn named_by(&mut self, name: &str, is_bare: bool) -> Read<Vec<Called>> {
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

/// Whether JSON that has no mark before it may yet be a call: only a call's keys, and the name of a tool.
fn plausible(out: &str, tools: &ToolSet) -> bool {
    let object = out.strip_prefix('[').unwrap_or(out);
    if object.is_empty() {
        return true;
    }
    if !object.starts_with('{') {
        return false;
    }
    json::partial_members(object).iter().all(|member| {
        let key = member.key.as_str();
        if HOLDING_KEYS.contains(&key) || key == "function" && !member.value.starts_with('"') {
            return member.value.is_empty() || plausible(member.value, tools);
        }
        if NAME_KEYS.contains(&key) {
            let name = serde_json::from_str::<String>(member.value);
            return !member.is_whole || name.is_ok_and(|name| tools.resolve(&name).is_some());
        }
        ARGUMENT_KEYS.contains(&key) || OTHER_KEYS.contains(&key)
    })
}

/// The call that is being written in JSON that is not whole, if its name is known.
fn open_in(out: &str, tools: &ToolSet) -> Option<Called> {
    let object = out.strip_prefix('[').unwrap_or(out);
    let mut name = None;
    for member in json::partial_members(object) {
        let key = member.key.as_str();
        if key == "function" && member.value.starts_with('{') {
            return open_in(member.value, tools);
        }
        if NAME_KEYS.contains(&key) && member.is_whole && name.is_none() {
            let written = serde_json::from_str::<String>(member.value).ok()?;
            name = Some(tools.resolve(&written)?.to_owned());
        } else if ARGUMENT_KEYS.contains(&key) && member.value.starts_with('{') {
            return Some(Called { name: name?, arguments: member.value.to_owned() });
        }
    }
    None
}

/// The calls that whole JSON stands for.
fn interpret(value: &str, is_sure: bool, tools: &ToolSet) -> Result<Vec<Called>, String> {
    if value.starts_with('[') {
        let all = json::elements(value).unwrap_or_default();
        let calls: Result<Vec<_>, _> = all.into_iter().map(|one| interpret(one, is_sure, tools)).collect();
        return calls.map(|calls| calls.into_iter().flatten().collect());
    }
    let members = json::members(value).ok_or("the call is not a JSON object")?;
    let text = |value: &str| serde_json::from_str::<String>(value).ok();
    let find = |keys: &[&str]| members.iter().find(|(key, _)| keys.contains(&key.as_str()));
    if let Some((_, held)) = find(HOLDING_KEYS).filter(|(_, held)| held.starts_with(['{', '['])) {
        return interpret(held, is_sure, tools);
    }
    if let Some((_, held)) = find(&["function"]).filter(|(_, held)| held.starts_with('{')) {
        return interpret(held, is_sure, tools);
    }
    let named = NAME_KEYS.iter().find_map(|key| {
        let (_, value) = members.iter().find(|(found, _)| found == key)?;
        text(value)
    });
    let Some(name) = named else {
        // `{"f": {…}}`
        return match members.as_slice() {
            [(key, inner)] if is_sure && inner.starts_with('{') && tools.resolve(key).is_some() => {
                Ok(vec![Called { name: key.clone(), arguments: (*inner).to_owned() }])
            }
            _ => Err("the call has no \"name\"".to_owned()),
        };
    };
    let arguments = ARGUMENT_KEYS.iter().find_map(|key| members.iter().find(|(found, _)| found == key));
    let arguments = match arguments {
        Some((_, object)) if object.starts_with('{') => (*object).to_owned(),
        Some((_, "null" | "[]" | "\"\"")) => "{}".to_owned(),
        // Written as text, as OpenAI's API has it.
        Some((_, written)) => text(written)
            .and_then(|text| json::whole(&text))
            .filter(|object| object.starts_with('{'))
            .ok_or_else(|| format!("the \"arguments\" of \"{name}\" are not a JSON object"))?,
        None if is_sure => beside(&members),
        None => return Err(format!("the call of \"{name}\" has no \"arguments\"")),
    };
    Ok(vec![Called { name, arguments }])
}

/// The arguments of a call that has them beside its name.
fn beside(members: &[(String, &str)]) -> String {
    let mut arguments = String::from("{");
    let others = members
        .iter()
        .filter(|(key, _)| !NAME_KEYS.contains(&key.as_str()) && !OTHER_KEYS.contains(&key.as_str()));
    for (key, value) in others {
        if arguments.len() > 1 {
            arguments.push(',');
        }
        json::write_string(&mut arguments, key);
        arguments.push(':');
        arguments.push_str(value);
    }
    arguments.push('}');
    arguments
}
