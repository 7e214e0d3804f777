//! When a tab or a browser has become too large or too old, and is to be replaced between turns.

use std::time::Duration;

const MIB: u64 = 1024 * 1024;

/// What may be used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The tab: replaced by another in the same browser.
    Tab,
    /// The browser: closed and started again on its profile.
    Browser,
}

impl Part {
    /// A word for metrics and for people.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Tab => "tab",
            Self::Browser => "browser",
        }
    }
}

/// By what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// It uses too much memory.
    Memory,
    /// It has run for too long.
    Age,
}

impl Reason {
    /// A word for metrics and for people.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Age => "age",
        }
    }
}

/// What is to be replaced, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wear {
    /// What is used up.
    pub part: Part,
    /// By what.
    pub reason: Reason,
}

/// Beyond which size and age a tab and a browser are replaced.
#[derive(Debug, Clone)]
pub struct Ceilings {
    /// The browser: bytes of all its processes together. A chat page in a fresh browser takes a fifth of the default.
    pub memory: Option<u64>,
    /// The browser: whatever leaks in it without showing as memory goes with it once a day.
    pub age: Option<Duration>,
    /// The tab: bytes of the page's heaps. V8 itself gives up at about four times the default.
    pub tab_memory: Option<u64>,
    /// The tab: a page that nobody reloads may run on a version that the site has long replaced.
    pub tab_age: Option<Duration>,
    /// What is still too large after it was replaced is not replaced again for so long.
    pub rest: Duration,
    /// How often all of it is looked at, and the page asked whether it still answers.
    pub every: Duration,
}

impl Default for Ceilings {
    fn default() -> Self {
        Self {
            memory: Some(2048 * MIB),
            age: Some(Duration::from_hours(24)),
            tab_memory: Some(1024 * MIB),
            tab_age: Some(Duration::from_hours(12)),
            rest: Duration::from_mins(10),
            every: Duration::from_secs(15),
        }
    }
}

/// What was measured: bytes, and for how long it has run.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Used {
    pub(crate) memory: u64,
    pub(crate) age: Duration,
}

impl Ceilings {
    /// Bytes of a number of MiB; none for 0.
    pub(crate) fn mebibytes(number: u64) -> Option<u64> {
        (number > 0).then(|| number.saturating_mul(MIB))
    }

    /// What is to be replaced. The browser first: the tab goes with it.
    pub(crate) fn judge(&self, browser: Used, tab: Used) -> Option<Wear> {
        let of = |part, used: Used, memory: Option<u64>, age: Option<Duration>| {
            let reason = if age.is_some_and(|ceiling| used.age >= ceiling) {
                Reason::Age
            } else if used.age >= self.rest && memory.is_some_and(|ceiling| used.memory > ceiling) {
                Reason::Memory
            } else {
                return None;
            };
            Some(Wear { part, reason })
        };
        of(Part::Browser, browser, self.memory, self.age)
            .or_else(|| of(Part::Tab, tab, self.tab_memory, self.tab_age))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ceiling_is_for_what_has_lived_a_while_and_the_browser_comes_first() {
        let ceilings = Ceilings::default();
        let used = |memory, hours| Used { memory: memory * MIB, age: Duration::from_hours(hours) };
        let said = |browser, tab| ceilings.judge(browser, tab).map(|wear| (wear.part, wear.reason));
        assert_eq!(said(used(400, 1), used(100, 1)), None);
        assert_eq!(said(used(400, 1), used(1025, 1)), Some((Part::Tab, Reason::Memory)));
        assert_eq!(said(used(400, 13), used(100, 12)), Some((Part::Tab, Reason::Age)));
        assert_eq!(said(used(2049, 1), used(1025, 1)), Some((Part::Browser, Reason::Memory)));
        assert_eq!(said(used(400, 24), used(100, 1)), Some((Part::Browser, Reason::Age)));
        assert_eq!(said(used(9000, 0), used(9000, 0)), None, "just replaced");
        let none = Ceilings { memory: None, age: None, tab_memory: None, tab_age: None, ..ceilings };
        assert_eq!(none.judge(used(9000, 900), used(9000, 900)), None);
        assert_eq!((Ceilings::mebibytes(0), Ceilings::mebibytes(2)), (None, Some(2 * MIB)));
    }
}
