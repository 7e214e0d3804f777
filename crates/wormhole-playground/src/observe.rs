//! What the site has seen: counters and the latest turns, and a way to wait for them.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio::sync::watch;

use crate::config::Limits;
use crate::error::Unmet;

/// What the site has seen since it was opened. Serialized, it leaves the turns out.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Snapshot {
    /// Login forms posted with the right e-mail address and password.
    pub logins_ok: u64,
    /// Login forms posted with anything else.
    pub logins_failed: u64,
    /// One-time codes posted that were right.
    pub codes_ok: u64,
    /// One-time codes posted that were wrong or came too late.
    pub codes_failed: u64,
    /// Times somebody said to be a person.
    pub captchas_passed: u64,
    /// Login pages shown (also those with a code or a captcha).
    pub login_pages: u64,
    /// Chat pages shown.
    pub chat_pages: u64,
    /// Sessions alive now.
    pub sessions: u64,
    /// API calls refused with 401.
    pub unauthorized: u64,
    /// API calls refused with 403 for their CSRF token.
    pub csrf_refused: u64,
    /// Model lists given.
    pub models_listed: u64,
    /// Conversations made.
    pub conversations_created: u64,
    /// Conversations deleted.
    pub conversations_deleted: u64,
    /// Turns posted that were logged in and well-formed, whatever became of them.
    pub turns_received: u64,
    /// Turns answered to the end.
    pub turns_completed: u64,
    /// Turns whose client left before the end.
    pub turns_aborted: u64,
    /// Turns that the site itself broke off.
    pub turns_broken: u64,
    /// Turns answered with something else than a stream.
    pub turns_refused: u64,
    /// Turns received and not over.
    pub in_flight: u64,
    /// The most turns that were in flight together.
    pub in_flight_max: u64,
    /// Calls held back now by [`crate::Fault::HoldResponse`].
    pub held: u64,
    /// Calls that met a fault.
    pub faults_met: u64,
    /// The latest turns, oldest first.
    #[serde(skip)]
    pub turns: VecDeque<TurnRecord>,
}

/// One turn that the site received.
#[derive(Debug, Clone, Serialize)]
pub struct TurnRecord {
    /// Counts from 1 over all conversations.
    pub number: u64,
    /// The conversation's id.
    pub conversation: String,
    /// The model's public name.
    pub model: String,
    /// The text exactly as posted.
    #[serde(serialize_with = "as_text")]
    pub text: Arc<str>,
    /// What became of it so far.
    pub outcome: Outcome,
}

/// What became of a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Not over yet.
    InFlight,
    /// Answered to the end.
    Completed,
    /// The client left before the end.
    Aborted,
    /// The site broke it off.
    Broken,
    /// Answered with something else than a stream.
    Refused,
}

fn as_text<S: serde::Serializer>(text: &Arc<str>, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(text)
}

/// Where the site writes down what it sees.
#[derive(Debug)]
pub(crate) struct Observed {
    seen: watch::Sender<Snapshot>,
    limits: Limits,
}

impl Observed {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { seen: watch::Sender::new(Snapshot::default()), limits }
    }

    pub(crate) fn note(&self, change: impl FnOnce(&mut Snapshot)) {
        self.seen.send_modify(change);
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        self.seen.borrow().clone()
    }

    pub(crate) async fn wait_until(
        &self,
        within: Duration,
        met: impl Fn(&Snapshot) -> bool,
    ) -> Result<Snapshot, Unmet> {
        let mut changes = self.seen.subscribe();
        let waited = tokio::time::timeout(within, changes.wait_for(|seen| met(seen))).await;
        match waited {
            Ok(Ok(seen)) => Ok(seen.clone()),
            // Time is up, or (never: the sender is ours) the channel closed.
            Ok(Err(_)) | Err(_) => Err(Unmet { last: Box::new(self.snapshot()) }),
        }
    }

    /// Writes a turn down as in flight; it leaves when the returned guard is dropped.
    pub(crate) fn enter(self: &Arc<Self>, conversation: &str, model: &str, text: &Arc<str>) -> InFlight {
        let mut number = 0;
        self.note(|seen| {
            seen.turns_received += 1;
            number = seen.turns_received;
            seen.in_flight += 1;
            seen.in_flight_max = seen.in_flight_max.max(seen.in_flight);
            seen.turns.push_back(TurnRecord {
                number,
                conversation: conversation.to_owned(),
                model: model.to_owned(),
                text: Arc::clone(text),
                outcome: Outcome::InFlight,
            });
            self.forget_oldest(&mut seen.turns);
        });
        InFlight { observed: Arc::clone(self), number, outcome: Outcome::Aborted }
    }

    fn forget_oldest(&self, turns: &mut VecDeque<TurnRecord>) {
        let mut bytes: usize = turns.iter().map(|turn| turn.text.len()).sum();
        while turns.len() > self.limits.records.max(1) || (turns.len() > 1 && bytes > self.limits.text_bytes)
        {
            bytes -= turns.pop_front().map_or(0, |turn| turn.text.len());
        }
    }
}

/// A turn being answered. Dropped with no outcome set, its client has left.
#[derive(Debug)]
pub(crate) struct InFlight {
    observed: Arc<Observed>,
    number: u64,
    outcome: Outcome,
}

impl InFlight {
    /// Sets what the record will say when this is dropped.
    pub(crate) const fn ends(&mut self, outcome: Outcome) {
        self.outcome = outcome;
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.observed.note(|seen| {
            seen.in_flight -= 1;
            match self.outcome {
                Outcome::Completed => seen.turns_completed += 1,
                Outcome::Broken => seen.turns_broken += 1,
                Outcome::Refused => seen.turns_refused += 1,
                Outcome::Aborted | Outcome::InFlight => seen.turns_aborted += 1,
            }
            // Newest first: it is near the end unless it was forgotten.
            if let Some(turn) = seen.turns.iter_mut().rev().find(|turn| turn.number == self.number) {
                turn.outcome = self.outcome;
            }
        });
    }
}
