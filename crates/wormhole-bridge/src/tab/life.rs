//! The tab's task: listens to the script, tells it what is to be done, and puts the tab back on its feet.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chromiumoxide::Page;
use chromiumoxide::cdp::browser_protocol::page::{DialogType, Frame, HandleJavaScriptDialogParams};
use chromiumoxide::cdp::browser_protocol::target::{CloseTargetParams, EventTargetCrashed};
use chromiumoxide::cdp::js_protocol::runtime::{GetHeapUsageParams, GetHeapUsageReturns};
use chromiumoxide::error::CdpError;
use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};
use url::Url;

use super::TabError;
use super::deliver::deliver;
use super::navigate::navigate;
use super::open::{Events, open};
use super::shared::Shared;
use crate::chrome::devtools::{COMMAND, execute, execute_in};
use crate::chrome::{Gone, GoneReason};
use crate::cookies;

/// This many crashes in this time are a matter for a new browser.
const CRASHES: usize = 3;
const CRASH_WINDOW: Duration = Duration::from_mins(10);

/// How long a crashed tab may take to show the site again, before a new one is opened in its place.
const REVIVAL: Duration = Duration::from_secs(15);

/// How often the page is asked whether it still answers, if nothing else is said.
const ASK_EVERY: Duration = Duration::from_secs(15);

/// How long it may take to say so.
const ANSWER: Duration = Duration::from_secs(5);

/// What became of something that was started for the tab.
pub(super) enum Done {
    /// Commands were handed over, or those who wait for them were told that they were not.
    Delivered,
    /// The page did not take a command, or did not answer, in time.
    Stuck,
    /// The page was asked how it is, and is well, or being left or revived.
    Answered,
    /// Navigation after a crash: whether it worked.
    Revived(bool),
    /// Nothing that anybody waits for.
    Nothing,
}

type Jobs = FuturesUnordered<BoxFuture<'static, Done>>;

/// Why a tab has to be opened again.
#[derive(PartialEq, Eq)]
enum End {
    /// Somebody closed it.
    Closed,
    /// It crashed and does not come back, or does not answer.
    Dead,
    /// It works, and is to be replaced.
    Worn,
}

/// The tab's task, for the life of the browser.
pub(crate) struct Life {
    browser: Arc<chromiumoxide::Browser>,
    shared: Arc<Shared>,
    gone: Gone,
    source: String,
    crashes: VecDeque<Instant>,
    ask_every: Duration,
    /// Where cookies are saved.
    profile: PathBuf,
}

impl Life {
    pub(crate) fn new(
        browser: Arc<chromiumoxide::Browser>,
        shared: Arc<Shared>,
        gone: Gone,
        source: String,
        profile: PathBuf,
    ) -> Self {
        Self { browser, shared, gone, source, crashes: VecDeque::new(), ask_every: ASK_EVERY, profile }
    }

    /// Asks the page so often whether it still answers, and how much memory it uses.
    pub(crate) fn asked_every(self, ask_every: Duration) -> Self {
        Self { ask_every, ..self }
    }

    /// Runs until the browser is gone, beginning with a tab that is open.
    pub(crate) async fn run(mut self, opened: (Page, Events)) {
        let _guard = LoseOnDrop(Arc::clone(&self.shared));
        let gone = self.gone.clone();
        tokio::select! {
            biased;
            reason = gone.wait() => tracing::debug!(%reason, "the browser is gone"),
            () = self.keep_open(opened) => {}
        }
    }

