//! Pages that our tab opens beside itself: advertisements, help, the log-in windows of other sites.
//!
//! None of them gets our script. A dialog in one of them would stop our tab too, as both may run in one thread, so it
//! is closed. While no person is at work a pop-up is closed after a while; there are never more than a few.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use chromiumoxide::Page;
use chromiumoxide::cdp::browser_protocol::page::EventJavascriptDialogOpening;
use chromiumoxide::cdp::browser_protocol::target::{
    CloseTargetParams, EventTargetCreated, GetTargetsParams, TargetId, TargetInfo,
};
use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};

use super::life::dismiss;
use super::shared::Shared;
use crate::browser::BrowserConfig;
use crate::chrome::ChromeMetrics;
use crate::chrome::devtools::{COMMAND, execute};

/// How many may be open. Before one more, the oldest is closed, person or not.
const MOST: usize = 6;
/// chromiumoxide attaches itself to a new page by and by.
const ATTACH_POLL: Duration = Duration::from_millis(50);

/// The task that looks after pop-ups, for the life of the browser.
pub(crate) struct Popups {
    browser: Arc<chromiumoxide::Browser>,
    shared: Arc<Shared>,
    /// A person is at work.
    person: watch::Receiver<bool>,
    life: Duration,
    metrics: ChromeMetrics,
    /// The oldest first.
    open: VecDeque<(TargetId, Instant)>,
}

impl Popups {
    pub(crate) fn new(
        browser: Arc<chromiumoxide::Browser>,
        shared: Arc<Shared>,
        person: watch::Receiver<bool>,
        config: &BrowserConfig,
    ) -> Self {
        let (life, metrics) = (config.popup_life, config.metrics.clone());
        Self { browser, shared, person, life, metrics, open: VecDeque::new() }
    }

    pub(crate) async fn run(mut self) {
        let Ok(mut created) = self.browser.event_listener::<EventTargetCreated>().await else { return };
        let mut dialogs: FuturesUnordered<BoxFuture<'static, ()>> = FuturesUnordered::new();
        let mut looks = interval((self.life / 4).max(Duration::from_millis(50)));
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                event = created.next() => match event {
                    Some(event) if event.target_info.r#type == "page" => {
                        let id = event.target_info.target_id.clone();
                        // Our own next tab is among them at first: the looks tell.
                        self.open.push_back((id.clone(), Instant::now()));
                        dialogs.push(Box::pin(close_dialogs(Arc::clone(&self.browser), id)));
                        if self.open.len() > MOST {
                            self.look().await;
                        }
                    }
                    Some(_) => {}
                    None => return,
                },
                Some(()) = dialogs.next(), if !dialogs.is_empty() => {}
                _ = looks.tick(), if !self.open.is_empty() => self.look().await,
            }
        }
    }

    async fn look(&mut self) {
        let Ok(reply) = execute(&self.browser, GetTargetsParams::default()).await else { return };
        let ours = self.shared.page().map(|page| page.target_id().clone()).ok();
        let is_popup = |target: &&TargetInfo| {
            // A blank page that nobody opened is our next tab, or a person's.
            let blank = target.opener_id.is_none() && target.url == "about:blank";
            Some(&target.target_id) != ours.as_ref() && !blank
        };
        let there: Vec<&TargetId> = reply.target_infos.iter().map(|target| &target.target_id).collect();
        let popups: Vec<&TargetId> =
            reply.target_infos.iter().filter(is_popup).map(|target| &target.target_id).collect();
        self.open.retain(|(id, _)| there.contains(&id) && Some(id) != ours.as_ref());
        let count = self.open.iter().filter(|(id, _)| popups.contains(&id)).count();
        let mut too_many = count.saturating_sub(MOST);
        for (id, since) in self.open.iter().filter(|(id, _)| popups.contains(&id)) {
            let is_old = since.elapsed() >= self.life;
            if too_many == 0 && is_old && *self.person.borrow() {
                self.metrics.popups_spared.inc();
            } else if is_old || too_many > 0 {
                too_many = too_many.saturating_sub(1);
                self.metrics.popups_closed.inc();
                tracing::info!("closing a pop-up");
                // Who closes itself in the meantime is closed, too.
                drop(execute(&self.browser, CloseTargetParams::new(id.clone())).await);
            }
        }
    }
}

/// Closes the dialogs of one page until it is closed.
async fn close_dialogs(browser: Arc<chromiumoxide::Browser>, id: TargetId) {
    let Ok(Some(page)) = timeout(COMMAND, attached(&browser, id)).await else { return };
    let Ok(mut opened) = page.event_listener::<EventJavascriptDialogOpening>().await else { return };
    while let Some(dialog) = opened.next().await {
        dismiss(&page, &dialog.r#type).await;
    }
}

/// The page, when DevTools is connected to it; none when it is gone before.
async fn attached(browser: &chromiumoxide::Browser, id: TargetId) -> Option<Page> {
    loop {
        match browser.get_page(id.clone()).await {
            Ok(page) => return Some(page),
            Err(chromiumoxide::error::CdpError::NotFound) => sleep(ATTACH_POLL).await,
            Err(_) => return None,
        }
    }
}
