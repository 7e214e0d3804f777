//! A reply as the body of a streamed response: every part written at once, and signs of life in between.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::stream::unfold;
use tokio::time::{Instant, timeout_at};

use crate::metrics::Metrics;
use crate::reply::{Part, Reply};

/// Parts that are there already are written together, up to this many bytes: one write to the socket in place of many.
const MAX_BATCH: usize = 16 * 1024;

/// A dialect's framing. Whatever it appends is complete frames.
pub(crate) trait Encode: Send + 'static {
    /// What comes before any part.
    fn open(&mut self, out: &mut Vec<u8>);
    /// A part. May append nothing.
    fn part(&mut self, part: Part, out: &mut Vec<u8>);
    /// A sign of life that no client takes for content.
    fn beat(&mut self, out: &mut Vec<u8>);
}

/// The body. Dropping it, which is what a client that hangs up causes, drops the reply and so stops the turn.
pub(crate) fn body<E: Encode>(reply: Reply, encoder: E, heartbeat: Duration, metrics: Metrics) -> Body {
    let beat_at = Instant::now() + heartbeat;
    let streamed = Streamed { reply, encoder, heartbeat, metrics, opened: false, beat_at };
    Body::from_stream(unfold(streamed, async |mut streamed| {
        let bytes = streamed.next().await?;
        Some((Ok::<_, Infallible>(bytes), streamed))
    }))
}

struct Streamed<E> {
    reply: Reply,
    encoder: E,
    heartbeat: Duration,
    metrics: Metrics,
    opened: bool,
    beat_at: Instant,
}

impl<E: Encode> Streamed<E> {
    async fn next(&mut self) -> Option<Bytes> {
        let mut out = Vec::new();
        if !self.opened {
            self.opened = true;
            self.encoder.open(&mut out);
            self.take_ready(&mut out);
        }
        // A part that appends nothing is no sign of life.
        while out.is_empty() {
            if let Ok(part) = timeout_at(self.beat_at, self.reply.next()).await {
                self.encoder.part(part?, &mut out);
                self.take_ready(&mut out);
            } else {
                self.metrics.heartbeat();
                self.encoder.beat(&mut out);
            }
        }
        self.beat_at = Instant::now() + self.heartbeat;
        Some(out.into())
    }

    /// Writes what is there without waiting.
    fn take_ready(&mut self, out: &mut Vec<u8>) {
        while out.len() < MAX_BATCH {
            let Some(Some(part)) = self.reply.next().now_or_never() else { return };
            self.encoder.part(part, out);
        }
    }
}
