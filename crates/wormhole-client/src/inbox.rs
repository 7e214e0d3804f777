//! What waits for the reader of one turn. Checked as it comes in, merged while it waits.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use wormhole_protocol::{Body, Failure, FailureCode, MAX_REPLY_BYTES, Posted};

use crate::turn::TurnEvent;

/// Events that wait for a slow reader. Deltas merge, so only a reply that changes between text and reasoning this often
/// while nobody reads comes here; it fails with `too_large`, like one that is too long.
const WAITING_EVENTS: usize = 1024;

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    /// It is part of the reply.
    Kept,
    /// It was of an old attempt, a repetition, or after a gap.
    Dropped,
    /// It was, or led to, the turn's end.
    Ended,
    /// The turn ended on our side; the hub has to be told to stop it.
    Broken,
}

/// The inbound buffer of a turn.
#[derive(Default)]
pub(crate) struct Inbox {
    state: Mutex<State>,
    arrived: Notify,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<TurnEvent>,
    /// Which attempt the events are of; 0 before the first.
    attempt: u32,
    next_seq: u64,
    /// An event is missing: no text is taken any more, because it would not join what came before.
    gap: bool,
    /// Bytes of text and reasoning.
    bytes: usize,
    posted: Progress,
    ended: bool,
}

#[derive(Default, Clone, Copy)]
enum Progress {
    /// The frame has not been given to the socket.
    #[default]
    Waiting,
    /// It may have reached the hub.
    Written,
    /// The site has it.
    Accepted,
}

impl Inbox {
    /// The submit goes to the socket now: from here on nobody on this side can tell whether it was posted.
    pub(crate) fn written(&self) {
        let mut state = self.lock();
        if matches!(state.posted, Progress::Waiting) {
            state.posted = Progress::Written;
        }
    }

    /// Takes an event of the turn.
    pub(crate) fn take(&self, attempt: u32, seq: u64, body: Body) -> Taken {
        let taken = self.lock().take(attempt, seq, body);
        if taken != Taken::Dropped {
            self.arrived.notify_one();
        }
        taken
    }

    /// The turn waits in the hub's queue.
    pub(crate) fn queued(&self, ahead: u32) {
        let mut state = self.lock();
        if !state.ended {
            // Only the newest number is of interest.
            if matches!(state.waiting.back(), Some(TurnEvent::Queued { .. })) {
                state.waiting.pop_back();
            }
            state.waiting.push_back(TurnEvent::Queued { ahead });
            drop(state);
            self.arrived.notify_one();
        }
    }

    /// Ends the turn, unless it has ended.
    pub(crate) fn fail(&self, code: FailureCode, message: &str) {
        self.lock().fail(code, message);
        self.arrived.notify_one();
    }

    /// No further event will come.
    pub(crate) fn has_ended(&self) -> bool {
        self.lock().ended
    }

    /// The next event; `Err` when there is none, with whether one may still come.
    pub(crate) fn pop(&self) -> Result<TurnEvent, Pending> {
        let mut state = self.lock();
        let ended = state.ended;
        state.waiting.pop_front().ok_or(if ended { Pending::Never } else { Pending::NotYet })
    }

    /// Waits until something has arrived since the last wait.
    pub(crate) async fn arrived(&self) {
        self.arrived.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sizes only: what waits is somebody's conversation.
impl fmt::Debug for Inbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.lock();
        f.debug_struct("Inbox")
            .field("waiting", &state.waiting.len())
            .field("bytes", &state.bytes)
            .field("ended", &state.ended)
            .finish()
    }
}

/// Why nothing waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pending {
    /// Something may still come.
    NotYet,
    /// The turn has ended and its end has been read.
    Never,
}

impl State {
    fn take(&mut self, attempt: u32, seq: u64, body: Body) -> Taken {
        if self.ended || attempt < self.attempt {
            return Taken::Dropped;
        }
        if attempt > self.attempt {
            if self.bytes > 0 {
                return self.broken(FailureCode::Protocol, "the hub began the reply again in its middle");
            }
            (self.attempt, self.next_seq, self.gap) = (attempt, 0, false);
        }
        if seq < self.next_seq {
            return Taken::Dropped;
        }
        self.gap |= seq > self.next_seq;
        self.next_seq = seq + 1;
        self.take_body(body)
    }

    fn take_body(&mut self, body: Body) -> Taken {
        match body {
            Body::Text { .. } | Body::Reasoning { .. } if self.gap => Taken::Dropped,
            Body::Text { delta } => self.append(delta, false),
            Body::Reasoning { delta } => self.append(delta, true),
            Body::Done { bytes, .. } if self.gap || bytes != self.bytes as u64 => {
                self.posted = Progress::Accepted;
                self.fail(FailureCode::Truncated, "a part of the reply was lost on its way");
                Taken::Ended
            }
            body => {
                if matches!(body, Body::Accepted { .. }) {
                    self.posted = Progress::Accepted;
                }
                self.ended = body.is_end();
                self.waiting.push_back(TurnEvent::Body(body));
                if self.ended { Taken::Ended } else { Taken::Kept }
            }
        }
    }

    /// Adds a delta to the one that waits, if that is of the same kind.
    fn append(&mut self, delta: String, reasoning: bool) -> Taken {
        self.bytes += delta.len();
        if self.bytes > MAX_REPLY_BYTES || self.waiting.len() >= WAITING_EVENTS {
            return self.broken(FailureCode::TooLarge, "the reply is over the limit");
        }
        match (self.waiting.back_mut(), reasoning) {
            (Some(TurnEvent::Body(Body::Text { delta: last })), false)
            | (Some(TurnEvent::Body(Body::Reasoning { delta: last })), true) => last.push_str(&delta),
            _ if delta.is_empty() => {}
            (_, false) => self.waiting.push_back(TurnEvent::Body(Body::Text { delta })),
            (_, true) => self.waiting.push_back(TurnEvent::Body(Body::Reasoning { delta })),
        }
        Taken::Kept
    }

    fn broken(&mut self, code: FailureCode, message: &str) -> Taken {
        self.fail(code, message);
        Taken::Broken
    }

    fn fail(&mut self, code: FailureCode, message: &str) {
        if self.ended {
            return;
        }
        let posted = match self.posted {
            Progress::Waiting => Posted::No,
            Progress::Written => Posted::Unknown,
            Progress::Accepted => Posted::Yes,
        };
        self.ended = true;
        self.waiting.push_back(TurnEvent::Body(Body::Failed(Failure::new(code, posted, message))));
    }
}

#[cfg(test)]
mod tests;
