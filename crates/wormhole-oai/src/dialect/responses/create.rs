//! `POST /v1/responses`.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use serde_json::{Map, Value, json};
use wormhole_api::responses::{CreateRequest, Response as Object};
use wormhole_api::{TextOr, asked, sse};

use super::encode::EventEncoder;
use super::error;
use super::input::Read;
use super::output::{Keep, Output};
use super::tools::{Names, Tools};
use crate::api::Api;
use crate::body;
use crate::chat::{self, Chat, Limits, Message, Part, Role};
use crate::dialect::{self, json as json_answer};
use crate::errors::ApiError;
use crate::reply::Whole;
use crate::responses_store::ResponsesStore;
use crate::turns::Caller;

/// The handler.
pub(super) async fn create(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Response {
    respond(&api, caller, request).await.unwrap_or_else(|failed| error(&failed))
}

async fn respond(api: &Api, caller: Caller, request: Request) -> Result<Response, ApiError> {
    let request: CreateRequest = body::read(request, api.limits.body).await?;
    let wants_stream = request.stream.unwrap_or(false);
    let Reading { chat, names, object, items } = read(request, &*api.responses, &caller.scope)?;
    let keep =
        object.store.then(|| Keep { store: Arc::clone(&api.responses), caller: caller.scope.clone(), items });
    dialect::answer(api, caller, chat, wants_stream, |target, _| {
        let object = Object { model: target.asked.clone(), ..object };
        EventEncoder::new(Output::new(object, names, keep), api.busy.token())
    })
    .await
}

impl dialect::Write for EventEncoder {
    const STREAM: &'static str = sse::CONTENT_TYPE;

    fn whole(self, whole: Whole) -> Response {
        json_answer(StatusCode::OK, self.into_output().whole(whole))
    }
}

/// What a request means.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) chat: Chat,
    pub(super) names: Names,
    /// The response object before anything of the answer is there.
    pub(super) object: Object,
    /// The conversation so far, to be kept.
    pub(super) items: Vec<Value>,
}

/// Reads a request, with the conversation that it continues.
pub(super) fn read(
    mut request: CreateRequest,
    store: &dyn ResponsesStore,
    caller: &str,
) -> Result<Reading, ApiError> {
    for (name, value) in [("conversation", &request.conversation), ("prompt", &request.prompt)] {
        if value.is_some() {
            let message = format!("'{name}' is not kept here: send the input, or 'previous_response_id'");
            return Err(ApiError::field(name, message));
        }
    }
    let new = match request.input.take().ok_or_else(|| ApiError::missing("input"))? {
        TextOr::Text(text) => vec![json!({"type": "message", "role": "user", "content": text})],
        TextOr::Many(items) => items,
    };
    let mut tools = Tools::read(request.tools.as_deref().unwrap_or_default())?;
    let tool_choice = tools.choose(request.tool_choice.as_ref())?;
    let mut read = Read::default();
    read.messages.extend(request.instructions.clone().filter(|text| !text.is_empty()).map(system));
    let mut items = previous(&request, store, caller)?;
    read.items(&items)?;
    read.items(&new)?;
    items.extend(new);
    let asked_for = asked(&request.rest).map(str::to_owned);
    let sampling = [("temperature", request.temperature), ("top_p", request.top_p)];
    let sampling = sampling.iter().filter(|(_, value)| value.is_some()).map(|(name, _)| (*name).to_owned());
    let effort = request.reasoning.as_ref().and_then(|reasoning| reasoning.get("effort")?.as_str());
    // No site lets it be set.
    let told_effort = effort.map(|_| "reasoning.effort".to_owned());
    let mut ignored: Vec<String> =
        sampling.chain(asked_for).chain(told_effort).chain(tools.ignored).chain(read.ignored).collect();
    ignored.dedup();
    let max_tokens = request.max_output_tokens.and_then(|most| u64::try_from(most).ok());
    let chat = Chat {
        model: request.model.clone(),
        messages: read.messages,
        limits: Limits { stop: Vec::new(), max_tokens: max_tokens.filter(|&most| most > 0) },
        ignored,
        tools: tools.offered,
        tool_choice,
        parallel_calls: request.parallel_tool_calls.unwrap_or(true),
        output: format(request.text.as_ref())?,
        effort: effort.map(str::to_owned),
    };
    Ok(Reading { chat, names: tools.names, object: object(request), items })
}

