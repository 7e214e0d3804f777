//! One joined connection: read, write, heartbeat, all in the link's own task.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use tokio::sync::mpsc;
use tokio::time::{Instant, interval_at, sleep_until, timeout};
use tokio_tungstenite::tungstenite::Message;
use tracing::{debug, warn};
use wormhole_protocol::{FailureCode, FromHub, FromPeer, ProtocolError, decode};

use crate::address::LinkTimings;
use crate::dial::{Socket, closed};
use crate::error::LinkError;
use crate::link::{Counts, Peer};
use crate::outbox::{Outbox, Outgoing};

/// Frames written before a flush, so that one that floods the queue does not keep the first from going out.
const BATCH: usize = 64;

/// How long the hub may take to answer a close frame.
const CLOSE_WITHIN: Duration = Duration::from_secs(2);

/// Runs until the connection ends, and says why. `finish` ends it in order.
pub(crate) async fn run<P: Peer>(
    socket: Socket,
    peer: &P,
    outbox: Outbox,
    outgoing: mpsc::Receiver<Outgoing>,
    timings: &LinkTimings,
    counts: &Counts,
    finish: impl Future<Output = ()>,
) -> LinkError {
    let (sink, stream) = socket.split();
    let heard = Heard::new();
    let finishing = async {
        finish.await;
        // The hub's echo of the close frame ends the reading below; one that does not echo is not waited for.
        let _ = timeout(CLOSE_WITHIN, async {
            let _ = outbox.close().await;
            std::future::pending::<()>().await;
        })
        .await;
        LinkError::Finished
    };
    tokio::select! {
        error = read(stream, peer, &outbox, &heard, counts) => error,
        error = write(sink, outgoing, timings.dead_after) => error,
        error = silence(&heard, timings.dead_after) => error,
        error = peer.speak(&outbox) => error,
        error = finishing => error,
        error = ping(&outbox, timings.heartbeat) => error,
    }
}

async fn read<P: Peer>(
    mut stream: SplitStream<Socket>,
    peer: &P,
    outbox: &Outbox,
    heard: &Heard,
    counts: &Counts,
) -> LinkError {
    loop {
        let message = match stream.next().await {
            Some(Ok(message)) => message,
            Some(Err(error)) => return error.into(),
            None => return LinkError::Ended,
        };
        heard.now();
        let problem = match message {
            Message::Text(text) => match decode::<FromHub>(text.as_bytes()) {
                Ok(FromHub::Error(error)) => {
                    warn!(said = error.message, "the hub did not understand a frame of ours");
                    None
                }
                Ok(frame) => peer.take(frame).await.err().map(str::to_owned),
                Err(error) => Some(error.to_string()),
            },
            Message::Binary(_) => Some("binary frames are not part of the protocol".to_owned()),
            Message::Close(frame) => return closed(frame),
            // tungstenite answers pings by itself.
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => None,
        };
        if let Some(message) = problem {
            debug!(problem = message, "a frame of the hub does not fit");
            counts.bad_frame();
            // With a full queue the complaint is left out: the count has it.
            let _ = outbox.try_send(&FromPeer::Error(ProtocolError { code: FailureCode::Protocol, message }));
        }
    }
}

async fn write(
    mut sink: SplitSink<Socket, Message>,
    mut outgoing: mpsc::Receiver<Outgoing>,
    within: Duration,
) -> LinkError {
    let mut batch = Vec::with_capacity(BATCH);
    while outgoing.recv_many(&mut batch, BATCH).await > 0 {
        let closing = batch.iter().any(|outgoing| matches!(outgoing.message, Message::Close(_)));
        match timeout(within, write_batch(&mut sink, &mut batch)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return error,
            Err(_) => return LinkError::Stalled,
        }
        if closing {
            break;
        }
    }
    // The hub's answer to the close frame ends the session, or the wait for it.
    std::future::pending().await
}

async fn write_batch(
    sink: &mut SplitSink<Socket, Message>,
    batch: &mut Vec<Outgoing>,
) -> Result<(), LinkError> {
    for Outgoing { message, submits } in batch.drain(..) {
        if let Some(turn) = submits {
            turn.written();
        }
        let is_close = matches!(message, Message::Close(_));
        sink.feed(message).await?;
        if is_close {
            break;
        }
    }
    Ok(sink.flush().await?)
}

async fn ping(outbox: &Outbox, every: Duration) -> LinkError {
    let mut beat = interval_at(Instant::now() + every, every);
    loop {
        beat.tick().await;
        outbox.ping();
    }
}

async fn silence(heard: &Heard, dead_after: Duration) -> LinkError {
    loop {
        let dead_at = heard.last() + dead_after;
        if Instant::now() >= dead_at {
            return LinkError::Silent;
        }
        sleep_until(dead_at).await;
    }
}

/// When the hub was last heard of. One clock read a frame; the timer is set anew only when it fires.
struct Heard {
    start: Instant,
    millis: AtomicU64,
}

impl Heard {
    fn new() -> Self {
        Self { start: Instant::now(), millis: AtomicU64::new(0) }
    }

    fn now(&self) {
        let millis = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.millis.store(millis, Ordering::Relaxed);
    }

    fn last(&self) -> Instant {
        self.start + Duration::from_millis(self.millis.load(Ordering::Relaxed))
    }
}
