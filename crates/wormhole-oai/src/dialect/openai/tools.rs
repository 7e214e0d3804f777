//! Tools, the choice among them, and the format of the answer, in all the forms that clients write.

use wormhole_api::Function;
use wormhole_api::openai::{ChatRequest, ResponseFormat, Tool as WireTool, ToolChoice as WireChoice};

use crate::chat::{Output, Tool, ToolChoice};
use crate::errors::ApiError;

/// What a request says of tools.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) tools: Vec<Tool>,
    pub(super) choice: ToolChoice,
    pub(super) parallel: bool,
}

/// Whether the client offers functions of old, and so reads calls of old.
pub(super) fn is_legacy(request: &ChatRequest) -> bool {
    request.tools.as_ref().is_none_or(Vec::is_empty)
        && request.functions.as_ref().is_some_and(|all| !all.is_empty())
}

/// Reads what a request says of tools, and names what is not honoured.
pub(super) fn wanted(request: &mut ChatRequest, ignored: &mut Vec<String>) -> Result<Wanted, ApiError> {
    if is_legacy(request) {
        let tools = request.functions.take().unwrap_or_default().into_iter().map(tool).collect();
        let (tools, choice) = choice(tools, request.function_call.take(), "function_call")?;
        return Ok(Wanted { tools, choice, parallel: false });
    }
    let mut tools = Vec::new();
    for WireTool { kind, function } in request.tools.take().unwrap_or_default() {
        match (function, kind) {
            (Some(function), _) => tools.push(tool(function)),
            (None, Some(kind)) if kind == "function" => return Err(ApiError::missing("tools[].function")),
            // Tools that the API's own servers run, and tools without a schema.
            (None, kind) => ignored.push(format!("tools.{}", kind.unwrap_or_default())),
        }
    }
    let (tools, choice) = choice(tools, request.tool_choice.take(), "tool_choice")?;
    Ok(Wanted { tools, choice, parallel: request.parallel_tool_calls.unwrap_or(true) })
}

fn tool(function: Function) -> Tool {
    Tool::new(function.name, function.description, function.parameters)
}

/// The choice, and the tools that it leaves.
fn choice(
    mut tools: Vec<Tool>,
    choice: Option<WireChoice>,
    param: &'static str,
) -> Result<(Vec<Tool>, ToolChoice), ApiError> {
    let unknown = || {
        ApiError::field(param, format!("'{param}' is unknown: expected auto, none, required or a function"))
    };
    let choice = match choice {
        None => ToolChoice::Auto,
        Some(WireChoice::Word(text)) => word(&text).ok_or_else(unknown)?,
        Some(WireChoice::Object(object)) => {
            let name = object.function.map(|function| function.name).or(object.name);
            match (name, object.allowed_tools) {
                (Some(name), _) => ToolChoice::Named(name),
                (None, Some(allowed)) => {
                    let names: Vec<String> =
                        allowed.tools.into_iter().filter_map(|tool| Some(tool.function?.name)).collect();
                    tools.retain(|tool| names.contains(&tool.name));
                    allowed.mode.map_or(Some(ToolChoice::Auto), |mode| word(&mode)).ok_or_else(unknown)?
                }
                (None, None) => return Err(unknown()),
            }
        }
    };
    if let ToolChoice::Named(name) = &choice
        && !tools.iter().any(|tool| tool.name == *name)
    {
        return Err(ApiError::field(
            param,
            format!("'{param}' names '{name}', which is not among the tools"),
        ));
    }
    if choice == ToolChoice::Required && tools.is_empty() {
        return Err(ApiError::field(param, format!("'{param}' asks for a tool call, but there is no tool")));
    }
    Ok((tools, choice))
}

fn word(text: &str) -> Option<ToolChoice> {
    Some(match text {
        "auto" => ToolChoice::Auto,
        "none" => ToolChoice::None,
        "required" | "any" => ToolChoice::Required,
        _ => return None,
    })
}

/// The format of the answer.
pub(super) fn output(format: ResponseFormat) -> Result<Output, ApiError> {
    match format.kind.as_str() {
        "text" => Ok(Output::Text),
        "json_object" => Ok(Output::Json),
        "json_schema" => {
            let named = format.json_schema.ok_or_else(|| ApiError::missing("response_format.json_schema"))?;
            let schema =
                named.schema.ok_or_else(|| ApiError::missing("response_format.json_schema.schema"))?;
            Ok(Output::Schema { name: named.name.unwrap_or_else(|| "response".to_owned()), schema })
        }
        _ => {
            let message = "'response_format.type' is unknown: expected text, json_object or json_schema";
            Err(ApiError::field("response_format.type", message))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(fields: &Value) -> Result<Wanted, ApiError> {
        let mut body = json!({"messages": []});
        body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        wanted(&mut serde_json::from_value(body).unwrap(), &mut Vec::new())
    }

    fn function(name: &str) -> Value {
        json!({"type": "function", "function": {"name": name, "strict": true}})
    }

    #[test]
    fn every_form_of_the_choice_is_read() {
        let named = |name: &str| ToolChoice::Named(name.to_owned());
        for (choice, expected, left) in [
            (json!("auto"), ToolChoice::Auto, 2),
            (json!("none"), ToolChoice::None, 2),
            (json!("required"), ToolChoice::Required, 2),
            (json!(null), ToolChoice::Auto, 2),
            (function("g"), named("g"), 2),
            (
                json!({"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [function("g")]}}),
                ToolChoice::Required,
                1,
            ),
        ] {
            let wanted =
                read(&json!({"tools": [function("f"), function("g")], "tool_choice": choice})).unwrap();
            assert_eq!((wanted.choice, wanted.tools.len(), wanted.parallel), (expected, left, true));
        }
        for wrong in [json!("sometimes"), function("h"), json!({"type": "custom"})] {
            let error = read(&json!({"tools": [function("f")], "tool_choice": wrong})).unwrap_err();
            assert_eq!(error.param(), Some("tool_choice"));
        }
        assert!(read(&json!({"tool_choice": "required"})).is_err());
        assert!(
            read(&json!({"tool_choice": "auto", "parallel_tool_calls": false}))
                .is_ok_and(|wanted| !wanted.parallel)
        );
    }

    #[test]
    fn functions_of_old_are_tools() {
        let fields = json!({"functions": [{"name": "f"}], "function_call": {"name": "f"}});
        let wanted = read(&fields).unwrap();
        assert_eq!((wanted.choice, wanted.parallel), (ToolChoice::Named("f".to_owned()), false));
        assert_eq!(wanted.tools[0].parameters, json!({"type": "object", "properties": {}}));
    }

    #[test]
    fn the_format_is_read() {
        let read = |format: &Value| output(serde_json::from_value(format.clone()).unwrap());
        assert_eq!(read(&json!({"type": "text"})).unwrap(), Output::Text);
        assert_eq!(read(&json!({"type": "json_object"})).unwrap(), Output::Json);
        let schema =
            json!({"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}});
        let expected = Output::Schema { name: "n".to_owned(), schema: json!({"type": "object"}) };
        assert_eq!(read(&schema).unwrap(), expected);
        assert_eq!(read(&json!({"type": "grammar"})).unwrap_err().param(), Some("response_format.type"));
        let missing = read(&json!({"type": "json_schema", "json_schema": {}})).unwrap_err();
        assert_eq!(missing.param(), Some("response_format.json_schema.schema"));
    }
}
