//! A peer that speaks for a page.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, watch};
use wormhole_protocol::{
    Body, ConversationId, Event, Failure, FromHub, FromPeer, PageHello, Post, Role, Status, TurnId,
};
use wormhole_runtime::Lifecycle;

use crate::address::{HubAddress, LinkTimings};
use crate::error::{LinkError, LinkLost};
use crate::link::{Link, LinkState, LinkStats, Peer};
use crate::outbox::Outbox;

/// Orders that wait for the bridge. The hub gives a page no more turns than it has places, so this fills only when the
/// bridge is stuck; then nothing more is read from the hub, which in the end drops the link.
const ORDERS: usize = 128;

/// What the hub wants of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PageOrder {
    /// Post this and answer through [`PageLink::replies`].
    Post(Box<Post>),
    /// Stop this turn; unknown turns are ignored.
    Cancel(TurnId),
    /// Remove a conversation from the site and answer with [`PageLink::forgotten`] or [`PageLink::forget_failed`].
    Forget {
        /// The account that owns it.
        account: String,
        /// Which.
        conversation: ConversationId,
    },
    /// The link is gone: abort every turn that was ordered before this. Nobody waits for their replies any more.
    HubLost,
}

/// A link to the hub that speaks for a page. Cloning shares the link.
#[derive(Debug, Clone)]
pub struct PageLink {
    desk: Arc<Desk>,
}

impl PageLink {
    /// Starts the link as a task of `lifecycle` that reconnects for ever, with the protocol's timings. Joins with the
    /// current `hello`; when that changes while joined, the hub is sent a `status` with what changed.
    ///
    /// When draining, the link goes on until the receiver is dropped: drop it when the last turn has ended.
    pub fn start(
        address: HubAddress,
        hello: watch::Receiver<PageHello>,
        lifecycle: &Lifecycle,
    ) -> (Self, mpsc::Receiver<PageOrder>) {
        Self::start_with(address, LinkTimings::default(), hello, lifecycle)
    }

    /// As [`start`](Self::start), with other timings.
    pub fn start_with(
        address: HubAddress,
        timings: LinkTimings,
        hello: watch::Receiver<PageHello>,
        lifecycle: &Lifecycle,
    ) -> (Self, mpsc::Receiver<PageOrder>) {
        let (orders, taken) = mpsc::channel(ORDERS);
        let link = Link::new(address, timings, lifecycle);
        let said = Mutex::new(hello.borrow().clone());
        let telling = tokio::sync::Mutex::default();
        let desk = Arc::new(Desk { link: Arc::clone(&link), hello, said, telling, orders });
        lifecycle.spawn("hub link (page)", link.run(Arc::clone(&desk)));
        (Self { desk }, taken)
    }

    /// Whether the hub can be spoken to.
    pub fn state(&self) -> watch::Receiver<LinkState> {
        self.desk.link.state.subscribe()
    }

    /// What the link has counted.
    pub fn stats(&self) -> LinkStats {
        self.desk.link.counts.stats()
    }

    /// Where the events of this attempt go: into the connection that is joined now, and no other.
    pub fn replies(&self, turn: TurnId, attempt: u32) -> ReplyWriter {
        let outbox = self.desk.link.outbox.borrow().clone();
        let way = Way::Link { desk: Arc::clone(&self.desk), outbox, turn, attempt, seq: 0 };
        ReplyWriter { way }
    }

    /// Tells the hub that a conversation is removed.
    ///
    /// # Errors
    /// There is no link.
    pub async fn forgotten(&self, account: String, conversation: ConversationId) -> Result<(), LinkLost> {
        self.send(&FromPeer::Forgotten { account, conversation }).await
    }

    /// Tells the hub that a conversation could not be removed.
    ///
    /// # Errors
    /// There is no link.
    pub async fn forget_failed(
        &self,
        account: String,
        conversation: ConversationId,
        failure: Failure,
    ) -> Result<(), LinkLost> {
        self.send(&FromPeer::ForgetFailed { account, conversation, failure }).await
    }

    async fn send(&self, frame: &FromPeer) -> Result<(), LinkLost> {
        let outbox = self.desk.link.outbox.borrow().clone().ok_or(LinkLost)?;
        outbox.send(frame).await
    }
}

/// Writes the events of one attempt of a turn, numbered from 0.
#[derive(Debug)]
pub struct ReplyWriter {
    way: Way,
}

#[derive(Debug)]
enum Way {
    /// To the hub.
    Link { desk: Arc<Desk>, outbox: Option<Outbox>, turn: TurnId, attempt: u32, seq: u64 },
    /// To somebody in this process.
    Local(mpsc::Sender<Body>),
}

