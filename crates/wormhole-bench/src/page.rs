//! The fake page: joins the hub as a bridge would and answers at once, by script.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use wormhole_client::{HubAddress, PageLink, PageOrder, ReplyWriter};
use wormhole_protocol::{
    Body, ConversationId, ConversationRef, Failure, FailureCode, Finish, ModelInfo, PageHello, PageState,
    Post, Posted, TurnId,
};
use wormhole_runtime::Lifecycle;

use crate::ask::{SCRIPTS, Script};
use crate::clock::Clock;

/// Turns a fake page takes at once: never what limits a load.
const CAPACITY: u32 = 10_000;

/// A joined page. It lives as long as its lifecycle.
#[derive(Debug, Clone)]
pub(crate) struct FakePage {
    running: Arc<AtomicUsize>,
    /// The link sends what changes here; nothing does, and nothing may close it.
    _hello: Arc<watch::Sender<PageHello>>,
}

impl FakePage {
    /// Joins the hub on an account of this name, and keeps rejoining.
    pub(crate) fn join(address: HubAddress, account: &str, clock: Clock, lifecycle: &Lifecycle) -> Self {
        let (hello, watched) = watch::channel(hello(account));
        let (link, orders) = PageLink::start(address, watched, lifecycle);
        let running = Arc::new(AtomicUsize::new(0));
        let page = Page { link, account: account.to_owned(), clock, running: Arc::clone(&running) };
        lifecycle.spawn("fake-page", page.run(orders, lifecycle.soft()));
        Self { running, _hello: Arc::new(hello) }
    }

    /// Turns that are being answered now.
    pub(crate) fn running(&self) -> usize {
        self.running.load(Ordering::Acquire)
    }

    /// Waits until no turn is being answered; false if some still are after `within`.
    pub(crate) async fn rests(&self, within: Duration) -> bool {
        let at_rest = async {
            while self.running() > 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(within, at_rest).await.is_ok()
    }
}

fn hello(account: &str) -> PageHello {
    let model = |script: &Script| ModelInfo {
        name: script.model.to_owned(),
        label: None,
        provider: None,
        images: false,
    };
    PageHello {
        site: "bench".to_owned(),
        account: account.to_owned(),
        capacity: CAPACITY,
        gap_ms: 0,
        state: PageState::Ready,
        detail: String::new(),
        models: SCRIPTS.iter().map(model).collect(),
    }
}

struct Page {
    link: PageLink,
    account: String,
    clock: Clock,
    running: Arc<AtomicUsize>,
}

impl Page {
    async fn run(self, mut orders: mpsc::Receiver<PageOrder>, stop: CancellationToken) {
        let mut turns: HashMap<TurnId, CancellationToken> = HashMap::new();
        let mut replies = JoinSet::new();
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                Some(ended) = replies.join_next() => {
                    if let Ok(turn) = ended {
                        turns.remove(&turn);
                    }
                }
                order = orders.recv() => match order {
                    Some(PageOrder::Post(post)) => {
                        let cancelled = CancellationToken::new();
                        turns.insert(post.turn.clone(), cancelled.clone());
                        replies.spawn(self.reply(*post, cancelled));
                    }
                    Some(PageOrder::Cancel(turn)) => {
                        turns.get(&turn).inspect(|cancelled| cancelled.cancel());
                    }
                    Some(PageOrder::HubLost) => turns.values().for_each(CancellationToken::cancel),
                    Some(PageOrder::Forget { account, conversation }) => {
                        let _lost = self.link.forgotten(account, conversation).await;
                    }
                    None => return,
                }
            }
        }
    }

    fn reply(&self, post: Post, cancelled: CancellationToken) -> impl Future<Output = TurnId> + use<> {
        let (account, clock) = (self.account.clone(), self.clock);
        let mut writer = self.link.replies(post.turn.clone(), post.attempt);
        let running = Running::new(&self.running);
        async move {
            let _running = running;
            let answer = answer(&post, account, clock, &mut writer);
            let whole = cancelled.run_until_cancelled(answer).await;
            if whole.is_none() {
                let failure = Failure::new(FailureCode::Cancelled, Posted::Yes, "stopped by the caller");
                // A link that is lost needs no answer.
                let _lost = writer.send(Body::Failed(failure)).await;
            }
            post.turn
        }
    }
}

/// Writes the whole reply; stops early when the link is lost.
async fn answer(post: &Post, account: String, clock: Clock, writer: &mut ReplyWriter) {
    let Some(script) = Script::of(&post.model) else {
        let failure = Failure::not_posted(FailureCode::ModelUnknown, "no such script");
        let _lost = writer.send(Body::Failed(failure)).await;
        return;
    };
    // As a site that keeps conversations: what oai remembers of them is part of what a turn costs.
    let id = ConversationId::new(post.turn.as_str());
    if writer.send(Body::Accepted { conversation: Some(id.clone()), account }).await.is_err() {
        return;
    }
    let mut bytes = 0;
    for _ in 0..script.deltas {
        if !script.gap.is_zero() {
            tokio::time::sleep(script.gap).await;
        }
        let delta = format!("{} word ", clock.mark());
        bytes += delta.len() as u64;
        if writer.send(Body::Text { delta }).await.is_err() {
            return;
        }
    }
    if !script.ends {
        std::future::pending::<()>().await;
    }
    let conversation = Some(ConversationRef { id, parent: 1 });
    let _lost = writer.send(Body::Done { finish: Finish::Stop, conversation, bytes }).await;
}

struct Running(Arc<AtomicUsize>);

impl Running {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::AcqRel);
        Self(Arc::clone(count))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests;
