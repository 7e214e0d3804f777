//! What a new browser must know of the ones before it.

use std::time::Duration;

use super::{Credentials, strikes::Strikes};

/// What outlives a browser: a restart, the operator's or a crash's, is no new chance for a password that was refused.
#[derive(Debug)]
pub(crate) struct Past {
    /// Sessions that did not last.
    pub(super) strikes: Strikes,
    refused: Option<Refusal>,
}

/// The site has seen these credentials and let nobody in.
#[derive(Debug, Clone)]
pub(super) struct Refusal {
    /// Of the credentials that were refused.
    pub(super) mark: u64,
    /// In words, for people.
    pub(super) why: String,
}

impl Past {
    /// None yet. A session is short when it lasts less than `short`.
    pub(super) fn new(short: Duration) -> Self {
        Self { strikes: Strikes::new(short), refused: None }
    }

    /// The site has refused these credentials.
    pub(super) fn refuse(&mut self, credentials: &Credentials, why: String) -> Refusal {
        let refusal = Refusal { mark: credentials.mark(), why };
        self.refused = Some(refusal.clone());
        refusal
    }

    /// These very credentials were refused.
    pub(super) fn refusal(&self, credentials: &Credentials) -> Option<Refusal> {
        let mark = credentials.mark();
        self.refused.clone().filter(|refusal| refusal.mark == mark)
    }

    /// A person asked for another try, or a login went through.
    pub(super) fn forget_refusal(&mut self) {
        self.refused = None;
    }
}
