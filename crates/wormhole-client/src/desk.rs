//! What the sender's link and its handles share.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, oneshot, watch};
use tokio::time::{Instant, timeout_at};
use tracing::debug;
use wormhole_protocol::{
    ConversationId, Directory, Event, Failure, FailureCode, FromHub, FromPeer, PageHello, Role, TurnId,
};
use wormhole_runtime::Lifecycle;

use crate::error::LinkError;
use crate::inbox::{Inbox, Taken};
use crate::link::{Link, Peer};
use crate::outbox::Outbox;

/// Everything that waits for an answer of the hub.
#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) link: Arc<Link>,
    lifecycle: Lifecycle,
    pub(crate) directory: watch::Sender<Arc<Directory>>,
    open: Mutex<Open>,
    /// Something of `open` was closed.
    less: Notify,
}

#[derive(Debug, Default)]
struct Open {
    turns: HashMap<TurnId, Arc<Inbox>>,
    forgets: HashMap<ForgetKey, Vec<oneshot::Sender<Result<(), Failure>>>>,
}

pub(crate) type ForgetKey = (String, ConversationId);

/// Somebody waits for a conversation to be removed; dropped, nobody does.
pub(crate) struct ForgetWait {
    pub(crate) told: oneshot::Receiver<Result<(), Failure>>,
    key: ForgetKey,
    desk: Arc<Desk>,
}

impl Drop for ForgetWait {
    fn drop(&mut self) {
        self.told.close();
        let mut open = self.desk.lock();
        if let Some(waiting) = open.forgets.get_mut(&self.key) {
            waiting.retain(|tell| !tell.is_closed());
            if waiting.is_empty() {
                open.forgets.remove(&self.key);
            }
        }
        drop(open);
        self.desk.less.notify_one();
    }
}

impl Desk {
    pub(crate) fn new(link: Arc<Link>, lifecycle: Lifecycle) -> Self {
        let directory = watch::Sender::new(Arc::default());
        Self { link, lifecycle, directory, open: Mutex::default(), less: Notify::new() }
    }

    /// The way into the joined connection; waits for one until `within`.
    pub(crate) async fn outbox(&self, within: Instant) -> Result<Outbox, Failure> {
        if let Some(outbox) = &*self.link.outbox.borrow() {
            return Ok(outbox.clone());
        }
        let mut outbox = self.link.outbox.subscribe();
        // While draining a lost link does not come back.
        let joined =
            self.link.soft.run_until_cancelled(timeout_at(within, outbox.wait_for(Option::is_some))).await;
        drop(joined);
        let current = outbox.borrow().clone();
        current.ok_or_else(|| no_link("there is no link to the hub"))
    }

    pub(crate) fn open_turn(&self, id: &TurnId, inbox: &Arc<Inbox>) -> Result<(), Failure> {
        let mut open = self.lock();
        if open.turns.contains_key(id) {
            return Err(Failure::not_posted(FailureCode::Protocol, "a turn of this id is already running"));
        }
        open.turns.insert(id.clone(), Arc::clone(inbox));
        Ok(())
    }

    pub(crate) fn open_forget(self: &Arc<Self>, key: ForgetKey) -> ForgetWait {
        let (tell, told) = oneshot::channel();
        self.lock().forgets.entry(key.clone()).or_default().push(tell);
        ForgetWait { told, key, desk: Arc::clone(self) }
    }

    /// Nobody waits for this turn any more: the hub is told to stop it.
    pub(crate) fn give_up(&self, id: &TurnId) {
        if self.close_turn(id).is_some() {
            self.cancel(id);
        }
    }

    fn close_turn(&self, id: &TurnId) -> Option<Arc<Inbox>> {
        let closed = self.lock().turns.remove(id);
        self.less.notify_one();
        closed
    }

    fn cancel(&self, id: &TurnId) {
        let Some(outbox) = self.link.outbox.borrow().clone() else { return };
        let frame = FromPeer::Cancel { turn: id.clone() };
        if outbox.try_send(&frame).is_err() {
            // A stop must not be lost. There are no more of these than turns, and they end with the link.
            self.lifecycle.spawn_transient("cancel", async move {
                let _ = outbox.send(&frame).await;
            });
        }
    }

    fn event(&self, event: Event) {
        let inbox = self.lock().turns.get(&event.turn).cloned();
        let Some(inbox) = inbox else {
            debug!(turn = %event.turn, "an event of a turn that nobody waits for");
            return self.link.counts.dropped_event();
        };
        let Event { turn, attempt, seq, body } = event;
        match inbox.take(attempt, seq, body) {
            Taken::Kept => {}
            Taken::Dropped => self.link.counts.dropped_event(),
            Taken::Ended => drop(self.close_turn(&turn)),
            Taken::Broken => self.give_up(&turn),
        }
    }

    fn forgotten(&self, account: String, conversation: ConversationId, result: &Result<(), Failure>) {
        let waiting = self.lock().forgets.remove(&(account, conversation)).unwrap_or_default();
        for tell in waiting {
            // One that no longer waits need not be told.
            let _ = tell.send(result.clone());
        }
        self.less.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Peer for Desk {
    const ROLE: Role = Role::Sender;

    fn page_hello(&self) -> Option<PageHello> {
        None
    }

    async fn take(&self, frame: FromHub) -> Result<(), &'static str> {
        match frame {
            FromHub::Event(event) => self.event(event),
            FromHub::Queued { turn, ahead } => {
                if let Some(inbox) = self.lock().turns.get(&turn) {
                    inbox.queued(ahead);
                }
            }
            FromHub::Directory(directory) => drop(self.directory.send_replace(Arc::new(directory))),
            FromHub::Forgotten { account, conversation } => self.forgotten(account, conversation, &Ok(())),
            FromHub::ForgetFailed { account, conversation, failure } => {
                self.forgotten(account, conversation, &Err(failure));
            }
            FromHub::Welcome(_) | FromHub::Post(_) | FromHub::Cancel { .. } | FromHub::Forget { .. } => {
                return Err("a frame that no sender gets");
            }
            // The session has dealt with it.
            FromHub::Error(_) => {}
        }
        Ok(())
    }

    async fn speak(&self, _outbox: &Outbox) -> LinkError {
        std::future::pending().await
    }

    async fn lost(&self) {
        let Open { turns, forgets } = std::mem::take(&mut *self.lock());
        for inbox in turns.into_values() {
            inbox.fail(FailureCode::HubLost, "the link to the hub was lost");
        }
        // Their senders dropped, those who wait know.
        drop(forgets);
    }

    async fn idle(&self) {
        loop {
            let less = self.less.notified();
            let is_idle = {
                let open = self.lock();
                open.turns.is_empty() && open.forgets.is_empty()
            };
            if is_idle {
                return;
            }
            less.await;
        }
    }
}

/// A failure of what was certainly not sent.
pub(crate) fn no_link(message: &str) -> Failure {
    Failure::not_posted(FailureCode::HubLost, message)
}
