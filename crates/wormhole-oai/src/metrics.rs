//! The service's metrics. Labels come from closed sets: route patterns, status classes, failure codes.

use std::time::Instant;

use http::StatusCode;
use prometheus::{Histogram, IntCounter, IntCounterVec, IntGauge};
use wormhole_protocol::FailureCode;
use wormhole_runtime::{Registry, counter, counter_vec, gauge, histogram};

use crate::usage::Usage;

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
    conversations: IntCounterVec,
    tokens: IntCounterVec,
    repairs: IntCounterVec,
    prompts_broken: IntGauge,
    foreign: IntCounterVec,
}

/// What of a request was foreign, so that nothing was done for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Foreign {
    /// The page that sent it.
    Origin,
    /// The name under which it reached this server.
    Host,
}

impl Foreign {
    const ALL: &[Self] = &[Self::Origin, Self::Host];

    fn as_str(self) -> &'static str {
        match self {
            Self::Origin => "origin",
            Self::Host => "host",
        }
    }
}

/// What was done where the model did not write what was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repair {
    /// It was asked again for a tool call.
    CallAgain,
    /// It was not called even then: the text went out as it came.
    CallGivenUp,
    /// A broken call after good ones went out as text.
    CallAsText,
    /// It was asked again for an answer in a format.
    FormatAgain,
    /// The answer did not have the format even then.
    FormatGivenUp,
}

impl Repair {
    const ALL: &[Self] =
        &[Self::CallAgain, Self::CallGivenUp, Self::CallAsText, Self::FormatAgain, Self::FormatGivenUp];

    fn as_str(self) -> &'static str {
        match self {
            Self::CallAgain => "call_again",
            Self::CallGivenUp => "call_given_up",
            Self::CallAsText => "call_as_text",
            Self::FormatAgain => "format_again",
            Self::FormatGivenUp => "format_given_up",
        }
    }
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
            conversations: counter_vec(
                r,
                "wormhole_oai_conversations_total",
                "Turns by where they went: into a new conversation, on in a known one, or anew because that was gone.",
                &["how"],
            )?,
            tokens: counter_vec(
                r,
                "wormhole_oai_tokens_total",
                "Tokens of turns that are whole, by estimate: prompts, posted now or before, and answers.",
                &["kind"],
            )?,
            repairs: counter_vec(
                r,
                "wormhole_oai_repairs_total",
                "Answers that were not what was asked for, by what was done about it.",
                &["kind"],
            )?,
            prompts_broken: gauge(
                r,
                "wormhole_oai_prompts_broken",
                "1 while the templates on disk are broken and the last good ones are in use.",
            )?,
            foreign: counter_vec(
                r,
                "wormhole_oai_foreign_requests_total",
                "Requests of foreign web pages (origin) or under a foreign name (host), which were refused.",
                &["what"],
            )?,
        };
        for code in FailureCode::ALL {
            metrics.failures.with_label_values(&[code.as_str()]);
        }
        for kind in ["prompt", "completion"] {
            metrics.tokens.with_label_values(&[kind]);
        }
        for repair in Repair::ALL {
            metrics.repairs.with_label_values(&[repair.as_str()]);
        }
        for what in Foreign::ALL {
            metrics.foreign.with_label_values(&[what.as_str()]);
        }
        Ok(metrics)
    }

    /// A request was refused for what is foreign of it.
    pub(crate) fn foreign(&self, what: Foreign) {
        self.foreign.with_label_values(&[what.as_str()]).inc();
    }

    /// The templates on disk can be used, or not.
    pub(crate) fn prompts_broken(&self, are_broken: bool) {
        self.prompts_broken.set(i64::from(are_broken));
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

    /// A turn goes into a conversation: `new`, `on` or `anew`.
    pub(crate) fn conversation(&self, how: &'static str) {
        self.conversations.with_label_values(&[how]).inc();
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

    /// The model did not write what was asked for, so often.
    pub(crate) fn repaired(&self, repair: Repair, times: usize) {
        // As after nearly every delta: not worth a look-up.
        if times == 0 {
            return;
        }
        self.metrics.repairs.with_label_values(&[repair.as_str()]).inc_by(times as u64);
    }

    /// It is whole, and cost so much.
    pub(crate) fn done(&mut self, usage: Usage) {
        self.ended = true;
        self.metrics.tokens.with_label_values(&["prompt"]).inc_by(usage.prompt);
        self.metrics.tokens.with_label_values(&["completion"]).inc_by(usage.completion);
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
