//! Permits that a test gives out one by one: words of `practice-gate`, and responses held back.

use std::collections::HashMap;

use tokio::sync::watch;

/// A pool of permits; some may be meant for one conversation alone.
/// A waiter takes its own conversation's first, then the common ones. Permits given early are kept.
#[derive(Debug)]
pub(crate) struct Gate {
    pools: watch::Sender<Pools>,
}

#[derive(Debug, Default)]
struct Pools {
    common: u64,
    // At most `MOST`; past it, what was given to single conversations is forgotten.
    of: HashMap<String, u64>,
}

impl Pools {
    fn take(&mut self, conversation: &str) -> bool {
        let pool = match self.of.get_mut(conversation) {
            Some(own) if *own > 0 => own,
            _ => &mut self.common,
        };
        let taken = *pool > 0;
        *pool -= u64::from(taken);
        taken
    }
}

impl Gate {
    const MOST: usize = 4_096;

    pub(crate) fn new() -> Self {
        Self { pools: watch::Sender::new(Pools::default()) }
    }

    /// Gives `count` permits to whoever waits, or to the waiters of one conversation.
    pub(crate) fn release(&self, count: u64, conversation: Option<&str>) {
        self.pools.send_modify(|pools| {
            let pool = match conversation {
                Some(id) => {
                    pools.of.retain(|_, left| *left > 0);
                    if pools.of.len() >= Self::MOST {
                        pools.of.clear();
                    }
                    pools.of.entry(id.to_owned()).or_default()
                }
                None => &mut pools.common,
            };
            *pool = pool.saturating_add(count);
        });
    }

    /// Forgets what was given to a conversation that is gone.
    pub(crate) fn forget(&self, conversation: &str) {
        self.pools.send_if_modified(|pools| pools.of.remove(conversation).is_some());
    }

    /// Waits for a permit and uses it up. Dropping the future uses none up.
    pub(crate) async fn pass(&self, conversation: &str) {
        let mut changes = self.pools.subscribe();
        loop {
            let mut passed = false;
            self.pools.send_if_modified(|pools| {
                passed = pools.take(conversation);
                // Fewer permits are no news to the others who wait.
                false
            });
            // The sender lives in `self`, so the channel cannot have closed.
            if passed || changes.changed().await.is_err() {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn permits_given_early_are_kept_and_those_of_another_conversation_are_not_taken() {
        let gate = Gate::new();
        gate.release(1, Some("a"));
        assert!(gate.pass("b").now_or_never().is_none());
        assert!(gate.pass("a").now_or_never().is_some());
        gate.release(u64::MAX, None);
        gate.release(u64::MAX, None);
        assert!(gate.pass("a").now_or_never().is_some());
        assert!(gate.pass("b").now_or_never().is_some());
    }
}
