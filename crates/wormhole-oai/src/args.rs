//! Settings as flags and variables, in blocks.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::usage::Tokenizer;
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
    /// Browsers.
    #[command(flatten)]
    pub browsers: BrowserArgs,
    /// Names of models.
    #[command(flatten)]
    pub models: ModelArgs,
    /// Where embeddings come from.
    #[command(flatten)]
    pub embeddings: EmbeddingArgs,
    /// Pictures.
    #[command(flatten)]
    pub images: ImageArgs,
    /// The text that is posted.
    #[command(flatten)]
    pub prompts: PromptArgs,
    /// What is remembered.
    #[command(flatten)]
    pub store: StoreArgs,
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
    /// A file that holds them, as `wormhole-oai keys add` writes it; read again when it changes. Also hashes and limits:
    /// `name:sha256:<hash> rpm=60 concurrency=2 accounts=a,b`.
    #[arg(long, env = "WORMHOLE_API_KEYS_FILE")]
    pub api_keys_file: Option<PathBuf>,
    /// Serve everybody who can reach the socket, also beyond loopback.
    #[arg(long, env = "WORMHOLE_ALLOW_ANONYMOUS", default_value_t = false, num_args = 0..=1, default_missing_value = "true", action = clap::ArgAction::Set)]
    pub allow_anonymous: bool,
}

/// Browsers.
#[derive(Debug, Clone, clap::Args)]
pub struct BrowserArgs {
    /// Origins of web pages that may call, beside those of this machine: `https://chat.example.org`, `app://*`, or `*`.
    #[arg(long, env = "WORMHOLE_CORS_ORIGINS")]
    pub cors_origins: Option<String>,
    /// Host names that are answered to beside this machine's own when bound to loopback; elsewhere, only these:
    /// `api.example.org`, `.example.org`, or `*`.
    #[arg(long, env = "WORMHOLE_ALLOWED_HOSTS")]
    pub allowed_hosts: Option<String>,
}

/// Where embeddings come from: a chat site has none.
#[derive(Debug, Clone, clap::Args)]
pub struct EmbeddingArgs {
    /// An OpenAI-compatible server that makes embeddings, such as `http://embeddings:8080/v1`. None: they are refused.
    #[arg(long, env = "WORMHOLE_EMBEDDINGS_URL")]
    pub embeddings_url: Option<Url>,
    /// Its key, if it wants one.
    #[arg(long, env = "WORMHOLE_EMBEDDINGS_KEY", hide_env_values = true)]
    pub embeddings_key: Option<SecretString>,
    /// A file that holds it.
    #[arg(long, env = "WORMHOLE_EMBEDDINGS_KEY_FILE")]
    pub embeddings_key_file: Option<PathBuf>,
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
    /// The most bytes of the text that is posted, with history and tools; what is longer is refused.
    #[arg(long, env = "WORMHOLE_PROMPT_LIMIT", default_value_t = 1_048_576)]
    pub prompt_limit: usize,
}

/// Pictures in conversations. They travel only to sites and models that take them.
#[derive(Debug, Clone, clap::Args)]
pub struct ImageArgs {
    /// Hosts that pictures are fetched from when a client names their address: `images.example.org`, `.example.org`,
    /// `host:8080`. None: only pictures that come with the request are taken.
    #[arg(long, env = "WORMHOLE_IMAGE_HOSTS")]
    pub image_hosts: Option<String>,
    /// The most pictures of one turn.
    #[arg(long, env = "WORMHOLE_IMAGE_COUNT", default_value_t = 8, value_parser = clap::value_parser!(u8).range(1..=64))]
    pub image_count: u8,
    /// The most bytes of one picture. All of a turn's together cannot be more than 12 MiB.
    #[arg(long, env = "WORMHOLE_IMAGE_BYTES", default_value_t = 5_242_880, value_parser = clap::value_parser!(u32).range(1..=12_582_912))]
    pub image_bytes: u32,
    /// How long fetching one picture may take.
    #[arg(long, env = "WORMHOLE_IMAGE_TIMEOUT", default_value = "10s", value_parser = parse_duration)]
    pub image_timeout: Duration,
}

/// What is remembered, and where.
#[derive(Debug, Clone, clap::Args)]
pub struct StoreArgs {
    /// The folder for what survives a restart. One process has it.
    #[arg(long, env = "WORMHOLE_DATA", default_value = "data")]
    pub data: PathBuf,
    /// Where conversations and responses are remembered.
    #[arg(long, env = "WORMHOLE_STORE", value_enum, default_value_t = StorePlace::Disk)]
    pub store: StorePlace,
    /// How long, since they were last used.
    #[arg(long, env = "WORMHOLE_STORE_AGE", default_value = "30d", value_parser = parse_duration)]
    pub store_age: Duration,
    /// How much, in MiB; the oldest goes first.
    #[arg(long, env = "WORMHOLE_STORE_MIB", default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    pub store_mib: u32,
    /// Go on in a conversation on the site that holds the beginning of what a client sends, and post only the rest.
    #[arg(long, env = "WORMHOLE_REUSE", value_enum, default_value_t = Switch::On)]
    pub reuse: Switch,
    /// Go on at the turn where an edited history branches. Only for sites that keep branches.
    #[arg(long, env = "WORMHOLE_BRANCHES", value_enum, default_value_t = Switch::Off)]
    pub branches: Switch,
    /// Remove conversations that this program made from the site when they have not been used for so long. Unset: never.
    #[arg(long, env = "WORMHOLE_CONVERSATION_TTL", value_parser = parse_duration)]
    pub conversation_ttl: Option<Duration>,
    /// Keep prompts and answers as lines of JSON in the data folder.
    #[arg(long, env = "WORMHOLE_TRANSCRIPTS", value_enum, default_value_t = Switch::Off)]
    pub transcripts: Switch,
    /// How long.
    #[arg(long, env = "WORMHOLE_TRANSCRIPTS_AGE", default_value = "7d", value_parser = parse_duration)]
    pub transcripts_age: Duration,
    /// How large one file of them gets, in MiB; there are at most 16.
    #[arg(long, env = "WORMHOLE_TRANSCRIPTS_MIB", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub transcripts_mib: u32,
    /// How tokens are counted for usage. The tables of tiktoken take 46 MB and 0.3 s when they are first needed.
    #[arg(long, env = "WORMHOLE_TOKENIZER", value_enum, default_value_t = Tokenizer::Estimate)]
    pub tokenizer: Tokenizer,
}

/// Where things are remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum StorePlace {
    /// In a file of the data folder.
    Disk,
    /// In memory, until the process ends.
    Memory,
}

/// On or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Switch {
    /// On.
    #[value(alias = "true", alias = "1")]
    On,
    /// Off.
    #[value(alias = "false", alias = "0")]
    Off,
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
