//! Token counts. Chat sites tell none, so these are estimates, and documented as such (docs/USAGE.md).

mod estimate;
mod exact;

pub(crate) use estimate::{Meter, tokens};
pub(crate) use exact::exact;

/// How the tokens of prompts are counted. Answers are counted while they stream, by estimate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Tokenizer {
    /// By classes of bytes: no tables, a nanosecond a byte.
    Estimate,
    /// By tiktoken's `o200k_base`.
    Tiktoken,
}

impl Tokenizer {
    /// How many tokens a prompt is.
    pub(crate) async fn count(self, text: &str) -> u64 {
        match self {
            Self::Estimate => tokens(text),
            Self::Tiktoken => exact(text.to_owned()).await,
        }
    }
}

/// What an answer cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Usage {
    /// Tokens of the whole conversation, posted now or before.
    pub prompt: u64,
    /// Tokens of answer and reasoning.
    pub completion: u64,
}

impl Usage {
    /// Of both.
    pub(crate) fn total(self) -> u64 {
        self.prompt + self.completion
    }
}
