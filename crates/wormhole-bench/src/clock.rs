//! One monotonic clock for the fake page, the stand-in and the reader, and the marks it leaves inside deltas.

use std::time::{Duration, Instant};

/// A mark is `@`, sixteen digits of nanoseconds, `@`: plain ASCII that JSON leaves as it is.
pub(crate) const MARK_BYTES: usize = 18;

/// Time since the bench began. All parts that compare times share one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock(Instant);

impl Clock {
    /// Begins at zero.
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    /// Time since the beginning.
    pub(crate) fn now(&self) -> Duration {
        self.0.elapsed()
    }

    /// A mark that says now.
    pub(crate) fn mark(&self) -> String {
        format!("@{:016}@", self.now().as_nanos())
    }
}

/// Finds the marks in a body that arrives in pieces.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    looked_at: usize,
}

impl Marks {
    /// Looks at what is new in `body`, calls `found` with the time in each whole mark, and says how many there were.
    pub(crate) fn scan(&mut self, body: &[u8], mut found: impl FnMut(Duration)) -> usize {
        let mut count = 0;
        while let Some(at) = body[self.looked_at..].iter().position(|byte| *byte == b'@') {
            let at = self.looked_at + at;
            let Some(mark) = body.get(at..at + MARK_BYTES) else {
                self.looked_at = at;
                return count;
            };
            self.looked_at = at + 1;
            if let Some(time) = read_mark(mark) {
                self.looked_at = at + MARK_BYTES;
                count += 1;
                found(time);
            }
        }
        self.looked_at = body.len();
        count
    }
}

fn read_mark(mark: &[u8]) -> Option<Duration> {
    let digits = mark.strip_prefix(b"@")?.strip_suffix(b"@")?;
    let text = std::str::from_utf8(digits).ok()?;
    text.parse().ok().map(Duration::from_nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_cut_at_every_byte_are_found_once() {
        let clock = Clock::start();
        let body = format!("a@b {} and {} @", clock.mark(), clock.mark());
        for cut in 0..=body.len() {
            let (mut marks, mut found) = (Marks::default(), Vec::new());
            let first = marks.scan(&body.as_bytes()[..cut], |time| found.push(time));
            let second = marks.scan(body.as_bytes(), |time| found.push(time));
            assert_eq!((first + second, found.len()), (2, 2), "cut at {cut}");
            assert!(found[0] <= found[1] && found[1] <= clock.now());
        }
    }
}
