//! When to look whether a person has finished: now and then, and soon while they work in the page.

use std::time::Duration;

use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

use super::Orders;
use crate::tab::{Tab, TabEvent};

/// How often to look while somebody works in the page.
const QUICK: Duration = Duration::from_secs(1);

/// How long after the last sign of somebody.
const QUICK_FOR: Duration = Duration::from_secs(20);

/// The moments to look at a page that waits for a person.
pub(super) struct Looks<'a> {
    orders: &'a Orders,
    events: watch::Receiver<TabEvent>,
    usual: Duration,
    quick_until: Instant,
    last: Instant,
}

impl<'a> Looks<'a> {
    pub(super) fn new(orders: &'a Orders, tab: &Tab, usual: Duration) -> Self {
        let now = Instant::now();
        Self { orders, events: tab.events(), usual, quick_until: now, last: now }
    }

    /// Waits for the next one. Input at the console and new documents in the tab make it come sooner.
    pub(super) async fn next(&mut self) {
        loop {
            let quick = Instant::now() < self.quick_until;
            let period = if quick { self.usual.min(QUICK) } else { self.usual };
            let due = sleep_until(self.last + period);
            tokio::select! {
                () = due => {
                    self.last = Instant::now();
                    return;
                }
                () = self.orders.touched() => {}
                changed = self.events.changed() => if changed.is_err() {
                    // The tab is gone: whoever asks it next learns so.
                    sleep_until(self.last + self.usual).await;
                    self.last = Instant::now();
                    return;
                },
            }
            self.quick_until = Instant::now() + QUICK_FOR;
        }
    }
}
