//! What the page looks like, for a person who is to mend a site profile: a picture, and an outline of its elements.
//!
//! Neither holds what stands in a field, and the outline holds no text of a conversation. The picture may: see
//! `diagnostics`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chromiumoxide::Page;
use chromiumoxide::cdp::browser_protocol::page::{
    CaptureScreenshotFormat, CaptureScreenshotParams, CreateIsolatedWorldParams,
};
use chromiumoxide::cdp::js_protocol::runtime::{CallArgument, CallFunctionOnParams, ExecutionContextId};
use serde_json::Value;
use tokio::time::timeout;

use super::deliver::call_error;
use super::shared::{Document, Way};
use super::{Tab, TabError, TabEvent};
use crate::chrome::devtools::{COMMAND, execute_in};

const SCRIPT: &str = include_str!("../../inject/outline.js");

/// The world of this script in a document that is spoken to by its socket.
const LOOKS: &str = "wormhole-looks";
/// Legible, and a tenth of a PNG.
const QUALITY: i64 = 60;

/// What the page looks like.
#[derive(Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The page's address without its query, an empty line, and a line for each element: tag, id, classes, role, names.
    pub outline: String,
    /// A JPEG of what the window shows, with fields and frames blanked.
    pub picture: Vec<u8>,
}

// Neither is for a log.
impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Snapshot").field("picture_bytes", &self.picture.len()).finish_non_exhaustive()
    }
}

impl Tab {
    /// Looks at the page as it is now. Turns that run in it go on.
    ///
    /// # Errors
    /// There is no script of ours in the page (a foreign one is not touched), or the page does not answer in time.
    pub async fn snapshot(&self) -> Result<Snapshot, TabError> {
        let page = self.shared.page()?;
        let Some((document, _)) = self.shared.document() else {
            return Err(match &*self.events().borrow() {
                TabEvent::Lost { reason } => reason.clone(),
                // Only just.
                TabEvent::Installed { .. } => TabError::ContextLost,
            });
        };
        let Value::String(outline) = run(&page, &document, "outline").await? else {
            return Err(TabError::Script("outline: no text".to_owned()));
        };
        run(&page, &document, "cover").await?;
        let taken = picture(&page).await;
        // Should the page be gone, so is the cover.
        drop(run(&page, &document, "uncover").await);
        Ok(Snapshot { outline, picture: taken? })
    }
}

async fn picture(page: &Page) -> Result<Vec<u8>, TabError> {
    let params = CaptureScreenshotParams {
        format: Some(CaptureScreenshotFormat::Jpeg),
        quality: Some(QUALITY),
        ..CaptureScreenshotParams::default()
    };
    let reply = execute_in(page, params, COMMAND).await.map_err(|error| call_error(&error))?;
    let encoded: &str = reply.data.as_ref();
    STANDARD.decode(encoded).map_err(|_| TabError::Script("a picture that cannot be read".to_owned()))
}

/// A world that the page's own scripts cannot see: the script's, or one made for this where that came by its socket.
async fn world(page: &Page, document: &Document) -> Result<ExecutionContextId, TabError> {
    if let Way::Binding(context) = &document.way {
        return Ok(*context);
    }
    let frame =
        timeout(COMMAND, page.mainframe()).await.map_err(|_| TabError::Timeout("the page's frame"))?;
    let frame = frame.map_err(|error| call_error(&error))?.ok_or(TabError::ContextLost)?;
    let made = CreateIsolatedWorldParams {
        world_name: Some(LOOKS.to_owned()),
        ..CreateIsolatedWorldParams::new(frame)
    };
    let made = execute_in(page, made, COMMAND).await.map_err(|error| call_error(&error))?;
    Ok(made.execution_context_id)
}

/// A step of the script, in the world of this document.
async fn run(page: &Page, document: &Document, step: &str) -> Result<Value, TabError> {
    let argument =
        CallArgument { value: Some(Value::from(step)), unserializable_value: None, object_id: None };
    let call = CallFunctionOnParams {
        execution_context_id: Some(world(page, document).await?),
        arguments: Some(vec![argument]),
        silent: Some(true),
        return_by_value: Some(true),
        await_promise: Some(true),
        ..CallFunctionOnParams::new(SCRIPT)
    };
    let reply = execute_in(page, call, COMMAND).await.map_err(|error| call_error(&error))?;
    match reply.exception_details {
        None => Ok(reply.result.value.unwrap_or_default()),
        // Not what was thrown: a page may have put its own words into it.
        Some(_) => Err(TabError::Script(format!("{step} failed"))),
    }
}
