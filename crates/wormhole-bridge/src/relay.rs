//! Orders of the hub become tasks: one for each turn, one for each conversation to be removed.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use wormhole_client::{PageLink, PageOrder};
use wormhole_protocol::{Body, ConversationId, Failure, FailureCode, Post, Posted};
use wormhole_runtime::Lifecycle;

use crate::{
    calls::{CallError, CallName},
    running::Running,
    site::Values,
    turn::{self, Desk},
};

/// Turns beyond the capacity that are taken all the same: the hub may post the next before it has read the end of the last.
const SLACK: usize = 2;

/// The task between the hub's link and the turns.
pub(crate) struct Relay {
    pub(crate) desk: Arc<Desk>,
    pub(crate) link: PageLink,
    pub(crate) orders: mpsc::Receiver<PageOrder>,
    pub(crate) running: Arc<Running>,
    pub(crate) lifecycle: Lifecycle,
    /// Cancelled when the keeper has drained.
    pub(crate) kept: CancellationToken,
}

impl Relay {
    /// Runs until the keeper has drained and no turn is left, or until hard.
    pub(crate) async fn run(mut self) {
        let hard = self.lifecycle.hard();
        let (running, kept) = (Arc::clone(&self.running), self.kept.clone());
        let drained = async {
            kept.cancelled().await;
            running.idle().await;
        };
        tokio::pin!(drained);
        loop {
            tokio::select! {
                biased;
                () = hard.cancelled() => break,
                () = &mut drained => break,
                order = self.orders.recv() => match order {
                    Some(order) => self.obey(order),
                    // The link has ended with the drain; turns that still run cannot be told of any more.
                    None => break,
                },
            }
        }
        self.running.stop_all();
    }

    fn obey(&self, order: PageOrder) {
        match order {
            PageOrder::Post(post) => self.post(post),
            PageOrder::Cancel(turn) => self.running.stop(&turn),
            PageOrder::Forget { account, conversation } => self.forget(account, conversation),
            PageOrder::HubLost => {
                let turns = self.running.count();
                if turns > 0 {
                    tracing::warn!(turns, "the hub is lost: its turns are stopped");
                }
                self.running.stop_all();
            }
        }
    }

    fn post(&self, post: Box<Post>) {
        let mut writer = self.link.replies(post.turn.clone(), post.attempt);
        let capacity = self.desk.caller.site().account.capacity as usize;
        let desk = Arc::clone(&self.desk);
        let Some(runner) = self.running.enter(post.turn.clone(), post.attempt, capacity + SLACK) else {
            desk.metrics.turn_ended(Some(FailureCode::QueueFull));
            let full = Failure::not_posted(FailureCode::QueueFull, "the page runs as many turns as it can");
            self.lifecycle.spawn_transient("refusal", async move {
                // A hub that is gone needs no answer.
                let _ = writer.send(Body::Failed(full)).await;
            });
            return;
        };
        self.lifecycle.spawn_transient("turn", turn::run(desk, post, writer, runner));
    }

    /// Removes a conversation. Best effort, and beside the turns: it takes none of their places.
    fn forget(&self, account: String, conversation: ConversationId) {
        let (desk, link) = (Arc::clone(&self.desk), self.link.clone());
        self.lifecycle.spawn_transient("forget", async move {
            let told = match remove(&desk, &account, &conversation).await {
                Ok(()) => link.forgotten(account, conversation).await,
                Err(failure) => link.forget_failed(account, conversation, failure).await,
            };
            if told.is_err() {
                tracing::debug!("the hub went before it could be told that a conversation is removed");
            }
        });
    }
}

/// Removes a conversation of this account.
pub(crate) async fn remove(desk: &Desk, account: &str, conversation: &ConversationId) -> Result<(), Failure> {
    if account != desk.session.account() {
        return Err(Failure::not_posted(FailureCode::NoPage, "the conversation is of another account"));
    }
    let delete = desk.caller.site().api().and_then(|api| api.calls.delete.as_ref());
    let Some(delete) = delete else {
        return Err(Failure::not_posted(FailureCode::Refused, "the site removes no conversations"));
    };
    let place = desk.session.place()?;
    let values = Values { conversation: conversation.as_str(), ..Values::default() };
    match desk.caller.status(&place.live.tab, CallName::Delete, delete, &values).await {
        // What is not there need not be removed.
        Ok(()) | Err(CallError::Status { status: 404 | 410, .. }) => Ok(()),
        Err(CallError::LoggedOut) => {
            desk.session.expire(place.epoch);
            Err(Failure::not_posted(FailureCode::LoginRequired, "the site has ended the session"))
        }
        Err(CallError::RateLimited(_)) => {
            Err(Failure::not_posted(FailureCode::RateLimited, "the site's rate limit is reached"))
        }
        Err(error) => Err(Failure::new(FailureCode::SiteError, Posted::Unknown, error.to_string())),
    }
}
