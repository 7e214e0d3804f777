//! Everything the handlers and the control handle share.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use crate::answer::Upstream;
use crate::config::Config;
use crate::conversations::Conversations;
use crate::error::SiteError;
use crate::fault::Call;
use crate::fault::Fault;
use crate::fault::Faults;
use crate::gate::Gate;
use crate::observe::Observed;
use crate::sessions::Sessions;
use crate::switches::Switches;

/// The site's state. Each part has its own lock; sections are a few lines and never nested, except that
/// [`Observed`] may be told while another part is locked.
pub(crate) struct App {
    pub(crate) config: Config,
    pub(crate) sessions: Mutex<Sessions>,
    pub(crate) conversations: Mutex<Conversations>,
    pub(crate) faults: Mutex<Faults>,
    pub(crate) switches: Mutex<Switches>,
    pub(crate) words: Gate,
    pub(crate) held: Gate,
    pub(crate) observed: Arc<Observed>,
    pub(crate) upstream: Option<Upstream>,
}

impl App {
    pub(crate) fn new(config: Config) -> Result<Self, SiteError> {
        let limits = config.limits.clone();
        Ok(Self {
            sessions: Mutex::new(Sessions::new(limits.sessions)),
            conversations: Mutex::new(Conversations::new(limits.clone())),
            faults: Mutex::default(),
            switches: Mutex::new(config.switches.clone()),
            words: Gate::new(),
            held: Gate::new(),
            observed: Arc::new(Observed::new(limits)),
            upstream: config.answer_with.clone().map(Upstream::new).transpose()?,
            config,
        })
    }

    /// The switches as they stand now.
    pub(crate) fn switches(&self) -> Switches {
        lock(&self.switches).clone()
    }

    /// Changes the sessions and tells how many are alive.
    pub(crate) fn with_sessions<T>(&self, change: impl FnOnce(&mut Sessions) -> T) -> T {
        let mut sessions = lock(&self.sessions);
        let (before, result) = (sessions.len(), change(&mut sessions));
        let now = sessions.len();
        if now != before {
            self.observed.note(|seen| seen.sessions = now);
        }
        result
    }

    /// The fault that this call meets, if one was ordered for it.
    pub(crate) fn meet(&self, call: Call) -> Option<Fault> {
        let met = lock(&self.faults).meet(call)?;
        self.observed.note(|seen| seen.faults_met += 1);
        Some(met)
    }

    /// Waits until a held call is let go. Dropped before, the call is no longer held.
    pub(crate) async fn hold(&self) {
        let _held = Held::new(&self.observed);
        self.held.pass("").await;
    }
}

struct Held<'a>(&'a Observed);

impl<'a> Held<'a> {
    fn new(observed: &'a Observed) -> Self {
        observed.note(|seen| seen.held += 1);
        Self(observed)
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.note(|seen| seen.held -= 1);
    }
}

/// Locks, also after a panic elsewhere: no section here leaves a state half changed.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
