//! The bridge's socket and tasks.

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

use crate::{
    args::Args,
    calls::Caller,
    config::Config,
    metrics::Metrics,
    page_port::PagePort,
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
    /// The page port cannot be bound.
    #[error("the page port (WORMHOLE_PAGE_LISTEN) {0}")]
    PagePort(#[source] ListenError),
    /// A metric's name is taken.
    #[error("cannot register the bridge's metrics: {0}")]
    Metrics(#[source] prometheus::Error),
}

/// A bridge whose socket is bound and that does nothing yet.
#[derive(Debug)]
pub struct Service {
    config: Config,
    admin: Admin,
    metrics: Arc<Metrics>,
    readiness: Readiness,
    session: Session,
    page_port: Option<PagePort>,
}

impl Service {
    /// Binds the admin port, and the page port if there is one.
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
        let page_port = match &config.page_port {
            Some(port) => {
                let port = PagePort::bind(port, metrics.page_port.clone()).await;
                Some(port.map_err(StartError::PagePort)?)
            }
            None => None,
        };
        config.browser.page_port = page_port.as_ref().map(PagePort::door);
        Ok(Self { config, admin, metrics, readiness, session, page_port })
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
        let Self { config, admin, metrics, readiness, session, page_port } = self;
        tracing::info!(
            admin = %admin.addr(), site = config.site.name, account = config.account, version = VERSION,
            revision = revision(), "bridge is up"
        );
        admin.spawn(lifecycle);
        // The link starts before the browser is up: the page's state tells the hub to wait.
        let (link, orders) =
            PageLink::start_with(config.hub.clone(), config.link.clone(), session.hello(), lifecycle);
        lifecycle.spawn("hub readiness", watch_link(link.state(), readiness, lifecycle.soft()));
        let running = Running::new(Arc::clone(&metrics));
        let caller = Caller::new(Arc::new(config.site.clone()), Arc::clone(&metrics));
        let kept = CancellationToken::new();
        if let Some(page_port) = page_port {
            page_port.spawn(lifecycle, kept.clone());
        }
        let keeper = Keeper {
            config: keeper_config(config),
            session: session.clone(),
            looker: Looker::new(caller.clone()),
            running: Arc::clone(&running),
            metrics: Arc::clone(&metrics),
            soft: lifecycle.soft(),
            hard: lifecycle.hard(),
            done: kept.clone(),
        };
        let desk =
            Desk { caller, session, metrics, refresh: ModelRefresh::default(), hard: lifecycle.hard() };
        let relay = Relay { desk: Arc::new(desk), link, orders, running, lifecycle: lifecycle.clone(), kept };
        lifecycle.spawn("session keeper", keeper.run());
        lifecycle.spawn("relay", relay.run());
    }
}

fn keeper_config(config: Config) -> KeeperConfig {
    let mut browser = config.browser;
    // Whoever changed the profile's origin later must not end up with a browser that injects elsewhere.
    browser.origins = config.site.origins();
    KeeperConfig { browser, credentials: config.credentials, timings: config.session }
}

/// Says by the probe whether the hub can be reached.
async fn watch_link(mut state: watch::Receiver<LinkState>, readiness: Readiness, soft: CancellationToken) {
    loop {
        let condition = match &*state.borrow_and_update() {
            LinkState::Joined => Ok(()),
            LinkState::Connecting { last_error: Some(error), .. } => Err(error.clone()),
            LinkState::Connecting { last_error: None, .. } => Err("not joined yet".to_owned()),
        };
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
    match Service::bind(config).await {
        Ok(service) => service.spawn(&lifecycle),
        Err(error) => return refuse(&error, 1),
    }
    lifecycle.wait().await
}

/// One line on standard error, whatever the log's filter says.
fn refuse(error: &dyn std::error::Error, code: u8) -> ExitCode {
    // Nobody may be listening; the exit code still counts.
    let _ = writeln!(io::stderr(), "{error}");
    ExitCode::from(code)
}
