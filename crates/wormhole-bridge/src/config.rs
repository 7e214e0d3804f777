//! Settings that have been checked. Only these go further than `main`.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

use ipnet::IpNet;
use url::Url;
use wormhole_client::{HubAddress, LinkTimings, hub_url};
use wormhole_runtime::{ConfigError, ExposeSecret as _, SecretString, secret_from};

pub use self::kube::KubeConfig;
use crate::{
    args::{Args, ChromeArgs, ConsoleArgs, HubArgs, LoginArgs, PageArgs, SiteArgs, WaitArgs},
    browser::{BrowserConfig, Ceilings, Publish},
    canary::CanaryConfig,
    console::ConsoleConfig,
    diagnostics::DiagnosticsConfig,
    inject,
    page_port::PagePortConfig,
    session::{Credentials, Email, Password},
    site::Profile,
};

/// Everything the bridge is started with.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the hub is.
    pub hub: HubAddress,
    /// How patient the link to the hub is.
    pub link: LinkTimings,
    /// Where probes and metrics are served; port 0 takes any free one.
    pub admin: SocketAddr,
    /// The site.
    pub site: Profile,
    /// What the account is called at the hub.
    pub account: String,
    /// What to log in with; without it a person must.
    pub credentials: Option<Credentials>,
    /// The browser. Its origins are always the site's.
    pub browser: BrowserConfig,
    /// How the session is kept.
    pub session: SessionTimings,
    /// Where reports on a changed site are kept, if anywhere.
    pub diagnostics: Option<DiagnosticsConfig>,
    /// How often the bridge asks its site a question of its own, if at all.
    pub canary: Option<CanaryConfig>,
    /// The console; without it there is none, and no socket.
    pub console: Option<ConsoleConfig>,
    /// The address that is told when a person is needed; it may hold a secret.
    pub alerts: Option<SecretString>,
    /// The pod that this bridge is, if it is to use its cluster.
    pub kube: Option<KubeConfig>,
    /// The page port; without it there is no such socket, and the page script speaks over DevTools.
    pub page_port: Option<PagePortConfig>,
    /// How long a shutdown may wait for turns that run.
    pub grace: Duration,
}

/// How the session is kept.
#[derive(Debug, Clone)]
pub struct SessionTimings {
    /// How often to make sure that the site still knows the session.
    pub check: Duration,
    /// How often to look whether a person has finished what the site asked for.
    pub person: Duration,
    /// How often to save the browser's cookies.
    pub cookies: Duration,
    /// How long answers that still stream may hold up a new login, which would break them off.
    pub patience: Duration,
    /// Three sessions in a row that last less than this are not logged in to a fourth time.
    pub short: Duration,
}

impl Default for SessionTimings {
    fn default() -> Self {
        Self {
            check: Duration::from_mins(1),
            person: Duration::from_secs(15),
            cookies: Duration::from_mins(5),
            patience: Duration::from_secs(15),
            short: Duration::from_mins(1),
        }
    }
}

impl Config {
    /// Defaults for a hub, a site and a profile folder: no credentials, any free ports on loopback.
    pub fn new(hub: HubAddress, site: Profile, user_data_dir: impl Into<PathBuf>) -> Self {
        let browser = BrowserConfig::new(user_data_dir, site.origins());
        Self {
            hub,
            link: LinkTimings::default(),
            admin: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            site,
            account: "default".to_owned(),
            credentials: None,
            browser,
            session: SessionTimings::default(),
            diagnostics: None,
            canary: None,
            console: None,
            alerts: None,
            kube: None,
            page_port: None,
            grace: Duration::from_secs(25),
        }
    }
}

impl TryFrom<Args> for Config {
    type Error = ConfigError;

    fn try_from(args: Args) -> Result<Self, ConfigError> {
        let Args {
            hub,
            site,
            login,
            chrome,
            waits,
            console,
            diagnostics,
            canary,
            kube,
            page,
            admin,
            grace,
            log: _,
        } = args;
        let mut profile = site.profile()?;
        let session = waits.apply(&mut profile)?;
        let alerts = console.webhook()?;
        Ok(Self {
            hub: hub.address()?,
            link: LinkTimings::default(),
            admin,
            browser: BrowserConfig { publish: chrome.publish()?, ..chrome.browser(&profile)? },
            site: profile,
            account: account(site.account)?,
            credentials: login.credentials()?,
            session,
            diagnostics: diagnostics.config(),
            canary: canary.config()?,
            console: console.config()?,
            alerts,
            kube: kube.config()?,
            page_port: page.config()?,
            grace,
        })
    }
}

