//! The account's conversations, in memory and bounded.
//!
//! Turns count from 1 and a conversation starts as turn 0, so `parentIdx` (the turn that a new one
//! follows) equals the number of turns recorded: 0 for the first, 1 for the second. A turn is recorded
//! when it is accepted, and stays recorded when its answer breaks off.

use std::collections::HashMap;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::Mutex;

use serde_json::Value;
use serde_json::json;

use crate::app::lock;
use crate::config::Limits;

/// One prompt and what was answered so far.
#[derive(Debug)]
pub(crate) struct Turn {
    pub(crate) prompt: Arc<str>,
    progress: Mutex<Progress>,
}

#[derive(Debug, Default)]
struct Progress {
    reply: String,
    complete: bool,
}

impl Turn {
    pub(crate) fn append(&self, text: &str) {
        lock(&self.progress).reply.push_str(text);
    }

    pub(crate) fn complete(&self) {
        lock(&self.progress).complete = true;
    }

    pub(crate) fn reply(&self) -> String {
        lock(&self.progress).reply.clone()
    }

    fn view(&self, index: usize) -> Value {
        let progress = lock(&self.progress);
        json!({
            "idx": index + 1,
            "prompt": { "text": &*self.prompt },
            "reply": progress.reply,
            "complete": progress.complete,
        })
    }
}

/// Why a turn was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// No such conversation.
    Unknown,
    /// `parentIdx` is not the number of turns recorded.
    Parent { expected: usize },
    /// The conversation has as many turns as it may.
    Full,
}

#[derive(Debug)]
struct Conversation {
    title: String,
    model: String,
    turns: Vec<Arc<Turn>>,
}

impl Conversation {
    fn bytes(&self) -> usize {
        self.turns.iter().map(|turn| turn.prompt.len()).sum()
    }
}

/// All conversations, and the order in which they were made.
#[derive(Debug)]
pub(crate) struct Conversations {
    by_id: HashMap<String, Conversation>,
    oldest_first: VecDeque<String>,
    bytes: usize,
    limits: Limits,
}

impl Conversations {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { by_id: HashMap::new(), oldest_first: VecDeque::new(), bytes: 0, limits }
    }

    /// Makes an empty conversation with a title taken from its first prompt.
    pub(crate) fn create(&mut self, prompt: &str, model: &str) -> String {
        let id = hex::encode(rand::random::<[u8; 12]>());
        let title: String =
            prompt.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(60).collect();
        let title = if title.is_empty() { "Untitled".to_owned() } else { title };
        self.by_id.insert(id.clone(), Conversation { title, model: model.to_owned(), turns: Vec::new() });
        self.oldest_first.push_back(id.clone());
        self.forget_oldest();
        id
    }

    /// Whether a turn would be accepted.
    pub(crate) fn check(&self, id: &str, parent: Option<u64>) -> Result<(), Refusal> {
        let expected = self.by_id.get(id).ok_or(Refusal::Unknown)?.turns.len();
        if parent.is_some_and(|parent| parent != expected as u64) {
            return Err(Refusal::Parent { expected });
        }
        if expected >= self.limits.turns { Err(Refusal::Full) } else { Ok(()) }
    }

    /// Records a turn of a conversation.
    pub(crate) fn accept(
        &mut self,
        id: &str,
        parent: Option<u64>,
        prompt: &Arc<str>,
    ) -> Result<Arc<Turn>, Refusal> {
        self.check(id, parent)?;
        let turn = Arc::new(Turn { prompt: Arc::clone(prompt), progress: Mutex::default() });
        self.by_id.get_mut(id).ok_or(Refusal::Unknown)?.turns.push(Arc::clone(&turn));
        self.bytes += prompt.len();
        self.forget_oldest();
        Ok(turn)
    }

    pub(crate) fn contains(&self, id: &str) -> bool {
        self.by_id.contains_key(id)
    }

    /// The turns so far, for a model server that wants the history.
    pub(crate) fn turns(&self, id: &str) -> Vec<Arc<Turn>> {
        self.by_id.get(id).map_or_else(Vec::new, |conversation| conversation.turns.clone())
    }

    pub(crate) fn view(&self, id: &str) -> Option<Value> {
        let Conversation { title, model, turns } = self.by_id.get(id)?;
        let turns: Vec<_> = turns.iter().enumerate().map(|(index, turn)| turn.view(index)).collect();
        Some(json!({ "id": id, "title": title, "model": model, "turns": turns }))
    }

    /// One page of the list, newest first; pages count from 1.
    pub(crate) fn list(&self, page: usize, size: usize) -> Value {
        let skip = page.saturating_sub(1).saturating_mul(size);
        let shown = self.oldest_first.iter().rev().skip(skip).take(size).filter_map(|id| {
            let Conversation { title, model, turns } = self.by_id.get(id)?;
            Some(json!({ "id": id, "title": title, "model": model, "turnCount": turns.len() }))
        });
        let shown: Vec<_> = shown.collect();
        json!({ "conversations": shown, "page": page, "pageSize": size, "total": self.by_id.len() })
    }

    pub(crate) fn delete(&mut self, id: &str) -> bool {
        let Some(gone) = self.by_id.remove(id) else { return false };
        self.bytes -= gone.bytes();
        self.oldest_first.retain(|kept| kept != id);
        true
    }

    // Never the newest: that is the one somebody is using.
    fn forget_oldest(&mut self) {
        while self.oldest_first.len() > 1
            && (self.oldest_first.len() > self.limits.conversations || self.bytes > self.limits.text_bytes)
        {
            let oldest = self.oldest_first.pop_front();
            let gone = oldest.and_then(|id| self.by_id.remove(&id));
            self.bytes -= gone.map_or(0, |conversation| conversation.bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small() -> Conversations {
        Conversations::new(Limits { conversations: 2, turns: 2, text_bytes: 10, ..Limits::default() })
    }

    #[test]
    fn a_turn_must_follow_the_last_one_recorded() {
        let mut all = small();
        let (id, text) = (all.create("hello", "m"), Arc::from("hi"));
        assert_eq!(all.accept(&id, Some(1), &text).unwrap_err(), Refusal::Parent { expected: 0 });
        assert!(all.accept(&id, Some(0), &text).is_ok());
        assert_eq!(all.accept(&id, Some(0), &text).unwrap_err(), Refusal::Parent { expected: 1 });
        assert!(all.accept(&id, None, &text).is_ok());
        assert_eq!(all.accept(&id, Some(2), &text).unwrap_err(), Refusal::Full);
        assert_eq!(all.accept("none", None, &text).unwrap_err(), Refusal::Unknown);
    }

    #[test]
    fn past_a_bound_the_oldest_is_forgotten() {
        let mut all = small();
        let ids = [all.create("a", "m"), all.create("b", "m"), all.create("c", "m")];
        assert!(!all.contains(&ids[0]));
        all.accept(&ids[1], Some(0), &Arc::from("123456")).unwrap();
        all.accept(&ids[2], Some(0), &Arc::from("123456")).unwrap();
        assert!(!all.contains(&ids[1]) && all.contains(&ids[2]));
        assert_eq!(all.bytes, 6);
        assert!(all.delete(&ids[2]) && !all.delete(&ids[2]));
        assert_eq!(all.bytes, 0);
    }
}
