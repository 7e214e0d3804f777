//! The session: how the page is, as far as everybody may know.
//!
//! The only place that changes its state is [`change`]; who keeps it alive is [`keeper`].

mod change;
mod hold;
mod keeper;
mod login;
mod look;
mod looks;
mod order;
mod past;
mod recycle;
mod status;
mod strikes;
#[cfg(test)]
mod tests;

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use wormhole_protocol::{Failure, FailureCode, PageHello, PageState, Posted};
use wormhole_runtime::Readiness;

use self::change::described;
pub use self::login::{Credentials, Email, Password};
pub(crate) use self::{
    keeper::{Keeper, KeeperConfig},
    look::{Look, Looker},
    order::{Order, Orders},
    status::Status,
};
use crate::{
    alert::Alert,
    metrics::Metrics,
    outside::Outside,
    site::{Profile, SiteModel},
    tab::Tab,
};

/// The readiness condition of the session.
pub(crate) const CONDITION: &str = "session";

/// What everybody may know of the session. Cloning shares it.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    hello: watch::Sender<PageHello>,
    models: Mutex<Vec<SiteModel>>,
    live: watch::Sender<Option<Live>>,
    status: watch::Sender<Status>,
    orders: Orders,
    /// Where a person is told of by whoever waits for one; none if nobody wants to know.
    alerts: Mutex<Option<mpsc::Sender<Alert>>>,
    /// What the platform is told.
    outside: Mutex<Outside>,
    /// Counts the times the page became ready; changed only while `hello` is being changed.
    epoch: AtomicU64,
    readiness: Readiness,
    metrics: Arc<Metrics>,
}

/// A running browser, for turns.
#[derive(Debug, Clone)]
pub(crate) struct Live {
    /// The tab.
    pub(crate) tab: Tab,
    /// Cancelled when the browser is gone.
    pub(crate) gone: CancellationToken,
}

/// Where a turn may be posted.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// The browser's tab.
    pub(crate) live: Live,
    /// Which session it was that was ready: an expiry of an older one changes nothing.
    pub(crate) epoch: u64,
}

impl Session {
    /// A session of an account whose browser is not up yet.
    pub(crate) fn new(site: &Profile, account: &str, readiness: Readiness, metrics: Arc<Metrics>) -> Self {
        let hello = PageHello {
            site: site.name.clone(),
            account: account.to_owned(),
            capacity: site.account.capacity,
            gap_ms: u64::try_from(site.account.gap.as_millis()).unwrap_or(u64::MAX),
            state: PageState::Starting,
            detail: String::new(),
            models: Vec::new(),
        };
        metrics.state_is(PageState::Starting);
        readiness.set(CONDITION, Err(PageState::Starting.to_string()));
        let inner = Inner {
            hello: watch::Sender::new(hello),
            models: Mutex::default(),
            live: watch::Sender::default(),
            status: watch::Sender::new(Status::new(&site.name, account)),
            orders: Orders::default(),
            alerts: Mutex::default(),
            outside: Mutex::default(),
            epoch: AtomicU64::new(0),
            readiness,
            metrics,
        };
        Self { inner: Arc::new(inner) }
    }

    /// What the hub is told; the link sends each change.
    pub(crate) fn hello(&self) -> watch::Receiver<PageHello> {
        self.inner.hello.subscribe()
    }

    /// The account.
    pub(crate) fn account(&self) -> String {
        self.inner.hello.borrow().account.clone()
    }

    /// The state now.
    #[cfg(test)]
    pub(crate) fn state(&self) -> PageState {
        self.inner.hello.borrow().state
    }

    /// Waits until the session has been found expired.
    pub(crate) async fn expired(&self) {
        // The sender is ours, so the channel is open.
        let _ = self.inner.hello.subscribe().wait_for(|hello| hello.state == PageState::Expired).await;
    }

    /// Which session is ready.
    pub(crate) fn epoch(&self) -> u64 {
        self.inner.epoch.load(Ordering::SeqCst)
    }

    /// The browser that runs, or none.
    pub(crate) fn set_live(&self, live: Option<Live>) {
        self.inner.live.send_replace(live);
    }

