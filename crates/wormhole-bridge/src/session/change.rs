//! The only place that changes the session's state, and tells of each change: probe, metrics, operator, platform, log.

use std::sync::{PoisonError, atomic::Ordering};

use wormhole_protocol::{PageHello, PageState};

use super::{CONDITION, Session};
use crate::{alert::Alert, metrics::AlertOutcome, site::SiteModel};

impl Session {
    /// The page is in `state` now; `detail` says why, for people. Nothing leads out of `draining`.
    pub(crate) fn change(&self, state: PageState, detail: impl Into<String>) {
        let detail = detail.into();
        self.change_if(state, &detail, |_| true);
    }

    /// The page is ready, with these models.
    pub(crate) fn ready(&self, models: Vec<SiteModel>) {
        self.set_models(models);
        self.change(PageState::Ready, "");
    }

    /// The site refused a call of this epoch for want of a session. True if that was news.
    pub(crate) fn expire(&self, epoch: u64) -> bool {
        let is_current = |hello: &PageHello| hello.state == PageState::Ready && self.epoch() == epoch;
        self.change_if(PageState::Expired, "the site ended the session", is_current)
    }

    fn change_if(&self, state: PageState, detail: &str, may: impl FnOnce(&PageHello) -> bool) -> bool {
        self.inner.hello.send_if_modified(|hello| {
            let same = hello.state == state && hello.detail == detail;
            if hello.state == PageState::Draining || same || !may(hello) {
                return false;
            }
            let from = std::mem::replace(&mut hello.state, state);
            detail.clone_into(&mut hello.detail);
            if state == PageState::Ready && from != state {
                self.inner.epoch.fetch_add(1, Ordering::SeqCst);
            }
            // Inside, so that probes and metrics change in the order the states do.
            self.tell(state, detail, from);
            true
        })
    }

    /// The hub learns of it by the `hello` that the link watches.
    fn tell(&self, state: PageState, detail: &str, from: PageState) {
        let condition = if state == PageState::Ready { Ok(()) } else { Err(described(state, detail)) };
        self.inner.readiness.set(CONDITION, condition);
        self.inner.status.send_modify(|status| status.changed(state, detail));
        if from != state {
            self.inner.metrics.state_is(state);
            if state.needs_person() {
                self.alert();
            }
        }
        self.inner.outside.lock().unwrap_or_else(PoisonError::into_inner).tell(state, detail);
        if state.needs_person() {
            tracing::warn!(%state, %from, detail, "the page needs a person");
        } else {
            tracing::info!(%state, %from, detail, "the page changed its state");
        }
    }

    /// Says that a person is needed. A queue that is full of what nobody takes loses this one, and counts it.
    fn alert(&self) {
        let alerts = self.inner.alerts.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(alerts) = &*alerts else { return };
        if alerts.try_send(Alert::of(&self.inner.status.borrow())).is_err() {
            self.inner.metrics.alert(AlertOutcome::Dropped);
            tracing::warn!("too many alerts wait to be sent: this one is dropped");
        }
    }
}

/// A state, and why, in one line.
pub(super) fn described(state: PageState, detail: &str) -> String {
    if detail.is_empty() { state.to_string() } else { format!("{state}: {detail}") }
}
