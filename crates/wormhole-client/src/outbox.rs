//! What goes out over one connection.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Bytes, Message};
use wormhole_protocol::{CLOSE_GOING_AWAY, FromPeer, MAX_FRAME_BYTES, encode};

use crate::error::LinkLost;
use crate::inbox::Inbox;

/// Frames that wait for the socket. When it is full, whoever wants to send waits: a page's replies are held up (its
/// flow control then holds up the site), a submit waits as long as it may, a heartbeat is left out.
const OUTGOING_FRAMES: usize = 256;

/// A message for the socket, and the turn that is posted by it.
pub(crate) struct Outgoing {
    pub(crate) message: Message,
    pub(crate) submits: Option<Arc<Inbox>>,
}

/// The way into one connection. It dies with the connection: what was meant for one is never sent over the next.
#[derive(Debug, Clone)]
pub(crate) struct Outbox {
    queue: mpsc::Sender<Outgoing>,
    max_frame_bytes: usize,
}

impl Outbox {
    /// `max_frame_bytes` is what the hub announced.
    pub(crate) fn new(max_frame_bytes: u64) -> (Self, mpsc::Receiver<Outgoing>) {
        let (queue, outgoing) = mpsc::channel(OUTGOING_FRAMES);
        let announced = usize::try_from(max_frame_bytes).unwrap_or(usize::MAX);
        (Self { queue, max_frame_bytes: announced.min(MAX_FRAME_BYTES) }, outgoing)
    }

    /// A frame of this size would be taken.
    pub(crate) fn takes(&self, bytes: usize) -> bool {
        bytes <= self.max_frame_bytes
    }

    /// Waits for a place in the queue.
    pub(crate) async fn send(&self, frame: &FromPeer) -> Result<(), LinkLost> {
        self.put(Message::text(encode(frame)), None).await
    }

    /// Waits for a place in the queue; `turn` is told when its frame goes to the socket.
    pub(crate) async fn submit(&self, text: String, turn: Arc<Inbox>) -> Result<(), LinkLost> {
        self.put(Message::text(text), Some(turn)).await
    }

    /// Ends the connection after everything before it has been written.
    pub(crate) async fn close(&self) -> Result<(), LinkLost> {
        let frame = CloseFrame { code: CLOSE_GOING_AWAY.into(), reason: "going away".into() };
        self.put(Message::Close(Some(frame)), None).await
    }

    /// Sends at once or says that the queue is full.
    pub(crate) fn try_send(&self, frame: &FromPeer) -> Result<(), Full> {
        self.try_put(Message::text(encode(frame)))
    }

    /// A heartbeat, unless the queue is full: then the hub hears enough of us.
    pub(crate) fn ping(&self) {
        let _ = self.try_put(Message::Ping(Bytes::new()));
    }

    fn try_put(&self, message: Message) -> Result<(), Full> {
        match self.queue.try_send(Outgoing { message, submits: None }) {
            Err(TrySendError::Full(_)) => Err(Full),
            // With the link everything is lost that this could have been about.
            Ok(()) | Err(TrySendError::Closed(_)) => Ok(()),
        }
    }

    async fn put(&self, message: Message, submits: Option<Arc<Inbox>>) -> Result<(), LinkLost> {
        self.queue.send(Outgoing { message, submits }).await.map_err(|_| LinkLost)
    }
}

/// The queue is full.
#[derive(Debug)]
pub(crate) struct Full;
