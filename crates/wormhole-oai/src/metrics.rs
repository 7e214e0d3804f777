//! The service's metrics. Labels come from closed sets: route patterns, status classes, failure codes.

use std::time::Instant;

use http::StatusCode;
use prometheus::{Histogram, IntCounter, IntCounterVec, IntGauge};
use wormhole_protocol::FailureCode;
use wormhole_runtime::{Registry, counter, counter_vec, gauge, histogram};

const SECONDS: &[f64] = &[0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0];

/// Every metric of the service.
#[derive(Debug, Clone)]
pub(crate) struct Metrics {
    requests: IntCounterVec,
    requests_in_flight: IntGauge,
    turns_in_flight: IntGauge,
    first_delta: Histogram,
    turn: Histogram,
    failures: IntCounterVec,
    hangups: IntCounter,
    heartbeats: IntCounter,
    joined: IntGauge,
}

impl Metrics {
    /// Registers all of them.
    ///
    /// # Errors
    /// One of the names is taken.
    pub(crate) fn register(r: &Registry) -> prometheus::Result<Self> {
        let metrics = Self {
            requests: counter_vec(
                r,
                "wormhole_oai_requests_total",
                "Requests by route and class of status; gone: the client left before the answer's head.",
                &["route", "status"],
            )?,
            requests_in_flight: gauge(
                r,
                "wormhole_oai_requests_in_flight",
                "Requests without an answer's head yet.",
            )?,
            turns_in_flight: gauge(
                r,
                "wormhole_oai_turns_in_flight",
                "Turns whose reply is not at its end.",
            )?,
            first_delta: histogram(
                r,
                "wormhole_oai_first_delta_seconds",
                "From the submission of a turn to the first text or reasoning.",
                SECONDS,
            )?,
            turn: histogram(
                r,
                "wormhole_oai_turn_seconds",
                "From the submission of a turn to its end.",
                SECONDS,
            )?,
            failures: counter_vec(
                r,
                "wormhole_oai_turn_failures_total",
                "Turns that failed, by code.",
                &["code"],
            )?,
            hangups: counter(r, "wormhole_oai_hangups_total", "Turns whose client left before their end.")?,
            heartbeats: counter(
                r,
                "wormhole_oai_heartbeats_total",
                "Signs of life in streams that had nothing to say.",
            )?,
            joined: gauge(r, "wormhole_oai_hub_joined", "1 while joined to the hub.")?,
        };
        for code in FailureCode::ALL {
            metrics.failures.with_label_values(&[code.as_str()]);
        }
        Ok(metrics)
    }

    /// A request begins.
    pub(crate) fn request(&self, route: String) -> RequestGuard {
        self.requests_in_flight.inc();
        RequestGuard { metrics: self.clone(), route, status: "gone" }
    }

    /// A turn begins.
    pub(crate) fn turn(&self) -> TurnGuard {
        self.turns_in_flight.inc();
        TurnGuard { metrics: self.clone(), started: Instant::now(), first_delta: None, ended: false }
    }

    /// The link to the hub is up, or not.
    pub(crate) fn joined(&self, is_joined: bool) {
        self.joined.set(i64::from(is_joined));
    }

    /// A stream said that it is alive.
    pub(crate) fn heartbeat(&self) {
        self.heartbeats.inc();
    }
}

/// A request until its answer's head, or until its client is gone.
#[derive(Debug)]
pub(crate) struct RequestGuard {
    metrics: Metrics,
    route: String,
    status: &'static str,
}

impl RequestGuard {
    /// The answer's head.
    pub(crate) fn answered(mut self, status: StatusCode) {
        self.status = match status.as_u16() {
            200..300 => "2xx",
            300..400 => "3xx",
            400..500 => "4xx",
            _ => "5xx",
        };
    }
}

impl Drop for RequestGuard {
    fn drop(&mut self) {
        self.metrics.requests_in_flight.dec();
        self.metrics.requests.with_label_values(&[self.route.as_str(), self.status]).inc();
    }
}

/// A turn until its end, or until its client is gone.
#[derive(Debug)]
pub(crate) struct TurnGuard {
    metrics: Metrics,
    started: Instant,
    first_delta: Option<Instant>,
    ended: bool,
}

impl TurnGuard {
    /// When it began.
    pub(crate) fn started(&self) -> Instant {
        self.started
    }

    /// When the first text or reasoning came.
    pub(crate) fn first_delta(&self) -> Option<Instant> {
        self.first_delta
    }

    /// Text or reasoning came.
    pub(crate) fn delta(&mut self) {
        if self.first_delta.is_none() {
            self.first_delta = Some(Instant::now());
            self.metrics.first_delta.observe(self.started.elapsed().as_secs_f64());
        }
    }

    /// It is whole.
    pub(crate) fn done(&mut self) {
        self.ended = true;
    }

    /// It failed.
    pub(crate) fn failed(&mut self, code: FailureCode) {
        self.ended = true;
        self.metrics.failures.with_label_values(&[code.as_str()]).inc();
    }

    /// It has reached its end, whole or failed.
    pub(crate) fn is_ended(&self) -> bool {
        self.ended
    }
}

impl Drop for TurnGuard {
    fn drop(&mut self) {
        self.metrics.turns_in_flight.dec();
        self.metrics.turn.observe(self.started.elapsed().as_secs_f64());
        if !self.ended {
            self.metrics.hangups.inc();
        }
    }
}
