//! Token counts. Chat sites tell none, so these are estimates, and documented as such.

/// An estimate of how many tokens `bytes` bytes of text are: a quarter, rounded up.
///
/// Four bytes a token is what English text comes to with today's tokenizers; code and other scripts need more.
pub(crate) fn tokens(bytes: usize) -> u64 {
    bytes.div_ceil(4) as u64
}

/// The most bytes that [`tokens`] counts as at most `tokens` tokens.
pub(crate) fn bytes(tokens: u64) -> usize {
    usize::try_from(tokens).unwrap_or(usize::MAX).saturating_mul(4)
}

/// What an answer cost, by estimate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Usage {
    /// Tokens of the posted text.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quarter_of_the_bytes_rounded_up() {
        assert_eq!([0, 1, 4, 5].map(tokens), [0, 1, 1, 2]);
        assert_eq!(tokens(bytes(7)), 7);
        assert_eq!(bytes(u64::MAX), usize::MAX);
    }
}