    /// The browser that runs, whatever the session.
    pub(crate) fn live(&self) -> Option<Live> {
        self.inner.live.borrow().clone()
    }

    /// Follows the browsers, for whoever looks at them.
    pub(crate) fn lives(&self) -> watch::Receiver<Option<Live>> {
        self.inner.live.subscribe()
    }

    /// What an operator is shown.
    pub(crate) fn status(&self) -> watch::Receiver<Status> {
        self.inner.status.subscribe()
    }

    /// An operator wants something of the keeper.
    pub(crate) fn order(&self, order: Order) {
        tracing::info!(?order, "the operator orders");
        self.inner.orders.give(order);
    }

    /// A person has done something in the page.
    pub(crate) fn touch(&self) {
        self.inner.orders.touch();
    }

    /// What is ordered, for the keeper.
    pub(crate) fn orders(&self) -> &Orders {
        &self.inner.orders
    }

    /// The page is left alone from now on, or taken up again.
    pub(crate) fn pause(&self, paused: bool) {
        self.inner.metrics.paused(paused);
        self.inner.status.send_modify(|status| status.paused = paused);
    }

    /// How the link to the hub is, for those who read the status.
    pub(crate) fn set_hub(&self, hub: Result<(), String>) {
        self.inner.status.send_if_modified(|status| {
            let differs = status.hub != hub;
            status.hub = hub;
            differs
        });
    }

    /// Whom to tell of changes to a state that needs a person.
    pub(crate) fn alert_to(&self, alerts: mpsc::Sender<Alert>) {
        *self.inner.alerts.lock().unwrap_or_else(PoisonError::into_inner) = Some(alerts);
    }

    /// What the platform adds, and is told of from now on.
    pub(crate) fn stand_in(&self, outside: Outside) {
        *self.inner.outside.lock().unwrap_or_else(PoisonError::into_inner) = outside;
    }

    /// Where a turn may be posted now; else why not. A turn that is refused here was not posted.
    pub(crate) fn place(&self) -> Result<Place, Failure> {
        let (state, detail, epoch) = {
            let hello = self.inner.hello.borrow();
            (hello.state, hello.detail.clone(), self.epoch())
        };
        match (state, self.live()) {
            (PageState::Ready, Some(live)) => Ok(Place { live, epoch }),
            _ => Err(not_ready(state, &detail)),
        }
    }

    /// The site's id of a model, by its public name.
    pub(crate) fn model_id(&self, name: &str) -> Option<String> {
        let models = self.inner.models.lock().unwrap_or_else(PoisonError::into_inner);
        models.iter().find(|model| model.info.name == name).map(|model| model.id.clone())
    }

    /// This model takes images.
    pub(crate) fn takes_images(&self, name: &str) -> bool {
        let models = self.inner.models.lock().unwrap_or_else(PoisonError::into_inner);
        models.iter().any(|model| model.info.name == name && model.info.images)
    }

    /// The site's models; the hub is told when they changed.
    pub(crate) fn set_models(&self, models: Vec<SiteModel>) {
        let infos: Vec<_> = models.iter().map(|model| model.info.clone()).collect();
        *self.inner.models.lock().unwrap_or_else(PoisonError::into_inner) = models;
        let count = infos.len();
        self.inner.status.send_if_modified(|status| std::mem::replace(&mut status.models, count) != count);
        let changed = self.inner.hello.send_if_modified(|hello| {
            let differs = hello.models != infos;
            if differs {
                hello.models = infos;
            }
            differs
        });
        if changed {
            tracing::info!(models = count, "the site offers other models than before");
        }
    }
}

/// Why no turn can be posted in this state.
fn not_ready(state: PageState, detail: &str) -> Failure {
    let code = match state {
        PageState::Starting | PageState::LoggingIn | PageState::Expired | PageState::Blocked => {
            FailureCode::LoginRequired
        }
        PageState::Challenge => FailureCode::Challenge,
        // Ready without a browser: it is gone, and its state about to follow.
        PageState::BrowserDown | PageState::Ready => FailureCode::PageLost,
        PageState::Draining => FailureCode::NoPage,
    };
    Failure::new(code, Posted::No, format!("the page is not ready ({})", described(state, detail)))
}
