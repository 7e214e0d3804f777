//! The turns under way: who they are, how to stop them, and when the last one has ended.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use wormhole_protocol::TurnId;

use crate::metrics::Metrics;

/// The turns under way.
#[derive(Debug)]
pub(crate) struct Running {
    turns: Mutex<HashMap<TurnId, (u32, CancellationToken)>>,
    count: watch::Sender<usize>,
    metrics: Arc<Metrics>,
}

/// A turn's place among those under way; dropping it gives the place up.
#[derive(Debug)]
pub(crate) struct Runner {
    running: Arc<Running>,
    turn: TurnId,
    attempt: u32,
    /// Cancelled when the turn is to stop.
    pub(crate) stop: CancellationToken,
}

impl Running {
    /// None yet.
    pub(crate) fn new(metrics: Arc<Metrics>) -> Arc<Self> {
        Arc::new(Self { turns: Mutex::default(), count: watch::Sender::new(0), metrics })
    }

    /// Takes a place, unless there are `most` already. A newer attempt of a turn stops the older one.
    pub(crate) fn enter(self: &Arc<Self>, turn: TurnId, attempt: u32, most: usize) -> Option<Runner> {
        let stop = CancellationToken::new();
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        if turns.len() >= most && !turns.contains_key(&turn) {
            return None;
        }
        if let Some((_, older)) = turns.insert(turn.clone(), (attempt, stop.clone())) {
            older.cancel();
        }
        self.note(turns.len());
        Some(Runner { running: Arc::clone(self), turn, attempt, stop })
    }

    /// Stops a turn; one that is not there has ended.
    pub(crate) fn stop(&self, turn: &TurnId) {
        let turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, stop)) = turns.get(turn) {
            stop.cancel();
        }
    }

    /// Stops every turn.
    pub(crate) fn stop_all(&self) {
        let turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        turns.values().for_each(|(_, stop)| stop.cancel());
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        *self.count.borrow()
    }

    /// How many there are, and each change of it.
    pub(crate) fn watch(&self) -> watch::Receiver<usize> {
        self.count.subscribe()
    }

    /// Waits until there is none.
    pub(crate) async fn idle(&self) {
        // The sender is ours, so the channel is open.
        let _ = self.count.subscribe().wait_for(|count| *count == 0).await;
    }

    fn note(&self, count: usize) {
        self.count.send_replace(count);
        self.metrics.running(count);
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        let mut turns = self.running.turns.lock().unwrap_or_else(PoisonError::into_inner);
        if turns.get(&self.turn).is_some_and(|(attempt, _)| *attempt == self.attempt) {
            turns.remove(&self.turn);
        }
        self.running.note(turns.len());
    }
}

#[cfg(test)]
mod tests {
    use wormhole_runtime::Registry;

    use super::*;

    fn running() -> Arc<Running> {
        Running::new(Arc::new(Metrics::register(&Registry::new()).unwrap()))
    }

    #[tokio::test]
    async fn places_are_bounded_and_given_up() {
        let running = running();
        let first = running.enter(TurnId::new("a"), 1, 1).unwrap();
        assert!(running.enter(TurnId::new("b"), 1, 1).is_none());
        drop(first);
        running.idle().await;
        assert!(running.enter(TurnId::new("b"), 1, 1).is_some());
    }

    #[test]
    fn a_newer_attempt_stops_the_older_and_outlives_it() {
        let running = running();
        let first = running.enter(TurnId::new("a"), 1, 1).unwrap();
        let second = running.enter(TurnId::new("a"), 2, 1).unwrap();
        assert!(first.stop.is_cancelled() && !second.stop.is_cancelled());
        drop(first);
        assert_eq!(running.count(), 1);
        running.stop(&TurnId::new("a"));
        assert!(second.stop.is_cancelled());
    }
}
