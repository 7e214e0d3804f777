//! From a conversation to the reply to it: models, prompt, submission.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use tracing::{debug, error};
use wormhole_client::Sender;
use wormhole_protocol::{Failure, FailureCode, Image, MAX_FRAME_BYTES, Submit, TurnId};

use crate::chat::{Chat, Limits};
use crate::conversations::{Conversations, Plan};
use crate::decode::Decoder;
use crate::errors::{ApiError, Kind};
use crate::images::{self, Images, Travelling};
use crate::keys::Identity;
use crate::limits::{Allowance, Limiter, Wait};
use crate::metrics::Metrics;
use crate::models::{Models, Target};
use crate::prompt::{PromptError, Prompts};
use crate::reply::{Again, Asker, Beginning, Reply};
use crate::shape::Shape;
use crate::transcripts::Transcripts;
use crate::usage::{self, Tokenizer};

/// The most stop sequences of a request, and the most bytes of each: what is withheld for them stays small.
const MAX_STOPS: usize = 64;
const MAX_STOP_BYTES: usize = 1024;

/// Who asks.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// The name of the key.
    pub name: String,
    /// What everything that is stored for the key is filed under. Another key of the same name has another.
    pub scope: String,
    /// The accounts that the key is bound to; all of them if empty.
    pub accounts: Arc<[String]>,
    /// What the key allows.
    pub allowance: Allowance,
    /// The request's id.
    pub request: String,
    /// Gets to know how long the turn waits.
    pub wait: Arc<Wait>,
}

impl Caller {
    /// Who calls with this key.
    pub(crate) fn new(key: Identity, request: String) -> Self {
        let Identity { name, scope, accounts, allowance } = key;
        Self { name, scope, accounts, allowance, request, wait: Arc::default() }
    }
}

