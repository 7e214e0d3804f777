//! The bridge's sockets and tasks.

mod outward;

use std::{
    io::{self, Write as _},
    net::SocketAddr,
    process::ExitCode,
    sync::Arc,
};

use thiserror::Error;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use wormhole_client::{LinkState, PageLink};
use wormhole_runtime::{
    Admin, EX_USAGE, Lifecycle, ListenError, Readiness, VERSION, install_crypto_provider, registry, revision,
};

use self::outward::Outward;
use crate::{
    args::Args,
    calls::Caller,
    canary::Canary,
    config::Config,
    diagnostics::Diagnostics,
    metrics::Metrics,
    outside::Outside,
    relay::Relay,
    running::Running,
    session::{Keeper, KeeperConfig, Looker, Session},
    turn::{Desk, ModelRefresh},
};

/// The readiness condition of the link.
const HUB: &str = "hub";

/// Why a bridge cannot be started.
#[derive(Debug, Error)]
pub enum StartError {
    /// The admin socket cannot be bound.
    #[error("cannot bind the bridge's admin port {addr}: {source}")]
    Admin {
        /// What was asked for.
        addr: SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// The console's socket cannot be bound.
    #[error("the console {0}")]
    Console(#[source] ListenError),
    /// The system's certificates cannot be read, without which no alert can be sent.
    #[error("cannot send alerts: {0}")]
    Alerts(#[source] reqwest::Error),
    /// The page port cannot be bound.
    #[error("the page port (WORMHOLE_PAGE_LISTEN) {0}")]
    PagePort(#[source] ListenError),
    /// A metric's name is taken.
    #[error("cannot register the bridge's metrics: {0}")]
    Metrics(#[source] prometheus::Error),
}

/// A bridge whose sockets are bound and that does nothing yet.
#[derive(Debug)]
pub struct Service {
    config: Config,
    admin: Admin,
    metrics: Arc<Metrics>,
    readiness: Readiness,
    session: Session,
    outward: Outward,
    /// Cancelled when the browser is closed for good.
    kept: CancellationToken,
}

impl Service {
    /// Binds the admin port, and those of the console and of the page script if there are any.
    ///
    /// # Errors
    /// The address cannot be bound; the error names it.
    pub async fn bind(mut config: Config) -> Result<Self, StartError> {
        install_crypto_provider();
        let registry = registry();
        let metrics = Arc::new(Metrics::register(&registry).map_err(StartError::Metrics)?);
        let readiness = Readiness::new();
        readiness.set(HUB, Err("not joined yet".to_owned()));
        let session = Session::new(&config.site, &config.account, readiness.clone(), Arc::clone(&metrics));
        let addr = config.admin;
        let admin = Admin::bind(addr, registry, readiness.clone())
            .await
            .map_err(|source| StartError::Admin { addr, source })?;
        let outward = Outward::bind(&mut config, &metrics).await?;
        Ok(Self { config, admin, metrics, readiness, session, outward, kept: CancellationToken::new() })
    }

    /// Where the console is, if there is one.
    pub fn console_addr(&self) -> Option<SocketAddr> {
        self.outward.console_addr()
    }

    /// What the platform adds.
    #[must_use]
    pub fn with(mut self, outside: Outside) -> Self {
        self.outward.outside = outside;
        self
    }

    /// Cancelled when the drain is over and the browser closed: then nobody touches the profile any more.
    pub fn kept(&self) -> CancellationToken {
        self.kept.clone()
    }

    /// Where probes and metrics are answered.
    pub fn admin_addr(&self) -> SocketAddr {
        self.admin.addr()
    }

    /// The conditions of readiness, `session` and `hub`.
    pub fn readiness(&self) -> Readiness {
        self.readiness.clone()
    }

    /// Starts the browser, the login and the link to the hub; returns at once.
    pub fn spawn(self, lifecycle: &Lifecycle) {
        let Self { config, admin, metrics, readiness, session, outward, kept } = self;
        tracing::info!(
            admin = %admin.addr(), site = config.site.name, account = config.account, version = VERSION,
            revision = revision(), "bridge is up"
        );
        admin.spawn(lifecycle);
        // The link starts before the browser is up: the page's state tells the hub to wait.
        let (link, orders) =
            PageLink::start_with(config.hub.clone(), config.link.clone(), session.hello(), lifecycle);
        let watched = watch_link(link.state(), readiness.clone(), session.clone(), lifecycle.soft());
        lifecycle.spawn("hub readiness", watched);
        let (diagnostics, recorder) =
            Diagnostics::new(config.diagnostics.clone(), session.clone(), readiness, Arc::clone(&metrics));
        lifecycle.spawn("diagnostics", recorder.run(lifecycle.soft()));
        let running = Running::new(Arc::clone(&metrics));
        let caller = Caller::new(Arc::new(config.site.clone()), Arc::clone(&metrics));
        let (refresh, hard) = (ModelRefresh::default(), lifecycle.hard());
        let desk = Arc::new(Desk { caller, session, metrics, refresh, diagnostics, hard });
        if let Some(config) = config.canary.clone() {
            let canary = Canary { config, desk: Arc::clone(&desk), running: Arc::clone(&running) };
            lifecycle.spawn("canary", canary.run(lifecycle.soft()));
        }
        let keeper = Keeper {
            config: keeper_config(config, &desk.metrics, outward.way_in.clone()),
            session: desk.session.clone(),
            outside: outward.outside.clone(),
            looker: Looker::new(desk.caller.clone()),
            running: Arc::clone(&running),
            metrics: Arc::clone(&desk.metrics),
            diagnostics: desk.diagnostics.clone(),
            soft: lifecycle.soft(),
            hard: lifecycle.hard(),
            done: kept.clone(),
        };
        // Before the keeper, which changes the session: no change goes untold.
        outward.spawn(&desk, &running, &kept, lifecycle);
        lifecycle.spawn("session keeper", keeper.run());
        let relay = Relay { desk, link, orders, running, lifecycle: lifecycle.clone(), kept };
        lifecycle.spawn("relay", relay.run());
    }
}

fn keeper_config(config: Config, metrics: &Metrics, way_in: String) -> KeeperConfig {
    let mut browser = config.browser;
    browser.metrics = metrics.chrome.clone();
    // Whoever changed the profile's origin later must not end up with a browser that injects elsewhere.
    browser.origins = config.site.origins();
    KeeperConfig { browser, credentials: config.credentials, timings: config.session, way_in }
}

/// Says by the probe, and in the status, whether the hub can be reached.
async fn watch_link(
    mut state: watch::Receiver<LinkState>,
    readiness: Readiness,
    session: Session,
    soft: CancellationToken,
) {
    loop {
        let condition = match &*state.borrow_and_update() {
            LinkState::Joined => Ok(()),
            LinkState::Connecting { last_error: Some(error), .. } => Err(error.clone()),
            LinkState::Connecting { last_error: None, .. } => Err("not joined yet".to_owned()),
        };
        session.set_hub(condition.clone());
        readiness.set(HUB, condition);
        tokio::select! {
            () = soft.cancelled() => return,
            changed = state.changed() => if changed.is_err() { soft.cancelled().await },
        }
    }
}

/// Runs the bridge as a process until a signal, and drains. Exit code 64 for settings that cannot be used, 1 for
/// whatever else failed.
pub async fn run(args: Args) -> ExitCode {
    let config = match args.log.init().and_then(|()| Config::try_from(args)) {
        Ok(config) => config,
        Err(error) => return refuse(&error, EX_USAGE),
    };
    let lifecycle = Lifecycle::new(config.grace);
    lifecycle.watch_signals();
    let service = match Service::bind(config).await {
        Ok(service) => service,
        Err(error) => return refuse(&error, 1),
    };
    match in_cluster(service, &lifecycle).await {
        Ok(service) => service.spawn(&lifecycle),
        Err(error) => return refuse(error.as_ref(), 1),
    }
    lifecycle.wait().await
}

/// The service with what its cluster adds, if it is a pod that is to use that.
#[cfg(feature = "kube")]
async fn in_cluster(
    mut service: Service,
    lifecycle: &Lifecycle,
) -> Result<Service, Box<dyn std::error::Error>> {
    let Some(pod) = service.config.kube.take() else { return Ok(service) };
    let outside = crate::kube::attach(pod, &service.config.account, lifecycle, &service.kept).await?;
    Ok(service.with(outside))
}

/// No cluster is known here, so nothing is added; settings that want one were refused before.
#[cfg(not(feature = "kube"))]
#[expect(clippy::unused_async, reason = "it stands for the one above")]
async fn in_cluster(service: Service, _: &Lifecycle) -> Result<Service, Box<dyn std::error::Error>> {
    Ok(service)
}

/// One line on standard error, whatever the log's filter says.
fn refuse(error: &dyn std::error::Error, code: u8) -> ExitCode {
    // Nobody may be listening; the exit code still counts.
    let _ = writeln!(io::stderr(), "{error}");
    ExitCode::from(code)
}
