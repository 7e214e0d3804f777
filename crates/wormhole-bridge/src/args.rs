//! Settings as they stand on the command line and in the environment. [`Config`](crate::Config) is what becomes of them.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::{ArgAction, Args as ClapArgs};
use url::Url;
use wormhole_runtime::{LogArgs, SecretString, parse_duration};

use crate::{canary::CanaryArgs, diagnostics::DiagnosticsArgs};

/// Every setting of the bridge.
#[derive(Debug, Clone, ClapArgs)]
#[group(skip)]
pub struct Args {
    /// The hub.
    #[command(flatten)]
    pub hub: HubArgs,
    /// The site.
    #[command(flatten)]
    pub site: SiteArgs,
    /// The login.
    #[command(flatten)]
    pub login: LoginArgs,
    /// The browser.
    #[command(flatten)]
    pub chrome: ChromeArgs,
    /// Waits.
    #[command(flatten)]
    pub waits: WaitArgs,
    /// Reports on a changed site.
    #[command(flatten)]
    pub diagnostics: DiagnosticsArgs,
    /// Questions of its own.
    #[command(flatten)]
    pub canary: CanaryArgs,
    /// The console, and who is told when a person is needed.
    #[command(flatten)]
    pub console: ConsoleArgs,
    /// The cluster.
    #[command(flatten)]
    pub kube: KubeArgs,
    /// The page port.
    #[command(flatten)]
    pub page: PageArgs,
    /// Where probes and metrics are served.
    #[arg(long, env = "WORMHOLE_BRIDGE_ADMIN", default_value = "0.0.0.0:9466", value_name = "ADDRESS")]
    pub admin: SocketAddr,
    /// How long a shutdown may wait for turns that run.
    #[arg(long, env = "WORMHOLE_GRACE", default_value = "25s", value_parser = parse_duration, value_name = "DURATION")]
    pub grace: Duration,
    /// What is logged, and how.
    #[command(flatten)]
    pub log: LogArgs,
}

/// Where the hub is.
#[derive(Debug, Clone, ClapArgs)]
#[group(skip)]
pub struct HubArgs {
    /// The hub's base URL, `ws://` or `wss://`; wins over host and port.
    #[arg(long, env = "WORMHOLE_SERVER_URL", value_name = "URL")]
    pub server_url: Option<Url>,
    /// The hub's host, where no URL is given.
    #[arg(long, env = "WORMHOLE_SERVER_HOST", default_value = "127.0.0.1", value_name = "HOST")]
    pub server_host: String,
    /// The hub's port, where no URL is given.
    #[arg(long = "server-port", env = "WORMHOLE_PORT", default_value_t = 8765, value_name = "PORT")]
    pub server_port: u16,
    /// The hub's token for pages.
    #[arg(long, env = "WORMHOLE_PAGE_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    pub page_token: Option<SecretString>,
    /// The file that holds the hub's token for pages.
    #[arg(long, env = "WORMHOLE_PAGE_TOKEN_FILE", value_name = "FILE")]
    pub page_token_file: Option<PathBuf>,
}

/// Which site, at which account.
#[derive(Debug, Clone, ClapArgs)]
#[group(skip)]
pub struct SiteArgs {
    /// The site profile: the name of a shipped one (see `wormhole site list`) or the path of a YAML file.
    #[arg(long, env = "WORMHOLE_SITE", default_value = "outlier", value_name = "NAME|FILE")]
    pub site: String,
    /// The site's origin, in place of the profile's; the login lives there, too.
    #[arg(long, env = "WORMHOLE_SITE_ORIGIN", value_name = "URL")]
    pub site_origin: Option<Url>,
    /// What the account is called at the hub: one browser profile, logged in to one site.
    #[arg(long, env = "WORMHOLE_ACCOUNT", default_value = "default", value_name = "NAME")]
    pub account: String,
}

/// A bridge in a cluster: a Lease guards its profile, Events and a condition of its pod tell of its session.
#[derive(Debug, Clone, ClapArgs)]
#[group(skip)]
pub struct KubeArgs {
    /// Whether this bridge is a pod that may use its cluster's API. Only in builds with the feature `kube`, such as the
    /// images.
    #[arg(long, env = "WORMHOLE_KUBE", default_value_t = false, action = ArgAction::Set, value_name = "BOOL")]
    pub in_cluster: bool,
    /// The Lease that guards the profile; `wormhole-` and the account if not given.
    #[arg(long, env = "WORMHOLE_LEASE_NAME", value_name = "NAME")]
    pub lease_name: Option<String>,
    /// The pod's name, by the downward API.
    #[arg(long, env = "POD_NAME", value_name = "NAME")]
    pub pod_name: Option<String>,
    /// The pod's namespace, by the downward API; that of its service account if not given.
    #[arg(long, env = "POD_NAMESPACE", value_name = "NAME")]
    pub pod_namespace: Option<String>,
    /// The pod's uid, by the downward API: a new pod of the same name is another holder of the Lease.
    #[arg(long, env = "POD_UID", value_name = "UID")]
    pub pod_uid: Option<String>,
}

