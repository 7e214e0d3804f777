//! Who waits for what the page script says, by the command it answers.

use std::collections::HashMap;

use serde_json::Value;
use tokio::sync::{mpsc, oneshot};
use wormhole_protocol::PageFrameKind;

use super::TabError;

/// More commands at once than any site bears; beyond them the caller is told so.
const MOST: usize = 512;

/// A response's head.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) status: u16,
    pub(crate) url: String,
    pub(crate) content_type: String,
    pub(crate) retry_after: String,
}

/// What a request's reply is made of.
#[derive(Debug)]
pub(crate) enum Item {
    Head(Head),
    Chunk(String),
    End,
}

/// Where to put what the page script says.
pub(crate) enum Waiter {
    /// Holds more than the script has credit for, so that sending never waits.
    Stream(mpsc::Sender<Result<Item, TabError>>),
    Value(oneshot::Sender<Result<Value, TabError>>),
}

impl Waiter {
    fn fail(self, error: TabError) {
        // Nobody may be waiting any more.
        match self {
            Self::Stream(items) => drop(items.try_send(Err(error))),
            Self::Value(value) => drop(value.send(Err(error))),
        }
    }
}

struct Slot {
    waiter: Waiter,
    next_seq: u64,
}

/// All commands that are waited for. Ids are never used twice.
#[derive(Default)]
pub(crate) struct Slots {
    open: HashMap<u64, Slot>,
    last_id: u64,
}

impl Slots {
    pub(crate) fn open(&mut self, waiter: Waiter) -> Result<u64, TabError> {
        if self.open.len() >= MOST {
            return Err(TabError::Script(format!("more than {MOST} commands at once")));
        }
        self.last_id += 1;
        self.open.insert(self.last_id, Slot { waiter, next_seq: 0 });
        Ok(self.last_id)
    }

    /// Whether it was still open.
    pub(crate) fn close(&mut self, id: u64) -> bool {
        self.open.remove(&id).is_some()
    }

    pub(crate) fn is_open(&self, id: u64) -> bool {
        self.open.contains_key(&id)
    }

    pub(crate) fn fail(&mut self, id: u64, error: TabError) {
        if let Some(slot) = self.open.remove(&id) {
            slot.waiter.fail(error);
        }
    }

    pub(crate) fn fail_all(&mut self, error: &TabError) {
        for (_, slot) in self.open.drain() {
            slot.waiter.fail(error.clone());
        }
    }

    /// Hands on what the script said. False when it broke the protocol, and should stop.
    pub(crate) fn hear(&mut self, id: u64, seq: u64, kind: PageFrameKind) -> bool {
        // Of a command that nobody waits for any more.
        let Some(slot) = self.open.get_mut(&id) else { return true };
        if slot.next_seq != seq {
            self.fail(id, TabError::Script("a message of the page got lost".to_owned()));
            return false;
        }
        slot.next_seq += 1;
        let item = match kind {
            PageFrameKind::Head { status, url, content_type, retry_after } => {
                Item::Head(Head { status, url, content_type, retry_after })
            }
            PageFrameKind::Chunk { text } => Item::Chunk(text),
            PageFrameKind::End => Item::End,
            PageFrameKind::Value { value } => {
                if let Some(Slot { waiter: Waiter::Value(waiting), .. }) = self.open.remove(&id) {
                    drop(waiting.send(Ok(value)));
                }
                return true;
            }
            PageFrameKind::Error { code, message } => {
                self.fail(id, page_error(&code, message));
                return true;
            }
            // Of documents, not of commands.
            PageFrameKind::Hello { .. } | PageFrameKind::Dialling | PageFrameKind::NoSocket { .. } => {
                return true;
            }
        };
        self.put(id, item)
    }

    fn put(&mut self, id: u64, item: Item) -> bool {
        let last = matches!(item, Item::End);
        let Some(Slot { waiter: Waiter::Stream(items), .. }) = self.open.get(&id) else {
            self.fail(id, TabError::Script("the page answers in the wrong way".to_owned()));
            return false;
        };
        // Full only when a script of somebody else's sends more than it has credit for.
        let taken = items.try_send(Ok(item)).is_ok();
        if last || !taken {
            self.open.remove(&id);
        }
        taken
    }
}

fn page_error(code: &str, message: String) -> TabError {
    match code {
        "aborted" => TabError::Aborted,
        "network" | "encoding" => TabError::Interrupted(message),
        "missing" => TabError::Missing(message),
        _ => TabError::Script(message),
    }
}
