//! The service: sockets bound, then everything spawned.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{error, info};
use wormhole_client::{LinkState, Sender};
use wormhole_runtime::{
    Admin, ConfigError, EX_USAGE, Lifecycle, ListenError, Readiness, VERSION, install_crypto_provider,
    listen, registry, revision, serve_http_until,
};

use crate::api::{Api, Parts};
use crate::args::Args;
use crate::config::{Config, StoreSettings};
use crate::conversations::{Conversations, forget_old};
use crate::dialect;
use crate::embeddings::Upstream;
use crate::idempotency::Idempotency;
use crate::images::Images;
use crate::limits::Limiter;
use crate::metrics::Metrics;
use crate::models::Models;
use crate::prompt::{self, Prompts};
use crate::store::{Bounds, DiskStore, KeptResponses, MemoryStore, Store, keep_store};
use crate::transcripts::{self, Transcripts, Writer};
use crate::turns::Turns;

/// The condition of readiness.
const HUB: &str = "hub";

/// The public API with its sockets bound.
#[derive(Debug)]
pub struct Service {
    config: Config,
    embeddings: Option<Upstream>,
    images: Images,
    store: Arc<dyn Store>,
    transcripts: Option<(Transcripts, Writer)>,
    prompts: Prompts,
    metrics: Metrics,
    readiness: Readiness,
    listener: TcpListener,
    addr: SocketAddr,
    admin: Admin,
}

/// Why the service cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A setting cannot be used.
    #[error("{0}")]
    Config(ConfigError),
    /// The public socket cannot be bound.
    #[error("WORMHOLE_OAI_LISTEN: {0}")]
    Listen(ListenError),
    /// The admin socket cannot be bound.
    #[error("WORMHOLE_OAI_ADMIN: {0}")]
    Admin(std::io::Error),
    /// A bound socket does not know its own address.
    #[error("a bound socket has no address: {}", .0.kind())]
    Socket(std::io::Error),
    /// There is no TLS for the server of the embeddings, or for fetching pictures.
    #[error("TLS cannot be set up")]
    Tls(#[source] reqwest::Error),
    /// A metric is registered twice.
    #[error("the metrics cannot be registered")]
    Metrics(#[source] prometheus::Error),
}

impl StartError {
    /// 64 where a setting is to be changed.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Config(_) => ExitCode::from(EX_USAGE),
            Self::Listen(_) | Self::Admin(_) | Self::Socket(_) | Self::Tls(_) | Self::Metrics(_) => {
                ExitCode::FAILURE
            }
        }
    }
}