impl HubArgs {
    fn address(self) -> Result<HubAddress, ConfigError> {
        let Self { server_url, server_host, server_port, page_token, page_token_file } = self;
        let name = "WORMHOLE_PAGE_TOKEN";
        let token = secret_from(page_token, page_token_file.as_deref(), name)?
            .ok_or_else(|| ConfigError::new(name, "is required: the token that the hub gives to pages"))?;
        Ok(HubAddress { url: hub_url(server_url, &server_host, server_port)?, token, name: host_name() })
    }
}

/// For the hub's logs.
fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    if name.trim().is_empty() { "wormhole-bridge".to_owned() } else { name.trim().to_owned() }
}

fn account(name: String) -> Result<String, ConfigError> {
    let fits = (1..=64).contains(&name.len())
        && !name.contains(|c: char| c.is_control() || c.is_whitespace() || c == '/');
    if fits {
        Ok(name)
    } else {
        Err(ConfigError::new("WORMHOLE_ACCOUNT", "must be 1 to 64 characters without blanks or /"))
    }
}

impl SiteArgs {
    /// The site profile that is asked for.
    ///
    /// # Errors
    /// There is none of that name, its file cannot be used, or the origin cannot.
    pub fn profile(&self) -> Result<Profile, ConfigError> {
        let profile = Profile::load(&self.site)
            .map_err(|error| ConfigError::new("WORMHOLE_SITE", error.to_string()))?;
        match &self.site_origin {
            None => Ok(profile),
            Some(origin) => profile
                .at(origin.clone())
                .map_err(|error| ConfigError::new("WORMHOLE_SITE_ORIGIN", error.to_string())),
        }
    }
}

impl LoginArgs {
    /// The credentials, if there are any.
    ///
    /// # Errors
    /// Half of them is missing, or the password is given twice or in a file that cannot be read.
    pub fn credentials(&self) -> Result<Option<Credentials>, ConfigError> {
        let password_file = given(self.password_file.as_deref());
        let email_file = given(self.email_file.as_deref());
        // Read here to find out early whether they can be read; before each login they are read anew.
        let password = secret_from(self.password.clone(), password_file, "OUTLIER_PASSWORD")?;
        let email = self.email.clone().filter(|email| !email.trim().is_empty());
        let email = secret_from(email.map(SecretString::from), email_file, "OUTLIER_EMAIL")?;
        let missing = |name, other| Err(ConfigError::new(name, format!("is required with {other}")));
        match (email, password) {
            (None, None) => Ok(None),
            (None, Some(_)) => missing("OUTLIER_EMAIL", "OUTLIER_PASSWORD"),
            (Some(_), None) => missing("OUTLIER_PASSWORD", "OUTLIER_EMAIL"),
            (Some(email), Some(password)) => {
                let address = || Email::Given(email.expose_secret().to_owned());
                let email = email_file.map_or_else(address, |file| Email::File(file.to_owned()));
                Ok(Some(Credentials { email, password: place_of(password, password_file) }))
            }
        }
    }
}

/// An empty variable is what Compose passes for one that is not set.
fn given(file: Option<&Path>) -> Option<&Path> {
    file.filter(|path| !path.as_os_str().is_empty())
}

impl ConsoleArgs {
    /// The shortest token: every other console that can be guessed is an open browser.
    const SHORTEST: usize = 12;

    fn config(self) -> Result<Option<ConsoleConfig>, ConfigError> {
        let name = "WORMHOLE_CONSOLE_TOKEN";
        let Some(token) = secret_from(self.console_token, self.console_token_file.as_deref(), name)? else {
            return Ok(None);
        };
        if token.expose_secret().len() < Self::SHORTEST {
            return Err(ConfigError::new(name, format!("must have {} characters at least", Self::SHORTEST)));
        }
        if !is_http(&self.console_url) {
            return Err(ConfigError::new("WORMHOLE_CONSOLE_URL", "must begin with http:// or https://"));
        }
        Ok(Some(ConsoleConfig { token, listen: self.console_listen, url: self.console_url }))
    }

    fn webhook(&self) -> Result<Option<SecretString>, ConfigError> {
        let name = "WORMHOLE_ALERT_WEBHOOK";
        let address = secret_from(self.alert_webhook.clone(), self.alert_webhook_file.as_deref(), name)?;
        // The address itself stands in no error.
        match &address {
            Some(address) if !address.expose_secret().parse().is_ok_and(|url| is_http(&url)) => {
                Err(ConfigError::new(name, "must be an address that begins with http:// or https://"))
            }
            _ => Ok(address),
        }
    }
}

fn is_http(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https") && url.has_host()
}

fn place_of(password: SecretString, file: Option<&Path>) -> Password {
    file.map_or(Password::Given(password), |file| Password::File(file.to_owned()))
}

