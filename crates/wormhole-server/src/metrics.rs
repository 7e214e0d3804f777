//! What the hub counts.

use prometheus::{Histogram, IntCounter, IntCounterVec, IntGauge, IntGaugeVec};
use wormhole_protocol::{FailureCode, PageState, Role};
use wormhole_runtime::{Registry, counter, counter_vec, gauge, gauge_vec, histogram};

use crate::{
    auth::Refusal,
    core::{Gone, Note, Stale},
    hub::outcome,
};

/// Upper bounds in seconds, from a turn that is given out at once to one that waits for minutes.
const BUCKETS: &[f64] =
    &[0.001, 0.005, 0.025, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0];

/// The hub's metrics; every series is there from the start.
#[derive(Debug)]
pub(crate) struct Metrics {
    peers: IntGaugeVec,
    pages: IntGaugeVec,
    queued: IntGauge,
    running: IntGauge,
    turns: IntCounterVec,
    attempts: IntCounter,
    requeues: IntCounter,
    stale: IntCounterVec,
    merged: IntCounter,
    gone: IntCounterVec,
    refused: IntCounterVec,
    bad_frames: IntCounter,
    overstayed: IntCounter,
    rests: IntCounter,
    wait: Histogram,
    duration: Histogram,
}

impl Metrics {
    pub(crate) fn register(registry: &Registry) -> prometheus::Result<Self> {
        let name = |name: &str| format!("wormhole_server_{name}");
        let counter = |what: &str, help: &str| counter(registry, &name(what), help);
        let gauge = |what: &str, help: &str| gauge(registry, &name(what), help);
        let histogram = |what: &str, help: &str| histogram(registry, &name(what), help, BUCKETS);
        let counters =
            |what: &str, help: &str, label: &str| counter_vec(registry, &name(what), help, &[label]);
        let gauges = |what: &str, help: &str, label: &str| gauge_vec(registry, &name(what), help, &[label]);
        let metrics = Self {
            peers: gauges("peers", "Joined peers by role.", "role")?,
            pages: gauges("pages", "Joined pages by state.", "state")?,
            queued: gauge("queued_turns", "Turns that wait for a page.")?,
            running: gauge("running_turns", "Turns that have a place on a page.")?,
            turns: counters(
                "turns_total",
                "Turns that ended, by outcome: done, or the failure's code.",
                "outcome",
            )?,
            attempts: counter("attempts_total", "Turns given to pages, every attempt counted.")?,
            requeues: counter("requeues_total", "Turns that were not posted and went back to the queue.")?,
            stale: counters("stale_events_total", "Events of pages that were dropped, by reason.", "reason")?,
            merged: counter("merged_deltas_total", "Deltas joined to others because their reader was slow.")?,
            gone: counters("gone_peers_total", "Connections that ended, by reason.", "reason")?,
            refused: counters(
                "refused_requests_total",
                "Requests to join that were refused, by reason.",
                "reason",
            )?,
            bad_frames: counter("bad_frames_total", "Frames of peers that could not be understood.")?,
            overstayed: counter("overstayed_turns_total", "Turns that a page did not stop in time.")?,
            rests: counter("account_rests_total", "Rests that sites asked for.")?,
            wait: histogram("turn_wait_seconds", "Time from a turn's submission to each of its attempts.")?,
            duration: histogram("turn_duration_seconds", "Time from a turn's submission to its end.")?,
        };
        metrics.create_series();
        Ok(metrics)
    }

    fn create_series(&self) {
        for role in [Role::Page, Role::Sender] {
            self.peers.with_label_values(&[word(role)]);
        }
        for state in PageState::ALL {
            self.pages.with_label_values(&[state.as_str()]);
        }
        for code in std::iter::once(None).chain(FailureCode::ALL.iter().copied().map(Some)) {
            self.turns.with_label_values(&[outcome(code)]);
        }
        for reason in Stale::ALL {
            self.stale.with_label_values(&[reason.as_str()]);
        }
        for reason in Gone::ALL {
            self.gone.with_label_values(&[reason.as_str()]);
        }
        for reason in Refusal::ALL {
            self.refused.with_label_values(&[reason.as_str()]);
        }
    }

    /// Turns that wait, and turns that have a place.
    pub(crate) fn load(&self, (queued, running): (usize, usize)) {
        self.queued.set(queued.try_into().unwrap_or(i64::MAX));
        self.running.set(running.try_into().unwrap_or(i64::MAX));
    }

    pub(crate) fn refused(&self, refusal: Refusal) {
        self.refused.with_label_values(&[refusal.as_str()]).inc();
    }

    /// A connection ended before it was a peer.
    pub(crate) fn never_joined(&self, reason: Gone) {
        self.gone.with_label_values(&[reason.as_str()]).inc();
    }

    pub(crate) fn bad_frame(&self) {
        self.bad_frames.inc();
    }

    pub(crate) fn note(&self, note: &Note) {
        match note {
            Note::Joined { role, page, .. } => {
                self.peers.with_label_values(&[word(*role)]).inc();
                if let Some(page) = page {
                    self.pages.with_label_values(&[page.state.as_str()]).inc();
                }
            }
            Note::Left { role, reason, state, .. } => {
                self.peers.with_label_values(&[word(*role)]).dec();
                self.gone.with_label_values(&[reason.as_str()]).inc();
                if let Some(state) = state {
                    self.pages.with_label_values(&[state.as_str()]).dec();
                }
            }
            Note::State { from, page, .. } => {
                self.pages.with_label_values(&[from.as_str()]).dec();
                self.pages.with_label_values(&[page.state.as_str()]).inc();
            }
            Note::Posted { waited, .. } => {
                self.attempts.inc();
                self.wait.observe(waited.as_secs_f64());
            }
            Note::Requeued { .. } => self.requeues.inc(),
            Note::Ended { code, took, .. } => {
                self.turns.with_label_values(&[outcome(*code)]).inc();
                self.duration.observe(took.as_secs_f64());
            }
            Note::Stale { reason, .. } => self.stale.with_label_values(&[reason.as_str()]).inc(),
            Note::Merged => self.merged.inc(),
            Note::Rests { .. } => self.rests.inc(),
            Note::Overstayed { .. } => self.overstayed.inc(),
            Note::Refused { .. } => self.bad_frames.inc(),
        }
    }
}

/// The word for a role in logs and metrics.
pub(crate) fn word(role: Role) -> &'static str {
    match role {
        Role::Page => "page",
        Role::Sender => "sender",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_series_is_there_from_the_start() {
        let registry = Registry::new();
        Metrics::register(&registry).unwrap();
        let series = |name: &str| {
            let families = registry.gather();
            let family = families.iter().find(|family| family.name() == name).expect(name);
            family.get_metric().len()
        };
        assert_eq!(series("wormhole_server_peers"), 2);
        assert_eq!(series("wormhole_server_pages"), PageState::ALL.len());
        assert_eq!(series("wormhole_server_turns_total"), FailureCode::ALL.len() + 1);
        assert_eq!(series("wormhole_server_stale_events_total"), Stale::ALL.len());
        assert_eq!(series("wormhole_server_gone_peers_total"), Gone::ALL.len());
        assert_eq!(series("wormhole_server_refused_requests_total"), Refusal::ALL.len());
        assert_eq!(series("wormhole_server_turn_wait_seconds"), 1);
    }
}
