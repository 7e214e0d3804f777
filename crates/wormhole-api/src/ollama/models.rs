//! `GET /api/tags`, `POST /api/show`, `GET /api/version`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The list of models.
#[derive(Debug, Serialize)]
pub struct Tags<'a> {
    /// The models.
    pub models: Vec<Tag<'a>>,
}

/// One model of the list. Nothing is null: strict clients need every field.
#[derive(Debug, Serialize)]
pub struct Tag<'a> {
    /// With its tag, `x:latest`: some clients compare names exactly.
    pub name: &'a str,
    /// The same.
    pub model: &'a str,
    /// RFC 3339.
    pub modified_at: &'a str,
    /// Bytes.
    pub size: u64,
    /// SHA-256 in hexadecimal; different for each model, because clients take equal ones for aliases.
    pub digest: &'a str,
    /// What kind of model.
    pub details: Details<'a>,
    /// What it can do.
    pub capabilities: &'a [&'a str],
}

/// What kind of model.
#[derive(Debug, Clone, Serialize)]
pub struct Details<'a> {
    /// Empty.
    pub parent_model: &'a str,
    /// File format.
    pub format: &'a str,
    /// Architecture.
    pub family: &'a str,
    /// The same in a list.
    pub families: [&'a str; 1],
    /// Such as `8B`.
    pub parameter_size: &'a str,
    /// Such as `Q4_0`.
    pub quantization_level: &'a str,
}

/// `POST /api/show`: clients send `model`, or only `name`.
#[derive(Debug, Deserialize)]
#[serde(expecting = "an object")]
pub struct ShowRequest {
    /// The model.
    pub model: Option<String>,
    /// Its older name, which Continue and LiteLLM send alone.
    pub name: Option<String>,
}

/// What is known of a model.
#[derive(Debug, Serialize)]
pub struct Show<'a> {
    /// Text of the licence.
    pub license: &'a str,
    /// How it was made.
    pub modelfile: &'a str,
    /// Lines such as `num_ctx 32768`: where Continue reads the context's length.
    pub parameters: &'a str,
    /// The prompt's template.
    pub template: &'a str,
    /// What kind of model.
    pub details: Details<'a>,
    /// `general.basename`, `<architecture>.context_length` …: where everybody else reads it.
    pub model_info: BTreeMap<&'a str, serde_json::Value>,
    /// What it can do; without this list VS Code drops the model.
    pub capabilities: &'a [&'a str],
    /// RFC 3339.
    pub modified_at: &'a str,
}

/// The version, which clients compare with the least they need (0.13.4 is the highest known).
#[derive(Debug, Serialize)]
pub struct Version {
    /// Three numbers.
    pub version: &'static str,
}