/// What to log in with. Without it a person logs in, with `wormhole login`.
#[derive(Debug, Clone, ClapArgs)]
#[group(skip)]
pub struct LoginArgs {
    /// The e-mail address to log in with.
    #[arg(long, env = "OUTLIER_EMAIL", hide_env_values = true, value_name = "ADDRESS")]
    pub email: Option<String>,
    /// The file that holds the e-mail address; it is read again before each login.
    #[arg(long, env = "OUTLIER_EMAIL_FILE", value_name = "FILE")]
    pub email_file: Option<PathBuf>,
    /// The password to log in with.
    #[arg(long, env = "OUTLIER_PASSWORD", hide_env_values = true, value_name = "PASSWORD")]
    pub password: Option<SecretString>,
    /// The file that holds the password; it is read again before each login.
    #[arg(long, env = "OUTLIER_PASSWORD_FILE", value_name = "FILE")]
    pub password_file: Option<PathBuf>,
}

/// The browser and its profile folder.
#[derive(Debug, Clone, ClapArgs)]
#[group(skip)]
pub struct ChromeArgs {
    /// The browser's profile folder. It holds a logged-in session: keep it like a password.
    #[arg(long, env = "CHROME_USER_DATA_DIR", default_value = "./data/chrome", value_name = "FOLDER")]
    pub chrome_user_data_dir: PathBuf,
    /// The Chromium to run; searched for where none is given.
    #[arg(long, env = "CHROME_BIN", value_name = "FILE")]
    pub chrome_bin: Option<PathBuf>,
    /// Chromium's DevTools port, on loopback; 0 takes any free one.
    #[arg(long, env = "CHROME_DEBUG_PORT", default_value_t = 9222, value_name = "PORT")]
    pub chrome_debug_port: u16,
    /// Where to publish DevTools for others, such as 0.0.0.0:9222; nowhere if not given. Whoever connects owns the session.
    #[arg(long, env = "CHROME_DEBUG_PUBLISH", value_name = "ADDRESS")]
    pub chrome_debug_publish: Option<SocketAddr>,
    /// Who may connect to the published DevTools: addresses and networks (10.0.0.0/8), with commas between them.
    #[arg(long, env = "CHROME_DEBUG_ALLOW", value_name = "NETWORKS")]
    pub chrome_debug_allow: Option<String>,
    /// Whether Chromium keeps its own sandbox. As root it cannot, whatever stands here.
    #[arg(long, env = "CHROME_SANDBOX", default_value_t = true, action = ArgAction::Set, value_name = "BOOL")]
    pub chrome_sandbox: bool,
    /// Memory of all of Chromium, in MiB, beyond which it is started anew between turns; 0 for no ceiling.
    #[arg(long, env = "CHROME_MEMORY_MIB", default_value_t = 2048, value_name = "MIB")]
    pub chrome_memory_mib: u64,
    /// How long Chromium runs before it is started anew between turns; 0 for as long as it likes.
    #[arg(long, env = "CHROME_MAX_AGE", default_value = "24h", value_parser = parse_duration, value_name = "DURATION")]
    pub chrome_max_age: Duration,
    /// Memory of the page's heaps, in MiB, beyond which the tab is opened anew between turns; 0 for no ceiling.
    #[arg(long, env = "CHROME_TAB_MEMORY_MIB", default_value_t = 1024, value_name = "MIB")]
    pub chrome_tab_memory_mib: u64,
    /// How long a tab is open before it is opened anew between turns; 0 for as long as it likes.
    #[arg(long, env = "CHROME_TAB_MAX_AGE", default_value = "12h", value_parser = parse_duration, value_name = "DURATION")]
    pub chrome_tab_max_age: Duration,
    /// Whether Chromium runs without a window.
    #[arg(long, env = "CHROME_HEADLESS", default_value_t = true, action = ArgAction::Set, value_name = "BOOL")]
    pub chrome_headless: bool,
    /// Further arguments for Chromium, with blanks between them.
    #[arg(long, env = "CHROME_EXTRA_ARGS", allow_hyphen_values = true, value_name = "ARGUMENTS")]
    pub chrome_extra_args: Option<String>,
    /// The file with the key hashes of certificates that Chromium trusts though no authority does, one a line: base64 of the
    /// SHA-256 of the public key. For a site of your own.
    #[arg(long, env = "CHROME_TRUST_KEYS_FILE", value_name = "FILE")]
    pub chrome_trust_keys_file: Option<PathBuf>,
    /// A page script in place of our own: a file that holds it, or a folder with the files of ours.
    #[arg(long, env = "WORMHOLE_INJECT_SCRIPT", value_name = "FILE|FOLDER")]
    pub inject_script: Option<PathBuf>,
}

