//! An answer that the page script watches as it grows in the page.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::command::{Action, CREDIT};
use super::reply::Chunks;
use super::{Tab, TabError};

/// What of the page an answer is made of: the selectors of `inject/watch.js`.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct WatchRequest {
    pub(crate) replies: String,
    pub(crate) body: Option<String>,
    pub(crate) ignore: Vec<String>,
    pub(crate) asked: Option<String>,
    pub(crate) stop: Option<String>,
    pub(crate) busy: Option<String>,
    pub(crate) done: Option<String>,
    pub(crate) error: Vec<String>,
    pub(crate) composer: String,
}

/// Whether the page shows that it is still writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Sign {
    /// It has shown neither.
    #[default]
    None,
    /// It is writing.
    On,
    /// It has ended.
    Off,
}

/// What has changed in the page.
#[derive(Clone, Default, Deserialize)]
pub(crate) struct Seen {
    /// What of the answer is new, and certain.
    pub(crate) text: String,
    /// The message is in the page, or its answer is.
    pub(crate) posted: bool,
    /// Whether the page is still writing.
    pub(crate) sign: Sign,
    /// Where the page is: path and query.
    pub(crate) address: String,
    /// What the page says has gone wrong.
    #[serde(default)]
    pub(crate) error: Option<String>,
    /// What was passed on is no longer how the answer begins.
    #[serde(default)]
    pub(crate) rewritten: bool,
}

// It holds a part of an answer.
impl fmt::Debug for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seen")
            .field("bytes", &self.text.len())
            .field("posted", &self.posted)
            .field("sign", &self.sign)
            .finish_non_exhaustive()
    }
}

/// An answer being watched. Dropping it before its end stops the answer in the page.
pub(crate) struct Watch {
    chunks: Chunks,
    heard: u64,
}

impl Tab {
    /// Begins to watch for the answer to what is sent next. Answers that are there already are none.
    pub(crate) fn watch(&self, request: WatchRequest) -> Result<Watch, TabError> {
        let (items, open) = self.stream(Action::Watch { watch: Box::new(request), credit: CREDIT })?;
        Ok(Watch { chunks: Chunks::new(items, open), heard: 0 })
    }
}

impl Watch {
    /// The next change; `None` when the answer is whole. Losing the future loses nothing.
    pub(crate) async fn next(&mut self) -> Option<Result<Seen, TabError>> {
        let chunk = match self.chunks.next().await? {
            Ok(chunk) => chunk,
            Err(error) => return Some(Err(error)),
        };
        self.heard += 1;
        Some(serde_json::from_str(&chunk).map_err(|_| TabError::Script("watch: no event".to_owned())))
    }

    /// The page has stood still: what it shows now is certain.
    pub(crate) fn confirm(&self) {
        self.chunks.tell(Action::Confirm);
    }

    /// The page has stood still for long enough: unless it has changed since what was heard last, the answer ends.
    pub(crate) fn finish(&self) {
        self.chunks.tell(Action::Finish { heard: self.heard });
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("heard", &self.heard).finish_non_exhaustive()
    }
}
