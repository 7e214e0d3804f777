//! Percentiles of one run, and median and range of several.

use std::collections::BTreeMap;
use std::time::Duration;

/// The value that `percent` of the sorted samples do not exceed (nearest rank); `None` without samples.
pub(crate) fn percentile(sorted: &[Duration], percent: usize) -> Option<Duration> {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

/// Median (p50) and p99 of samples in any order, in milliseconds; `NaN` without samples.
pub(crate) fn p50_and_p99(samples: &mut [Duration]) -> (f64, f64) {
    samples.sort_unstable();
    (millis(percentile(samples, 50)), millis(percentile(samples, 99)))
}

fn millis(duration: Option<Duration>) -> f64 {
    duration.map_or(f64::NAN, |duration| duration.as_secs_f64() * 1e3)
}

/// A count as a number to divide by. Counts here stay far below 2³².
pub(crate) fn count(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

/// Median and range of one figure over the runs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Summary {
    /// Half of the runs are not above it.
    pub(crate) median: f64,
    /// The smallest.
    pub(crate) least: f64,
    /// The largest.
    pub(crate) most: f64,
}

/// Figures by name, one value a run.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    by_name: BTreeMap<String, Vec<f64>>,
}

impl Figures {
    /// Adds the value of one more run. What could not be measured (`NaN`, infinite) is left out.
    pub(crate) fn add(&mut self, name: impl Into<String>, value: f64) {
        if value.is_finite() {
            self.by_name.entry(name.into()).or_default().push(value);
        }
    }

    /// What the runs say together; `None` if none measured it.
    pub(crate) fn summary(&self, name: &str) -> Option<Summary> {
        let mut values = self.by_name.get(name)?.clone();
        values.sort_unstable_by(f64::total_cmp);
        let (least, most) = (*values.first()?, *values.last()?);
        let upper = values[values.len() / 2];
        let lower = values[(values.len() - 1) / 2];
        Some(Summary { median: f64::midpoint(lower, upper), least, most })
    }

    /// The sum over the runs, zero if there is none.
    pub(crate) fn total(&self, name: &str) -> f64 {
        self.by_name.get(name).map_or(0.0, |values| values.iter().sum())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn milliseconds(values: impl IntoIterator<Item = u64>) -> Vec<Duration> {
        values.into_iter().map(Duration::from_millis).collect()
    }

    #[test]
    fn percentiles_are_nearest_ranks() {
        let hundred = milliseconds(1..=100);
        assert_eq!(percentile(&hundred, 50), Some(Duration::from_millis(50)));
        assert_eq!(percentile(&hundred, 99), Some(Duration::from_millis(99)));
        assert_eq!(percentile(&hundred, 100), Some(Duration::from_millis(100)));
        assert_eq!(percentile(&hundred, 0), Some(Duration::from_millis(1)));
        assert_eq!(percentile(&milliseconds([7]), 99), Some(Duration::from_millis(7)));
        assert_eq!(percentile(&[], 50), None);
    }

    #[test]
    fn samples_need_not_be_sorted() {
        let mut samples = milliseconds([9, 1, 5]);
        assert_eq!(p50_and_p99(&mut samples), (5.0, 9.0));
        assert!(p50_and_p99(&mut []).0.is_nan());
    }

    #[test]
    fn runs_are_told_by_median_and_range() {
        let mut figures = Figures::default();
        for value in [4.0, f64::NAN, 1.0, 3.0, 2.0] {
            figures.add("x", value);
        }
        assert_eq!(figures.summary("x"), Some(Summary { median: 2.5, least: 1.0, most: 4.0 }));
        assert_eq!(figures.summary("y"), None);
        assert!((figures.total("x") - 10.0).abs() < 1e-9);
    }
}
