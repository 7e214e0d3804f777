//! The requests that are sent, and the models of the fake page that answer them.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};

use crate::connection::Ask;

/// What the fake page (and the stand-in) does for a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Script {
    /// The model's public name.
    pub(crate) model: &'static str,
    /// How many deltas.
    pub(crate) deltas: usize,
    /// Time before each delta; zero sends them at once.
    pub(crate) gap: Duration,
    /// Whether the answer ends. One that does not waits to be cancelled.
    pub(crate) ends: bool,
}

/// One delta, at once.
pub(crate) const PLAIN: Script = Script { model: "bench-plain", deltas: 1, gap: Duration::ZERO, ends: true };
/// Twenty deltas, at once.
pub(crate) const TWENTY: Script = Script { model: "bench-20", deltas: 20, ..PLAIN };
/// Two hundred deltas, at once.
pub(crate) const TWO_HUNDRED: Script = Script { model: "bench-200", deltas: 200, ..PLAIN };
/// Twenty deltas, ten milliseconds apart.
pub(crate) const PACED: Script = Script { model: "bench-20-paced", gap: Duration::from_millis(10), ..TWENTY };
/// One delta, then nothing.
pub(crate) const STALL: Script = Script { model: "bench-stall", ends: false, ..PLAIN };

/// All of them.
pub(crate) const SCRIPTS: [Script; 5] = [PLAIN, TWENTY, TWO_HUNDRED, PACED, STALL];

impl Script {
    /// The script of a model.
    pub(crate) fn of(model: &str) -> Option<Self> {
        SCRIPTS.into_iter().find(|script| script.model == model)
    }
}

/// A dialect of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Dialect {
    /// `POST /v1/chat/completions`.
    OpenAi,
    /// `POST /api/chat`.
    Ollama,
}

/// How long the conversation is that travels with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum History {
    /// One short question.
    Short,
    /// About 100 kB of earlier turns.
    Long,
}

/// The request for an answer of `script`.
pub(crate) fn ask(dialect: Dialect, script: Script, streamed: bool, history: History) -> Ask {
    ask_model(dialect, script.model, script.deltas, streamed, history)
}

/// The request for an answer of `model` with so many marked deltas.
pub(crate) fn ask_model(
    dialect: Dialect,
    model: &str,
    deltas: usize,
    streamed: bool,
    history: History,
) -> Ask {
    let body = json!({ "model": model, "stream": streamed, "messages": messages(history) });
    let (path, end) = match (dialect, streamed) {
        (Dialect::OpenAi, true) => ("/v1/chat/completions", "data: [DONE]"),
        (Dialect::OpenAi, false) => ("/v1/chat/completions", "\"finish_reason\":\"stop\""),
        (Dialect::Ollama, _) => ("/api/chat", "\"done\":true"),
    };
    Ask { path, body: Bytes::from(body.to_string()), deltas, end }
}

fn messages(history: History) -> Vec<Value> {
    let mut messages = vec![json!({ "role": "system", "content": "Answer in one sentence." })];
    if history == History::Long {
        let text = "What was said before, at some length. ".repeat(66);
        for turn in 0..40 {
            let role = if turn % 2 == 0 { "user" } else { "assistant" };
            messages.push(json!({ "role": role, "content": text }));
        }
    }
    messages.push(json!({ "role": "user", "content": "How fast are you?" }));
    messages
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_history_is_about_100_kb() {
        let long = ask(Dialect::OpenAi, PLAIN, false, History::Long);
        assert!((100_000..110_000).contains(&long.body.len()), "{}", long.body.len());
    }

    #[test]
    fn every_script_is_found_by_its_model() {
        for script in SCRIPTS {
            assert_eq!(Script::of(script.model), Some(script));
        }
        assert_eq!(Script::of("gpt-4o"), None);
    }
}
