//! Conversations on the sites that hold the beginning of what a client sends, so that only the rest is posted.
//!
//! Clients send the whole history each time. After each answer the store keeps, for the caller's key, which site
//! conversation holds exactly this history; the next request that begins with it goes on there. What a conversation
//! was cut, edited or branched to is not found and begins anew with the whole history (docs/adr/0008).

mod chain;
mod clean;
mod furniture;
mod memory;
mod places;

use std::collections::HashSet;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tracing::{debug, warn};
use wormhole_protocol::{ConversationId, ConversationRef, Directory, Failure, FailureCode, Posted};

use crate::chat::{Chat, Message, Role};
use crate::models::Target;
use crate::store::{Shelf, Store, StoreError};
use crate::turns::Caller;
use chain::Link;
pub(crate) use clean::forget_old;
pub(crate) use memory::Memory;
use places::Wanted;

/// The operator's settings about conversations.
#[derive(Debug, Clone, Copy, Default)]
pub struct Reuse {
    /// Go on in conversations that hold the beginning.
    pub on: bool,
    /// An edited or branched history goes on at the turn where it branches. Only for sites that keep branches: others
    /// would answer with the newest turns in mind.
    pub branches: bool,
    /// After this time without use, conversations that this program made are removed from the site.
    pub ttl: Option<Duration>,
}

/// What holds which beginning.
#[derive(Debug)]
pub(crate) struct Conversations {
    store: Arc<dyn Store>,
    reuse: Reuse,
    directory: watch::Receiver<Arc<Directory>>,
    /// Those in which a turn runs, by account and id.
    busy: Mutex<HashSet<(String, String)>>,
    /// Which of the accounts of a bound key is next.
    next: AtomicUsize,
}

/// Where a turn is posted, and what of the conversation is posted.
#[derive(Debug)]
pub(crate) struct Plan {
    /// Only on this site.
    pub site: Option<String>,
    /// Only on this account.
    pub account: Option<String>,
    /// In this conversation, which holds the beginning.
    pub go_on: Option<GoOn>,
    /// What follows the turn, to remember where it went.
    pub memory: Memory,
}

/// A conversation that holds the beginning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GoOn {
    /// Where.
    pub reference: ConversationRef,
    /// The first message that it does not hold.
    pub from: usize,
    /// It has been told the system texts, the tools and the rules as they are now.
    pub head_known: bool,
}

impl GoOn {
    /// What the conversation does not hold yet, as a conversation of its own.
    pub(crate) fn rest(&self, chat: &Chat) -> Chat {
        let head = if self.head_known { 0 } else { chain::leading(chat) };
        let (told, new) = chat.messages.split_at(self.from.min(chat.messages.len()));
        let mut messages: Vec<Message> = told.iter().take(head).cloned().collect();
        let calls = || told.iter().flat_map(|message| &message.calls);
        messages.extend(new.iter().cloned().map(|mut message| {
            // Which tool a result is of may stand in a call that is not told again.
            if message.name.is_none() && message.role == Role::Tool && message.answers.is_some() {
                message.name = calls().find(|call| call.id == message.answers).map(|call| call.name.clone());
            }
            message
        }));
        let rest = Chat { messages, model: chat.model.clone(), ..Chat::default() };
        if self.head_known {
            return rest;
        }
        Chat {
            tools: chat.tools.clone(),
            tool_choice: chat.tool_choice.clone(),
            parallel_calls: chat.parallel_calls,
            output: chat.output.clone(),
            effort: chat.effort.clone(),
            ..rest
        }
    }
}

/// A beginning's place: shelf `Prefixes`.
#[derive(Debug, Serialize, Deserialize)]
struct Place {
    account: String,
    conversation: String,
    parent: u32,
}

/// A conversation that this program made: shelf `Conversations`.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Record {
    account: String,
    conversation: String,
    site: Option<String>,
    /// Where the next turn goes; none after a turn that did not end whole.
    parent: Option<u32>,
    /// The hash of what was last told as its head.
    head: String,
    /// How often the site could not remove it.
    #[serde(default)]
    tries: u32,
}

impl Record {
    fn id(&self) -> String {
        record_id(&self.account, &self.conversation)
    }

    fn place(&self) -> (String, String) {
        (self.account.clone(), self.conversation.clone())
    }
}

fn record_id(account: &str, conversation: &str) -> String {
    format!("{account}\n{conversation}")
}

impl Conversations {
    /// With a store and the hub's directory.
    pub(crate) fn new(
        store: Arc<dyn Store>,
        reuse: Reuse,
        directory: watch::Receiver<Arc<Directory>>,
    ) -> Arc<Self> {
        Arc::new(Self { store, reuse, directory, busy: Mutex::default(), next: AtomicUsize::new(0) })
    }

