//! `GET /api/tags` and `POST /api/show`.

use std::collections::BTreeMap;

use axum::Extension;
use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use wormhole_api::ollama::{Details, Show, ShowRequest, Tag, Tags};

use super::error;
use crate::api::Api;
use crate::body;
use crate::dialect;
use crate::errors::ApiError;
use crate::models::{Catalogue, Entry};
use crate::turns::Caller;

/// What every model can do: tools because they are read out of its text, thinking because what a site tells is shown.
const CAPABILITIES: &[&str] = &["completion", "tools", "thinking"];

/// What those can do that take images: this API's word for it is vision.
const WITH_IMAGES: &[&str] = &["completion", "tools", "thinking", "vision"];

/// No model here has a file; these words stand where strict clients need some.
pub(super) const DETAILS: Details<'static> = Details {
    parent_model: "",
    format: "remote",
    family: "wormhole",
    families: ["wormhole"],
    parameter_size: "unknown",
    quantization_level: "unknown",
};

/// The list.
pub(super) async fn tags(State(api): State<Api>, Extension(caller): Extension<Caller>) -> Response {
    let catalogue = api.models.catalogue(&caller.accounts);
    let modified_at = api.since.to_string();
    let named = catalogue.entries().map(|entry| (tagged(&entry.name), digest(&entry.name), entry.images));
    let named: Vec<_> = named.collect();
    let tag = |(name, digest, images)| Tag {
        name,
        model: name,
        modified_at: &modified_at,
        size: 0,
        digest,
        details: DETAILS,
        capabilities: capabilities(images),
    };
    let models = named.iter().map(|(name, digest, images)| tag((name.as_str(), digest.as_str(), *images)));
    let models = models.collect();
    dialect::json(StatusCode::OK, &Tags { models })
}

/// One model.
pub(super) async fn show(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Response {
    let catalogue = api.models.catalogue(&caller.accounts);
    match find(&api, &catalogue, request).await {
        Ok(entry) => shown(&api, entry),
        Err(failed) => error(&failed),
    }
}

async fn find<'a>(api: &Api, catalogue: &'a Catalogue, request: Request) -> Result<&'a Entry, ApiError> {
    let request: ShowRequest = body::read(request, api.limits.body).await?;
    let name = request.model.filter(|model| !model.is_empty()).or(request.name);
    let name = name.filter(|name| !name.is_empty()).ok_or_else(|| ApiError::missing("model"))?;
    catalogue.find(&name).ok_or_else(|| ApiError::model_unknown(&name, &catalogue.some_names()))
}

fn shown(api: &Api, entry: &Entry) -> Response {
    let length = api.limits.context_length;
    let model_info: BTreeMap<&str, Value> = BTreeMap::from([
        ("general.architecture", json!("wormhole")),
        // VS Code shows this as the model's name.
        ("general.basename", json!(entry.name)),
        ("general.parameter_count", json!(0)),
        ("wormhole.context_length", json!(length)),
        ("wormhole.embedding_length", json!(0)),
    ]);
    let show = Show {
        license: "",
        modelfile: &format!("FROM {}\n", entry.name),
        // Where Continue reads it.
        parameters: &format!("num_ctx {length}"),
        template: "{{ .Prompt }}",
        details: DETAILS,
        model_info,
        capabilities: capabilities(entry.images),
        modified_at: &api.since.to_string(),
    };
    dialect::json(StatusCode::OK, &show)
}

fn capabilities(images: bool) -> &'static [&'static str] {
    if images { WITH_IMAGES } else { CAPABILITIES }
}

/// The name with its tag: some clients compare names exactly with what they added `:latest` to.
pub(super) fn tagged(name: &str) -> String {
    if name.contains(':') { name.to_owned() } else { format!("{name}:latest") }
}

/// Different for each name, aliases included: clients take models with equal digests for one.
pub(super) fn digest(name: &str) -> String {
    hex::encode(Sha256::digest(format!("wormhole model {name}")))
}
