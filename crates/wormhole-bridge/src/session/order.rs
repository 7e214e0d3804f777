//! What a person at the console asks of the keeper, until the keeper has done it.

use std::time::Duration;

use tokio::{
    sync::{Notify, watch},
    time::sleep,
};

/// What an operator may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// Look at the page now, not at the next tick.
    CheckAgain,
    /// Log in with the credentials, even if the site has refused them: a person asked.
    LogInAgain,
    /// Leave the page alone, or take it up again.
    Pause(bool),
    /// End the browser and start another one on the same profile.
    RestartBrowser,
}

#[expect(clippy::struct_excessive_bools, reason = "each is one wish that may or may not be there")]
#[derive(Debug, Default)]
struct Wanted {
    check: bool,
    log_in: bool,
    pause: bool,
    restart: bool,
}

/// Orders that are yet to be obeyed. It is no queue, so it cannot be full: an order that is given twice before it is
/// obeyed is one order.
#[derive(Debug, Default)]
pub(crate) struct Orders {
    wanted: watch::Sender<Wanted>,
    touched: Notify,
}

impl Orders {
    pub(super) fn give(&self, order: Order) {
        self.wanted.send_modify(|wanted| match order {
            Order::CheckAgain => wanted.check = true,
            Order::LogInAgain => wanted.log_in = true,
            Order::Pause(pause) => wanted.pause = pause,
            Order::RestartBrowser => wanted.restart = true,
        });
    }

    /// A person has done something in the page: what it has come to is worth a look.
    pub(super) fn touch(&self) {
        self.touched.notify_one();
    }

    /// Waits until somebody has touched the page since this was asked last.
    pub(super) async fn touched(&self) {
        self.touched.notified().await;
    }

    /// The page is to be left alone.
    pub(super) fn is_paused(&self) -> bool {
        self.wanted.borrow().pause
    }

    /// Waits until the page may be touched.
    pub(super) async fn resumed(&self) {
        self.until(|wanted| !wanted.pause).await;
    }

    /// Waits for an order that leads out of whatever is being waited for. It stays to be taken.
    pub(super) async fn given(&self) {
        self.until(|wanted| wanted.check || wanted.log_in || wanted.pause).await;
    }

    /// Waits for something that leads elsewhere than a look at the page.
    pub(super) async fn leads_away(&self) {
        self.until(|wanted| wanted.log_in || wanted.pause).await;
    }

    /// As [`leads_away`](Self::leads_away), without waiting.
    pub(super) fn lead_away(&self) -> bool {
        let wanted = self.wanted.borrow();
        wanted.log_in || wanted.pause
    }

    /// Waits for the order to look at the page, and takes it.
    pub(super) async fn check(&self) {
        self.until(|wanted| wanted.check).await;
        self.take(|wanted| &mut wanted.check);
    }

    /// Waits for the order to restart the browser, and takes it.
    pub(super) async fn restart(&self) {
        self.until(|wanted| wanted.restart).await;
        self.take(|wanted| &mut wanted.restart);
    }

    /// Waits for `delay`, or for an order that makes waiting pointless.
    pub(super) async fn rest(&self, delay: Duration) {
        tokio::select! {
            () = self.given() => {}
            () = sleep(delay) => {}
        }
    }

    /// Takes the order to look at the page: it is about to be looked at.
    pub(super) fn take_check(&self) -> bool {
        self.take(|wanted| &mut wanted.check)
    }

    /// Takes the order to log in.
    pub(super) fn take_log_in(&self) -> bool {
        self.take(|wanted| &mut wanted.log_in)
    }

    fn take(&self, which: impl Fn(&mut Wanted) -> &mut bool) -> bool {
        self.wanted.send_if_modified(|wanted| std::mem::take(which(wanted)))
    }

    async fn until(&self, met: impl FnMut(&Wanted) -> bool) {
        // The sender is ours, so the channel is open.
        let _ = self.wanted.subscribe().wait_for(met).await;
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn an_order_waits_to_be_taken_and_is_taken_once() {
        let orders = Orders::default();
        assert!(orders.given().now_or_never().is_none());
        orders.give(Order::LogInAgain);
        orders.give(Order::LogInAgain);
        assert!(orders.given().now_or_never().is_some());
        assert!(orders.take_log_in() && !orders.take_log_in());
        orders.give(Order::RestartBrowser);
        assert!(orders.given().now_or_never().is_none(), "that one is not for the page");
        assert!(orders.restart().now_or_never().is_some());
        assert!(orders.restart().now_or_never().is_none());
    }

    #[test]
    fn a_pause_lasts_until_it_is_taken_back() {
        let orders = Orders::default();
        orders.give(Order::Pause(true));
        assert!(orders.is_paused() && orders.resumed().now_or_never().is_none());
        orders.give(Order::Pause(false));
        assert!(!orders.is_paused() && orders.resumed().now_or_never().is_some());
    }
}
