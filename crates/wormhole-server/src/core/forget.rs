//! Conversations to be removed from their site: relayed to the account's page, and its answer back.

use std::{collections::BTreeMap, time::Instant};

use wormhole_protocol::{ConversationId, Failure, FailureCode, FromHub, PageState, Posted};

use super::{Core, PeerKey, timers::Timer};

/// The most removals that may be on their way. Over it they fail with `queue_full`.
const MAX_FORGETS: usize = 1024;

/// Removals on their way, in the order they came.
#[derive(Debug, Default)]
pub(super) struct Forgets(BTreeMap<u64, Forget>);

#[derive(Debug)]
struct Forget {
    sender: PeerKey,
    page: PeerKey,
    account: String,
    conversation: ConversationId,
}

impl Core {
    pub(super) fn forget(
        &mut self,
        sender: PeerKey,
        account: String,
        conversation: ConversationId,
        now: Instant,
    ) {
        let refuse = |code, message: &str| Failure::not_posted(code, message);
        let mut pages = self.pages.iter().filter(|(_, page)| page.account == account);
        let ready = pages.clone().find(|(_, page)| page.state == PageState::Ready);
        let failure = match ready.or_else(|| pages.next()) {
            None => refuse(FailureCode::NoPage, "no page of this account has joined"),
            Some(_) if self.forgets.0.len() >= MAX_FORGETS => {
                refuse(FailureCode::QueueFull, "too many conversations are being removed")
            }
            Some((key, page)) => {
                let (account, conversation) = (account.clone(), conversation.clone());
                let frame = FromHub::Forget { account: account.clone(), conversation: conversation.clone() };
                page.outbox.push(frame);
                let forget = Forget { sender, page: *key, account, conversation };
                let id = self.fresh();
                self.forgets.0.insert(id, forget);
                self.timers.set(Timer::Forget(id), Some(now + self.rules.forget_wait));
                return;
            }
        };
        self.tell_forget(sender, account, conversation, Some(failure));
    }

    /// The page has answered. Answers that nobody waits for are dropped.
    pub(super) fn forget_ended(
        &mut self,
        from: PeerKey,
        account: String,
        conversation: ConversationId,
        failure: Option<Failure>,
    ) {
        let waits = |forget: &Forget| {
            forget.page == from && forget.account == account && forget.conversation == conversation
        };
        let found = self.forgets.0.iter().find(|(_, forget)| waits(forget)).map(|(id, _)| *id);
        if let Some(forget) = found.and_then(|id| self.take_forget(id)) {
            self.tell_forget(forget.sender, account, conversation, failure);
        }
    }

    pub(super) fn forget_overdue(&mut self, id: u64) {
        let failure = Failure::new(FailureCode::Deadline, Posted::Unknown, "the page did not answer in time");
        self.fail_forget(id, failure);
    }

    /// A page is gone: what it was to remove may or may not be.
    pub(super) fn forgets_lost(&mut self, page: PeerKey) {
        let lost: Vec<u64> =
            self.forgets.0.iter().filter(|(_, forget)| forget.page == page).map(|(id, _)| *id).collect();
        for id in lost {
            self.fail_forget(id, Failure::new(FailureCode::PageLost, Posted::Unknown, "the page was lost"));
        }
    }

    fn fail_forget(&mut self, id: u64, failure: Failure) {
        if let Some(Forget { sender, account, conversation, .. }) = self.take_forget(id) {
            self.tell_forget(sender, account, conversation, Some(failure));
        }
    }

    fn take_forget(&mut self, id: u64) -> Option<Forget> {
        self.timers.set(Timer::Forget(id), None);
        self.forgets.0.remove(&id)
    }

    fn tell_forget(
        &self,
        sender: PeerKey,
        account: String,
        conversation: ConversationId,
        failure: Option<Failure>,
    ) {
        let Some(seat) = self.senders.get(&sender) else { return };
        seat.outbox.push(match failure {
            None => FromHub::Forgotten { account, conversation },
            Some(failure) => FromHub::ForgetFailed { account, conversation, failure },
        });
    }
}
