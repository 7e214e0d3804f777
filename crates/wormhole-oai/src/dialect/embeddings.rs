//! OpenAI's embeddings, passed to the server that the operator named.

use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use wormhole_api::embeddings::{EmbeddingList, EmbeddingRequest};

use super::envelope::error;
use super::json;
use crate::api::Api;
use crate::body;
use crate::embeddings::{pack, unsupported};
use crate::errors::ApiError;
use crate::routes::{Answer, Field, Routes};
use crate::routes::{NUMBER, TEXT, TEXT_OR_LIST};

/// The routes.
pub(crate) fn routes() -> Routes {
    let summary = "Embeddings, from the server that the operator named.";
    Routes::new("OpenAI").post("/v1/embeddings", summary, EMBED, Answer::Json, embeddings)
}

/// What a request may ask for.
const EMBED: &[Field] = &[
    ("model", TEXT, "The model's name, with or without its site or `:latest`."),
    ("input", TEXT_OR_LIST, "A text, or texts."),
    ("encoding_format", TEXT, "float or base64."),
    ("dimensions", NUMBER, "How many numbers; passed on."),
    ("user", TEXT, "Passed on."),
];

/// The handler.
async fn embeddings(State(api): State<Api>, request: Request) -> Response {
    match list(&api, request).await {
        Ok(list) => json(StatusCode::OK, &list),
        Err(failed) => error(&failed),
    }
}

async fn list(api: &Api, request: Request) -> Result<EmbeddingList, ApiError> {
    let request: EmbeddingRequest = body::read(request, api.limits.body).await?;
    let upstream = api.embeddings.as_ref().ok_or_else(unsupported)?;
    let packed = match request.encoding_format.as_deref() {
        None | Some("float") => false,
        Some("base64") => true,
        Some(_) => {
            let message = "'encoding_format' is unknown: expected float or base64";
            return Err(ApiError::field("encoding_format", message));
        }
    };
    let mut list = upstream.list(request).await?;
    if packed {
        list.data.iter_mut().for_each(|embedding| pack(&mut embedding.embedding));
    }
    Ok(list)
}
