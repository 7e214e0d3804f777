//! Looks now and then at what Chromium costs, and says when it costs too much.

use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::browser::BrowserConfig;
use crate::chrome::processes::{self, Family};
use crate::chrome::wear::Used;
use crate::chrome::{Ceilings, Chrome, ChromeMetrics, Wear};
use crate::tab::Shared;

/// The task that measures, for the life of the browser.
pub(super) struct Vitals {
    family: Family,
    began: Instant,
    shared: Arc<Shared>,
    ceilings: Ceilings,
    metrics: ChromeMetrics,
    wear: watch::Sender<Option<Wear>>,
}

/// What one look at the processes found.
struct Look {
    memory: u64,
    running: usize,
    zombies: usize,
}

impl Vitals {
    pub(super) fn new(
        config: &BrowserConfig,
        chrome: &Chrome,
        shared: Arc<Shared>,
        wear: watch::Sender<Option<Wear>>,
    ) -> Self {
        Self {
            family: chrome.family(),
            began: Instant::now(),
            shared,
            ceilings: config.ceilings.clone(),
            metrics: config.metrics.clone(),
            wear,
        }
    }

    pub(super) async fn watch(mut self) {
        // What is gone uses nothing.
        let _nothing = Zero(self.metrics.clone());
        let mut ticks = interval(self.ceilings.every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            // Adding up the pages of a large process takes the kernel a while.
            let looking = spawn_blocking(move || {
                let look = look(&mut self.family);
                (self, look)
            });
            let Ok((vitals, look)) = looking.await else { return };
            self = vitals;
            self.judge(&look);
        }
    }

    fn judge(&self, look: &Look) {
        let tab = self.shared.used();
        let browser = Used { memory: look.memory, age: self.began.elapsed() };
        let gauge = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        self.metrics.memory.set(gauge(look.memory));
        self.metrics.tab_memory.set(gauge(tab.memory));
        self.metrics.processes.set(gauge(look.running as u64));
        self.metrics.zombies.set(gauge(look.zombies as u64));
        let wear = self.ceilings.judge(browser, tab);
        self.wear.send_if_modified(|said| std::mem::replace(said, wear) != wear);
    }
}

fn look(family: &mut Family) -> Look {
    let seen = family.look();
    let reaped = seen.reap();
    let dead = seen.members.iter().filter(|process| process.zombie).count();
    Look {
        memory: processes::memory(&seen.members),
        running: seen.members.len() - dead,
        zombies: dead.saturating_sub(reaped),
    }
}

struct Zero(ChromeMetrics);

impl Drop for Zero {
    fn drop(&mut self) {
        let ChromeMetrics { memory, tab_memory, processes, zombies, .. } = &self.0;
        for gauge in [memory, tab_memory, processes, zombies] {
            gauge.set(0);
        }
    }
}
