//! What is to happen when, at most one time a timer.

use std::{
    collections::{BTreeSet, HashMap},
    time::Instant,
};

use super::Serial;

/// Everything the core waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Timer {
    /// A turn's deadline, or the end of the time its page has to stop it.
    Turn(Serial),
    /// The end of the time a turn waits for a page that could take it, or for a person to make one ready.
    Patience(Serial),
    /// A page may take a turn again.
    Pace,
    /// Senders may be told again how many turns are before theirs.
    Notices,
    /// Senders are to be told the new directory.
    Directory,
    /// A page has taken too long to remove a conversation.
    Forget(u64),
}

/// The times, sorted.
#[derive(Debug, Default)]
pub(super) struct Timers {
    at: HashMap<Timer, Instant>,
    order: BTreeSet<(Instant, Timer)>,
}

impl Timers {
    /// Sets a timer, or takes it back.
    pub(super) fn set(&mut self, timer: Timer, at: Option<Instant>) {
        let before = match at {
            Some(at) => self.at.insert(timer, at),
            None => self.at.remove(&timer),
        };
        if before == at {
            return;
        }
        if let Some(before) = before {
            self.order.remove(&(before, timer));
        }
        if let Some(at) = at {
            self.order.insert((at, timer));
        }
    }

    pub(super) fn is_set(&self, timer: Timer) -> bool {
        self.at.contains_key(&timer)
    }

    /// The next time anything is due.
    pub(super) fn next(&self) -> Option<Instant> {
        self.order.first().map(|(at, _)| *at)
    }

    /// Takes out a timer that is due.
    pub(super) fn pop(&mut self, now: Instant) -> Option<Timer> {
        let (at, timer) = *self.order.first()?;
        if at > now {
            return None;
        }
        self.order.pop_first();
        self.at.remove(&timer);
        Some(timer)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn timers_come_in_order_and_a_later_setting_replaces_an_earlier() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut timers = Timers::default();
        timers.set(Timer::Pace, Some(at(3)));
        timers.set(Timer::Turn(Serial(1)), Some(at(2)));
        timers.set(Timer::Directory, Some(at(1)));
        timers.set(Timer::Directory, None);
        timers.set(Timer::Pace, Some(at(1)));
        assert!(!timers.is_set(Timer::Directory));
        assert_eq!(timers.next(), Some(at(1)));
        assert_eq!(timers.pop(at(0)), None);
        assert_eq!(timers.pop(at(5)), Some(Timer::Pace));
        assert_eq!(timers.pop(at(5)), Some(Timer::Turn(Serial(1))));
        assert_eq!(timers.pop(at(5)), None);
        assert_eq!(timers.next(), None);
    }
}
