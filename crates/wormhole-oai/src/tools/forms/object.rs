//! Calls as JSON objects: where the name stands, where the arguments do.

use crate::tools::json;
use crate::tools::{Called, ToolSet};

/// Where a call's name stands.
const NAME_KEYS: &[&str] =
    &["name", "tool", "tool_name", "function", "function_name", "recipient_name", "action"];

/// Where its arguments stand.
pub(super) const ARGUMENT_KEYS: &[&str] = &[
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

/// Whether JSON that has no mark before it may yet be a call: only a call's keys, and the name of a tool.
pub(super) fn plausible(out: &str, tools: &ToolSet) -> bool {
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
pub(super) fn open_in(out: &str, tools: &ToolSet) -> Option<Called> {
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
pub(super) fn interpret(value: &str, is_sure: bool, tools: &ToolSet) -> Result<Vec<Called>, String> {
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
