//! The life of a link: dial, join, run, lose, wait, again.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use tracing::{debug, error, info, warn};
use wormhole_protocol::{FromHub, Hello, PROTOCOL_VERSION, PageHello, Role, Welcome};
use wormhole_runtime::{Backoff, CancellationToken, Lifecycle, VERSION, install_crypto_provider};

use crate::address::{HubAddress, LinkTimings};
use crate::dial::{Socket, dial, join};
use crate::error::LinkError;
use crate::outbox::Outbox;
use crate::session;

/// Whether the hub can be spoken to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkState {
    /// Not now; it is being tried.
    Connecting {
        /// Since when there is no link.
        since: Instant,
        /// Why the last try failed, or how the last link ended; absent before the first try has ended.
        last_error: Option<String>,
    },
    /// The hub said welcome.
    Joined,
}

/// What a link has counted since it was started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LinkStats {
    /// Times the hub said welcome.
    pub joins: u64,
    /// Frames of the hub that could not be read or did not fit.
    pub bad_frames: u64,
    /// Events of old attempts, repetitions, events after a gap, events of turns that nobody waits for.
    pub dropped_events: u64,
}

/// One side of the hub, as a link needs it.
pub(crate) trait Peer: Send + Sync + 'static {
    /// What it is, for `hello` and for logs.
    const ROLE: Role;

    /// What a page adds to `hello`.
    fn page_hello(&self) -> Option<PageHello>;

    /// Takes a frame, or says what is wrong with it. While it waits nothing is read from the hub.
    fn take(&self, frame: FromHub) -> impl Future<Output = Result<(), &'static str>> + Send;

    /// Speaks unasked while joined; ends only with an error that ends the session.
    fn speak(&self, outbox: &Outbox) -> impl Future<Output = LinkError> + Send;

    /// The link that had joined is gone, and with it whatever ran over it.
    fn lost(&self) -> impl Future<Output = ()> + Send;

    /// Ends when the peer has no use for the link any more. Asked only while draining.
    fn idle(&self) -> impl Future<Output = ()> + Send;
}

/// What the link's task and its handles share.
#[derive(Debug)]
pub(crate) struct Link {
    address: HubAddress,
    pub(crate) timings: LinkTimings,
    pub(crate) state: watch::Sender<LinkState>,
    /// The way into the connection that has joined.
    pub(crate) outbox: watch::Sender<Option<Outbox>>,
    pub(crate) counts: Counts,
    pub(crate) soft: CancellationToken,
    pub(crate) hard: CancellationToken,
}

impl Link {
    pub(crate) fn new(address: HubAddress, timings: LinkTimings, lifecycle: &Lifecycle) -> Arc<Self> {
        install_crypto_provider();
        Arc::new(Self {
            address,
            timings,
            state: watch::Sender::new(LinkState::Connecting { since: Instant::now(), last_error: None }),
            outbox: watch::Sender::new(None),
            counts: Counts::default(),
            soft: lifecycle.soft(),
            hard: lifecycle.hard(),
        })
    }

    /// Runs until the drain: then until the peer is idle, or the link is lost, or everything is to end.
    pub(crate) async fn run<P: Peer>(self: Arc<Self>, peer: Arc<P>) {
        let mut backoff = Backoff::new(self.timings.backoff_min, self.timings.backoff_max);
        let mut log = Log { role: P::ROLE, last: None };
        while let Some(joined) = self.soft.run_until_cancelled(self.connect(&*peer)).await {
            let error = match joined {
                Ok((socket, welcome)) => {
                    log.joined(&welcome);
                    let began = Instant::now();
                    let error = self.session(socket, &welcome, &*peer).await;
                    backoff.lived(began.elapsed());
                    self.is_lost(&error);
                    peer.lost().await;
                    error
                }
                Err(error) => {
                    self.is_lost(&error);
                    error
                }
            };
            if self.soft.is_cancelled() {
                break;
            }
            let delay = if error.lasts() { backoff.longest_delay() } else { backoff.next_delay() };
            log.failed(&error, delay);
            if timeout(delay, self.soft.cancelled()).await.is_ok() {
                break;
            }
        }
    }

    async fn connect<P: Peer>(&self, peer: &P) -> Result<(Socket, Welcome), LinkError> {
        let joining = async {
            let mut socket = dial(&self.address).await?;
            let hello = Hello {
                protocol: PROTOCOL_VERSION,
                role: P::ROLE,
                name: self.address.name.clone(),
                version: VERSION.to_owned(),
                page: peer.page_hello(),
            };
            let welcome = join(&mut socket, hello).await?;
            Ok((socket, welcome))
        };
        timeout(self.timings.join_within, joining).await.unwrap_or(Err(LinkError::JoinLate))
    }

    async fn session<P: Peer>(&self, socket: Socket, welcome: &Welcome, peer: &P) -> LinkError {
        self.counts.joins.fetch_add(1, Ordering::Relaxed);
        let (outbox, outgoing) = Outbox::new(welcome.limits.max_frame_bytes);
        self.outbox.send_replace(Some(outbox.clone()));
        self.state.send_replace(LinkState::Joined);
        let finish = async {
            self.soft.cancelled().await;
            self.hard.run_until_cancelled(peer.idle()).await;
        };
        Box::pin(session::run(socket, peer, outbox, outgoing, &self.timings, &self.counts, finish)).await
    }

    fn is_lost(&self, error: &LinkError) {
        self.outbox.send_replace(None);
        self.state.send_modify(|state| {
            let since = match state {
                LinkState::Connecting { since, .. } => *since,
                LinkState::Joined => Instant::now(),
            };
            *state = LinkState::Connecting { since, last_error: Some(error.to_string()) };
        });
    }
}

/// Counts of a link.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    joins: AtomicU64,
    bad_frames: AtomicU64,
    dropped_events: AtomicU64,
}

impl Counts {
    pub(crate) fn bad_frame(&self) {
        self.bad_frames.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn dropped_event(&self) {
        self.dropped_events.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn stats(&self) -> LinkStats {
        LinkStats {
            joins: self.joins.load(Ordering::Relaxed),
            bad_frames: self.bad_frames.load(Ordering::Relaxed),
            dropped_events: self.dropped_events.load(Ordering::Relaxed),
        }
    }
}

/// Says each trouble once: the first time it is met, then only at debug until it is over or another one.
struct Log {
    role: Role,
    last: Option<String>,
}

impl Log {
    fn joined(&mut self, welcome: &Welcome) {
        let role = self.role;
        info!(?role, peer.id = %welcome.peer, again = self.last.is_some(), "joined the hub");
        self.last = None;
    }

    fn failed(&mut self, trouble: &LinkError, delay: std::time::Duration) {
        let (role, reason, delay_ms) = (self.role, trouble.to_string(), delay.as_millis());
        if self.last.as_ref() == Some(&reason) {
            debug!(?role, reason, delay_ms, "still no link to the hub");
            return;
        }
        if trouble.lasts() && !trouble.is_replaced() {
            error!(?role, reason, delay_ms, "no link to the hub until somebody acts; trying on");
        } else {
            warn!(?role, reason, delay_ms, "no link to the hub; trying again");
        }
        self.last = Some(reason);
    }
}
