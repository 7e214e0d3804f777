//! `GET /api/ps`, `POST /api/pull`, and what only a server with model files can do.

use axum::Extension;
use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use jiff::Timestamp;
use wormhole_api::ndjson;
use wormhole_api::ollama::{PullRequest, Running, RunningModel, Status};

use super::error;
use super::models::{DETAILS, digest, tagged};
use crate::api::Api;
use crate::body;
use crate::dialect::{self, streamed};
use crate::errors::{ApiError, Kind};
use crate::turns::Caller;

/// How long a model says that it stays loaded. Clients show it; nothing is ever unloaded here.
const STAYS_SECONDS: i64 = 24 * 60 * 60;

/// Every model, for each is ready to answer.
pub(super) async fn ps(State(api): State<Api>, Extension(caller): Extension<Caller>) -> Response {
    let catalogue = api.models.catalogue(&caller.accounts);
    let until = Timestamp::now().as_second().saturating_add(STAYS_SECONDS);
    let until = Timestamp::from_second(until).unwrap_or(Timestamp::MAX);
    let expires_at = until.strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string();
    let named: Vec<_> = catalogue.entries().map(|entry| (tagged(&entry.name), digest(&entry.name))).collect();
    let models = named.iter().map(|(name, digest)| RunningModel {
        name,
        model: name,
        size: 0,
        digest,
        details: DETAILS,
        expires_at: &expires_at,
        size_vram: 0,
        context_length: api.limits.context_length,
    });
    dialect::json(StatusCode::OK, &Running { models: models.collect() })
}

/// A model that is there is there already; another cannot be fetched.
pub(super) async fn pull(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Response {
    match pulled(&api, &caller, request).await {
        Ok(true) => {
            let mut lines = Vec::new();
            for status in ["pulling manifest", "success"] {
                ndjson::line(&mut lines, &Status { status });
            }
            streamed(ndjson::CONTENT_TYPE, lines.into())
        }
        Ok(false) => dialect::json(StatusCode::OK, &Status { status: "success" }),
        Err(failed) => error(&failed),
    }
}

/// Whether the answer is a stream.
async fn pulled(api: &Api, caller: &Caller, request: Request) -> Result<bool, ApiError> {
    let request: PullRequest = body::read(request, api.limits.body).await?;
    let name = request.model.filter(|model| !model.is_empty()).or(request.name);
    let name = name.filter(|name| !name.is_empty()).ok_or_else(|| ApiError::missing("model"))?;
    let catalogue = api.models.catalogue(&caller.accounts);
    match catalogue.find(&name) {
        Some(_) => Ok(request.stream.unwrap_or(true)),
        None => Err(ApiError::model_unknown(&name, &catalogue.some_names())),
    }
}

/// Making, copying, pushing and deleting models.
pub(super) async fn no_files() -> Response {
    let message = "not supported: the models are those of the chat sites, and there are no model files here";
    error(&ApiError::new(Kind::Unsupported, message))
}
