//! How long to wait before the next try.

use std::time::Duration;

/// How long something must have lived for its end to count as a first failure again.
const STEADY_AFTER: Duration = Duration::from_secs(30);

/// Exponential backoff with full jitter: each delay is anywhere between the least and a ceiling that doubles
/// with each try, so that peers that lost the same server do not come back in step.
#[derive(Debug, Clone)]
pub struct Backoff {
    min: Duration,
    max: Duration,
    ceiling: Duration,
}

impl Backoff {
    /// Delays from `min` to `max`. A `max` below `min` counts as `min`.
    pub fn new(min: Duration, max: Duration) -> Self {
        let max = max.max(min);
        Self { min, max, ceiling: first_ceiling(min, max) }
    }

    /// The next delay; the ceiling doubles with each call.
    pub fn next_delay(&mut self) -> Duration {
        let delay = rand::random_range(self.min..=self.ceiling);
        self.ceiling = self.ceiling.saturating_mul(2).min(self.max);
        delay
    }

    /// The longest delay, for failures that trying soon cannot mend. The delays after it are long as well.
    pub fn longest_delay(&mut self) -> Duration {
        self.ceiling = self.max;
        self.max
    }

    /// Begins again with short delays.
    pub fn reset(&mut self) {
        self.ceiling = first_ceiling(self.min, self.max);
    }

    /// Tells how long the thing lived that just ended: after a steady life (30 s) short delays come first again.
    pub fn lived(&mut self, life: Duration) {
        if life >= STEADY_AFTER {
            self.reset();
        }
    }
}

/// The first delay jitters too: all peers of a server that restarts lose it at the same moment.
fn first_ceiling(min: Duration, max: Duration) -> Duration {
    min.saturating_mul(2).min(max)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn delays_stay_between_the_least_and_the_most(min in 0u64..5_000, max in 0u64..100_000, tries in 1usize..80) {
            let (min, max) = (Duration::from_millis(min), Duration::from_millis(max));
            let mut backoff = Backoff::new(min, max);
            for _ in 0..tries {
                let delay = backoff.next_delay();
                prop_assert!(delay >= min && delay <= max.max(min));
            }
        }
    }

    fn backoff() -> Backoff {
        Backoff::new(Duration::from_millis(100), Duration::from_secs(10))
    }

    #[test]
    fn the_ceiling_doubles_up_to_the_most() {
        let mut backoff = backoff();
        let mut ceilings = vec![backoff.ceiling];
        for _ in 0..8 {
            backoff.next_delay();
            ceilings.push(backoff.ceiling);
        }
        let millis: Vec<_> = ceilings.iter().map(Duration::as_millis).collect();
        assert_eq!(millis, [200, 400, 800, 1600, 3200, 6400, 10_000, 10_000, 10_000]);
    }

    #[test]
    fn only_a_steady_life_brings_short_delays_back() {
        let mut backoff = backoff();
        backoff.longest_delay();
        backoff.lived(Duration::from_secs(29));
        assert_eq!(backoff.ceiling, Duration::from_secs(10));
        backoff.lived(Duration::from_secs(30));
        assert_eq!(backoff.ceiling, Duration::from_millis(200));
    }
}
