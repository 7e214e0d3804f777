//! What goes wrong in a turn, as the hub is told: which code, and whether the site has the message.

use wormhole_protocol::{Failure, FailureCode, Posted};

use super::Desk;
use crate::{
    calls::{CallError, CallName, quotable},
    diagnostics::SITE_CHANGED,
    site::Fault,
    tab::TabError,
};

/// Where a rate limit that names no time leaves us.
const DEFAULT_REST_MS: u64 = 30_000;

/// Translates failures of one turn.
pub(super) struct Fails<'a> {
    pub(super) desk: &'a Desk,
    /// The session that the turn was posted in.
    pub(super) epoch: u64,
    /// The message: the site's words must not quote it.
    pub(super) text: &'a str,
}

impl Fails<'_> {
    /// A call failed while `posted` was all that was known. An answer that refuses tells more: not posted.
    pub(super) fn call(&self, error: CallError, name: CallName, posted: Posted) -> Failure {
        match error {
            CallError::LoggedOut => {
                // First the state, then the failure: the hub keeps the turn until the page is ready again.
                self.desk.session.expire(self.epoch);
                Failure::not_posted(FailureCode::LoginRequired, "the site has ended the session")
            }
            CallError::RateLimited(rest) => {
                let millis =
                    rest.map_or(DEFAULT_REST_MS, |rest| u64::try_from(rest.as_millis()).unwrap_or(u64::MAX));
                Failure::not_posted(FailureCode::RateLimited, "the site's rate limit is reached")
                    .retry_after_ms(millis)
            }
            CallError::Status { status, words } => self.status(status, &words, name, posted),
            CallError::Fault(fault) => of_fault(&fault, posted),
            CallError::Tab(error) => of_tab(&error, posted),
        }
    }

    fn status(&self, status: u16, words: &str, name: CallName, posted: Posted) -> Failure {
        let words = quotable(words, self.text).map(|words| format!(": {words}")).unwrap_or_default();
        let said = |what: &str| format!("{what} (call {}, status {status}){words}", name.as_str());
        match status {
            // A conflict: the thread has gone on without us, for one because a person wrote in it.
            404 | 409 | 410 if name == CallName::Turn => Failure::not_posted(
                FailureCode::ConversationUnknown,
                said("the site has no such conversation to go on in"),
            ),
            // Without the site's words: these go to the diagnostics.
            404 | 405 | 410 => Failure::not_posted(
                FailureCode::SiteChanged,
                format!(
                    "{SITE_CHANGED}call {}: the site has no such call any more (status {status})",
                    name.as_str()
                ),
            ),
            408 | 425 => {
                Failure::not_posted(FailureCode::SiteError, said("the site gave up")).with_status(status)
            }
            400..500 => Failure::not_posted(FailureCode::Refused, said("the site refused the message"))
                .with_status(status),
            _ => Failure::new(FailureCode::SiteError, posted, said("the site failed")).with_status(status),
        }
    }
}

/// The tab failed after the site had taken the message.
pub(super) fn after_accepted(error: &TabError) -> Failure {
    match error {
        TabError::Interrupted(_) | TabError::Aborted => Failure::new(
            FailureCode::Truncated,
            Posted::Yes,
            "the answer broke off before the site said that it is whole",
        ),
        TabError::Timeout(_) => Failure::new(FailureCode::Stalled, Posted::Yes, error.to_string()),
        _ => Failure::new(FailureCode::PageLost, Posted::Yes, format!("the page was lost: {error}")),
    }
}

/// An answer that went wrong after the site had taken the message, whose text is `posted`.
pub(super) fn after_accepted_fault(fault: Fault, posted: &str) -> Failure {
    match fault {
        Fault::Site { words } => of_words(&words, posted, Posted::Yes),
        fault => of_fault(&fault, Posted::Yes),
    }
}

/// The site says what went wrong in its own words, which must not quote the message.
pub(super) fn of_words(words: &str, text: &str, posted: Posted) -> Failure {
    let words = quotable(words, text).unwrap_or_else(|| "no further words".to_owned());
    Failure::new(FailureCode::SiteError, posted, format!("the site broke its answer off: {words}"))
}

/// An answer that cannot be used.
pub(super) fn of_fault(fault: &Fault, posted: Posted) -> Failure {
    let code = match fault {
        Fault::Changed { .. } | Fault::Missing { .. } => FailureCode::SiteChanged,
        Fault::Site { .. } => FailureCode::SiteError,
        Fault::TooLarge => FailureCode::TooLarge,
        Fault::Truncated | Fault::Rewritten => FailureCode::Truncated,
    };
    Failure::new(code, posted, fault.to_string())
}

fn of_tab(error: &TabError, posted: Posted) -> Failure {
    match error {
        // The browser's own words name hosts and ports at most; they stay here all the same.
        TabError::Interrupted(_) => {
            Failure::new(FailureCode::SiteError, posted, "the page could not reach the site")
        }
        TabError::Timeout(what) => {
            Failure::new(FailureCode::Stalled, posted, format!("time ran out waiting for {what}"))
        }
        // The script was not there, so it made no request.
        TabError::NotAllowed => Failure::not_posted(FailureCode::PageLost, error.to_string()),
        _ => Failure::new(FailureCode::PageLost, posted, format!("the page was lost: {error}")),
    }
}

#[cfg(test)]
mod tests;
