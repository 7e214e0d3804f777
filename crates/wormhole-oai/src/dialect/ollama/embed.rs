//! `POST /api/embed`, and `/api/embeddings` of old.

use std::time::{Duration, Instant};

use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use serde_json::Value;
use wormhole_api::embeddings::EmbeddingRequest;
use wormhole_api::ollama::{EmbedRequest, Embedded, EmbeddedOne};

use super::error;
use crate::api::Api;
use crate::body;
use crate::dialect::json;
use crate::embeddings::{Vectors, unsupported};
use crate::errors::ApiError;

/// Several texts.
pub(super) async fn embed(State(api): State<Api>, request: Request) -> Response {
    let started = Instant::now();
    match vectors(&api, request).await {
        Ok((model, vectors)) => {
            let answer = Embedded {
                model: &model,
                embeddings: vectors.numbers,
                total_duration: nanoseconds(started.elapsed()),
                load_duration: 1,
                prompt_eval_count: vectors.tokens,
            };
            json(StatusCode::OK, &answer)
        }
        Err(failed) => error(&failed),
    }
}

/// One text.
pub(super) async fn embeddings(State(api): State<Api>, request: Request) -> Response {
    match vectors(&api, request).await {
        Ok((_, vectors)) => {
            let embedding = vectors.numbers.into_iter().next().unwrap_or_default();
            json(StatusCode::OK, &EmbeddedOne { embedding })
        }
        Err(failed) => error(&failed),
    }
}

async fn vectors(api: &Api, request: Request) -> Result<(String, Vectors), ApiError> {
    let request: EmbedRequest = body::read(request, api.limits.body).await?;
    let upstream = api.embeddings.as_ref().ok_or_else(unsupported)?;
    let model = request.model.filter(|name| !name.is_empty()).ok_or_else(|| ApiError::missing("model"))?;
    let input = request.input.or_else(|| request.prompt.map(Value::String));
    let input = input.filter(|input| !input.is_null()).ok_or_else(|| ApiError::missing("input"))?;
    if matches!(&input, Value::Array(texts) if texts.is_empty()) {
        // Ollama answers nothing with nothing.
        return Ok((model, Vectors { numbers: Vec::new(), tokens: 0 }));
    }
    let asked = EmbeddingRequest {
        model: Some(model.clone()),
        input,
        encoding_format: None,
        dimensions: request.dimensions,
        user: None,
    };
    let vectors = upstream.vectors(asked).await?;
    Ok((model, vectors))
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX).max(1)
}