/// Submits turns.
pub(crate) struct Turns {
    /// The link to the hub.
    pub sender: Sender,
    /// Which models there are.
    pub models: Arc<Models>,
    /// Renders what is posted.
    pub prompts: Prompts,
    /// Counts.
    pub metrics: Metrics,
    /// Makes pictures ready.
    pub images: Images,
    /// How long a turn may take.
    pub deadline: Duration,
    /// What holds which beginning.
    pub conversations: Arc<Conversations>,
    /// How much each key may do.
    pub limiter: Limiter,
    /// Keeps what was said, where that is wished.
    pub transcripts: Option<Transcripts>,
    /// The most bytes of a prompt.
    pub prompt_limit: usize,
    /// Counts the tokens of prompts.
    pub tokenizer: Tokenizer,
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
        let shape = Shape::new(&chat).map_err(|wrong| ApiError::new(Kind::BadRequest, wrong))?;
        let target = self.models.target(chat.model.as_deref(), &caller.accounts)?;
        let seen = self.images.seen(&chat)?;
        if !seen.is_empty() && !self.models.takes_images(&target, &caller.accounts) {
            let message = format!("the model '{}' takes no images: send text only", target.asked);
            return Err(ApiError::field(seen.field(), message));
        }
        let words = seen.marked(&chat);
        let prompt = self.prompts.current();
        let whole = prompt.render(&words).map_err(|failed| not_rendered(&failed))?;
        if whole.trim().is_empty() {
            return Err(ApiError::field("messages", "the messages hold no text"));
        }
        self.check_length(&whole)?;
        let permit = self.limiter.admit(&caller)?;
        // The client's context holds all of it, however little of it is posted.
        let prompt_tokens = self.tokenizer.count(&whole).await;
        let Plan { site, account, go_on, mut memory } = self.conversations.plan(&chat, &target, &caller);
        let from = go_on.as_ref().map_or(0, |go_on| go_on.from);
        let Travelling { rest: new_images, whole: images } = self.images.ready(&seen, from).await?;
        let rest = go_on.as_ref().map(|go_on| prompt.render(&go_on.rest(&words)));
        let rest = rest.transpose().map_err(|failed| not_rendered(&failed))?;
        let mut submit = self.submission(&target, &caller);
        (submit.site, submit.account) = (site, account);
        let asker = self.asker(submit.clone());
        submit.conversation = go_on.map(|go_on| go_on.reference);
        (submit.text, submit.images) = (rest.unwrap_or_default(), new_images);
        memory.hold(permit);
        if let Some(transcripts) = &self.transcripts {
            memory.transcribe(transcripts.draft(&submit, whole.clone()));
        }
        let again = if submit.conversation.is_some() {
            Some(self.begin_anew(&submit, (whole, images), &target, &caller))
        } else {
            submit.text = whole;
            target.blind.then(|| self.other_model(&submit, &target, &caller))
        };
        let mut guard = self.metrics.turn();
        let goes_on = submit.conversation.is_some();
        self.metrics.conversation(if goes_on { "on" } else { "new" });
        debug!(turn = %submit.turn, prompt_tokens, goes_on, blind = target.blind, "submitting");
        memory.submitted();
        match self.sender.submit(submit).await {
            Ok(turn) => {
                let decoder = Decoder::new(chat.limits);
                let wait = caller.wait;
                let beginning =
                    Beginning { decoder, shape, asker, prompt_tokens, guard, again, memory, wait };
                Ok(Started { target, reply: Reply::new(turn, beginning) })
            }
            Err(failure) => {
                memory.not_posted(&failure);
                guard.failed(failure.code);
                Err(not_submitted(failure))
            }
        }
    }

    /// What posting a conversation would cost in tokens. Nothing is posted.
    ///
    /// # Errors
    /// It cannot be posted.
    pub(crate) async fn count(&self, chat: &Chat) -> Result<u64, ApiError> {
        check(chat)?;
        let words = images::all_marked(chat);
        let text = self.prompts.current().render(&words).map_err(|failed| not_rendered(&failed))?;
        Ok(usage::exact(text).await)
    }

    /// A prompt over the limit is told by how much.
    fn check_length(&self, text: &str) -> Result<(), ApiError> {
        let (length, most) = (text.len(), self.prompt_limit);
        if length <= most {
            return Ok(());
        }
        Err(ApiError::too_long(format!(
            "the conversation with its tools is {length} bytes long (about {} tokens), {} bytes over the limit of {most}",
            usage::tokens(text),
            length - most,
        )))
    }

    /// Posts one more text where the turn was, within what is left of its time.
    fn asker(&self, first: Submit) -> Asker {
        let (sender, deadline, started) = (self.sender.clone(), self.deadline, Instant::now());
        Box::new(move |text, (account, reference)| {
            let left = deadline.saturating_sub(started.elapsed()).max(Duration::from_secs(1));
            let submit = Submit {
                turn: new_turn(),
                account: Some(account),
                conversation: Some(reference),
                text,
                deadline_ms: u64::try_from(left.as_millis()).unwrap_or(u64::MAX),
                ..first.clone()
            };
            let sender = sender.clone();
            async move { sender.submit(submit).await }.boxed()
        })
    }

    /// A turn without text.
    fn submission(&self, target: &Target, caller: &Caller) -> Submit {
        Submit {
            turn: new_turn(),
            caller: caller.name.clone(),
            model: target.model.clone(),
            site: target.site.clone(),
            account: None,
            conversation: None,
            text: String::new(),
            images: Vec::new(),
            deadline_ms: u64::try_from(self.deadline.as_millis()).unwrap_or(u64::MAX),
            trace: Some(caller.request.clone()),
        }
    }

    /// A second submission for when the model was named before any was known, and the hub then did not know it: by now
    /// the default may be known to step in.
    fn other_model(&self, first: &Submit, target: &Target, caller: &Caller) -> Again {
        let (sender, models) = (self.sender.clone(), self.models.clone());
        let (mut submit, asked, bound) = (first.clone(), target.asked.clone(), caller.accounts.clone());
        Box::new(move |failure| {
            if failure.code != FailureCode::ModelUnknown {
                return None;
            }
            let target = models.target(Some(&asked), &bound).ok().filter(|target| !target.blind)?;
            submit.turn = new_turn();
            submit.model = target.model;
            submit.site = target.site;
            Some(async move { sender.submit(submit).await }.boxed())
        })
    }

    /// A second submission for when the conversation in which it was to go on is gone: a new one, told everything.
    fn begin_anew(
        &self,
        first: &Submit,
        (whole, images): (String, Vec<Image>),
        target: &Target,
        caller: &Caller,
    ) -> Again {
        let (sender, conversations) = (self.sender.clone(), self.conversations.clone());
        let (mut submit, target) = (first.clone(), target.clone());
        let (scope, bound) = (caller.scope.clone(), caller.accounts.clone());
        let metrics = self.metrics.clone();
        Box::new(move |failure| {
            let (account, known) = (submit.account.take()?, submit.conversation.take()?);
            if !conversations.begins_anew(failure, &scope, (&account, &known.id), (&target, &bound)) {
                return None;
            }
            metrics.conversation("anew");
            submit.turn = new_turn();
            submit.site.clone_from(&target.site);
            submit.account = conversations.begin(&target, &bound);
            submit.text.clone_from(&whole);
            submit.images.clone_from(&images);
            Some(async move { sender.submit(submit).await }.boxed())
        })
    }
}

fn new_turn() -> TurnId {
    TurnId::new(uuid::Uuid::now_v7().simple().to_string())
}

fn not_rendered(failed: &PromptError) -> ApiError {
    error!(error = %failed, "the conversation could not be rendered");
    ApiError::new(Kind::Internal, "the server's prompt templates do not cover this conversation")
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
    let Limits { stop, .. } = &chat.limits;
    if stop.len() > MAX_STOPS || stop.iter().any(|stop| stop.len() > MAX_STOP_BYTES) {
        let most = format!("at most {MAX_STOPS} stop sequences of {MAX_STOP_BYTES} bytes each are taken");
        return Err(ApiError::field("stop", most));
    }
    Ok(())
}
