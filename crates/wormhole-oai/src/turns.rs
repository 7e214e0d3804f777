//! From a conversation to the reply to it: models, prompt, submission.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tracing::{debug, error};
use wormhole_client::Sender;
use wormhole_protocol::{Failure, FailureCode, MAX_FRAME_BYTES, Submit, TurnId};

use crate::chat::{Chat, Limits, Part};
use crate::decode::Decoder;
use crate::errors::{ApiError, Kind};
use crate::metrics::Metrics;
use crate::models::{Models, Target};
use crate::prompt::Prompt;
use crate::reply::{Again, Beginning, Reply};
use crate::usage;

/// The most stop sequences of a request, and the most bytes of each: what is withheld for them stays small.
const MAX_STOPS: usize = 64;
const MAX_STOP_BYTES: usize = 1024;

/// Who asks.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// The name of the key.
    pub name: String,
    /// The request's id.
    pub request: String,
}

/// Submits turns.
pub(crate) struct Turns {
    /// The link to the hub.
    pub sender: Sender,
    /// Which models there are.
    pub models: Arc<Models>,
    /// Renders what is posted.
    pub prompt: Prompt,
    /// Counts.
    pub metrics: Metrics,
    /// How long a turn may take.
    pub deadline: Duration,
}

impl fmt::Debug for Turns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turns").field("models", &self.models).finish_non_exhaustive()
    }
}

/// A turn that was submitted.
pub(crate) struct Started {
    /// What it is posted to.
    pub target: Target,
    /// The answer.
    pub reply: Reply,
}

impl Turns {
    /// Submits a conversation.
    ///
    /// # Errors
    /// It cannot be posted, or the hub cannot be reached.
    pub(crate) async fn start(&self, chat: Chat, caller: Caller) -> Result<Started, ApiError> {
        check(&chat)?;
        let target = self.models.target(chat.model.as_deref())?;
        let text = self.prompt.render(&chat).map_err(|failed| {
            error!(error = %failed, "the conversation could not be rendered");
            ApiError::new(Kind::Internal, "the server's prompt templates do not cover this conversation")
        })?;
        if text.trim().is_empty() {
            return Err(ApiError::field("messages", "the messages hold no text"));
        }
        let prompt_tokens = usage::tokens(text.len());
        let submit = self.submission(&target, text, caller);
        let again = target.blind.then(|| self.again(&submit, &target));
        let mut guard = self.metrics.turn();
        debug!(turn = %submit.turn, prompt_tokens, blind = target.blind, "submitting");
        match self.sender.submit(submit).await {
            Ok(turn) => {
                let beginning = Beginning { decoder: Decoder::new(chat.limits), prompt_tokens, guard, again };
                Ok(Started { target, reply: Reply::new(turn, beginning) })
            }
            Err(failure) => {
                guard.failed(failure.code);
                Err(not_submitted(failure))
            }
        }
    }

    fn submission(&self, target: &Target, text: String, caller: Caller) -> Submit {
        Submit {
            turn: TurnId::new(uuid::Uuid::now_v7().simple().to_string()),
            caller: caller.name,
            model: target.model.clone(),
            site: target.site.clone(),
            account: None,
            conversation: None,
            text,
            images: Vec::new(),
            deadline_ms: u64::try_from(self.deadline.as_millis()).unwrap_or(u64::MAX),
            trace: Some(caller.request),
        }
    }

    /// A second submission for when the model was named before any was known, and the hub then did not know it: by now
    /// the default may be known to step in.
    fn again(&self, first: &Submit, target: &Target) -> Again {
        let (sender, models) = (self.sender.clone(), self.models.clone());
        let (mut submit, asked) = (first.clone(), target.asked.clone());
        Box::new(move || {
            let target = models.target(Some(&asked)).ok().filter(|target| !target.blind)?;
            submit.turn = TurnId::new(uuid::Uuid::now_v7().simple().to_string());
            submit.model = target.model;
            submit.site = target.site;
            Some(async move { sender.submit(submit).await }.boxed())
        })
    }
}

/// A turn that is too large to be sent is the request's fault, not one of what is behind this service.
fn not_submitted(failure: Failure) -> ApiError {
    match failure.code {
        FailureCode::TooLarge => ApiError::new(
            Kind::PayloadTooLarge,
            format!("the conversation is too large to be sent: a turn is at most {MAX_FRAME_BYTES} bytes"),
        ),
        _ => failure.into(),
    }
}

/// What no dialect and no site takes.
fn check(chat: &Chat) -> Result<(), ApiError> {
    if chat.messages.is_empty() {
        return Err(ApiError::field("messages", "the messages are empty: expected at least one"));
    }
    for (index, message) in chat.messages.iter().enumerate() {
        if message.parts.iter().any(|part| matches!(part, Part::Image(_))) {
            return Err(ApiError::field(
                format!("messages[{index}]"),
                "this model takes no images: send text only",
            ));
        }
    }
    let Limits { stop, .. } = &chat.limits;
    if stop.len() > MAX_STOPS || stop.iter().any(|stop| stop.len() > MAX_STOP_BYTES) {
        let most = format!("at most {MAX_STOPS} stop sequences of {MAX_STOP_BYTES} bytes each are taken");
        return Err(ApiError::field("stop", most));
    }
    Ok(())
}