    /// Decides where a conversation goes.
    pub(crate) fn plan(self: &Arc<Self>, chat: &Chat, target: &Target, caller: &Caller) -> Plan {
        let links = chain::links(&target.model, chat);
        let mut memory = Memory::new(self.clone(), caller, hex::encode(chain::head(chat)));
        memory.asked(links.last().copied());
        let wanted = Wanted { target, bound: &caller.accounts };
        // What is new must be something, and what is known ends in an answer.
        let earlier = links.split_last().map_or(&[][..], |(_, earlier)| earlier);
        let answered = earlier.iter().rev().filter(|link| self.reuse.on && link.role == Role::Assistant);
        for link in answered {
            match self.find(link, wanted, &mut memory) {
                Ok(Found::Here(record, go_on)) => {
                    debug!(account = record.account, from = go_on.from, "going on in a conversation");
                    return Plan {
                        site: target.site.clone().or(record.site),
                        account: Some(record.account),
                        go_on: Some(go_on),
                        memory,
                    };
                }
                Ok(Found::Nothing) => {}
                Ok(Found::NotNow) => break,
                Err(error) => {
                    warn!(%error, "cannot look up a conversation");
                    break;
                }
            }
        }
        let account = self.begin(target, &caller.accounts);
        Plan { site: target.site.clone(), account, go_on: None, memory }
    }

    /// The account of a new conversation, where it is not the hub's to decide.
    pub(crate) fn begin(&self, target: &Target, bound: &[String]) -> Option<String> {
        Wanted { target, bound }.begin(&self.directory.borrow(), &self.next)
    }

    /// Whether a turn that could not be posted to a known conversation is to begin a new one, with the whole history.
    /// A conversation that the site no longer has is forgotten.
    pub(crate) fn begins_anew(
        &self,
        failure: &Failure,
        scope: &str,
        (account, conversation): (&str, &ConversationId),
        (target, bound): (&Target, &[String]),
    ) -> bool {
        if failure.posted != Posted::No {
            return false;
        }
        match failure.code {
            FailureCode::ConversationUnknown => {
                let id = record_id(account, conversation.as_str());
                if let Err(error) = self.store.remove(Shelf::Conversations, scope, &id) {
                    warn!(%error, "cannot forget a conversation");
                }
                true
            }
            FailureCode::NoPage
            | FailureCode::LoginRequired
            | FailureCode::Challenge
            | FailureCode::RateLimited => {
                Wanted { target, bound }.other_than(&self.directory.borrow(), account)
            }
            _ => false,
        }
    }

    fn find(&self, link: &Link, wanted: Wanted<'_>, memory: &mut Memory) -> Result<Found, StoreError> {
        let Some(place) = self.read::<Place>(Shelf::Prefixes, memory.scope(), &hex::encode(link.digest))?
        else {
            return Ok(Found::Nothing);
        };
        let id = record_id(&place.account, &place.conversation);
        let Some(record) = self.read::<Record>(Shelf::Conversations, memory.scope(), &id)? else {
            return Ok(Found::Nothing);
        };
        let Some(tip) = record.parent.filter(|_| wanted.allows(&record.account)) else {
            return Ok(Found::Nothing);
        };
        if tip != place.parent && !self.reuse.branches {
            return Ok(Found::Nothing);
        }
        {
            let directory = self.directory.borrow();
            if !places::is_ready(&directory, &record.account)
                && wanted.other_than(&directory, &record.account)
            {
                return Ok(Found::NotNow);
            }
        }
        // Never two turns at once in one conversation: the second begins anew.
        if !memory.occupy(&record) {
            return Ok(Found::NotNow);
        }
        let reference =
            ConversationRef { id: ConversationId::new(record.conversation.clone()), parent: place.parent };
        let head_known = record.head == memory.head() && tip == place.parent;
        Ok(Found::Here(record, GoOn { reference, from: link.end, head_known }))
    }

    fn read<T: for<'de> Deserialize<'de>>(
        &self,
        kind: Shelf,
        scope: &str,
        id: &str,
    ) -> Result<Option<T>, StoreError> {
        let value = self.store.get(kind, scope, id)?;
        // What an older version wrote is as good as nothing.
        Ok(value.and_then(|value| serde_json::from_slice(&value).ok()))
    }

    fn write<T: Serialize>(&self, kind: Shelf, scope: &str, id: &str, value: &T) {
        let value = serde_json::to_vec(value).expect("records have string keys");
        if let Err(error) = self.store.put(kind, scope, id, &value) {
            warn!(%error, "cannot remember a conversation");
        }
    }

    /// A record is of use: its conversation can be gone on in, or is removed some day. One that was gone on in has been
    /// [occupied](Memory::occupy), and need not be told once more that it holds something unknown.
    fn keeps_record(&self, has_tip: bool) -> bool {
        (self.reuse.on && has_tip) || self.reuse.ttl.is_some()
    }

    fn busy(&self) -> MutexGuard<'_, HashSet<(String, String)>> {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Found {
    /// The turn goes on there.
    Here(Record, GoOn),
    /// No conversation holds this.
    Nothing,
    /// One does, but cannot be used now: shorter beginnings would be in the same one.
    NotNow,
}

#[cfg(test)]
mod tests;
