//! An answer as every dialect writes it: parts, in order, each as soon as it is there.

use std::collections::VecDeque;

use futures_util::future::BoxFuture;
use tokio::time::timeout;
use tracing::{Span, info, warn};
use wormhole_client::{Turn, TurnEvent};
use wormhole_protocol::{self as protocol, Body, Failure, FailureCode, Posted};

use crate::decode::{Decoded, Decoder};
use crate::metrics::TurnGuard;
use crate::usage::Usage;

/// A piece of an answer. Tool calls become one more kind, between the text and the end (issue 3).
#[derive(Debug)]
pub(crate) enum Part {
    /// More of the answer.
    Text(String),
    /// More of the reasoning that precedes it.
    Reasoning(String),
    /// The answer is whole; nothing follows.
    End(Finish, Usage),
    /// It never will be; nothing follows.
    Failed(Failure),
}

/// Why an answer that is whole ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Finish {
    /// The model was done, or a stop sequence came.
    Stop,
    /// A length limit, the client's or the site's.
    Length,
    /// The site's filter.
    ContentFilter,
}

impl From<protocol::Finish> for Finish {
    fn from(finish: protocol::Finish) -> Self {
        match finish {
            protocol::Finish::Stop => Self::Stop,
            protocol::Finish::Length => Self::Length,
            protocol::Finish::ContentFilter => Self::ContentFilter,
        }
    }
}

/// An answer that is there.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Whole {
    /// The answer.
    pub text: String,
    /// The reasoning that preceded it; may be empty.
    pub reasoning: String,
    /// Why it ended.
    pub finish: Finish,
    /// What it cost.
    pub usage: Usage,
}

/// Submits the turn once more, to another model: made when the first was named blindly and turned out not to exist.
pub(crate) type Again = Box<dyn FnOnce() -> Option<BoxFuture<'static, Result<Turn, Failure>>> + Send>;

/// An answer while it comes. Dropping it before its end stops the turn on the site.
pub(crate) struct Reply {
    source: Source,
    again: Option<Again>,
    decoder: Decoder,
    ready: VecDeque<Part>,
    prompt_tokens: u64,
    guard: TurnGuard,
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
    /// Tokens of the posted text.
    pub prompt_tokens: u64,
    /// Counts the turn.
    pub guard: TurnGuard,
    /// A second try, where the model was named blindly.
    pub again: Option<Again>,
}

impl Reply {
    /// The reply to a turn that has been submitted.
    pub(crate) fn new(turn: Turn, beginning: Beginning) -> Self {
        let Beginning { decoder, prompt_tokens, guard, again } = beginning;
        Self {
            source: Source::Turn(turn),
            again,
            decoder,
            ready: VecDeque::new(),
            prompt_tokens,
            guard,
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
                    Some(TurnEvent::Queued { .. }) => continue,
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
        while let Some(part) = self.next().await {
            match part {
                Part::Text(delta) => text.push_str(&delta),
                Part::Reasoning(delta) => reasoning.push_str(&delta),
                Part::End(finish, usage) => return Ok(Whole { text, reasoning, finish, usage }),
                Part::Failed(failure) => return Err(failure),
            }
        }
        Err(Failure::new(FailureCode::Protocol, Posted::Unknown, "the reply was read beyond its end"))
    }

    /// When it was submitted, and when the first delta came.
    pub(crate) fn times(&self) -> (std::time::Instant, Option<std::time::Instant>) {
        (self.guard.started(), self.guard.first_delta())
    }

    fn take(&mut self, body: Body) {
        match body {
            Body::Accepted { .. } => {}
            Body::Text { delta } => {
                let decoded = self.decoder.text(delta);
                self.push(Part::Text, decoded);
            }
            Body::Reasoning { delta } => {
                let decoded = self.decoder.reasoning(delta);
                self.push(Part::Reasoning, decoded);
            }
            Body::Done { finish, .. } => {
                let (rest, cut) = self.decoder.rest();
                self.push(Part::Text, (rest, cut.or(Some(finish.into()))));
            }
            Body::Failed(failure) => self.fail(failure),
        }
    }

    fn push(&mut self, kind: fn(String) -> Part, (text, finish): Decoded) {
        if !text.is_empty() {
            self.guard.delta();
            self.ready.push_back(kind(text));
        }
        if let Some(finish) = finish {
            // The turn is dropped with its source: if the site still writes, it is told to stop.
            self.source = Source::Ended;
            self.guard.done();
            let usage = Usage { prompt: self.prompt_tokens, completion: self.decoder.tokens() };
            self.ready.push_back(Part::End(finish, usage));
            let duration_ms = self.milliseconds();
            info!(parent: &self.span, duration_ms, tokens = usage.completion, ?finish, "turn done");
        }
    }

    fn fail(&mut self, failure: Failure) {
        if failure.code == FailureCode::ModelUnknown
            && failure.posted == Posted::No
            && let Some(opening) = self.again.take().and_then(|again| again())
        {
            self.source = Source::Opening(opening);
            return;
        }
        self.source = Source::Ended;
        self.guard.failed(failure.code);
        let duration_ms = self.milliseconds();
        warn!(parent: &self.span, duration_ms, code = %failure.code, posted = ?failure.posted, "turn failed");
        self.ready.push_back(Part::Failed(failure));
    }

    fn milliseconds(&self) -> u64 {
        u64::try_from(self.guard.started().elapsed().as_millis()).unwrap_or(u64::MAX)
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
