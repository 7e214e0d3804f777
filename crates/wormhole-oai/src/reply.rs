//! An answer as every dialect writes it: parts, in order, each as soon as it is there.

use std::collections::VecDeque;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use tokio::time::timeout;
use tracing::{Span, info, warn};
use wormhole_client::{Turn, TurnEvent};
use wormhole_protocol::{self as protocol, Body, ConversationRef, Failure, FailureCode, Posted};

use crate::conversations::Memory;
use crate::decode::{Decoded, Decoder};
use crate::limits::Wait;
use crate::metrics::{Repair, TurnGuard};
use crate::shape::{Ending, Kind, Shape, Shaped};
use crate::usage::{Usage, tokens};

/// A piece of an answer. Calls come one after the other: begin, arguments, end. Text stands before them, and rarely
/// after one. The last call has no end where the answer was cut off in it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// More of the answer.
    Text(String),
    /// More of the reasoning that precedes it.
    Reasoning(String),
    /// The model calls a tool.
    CallBegin {
        /// Counts from 0.
        index: u32,
        /// `call_…`, unique.
        id: String,
        /// The tool.
        name: String,
    },
    /// More of the call's arguments. Joined, they are the JSON text of an object.
    CallArguments {
        /// Of which call.
        index: u32,
        /// What to append.
        delta: String,
    },
    /// The call is whole.
    CallEnd {
        /// Which.
        index: u32,
    },
    /// The answer is whole; nothing follows.
    End(Finish, Usage),
    /// It never will be; nothing follows.
    Failed(Failure),
}

/// Why an answer that is whole ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Finish {
    /// The model was done.
    Stop,
    /// One of the client's stop sequences came: its place in their list.
    Sequence(usize),
    /// A length limit, the client's or the site's.
    Length,
    /// The site's filter.
    ContentFilter,
    /// It ended in calls, whose results the model waits for.
    ToolCalls,
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
    /// The calls it ended in.
    pub calls: Vec<WholeCall>,
    /// Why it ended.
    pub finish: Finish,
    /// What it cost.
    pub usage: Usage,
}

