//! How fast an account may be posted to.

use std::time::{Duration, Instant};

/// The longest rest that is believed; a site that says more is asked again after this.
const MAX_REST: Duration = Duration::from_hours(24);

/// An account's pace. It belongs to the account, not to the connection that speaks for it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Pace {
    /// When the smallest gap since the last post is over.
    gap_over: Option<Instant>,
    /// When the rest that the site asked for is over.
    rest_over: Option<Instant>,
}

impl Pace {
    /// Notes a post.
    pub(super) fn posted(&mut self, now: Instant, gap: Duration) {
        self.gap_over = Some(now + gap.min(MAX_REST));
    }

    /// Notes that the site wants no post for this long. A shorter rest does not end a longer one.
    pub(super) fn rest(&mut self, now: Instant, rest: Duration) {
        let over = now + rest.min(MAX_REST);
        self.rest_over = self.rest_over.max(Some(over));
    }

    /// When the next post may be: `None` is now.
    pub(super) fn free_at(&self, now: Instant) -> Option<Instant> {
        self.gap_over.max(self.rest_over).filter(|at| *at > now)
    }

    /// When the rest is over, while it lasts.
    pub(super) fn resting_until(&self, now: Instant) -> Option<Instant> {
        self.rest_over.filter(|at| *at > now)
    }

    /// The end of the last gap, for choosing the account that was idle longest.
    pub(super) fn last(&self) -> Option<Instant> {
        self.gap_over
    }
}

/// A running mean of how long turns take, for guesses of when to come back.
#[derive(Debug, Clone, Copy)]
pub(super) struct MeanDuration(Duration);

impl Default for MeanDuration {
    fn default() -> Self {
        Self(Duration::from_secs(5))
    }
}

impl MeanDuration {
    /// Recent turns count more: each new one moves the mean by a fifth.
    pub(super) fn add(&mut self, duration: Duration) {
        self.0 = (self.0 * 4 + duration.min(MAX_REST)) / 5;
    }

    /// When a place for one more turn may be free, between a second and a minute.
    pub(super) fn guess(self, waiting: usize, capacity: u64) -> Duration {
        let rounds = (waiting as u64 + 1).div_ceil(capacity.max(1));
        let wait = self.0.saturating_mul(u32::try_from(rounds).unwrap_or(u32::MAX));
        wait.clamp(Duration::from_secs(1), Duration::from_mins(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gap_and_rest_both_hold_and_the_longer_rest_wins() {
        let now = Instant::now();
        let second = Duration::from_secs(1);
        let mut pace = Pace::default();
        assert_eq!(pace.free_at(now), None);
        pace.posted(now, second);
        assert_eq!(pace.free_at(now), Some(now + second));
        pace.rest(now, 30 * second);
        pace.rest(now, 3 * second);
        assert_eq!(pace.free_at(now), Some(now + 30 * second));
        assert_eq!(pace.resting_until(now), Some(now + 30 * second));
        assert_eq!(pace.free_at(now + 30 * second), None);
        pace.rest(now, Duration::MAX);
        assert_eq!(pace.free_at(now), Some(now + MAX_REST));
    }

    #[test]
    fn the_guess_follows_recent_turns_and_stays_in_bounds() {
        let mut mean = MeanDuration::default();
        assert_eq!(mean.guess(0, 1), Duration::from_secs(5));
        for _ in 0..100 {
            mean.add(Duration::from_millis(10));
        }
        assert_eq!(mean.guess(0, 4), Duration::from_secs(1));
        mean.add(Duration::MAX);
        assert_eq!(mean.guess(1000, 0), Duration::from_mins(1));
    }
}
