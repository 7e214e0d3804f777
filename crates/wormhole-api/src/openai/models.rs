//! `GET /v1/models` and `GET /v1/models/{id}`.

use serde::Serialize;

/// The list.
#[derive(Debug, Serialize)]
pub struct ModelList<'a> {
    /// Always `list`.
    pub object: &'static str,
    /// The models.
    pub data: Vec<Model<'a>>,
}

/// One model.
#[derive(Debug, Serialize)]
pub struct Model<'a> {
    /// The name that requests use; may hold `/` and `:`.
    pub id: &'a str,
    /// Always `model`.
    pub object: &'static str,
    /// Seconds since 1970.
    pub created: i64,
    /// Who offers it.
    pub owned_by: &'a str,
}