/// A call that is there.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct WholeCall {
    /// `call_…`, unique.
    pub id: String,
    /// The tool.
    pub name: String,
    /// The JSON text of an object.
    pub arguments: String,
}

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

    fn take(&mut self, body: Body) {
        match body {
            Body::Accepted { conversation, account } => {
                self.wait.accepted(self.guard.started());
                self.memory.accepted(&account, conversation.as_ref());
            }
            Body::Text { delta } => {
                let decoded = self.decoder.text(delta);
                self.text(decoded, true);
            }
            Body::Reasoning { delta } => {
                let (text, finish) = self.decoder.reasoning(delta);
                if !text.is_empty() {
                    self.guard.delta();
                    self.deliver(Part::Reasoning(text));
                }
                if let Some(finish) = finish {
                    self.close(finish, true);
                }
            }
            Body::Done { finish, conversation, .. } => {
                self.memory.site_done(conversation.as_ref());
                let (rest, cut) = self.decoder.rest();
                let finish = cut.unwrap_or(finish.into());
                self.text((rest, Some(finish)), finish != Finish::Stop);
            }
            Body::Failed(failure) => self.fail(failure),
        }
    }

    /// Text of the model, and why the reply ends after it if it does: cut off, or because the site is done.
    fn text(&mut self, (text, finish): Decoded, is_cut: bool) {
        if !text.is_empty() {
            self.guard.delta();
            let shaped = self.shape.text(text);
            if self.shaped(shaped) {
                return;
            }
        }
        if let Some(finish) = finish {
            self.close(finish, is_cut);
        }
    }

    /// Delivers; tells whether that was the end.
    fn shaped(&mut self, shaped: Shaped) -> bool {
        let Shaped { parts, is_over, is_lost, refused } = shaped;
        for part in parts {
            self.deliver(part);
        }
        self.guard.repaired(Repair::CallAsText, refused);
        if is_lost {
            let message = "the model began a tool call that cannot be read to its end";
            self.fail_for_good(Failure::new(FailureCode::SiteError, Posted::Yes, message));
        } else if is_over {
            self.finish(Finish::ToolCalls);
        }
        is_lost || is_over
    }

    /// The reply is at its end: the answer is, too, unless it is not what it should be.
    fn close(&mut self, finish: Finish, is_cut: bool) {
        let (shaped, ending) = self.shape.end(is_cut);
        if self.shaped(shaped) {
            return;
        }
        match ending {
            Ending::Fine { in_calls: true } => self.finish(Finish::ToolCalls),
            Ending::Fine { in_calls: false } => self.finish(finish),
            Ending::Ask(kind, why) => self.ask_again(kind, why),
        }
    }

    fn ask_again(&mut self, kind: Kind, why: String) {
        let place = self.memory.place().map(|(account, next)| (account.to_owned(), next.clone()));
        if let Some(place) = place
            && !why.is_empty()
            && self.shape.ask_again(kind)
        {
            self.guard.repaired(if kind == Kind::Call { Repair::CallAgain } else { Repair::FormatAgain }, 1);
            let question = match kind {
                Kind::Call => why,
                Kind::Format => format!(
                    "That is not what was asked for: {why}\nWrite the JSON again, corrected, and nothing else."
                ),
            };
            self.prompt_tokens += tokens(&question);
            info!(parent: &self.span, ?kind, "asking the model again");
            self.source = Source::Opening((self.asker)(question, place));
            return;
        }
        self.give_up(kind, &why);
    }

    /// The model did not do what it should: the text as it came, or an error that says which rule failed.
    fn give_up(&mut self, kind: Kind, why: &str) {
        match kind {
            Kind::Call => {
                self.guard.repaired(Repair::CallGivenUp, 1);
                if let Some(part) = self.shape.as_it_came() {
                    self.deliver(part);
                }
                self.finish(Finish::Stop);
            }
            Kind::Format => {
                self.guard.repaired(Repair::FormatGivenUp, 1);
                let message = format!("the model did not answer in the format that was asked for: {why}");
                self.fail_for_good(Failure::new(FailureCode::SiteError, Posted::Yes, message));
            }
        }
    }

    fn finish(&mut self, finish: Finish) {
        // The turn is dropped with its source: if the site still writes, it is told to stop.
        self.source = Source::Ended;
        let usage = Usage { prompt: self.prompt_tokens, completion: self.decoder.tokens() };
        self.guard.done(usage);
        self.deliver(Part::End(finish, usage));
        let duration_ms = self.milliseconds();
        info!(parent: &self.span, duration_ms, tokens = usage.completion, ?finish, "turn done");
    }

    fn fail(&mut self, failure: Failure) {
        if failure.posted == Posted::No
            && !self.shape.is_asked_again()
            && let Some(opening) = self.again.take().and_then(|again| again(&failure))
        {
            self.memory.begin_anew(&failure);
            self.source = Source::Opening(opening);
            return;
        }
        // What the model wrote when it was asked first is better than nothing, unless it breaks a promise.
        if self.shape.is_asked_again() && !self.shape.has_format() {
            warn!(parent: &self.span, code = %failure.code, "asking the model again failed");
            self.give_up(Kind::Call, "");
            return;
        }
        self.fail_for_good(failure);
    }

    fn fail_for_good(&mut self, failure: Failure) {
        self.source = Source::Ended;
        self.guard.failed(failure.code);
        let duration_ms = self.milliseconds();
        warn!(parent: &self.span, duration_ms, code = %failure.code, posted = ?failure.posted, "turn failed");
        self.deliver(Part::Failed(failure));
    }

    /// Every part goes this way, so that what is remembered is what was delivered.
    fn deliver(&mut self, part: Part) {
        self.memory.part(&part);
        self.ready.push_back(part);
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
