//! Responses that may be continued or read later.

use std::fmt::Debug;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What is kept of a response.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct StoredResponse {
    /// The whole conversation as items, up to and with its output, but without instructions: those belong to one
    /// response alone.
    pub items: Vec<Value>,
    /// The response object, as it was sent.
    pub response: Value,
}

/// Where responses are kept, each for the caller that made it: another caller's is as good as none.
///
/// What has been put is there for the next `get`. Calls are made where others wait: at most a short local read or write.
pub(crate) trait ResponsesStore: Debug + Send + Sync {
    /// A response of this caller.
    fn get(&self, caller: &str, id: &str) -> Option<StoredResponse>;
    /// Keeps one. The store is bounded: the oldest go first.
    fn put(&self, caller: &str, id: &str, stored: StoredResponse);
    /// Forgets one, and says whether it was there.
    fn delete(&self, caller: &str, id: &str) -> bool;
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::json;

    use super::*;

    fn stored(text: &str) -> StoredResponse {
        StoredResponse { items: vec![json!(text)], response: json!({"id": text}) }
    }

    /// What every store does.
    pub(crate) fn check_store(store: &dyn ResponsesStore) {
        assert_eq!(store.get("alice", "r1"), None);
        store.put("alice", "r1", stored("one"));
        assert_eq!(store.get("alice", "r1"), Some(stored("one")));
        assert_eq!(store.get("bob", "r1"), None, "another caller's");
        assert!(!store.delete("bob", "r1"));
        store.put("alice", "r1", stored("two"));
        assert_eq!(store.get("alice", "r1"), Some(stored("two")));
        assert!(store.delete("alice", "r1"));
        assert!(!store.delete("alice", "r1"));
        assert_eq!(store.get("alice", "r1"), None);
    }
}
