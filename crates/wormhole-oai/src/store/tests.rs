//! One suite, run by both stores.

use std::cell::Cell;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use super::*;

thread_local! {
    static TIME: Cell<Stamp> = const { Cell::new(0) };
}

const CLOCK: Clock = Clock(|| TIME.get());
const BOUNDS: Bounds = Bounds { age: Duration::from_millis(100), bytes: 100 };

fn at(time: Stamp) {
    TIME.set(time);
}

fn with_both(check: impl Fn(&dyn Store)) {
    at(1000);
    check(&MemoryStore::with_clock(BOUNDS, CLOCK));
    at(1000);
    let folder = tempfile::tempdir().unwrap();
    check(&DiskStore::with_clock(folder.path(), BOUNDS, CLOCK).unwrap());
}

fn ids(kept: &[Kept]) -> Vec<&str> {
    kept.iter().map(|kept| kept.id.as_str()).collect()
}

#[test]
fn what_is_put_is_there_until_it_is_removed() {
    with_both(|store| {
        assert_eq!(store.get(Shelf::Prefixes, "a", "x").unwrap(), None);
        store.put(Shelf::Prefixes, "a", "x", b"1").unwrap();
        store.put(Shelf::Prefixes, "a", "x", b"2").unwrap();
        assert_eq!(store.get(Shelf::Prefixes, "a", "x").unwrap().unwrap(), b"2");
        assert!(store.remove(Shelf::Prefixes, "a", "x").unwrap());
        assert!(!store.remove(Shelf::Prefixes, "a", "x").unwrap());
        assert_eq!(store.get(Shelf::Prefixes, "a", "x").unwrap(), None);
    });
}

#[test]
fn scopes_and_shelves_are_apart() {
    with_both(|store| {
        store.put(Shelf::Prefixes, "a", "x", b"1").unwrap();
        assert_eq!(store.get(Shelf::Prefixes, "b", "x").unwrap(), None);
        assert_eq!(store.get(Shelf::Responses, "a", "x").unwrap(), None);
        assert!(!store.remove(Shelf::Prefixes, "b", "x").unwrap());
        assert!(store.older(Shelf::Responses, Stamp::MAX, 9).unwrap().is_empty());
    });
}

#[test]
fn what_is_too_old_is_gone() {
    with_both(|store| {
        store.put(Shelf::Responses, "a", "old", b"1").unwrap();
        at(1050);
        store.put(Shelf::Responses, "a", "new", b"2").unwrap();
        at(1101);
        assert_eq!(store.get(Shelf::Responses, "a", "old").unwrap(), None);
        assert!(store.get(Shelf::Responses, "a", "new").unwrap().is_some());
        store.tidy().unwrap();
        assert_eq!(ids(&store.older(Shelf::Responses, Stamp::MAX, 9).unwrap()), ["new"]);
    });
}

#[test]
fn over_the_size_the_oldest_goes_whatever_its_shelf() {
    with_both(|store| {
        let value = [0; 30];
        for (time, shelf, id) in [
            (1, Shelf::Responses, "first"),
            (2, Shelf::Prefixes, "second"),
            (3, Shelf::Conversations, "third"),
        ] {
            at(1000 + time);
            store.put(shelf, "a", id, &value).unwrap();
        }
        store.flush().unwrap();
        assert_eq!(store.get(Shelf::Responses, "a", "first").unwrap(), None);
        assert!(store.get(Shelf::Prefixes, "a", "second").unwrap().is_some());
        assert!(store.get(Shelf::Conversations, "a", "third").unwrap().is_some());
        // One that is larger than all there may be does not stay, and neither does anything else.
        store.put(Shelf::Prefixes, "a", "huge", &[0; 200]).unwrap();
        store.flush().unwrap();
        assert_eq!(store.get(Shelf::Prefixes, "a", "huge").unwrap(), None);
        store.put(Shelf::Prefixes, "a", "small", &value).unwrap();
        assert!(store.get(Shelf::Prefixes, "a", "small").unwrap().is_some());
    });
}

#[test]
fn older_lists_by_age_and_a_put_makes_young() {
    with_both(|store| {
        for (time, id) in [(1, "x"), (2, "y"), (3, "z"), (4, "x")] {
            at(1000 + time);
            store.put(Shelf::Conversations, "a", id, b"v").unwrap();
        }
        assert_eq!(ids(&store.older(Shelf::Conversations, Stamp::MAX, 9).unwrap()), ["y", "z", "x"]);
        assert_eq!(ids(&store.older(Shelf::Conversations, 1003, 9).unwrap()), ["y"]);
        let one = store.older(Shelf::Conversations, Stamp::MAX, 1).unwrap();
        assert_eq!(one, [Kept { scope: "a".to_owned(), id: "y".to_owned(), value: b"v".to_vec() }]);
    });
}

#[test]
fn the_disk_survives_a_restart_and_is_private() {
    at(1000);
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("deep/data");
    let open = || DiskStore::with_clock(&folder, BOUNDS, CLOCK);
    let store = open().unwrap();
    store.put(Shelf::Responses, "a", "x", b"1").unwrap();
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&folder), mode(&folder.join("wormhole-oai.redb"))), (0o700, 0o600));
    let second = open().unwrap_err().to_string();
    assert!(second.starts_with("WORMHOLE_DATA: ") && second.contains("another process"), "{second}");
    drop(store);
    assert_eq!(open().unwrap().get(Shelf::Responses, "a", "x").unwrap().unwrap(), b"1");
}

#[test]
fn a_broken_file_is_put_aside_and_a_folder_that_cannot_be_is_named() {
    at(1000);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("wormhole-oai.redb");
    std::fs::write(&file, "no database at all, but long enough to be taken for one ".repeat(200)).unwrap();
    let store = DiskStore::with_clock(folder.path(), BOUNDS, CLOCK).unwrap();
    store.put(Shelf::Responses, "a", "x", b"1").unwrap();
    assert!(folder.path().join("wormhole-oai.redb.broken").exists());
    let error = DiskStore::with_clock(&file, BOUNDS, CLOCK).unwrap_err().to_string();
    assert!(
        error.starts_with("WORMHOLE_DATA: cannot make ") && error.contains("WORMHOLE_STORE=memory"),
        "{error}"
    );
}
