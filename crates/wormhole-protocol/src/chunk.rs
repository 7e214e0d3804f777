//! What the page script says to its bridge: an array of these a call, over the binding or the page port.

use serde::{Deserialize, Serialize};

/// One message of the page script.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageFrame {
    /// Random for each document: what an older document says is known as such after a reload.
    pub doc: String,
    /// Which command it answers; 0 for `hello`.
    pub id: u64,
    /// Counts from 0 without gaps, for each id.
    pub seq: u64,
    /// What it says.
    #[serde(flatten)]
    pub kind: PageFrameKind,
}

/// What a message of the page script says, tagged by `k`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "k", rename_all = "snake_case")]
pub enum PageFrameKind {
    /// The script is installed in a document of this origin.
    Hello {
        /// Version of the page script's commands.
        version: u32,
        /// `location.origin`.
        origin: String,
        /// `location.pathname`: tells logged in from logged out on most sites.
        path: String,
    },
    /// The response's head.
    Head {
        /// HTTP status.
        status: u16,
        /// Where redirects led, without the query.
        url: String,
        /// `content-type`, or empty.
        content_type: String,
        /// `retry-after`, or empty.
        retry_after: String,
    },
    /// A piece of the body, decoded as UTF-8 across chunks.
    Chunk {
        /// The text.
        text: String,
    },
    /// The body's end; bytes that never became text are an error, not an end.
    End,
    /// The command's result, for commands that are no requests.
    Value {
        /// Whatever the command returns.
        value: serde_json::Value,
    },
    /// The command failed.
    Error {
        /// `aborted`, `network`, `encoding` (the body is not UTF-8, or ends inside a character), `missing` (the
        /// message is the selector that matches nothing) or `script`.
        code: String,
        /// The exception's name and message, cut to 200 characters.
        message: String,
    },
    /// The script of a new document is to speak through a WebSocket, and dials it; said over the binding.
    Dialling,
    /// The script was to speak through a WebSocket and cannot; said over the binding, once, and the script ends.
    NoSocket {
        /// `policy` (the page's Content-Security-Policy), `insecure` (mixed content), `failed` (it could not be opened in
        /// time, for whatever reason the browser keeps to itself) or `lost` (nor opened again after it broke).
        reason: String,
    },
}
