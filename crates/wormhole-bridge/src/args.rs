//! Settings as they stand on the command line and in the environment. [`Config`](crate::Config) is what becomes of them.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::{ArgAction, Args as ClapArgs};
use url::Url;
use wormhole_runtime::{LogArgs, SecretString, parse_duration};

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
    /// The site profile: the name of a shipped one (outlier, outlier-expert, playground) or the path of a YAML file.
    #[arg(long, env = "WORMHOLE_SITE", default_value = "outlier", value_name = "NAME|FILE")]
    pub site: String,
    /// The site's origin, in place of the profile's; the login lives there, too.
    #[arg(long, env = "WORMHOLE_SITE_ORIGIN", value_name = "URL")]
    pub site_origin: Option<Url>,
    /// What the account is called at the hub: one browser profile, logged in to one site.
    #[arg(long, env = "WORMHOLE_ACCOUNT", default_value = "default", value_name = "NAME")]
    pub account: String,
}

/// What to log in with. Without it a person logs in, with `wormhole login`.
#[derive(Debug, Clone, ClapArgs)]
#[group(skip)]
pub struct LoginArgs {
    /// The e-mail address to log in with.
    #[arg(long, env = "OUTLIER_EMAIL", hide_env_values = true, value_name = "ADDRESS")]
    pub email: Option<String>,
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
    /// Whether Chromium runs without a window.
    #[arg(long, env = "CHROME_HEADLESS", default_value_t = true, action = ArgAction::Set, value_name = "BOOL")]
    pub chrome_headless: bool,
    /// Further arguments for Chromium, with blanks between them.
    #[arg(long, env = "CHROME_EXTRA_ARGS", allow_hyphen_values = true, value_name = "ARGUMENTS")]
    pub chrome_extra_args: Option<String>,
    /// A page script in place of our own `inject_wormhole.js`.
    #[arg(long, env = "WORMHOLE_INJECT_SCRIPT", value_name = "FILE")]
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
