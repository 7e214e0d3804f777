//! The bars: what a figure must not exceed (or must reach), and whether it holds.

use crate::loads::{STREAM_AT_10, STREAM_PACED, WHOLE_AT_10, WHOLE_OPEN};
use crate::stats::{Figures, Summary};

/// One bar.
#[derive(Debug, Clone)]
pub(crate) struct Bar {
    /// What is measured, as the table says it.
    pub(crate) what: &'static str,
    /// The figure's name.
    pub(crate) figure: String,
    /// Its unit.
    pub(crate) unit: &'static str,
    /// What it must be.
    pub(crate) limit: Limit,
}

/// What a figure must be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Limit {
    /// No more than this.
    AtMost(f64),
    /// No less than this.
    AtLeast(f64),
    /// No further from zero than this.
    Within(f64),
}

impl Limit {
    /// Whether the median of the runs holds.
    pub(crate) fn holds(self, summary: Summary) -> bool {
        match self {
            Self::AtMost(limit) => summary.median <= limit,
            Self::AtLeast(limit) => summary.median >= limit,
            Self::Within(limit) => summary.median.abs() <= limit,
        }
    }

    /// As the table says it.
    pub(crate) fn words(self) -> String {
        match self {
            Self::AtMost(limit) => format!("≤ {limit}"),
            Self::AtLeast(limit) => format!("≥ {limit}"),
            Self::Within(limit) => format!("± {limit}"),
        }
    }
}

/// Every bar, in the order of the table.
pub(crate) fn bars() -> Vec<Bar> {
    let bar = |what, figure: &str, unit, limit| Bar { what, figure: figure.to_owned(), unit, limit };
    let of = |line: &str, column: &str| format!("{line}/{column}");
    vec![
        bar("CPU/request, plain", &of(WHOLE_AT_10, "cpu"), "ms", Limit::AtMost(0.6)),
        bar("CPU/request, 20-chunk stream", &of(STREAM_AT_10, "cpu"), "ms", Limit::AtMost(1.5)),
        bar("throughput at c=10, plain", &of(WHOLE_AT_10, "rps"), "/s", Limit::AtLeast(2_000.0)),
        bar("added latency p50, plain, open loop", &of(WHOLE_OPEN, "added p50"), "ms", Limit::AtMost(1.0)),
        bar("added latency p99, plain, open loop", &of(WHOLE_OPEN, "added p99"), "ms", Limit::AtMost(7.0)),
        bar(
            "added latency p99 per chunk, paced",
            &of(STREAM_PACED, "added chunk p99"),
            "ms",
            Limit::AtMost(2.0),
        ),
        bar("RSS of server, 200 open streams", "streams/server rss", "MB", Limit::AtMost(25.0)),
        bar("RSS of oai, 200 open streams", "streams/oai rss", "MB", Limit::AtMost(25.0)),
        bar("RSS of server, change over requests and hang-ups", "flat/server", "%", Limit::Within(5.0)),
        bar("RSS of oai, change over requests and hang-ups", "flat/oai", "%", Limit::Within(5.0)),
        bar("exec to first 200, server", "start/server", "ms", Limit::AtMost(100.0)),
        bar("exec to first 200, oai", "start/oai", "ms", Limit::AtMost(100.0)),
        bar("idle CPU, 1,000 clients and 10 pages", "idle/both", "% of a core", Limit::AtMost(1.0)),
    ]
}

/// Whether a bar holds; `None` if it was not measured.
pub(crate) fn holds(bar: &Bar, figures: &Figures) -> Option<bool> {
    figures.summary(&bar.figure).map(|summary| bar.limit.holds(summary))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_held_by_the_median() {
        let summary = Summary { median: -4.0, least: -9.0, most: 9.0 };
        assert!(Limit::Within(5.0).holds(summary) && Limit::AtMost(0.0).holds(summary));
        assert!(!Limit::AtLeast(0.0).holds(summary));
        assert_eq!(Limit::AtLeast(2_000.0).words(), "≥ 2000");
    }

    #[test]
    fn what_was_not_measured_neither_holds_nor_fails() {
        let mut figures = Figures::default();
        assert!(bars().iter().all(|bar| holds(bar, &figures).is_none()));
        figures.add("start/oai", 50.0);
        assert_eq!(bars().iter().filter_map(|bar| holds(bar, &figures)).collect::<Vec<_>>(), [true]);
    }
}
