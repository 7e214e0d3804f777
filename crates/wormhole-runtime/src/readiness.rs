//! Whether this process can do its work, and if not, why.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

/// Named conditions: met, or why not.
pub type Conditions = BTreeMap<&'static str, Result<(), String>>;

/// The conditions under which a service is ready. Cloning shares them.
#[derive(Debug, Clone)]
pub struct Readiness {
    conditions: Arc<watch::Sender<Conditions>>,
    notes: Arc<Mutex<BTreeMap<&'static str, String>>>,
}

impl Default for Readiness {
    fn default() -> Self {
        Self { conditions: Arc::new(watch::Sender::new(Conditions::new())), notes: Arc::default() }
    }
}

impl Readiness {
    /// No condition yet, so ready: set what must be waited for before the admin port answers.
    pub fn new() -> Self {
        Self::default()
    }

    /// Says how a condition is. The text is for people and for probes: short, lower case, no secret.
    pub fn set(&self, name: &'static str, state: Result<(), String>) {
        self.conditions.send_if_modified(|conditions| {
            if conditions.get(name) == Some(&state) {
                return false;
            }
            conditions.insert(name, state);
            true
        });
    }

    /// Every condition is met.
    pub fn is_ready(&self) -> bool {
        self.conditions.borrow().values().all(Result::is_ok)
    }

    /// One line for each condition that is not met: `name: why`.
    pub fn unmet(&self) -> Vec<String> {
        let conditions = self.conditions.borrow();
        conditions
            .iter()
            .filter_map(|(name, state)| state.as_ref().err().map(|why| format!("{name}: {why}")))
            .collect()
    }

    /// Says something that an operator should know and that keeps nobody from working; `None` takes it back.
    pub fn note(&self, name: &'static str, text: Option<String>) {
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        match text {
            Some(text) => notes.insert(name, text),
            None => notes.remove(name),
        };
    }

    /// One line for each note: `note: name: text`.
    pub fn notes(&self) -> Vec<String> {
        let notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        notes.iter().map(|(name, text)| format!("note: {name}: {text}")).collect()
    }

    /// Follows the conditions.
    pub fn subscribe(&self) -> watch::Receiver<Conditions> {
        self.conditions.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_when_every_condition_is_met() {
        let readiness = Readiness::new();
        assert!(readiness.is_ready());
        readiness.set("hub", Err("connecting".to_owned()));
        readiness.set("page", Ok(()));
        assert!(!readiness.is_ready());
        assert_eq!(readiness.unmet(), ["hub: connecting"]);
        readiness.set("hub", Ok(()));
        assert!(readiness.is_ready());
    }

    #[test]
    fn a_note_is_told_and_keeps_nobody_from_being_ready() {
        let readiness = Readiness::new();
        readiness.note("prompts", Some("broken".to_owned()));
        assert!(readiness.is_ready() && readiness.unmet().is_empty());
        assert_eq!(readiness.notes(), ["note: prompts: broken"]);
        readiness.note("prompts", None);
        assert!(readiness.notes().is_empty());
    }

    #[test]
    fn saying_the_same_again_wakes_nobody() {
        let readiness = Readiness::new();
        readiness.set("hub", Ok(()));
        let mut follower = readiness.subscribe();
        follower.mark_unchanged();
        readiness.set("hub", Ok(()));
        assert!(!follower.has_changed().unwrap());
        readiness.set("hub", Err("gone".to_owned()));
        assert!(follower.has_changed().unwrap());
    }
}
