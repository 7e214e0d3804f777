//! Kept until the process ends.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::{Bounds, Clock, Kept, Shelf, Stamp, Store, StoreError, key, millis, now, scope_and_id};

/// The store that forgets everything with the process.
#[derive(Debug)]
pub(crate) struct MemoryStore {
    bounds: Bounds,
    clock: Clock,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    values: BTreeMap<String, (Stamp, Vec<u8>)>,
    order: BTreeSet<(u8, Stamp, String)>,
    bytes: u64,
}

impl MemoryStore {
    /// An empty one.
    pub(crate) fn new(bounds: Bounds) -> Self {
        Self::with_clock(bounds, Clock(now))
    }

    /// With a time of its own.
    pub(super) fn with_clock(bounds: Bounds, clock: Clock) -> Self {
        Self { bounds, clock, inner: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn oldest_kept(&self) -> Stamp {
        (self.clock.0)().saturating_sub(millis(self.bounds.age))
    }
}

impl Inner {
    fn take(&mut self, kind: u8, key: &str) -> bool {
        let Some((stamp, value)) = self.values.remove(key) else { return false };
        self.order.remove(&(kind, stamp, key.to_owned()));
        self.bytes -= (key.len() + value.len()) as u64;
        true
    }

    /// The oldest of each shelf, and of these the oldest.
    fn oldest(&self) -> Option<(u8, Stamp, String)> {
        let first = |kind: Shelf| {
            let from = (kind.number(), 0, String::new());
            self.order.range(from..).next().filter(|(number, ..)| *number == kind.number()).cloned()
        };
        Shelf::ALL.into_iter().filter_map(first).min_by_key(|(_, stamp, _)| *stamp)
    }
}

impl Store for MemoryStore {
    fn get(&self, kind: Shelf, scope: &str, id: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let oldest = self.oldest_kept();
        let inner = self.lock();
        let found = inner.values.get(&key(kind, scope, id)).filter(|(stamp, _)| *stamp >= oldest);
        Ok(found.map(|(_, value)| value.clone()))
    }

    fn put(&self, kind: Shelf, scope: &str, id: &str, value: &[u8]) -> Result<(), StoreError> {
        let (key, stamp) = (key(kind, scope, id), (self.clock.0)());
        let mut inner = self.lock();
        inner.take(kind.number(), &key);
        inner.bytes += (key.len() + value.len()) as u64;
        inner.order.insert((kind.number(), stamp, key.clone()));
        inner.values.insert(key, (stamp, value.to_vec()));
        while inner.bytes > self.bounds.bytes {
            let Some((number, _, key)) = inner.oldest() else { break };
            inner.take(number, &key);
        }
        Ok(())
    }

    fn remove(&self, kind: Shelf, scope: &str, id: &str) -> Result<bool, StoreError> {
        Ok(self.lock().take(kind.number(), &key(kind, scope, id)))
    }

    fn older(&self, kind: Shelf, before: Stamp, most: usize) -> Result<Vec<Kept>, StoreError> {
        let inner = self.lock();
        let range = (kind.number(), 0, String::new())..(kind.number(), before, String::new());
        let kept = |(_, _, key): &(u8, Stamp, String)| {
            let (scope, id) = scope_and_id(key)?;
            let (_, value) = inner.values.get(key)?;
            Some(Kept { scope: scope.to_owned(), id: id.to_owned(), value: value.clone() })
        };
        Ok(inner.order.range(range).filter_map(kept).take(most).collect())
    }

    fn tidy(&self) -> Result<(), StoreError> {
        let oldest = self.oldest_kept();
        let mut inner = self.lock();
        while let Some((number, stamp, key)) = inner.oldest()
            && stamp < oldest
        {
            inner.take(number, &key);
        }
        Ok(())
    }

    fn flush(&self) -> Result<(), StoreError> {
        Ok(())
    }

    fn presses(&self) -> Arc<Notify> {
        // Nothing waits here.
        Arc::default()
    }
}
