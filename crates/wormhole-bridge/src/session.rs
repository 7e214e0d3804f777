//! The session: how the page is, and the only place that changes it.
//!
//! Each change is logged once, counted, told to the hub (through the `hello` that the link watches) and to the
//! readiness probe. Who keeps the session alive is [`keeper`]; this is what everybody may know of it.

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

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use wormhole_protocol::{Failure, FailureCode, PageHello, PageState, Posted};
use wormhole_runtime::Readiness;

pub use self::login::{Credentials, Email, Password};
pub(crate) use self::{
    keeper::{Keeper, KeeperConfig},
    look::{Look, Looker},
    order::{Order, Orders},
    status::Status,
};
use crate::{
    alert::Alert,
    metrics::{AlertOutcome, Metrics},
    outside::Outside,
    site::Profile,
    site::SiteModel,
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

    /// The page is in `state` now; `detail` says why, for people. Nothing leads out of `draining`.
    pub(crate) fn change(&self, state: PageState, detail: impl Into<String>) {
        let detail = detail.into();
        self.change_if(state, &detail, |_| true);
    }

    /// The page is ready, with these models.
    pub(crate) fn ready(&self, models: Vec<SiteModel>) {
        self.set_models(models);
        self.change(PageState::Ready, "");
    }

    /// The site refused a call of this epoch for want of a session. True if that was news.
    pub(crate) fn expire(&self, epoch: u64) -> bool {
        let is_current = |hello: &PageHello| hello.state == PageState::Ready && self.epoch() == epoch;
        self.change_if(PageState::Expired, "the site ended the session", is_current)
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

    fn change_if(&self, state: PageState, detail: &str, may: impl FnOnce(&PageHello) -> bool) -> bool {
        let mut from = None;
        self.inner.hello.send_if_modified(|hello| {
            let same = hello.state == state && hello.detail == detail;
            if hello.state == PageState::Draining || same || !may(hello) {
                return false;
            }
            from = Some(hello.state);
            if state == PageState::Ready && hello.state != PageState::Ready {
                self.inner.epoch.fetch_add(1, Ordering::SeqCst);
            }
            hello.state = state;
            detail.clone_into(&mut hello.detail);
            // Inside, so that probes and metrics change in the order the states do.
            self.tell(state, detail, from);
            true
        })
    }

    fn tell(&self, state: PageState, detail: &str, from: Option<PageState>) {
        if from != Some(state) {
            self.inner.metrics.state_is(state);
        }
        self.inner
            .readiness
            .set(CONDITION, if state == PageState::Ready { Ok(()) } else { Err(described(state, detail)) });
        self.inner.status.send_modify(|status| status.changed(state, detail));
        if from != Some(state) && state.needs_person() {
            self.alert();
        }
        self.inner.outside.lock().unwrap_or_else(PoisonError::into_inner).tell(state, detail);
        let from = from.map_or("", PageState::as_str);
        if state.needs_person() {
            tracing::warn!(%state, from, detail, "the page needs a person");
        } else {
            tracing::info!(%state, from, detail, "the page changed its state");
        }
    }

    /// Says that a person is needed. A queue that is full of what nobody takes loses this one, and counts it.
    fn alert(&self) {
        let alerts = self.inner.alerts.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(alerts) = &*alerts else { return };
        if alerts.try_send(Alert::of(&self.inner.status.borrow())).is_err() {
            self.inner.metrics.alert(AlertOutcome::Dropped);
            tracing::warn!("too many alerts wait to be sent: this one is dropped");
        }
    }
}

fn described(state: PageState, detail: &str) -> String {
    if detail.is_empty() { state.to_string() } else { format!("{state}: {detail}") }
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

#[cfg(test)]
mod tests {
    use wormhole_runtime::Registry;

    use super::*;

    fn session() -> Session {
        let metrics = Metrics::register(&Registry::new()).unwrap();
        let site = Profile::shipped("outlier").unwrap().unwrap();
        Session::new(&site, "me", Readiness::new(), Arc::new(metrics))
    }

    fn model(id: &str, name: &str) -> SiteModel {
        let info = wormhole_protocol::ModelInfo {
            name: name.to_owned(),
            label: None,
            provider: None,
            images: false,
        };
        SiteModel { id: id.to_owned(), info }
    }

    #[test]
    fn a_change_is_seen_by_hub_and_probe_and_the_same_again_is_none() {
        let session = session();
        let mut hello = session.hello();
        session.change(PageState::Blocked, "wrong password");
        assert!(hello.has_changed().unwrap());
        assert_eq!(hello.borrow_and_update().detail, "wrong password");
        assert_eq!(session.inner.readiness.unmet(), ["session: blocked: wrong password"]);
        session.change(PageState::Blocked, "wrong password");
        assert!(!hello.has_changed().unwrap());
        session.ready(vec![model("1", "m")]);
        assert!(session.inner.readiness.is_ready());
        assert_eq!(hello.borrow().models.len(), 1);
        assert_eq!((session.model_id("m"), session.model_id("n")), (Some("1".to_owned()), None));
    }

    #[tokio::test]
    async fn only_the_session_that_expired_is_expired() {
        let session = session();
        session.ready(vec![]);
        let first = session.epoch();
        assert!(session.expire(first));
        assert!(!session.expire(first), "already known");
        session.expired().await;
        session.ready(vec![]);
        assert!(!session.expire(first), "of a session before");
        assert_eq!(session.state(), PageState::Ready);
    }

    #[test]
    fn nothing_leads_out_of_draining() {
        let session = session();
        session.ready(vec![]);
        session.change(PageState::Draining, "");
        session.change(PageState::Ready, "");
        assert!(!session.expire(session.epoch()));
        assert_eq!(session.state(), PageState::Draining);
        assert_eq!(session.place().map(drop).unwrap_err().code, FailureCode::NoPage);
    }

    #[test]
    fn a_turn_that_comes_too_early_was_not_posted() {
        let session = session();
        let cases = [
            (PageState::LoggingIn, FailureCode::LoginRequired),
            (PageState::Challenge, FailureCode::Challenge),
            (PageState::BrowserDown, FailureCode::PageLost),
        ];
        for (state, code) in cases {
            session.change(state, "why");
            let failure = session.place().map(drop).unwrap_err();
            assert_eq!(
                (failure.code, failure.posted, failure.retryable),
                (code, Posted::No, true),
                "{state}"
            );
            assert_eq!(failure.message, format!("the page is not ready ({state}: why)"));
        }
    }
}
