//! The handle that tests hold: orders, switches and observations, in process.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::app::App;
use crate::app::lock;
use crate::error::UnknownConversation;
use crate::error::Unmet;
use crate::fault::Call;
use crate::fault::Fault;
use crate::observe::Snapshot;
use crate::switches::Switches;

/// Makes the site misbehave and tells what it has seen. Cheap to clone.
#[derive(Clone)]
pub struct Control {
    app: Arc<App>,
}

impl fmt::Debug for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Control").field("switches", &self.switches()).finish_non_exhaustive()
    }
}

impl Control {
    pub(crate) fn new(app: Arc<App>) -> Self {
        Self { app }
    }

    /// What the site has seen so far.
    pub fn snapshot(&self) -> Snapshot {
        self.app.observed.snapshot()
    }

    /// Waits until `met` holds, at most `within`. `met` must not call this handle.
    ///
    /// # Errors
    /// With what was seen last, when time is up.
    pub async fn wait_until(
        &self,
        within: Duration,
        met: impl Fn(&Snapshot) -> bool + Send,
    ) -> Result<Snapshot, Unmet> {
        self.app.observed.wait_until(within, met).await
    }

    /// The switches as they stand.
    pub fn switches(&self) -> Switches {
        self.app.switches()
    }

    /// Turns switches. Streams that are under way keep those they began with. `change` must not call this handle.
    pub fn switch(&self, change: impl FnOnce(&mut Switches)) {
        change(&mut lock(&self.app.switches));
    }

    /// Orders `fault` for the next `times` calls of this kind, after what was ordered before.
    /// False when too much is ordered already (1,024 orders).
    pub fn misbehave(&self, call: Call, fault: Fault, times: u32) -> bool {
        lock(&self.app.faults).order(call, fault, times)
    }

    /// Takes every order back. Calls that have met their fault keep it.
    pub fn behave(&self) {
        lock(&self.app.faults).clear();
    }

    /// Ends all sessions; says how many there were.
    pub fn expire_sessions(&self) -> usize {
        self.app.with_sessions(crate::sessions::Sessions::end_all)
    }

    /// Makes the CSRF cookie of every browser stale. The next page a browser loads brings the new one.
    pub fn rotate_csrf(&self) {
        self.app.with_sessions(crate::sessions::Sessions::rotate_csrf);
    }

    /// Lets `count` words of `practice-gate` go, to whichever turns wait or come to wait.
    pub fn release(&self, count: u64) {
        self.app.words.release(count, None);
    }

    /// Lets `count` words of `practice-gate` go in one conversation.
    ///
    /// # Errors
    /// When there is no such conversation.
    pub fn release_in(&self, conversation: &str, count: u64) -> Result<(), UnknownConversation> {
        if !lock(&self.app.conversations).contains(conversation) {
            return Err(UnknownConversation(conversation.to_owned()));
        }
        self.app.words.release(count, Some(conversation));
        Ok(())
    }

    /// Lets `count` calls go that [`Fault::HoldResponse`] holds or will hold.
    pub fn release_held(&self, count: u64) {
        self.app.held.release(count, None);
    }
}
