//! Who looks, and whose hands are in the page: one pair at a time.

use std::{collections::BTreeMap, sync::Arc};

use tokio::sync::watch;

use crate::metrics::Metrics;

/// How many may look at once; one more is turned away.
pub(crate) const MOST: usize = 8;

/// Who sits where.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Seating {
    next: u64,
    /// Everybody who is here, and whether they look at the moment.
    here: BTreeMap<u64, bool>,
    holder: Option<u64>,
}

impl Seating {
    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.here.len()
    }

    /// Somebody has the page before their eyes.
    pub(crate) fn is_watched(&self) -> bool {
        self.here.values().any(|looks| *looks)
    }

    /// Somebody has their hands in it.
    pub(crate) fn is_held(&self) -> bool {
        self.holder.is_some()
    }
}

/// The seats before the page.
#[derive(Debug)]
pub(crate) struct Seats {
    seating: watch::Sender<Seating>,
    metrics: Arc<Metrics>,
}

impl Seats {
    pub(crate) fn new(metrics: Arc<Metrics>) -> Arc<Self> {
        Arc::new(Self { seating: watch::Sender::default(), metrics })
    }

    /// A seat, if one is free; with the control, if nobody has it.
    pub(crate) fn enter(self: &Arc<Self>) -> Option<Seat> {
        let mut id = None;
        self.change(|seating| {
            if seating.here.len() < MOST {
                seating.next += 1;
                seating.here.insert(seating.next, true);
                seating.holder.get_or_insert(seating.next);
                id = Some(seating.next);
            }
        });
        id.map(|id| Seat { id, seats: Arc::clone(self) })
    }

    /// Who sits where, and each change of it.
    pub(crate) fn seating(&self) -> watch::Receiver<Seating> {
        self.seating.subscribe()
    }

    fn change(&self, change: impl FnOnce(&mut Seating)) {
        self.seating.send_modify(|seating| {
            change(seating);
            self.metrics.viewers().set(i64::try_from(seating.here.len()).unwrap_or(i64::MAX));
        });
    }
}

/// A seat; dropping it leaves it.
#[derive(Debug)]
pub(crate) struct Seat {
    id: u64,
    seats: Arc<Seats>,
}

impl Seat {
    /// Whether this one has the control.
    pub(crate) fn holds(&self) -> bool {
        self.seats.seating.borrow().holder == Some(self.id)
    }

    /// Whether this one had it in that seating.
    pub(crate) fn held_in(&self, seating: &Seating) -> bool {
        seating.holder == Some(self.id)
    }

    /// Takes the control from whoever has it.
    pub(crate) fn take_control(&self) {
        self.seats.change(|seating| seating.holder = Some(self.id));
    }

    /// Has the page before the eyes, or not (the window is hidden).
    pub(crate) fn look(&self, looks: bool) {
        self.seats.change(|seating| {
            seating.here.insert(self.id, looks);
        });
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.seats.change(|seating| {
            seating.here.remove(&self.id);
            if seating.holder == Some(self.id) {
                seating.holder = None;
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use wormhole_runtime::Registry;

    use super::*;

    #[test]
    fn one_has_the_control_and_another_may_take_it() {
        let seats = Seats::new(Arc::new(Metrics::register(&Registry::new()).unwrap()));
        let first = seats.enter().unwrap();
        let second = seats.enter().unwrap();
        assert!(first.holds() && !second.holds());
        second.take_control();
        assert!(!first.holds() && second.holds());
        drop(second);
        assert!(!first.holds() && !seats.seating().borrow().is_held());
        first.look(false);
        assert!(!seats.seating().borrow().is_watched());
        let others: Vec<_> = (1..MOST).map(|_| seats.enter().unwrap()).collect();
        assert!(others[0].holds(), "nobody had it");
        assert!(seats.enter().is_none());
        assert_eq!(seats.metrics.viewers().get(), 8);
    }
}