fn system(text: String) -> Message {
    Message::new(Role::System, vec![Part::Text(text)])
}

fn previous(
    request: &CreateRequest,
    store: &dyn ResponsesStore,
    caller: &str,
) -> Result<Vec<Value>, ApiError> {
    match request.previous_response_id.as_deref().filter(|id| !id.is_empty()) {
        None => Ok(Vec::new()),
        Some(id) => {
            store.get(caller, id).map(|stored| stored.items).ok_or_else(|| ApiError::previous_unknown(id))
        }
    }
}

/// `text.format`.
fn format(text: Option<&Map<String, Value>>) -> Result<chat::Output, ApiError> {
    let Some(format) = text.and_then(|text| text.get("format")).filter(|format| !format.is_null()) else {
        return Ok(chat::Output::Text);
    };
    match format.get("type").and_then(Value::as_str) {
        Some("text") => Ok(chat::Output::Text),
        Some("json_object") => Ok(chat::Output::Json),
        Some("json_schema") => {
            let schema = format.get("schema").filter(|schema| schema.is_object());
            let schema = schema.ok_or_else(|| ApiError::missing("text.format.schema"))?;
            let name = format.get("name").and_then(Value::as_str).unwrap_or("answer");
            Ok(chat::Output::Schema { name: name.to_owned(), schema: schema.clone() })
        }
        _ => {
            let message = "'text.format' is unknown: expected text, json_object or json_schema";
            Err(ApiError::field("text.format", message))
        }
    }
}

/// The response object as it is announced.
fn object(request: CreateRequest) -> Object {
    let or = |given: Option<Map<String, Value>>, defaults: Value| {
        let mut all = if let Value::Object(map) = defaults { map } else { Map::new() };
        all.extend(given.unwrap_or_default());
        all
    };
    Object {
        id: format!("resp_{}", uuid::Uuid::now_v7().simple()),
        object: "response",
        created_at: jiff::Timestamp::now().as_second(),
        completed_at: None,
        status: "in_progress",
        background: false,
        error: None,
        incomplete_details: None,
        instructions: request.instructions,
        max_output_tokens: request.max_output_tokens.filter(|&most| most > 0),
        max_tool_calls: None,
        model: String::new(),
        output: Vec::new(),
        parallel_tool_calls: request.parallel_tool_calls.unwrap_or(true),
        previous_response_id: request.previous_response_id,
        prompt_cache_key: request.prompt_cache_key,
        reasoning: or(request.reasoning, json!({"effort": null, "summary": null})),
        safety_identifier: request.safety_identifier,
        service_tier: "default",
        store: request.store.unwrap_or(true),
        temperature: request.temperature.unwrap_or(1.0),
        top_p: request.top_p.unwrap_or(1.0),
        presence_penalty: 0.0,
        frequency_penalty: 0.0,
        text: or(request.text, json!({"format": {"type": "text"}, "verbosity": "medium"})),
        tool_choice: request.tool_choice.filter(|choice| !choice.is_null()).unwrap_or_else(|| json!("auto")),
        tools: request.tools.unwrap_or_default(),
        top_logprobs: 0,
        truncation: "disabled",
        usage: None,
        metadata: request.metadata.filter(is_notes).unwrap_or_else(|| json!({})),
    }
}

/// Texts by name, as clients read them back.
fn is_notes(metadata: &Value) -> bool {
    metadata.as_object().is_some_and(|notes| notes.values().all(Value::is_string))
}
