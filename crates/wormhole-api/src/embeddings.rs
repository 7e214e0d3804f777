//! OpenAI's embeddings: as clients send and read them, and as they are asked for and answered behind this API.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The request. Its fields are passed on.
#[derive(Debug, Deserialize, Serialize)]
#[serde(expecting = "an object")]
pub struct EmbeddingRequest {
    /// The model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// A text, texts, or token numbers.
    pub input: Value,
    /// `float` or `base64`; the SDKs ask for the latter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding_format: Option<String>,
    /// How many numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dimensions: Option<Value>,
    /// Who asks, as the client says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<Value>,
}

/// The answer.
#[derive(Debug, Deserialize, Serialize)]
pub struct EmbeddingList {
    /// Always `list`.
    #[serde(default = "list")]
    pub object: String,
    /// One for each text.
    pub data: Vec<Embedding>,
    /// The model that answered.
    #[serde(default)]
    pub model: String,
    /// Counts, if the server behind gave any.
    #[serde(default)]
    pub usage: EmbeddingUsage,
}

/// One text's numbers.
#[derive(Debug, Deserialize, Serialize)]
pub struct Embedding {
    /// Always `embedding`.
    #[serde(default = "embedding")]
    pub object: String,
    /// The text's place.
    #[serde(default)]
    pub index: u64,
    /// The numbers.
    pub embedding: Numbers,
}

/// Numbers, or the same packed: little-endian, four bytes each, in base64.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(untagged, expecting = "expected a list of numbers or base64")]
pub enum Numbers {
    /// The numbers.
    List(Vec<f32>),
    /// Packed.
    Packed(String),
}

/// Counts.
#[derive(Debug, Default, Clone, Copy, Deserialize, Serialize)]
pub struct EmbeddingUsage {
    /// Of the texts.
    #[serde(default)]
    pub prompt_tokens: u64,
    /// The same.
    #[serde(default)]
    pub total_tokens: u64,
}

fn list() -> String {
    "list".to_owned()
}

fn embedding() -> String {
    "embedding".to_owned()
}