/// How long to wait for what.
#[derive(Debug, Clone, ClapArgs)]
#[group(skip)]
pub struct WaitArgs {
    /// How long the head of an answer may take; the site profile says it where this does not.
    #[arg(long, env = "WORMHOLE_TURN_FIRST_BYTE", value_parser = parse_duration, value_name = "DURATION")]
    pub turn_first_byte: Option<Duration>,
    /// How long the next piece of an answer may take; the site profile says it where this does not.
    #[arg(long, env = "WORMHOLE_TURN_IDLE", value_parser = parse_duration, value_name = "DURATION")]
    pub turn_idle: Option<Duration>,
    /// How long a whole answer may take; the site profile says it where this does not.
    #[arg(long, env = "WORMHOLE_TURN_TOTAL", value_parser = parse_duration, value_name = "DURATION")]
    pub turn_total: Option<Duration>,
    /// How often to make sure that the site still knows the session.
    #[arg(long, env = "WORMHOLE_SESSION_CHECK", default_value = "60s", value_parser = parse_duration, value_name = "DURATION")]
    pub session_check: Duration,
    /// How often to look whether a person has finished what the site asked for.
    #[arg(long, env = "WORMHOLE_PERSON_CHECK", default_value = "15s", value_parser = parse_duration, value_name = "DURATION")]
    pub person_check: Duration,
    /// How often to save the browser's cookies.
    #[arg(long, env = "WORMHOLE_COOKIE_SAVE", default_value = "5m", value_parser = parse_duration, value_name = "DURATION")]
    pub cookie_save: Duration,
    /// How long answers that still stream may hold up a new login, which would break them off.
    #[arg(long, env = "WORMHOLE_LOGIN_PATIENCE", default_value = "15s", value_parser = parse_duration, value_name = "DURATION")]
    pub login_patience: Duration,
}

/// Letting a person in, and calling one.
#[derive(Debug, Clone, ClapArgs)]
#[group(skip)]
pub struct ConsoleArgs {
    /// What an operator signs in to the console with, 12 characters at least; without it there is no console.
    #[arg(long, env = "WORMHOLE_CONSOLE_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    pub console_token: Option<SecretString>,
    /// The file that holds the console's token.
    #[arg(long, env = "WORMHOLE_CONSOLE_TOKEN_FILE", value_name = "FILE")]
    pub console_token_file: Option<PathBuf>,
    /// Where the console listens.
    #[arg(long, env = "WORMHOLE_CONSOLE_LISTEN", default_value = "0.0.0.0:8767", value_name = "ADDRESS")]
    pub console_listen: SocketAddr,
    /// Where operators are told to go: the console as they reach it.
    #[arg(long, env = "WORMHOLE_CONSOLE_URL", default_value = "http://127.0.0.1:8767", value_name = "URL")]
    pub console_url: Url,
    /// Where to POST, once, when the page comes to need a person. The address may hold a secret.
    #[arg(long, env = "WORMHOLE_ALERT_WEBHOOK", hide_env_values = true, value_name = "URL")]
    pub alert_webhook: Option<SecretString>,
    /// The file that holds the address to POST to.
    #[arg(long, env = "WORMHOLE_ALERT_WEBHOOK_FILE", value_name = "FILE")]
    pub alert_webhook_file: Option<PathBuf>,
}

/// The WebSocket transport between the page script and the bridge.
#[derive(Debug, Clone, ClapArgs)]
#[group(skip)]
pub struct PageArgs {
    /// Where the page script's WebSocket arrives, such as 127.0.0.1:8766; without it the script speaks over DevTools.
    #[arg(long, env = "WORMHOLE_PAGE_LISTEN", value_name = "ADDRESS")]
    pub page_listen: Option<SocketAddr>,
    /// What the page dials to get there, `ws://` or `wss://`.
    #[arg(long, env = "WORMHOLE_PAGE_URL", default_value = "ws://127.0.0.1:8766", value_name = "URL")]
    pub page_url: Url,
}
