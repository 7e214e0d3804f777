//! `GET /api/ps`, `POST /api/pull`.

use serde::{Deserialize, Serialize};

use super::Details;

/// The models that are loaded.
#[derive(Debug, Serialize)]
pub struct Running<'a> {
    /// The models.
    pub models: Vec<RunningModel<'a>>,
}

/// A model that is loaded.
#[derive(Debug, Serialize)]
pub struct RunningModel<'a> {
    /// With its tag.
    pub name: &'a str,
    /// The same.
    pub model: &'a str,
    /// Bytes.
    pub size: u64,
    /// As in the list of models.
    pub digest: &'a str,
    /// What kind of model.
    pub details: Details<'a>,
    /// RFC 3339 with an offset in numbers and no more than microseconds: Python reads no other everywhere.
    pub expires_at: &'a str,
    /// Bytes.
    pub size_vram: u64,
    /// In tokens.
    pub context_length: u32,
}

/// `POST /api/pull`: clients send `model`, or only `name`.
#[derive(Debug, Deserialize)]
#[serde(expecting = "an object")]
pub struct PullRequest {
    /// The model.
    pub model: Option<String>,
    /// Its older name.
    pub name: Option<String>,
    /// Say how far it is; **on** by default.
    pub stream: Option<bool>,
}

/// How far it is.
#[derive(Debug, Serialize)]
pub struct Status<'a> {
    /// `success` at the end.
    pub status: &'a str,
}
