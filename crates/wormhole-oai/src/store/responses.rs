//! Responses in the store, beside everything else that is remembered.

use std::sync::Arc;

use tracing::warn;

use super::{Shelf, Store};
use crate::responses_store::{ResponsesStore, StoredResponse};

/// Keeps responses in a store.
#[derive(Debug)]
pub(crate) struct KeptResponses(pub Arc<dyn Store>);

impl ResponsesStore for KeptResponses {
    fn get(&self, caller: &str, id: &str) -> Option<StoredResponse> {
        let found = self.0.get(Shelf::Responses, caller, id).unwrap_or_else(|error| {
            warn!(%error, "cannot look up a response");
            None
        });
        serde_json::from_slice(&found?).ok()
    }

    fn put(&self, caller: &str, id: &str, stored: StoredResponse) {
        let value = serde_json::to_vec(&stored).expect("a response has string keys");
        if let Err(error) = self.0.put(Shelf::Responses, caller, id, &value) {
            warn!(%error, "cannot keep a response");
        }
    }

    fn delete(&self, caller: &str, id: &str) -> bool {
        self.0.remove(Shelf::Responses, caller, id).unwrap_or_else(|error| {
            warn!(%error, "cannot forget a response");
            false
        })
    }
}

#[cfg(test)]
impl KeptResponses {
    /// Until the test ends.
    pub(crate) fn in_memory() -> Self {
        let bounds = super::Bounds { age: std::time::Duration::from_hours(1), bytes: 1 << 20 };
        Self(Arc::new(super::MemoryStore::new(bounds)))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::responses_store::tests::check_store;
    use crate::store::{Bounds, DiskStore};

    #[test]
    fn both_stores_keep_responses_for_each_caller() {
        let bounds = Bounds { age: Duration::from_hours(1), bytes: 1 << 20 };
        check_store(&KeptResponses::in_memory());
        let folder = tempfile::tempdir().unwrap();
        check_store(&KeptResponses(Arc::new(DiskStore::open(folder.path(), bounds).unwrap())));
    }
}