    async fn keep_open(&mut self, opened: (Page, Events)) {
        let mut opened = Ok(opened);
        loop {
            let mut end = End::Dead;
            let mut old = None;
            match opened {
                Ok((page, events)) => {
                    self.shared.set_page(page.clone());
                    end = self.attend(&page, events).await;
                    self.shared.lose(TabError::Crashed);
                    // With its last tab Chromium forgets the cookies without a date, and may end: so the next
                    // tab is opened before this one is closed.
                    old = (end != End::Closed).then_some(page);
                }
                Err(error) => tracing::warn!(%error, "the tab could not be opened again"),
            }
            if end != End::Worn && self.too_many_crashes() {
                self.gone.tell(GoneReason::CrashLoop);
                return;
            }
            tracing::info!("opening the tab again");
            opened = open(&self.browser, &self.source).await;
            match old {
                Some(old) => self.close(&old).await,
                None => cookies::restore_if_forgotten(&self.browser, &self.profile).await,
            }
        }
    }

    async fn close(&self, page: &Page) {
        let close = CloseTargetParams::new(page.target_id().clone());
        // It may have closed by itself.
        drop(execute(&self.browser, close).await);
    }

    /// Counts this one too.
    fn too_many_crashes(&mut self) -> bool {
        let now = Instant::now();
        self.crashes.push_back(now);
        self.crashes.retain(|crash| now.duration_since(*crash) < CRASH_WINDOW);
        self.crashes.len() >= CRASHES
    }

    /// Looks after one tab until it has to be opened again.
    async fn attend(&mut self, page: &Page, mut events: Events) -> End {
        let mut jobs = Jobs::new();
        let mut delivering = false;
        let mut asking = false;
        let mut ask = interval_at(Instant::now() + self.ask_every, self.ask_every);
        ask.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let shared = Arc::clone(&self.shared);
        if shared.last_good().is_some() {
            jobs.push(self.revive(page));
        }
        loop {
            tokio::select! {
                call = events.calls.next() => match call {
                    Some(call) => shared.hear(&call),
                    None => return End::Closed,
                },
                Some(_) = events.cleared.next() => jobs.push(self.verify(page, TabError::ContextLost)),
                Some(navigated) = events.navigated.next() => {
                    if self.leaves_the_site(&navigated.frame) {
                        jobs.push(self.verify(page, TabError::NotAllowed));
                    }
                }
                Some(dialog) = events.dialogs.next() => jobs.push(dismiss(page, &dialog.r#type)),
                Some(crash) = events.crashes.next() => {
                    if self.crashed(page, &crash) {
                        if self.too_many_crashes() {
                            self.gone.tell(GoneReason::CrashLoop);
                        }
                        jobs.push(self.revive(page));
                    }
                }
                () = shared.outbox.notified(), if !delivering => {
                    delivering = self.deliver(page, &mut jobs);
                }
                () = shared.renew.notified() => return End::Worn,
                _ = ask.tick(), if !asking => {
                    asking = true;
                    jobs.push(self.ask(page));
                }
                Some(done) = jobs.next(), if !jobs.is_empty() => match done {
                    Done::Answered => asking = false,
                    Done::Delivered => delivering = self.deliver(page, &mut jobs),
                    Done::Stuck | Done::Revived(false) => return End::Dead,
                    Done::Revived(true) | Done::Nothing => {}
                },
            }
        }
    }

    fn leaves_the_site(&self, frame: &Frame) -> bool {
        let origin = Url::parse(&frame.url).map(|url| url.origin().ascii_serialization());
        let ours = origin.is_ok_and(|origin| self.shared.is_ours(&origin));
        frame.parent_id.is_none() && !ours && frame.url != "about:blank"
    }

    fn crashed(&self, page: &Page, crash: &EventTargetCrashed) -> bool {
        if crash.target_id != *page.target_id() {
            return false;
        }
        tracing::warn!(status = crash.status, code = crash.error_code, "the page crashed");
        self.shared.lose(TabError::Crashed);
        true
    }

    /// Hands over everything that waits, in one call; whether there was anything.
    fn deliver(&self, page: &Page, jobs: &mut Jobs) -> bool {
        let Some((document, commands)) = self.shared.take_outbox() else { return false };
        let (page, shared) = (page.clone(), Arc::clone(&self.shared));
        let ids: Vec<u64> = commands.iter().map(|command| command.id).collect();
        let generation = shared.generation();
        jobs.push(Box::pin(async move {
            let Err(error) = deliver(&page, document, commands).await else { return Done::Delivered };
            shared.fail(&ids, &error);
            match error {
                TabError::ContextLost => shared.lose_document(generation, error),
                TabError::Timeout(_) => return Done::Stuck,
                _ => {}
            }
            Done::Delivered
        }));
        true
    }

    /// Asks the document whether it is still there. Events of different kinds come in no order of their own, so
    /// this one may be about a document before the one that is installed by now.
    fn verify(&self, page: &Page, reason: TabError) -> BoxFuture<'static, Done> {
        let (page, shared) = (page.clone(), Arc::clone(&self.shared));
        Box::pin(async move {
            let Some((document, generation)) = shared.document() else {
                shared.lose_document(shared.generation(), reason);
                return Done::Nothing;
            };
            if deliver(&page, document, Vec::new()).await == Err(TabError::ContextLost) {
                shared.lose_document(generation, reason);
            }
            Done::Nothing
        })
    }

    /// Asks how much memory the page uses, which only a page answers whose main thread is not stuck. One miss may be
    /// a machine out of breath, two are a page that will never do anything again.
    fn ask(&self, page: &Page) -> BoxFuture<'static, Done> {
        let (page, shared) = (page.clone(), Arc::clone(&self.shared));
        Box::pin(async move {
            for _ in 0..2 {
                match execute_in(&page, GetHeapUsageParams::default(), ANSWER).await {
                    Ok(heap) => {
                        shared.set_heap(bytes(&heap));
                        return Done::Answered;
                    }
                    Err(CdpError::Timeout) => {}
                    // Crashed or closed: that is told by others.
                    Err(_) => return Done::Answered,
                }
            }
            tracing::warn!("the page does not answer, replacing the tab");
            Done::Stuck
        })
    }