impl ChromeArgs {
    /// How to start the browser for a site.
    ///
    /// # Errors
    /// The page script or the file of trusted keys cannot be read.
    pub fn browser(&self, site: &Profile) -> Result<BrowserConfig, ConfigError> {
        let mut browser = BrowserConfig::new(self.chrome_user_data_dir.clone(), site.origins());
        if let Some(script) = &self.inject_script
            && let Err(error) = inject::read(script)
        {
            let what = format!("cannot read {}: {}", script.display(), error.kind());
            return Err(ConfigError::new("WORMHOLE_INJECT_SCRIPT", what));
        }
        browser.bin.clone_from(&self.chrome_bin);
        browser.debug_port = self.chrome_debug_port;
        browser.headless = self.chrome_headless;
        browser.script.clone_from(&self.inject_script);
        let extra = self.chrome_extra_args.as_deref().unwrap_or_default();
        browser.extra_args = extra.split_whitespace().map(str::to_owned).collect();
        browser.sandbox = self.chrome_sandbox;
        browser.ceilings = self.ceilings();
        if let Some(file) = &self.chrome_trust_keys_file {
            browser.extra_args.push(trust::argument(file)?);
        }
        Ok(browser)
    }

    fn ceilings(&self) -> Ceilings {
        let some = |age: Duration| (!age.is_zero()).then_some(age);
        Ceilings {
            memory: Ceilings::mebibytes(self.chrome_memory_mib),
            age: some(self.chrome_max_age),
            tab_memory: Ceilings::mebibytes(self.chrome_tab_memory_mib),
            tab_age: some(self.chrome_tab_max_age),
            ..Ceilings::default()
        }
    }

    /// Where DevTools is published. Only the bridge does: a login or a look of the doctor is over too soon.
    fn publish(&self) -> Result<Option<Publish>, ConfigError> {
        const ALLOW: &str = "CHROME_DEBUG_ALLOW";
        let Some(listen) = self.chrome_debug_publish else { return Ok(None) };
        let words = self.chrome_debug_allow.as_deref().unwrap_or_default();
        let mut allow = Vec::new();
        for word in words.split(',').map(str::trim).filter(|word| !word.is_empty()) {
            let net = word.parse::<IpNet>().or_else(|_| word.parse::<IpAddr>().map(IpNet::from));
            let what = || {
                ConfigError::new(ALLOW, format!("`{word}` is no address and no network such as 10.0.0.0/8"))
            };
            allow.push(net.map_err(|_| what())?);
        }
        if allow.is_empty() {
            return Err(ConfigError::new(ALLOW, "is required with CHROME_DEBUG_PUBLISH: who may connect"));
        }
        Ok(Some(Publish { listen, allow }))
    }
}

impl PageArgs {
    fn config(self) -> Result<Option<PagePortConfig>, ConfigError> {
        let Self { page_listen, page_url: url } = self;
        let Some(listen) = page_listen else { return Ok(None) };
        // The token travels in a message. What stands in an address, a page's own tools show and proxies log.
        let is_plain = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
        if !matches!(url.scheme(), "ws" | "wss") || !is_plain {
            let what = "must be a plain URL such as ws://127.0.0.1:8766";
            return Err(ConfigError::new("WORMHOLE_PAGE_URL", what));
        }
        Ok(Some(PagePortConfig { listen, url: Some(url) }))
    }
}

impl WaitArgs {
    /// Puts the turns' waits into the profile, and gives the session's.
    fn apply(self, site: &mut Profile) -> Result<SessionTimings, ConfigError> {
        let Self {
            turn_first_byte,
            turn_idle,
            turn_total,
            session_check,
            person_check,
            cookie_save,
            login_patience,
        } = self;
        let waits = &mut site.timeouts;
        for (name, given, wait) in [
            ("WORMHOLE_TURN_FIRST_BYTE", turn_first_byte, &mut waits.first_byte),
            ("WORMHOLE_TURN_IDLE", turn_idle, &mut waits.idle),
            ("WORMHOLE_TURN_TOTAL", turn_total, &mut waits.total),
        ] {
            if let Some(given) = given {
                *wait = some_time(name, given)?;
            }
        }
        Ok(SessionTimings {
            check: some_time("WORMHOLE_SESSION_CHECK", session_check)?,
            person: some_time("WORMHOLE_PERSON_CHECK", person_check)?,
            cookies: some_time("WORMHOLE_COOKIE_SAVE", cookie_save)?,
            patience: login_patience,
            ..SessionTimings::default()
        })
    }
}

fn some_time(name: &str, wait: Duration) -> Result<Duration, ConfigError> {
    if wait.is_zero() { Err(ConfigError::new(name, "must be longer than 0")) } else { Ok(wait) }
}

mod kube;
mod trust;

#[cfg(test)]
mod tests;
