//! What a platform may add from outside: leave to use the profile, and somebody who is told of each change.
//!
//! The bridge knows no platform: a cluster's Lease and Events come in through these two.

use std::{fmt, sync::Arc};

use tokio::sync::watch;
use wormhole_protocol::PageState;

/// Whether the browser may run on its profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Permit {
    /// It may.
    Granted,
    /// It may not (any more): why, for people.
    Withheld(String),
}

/// Is told of each change of the session, in order. It must not wait.
pub trait Listener: fmt::Debug + Send + Sync {
    /// The session came into `state`; `detail` says why, for people.
    fn changed(&self, state: PageState, detail: &str);
}

/// What the platform adds; nothing by default.
#[derive(Debug, Clone, Default)]
pub struct Outside {
    /// Guards the profile beyond this machine, where a file lock does not reach; without it that lock alone decides.
    /// When its sender is gone the last permit stands.
    pub permit: Option<watch::Receiver<Permit>>,
    /// Without one nobody is told.
    pub listener: Option<Arc<dyn Listener>>,
}

impl Outside {
    /// Waits until the profile may be used; `why` is told of each reason why not.
    pub(crate) async fn granted(&self, mut why: impl FnMut(String)) {
        let Some(mut permit) = self.permit.clone() else { return };
        loop {
            match permit.borrow_and_update().clone() {
                Permit::Granted => return,
                Permit::Withheld(reason) => why(reason),
            }
            if permit.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// Waits until the profile may no longer be used; says why.
    pub(crate) async fn withheld(&self) -> String {
        let Some(mut permit) = self.permit.clone() else { return std::future::pending().await };
        loop {
            if let Permit::Withheld(reason) = permit.borrow_and_update().clone() {
                return reason;
            }
            if permit.changed().await.is_err() {
                return std::future::pending().await;
            }
        }
    }

    /// Tells the listener.
    pub(crate) fn tell(&self, state: PageState, detail: &str) {
        if let Some(listener) = &self.listener {
            listener.changed(state, detail);
        }
    }
}
