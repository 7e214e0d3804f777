//! An answer as every dialect writes it: parts, in order, each as soon as it is there.

mod course;
mod part;

use std::collections::VecDeque;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use tokio::time::timeout;
use tracing::{Span, info};
use wormhole_client::{Turn, TurnEvent};
use wormhole_protocol::{Body, ConversationRef, Failure, FailureCode, Posted};

use crate::conversations::Memory;
use crate::decode::Decoder;
use crate::limits::Wait;
use crate::metrics::TurnGuard;
use crate::shape::Shape;
pub(crate) use part::{Finish, Part, Whole, WholeCall};

/// Submits the turn once more, elsewhere, where this failure is a reason to: the model was named blindly and does not
/// exist, or the conversation in which it was to go on is gone. Nothing has been posted.
pub(crate) type Again = Box<dyn FnOnce(&Failure) -> Option<BoxFuture<'static, Result<Turn, Failure>>> + Send>;

/// Asks the model again in the conversation that the turn was in: posts this text as its next turn.
pub(crate) type Asker =
    Box<dyn Fn(String, (String, ConversationRef)) -> BoxFuture<'static, Result<Turn, Failure>> + Send>;

/// An answer while it comes. Dropping it before its end stops the turn on the site.
pub(crate) struct Reply {
    source: Source,
    again: Option<Again>,
    decoder: Decoder,
    shape: Shape,
    asker: Asker,
    ready: VecDeque<Part>,
    prompt_tokens: u64,
    guard: TurnGuard,
    memory: Memory,
    wait: Arc<Wait>,
    span: Span,
}

/// Where the parts come from.
enum Source {
    Turn(Turn),
    Opening(BoxFuture<'static, Result<Turn, Failure>>),
    Ended,
}

/// What [`Reply::new`] needs beside the turn.
pub(crate) struct Beginning {
    /// Cuts the answer.
    pub decoder: Decoder,
    /// What the answer is to be.
    pub shape: Shape,
    /// Asks again where it is not.
    pub asker: Asker,
    /// Tokens of the posted text.
    pub prompt_tokens: u64,
    /// Counts the turn.
    pub guard: TurnGuard,
    /// A second try, where there is one.
    pub again: Option<Again>,
    /// Remembers where the turn went and what it said.
    pub memory: Memory,
    /// Gets to know how long the turn waits.
    pub wait: Arc<Wait>,
}

impl Reply {
    /// The reply to a turn that has been submitted.
    pub(crate) fn new(turn: Turn, beginning: Beginning) -> Self {
        let Beginning { decoder, shape, asker, prompt_tokens, guard, again, memory, wait } = beginning;
        Self {
            source: Source::Turn(turn),
            again,
            decoder,
            shape,
            asker,
            ready: VecDeque::new(),
            prompt_tokens,
            guard,
            memory,
            wait,
            span: Span::current(),
        }
    }

    /// The next part; none after the end. Nothing is lost if the future is dropped.
    pub(crate) async fn next(&mut self) -> Option<Part> {
        loop {
            if let Some(part) = self.ready.pop_front() {
                return Some(part);
            }
            let event = match &mut self.source {
                Source::Ended => return None,
                Source::Opening(opening) => match opening.await {
                    Ok(turn) => {
                        self.source = Source::Turn(turn);
                        continue;
                    }
                    Err(failure) => Body::Failed(failure),
                },
                // A turn ends by itself: at its deadline, or when the link is lost.
                Source::Turn(turn) => match turn.next().await {
                    Some(TurnEvent::Body(body)) => body,
                    Some(TurnEvent::Queued { ahead }) => {
                        self.wait.queued(ahead);
                        continue;
                    }
                    None => Body::Failed(Failure::new(
                        FailureCode::Truncated,
                        Posted::Unknown,
                        "the reply ended without being whole",
                    )),
                },
            };
            self.take(event);
        }
    }

    /// Waits until the answer has begun or failed, at most for `window`: an error within it can still be the status.
    ///
    /// # Errors
    /// It failed before it began.
    pub(crate) async fn settle(&mut self, window: std::time::Duration) -> Result<(), Failure> {
        match timeout(window, self.next()).await {
            Ok(Some(Part::Failed(failure))) => Err(failure),
            Ok(Some(part)) => {
                self.ready.push_front(part);
                Ok(())
            }
            Ok(None) | Err(_) => Ok(()),
        }
    }

    /// Waits for all of it.
    ///
    /// # Errors
    /// It failed, however much of it had come.
    pub(crate) async fn whole(&mut self) -> Result<Whole, Failure> {
        let (mut text, mut reasoning) = (String::new(), String::new());
        let (mut calls, mut whole_calls) = (Vec::<WholeCall>::new(), 0);
        while let Some(part) = self.next().await {
            match part {
                Part::Text(delta) => text.push_str(&delta),
                Part::Reasoning(delta) => reasoning.push_str(&delta),
                Part::CallBegin { id, name, .. } => {
                    calls.push(WholeCall { id, name, arguments: String::new() });
                }
                Part::CallArguments { delta, .. } => {
                    if let Some(call) = calls.last_mut() {
                        call.arguments.push_str(&delta);
                    }
                }
                Part::CallEnd { index } => whole_calls = index as usize + 1,
                Part::End(finish, usage) => {
                    // One that was cut off is none.
                    calls.truncate(whole_calls);
                    return Ok(Whole { text, reasoning, calls, finish, usage });
                }
                Part::Failed(failure) => return Err(failure),
            }
        }
        Err(Failure::new(FailureCode::Protocol, Posted::Unknown, "the reply was read beyond its end"))
    }

    /// Tokens of the posted text, by estimate.
    pub(crate) fn prompt_tokens(&self) -> u64 {
        self.prompt_tokens
    }

    /// When it was submitted, and when the first delta came.
    pub(crate) fn times(&self) -> (std::time::Instant, Option<std::time::Instant>) {
        (self.guard.started(), self.guard.first_delta())
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        if !self.guard.is_ended() {
            let duration_ms = self.milliseconds();
            info!(parent: &self.span, duration_ms, "client left, stopping the turn");
        }
    }
}