    /// Shows the last good address again.
    fn revive(&self, page: &Page) -> BoxFuture<'static, Done> {
        let (page, shared) = (page.clone(), Arc::clone(&self.shared));
        let address = shared.last_good().unwrap_or_else(|| "about:blank".to_owned());
        Box::pin(async move {
            let shown = timeout(REVIVAL, navigate(&page, &shared, address)).await;
            match &shown {
                Ok(Ok(())) => tracing::info!("the page is back after a crash"),
                // The tab works, the site does not: whoever uses the tab will find out.
                Ok(Err(TabError::Unreachable(error))) => tracing::warn!(error, "the site is out of reach"),
                Ok(Err(error)) => tracing::warn!(%error, "the page does not come back"),
                Err(_) => tracing::warn!("the page does not come back in time"),
            }
            Done::Revived(matches!(shown, Ok(Ok(()) | Err(TabError::Unreachable(_)))))
        })
    }
}

/// V8's heap, Blink's, and what lies beside them in buffers.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "whole and positive by their meaning"
)]
fn bytes(heap: &GetHeapUsageReturns) -> u64 {
    (heap.total_size + heap.embedder_heap_used_size + heap.backing_storage_size) as u64
}

/// Nobody is there to answer, and a page with an open dialog does nothing else. "Leave this page?" is answered with
/// yes, as it was we who wanted to; everything else with no.
pub(super) fn dismiss(page: &Page, kind: &DialogType) -> BoxFuture<'static, Done> {
    tracing::info!(kind = kind.as_ref(), "the page opened a dialog, closing it");
    let answer = HandleJavaScriptDialogParams::new(*kind == DialogType::Beforeunload);
    let page = page.clone();
    Box::pin(async move {
        // A person at the window may have been faster.
        drop(execute_in(&page, answer, COMMAND).await);
        Done::Nothing
    })
}

/// However the task ends, nobody waits for a tab that nobody looks after.
struct LoseOnDrop(Arc<Shared>);

impl Drop for LoseOnDrop {
    fn drop(&mut self) {
        self.0.lose(TabError::BrowserGone);
    }
}
