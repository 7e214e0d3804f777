//! Settings as they come from flags and variables.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use wormhole_runtime::{LogArgs, SecretString, parse_duration};

/// The hub's settings.
#[derive(Debug, Clone, clap::Args)]
#[group(skip)]
pub struct Args {
    /// Address and port for bridges and APIs; without it every address, on WORMHOLE_PORT.
    #[arg(long, env = "WORMHOLE_LISTEN")]
    pub listen: Option<SocketAddr>,
    /// Port for bridges and APIs, where WORMHOLE_LISTEN is not set.
    #[arg(long, env = "WORMHOLE_PORT", default_value_t = 8765)]
    pub port: u16,
    /// Address and port for probes and metrics; keep it off the public network.
    #[arg(long, env = "WORMHOLE_SERVER_ADMIN", default_value = "0.0.0.0:9465")]
    pub admin: SocketAddr,
    /// The token that bridges join with. Required, here or as a file.
    #[arg(long, env = "WORMHOLE_PAGE_TOKEN", hide_env_values = true)]
    pub page_token: Option<SecretString>,
    /// A file that holds the token that bridges join with.
    #[arg(long, env = "WORMHOLE_PAGE_TOKEN_FILE")]
    pub page_token_file: Option<PathBuf>,
    /// The token that APIs join with; must not be the bridges'. Required, here or as a file.
    #[arg(long, env = "WORMHOLE_SENDER_TOKEN", hide_env_values = true)]
    pub sender_token: Option<SecretString>,
    /// A file that holds the token that APIs join with.
    #[arg(long, env = "WORMHOLE_SENDER_TOKEN_FILE")]
    pub sender_token_file: Option<PathBuf>,
    /// How long running turns may take to end after the first signal.
    #[arg(long, env = "WORMHOLE_GRACE", default_value = "25s", value_parser = parse_duration)]
    pub grace: Duration,
    /// What is logged, and how.
    #[command(flatten)]
    pub log: LogArgs,
    /// How connections are held.
    #[command(flatten)]
    pub peers: PeerArgs,
    /// How turns are queued.
    #[command(flatten)]
    pub turns: TurnArgs,
}

/// How connections are held.
#[derive(Debug, Clone, clap::Args)]
#[group(skip)]
pub struct PeerArgs {
    /// Connections that may be open at once; one more is answered 503.
    #[arg(long, env = "WORMHOLE_MAX_PEERS", default_value_t = 256)]
    pub max_peers: usize,
    /// How long a new connection may take to say who it is.
    #[arg(long, env = "WORMHOLE_HELLO_WITHIN", default_value = "10s", value_parser = parse_duration)]
    pub hello_within: Duration,
    /// Time between pings to each peer.
    #[arg(long, env = "WORMHOLE_PEER_HEARTBEAT", default_value = "15s", value_parser = parse_duration)]
    pub peer_heartbeat: Duration,
    /// Silence after which a peer is dropped; also how long it may leave one write unread.
    #[arg(long, env = "WORMHOLE_PEER_DEAD_AFTER", default_value = "45s", value_parser = parse_duration)]
    pub peer_dead_after: Duration,
    /// The most bytes of replies that may wait for one slow API; over it that API is dropped.
    #[arg(long, env = "WORMHOLE_OUTBOX_BYTES", default_value_t = 64 * 1024 * 1024)]
    pub outbox_bytes: usize,
}

/// How turns are queued.
#[derive(Debug, Clone, clap::Args)]
#[group(skip)]
pub struct TurnArgs {
    /// Turns that may wait, over all callers; one more is refused at once.
    #[arg(long, env = "WORMHOLE_QUEUE_LIMIT", default_value_t = 256)]
    pub queue_limit: usize,
    /// How often one turn is given out at most, when pages say that they did not post it.
    #[arg(long, env = "WORMHOLE_MAX_ATTEMPTS", default_value_t = 3)]
    pub max_attempts: u32,
    /// How long a turn waits for a page to join that could take it.
    #[arg(long, env = "WORMHOLE_NO_PAGE_WAIT", default_value = "20s", value_parser = parse_duration)]
    pub no_page_wait: Duration,
    /// How long a turn is held while every page that could take it needs a person; 0 fails it at once. The turn's own
    /// deadline may come first.
    #[arg(long, env = "WORMHOLE_PERSON_WAIT", default_value = "60s", value_parser = parse_duration)]
    pub person_wait: Duration,
    /// How long a page may take to end a turn that it was told to stop, before its place is free again.
    #[arg(long, env = "WORMHOLE_CANCEL_GRACE", default_value = "10s", value_parser = parse_duration)]
    pub cancel_grace: Duration,
    /// How long a page may take to remove a conversation from its site.
    #[arg(long, env = "WORMHOLE_FORGET_WAIT", default_value = "30s", value_parser = parse_duration)]
    pub forget_wait: Duration,
    /// An account's rest when its site names a rate limit but no time.
    #[arg(long, env = "WORMHOLE_RATE_REST", default_value = "30s", value_parser = parse_duration)]
    pub rate_rest: Duration,
    /// The longest rest that a turn waits for; over it the caller is told the rate limit at once.
    #[arg(long, env = "WORMHOLE_RATE_WAIT", default_value = "30s", value_parser = parse_duration)]
    pub rate_wait: Duration,
    /// For how long a page that did not post a turn is not given the same turn again.
    #[arg(long, env = "WORMHOLE_RETRY_PAUSE", default_value = "500ms", value_parser = parse_duration)]
    pub retry_pause: Duration,
}
