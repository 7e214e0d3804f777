//! An answer that is kept as it comes, for any number of readers.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use axum::body::{Body, HttpBody};
use axum::response::Response;
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::unfold;
use http::{HeaderMap, StatusCode};
use tokio::sync::watch;

/// The most bytes of one answer. A longer one is broken off: it could not be given to anybody who joins.
const MOST_BYTES: usize = 32 << 20;

/// How an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// As the handler meant it.
    Whole,
    /// It never will be whole.
    Broken,
}

/// An answer, whole or on its way.
#[derive(Debug)]
pub(super) struct Answer {
    /// Of the request.
    pub(super) fingerprint: [u8; 32],
    inner: Mutex<Inner>,
    /// Changes whenever `inner` does.
    changed: watch::Sender<()>,
    readers: watch::Sender<usize>,
}

#[derive(Debug, Default)]
struct Inner {
    head: Option<(StatusCode, HeaderMap)>,
    /// It is read while it comes; else readers get it whole.
    streams: bool,
    pieces: Vec<Bytes>,
    bytes: usize,
    end: Option<(Outcome, Instant)>,
}

impl Answer {
    /// The answer to a request.
    pub(super) fn new(fingerprint: [u8; 32]) -> Self {
        let (changed, readers) = (watch::Sender::new(()), watch::Sender::new(0));
        Self { fingerprint, inner: Mutex::default(), changed, readers }
    }

    /// Keeps the handler's answer as it comes.
    pub(super) async fn write(&self, response: Response) {
        let (parts, body) = response.into_parts();
        {
            let mut inner = self.lock();
            inner.head = Some((parts.status, parts.headers));
            inner.streams = body.size_hint().exact().is_none();
        }
        self.changed.send_replace(());
        let mut body = body.into_data_stream();
        while let Some(piece) = body.next().await {
            let Ok(piece) = piece else {
                self.end(Outcome::Broken);
                return;
            };
            let bytes = {
                let mut inner = self.lock();
                inner.bytes += piece.len();
                inner.pieces.push(piece);
                inner.bytes
            };
            self.changed.send_replace(());
            if bytes > MOST_BYTES {
                self.end(Outcome::Broken);
                return;
            }
        }
        self.end(Outcome::Whole);
    }

    /// Ends it, if it has not ended. Whether this did it.
    pub(super) fn end(&self, outcome: Outcome) -> bool {
        let is_first = {
            let mut inner = self.lock();
            let is_first = inner.end.is_none();
            inner.end.get_or_insert((outcome, Instant::now()));
            is_first
        };
        self.changed.send_replace(());
        is_first
    }

    /// When it ended.
    pub(super) fn ended(&self) -> Option<Instant> {
        self.lock().end.map(|(_, at)| at)
    }

    /// How much of it is kept.
    pub(super) fn bytes(&self) -> usize {
        self.lock().bytes
    }

    /// One reader more, who must become a [`reader`](Self::reader).
    pub(super) fn joined(&self) {
        self.readers.send_modify(|readers| *readers += 1);
    }

    /// How many read it.
    pub(super) fn readers(&self) -> usize {
        *self.readers.borrow()
    }

    /// Waits until nobody reads it.
    pub(super) async fn has_no_reader(&self) {
        drop(self.readers.subscribe().wait_for(|readers| *readers == 0).await);
    }

    /// Waits until somebody reads it.
    pub(super) async fn has_reader(&self) {
        drop(self.readers.subscribe().wait_for(|readers| *readers > 0).await);
    }

    /// The reader that has [`joined`](Self::joined).
    pub(super) fn reader(self: Arc<Self>) -> Reader {
        let changed = self.changed.subscribe();
        Reader { answer: self, changed, next: 0 }
    }

    /// All of it, for somebody who has joined. None if there is not even a head.
    pub(super) async fn read(self: Arc<Self>) -> Option<Response> {
        self.reader().response().await
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads an answer from its start.
pub(super) struct Reader {
    answer: Arc<Answer>,
    changed: watch::Receiver<()>,
    next: usize,
}

/// What a reader finds.
enum Next {
    Piece(Bytes),
    Wait,
    End(Outcome),
}

impl Reader {
    /// The answer, as far as its head is there. None if there will be none.
    pub(super) async fn response(mut self) -> Option<Response> {
        let ready = |inner: &Inner| inner.end.is_some() || (inner.head.is_some() && inner.streams);
        while !ready(&self.answer.lock()) {
            self.changed.changed().await.ok()?;
        }
        let (head, whole) = {
            let inner = self.answer.lock();
            let whole = !inner.streams && inner.end.is_some_and(|(outcome, _)| outcome == Outcome::Whole);
            (inner.head.clone(), whole.then(|| inner.pieces.concat()))
        };
        let (status, headers) = head?;
        let body = whole.map_or_else(|| self.into_body(), Body::from);
        let mut response = Response::new(body);
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        Some(response)
    }

    fn into_body(self) -> Body {
        Body::from_stream(unfold(Some(self), async |reader| {
            let mut reader = reader?;
            loop {
                match reader.next() {
                    Next::Piece(piece) => return Some((Ok(piece), Some(reader))),
                    Next::End(Outcome::Whole) => return None,
                    // The connection breaks off, so that nobody takes it for whole.
                    Next::End(Outcome::Broken) => {
                        return Some((Err(std::io::Error::other("the answer broke off")), None));
                    }
                    Next::Wait => reader.changed.changed().await.ok()?,
                }
            }
        }))
    }

    fn next(&mut self) -> Next {
        // Seen before it is read, so that no change is missed.
        self.changed.mark_unchanged();
        let inner = self.answer.lock();
        if let Some(piece) = inner.pieces.get(self.next) {
            self.next += 1;
            return Next::Piece(piece.clone());
        }
        inner.end.map_or(Next::Wait, |(outcome, _)| Next::End(outcome))
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.answer.readers.send_modify(|readers| *readers = readers.saturating_sub(1));
    }
}
