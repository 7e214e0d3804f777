//! The reply of a request that the page made.

use std::fmt;

use tokio::sync::mpsc;

use super::command::{Action, CREDIT};
use super::shared::Open;
use super::slots::{Head, Item};
use crate::tab::TabError;

/// Credit goes back in portions, as each costs a message to the page.
const PORTION: u32 = CREDIT / 4;

/// What a command of the page streams back. Dropping it aborts the command in the page.
pub(crate) struct Chunks {
    items: mpsc::Receiver<Result<Item, TabError>>,
    open: Open,
    taken: u32,
    ended: bool,
}

impl Chunks {
    pub(crate) fn new(items: mpsc::Receiver<Result<Item, TabError>>, open: Open) -> Self {
        Self { items, open, taken: 0, ended: false }
    }

    /// The next chunk; `None` after the end. After an error there is nothing more. Losing the future loses no chunk.
    pub(crate) async fn next(&mut self) -> Option<Result<String, TabError>> {
        if self.ended {
            return None;
        }
        match self.items.recv().await {
            Some(Ok(Item::Chunk(text))) => {
                self.taken += 1;
                if self.taken == PORTION {
                    self.taken = 0;
                    self.open.tell(Action::Credit { chunks: PORTION });
                }
                Some(Ok(text))
            }
            other => {
                self.ended = true;
                match other {
                    Some(Ok(Item::End)) => None,
                    Some(Ok(_)) => Some(Err(TabError::Script("a second head".to_owned()))),
                    Some(Err(error)) => Some(Err(error)),
                    // No end was said: a part must never pass for the whole.
                    None => Some(Err(TabError::Script("more chunks than allowed".to_owned()))),
                }
            }
        }
    }

    /// Tells the command something.
    pub(crate) fn tell(&self, action: Action) {
        self.open.tell(action);
    }
}

/// The reply of a request that the page made: the head, and a body that arrives in chunks.
/// Dropping it aborts the request in the page.
pub struct FetchReply {
    /// HTTP status.
    pub status: u16,
    /// Where redirects led, without the query.
    pub url: String,
    /// `content-type`, or empty.
    pub content_type: String,
    /// `retry-after`, or empty.
    pub retry_after: String,
    body: Chunks,
}

impl FetchReply {
    pub(crate) fn new(head: Head, body: Chunks) -> Self {
        let Head { status, url, content_type, retry_after } = head;
        Self { status, url, content_type, retry_after, body }
    }

    /// The next piece of the body; `None` after its end. After an error there is nothing more.
    ///
    /// The page sends at most 256 pieces ahead of what is taken here; then it stops reading from the site.
    pub async fn chunk(&mut self) -> Option<Result<String, TabError>> {
        self.body.next().await
    }

    /// The whole body, at most `limit` bytes of it: beyond that the rest is aborted and cut off.
    pub async fn text(mut self, limit: usize) -> Result<String, TabError> {
        let mut text = String::new();
        while let Some(chunk) = self.chunk().await {
            text.push_str(&chunk?);
            if text.len() > limit {
                text.truncate(text.floor_char_boundary(limit));
                break;
            }
        }
        Ok(text)
    }
}

impl fmt::Debug for FetchReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FetchReply")
            .field("status", &self.status)
            .field("content_type", &self.content_type)
            .finish_non_exhaustive()
    }
}
