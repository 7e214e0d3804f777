//! What the bridge counts. Every label comes from a closed set, and every series is there from the start.

use std::time::Duration;

use prometheus::{Histogram, IntCounter, IntCounterVec, IntGauge, IntGaugeVec};
use wormhole_protocol::{FailureCode, PageState};
use wormhole_runtime::{Registry, counter, counter_vec, gauge, gauge_vec, histogram};

use crate::{
    browser::{ChromeMetrics, GoneReason},
    calls::CallName,
    canary::CanaryOutcome,
    page_port::PagePortMetrics,
};

/// Seconds until the head of a turn's answer: sites take from a blink to a minute.
const FIRST_BYTE_BUCKETS: [f64; 10] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0];

/// How a login went, for metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LoginOutcome {
    /// Logged in.
    Ok,
    /// The site refused the credentials.
    Refused,
    /// The site asked for a person.
    Challenge,
    /// It came to neither.
    Failed,
}

impl LoginOutcome {
    const ALL: [Self; 4] = [Self::Ok, Self::Refused, Self::Challenge, Self::Failed];

    fn label(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Refused => "refused",
            Self::Challenge => "challenge",
            Self::Failed => "failed",
        }
    }
}

/// What became of an alert, for metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AlertOutcome {
    /// The receiver took it.
    Sent,
    /// The receiver refused it, or did not take it however often it was sent.
    Failed,
    /// Too many others waited.
    Dropped,
}

impl AlertOutcome {
    const ALL: [Self; 3] = [Self::Sent, Self::Failed, Self::Dropped];

    fn label(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::Dropped => "dropped",
        }
    }
}

const STATUS_CLASSES: [&str; 5] = ["2xx", "3xx", "4xx", "5xx", "error"];
const GONE_REASONS: [&str; 6] = ["exited", "disconnected", "hung", "crash_loop", "recycled", "withheld"];

/// The bridge's metrics.
#[derive(Debug)]
pub(crate) struct Metrics {
    state: IntGaugeVec,
    state_changes: IntCounterVec,
    logins: IntCounterVec,
    turns: IntCounterVec,
    running: IntGauge,
    launches: IntCounterVec,
    gone: IntCounterVec,
    site_calls: IntCounterVec,
    csrf_refreshes: IntCounter,
    cookie_saves: IntCounterVec,
    alerts: IntCounterVec,
    viewers: IntGauge,
    paused: IntGauge,
    first_byte: Histogram,
    site_changed: IntCounter,
    canary: IntCounterVec,
    canary_failing: IntGauge,
    /// What the browser itself is counted by.
    pub(crate) chrome: ChromeMetrics,
    /// What the page port counts.
    pub(crate) page_port: PagePortMetrics,
}

impl Metrics {
    /// Registers everything.
    pub(crate) fn register(registry: &Registry) -> prometheus::Result<Self> {
        let vec = |name: &str, help: &str, labels: &[&str]| counter_vec(registry, name, help, labels);
        let metrics = Self {
            state: gauge_vec(
                registry,
                "wormhole_bridge_state",
                "1 for the state the page is in",
                &["state"],
            )?,
            state_changes: vec(
                "wormhole_bridge_state_changes_total",
                "Times the page came into a state",
                &["state"],
            )?,
            logins: vec(
                "wormhole_bridge_logins_total",
                "Logins tried with the operator's credentials",
                &["outcome"],
            )?,
            turns: vec("wormhole_bridge_turns_total", "Turns that ended, by their end", &["outcome"])?,
            running: gauge(registry, "wormhole_bridge_turns_running", "Turns under way")?,
            launches: vec(
                "wormhole_bridge_browser_launches_total",
                "Times Chromium was started",
                &["outcome"],
            )?,
            gone: vec(
                "wormhole_bridge_browser_gone_total",
                "Times a running Chromium was lost",
                &["reason"],
            )?,
            site_calls: vec("wormhole_bridge_site_calls_total", "Calls the page made", &["call", "status"])?,
            csrf_refreshes: counter(
                registry,
                "wormhole_bridge_csrf_refreshes_total",
                "Times a stale CSRF token was renewed",
            )?,
            cookie_saves: vec(
                "wormhole_bridge_cookie_saves_total",
                "Times cookies were saved",
                &["outcome"],
            )?,
            alerts: vec(
                "wormhole_bridge_alerts_total",
                "Alerts that a person is needed, by what became of them",
                &["outcome"],
            )?,
            viewers: gauge(registry, "wormhole_bridge_console_viewers", "Open views of the console")?,
            paused: gauge(
                registry,
                "wormhole_bridge_paused",
                "1 while an operator keeps the page to themselves",
            )?,
            first_byte: histogram(
                registry,
                "wormhole_bridge_first_byte_seconds",
                "From a turn's post to the head of its answer",
                &FIRST_BYTE_BUCKETS,
            )?,
            site_changed: counter(
                registry,
                "wormhole_bridge_site_changed_total",
                "Times something of the site profile no longer fitted the site",
            )?,
            canary: vec(
                "wormhole_bridge_canary_total",
                "Rounds of the bridge's own questions, by what came of them",
                &["outcome"],
            )?,
            canary_failing: gauge(
                registry,
                "wormhole_bridge_canary_failing",
                "1 while the bridge's last own question was not answered",
            )?,
            chrome: ChromeMetrics::register(registry)?,
            page_port: PagePortMetrics::register(registry)?,
        };
        metrics.create_series();
        Ok(metrics)
    }

