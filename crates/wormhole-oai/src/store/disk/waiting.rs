//! What was put or removed and is not in the file yet: the newest change of each key.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::Stamp;

/// What became of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    /// The shelf's number.
    pub(super) kind: u8,
    /// When.
    pub(super) stamp: Stamp,
    /// What was put; none where it was removed.
    pub(super) value: Option<Vec<u8>>,
}

/// Changes by key, in the order in which a tree takes them best.
pub(super) type Changes = BTreeMap<String, Change>;

/// Changes that wait, and those that are being written. They are read in the place of what the file holds.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    new: Changes,
    writing: Arc<Changes>,
    bytes: u64,
}

impl Waiting {
    /// The change of this key that the file does not hold yet.
    pub(super) fn find(&self, key: &str) -> Option<&Change> {
        self.new.get(key).or_else(|| self.writing.get(key))
    }

    /// A change, in the place of an earlier one.
    pub(super) fn add(&mut self, key: String, change: Change) {
        self.bytes += size(&key, &change);
        // The key that stays is equal to the one that goes.
        let length = key.len() as u64;
        if let Some(before) = self.new.insert(key, change) {
            self.bytes -= length + before.value.map_or(0, |value| value.len() as u64);
        }
    }

    /// Keys and values that wait, without those that are being written.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.new.is_empty()
    }

    /// Takes all that waits, to be written by the caller, who then tells whether it was.
    pub(super) fn begin(&mut self) -> Arc<Changes> {
        self.bytes = 0;
        self.writing = Arc::new(std::mem::take(&mut self.new));
        self.writing.clone()
    }

    /// It is in the file.
    pub(super) fn written(&mut self) {
        self.writing = Arc::default();
    }

    /// It is not, and waits again, but for what has changed since.
    pub(super) fn not_written(&mut self) {
        let newer = std::mem::take(&mut self.new);
        self.new = Arc::unwrap_or_clone(std::mem::take(&mut self.writing));
        self.new.extend(newer);
        self.bytes = self.new.iter().map(|(key, change)| size(key, change)).sum();
    }
}

fn size(key: &str, change: &Change) -> u64 {
    (key.len() + change.value.as_ref().map_or(0, Vec::len)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(value: &str) -> Change {
        Change { kind: 1, stamp: 1, value: Some(value.as_bytes().to_vec()) }
    }

    fn value<'a>(waiting: &'a Waiting, key: &str) -> Option<&'a [u8]> {
        waiting.find(key)?.value.as_deref()
    }

    #[test]
    fn the_newest_change_of_a_key_counts() {
        let mut waiting = Waiting::default();
        waiting.add("a".to_owned(), change("long"));
        waiting.add("a".to_owned(), change("x"));
        waiting.add("b".to_owned(), Change { value: None, ..change("") });
        assert_eq!((value(&waiting, "a"), waiting.bytes()), (Some(&b"x"[..]), 3));
        assert_eq!(waiting.find("b").map(|change| change.value.is_none()), Some(true));
        assert_eq!(waiting.find("c"), None);
    }

    #[test]
    fn what_is_being_written_is_found_until_it_is_in_the_file() {
        let mut waiting = Waiting::default();
        waiting.add("a".to_owned(), change("1"));
        let changes = waiting.begin();
        waiting.add("b".to_owned(), change("2"));
        assert_eq!((changes.len(), waiting.bytes()), (1, 2));
        assert!(value(&waiting, "a").is_some() && value(&waiting, "b").is_some());
        waiting.written();
        assert!(value(&waiting, "a").is_none() && value(&waiting, "b").is_some());
    }

    #[test]
    fn what_could_not_be_written_waits_again_behind_what_came_since() {
        let mut waiting = Waiting::default();
        waiting.add("a".to_owned(), change("old"));
        waiting.add("b".to_owned(), change("b"));
        drop(waiting.begin());
        waiting.add("a".to_owned(), change("new"));
        waiting.not_written();
        assert_eq!((value(&waiting, "a"), value(&waiting, "b")), (Some(&b"new"[..]), Some(&b"b"[..])));
        assert_eq!((waiting.bytes(), waiting.begin().len()), (6, 2));
    }
}
