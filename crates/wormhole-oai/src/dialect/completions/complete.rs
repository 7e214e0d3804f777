//! `POST /v1/completions`.

use axum::Extension;
use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use serde_json::Value;
use tokio_util::task::task_tracker::TaskTrackerToken;
use wormhole_api::completions::{Completion, CompletionChoice, CompletionRequest};
use wormhole_api::openai::{StreamOptions, Usage};
use wormhole_api::{TextOr, asked, sse};

use super::{envelope, error};
use crate::api::Api;
use crate::body;
use crate::chat::{Chat, Limits};
use crate::dialect::{self, json};
use crate::errors::ApiError;
use crate::fill;
use crate::reply::{Finish, Part, Whole};
use crate::stream::Encode;
use crate::turns::Caller;
use crate::usage;

/// The handler.
pub(super) async fn completions(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Response {
    complete(&api, caller, request).await.unwrap_or_else(|failed| error(&failed))
}

async fn complete(api: &Api, caller: Caller, request: Request) -> Result<Response, ApiError> {
    let request: CompletionRequest = body::read(request, api.limits.body).await?;
    let wants_stream = request.stream.unwrap_or(false);
    let wants_usage = StreamOptions::want_usage(request.stream_options.as_ref());
    dialect::answer(api, caller, chat(request)?, wants_stream, |target, _| ChunkEncoder {
        identity: Identity {
            id: format!("cmpl-{}", uuid::Uuid::now_v7().simple()),
            created: jiff::Timestamp::now().as_second(),
            model: target.asked.clone(),
        },
        wants_usage,
        _busy: api.busy.token(),
    })
    .await
}

fn chat(request: CompletionRequest) -> Result<Chat, ApiError> {
    for (name, count) in [("n", request.n), ("best_of", request.best_of)] {
        if count.is_some_and(|count| count > 1) {
            return Err(ApiError::field(name, format!("only one answer at a time: {name} must be 1")));
        }
    }
    let max_tokens = request.max_tokens.and_then(|most| u64::try_from(most).ok()).filter(|&most| most > 0);
    let prompt = prompt(request.prompt)?;
    Ok(Chat {
        model: request.model,
        messages: vec![fill::message(prompt, request.suffix.as_deref())],
        limits: Limits { stop: request.stop, max_tokens },
        ignored: asked(&request.rest).map(str::to_owned).collect(),
        ..Chat::default()
    })
}

fn prompt(prompt: Option<TextOr<Value>>) -> Result<String, ApiError> {
    match prompt.ok_or_else(|| ApiError::missing("prompt"))? {
        TextOr::Text(text) => Ok(text),
        TextOr::Many(many) => match <[Value; 1]>::try_from(many) {
            Ok([Value::String(text)]) => Ok(text),
            Ok(_) => Err(ApiError::field("prompt", "'prompt' cannot be token numbers: send text")),
            Err(_) => Err(ApiError::field("prompt", "one prompt at a time: 'prompt' must be one text")),
        },
    }
}

/// What all chunks of an answer have in common.
struct Identity {
    id: String,
    created: i64,
    model: String,
}

impl Identity {
    fn chunk<'a>(&'a self, choices: &'a [CompletionChoice<'a>], usage: Option<Usage>) -> Completion<'a> {
        let Self { id, created, model } = self;
        Completion { id, object: "text_completion", created: *created, model, choices, usage }
    }
}

/// Writes the chunks of one answer.
struct ChunkEncoder {
    identity: Identity,
    wants_usage: bool,
    /// A drain waits for streams, too.
    _busy: TaskTrackerToken,
}

impl dialect::Write for ChunkEncoder {
    const STREAM: &'static str = sse::CONTENT_TYPE;

    fn whole(self, whole: Whole) -> Response {
        let choice = choice(&whole.text, Some(finish_word(whole.finish)));
        json(StatusCode::OK, &self.identity.chunk(&[choice], Some(cost(whole.usage))))
    }
}

impl Encode for ChunkEncoder {
    fn open(&mut self, out: &mut Vec<u8>) {
        sse::data(out, &self.identity.chunk(&[choice("", None)], None));
    }

    fn part(&mut self, part: Part, out: &mut Vec<u8>) {
        match part {
            Part::Text(text) => sse::data(out, &self.identity.chunk(&[choice(&text, None)], None)),
            Part::End(finish, usage) => {
                sse::data(out, &self.identity.chunk(&[choice("", Some(finish_word(finish)))], None));
                if self.wants_usage {
                    sse::data(out, &self.identity.chunk(&[], Some(cost(usage))));
                }
                out.extend_from_slice(sse::DONE);
            }
            Part::Failed(failure) => sse::data(out, &envelope(&ApiError::from(failure))),
            // This API has no place for thoughts and offers no tools.
            Part::Reasoning(_)
            | Part::CallBegin { .. }
            | Part::CallArguments { .. }
            | Part::CallEnd { .. } => {}
        }
    }

    fn beat(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(sse::PING);
    }
}

fn choice<'a>(text: &'a str, finish_reason: Option<&'a str>) -> CompletionChoice<'a> {
    CompletionChoice { index: 0, text, logprobs: None, finish_reason }
}

fn finish_word(finish: Finish) -> &'static str {
    match finish {
        Finish::Stop | Finish::Sequence(_) | Finish::ToolCalls => "stop",
        Finish::Length => "length",
        Finish::ContentFilter => "content_filter",
    }
}

fn cost(cost: usage::Usage) -> Usage {
    Usage { prompt_tokens: cost.prompt, completion_tokens: cost.completion, total_tokens: cost.total() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Chat, ApiError> {
        chat(serde_json::from_str(json).unwrap())
    }

    #[test]
    fn a_prompt_is_one_text() {
        for json in [r#"{"prompt":"a"}"#, r#"{"prompt":["a"],"n":1,"best_of":1}"#] {
            assert_eq!(read(json).unwrap().messages[0].text(), "a");
        }
        for (json, param) in [
            ("{}", "prompt"),
            (r#"{"prompt":["a","b"]}"#, "prompt"),
            (r#"{"prompt":[]}"#, "prompt"),
            (r#"{"prompt":[1,2]}"#, "prompt"),
            (r#"{"prompt":[[1]]}"#, "prompt"),
            (r#"{"prompt":"a","n":2}"#, "n"),
            (r#"{"prompt":"a","best_of":2}"#, "best_of"),
        ] {
            assert_eq!(read(json).unwrap_err().param(), Some(param), "{json}");
        }
        let chat = read(r#"{"prompt":"a","echo":true,"logprobs":1,"max_tokens":-1,"stop":"x"}"#).unwrap();
        assert_eq!(
            (chat.ignored, chat.limits.max_tokens),
            (vec!["echo".to_owned(), "logprobs".to_owned()], None)
        );
    }
}
