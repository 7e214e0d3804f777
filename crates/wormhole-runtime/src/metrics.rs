//! A registry for each service, and metrics that are registered where they are made.

pub use prometheus::Registry;
use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts,
};

use crate::process::ProcessCollector;
use crate::version::{VERSION, revision};

/// A registry of its own, with `wormhole_build_info` and what the kernel says of the process.
///
/// # Panics
/// Never: the names are constants, different, and the registry is new.
pub fn registry() -> Registry {
    let registry = Registry::new();
    let info = gauge_vec(
        &registry,
        "wormhole_build_info",
        "The version and revision that run; always 1.",
        &["version", "revision"],
    )
    .expect("a valid name in a new registry");
    info.with_label_values(&[VERSION, revision()]).set(1);
    registry.register(Box::new(ProcessCollector::new())).expect("different names in a new registry");
    registry
}

/// A counter in `registry`.
///
/// # Errors
/// The name is taken or not valid.
pub fn counter(registry: &Registry, name: &str, help: &str) -> prometheus::Result<IntCounter> {
    registered(registry, IntCounter::new(name, help)?)
}

/// A counter with labels in `registry`. Create the series that should show from the start with `with_label_values`.
///
/// # Errors
/// The name is taken, or it or a label is not valid.
pub fn counter_vec(
    registry: &Registry,
    name: &str,
    help: &str,
    labels: &[&str],
) -> prometheus::Result<IntCounterVec> {
    registered(registry, IntCounterVec::new(Opts::new(name, help), labels)?)
}

/// A gauge in `registry`.
///
/// # Errors
/// The name is taken or not valid.
pub fn gauge(registry: &Registry, name: &str, help: &str) -> prometheus::Result<IntGauge> {
    registered(registry, IntGauge::new(name, help)?)
}

/// A gauge with labels in `registry`.
///
/// # Errors
/// The name is taken, or it or a label is not valid.
pub fn gauge_vec(
    registry: &Registry,
    name: &str,
    help: &str,
    labels: &[&str],
) -> prometheus::Result<IntGaugeVec> {
    registered(registry, IntGaugeVec::new(Opts::new(name, help), labels)?)
}

/// A histogram in `registry`, with the upper bounds of its buckets.
///
/// # Errors
/// The name is taken or not valid, or the buckets do not grow.
pub fn histogram(
    registry: &Registry,
    name: &str,
    help: &str,
    buckets: &[f64],
) -> prometheus::Result<Histogram> {
    registered(registry, Histogram::with_opts(HistogramOpts::new(name, help).buckets(buckets.to_vec()))?)
}

/// A histogram with labels in `registry`, with the upper bounds of its buckets.
///
/// # Errors
/// The name is taken, it or a label is not valid, or the buckets do not grow.
pub fn histogram_vec(
    registry: &Registry,
    name: &str,
    help: &str,
    labels: &[&str],
    buckets: &[f64],
) -> prometheus::Result<HistogramVec> {
    registered(registry, HistogramVec::new(HistogramOpts::new(name, help).buckets(buckets.to_vec()), labels)?)
}

fn registered<M: prometheus::core::Collector + Clone + 'static>(
    registry: &Registry,
    metric: M,
) -> prometheus::Result<M> {
    registry.register(Box::new(metric.clone()))?;
    Ok(metric)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(registry: &Registry) -> String {
        prometheus::TextEncoder::new().encode_to_string(&registry.gather()).unwrap()
    }

    #[test]
    fn a_new_registry_knows_the_build_and_the_process() {
        let text = text(&registry());
        assert!(text.contains("wormhole_build_info{"), "{text}");
        assert!(text.contains(&format!("version=\"{VERSION}\"")), "{text}");
        assert!(text.contains("process_resident_memory_bytes "), "{text}");
        assert!(text.contains("process_cpu_seconds_total "), "{text}");
        assert!(text.contains("process_open_fds "), "{text}");
    }

    #[test]
    fn a_metric_is_registered_where_it_is_made_and_only_once() {
        let registry = registry();
        counter(&registry, "wormhole_test_things_total", "Things.").unwrap().inc();
        counter_vec(&registry, "wormhole_test_ends_total", "Ends.", &["end"])
            .unwrap()
            .with_label_values(&["ok"]);
        gauge(&registry, "wormhole_test_level", "Level.").unwrap().set(3);
        histogram(&registry, "wormhole_test_seconds", "Time.", &[0.1, 1.0]).unwrap().observe(0.5);
        histogram_vec(&registry, "wormhole_test_size", "Size.", &["kind"], &[1.0])
            .unwrap()
            .with_label_values(&["a"])
            .observe(2.0);
        let text = text(&registry);
        for line in [
            "wormhole_test_things_total 1",
            "wormhole_test_ends_total{end=\"ok\"} 0",
            "wormhole_test_level 3",
            "wormhole_test_seconds_bucket{le=\"1\"} 1",
            "wormhole_test_size_count{kind=\"a\"} 1",
        ] {
            assert!(text.contains(line), "{line} is missing in\n{text}");
        }
        assert!(gauge(&registry, "wormhole_test_level", "Again.").is_err());
    }
}
