//! Telling the page what to do. It is only taken here: what comes of it is said by the way the document greeted.

use chromiumoxide::Page;
use chromiumoxide::cdp::js_protocol::runtime::{CallArgument, CallFunctionOnParams};
use chromiumoxide::error::CdpError;
use serde_json::{Value, json};

use super::TabError;
use super::command::Command;
use super::shared::{Document, Way};
use crate::chrome::devtools::{COMMAND, execute_in};
use crate::inject;

/// Tells the document these commands; an empty list asks whether it is still there.
pub(crate) async fn deliver(page: &Page, document: Document, commands: Vec<Command>) -> Result<(), TabError> {
    let context = match document.way {
        Way::Binding(context) => context,
        Way::Socket(line) => return line.tell(&commands).await,
    };
    let commands = serde_json::to_value(commands).map_err(|error| TabError::Script(error.to_string()))?;
    let call = CallFunctionOnParams {
        execution_context_id: Some(context),
        arguments: Some(vec![argument(json!(document.nonce)), argument(commands)]),
        silent: Some(true),
        return_by_value: Some(true),
        ..CallFunctionOnParams::new(format!(
            "function (doc, commands) {{ return globalThis.{}.deliver(doc, commands); }}",
            inject::ENTRY
        ))
    };
    let reply = execute_in(page, call, COMMAND).await.map_err(|error| call_error(&error))?;
    match (reply.exception_details, reply.result.value) {
        (None, Some(Value::Bool(true))) => Ok(()),
        // Another document answers under the same context id, or one without our script.
        (None, _) => Err(TabError::ContextLost),
        (Some(thrown), _) if thrown.text.is_empty() => Err(TabError::ContextLost),
        (Some(thrown), _) => Err(TabError::Script(thrown.text)),
    }
}

fn argument(value: Value) -> CallArgument {
    CallArgument { value: Some(value), unserializable_value: None, object_id: None }
}

/// What a failed call says of the page.
pub(crate) fn call_error(error: &CdpError) -> TabError {
    match error {
        CdpError::Timeout => TabError::Timeout("the page to take a command"),
        // "Cannot find context with specified id", "Execution context was destroyed", "Inspected target navigated".
        CdpError::Chrome(_) | CdpError::ChromeMessage(_) => TabError::ContextLost,
        // The target or the whole connection is gone; whoever watches them says which.
        _ => TabError::Crashed,
    }
}
