//! Sessions that do not last: a site that ends each one at once is not to be logged in to for ever.

use std::time::{Duration, Instant};

/// So many short sessions in a row mean that another login does not help.
const MOST: u32 = 3;

/// Counts sessions that ended soon after they had begun.
#[derive(Debug)]
pub(crate) struct Strikes {
    short: Duration,
    count: u32,
    since: Option<Instant>,
}

impl Strikes {
    /// A session is short when it lasts less than `short`.
    pub(crate) fn new(short: Duration) -> Self {
        Self { short, count: 0, since: None }
    }

    /// A session has begun.
    pub(crate) fn began(&mut self, now: Instant) {
        self.since = Some(now);
    }

    /// It has ended. True when it was one short session too many.
    pub(crate) fn ended(&mut self, now: Instant) -> bool {
        let was_short = self.since.take().is_some_and(|since| now.duration_since(since) < self.short);
        self.count = if was_short { self.count + 1 } else { 0 };
        self.count >= MOST
    }

    /// A person has acted: count anew.
    pub(crate) fn forgive(&mut self) {
        self.count = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_short_sessions_in_a_row_are_too_many() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut strikes = Strikes::new(Duration::from_mins(1));
        let mut session = |from, to| {
            strikes.began(at(from));
            strikes.ended(at(to))
        };
        assert!(!session(0, 1));
        assert!(!session(2, 3));
        assert!(!session(10, 1000), "a long one in between");
        assert!(!session(1001, 1002));
        assert!(!session(1003, 1004));
        assert!(session(1005, 1006));
        strikes.forgive();
        strikes.began(at(1007));
        assert!(!strikes.ended(at(1008)));
    }
}