impl ReplyWriter {
    /// A writer for a turn that the bridge asks for itself: its events go into this channel and not to the hub.
    pub fn local(events: mpsc::Sender<Body>) -> Self {
        Self { way: Way::Local(events) }
    }

    /// Sends the next event. Waits while the link is full: hold up the page in turn.
    ///
    /// # Errors
    /// The connection over which the turn was ordered is gone: abort the turn.
    pub async fn send(&mut self, body: Body) -> Result<(), LinkLost> {
        let (desk, outbox, turn, attempt, seq) = match &mut self.way {
            Way::Link { desk, outbox, turn, attempt, seq } => (desk, outbox, turn, attempt, seq),
            Way::Local(events) => return events.send(body).await.map_err(|_| LinkLost),
        };
        let outbox = outbox.as_ref().ok_or(LinkLost)?;
        // No event overtakes the state it follows from: a hub that gives a failed turn out again must know by then
        // that the page is no longer ready.
        desk.tell(outbox).await.map_err(|_| LinkLost)?;
        let event = Event { turn: turn.clone(), attempt: *attempt, seq: *seq, body };
        outbox.send(&FromPeer::Event(event)).await?;
        *seq += 1;
        Ok(())
    }
}

#[derive(Debug)]
struct Desk {
    link: Arc<Link>,
    hello: watch::Receiver<PageHello>,
    /// What the hub knows of the page.
    said: Mutex<PageHello>,
    /// Held while the hub is told, so that nobody finds nothing to tell before it is on its way.
    telling: tokio::sync::Mutex<()>,
    orders: mpsc::Sender<PageOrder>,
}

impl Desk {
    /// What to tell the hub when the page is now like this.
    fn news(&self, now: &PageHello) -> Result<Option<Status>, LinkError> {
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if *said == *now {
            return Ok(None);
        }
        if (&said.site, &said.account, said.gap_ms) != (&now.site, &now.account, now.gap_ms) {
            return Err(LinkError::Renamed);
        }
        let status = Status {
            state: now.state,
            detail: now.detail.clone(),
            models: (said.models != now.models).then(|| now.models.clone()),
            capacity: (said.capacity != now.capacity).then_some(now.capacity),
        };
        Ok(Some(status))
    }

    /// Tells the hub how the page is now, if it does not know.
    async fn tell(&self, outbox: &Outbox) -> Result<(), LinkError> {
        let _telling = self.telling.lock().await;
        let now = self.hello.borrow().clone();
        if let Some(status) = self.news(&now)? {
            outbox.send(&FromPeer::Status(status)).await.map_err(|_| LinkError::Ended)?;
            self.said.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&now);
        }
        Ok(())
    }

    async fn order(&self, order: PageOrder) {
        // A bridge that takes no more orders is on its way out; the hub learns it from the link's end.
        let _ = self.orders.send(order).await;
    }
}

impl Peer for Desk {
    const ROLE: Role = Role::Page;

    fn page_hello(&self) -> Option<PageHello> {
        let hello = self.hello.borrow().clone();
        self.said.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&hello);
        Some(hello)
    }

    async fn take(&self, frame: FromHub) -> Result<(), &'static str> {
        match frame {
            FromHub::Post(post) => self.order(PageOrder::Post(post)).await,
            FromHub::Cancel { turn } => self.order(PageOrder::Cancel(turn)).await,
            FromHub::Forget { account, conversation } => {
                self.order(PageOrder::Forget { account, conversation }).await;
            }
            FromHub::Welcome(_)
            | FromHub::Directory(_)
            | FromHub::Queued { .. }
            | FromHub::Event(_)
            | FromHub::Forgotten { .. }
            | FromHub::ForgetFailed { .. } => return Err("a frame that no page gets"),
            // The session has dealt with it.
            FromHub::Error(_) => {}
        }
        Ok(())
    }

    async fn speak(&self, outbox: &Outbox) -> LinkError {
        let mut hello = self.hello.clone();
        loop {
            hello.mark_unchanged();
            if let Err(error) = self.tell(outbox).await {
                return error;
            }
            if hello.changed().await.is_err() {
                // Nobody will change it any more.
                std::future::pending::<()>().await;
            }
        }
    }

    async fn lost(&self) {
        if let Err(TrySendError::Full(order)) = self.orders.try_send(PageOrder::HubLost) {
            // A bridge that is stuck holds up the next link too, but not the process's end.
            self.link.hard.run_until_cancelled(self.order(order)).await;
        }
    }

    async fn idle(&self) {
        self.orders.closed().await;
    }
}
