//! `POST /api/embed`, and `/api/embeddings` of old.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{KeepAlive, Options};

/// The request.
#[derive(Debug, Deserialize)]
#[serde(expecting = "an object")]
pub struct EmbedRequest {
    /// The model, with or without `:latest`.
    pub model: Option<String>,
    /// A text, or texts.
    pub input: Option<Value>,
    /// The text, in the older API.
    pub prompt: Option<String>,
    /// How many numbers.
    pub dimensions: Option<Value>,
    /// Settings of the model.
    pub options: Option<Options>,
    /// How long to keep the model loaded.
    pub keep_alive: Option<KeepAlive>,
}

/// The answer.
#[derive(Debug, Serialize)]
pub struct Embedded<'a> {
    /// The model as the client asked for it.
    pub model: &'a str,
    /// One for each text.
    pub embeddings: Vec<Vec<f32>>,
    /// Nanoseconds.
    pub total_duration: u64,
    /// Nanoseconds.
    pub load_duration: u64,
    /// Tokens.
    pub prompt_eval_count: u64,
}

/// The answer of the older API.
#[derive(Debug, Serialize)]
pub struct EmbeddedOne {
    /// Of the one text.
    pub embedding: Vec<f32>,
}
