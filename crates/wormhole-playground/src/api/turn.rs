//! `POST /conversations/{id}/turn-streaming`: one text in, an answer streamed back.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::Path;
use axum::extract::State;
use axum::http::header::CACHE_CONTROL;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::response::Response;
use serde::Deserialize;

use super::ApiError;
use super::Json;
use super::Met;
use super::conversations::unknown;
use super::session::Writer;
use crate::answer;
use crate::answer::EYES;
use crate::answer::Encoder;
use crate::answer::Question;
use crate::answer::choose;
use crate::app::App;
use crate::app::lock;
use crate::body::Answer;
use crate::conversations::Refusal;
use crate::fault::Call;
use crate::fault::Fault;
use crate::images;
use crate::images::Image;
use crate::observe::InFlight;
use crate::observe::Outcome;

/// The parts of the request that the site uses. Like the real one it ignores `systemMessage`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewTurn {
    prompt: Prompt,
    model: Option<String>,
    model_id: Option<String>,
    parent_idx: Option<u64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Prompt {
    text: String,
    /// `data:` URLs.
    #[serde(default)]
    images: Vec<String>,
    model: Option<String>,
    model_id: Option<String>,
}

pub(super) async fn stream(
    State(app): State<Arc<App>>,
    writer: Writer,
    Path(id): Path<String>,
    Json(new): Json<NewTurn>,
) -> Result<Response, ApiError> {
    lock(&app.conversations).check(&id, new.parent_idx).map_err(refused)?;
    let model = new.model.as_deref().or(new.prompt.model.as_deref());
    let model_id = new.model_id.as_deref().or(new.prompt.model_id.as_deref());
    let model = choose(&app, model, model_id).await.map_err(ApiError::invalid)?;
    let images = seen(&model, &new.prompt.images)?;
    let text: Arc<str> = new.prompt.text.into();
    let mut in_flight = app.observed.enter(&id, &model, &text);
    let fault = app.meet(Call::Turn);
    let in_stream = matches!(fault, Some(Fault::Stall { .. } | Fault::Cut { .. } | Fault::UnknownShape));
    if let Some(fault) = fault.clone().filter(|fault| !in_stream && *fault != Fault::HoldResponse)
        && let Some(wrong) = (Met { app: &app, browser: &writer.browser }).instead(fault).await
    {
        in_flight.ends(Outcome::Refused);
        return Ok(wrong);
    }
    let asked = Asked { app, conversation: id, model, text, images, parent: new.parent_idx };
    asked.answer(in_flight, fault).await
}

struct Asked {
    app: Arc<App>,
    conversation: String,
    model: String,
    text: Arc<str>,
    images: Vec<Image>,
    parent: Option<u64>,
}

impl Asked {
    /// Records the turn and begins its stream; a call held back is recorded before it is held.
    async fn answer(self, mut in_flight: InFlight, fault: Option<Fault>) -> Result<Response, ApiError> {
        let Self { app, conversation, model, text, images, parent } = self;
        let accepted = lock(&app.conversations).accept(&conversation, parent, &text);
        let turn = accepted.map_err(|refusal| {
            in_flight.ends(Outcome::Refused);
            refused(refusal)
        })?;
        if fault == Some(Fault::HoldResponse) {
            app.hold().await;
        }
        let question = Question { conversation: &conversation, text: &text, images: &images };
        let words = answer::begin(&app, &model, question).await.map_err(|error| {
            in_flight.ends(Outcome::Refused);
            tracing::warn!(error = &error as &dyn std::error::Error, "no answer from the model server");
            ApiError::bad_gateway("the model server did not answer")
        })?;
        let switches = app.switches();
        let body = Answer {
            words,
            encoder: Encoder::new(&switches, &model, fault == Some(Fault::UnknownShape)),
            turn,
            in_flight,
            fault,
            pause: Duration::from_millis(switches.cut_pause_ms.into()),
        };
        let headers =
            [(CONTENT_TYPE, "text/event-stream; charset=utf-8"), (CACHE_CONTROL, "no-cache, no-transform")];
        Ok((headers, body.into_body()).into_response())
    }
}

/// The images of a turn for `model`.
pub(super) fn seen(model: &str, urls: &[String]) -> Result<Vec<Image>, ApiError> {
    if !urls.is_empty() && model != EYES {
        return Err(ApiError::invalid(format!("the model `{model}` takes no images")));
    }
    images::read(urls).map_err(ApiError::invalid)
}

fn refused(refusal: Refusal) -> ApiError {
    match refusal {
        Refusal::Unknown => unknown(),
        Refusal::Parent { expected } => ApiError::conflict(format!("`parentIdx` must be {expected}")),
        Refusal::Full => ApiError::conflict("this conversation has as many turns as it may have"),
    }
}
