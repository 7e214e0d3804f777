//! What follows one turn, to remember afterwards where it went and what it said.

use std::sync::Arc;

use wormhole_protocol::{ConversationId, ConversationRef, Failure, FailureCode, Posted};

use super::chain::{self, Link};
use super::{Conversations, Place, Record, places};
use crate::chat::Role;
use crate::limits::Permit;
use crate::reply::{Finish, Part};
use crate::store::Shelf;
use crate::transcripts::Draft;
use crate::turns::Caller;

/// The memory of one turn. Dropped, its conversation is free for the next.
#[derive(Debug)]
pub(crate) struct Memory {
    conversations: Arc<Conversations>,
    scope: String,
    head: String,
    /// The end of what was asked.
    asked: Option<Link>,
    /// The conversation in which it goes on, as it was before.
    occupied: Option<Record>,
    /// The site may have the turn.
    submitted: bool,
    /// The turn counts for its key as long as this lives.
    permit: Option<Permit>,
    transcript: Option<Draft>,
    account: Option<String>,
    conversation: Option<ConversationId>,
    /// Where the next turn goes, once the site is done.
    next: Option<ConversationRef>,
    text: String,
    calls: Vec<(String, String)>,
}

impl Memory {
    pub(super) fn new(conversations: Arc<Conversations>, caller: &Caller, head: String) -> Self {
        Self {
            conversations,
            scope: caller.scope.clone(),
            head,
            asked: None,
            occupied: None,
            submitted: false,
            permit: None,
            transcript: None,
            account: None,
            conversation: None,
            next: None,
            text: String::new(),
            calls: Vec::new(),
        }
    }

    pub(super) fn asked(&mut self, link: Option<Link>) {
        // After an answer that the client began itself, the next request has one answer where we count two.
        self.asked = link.filter(|link| link.role != Role::Assistant);
    }

    pub(super) fn scope(&self) -> &str {
        &self.scope
    }

    pub(super) fn head(&self) -> &str {
        &self.head
    }

    /// The turn counts for its key until it ends.
    pub(crate) fn hold(&mut self, permit: Permit) {
        self.permit = Some(permit);
    }

    /// The turn is written down.
    pub(crate) fn transcribe(&mut self, draft: Draft) {
        self.transcript = Some(draft);
    }

    /// Takes the conversation for this turn, if no other turn runs in it. Until the site's answer is whole it holds
    /// something that nobody knows, so that whatever happens now, nobody goes on in it.
    pub(super) fn occupy(&mut self, record: &Record) -> bool {
        let free = self.conversations.busy().insert(record.place());
        if free {
            self.occupied = Some(record.clone());
            let unknown = Record { parent: None, ..record.clone() };
            self.conversations.write(Shelf::Conversations, &self.scope, &record.id(), &unknown);
        }
        free
    }

    /// The turn could not be posted where it was to go on, and begins anew.
    pub(crate) fn begin_anew(&mut self, failure: &Failure) {
        self.not_posted(failure);
        self.submitted = true;
        (self.account, self.conversation, self.next) = (None, None, None);
        if let Some(transcript) = &mut self.transcript {
            transcript.begins_anew();
        }
    }

    /// The site took the message. Until its answer is whole nobody goes on in this conversation.
    pub(crate) fn accepted(&mut self, account: &str, conversation: Option<&ConversationId>) {
        self.account = Some(account.to_owned());
        if let Some(transcript) = &mut self.transcript {
            transcript.posted_to(account, conversation);
        }
        if let Some(conversation) = conversation {
            self.conversation = Some(conversation.clone());
            self.record(None);
        }
    }

    /// The site's answer is whole.
    pub(crate) fn site_done(&mut self, next: Option<&ConversationRef>) {
        self.next = next.cloned();
        if let Some(next) = next {
            self.conversation = Some(next.id.clone());
        }
    }

    /// Where a further turn of the same conversation goes: to ask the model again.
    pub(crate) fn place(&self) -> Option<(&str, &ConversationRef)> {
        Some((self.account.as_deref()?, self.next.as_ref()?))
    }

    /// A part is on its way to the client.
    pub(crate) fn part(&mut self, part: &Part) {
        if let Some(transcript) = &mut self.transcript {
            transcript.part(part);
        }
        match part {
            Part::Text(delta) => self.text.push_str(delta),
            Part::CallBegin { name, .. } => self.calls.push((name.clone(), String::new())),
            Part::CallArguments { delta, .. } => {
                if let Some((_, arguments)) = self.calls.last_mut() {
                    arguments.push_str(delta);
                }
            }
            Part::Reasoning(_) | Part::CallEnd { .. } => {}
            Part::End(finish, _) => {
                self.end(*finish);
                self.over();
            }
            Part::Failed(failure) => {
                self.not_posted(failure);
                self.over();
            }
        }
    }

    /// From now on the site may have it.
    pub(crate) fn submitted(&mut self) {
        self.submitted = true;
    }

    /// What was certainly not posted has changed nothing.
    pub(crate) fn not_posted(&mut self, failure: &Failure) {
        // Once a turn was accepted, the failure is of a further one in the same conversation.
        let is_untouched = failure.posted == Posted::No && self.account.is_none();
        if is_untouched && failure.code != FailureCode::ConversationUnknown {
            self.submitted = false;
        }
        self.free();
    }

    fn free(&mut self) {
        let Some(before) = self.occupied.take() else { return };
        if !self.submitted {
            self.conversations.write(Shelf::Conversations, &self.scope, &before.id(), &before);
        }
        self.conversations.busy().remove(&before.place());
    }

    /// Before its end is told: the next request may come before this is dropped.
    fn over(&mut self) {
        self.free();
        (self.permit, self.transcript) = (None, None);
    }

    /// An answer that we cut is not what the conversation holds.
    fn end(&mut self, finish: Finish) {
        let Some(parent) = self.next.as_ref().map(|next| next.parent) else { return };
        self.record((finish != Finish::Length).then_some(parent));
        if !self.conversations.reuse.on {
            return;
        }
        let (Some(asked), Some((account, next))) = (self.asked, self.place()) else { return };
        let digest = chain::answered(&asked.digest, &self.text, &self.calls);
        let (account, conversation) = (account.to_owned(), next.id.as_str().to_owned());
        let place = Place { account, conversation, parent };
        self.conversations.write(Shelf::Prefixes, &self.scope, &hex::encode(digest), &place);
    }

    fn record(&self, parent: Option<u32>) {
        let (Some(account), Some(conversation)) = (&self.account, &self.conversation) else { return };
        if !self.conversations.keeps_record(parent.is_some()) {
            return;
        }
        let record = Record {
            account: account.clone(),
            conversation: conversation.as_str().to_owned(),
            site: places::site_of(&self.conversations.directory.borrow(), account),
            parent,
            head: self.head.clone(),
            tries: 0,
        };
        self.conversations.write(Shelf::Conversations, &self.scope, &record.id(), &record);
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.over();
    }
}
