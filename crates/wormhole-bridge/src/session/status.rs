//! What an operator is shown of the session.

use std::{collections::VecDeque, time::SystemTime};

use wormhole_protocol::PageState;

/// How many changes are remembered; the oldest one goes when another comes.
const CHANGES: usize = 50;

/// How the session is, since when and why, and how it came to that.
#[derive(Debug, Clone)]
pub(crate) struct Status {
    /// The site profile's name.
    pub(crate) site: String,
    /// The account.
    pub(crate) account: String,
    /// The state.
    pub(crate) state: PageState,
    /// Why, for people; empty when there is nothing to say.
    pub(crate) detail: String,
    /// When the state, not only the reason, changed last.
    pub(crate) since: SystemTime,
    /// An operator keeps the page for themselves.
    pub(crate) paused: bool,
    /// Whether the hub is joined; if not, why.
    pub(crate) hub: Result<(), String>,
    /// How many models the site offers.
    pub(crate) models: usize,
    /// The last changes, the newest first.
    pub(crate) changes: VecDeque<Change>,
}

/// One change of the session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    /// When.
    pub(crate) at: SystemTime,
    /// To what.
    pub(crate) state: PageState,
    /// Why.
    pub(crate) detail: String,
}

impl Status {
    pub(super) fn new(site: &str, account: &str) -> Self {
        Self {
            site: site.to_owned(),
            account: account.to_owned(),
            state: PageState::Starting,
            detail: String::new(),
            since: SystemTime::now(),
            paused: false,
            hub: Err("not joined yet".to_owned()),
            models: 0,
            changes: VecDeque::new(),
        }
    }

    pub(super) fn changed(&mut self, state: PageState, detail: &str) {
        let at = SystemTime::now();
        if self.state != state {
            self.since = at;
        }
        self.state = state;
        detail.clone_into(&mut self.detail);
        self.changes.truncate(CHANGES - 1);
        self.changes.push_front(Change { at, state, detail: detail.to_owned() });
    }

    /// Whether a person may work in the page: not while turns are being posted there, nor while somebody logs in.
    pub(crate) fn may_work(&self) -> bool {
        use PageState::{BrowserDown, Draining, LoggingIn, Ready};
        self.paused || !matches!(self.state, Ready | LoggingIn | Draining | BrowserDown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_changes_are_kept_and_a_new_reason_is_no_new_state() {
        let mut status = Status::new("site", "me");
        for _ in 0..60 {
            status.changed(PageState::Ready, "");
        }
        status.changed(PageState::Blocked, "one reason");
        let since = status.since;
        status.changed(PageState::Blocked, "another");
        assert_eq!((status.changes.len(), status.since), (CHANGES, since));
        assert_eq!(status.changes[0].detail, "another");
        assert!(status.may_work());
    }
}
