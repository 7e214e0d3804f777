//! `POST /api/generate`.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Counts, KeepAlive, Options, Think};
use crate::Rest;

/// The request. Whatever is not named here lands in `rest`.
#[derive(Debug, Deserialize)]
#[serde(expecting = "an object")]
pub struct GenerateRequest {
    /// The model, with or without `:latest`.
    pub model: Option<String>,
    /// The text; none asks to load or unload the model.
    pub prompt: Option<String>,
    /// What comes after the text that is asked for.
    pub suffix: Option<String>,
    /// System text.
    pub system: Option<String>,
    /// Pictures in base64.
    pub images: Option<Vec<String>>,
    /// `json`, or a JSON schema.
    pub format: Option<Value>,
    /// Stream the answer; **on** by default.
    pub stream: Option<bool>,
    /// Show the reasoning.
    pub think: Option<Think>,
    /// Settings of the model.
    pub options: Option<Options>,
    /// How long to keep the model loaded; 0 unloads it.
    pub keep_alive: Option<KeepAlive>,
    /// Every other field.
    #[serde(flatten)]
    pub rest: Rest,
}

/// A line of the stream, or the whole answer.
#[derive(Debug, Serialize)]
pub struct GenerateLine<'a> {
    /// The model as the client asked for it.
    pub model: &'a str,
    /// RFC 3339.
    pub created_at: &'a str,
    /// More of the answer.
    pub response: &'a str,
    /// More of the reasoning.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thinking: Option<&'a str>,
    /// Why it ended: `stop`, `length`, `load`, `unload`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub done_reason: Option<&'a str>,
    /// Nothing follows.
    pub done: bool,
    /// In the last line of a real answer; empty, because there are no token numbers here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<[u32; 0]>,
    /// In the last line of a real answer.
    #[serde(flatten)]
    pub counts: Option<Counts>,
}
