//! `POST /api/generate`.

use axum::Extension;
use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use serde_json::Value;
use tokio_util::task::task_tracker::TaskTrackerToken;
use wormhole_api::ollama::{Counts, ErrorBody, GenerateLine, GenerateRequest, Think};
use wormhole_api::{asked, ndjson};

use super::encode::{Clock, done_word, now};
use super::{error, parse};
use crate::api::Api;
use crate::body;
use crate::chat::{Chat, Image, Limits, Message, Output, Part as Piece, Role};
use crate::dialect::{self, json};
use crate::errors::ApiError;
use crate::fill;
use crate::reply::{Finish, Part, Whole};
use crate::stream::Encode;
use crate::turns::Caller;

/// The handler.
pub(super) async fn generate(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Response {
    answer(&api, caller, request).await.unwrap_or_else(|failed| error(&failed))
}

async fn answer(api: &Api, caller: Caller, request: Request) -> Result<Response, ApiError> {
    let request: GenerateRequest = body::read(request, api.limits.body).await?;
    let says_nothing = |text: &Option<String>| text.as_ref().is_none_or(String::is_empty);
    if says_nothing(&request.prompt) && says_nothing(&request.suffix) {
        return loaded(api, &caller, &request);
    }
    let wants_stream = request.stream.unwrap_or(true);
    let shows_thinking = request.think != Some(Think::Switch(false));
    dialect::answer(api, caller, chat(request)?, wants_stream, |target, reply| LineEncoder {
        model: target.asked.clone(),
        shows_thinking,
        clock: Clock::from(reply),
        _busy: api.busy.token(),
    })
    .await
}

/// No prompt: the client asks to load or unload the model, which is nothing here, and no turn.
fn loaded(api: &Api, caller: &Caller, request: &GenerateRequest) -> Result<Response, ApiError> {
    let target = api.models.target(request.model.as_deref(), &caller.accounts)?;
    let reason = if parse::unloads(request.keep_alive.as_ref()) { "unload" } else { "load" };
    Ok(json(StatusCode::OK, &line(&target.asked, &now(), ("", None), Some((reason, None)))))
}

fn chat(request: GenerateRequest) -> Result<Chat, ApiError> {
    let options = request.options.unwrap_or_default();
    let nested = asked(&options.rest).map(|name| format!("options.{name}"));
    let ignored = asked(&request.rest).map(str::to_owned).chain(nested).collect();
    // Negative means no limit.
    let max_tokens = options.num_predict.and_then(|most| u64::try_from(most).ok()).filter(|&most| most > 0);
    let system = request.system.filter(|text| !text.is_empty());
    let system = system.map(|text| Message::new(Role::System, vec![Piece::Text(text)]));
    let mut asks = fill::message(request.prompt.unwrap_or_default(), request.suffix.as_deref());
    let images = request.images.unwrap_or_default().into_iter().map(Image::from_base64);
    asks.parts.extend(images.map(Piece::Image));
    let effort = match request.think {
        Some(Think::Level(level)) => Some(level),
        Some(Think::Switch(_)) | None => None,
    };
    Ok(Chat {
        model: request.model,
        messages: system.into_iter().chain([asks]).collect(),
        limits: Limits { stop: options.stop, max_tokens },
        ignored,
        output: output(request.format)?,
        effort,
        ..Chat::default()
    })
}

/// `format`: nothing, `json`, or a schema.
pub(super) fn output(format: Option<Value>) -> Result<Output, ApiError> {
    match format {
        None | Some(Value::Null) => Ok(Output::Text),
        Some(Value::String(text)) if text.is_empty() => Ok(Output::Text),
        Some(Value::String(text)) if text == "json" => Ok(Output::Json),
        Some(schema @ Value::Object(_)) => Ok(Output::Schema { name: "answer".to_owned(), schema }),
        Some(_) => Err(ApiError::field("format", "'format' is unknown: expected \"json\" or a JSON schema")),
    }
}

/// Writes the lines of one answer.
struct LineEncoder {
    model: String,
    shows_thinking: bool,
    clock: Clock,
    /// A drain waits for streams, too.
    _busy: TaskTrackerToken,
}

impl LineEncoder {
    fn delta(&self, out: &mut Vec<u8>, response: &str, thinking: Option<&str>) {
        ndjson::line(out, &line(&self.model, &now(), (response, thinking), None));
    }

    fn end(&self, out: &mut Vec<u8>, finish: Finish, counts: Counts) {
        let end = Some((done_word(finish), Some(counts)));
        ndjson::line(out, &line(&self.model, &now(), ("", None), end));
    }
}

impl dialect::Write for LineEncoder {
    const STREAM: &'static str = ndjson::CONTENT_TYPE;

    fn whole(self, whole: Whole) -> Response {
        let thinking = Some(whole.reasoning.as_str()).filter(|text| self.shows_thinking && !text.is_empty());
        let end = Some((done_word(whole.finish), Some(self.clock.counts(whole.usage))));
        json(StatusCode::OK, &line(&self.model, &now(), (&whole.text, thinking), end))
    }
}

impl Encode for LineEncoder {
    fn open(&mut self, out: &mut Vec<u8>) {
        self.beat(out);
    }

    fn part(&mut self, part: Part, out: &mut Vec<u8>) {
        self.clock.see(&part);
        match part {
            Part::Text(text) => self.delta(out, &text, None),
            Part::Reasoning(text) if self.shows_thinking => self.delta(out, "", Some(&text)),
            // This path offers no tools.
            Part::Reasoning(_)
            | Part::CallBegin { .. }
            | Part::CallArguments { .. }
            | Part::CallEnd { .. } => {}
            Part::End(finish, usage) => self.end(out, finish, self.clock.counts(usage)),
            Part::Failed(failure) => {
                let error = ApiError::from(failure);
                let status = Some(error.status().as_u16());
                ndjson::line(out, &ErrorBody { error: error.message(), status });
            }
        }
    }

    fn beat(&mut self, out: &mut Vec<u8>) {
        self.delta(out, "", None);
    }
}

fn line<'a>(
    model: &'a str,
    created_at: &'a str,
    (response, thinking): (&'a str, Option<&'a str>),
    end: Option<(&'a str, Option<Counts>)>,
) -> GenerateLine<'a> {
    let counts = end.and_then(|(_, counts)| counts);
    GenerateLine {
        model,
        created_at,
        response,
        thinking,
        done_reason: end.map(|(reason, _)| reason),
        done: end.is_some(),
        context: counts.map(|_| []),
        counts,
    }
}
