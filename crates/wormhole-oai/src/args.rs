//! Settings as flags and variables, in blocks.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use url::Url;
use wormhole_runtime::{LogArgs, SecretString, parse_duration};

/// Settings of the public API.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// What is logged.
    #[command(flatten)]
    pub log: LogArgs,
    /// Sockets.
    #[command(flatten)]
    pub sockets: SocketArgs,
    /// Where the hub is.
    #[command(flatten)]
    pub hub: HubArgs,
    /// Who may call.
    #[command(flatten)]
    pub access: AccessArgs,
    /// Names of models.
    #[command(flatten)]
    pub models: ModelArgs,
    /// The text that is posted.
    #[command(flatten)]
    pub prompts: PromptArgs,
    /// Times and sizes.
    #[command(flatten)]
    pub limits: LimitArgs,
}

/// Sockets.
#[derive(Debug, Clone, clap::Args)]
pub struct SocketArgs {
    /// Where clients come. Beyond loopback it needs API keys, or WORMHOLE_ALLOW_ANONYMOUS=true.
    #[arg(long = "listen", env = "WORMHOLE_OAI_LISTEN", default_value = "0.0.0.0:11434")]
    pub oai_listen: SocketAddr,
    /// Where probes and Prometheus come.
    #[arg(long = "admin", env = "WORMHOLE_OAI_ADMIN", default_value = "0.0.0.0:9467")]
    pub oai_admin: SocketAddr,
}

/// Where the hub is.
#[derive(Debug, Clone, clap::Args)]
pub struct HubArgs {
    /// The hub's address, `ws://` or `wss://`. Wins over host and port.
    #[arg(long, env = "WORMHOLE_SERVER_URL")]
    pub server_url: Option<Url>,
    /// The hub's host, where no address is given.
    #[arg(long, env = "WORMHOLE_SERVER_HOST")]
    pub server_host: Option<String>,
    /// The hub's port, where no address is given.
    #[arg(long = "server-port", env = "WORMHOLE_PORT", default_value_t = 8765)]
    pub server_port: u16,
    /// The hub's token for senders.
    #[arg(long, env = "WORMHOLE_SENDER_TOKEN", hide_env_values = true)]
    pub sender_token: Option<SecretString>,
    /// A file that holds it.
    #[arg(long, env = "WORMHOLE_SENDER_TOKEN_FILE")]
    pub sender_token_file: Option<PathBuf>,
}

/// Who may call.
#[derive(Debug, Clone, clap::Args)]
pub struct AccessArgs {
    /// API keys: `name:key` or a bare key, one a line or between commas.
    #[arg(long, env = "WORMHOLE_API_KEYS", hide_env_values = true)]
    pub api_keys: Option<SecretString>,
    /// A file that holds them.
    #[arg(long, env = "WORMHOLE_API_KEYS_FILE")]
    pub api_keys_file: Option<PathBuf>,
    /// Serve everybody who can reach the socket, also beyond loopback.
    #[arg(long, env = "WORMHOLE_ALLOW_ANONYMOUS", default_value_t = false, num_args = 0..=1, default_missing_value = "true", action = clap::ArgAction::Set)]
    pub allow_anonymous: bool,
}

/// Names of models.
#[derive(Debug, Clone, clap::Args)]
pub struct ModelArgs {
    /// Other names for models, for clients that know only theirs: `gpt-4o=practice-echo,gpt-4=practice-story`.
    #[arg(long, env = "WORMHOLE_MODEL_ALIASES")]
    pub model_aliases: Option<String>,
    /// The model for requests that name none, or none that exists.
    #[arg(long, env = "WORMHOLE_DEFAULT_MODEL")]
    pub default_model: Option<String>,
    /// What clients are told of how many tokens a context holds; the sites do not say.
    #[arg(long, env = "WORMHOLE_CONTEXT_LENGTH", default_value_t = 32_768)]
    pub context_length: u32,
}

/// The text that is posted.
#[derive(Debug, Clone, clap::Args)]
pub struct PromptArgs {
    /// A folder whose templates take the place of the shipped ones of the same name.
    #[arg(long, env = "WORMHOLE_TEMPLATES")]
    pub templates: Option<PathBuf>,
    /// A file in place of the shipped `agent_prompts.yaml`.
    #[arg(long, env = "WORMHOLE_AGENT_PROMPTS")]
    pub agent_prompts: Option<PathBuf>,
}

/// Times and sizes.
#[derive(Debug, Clone, clap::Args)]
pub struct LimitArgs {
    /// How long one turn may take, from its submission to its end.
    #[arg(long, env = "WORMHOLE_TURN_DEADLINE", default_value = "10m", value_parser = parse_duration)]
    pub turn_deadline: Duration,
    /// Time between signs of life in a stream that has nothing to say.
    #[arg(long, env = "WORMHOLE_HEARTBEAT", default_value = "10s", value_parser = parse_duration)]
    pub heartbeat: Duration,
    /// How long a stream waits for the first word, so that an error before it is an HTTP status; then it is status 200.
    #[arg(long, env = "WORMHOLE_STATUS_WINDOW", default_value = "1s", value_parser = parse_duration)]
    pub status_window: Duration,
    /// The largest body of a request, in MiB.
    #[arg(long, env = "WORMHOLE_BODY_LIMIT_MIB", default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub body_limit_mib: u16,
    /// How long running answers may go on when the process is told to end.
    #[arg(long, env = "WORMHOLE_GRACE", default_value = "25s", value_parser = parse_duration)]
    pub grace: Duration,
}
