//! A peer that submits turns.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, timeout, timeout_at};
use wormhole_protocol::{ConversationId, Directory, Failure, FailureCode, FromPeer, Posted, Submit, encode};
use wormhole_runtime::Lifecycle;

use crate::address::{HubAddress, LinkTimings};
use crate::desk::{Desk, no_link};
use crate::inbox::Inbox;
use crate::link::{Link, LinkState, LinkStats};
use crate::turn::Turn;

/// The longest we wait for a turn, whatever its deadline: a time beyond all clocks cannot be waited for.
const LONGEST_TURN: Duration = Duration::from_hours(24);

/// A link to the hub that submits turns. Cloning shares the link.
#[derive(Debug, Clone)]
pub struct Sender {
    desk: Arc<Desk>,
}

impl Sender {
    /// Starts the link as a task of `lifecycle` that reconnects for ever. When draining it ends as soon as no turn runs.
    pub fn start(address: HubAddress, timings: LinkTimings, lifecycle: &Lifecycle) -> Self {
        let link = Link::new(address, timings, lifecycle);
        let desk = Arc::new(Desk::new(Arc::clone(&link), lifecycle.clone()));
        lifecycle.spawn("hub link (sender)", link.run(Arc::clone(&desk)));
        Self { desk }
    }

    /// Whether the hub can be spoken to.
    pub fn state(&self) -> watch::Receiver<LinkState> {
        self.desk.link.state.subscribe()
    }

    /// The accounts and models the hub has told of. Kept when the link is lost, until the hub tells again.
    pub fn directory(&self) -> watch::Receiver<Arc<Directory>> {
        self.desk.directory.subscribe()
    }

    /// What the link has counted.
    pub fn stats(&self) -> LinkStats {
        self.desk.link.counts.stats()
    }

    /// Submits a turn. Waits a short time for a link that is not joined.
    ///
    /// # Errors
    /// The turn was not posted: there is no link, it is too large for a frame, or its id is that of a turn that runs.
    pub async fn submit(&self, submit: Submit) -> Result<Turn, Failure> {
        let desk = &self.desk;
        let deadline = Instant::now() + Duration::from_millis(submit.deadline_ms).min(LONGEST_TURN);
        let within = deadline.min(Instant::now() + desk.link.timings.submit_within);
        let outbox = desk.outbox(within).await?;
        let id = submit.turn.clone();
        let text = encode(&FromPeer::Submit(Box::new(submit)));
        if !outbox.takes(text.len()) {
            return Err(Failure::not_posted(
                FailureCode::TooLarge,
                "the turn is over the hub's limit for a frame",
            ));
        }
        let inbox = Arc::new(Inbox::default());
        desk.open_turn(&id, &inbox)?;
        let turn =
            Turn::new(id, Arc::clone(&inbox), Arc::clone(desk), deadline + desk.link.timings.deadline_slack);
        match timeout_at(within, outbox.submit(text, inbox)).await {
            Ok(Ok(())) => Ok(turn),
            // Dropping `turn` forgets it.
            Ok(Err(_)) | Err(_) => Err(no_link("the link to the hub was lost or is stuck")),
        }
    }

    /// Removes a conversation from the site.
    ///
    /// # Errors
    /// There is no link, the page could not remove it, or nobody answered in time.
    pub async fn forget(&self, account: String, conversation: ConversationId) -> Result<(), Failure> {
        let desk = &self.desk;
        let within = Instant::now() + desk.link.timings.submit_within;
        let outbox = desk.outbox(within).await?;
        let mut wait = desk.open_forget((account.clone(), conversation.clone()));
        let asked = async {
            outbox.send(&FromPeer::Forget { account, conversation }).await.ok()?;
            (&mut wait.told).await.ok()
        };
        match timeout(desk.link.timings.forget_within, asked).await {
            Ok(Some(result)) => result,
            Ok(None) => {
                Err(Failure::new(FailureCode::HubLost, Posted::Unknown, "the link to the hub was lost"))
            }
            Err(_) => Err(Failure::new(FailureCode::Deadline, Posted::Unknown, "nobody answered in time")),
        }
    }
}
