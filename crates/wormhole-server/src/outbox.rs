//! What waits to be written to one peer.
//!
//! The core puts frames in while it holds its lock; the peer's writer takes them out and encodes them without it.
//! Deltas of one turn that wait are joined here, so that a slow reader costs memory for its text and nothing else.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use wormhole_protocol::{Body, Event, FromHub, TurnId};

/// The most frames that may wait for one peer. Over it the peer is dropped as slow: it has stopped reading.
const MAX_WAITING_FRAMES: usize = 16_384;

/// Deltas are joined up to this size, so that no joined frame comes near the frame limit even if every byte is escaped.
const MAX_JOINED_BYTES: usize = 1024 * 1024;

/// The writer takes at most this many frames, and about this many bytes, before it flushes: what it has in hand is
/// bounded as well.
const BATCH: usize = 64;
const BATCH_BYTES: usize = 256 * 1024;

/// What a waiting frame counts for beside its text.
const FRAME_BYTES: usize = 128;

/// A frame that waits: owned, or shared with the core (a post that may have to be given out again, a directory).
#[derive(Debug)]
pub(crate) enum Item {
    Own(FromHub),
    Shared(Arc<FromHub>),
}

impl Item {
    pub(crate) fn frame(&self) -> &FromHub {
        match self {
            Self::Own(frame) => frame,
            Self::Shared(frame) => frame,
        }
    }

    fn post(&self) -> Option<&TurnId> {
        match self.frame() {
            FromHub::Post(post) => Some(&post.turn),
            _ => None,
        }
    }

    /// What it counts for; posts are bounded by the page's capacity instead.
    fn bytes(&self) -> usize {
        match self.frame() {
            FromHub::Event(Event { body: Body::Text { delta } | Body::Reasoning { delta }, .. }) => {
                FRAME_BYTES + delta.len()
            }
            _ => FRAME_BYTES,
        }
    }
}

/// Why and how a connection is to be closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Close {
    pub(crate) code: u16,
    pub(crate) reason: String,
}

/// What became of a step of a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Put {
    /// It waits as a frame of its own, under this number.
    New(u64),
    /// It was joined to the turn's last waiting frame.
    Joined,
}

/// What the writer is to do next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Write the batch.
    Batch,
    /// Everything is written: close.
    Close(Close),
}

/// One peer's waiting frames.
#[derive(Debug)]
pub(crate) struct Outbox {
    inner: Mutex<Inner>,
    wake: Notify,
    overflow: CancellationToken,
    max_bytes: usize,
}

#[derive(Debug, Default)]
struct Inner {
    /// Number of the first waiting frame; frames are numbered from 0 over the connection's life.
    base: u64,
    items: VecDeque<Item>,
    bytes: usize,
    close: Option<Close>,
    unsent: Vec<TurnId>,
}

impl Outbox {
    pub(crate) fn new(max_bytes: usize) -> Self {
        Self { inner: Mutex::default(), wake: Notify::new(), overflow: CancellationToken::new(), max_bytes }
    }

    /// Puts a frame at the end. Nothing is put in after a close or an overflow.
    pub(crate) fn push(&self, frame: FromHub) {
        self.put(Item::Own(frame));
    }

    /// Puts a frame at the end that the core keeps too.
    pub(crate) fn push_shared(&self, frame: Arc<FromHub>) {
        self.put(Item::Shared(frame));
    }

    /// Puts a step of a reply at the end, or joins its text to `last`, the turn's last frame, if that still waits.
    pub(crate) fn step(&self, event: Event, last: Option<u64>) -> Put {
        let mut inner = self.lock();
        if let Some(index) = last.and_then(|last| last.checked_sub(inner.base))
            && inner.join(index, &event.body)
        {
            let over = inner.bytes > self.max_bytes;
            drop(inner);
            if over {
                self.overflow.cancel();
            }
            return Put::Joined;
        }
        drop(inner);
        Put::New(self.put(Item::Own(FromHub::Event(event))))
    }

