//! A question now and then, to find out before any caller does that no answer would come.
//!
//! It goes the way of every turn from here on: page, script, site and back; not through the hub. While turns are answered
//! anyway they prove the same, and nothing is asked.

mod args;

use std::{sync::Arc, time::Duration};

use tokio::{sync::mpsc, time::sleep};
use tokio_util::sync::CancellationToken;
use wormhole_client::ReplyWriter;
use wormhole_protocol::{Body, ConversationId, Failure, FailureCode, PageState, Post, Posted, TurnId};
use wormhole_runtime::Backoff;

pub use self::args::CanaryArgs;
use crate::{
    relay,
    running::Running,
    turn::{self, Desk},
};

/// Tiny, and of no use to anybody.
const QUESTION: &str = "Reply with the word wormhole.";
/// How long the whole answer may take.
const ANSWER_WITHIN: Duration = Duration::from_mins(2);
/// Events of the answer that wait to be read; then the page is held up, as by any slow reader.
const EVENTS: usize = 64;

/// How often to ask what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CanaryConfig {
    /// About how often; each time is up to a fifth earlier or later.
    pub every: Duration,
    /// The model to ask; the site's first if not given.
    pub model: Option<String>,
}

/// How a round went, for metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CanaryOutcome {
    /// It was answered whole.
    Ok,
    /// It was not.
    Failed,
    /// Nothing was asked: turns are answered, one is running, or the session is not ready and says why.
    Skipped,
}

impl CanaryOutcome {
    pub(crate) const ALL: [Self; 3] = [Self::Ok, Self::Failed, Self::Skipped];

    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }
}

/// What came of a round.
enum Round {
    /// Others were answered.
    Proved,
    /// A turn runs, or the session is not ready: both tell by themselves.
    NotAsked,
    /// Our question was answered, or not.
    Asked(Result<(), Failure>),
}

/// The task that asks.
pub(crate) struct Canary {
    pub(crate) config: CanaryConfig,
    pub(crate) desk: Arc<Desk>,
    pub(crate) running: Arc<Running>,
}

impl Canary {
    /// Asks until the drain begins.
    pub(crate) async fn run(self, soft: CancellationToken) {
        let mut failing = false;
        let mut answered = self.desk.metrics.turns_answered();
        let (least, most) = (self.config.every * 4 / 5, self.config.every * 6 / 5);
        // A first delay is anywhere between the two, so that the bridges of one site do not ask in step.
        let delay = || Backoff::new(least, most).next_delay();
        while soft.run_until_cancelled(sleep(delay())).await.is_some() {
            let round = if self.desk.metrics.turns_answered() > answered {
                Round::Proved
            } else {
                self.ask(&soft).await
            };
            // Our own turn counts among those that were answered.
            answered = self.desk.metrics.turns_answered();
            self.tell(&round, &mut failing);
        }
    }

    /// Says what came of it: in the log only when it is another thing than before.
    fn tell(&self, round: &Round, failing: &mut bool) {
        match round {
            Round::Proved | Round::Asked(Ok(())) if std::mem::take(failing) => {
                tracing::info!("the site answers again");
            }
            Round::Asked(Err(failure)) if !std::mem::replace(failing, true) => {
                // Its message may hold the site's own words.
                tracing::warn!(code = failure.code.as_str(), "the canary's question was not answered");
            }
            _ => {}
        }
        let outcome = match round {
            Round::Asked(Ok(())) => CanaryOutcome::Ok,
            Round::Asked(Err(_)) => CanaryOutcome::Failed,
            Round::Proved | Round::NotAsked => CanaryOutcome::Skipped,
        };
        self.desk.metrics.canary(outcome, *failing);
    }

    /// Asks once, if there is a place.
    async fn ask(&self, soft: &CancellationToken) -> Round {
        let hello = self.desk.session.hello().borrow().clone();
        let model = self.config.model.clone().or_else(|| Some(hello.models.first()?.name.clone()));
        let Some(model) = model.filter(|_| hello.state == PageState::Ready) else { return Round::NotAsked };
        let id = TurnId::new(format!("canary-{}", self.desk.metrics.canaries()));
        // Only into an idle page: where a turn runs, that one will tell.
        let Some(runner) = self.running.enter(id.clone(), 1, 1) else { return Round::NotAsked };
        let post = Post {
            turn: id,
            attempt: 1,
            model,
            conversation: None,
            text: QUESTION.to_owned(),
            images: Vec::new(),
            deadline_ms: u64::try_from(ANSWER_WITHIN.as_millis()).unwrap_or(u64::MAX),
            trace: None,
        };
        let (writer, events) = mpsc::channel(EVENTS);
        let stop = runner.stop.clone();
        let turn = turn::run(Arc::clone(&self.desk), Box::new(post), ReplyWriter::local(writer), runner);
        let mut asked = Box::pin(async { tokio::join!(self.read(events), turn).0 });
        let answer = tokio::select! {
            answer = &mut asked => answer,
            () = soft.cancelled() => {
                // A drain does not wait for an answer that nobody has asked for.
                stop.cancel();
                asked.await
            }
        };
        match answer {
            Err(failure) if failure.code == FailureCode::Cancelled => Round::NotAsked,
            answer => Round::Asked(answer),
        }
    }

    /// Reads the answer, and removes the conversation it was in.
    async fn read(&self, mut events: mpsc::Receiver<Body>) -> Result<(), Failure> {
        let mut empty = true;
        let mut thread: Option<ConversationId> = None;
        let mut end = Err(Failure::new(FailureCode::Truncated, Posted::Unknown, "the answer has no end"));
        while let Some(event) = events.recv().await {
            match event {
                Body::Accepted { conversation, .. } => thread = conversation,
                Body::Text { delta } => empty &= delta.trim().is_empty(),
                Body::Reasoning { .. } => {}
                Body::Done { conversation, .. } => {
                    thread = conversation.map(|conversation| conversation.id).or(thread.take());
                    end = Ok(());
                }
                Body::Failed(failure) => end = Err(failure),
            }
        }
        if let Some(thread) = thread
            && let Err(failure) = relay::remove(&self.desk, &self.desk.session.account(), &thread).await
        {
            tracing::debug!(code = failure.code.as_str(), "the canary's conversation could not be removed");
        }
        end?;
        if empty {
            return Err(Failure::new(FailureCode::SiteError, Posted::Yes, "the answer is empty"));
        }
        Ok(())
    }
}
