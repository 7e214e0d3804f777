//! Removing conversations from the sites that nobody has used for long. Only those that this program made and wrote
//! down when it made them: what a person began on the site is not in the store.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};
use wormhole_client::Sender;
use wormhole_protocol::{ConversationId, FailureCode};

use super::{Conversations, Record};
use crate::store::{Shelf, Stamp, millis, now};

/// Conversations that are removed in one round: a site is not to be swamped after a long pause.
const ROUND: usize = 20;

/// After this many failures a conversation is left alone.
const TRIES: u32 = 5;

/// The longest time between rounds.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// Removes old conversations until the drain begins. Ends at once where no age is set.
pub(crate) async fn forget_old(conversations: Arc<Conversations>, sender: Sender, soft: CancellationToken) {
    let Some(ttl) = conversations.reuse.ttl else { return soft.cancelled().await };
    let rounds = async {
        let mut rounds = interval((ttl / 4).clamp(Duration::from_millis(10), LONGEST_PAUSE));
        rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            rounds.tick().await;
            round(&conversations, &sender, now().saturating_sub(millis(ttl))).await;
        }
    };
    soft.run_until_cancelled(rounds).await;
}

async fn round(conversations: &Conversations, sender: &Sender, before: Stamp) {
    let store = conversations.store.clone();
    let old = match spawn_blocking(move || store.older(Shelf::Conversations, before, ROUND)).await {
        Ok(Ok(old)) => old,
        Ok(Err(error)) => return warn!(%error, "cannot look for old conversations"),
        // It runs no more only when the process ends.
        Err(_) => return,
    };
    for kept in old {
        let Ok(record) = serde_json::from_slice::<Record>(&kept.value) else {
            remove(conversations, &kept.scope, &kept.id);
            continue;
        };
        let place = record.place();
        // Taken, so that no turn goes on in it meanwhile.
        if !conversations.busy().insert(place.clone()) {
            continue;
        }
        forget(conversations, sender, &kept.scope, record).await;
        conversations.busy().remove(&place);
    }
}

async fn forget(conversations: &Conversations, sender: &Sender, scope: &str, mut record: Record) {
    let id = record.id();
    let conversation = ConversationId::new(record.conversation.clone());
    match sender.forget(record.account.clone(), conversation).await {
        Ok(()) => {
            debug!(account = record.account, "an old conversation was removed from the site");
            remove(conversations, scope, &id);
        }
        Err(failure) if failure.code == FailureCode::ConversationUnknown => {
            remove(conversations, scope, &id);
        }
        Err(failure) => {
            record.tries += 1;
            info!(account = record.account, code = %failure.code, tries = record.tries, "an old conversation could not be removed from the site");
            if record.tries >= TRIES {
                remove(conversations, scope, &id);
            } else {
                // Written anew it is young, so the next try comes after the same time again.
                record.parent = None;
                conversations.write(Shelf::Conversations, scope, &id, &record);
            }
        }
    }
}

fn remove(conversations: &Conversations, scope: &str, id: &str) {
    if let Err(error) = conversations.store.remove(Shelf::Conversations, scope, id) {
        warn!(%error, "cannot forget a conversation");
    }
}
