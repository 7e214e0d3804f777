//! The body of a streamed answer: words in, bytes out, with whatever was ordered to go wrong.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream;

use crate::answer::Encoder;
use crate::answer::Piece;
use crate::answer::Words;
use crate::conversations::Turn;
use crate::fault::Fault;
use crate::observe::InFlight;
use crate::observe::Outcome;

/// What was written leaves before the connection is aborted: an HTTP/2 reset throws queued data away.
const LAST_WORDS: Duration = Duration::from_millis(20);

/// One answer being streamed. Dropped before its end, the client has left.
pub(crate) struct Answer {
    pub(crate) words: Words,
    pub(crate) encoder: Encoder,
    pub(crate) turn: Arc<Turn>,
    pub(crate) in_flight: InFlight,
    pub(crate) fault: Option<Fault>,
    pub(crate) pause: Duration,
}

struct Writing {
    answer: Answer,
    said: usize,
    out: VecDeque<Bytes>,
    cut: bool,
    over: bool,
}

impl Answer {
    /// The body, which does all its work when it is polled.
    pub(crate) fn into_body(self) -> Body {
        let out = self.encoder.start();
        let writing = Writing { answer: self, said: 0, out, cut: false, over: false };
        Body::from_stream(stream::unfold(writing, Writing::step))
    }
}

impl Writing {
    async fn step(mut self) -> Option<(io::Result<Bytes>, Self)> {
        loop {
            if let Some(bytes) = self.out.pop_front() {
                self.pause_between_cuts().await;
                return Some((Ok(bytes), self));
            }
            if self.over {
                return None;
            }
            if let Err(error) = self.write().await {
                self.over = true;
                tokio::time::sleep(LAST_WORDS).await;
                return Some((Err(error), self));
            }
        }
    }

    /// Puts the next word, or the end, into `out`.
    async fn write(&mut self) -> io::Result<()> {
        match &self.answer.fault {
            Some(Fault::Stall { after_words }) if self.said >= *after_words => std::future::pending().await,
            Some(Fault::Cut { after_words, abrupt }) if self.said >= *after_words => {
                self.over = true;
                self.answer.in_flight.ends(Outcome::Broken);
                return if *abrupt { Err(io::ErrorKind::ConnectionAborted.into()) } else { Ok(()) };
            }
            _ => {}
        }
        match self.answer.words.next().await {
            Some(Ok(piece)) => {
                if let Piece::Text(text) = &piece {
                    self.answer.turn.append(text);
                }
                self.said += 1;
                self.out = self.answer.encoder.piece(&piece);
            }
            Some(Err(error)) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "an answer broke off");
                self.answer.in_flight.ends(Outcome::Broken);
                return Err(io::Error::other(error));
            }
            None => {
                self.over = true;
                self.out = self.answer.encoder.end();
                self.answer.turn.complete();
                self.answer.in_flight.ends(Outcome::Completed);
            }
        }
        Ok(())
    }

    /// Between two pieces of one event hyper must get the chance to send the first one by itself.
    async fn pause_between_cuts(&mut self) {
        let more = !self.out.is_empty();
        if self.cut && self.answer.pause.is_zero() {
            tokio::task::yield_now().await;
        } else if self.cut {
            tokio::time::sleep(self.answer.pause).await;
        }
        self.cut = more;
    }
}
