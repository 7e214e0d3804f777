//! Which account a turn may go to.

use std::sync::atomic::{AtomicUsize, Ordering};

use wormhole_protocol::{AccountModels, Directory, PageState};

use crate::models::Target;

/// What a turn needs of an account.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    /// The model and perhaps the site.
    pub target: &'a Target,
    /// The accounts that the caller's key is bound to; all of them if empty.
    pub bound: &'a [String],
}

impl Wanted<'_> {
    /// The caller may use it.
    pub(super) fn allows(&self, account: &str) -> bool {
        self.bound.is_empty() || self.bound.iter().any(|bound| bound == account)
    }

    fn suits(&self, entry: &AccountModels) -> bool {
        let Self { target, .. } = self;
        let offers = entry.models.is_empty() || entry.models.iter().any(|model| model.name == target.model);
        let here = target.site.as_ref().is_none_or(|site| *site == entry.site);
        offers && here && self.allows(&entry.account)
    }

    /// An account could take it now, another than `account`.
    pub(super) fn other_than(&self, directory: &Directory, account: &str) -> bool {
        directory
            .accounts
            .iter()
            .any(|entry| entry.account != account && entry.state == PageState::Ready && self.suits(entry))
    }

    /// Where a new conversation is to begin: the hub decides, unless the key is bound. Of the accounts that it is bound
    /// to, one that could take it now, each in its turn; if none could, the hub says why of the first.
    pub(super) fn begin(&self, directory: &Directory, turn: &AtomicUsize) -> Option<String> {
        let first = self.bound.first()?;
        let entries = || directory.accounts.iter().filter(|entry| self.suits(entry));
        let ready: Vec<_> = entries().filter(|entry| entry.state == PageState::Ready).collect();
        let next = turn.fetch_add(1, Ordering::Relaxed).checked_rem(ready.len()).and_then(|at| ready.get(at));
        let chosen = next.copied().or_else(|| entries().next());
        Some(chosen.map_or_else(|| first.clone(), |entry| entry.account.clone()))
    }
}

/// The account can take turns now, as far as is known.
pub(super) fn is_ready(directory: &Directory, account: &str) -> bool {
    // Nothing is known before the hub has told.
    directory.accounts.is_empty()
        || directory.accounts.iter().any(|entry| entry.account == account && entry.state == PageState::Ready)
}

/// The site of an account, where only one has an account of this name.
pub(super) fn site_of(directory: &Directory, account: &str) -> Option<String> {
    let mut sites =
        directory.accounts.iter().filter(|entry| entry.account == account).map(|entry| &entry.site);
    let site = sites.next()?;
    sites.all(|other| other == site).then(|| site.clone())
}

#[cfg(test)]
mod tests {
    use wormhole_protocol::ModelInfo;

    use super::*;

    fn entry(account: &str, state: PageState, model: &str) -> AccountModels {
        let model = ModelInfo { name: model.to_owned(), label: None, provider: None, images: false };
        AccountModels {
            site: "s".to_owned(),
            account: account.to_owned(),
            state,
            detail: String::new(),
            models: vec![model],
        }
    }

    fn target() -> Target {
        Target { asked: "m".to_owned(), model: "m".to_owned(), site: None, instead: None, blind: false }
    }

    #[test]
    fn a_bound_key_begins_where_it_may_each_in_its_turn() {
        let accounts = vec![
            entry("a", PageState::Ready, "m"),
            entry("b", PageState::Ready, "m"),
            entry("c", PageState::Expired, "m"),
            entry("d", PageState::Ready, "other"),
        ];
        let directory = Directory { accounts };
        let begin = |bound: &[&str], turn: usize| {
            let bound: Vec<String> = bound.iter().map(ToString::to_string).collect();
            let target = target();
            Wanted { target: &target, bound: &bound }.begin(&directory, &AtomicUsize::new(turn))
        };
        assert_eq!(begin(&[], 0), None);
        assert_eq!(begin(&["a", "b", "d"], 0).as_deref(), Some("a"));
        assert_eq!(begin(&["a", "b", "d"], 1).as_deref(), Some("b"));
        assert_eq!(begin(&["b", "c"], 1).as_deref(), Some("b"));
        assert_eq!(begin(&["x", "c"], 0).as_deref(), Some("c"));
        assert_eq!(begin(&["x"], 0).as_deref(), Some("x"));
    }

    #[test]
    fn another_account_is_one_that_is_ready_allowed_and_has_the_model() {
        let target = target();
        let directory = |state, model: &str| Directory {
            accounts: vec![entry("a", PageState::Ready, "m"), entry("b", state, model)],
        };
        let bound = ["a".to_owned()];
        let free = Wanted { target: &target, bound: &[] };
        assert!(free.other_than(&directory(PageState::Ready, "m"), "a"));
        assert!(!free.other_than(&directory(PageState::Blocked, "m"), "a"));
        assert!(!free.other_than(&directory(PageState::Ready, "x"), "a"));
        assert!(
            !Wanted { target: &target, bound: &bound }.other_than(&directory(PageState::Ready, "m"), "a")
        );
    }
}