    /// Takes a post back that the writer has not taken yet; false if it is too late.
    pub(crate) fn revoke(&self, turn: &TurnId) -> bool {
        let mut inner = self.lock();
        if let Some(index) = inner.items.iter().position(|item| item.post() == Some(turn)) {
            // This moves the numbers of later frames; only replies are joined by number, and no page is sent replies.
            inner.items.remove(index);
            return true;
        }
        inner.unsent.contains(turn)
    }

    /// Ends the connection once what waits is written. Posts that still wait are not written any more. The first close
    /// counts.
    pub(crate) fn close(&self, code: u16, reason: impl Into<String>) {
        let mut inner = self.lock();
        let Inner { items, unsent, close, .. } = &mut *inner;
        if close.is_none() {
            *close = Some(Close { code, reason: reason.into() });
            items.retain(|item| match item.post() {
                Some(turn) => {
                    unsent.push(turn.clone());
                    false
                }
                None => true,
            });
        }
        drop(inner);
        self.wake.notify_one();
    }

    /// The turns whose posts were certainly not written because of the close or the overflow.
    pub(crate) fn unsent(&self) -> Vec<TurnId> {
        let inner = self.lock();
        let waiting = inner.items.iter().filter_map(Item::post);
        inner.unsent.iter().chain(waiting).cloned().collect()
    }

    /// Waits for something to do and moves the next batch into `batch`. A batch ends with its first post, so that no
    /// post counts as sent while another is being written.
    pub(crate) async fn next(&self, batch: &mut Vec<Item>) -> Next {
        loop {
            if let Some(next) = self.take(batch) {
                return next;
            }
            self.wake.notified().await;
        }
    }

    /// What [`Outbox::next`] waits for, if it is there. `batch` is empty.
    pub(crate) fn take(&self, batch: &mut Vec<Item>) -> Option<Next> {
        let mut inner = self.lock();
        if inner.items.is_empty() {
            return inner.close.clone().map(Next::Close);
        }
        let mut bytes = 0;
        while batch.len() < BATCH && bytes < BATCH_BYTES {
            let Some(item) = inner.items.pop_front() else { break };
            inner.base += 1;
            inner.bytes = inner.bytes.saturating_sub(item.bytes());
            bytes += item.bytes();
            let is_post = item.post().is_some();
            batch.push(item);
            if is_post {
                break;
            }
        }
        Some(Next::Batch)
    }

    /// Is cancelled when more waits than may: the peer is to be dropped.
    pub(crate) fn overflow(&self) -> &CancellationToken {
        &self.overflow
    }

    fn put(&self, item: Item) -> u64 {
        let mut inner = self.lock();
        let number = inner.base + inner.items.len() as u64;
        if inner.close.is_some() || self.overflow.is_cancelled() {
            inner.unsent.extend(item.post().cloned());
            return number;
        }
        inner.bytes += item.bytes();
        inner.items.push_back(item);
        let over = inner.bytes > self.max_bytes || inner.items.len() > MAX_WAITING_FRAMES;
        drop(inner);
        if over {
            self.overflow.cancel();
        }
        self.wake.notify_one();
        number
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A frame is put in or taken out whole, so what a panicking thread leaves behind is sound.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Appends a delta to the waiting frame at `index`, if that holds text of the same kind.
    fn join(&mut self, index: u64, body: &Body) -> bool {
        let waiting = usize::try_from(index).ok().and_then(|index| self.items.get_mut(index));
        let Some(Item::Own(FromHub::Event(event))) = waiting else { return false };
        match (&mut event.body, body) {
            (Body::Text { delta: text }, Body::Text { delta })
            | (Body::Reasoning { delta: text }, Body::Reasoning { delta })
                if text.len() + delta.len() <= MAX_JOINED_BYTES =>
            {
                text.push_str(delta);
                self.bytes += delta.len();
                true
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests;