    fn create_series(&self) {
        for state in PageState::ALL {
            self.state.with_label_values(&[state.as_str()]).set(0);
            self.state_changes.with_label_values(&[state.as_str()]);
        }
        for outcome in LoginOutcome::ALL {
            self.logins.with_label_values(&[outcome.label()]);
        }
        for outcome in AlertOutcome::ALL {
            self.alerts.with_label_values(&[outcome.label()]);
        }
        self.turns.with_label_values(&["done"]);
        for code in FailureCode::ALL {
            self.turns.with_label_values(&[code.as_str()]);
        }
        for outcome in ["ok", "failed"] {
            self.launches.with_label_values(&[outcome]);
            self.cookie_saves.with_label_values(&[outcome]);
        }
        for outcome in CanaryOutcome::ALL {
            self.canary.with_label_values(&[outcome.label()]);
        }
        for reason in GONE_REASONS {
            self.gone.with_label_values(&[reason]);
        }
        for call in CallName::ALL {
            for class in STATUS_CLASSES {
                self.site_calls.with_label_values(&[call.as_str(), class]);
            }
        }
    }

    /// The page came into `state`.
    pub(crate) fn state_is(&self, state: PageState) {
        for other in PageState::ALL {
            self.state.with_label_values(&[other.as_str()]).set(i64::from(other == state));
        }
        self.state_changes.with_label_values(&[state.as_str()]).inc();
    }

    /// A login was tried.
    pub(crate) fn login(&self, outcome: LoginOutcome) {
        self.logins.with_label_values(&[outcome.label()]).inc();
    }

    /// A turn ended: `None` when it is whole.
    pub(crate) fn turn_ended(&self, failure: Option<FailureCode>) {
        self.turns.with_label_values(&[failure.map_or("done", FailureCode::as_str)]).inc();
    }

    /// Turns that were answered whole so far.
    pub(crate) fn turns_answered(&self) -> u64 {
        self.turns.with_label_values(&["done"]).get()
    }

    /// Something of the site profile does not fit the site.
    pub(crate) fn site_changed(&self) {
        self.site_changed.inc();
    }

    /// A round of the bridge's own questions is over.
    pub(crate) fn canary(&self, outcome: CanaryOutcome, failing: bool) {
        self.canary.with_label_values(&[outcome.label()]).inc();
        self.canary_failing.set(i64::from(failing));
    }

    /// Rounds so far.
    pub(crate) fn canaries(&self) -> u64 {
        CanaryOutcome::ALL.iter().map(|outcome| self.canary.with_label_values(&[outcome.label()]).get()).sum()
    }

    /// So many turns are under way.
    pub(crate) fn running(&self, turns: usize) {
        self.running.set(i64::try_from(turns).unwrap_or(i64::MAX));
    }

    /// Chromium was started, or could not be.
    pub(crate) fn launched(&self, succeeded: bool) {
        self.launches.with_label_values(&[outcome(succeeded)]).inc();
    }

    /// A running Chromium was lost.
    pub(crate) fn browser_gone(&self, reason: &GoneReason) {
        self.gone.with_label_values(&[reason.label()]).inc();
    }

    /// The page made a call: the status of its answer, if there was one.
    pub(crate) fn site_call(&self, call: CallName, status: Option<u16>) {
        let class = match status {
            Some(200..300) => "2xx",
            Some(300..400) => "3xx",
            Some(400..500) => "4xx",
            Some(500..600) => "5xx",
            _ => "error",
        };
        self.site_calls.with_label_values(&[call.as_str(), class]).inc();
    }

    /// A stale CSRF token was renewed.
    pub(crate) fn csrf_refreshed(&self) {
        self.csrf_refreshes.inc();
    }

    /// Cookies were saved, or could not be.
    pub(crate) fn cookies_saved(&self, succeeded: bool) {
        self.cookie_saves.with_label_values(&[outcome(succeeded)]).inc();
    }

    /// An alert has found its end.
    pub(crate) fn alert(&self, outcome: AlertOutcome) {
        self.alerts.with_label_values(&[outcome.label()]).inc();
    }

    /// The gauge of open views of the console.
    pub(crate) fn viewers(&self) -> &IntGauge {
        &self.viewers
    }

    /// An operator has taken the page, or given it back.
    pub(crate) fn paused(&self, paused: bool) {
        self.paused.set(i64::from(paused));
    }

    /// The head of a turn's answer came.
    pub(crate) fn first_byte(&self, after: Duration) {
        self.first_byte.observe(after.as_secs_f64());
    }
}

fn outcome(succeeded: bool) -> &'static str {
    if succeeded { "ok" } else { "failed" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_series_is_there_from_the_start() {
        let registry = Registry::new();
        let metrics = Metrics::register(&registry).unwrap();
        let count = |registry: &Registry| {
            registry.gather().iter().map(|family| family.get_metric().len()).sum::<usize>()
        };
        let before = count(&registry);
        metrics.state_is(PageState::Ready);
        metrics.login(LoginOutcome::Refused);
        metrics.turn_ended(Some(FailureCode::SiteChanged));
        metrics.turn_ended(None);
        metrics.launched(true);
        metrics.browser_gone(&GoneReason::Hung);
        metrics.site_call(CallName::Turn, Some(204));
        metrics.site_call(CallName::Delete, None);
        metrics.cookies_saved(false);
        metrics.canary(CanaryOutcome::Skipped, true);
        metrics.alert(AlertOutcome::Failed);
        assert_eq!(count(&registry), before);
    }
}
