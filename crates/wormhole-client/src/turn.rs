//! A submitted turn, as its sender sees it.

use std::sync::Arc;

use tokio::time::{Instant, timeout_at};
use wormhole_protocol::{Body, FailureCode, TurnId};

use crate::desk::Desk;
use crate::inbox::{Inbox, Pending};

/// What a turn tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TurnEvent {
    /// It waits in the hub's queue; only the newest number is told.
    Queued {
        /// Turns before it.
        ahead: u32,
    },
    /// A step of the reply. Deltas that came while nobody read are one.
    Body(Body),
}

/// A reply as it comes: in order, proved whole, with exactly one end. Dropping it before its end stops the turn.
#[derive(Debug)]
pub struct Turn {
    id: TurnId,
    inbox: Arc<Inbox>,
    desk: Arc<Desk>,
    /// When we stop waiting for a hub that has forgotten the turn.
    deadline: Instant,
}

impl Turn {
    pub(crate) fn new(id: TurnId, inbox: Arc<Inbox>, desk: Arc<Desk>, deadline: Instant) -> Self {
        Self { id, inbox, desk, deadline }
    }

    /// Which turn.
    pub fn id(&self) -> &TurnId {
        &self.id
    }

    /// The next event; after `done` or `failed` there is none. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<TurnEvent> {
        loop {
            match self.inbox.pop() {
                Ok(event) => return Some(event),
                Err(Pending::Never) => return None,
                Err(Pending::NotYet) => {}
            }
            if timeout_at(self.deadline, self.inbox.arrived()).await.is_err() && !self.inbox.has_ended() {
                self.desk.give_up(&self.id);
                self.inbox.fail(FailureCode::Deadline, "the hub did not end the turn by its deadline");
            }
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if !self.inbox.has_ended() {
            self.desk.give_up(&self.id);
        }
    }
}