impl Service {
    /// Reads the templates and binds every socket; nothing runs yet.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn bind(config: Config) -> Result<Self, StartError> {
        config.check_access().map_err(StartError::Config)?;
        let prompts = Prompts::load(config.templates.clone(), config.agent_prompts.clone())
            .map_err(StartError::Config)?;
        let embeddings = config.embeddings.clone().map(Upstream::new).transpose().map_err(StartError::Tls)?;
        let images = Images::new(config.images.clone()).map_err(StartError::Tls)?;
        let store = open_store(&config.store).map_err(StartError::Config)?;
        let transcripts =
            config.transcripts.clone().map(transcripts::open).transpose().map_err(StartError::Config)?;
        let registry = registry();
        let metrics = Metrics::register(&registry).map_err(StartError::Metrics)?;
        let readiness = Readiness::new();
        readiness.set(HUB, Err(format!("not joined to the hub at {} yet", config.hub.url)));
        let listener = listen(config.listen).await.map_err(StartError::Listen)?;
        let addr = listener.local_addr().map_err(StartError::Socket)?;
        let admin =
            Admin::bind(config.admin, registry, readiness.clone()).await.map_err(StartError::Admin)?;
        Ok(Self {
            config,
            embeddings,
            images,
            store,
            transcripts,
            prompts,
            metrics,
            readiness,
            listener,
            addr,
            admin,
        })
    }

    /// The public socket.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The admin socket.
    pub fn admin_addr(&self) -> SocketAddr {
        self.admin.addr()
    }

    /// Starts everything; returns at once.
    pub fn spawn(self, lifecycle: &Lifecycle) {
        let Self {
            config,
            embeddings,
            images,
            store,
            transcripts,
            prompts,
            metrics,
            readiness,
            listener,
            addr,
            admin,
        } = self;
        let hub = config.hub.url.clone();
        info!(%addr, admin = %admin.addr(), keys = ?config.keys, "serving");
        info!(%hub, "waiting for the hub");
        let sender = Sender::start(config.hub, config.link, lifecycle);
        lifecycle.spawn(
            "readiness",
            follow_link(
                sender.clone(),
                readiness.clone(),
                metrics.clone(),
                hub.to_string(),
                lifecycle.soft(),
            ),
        );
        lifecycle
            .spawn("prompts", prompt::watch(prompts.clone(), metrics.clone(), readiness, lifecycle.soft()));
        let models = Arc::new(Models::new(config.names, sender.directory()));
        let conversations = Conversations::new(store.clone(), config.reuse, sender.directory());
        lifecycle.spawn("conversations", forget_old(conversations.clone(), sender.clone(), lifecycle.soft()));
        // Cancelled when the last answer has ended.
        let stop = CancellationToken::new();
        lifecycle.spawn("store", keep_store(store.clone(), stop.clone()));
        let transcripts = transcripts.map(|(transcripts, writer)| {
            lifecycle.spawn("transcripts", writer.run(lifecycle.hard()));
            transcripts
        });
        let turns = Turns {
            sender,
            models: models.clone(),
            prompts: prompts.clone(),
            metrics: metrics.clone(),
            deadline: config.turn_deadline,
            images,
            conversations,
            limiter: Limiter::default(),
            transcripts,
            prompt_limit: config.limits.prompt,
            tokenizer: config.tokenizer,
        };
        let busy = TaskTracker::new();
        let api = Api::new(Parts {
            turns,
            models,
            keys: config.keys,
            browsers: config.browsers,
            listen: addr,
            responses: Arc::new(KeptResponses(store)),
            embeddings,
            idempotency: Idempotency::default(),
            lifecycle: lifecycle.clone(),
            metrics,
            limits: config.limits,
            since: jiff::Timestamp::now(),
            busy: busy.clone(),
            draining: lifecycle.soft(),
        });
        serve_http_until(listener, dialect::router(api), lifecycle, "api", stop.clone());
        lifecycle.spawn("drain", drain(lifecycle.clone(), busy, stop));
        admin.spawn(lifecycle);
    }
}

fn open_store(settings: &StoreSettings) -> Result<Arc<dyn Store>, ConfigError> {
    let bounds = Bounds { age: settings.age, bytes: settings.bytes };
    Ok(match &settings.folder {
        Some(folder) => Arc::new(DiskStore::open(folder, bounds)?),
        None => Arc::new(MemoryStore::new(bounds)),
    })
}

/// Keeps the socket open while answers run, so that new requests are told to come back, then closes it.
async fn drain(lifecycle: Lifecycle, busy: TaskTracker, stop: CancellationToken) {
    lifecycle.soft().cancelled().await;
    busy.close();
    lifecycle.hard().run_until_cancelled(busy.wait()).await;
    stop.cancel();
}

/// Ready while joined to the hub; says why not. (The link itself tells the log.)
async fn follow_link(
    sender: Sender,
    readiness: Readiness,
    metrics: Metrics,
    hub: String,
    soft: CancellationToken,
) {
    let mut state = sender.state();
    let follow = async {
        loop {
            let condition = match &*state.borrow_and_update() {
                LinkState::Joined => Ok(()),
                LinkState::Connecting { last_error, .. } => {
                    let why = last_error.as_deref().unwrap_or("connecting");
                    Err(format!("not joined to the hub at {hub}: {why}"))
                }
            };
            metrics.joined(condition.is_ok());
            readiness.set(HUB, condition);
            if state.changed().await.is_err() {
                return;
            }
        }
    };
    soft.run_until_cancelled(follow).await;
}

/// Serves until the process is told to end.
pub async fn run(args: Args) -> ExitCode {
    if let Err(error) = args.log.init() {
        return refuse(&StartError::Config(error));
    }
    let grace = args.limits.grace;
    let config = match Config::try_from(args) {
        Ok(config) => config,
        Err(error) => return refuse(&StartError::Config(error)),
    };
    info!(version = VERSION, revision = revision(), "wormhole-oai");
    install_crypto_provider();
    let lifecycle = Lifecycle::new(grace);
    match Service::bind(config).await {
        Ok(service) => {
            lifecycle.watch_signals();
            service.spawn(&lifecycle);
            lifecycle.wait().await
        }
        Err(error) => refuse(&error),
    }
}

fn refuse(error: &StartError) -> ExitCode {
    use std::io::Write;
    // One plain line, whatever the log's format and filter are.
    if writeln!(std::io::stderr(), "{error}").is_err() {
        error!(%error, "cannot start");
    }
    error.exit_code()
}
