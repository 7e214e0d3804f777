//! Logging in with the operator's credentials: once, and never again after the site has refused them.

use std::{
    fmt,
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tokio::time::{Instant, MissedTickBehavior, interval, timeout_at};
use url::Url;
use wormhole_runtime::{ConfigError, ExposeSecret, SecretString, secret_from};

use crate::{
    session::look::{Looker, first_match},
    site::Login,
    tab::{Tab, TabError, TabEvent},
};

/// How often the page is looked at while something is awaited of it; a new document is looked at sooner.
const GLANCE: Duration = Duration::from_millis(250);

/// What the operator gave to log in with.
#[derive(Clone)]
pub struct Credentials {
    /// The e-mail address, or where it stands.
    pub email: Email,
    /// The password, or where it stands.
    pub password: Password,
}

/// An e-mail address, or the file it is read from before each login.
#[derive(Clone)]
pub enum Email {
    /// The address.
    Given(String),
    /// Its file.
    File(PathBuf),
}

impl From<String> for Email {
    fn from(address: String) -> Self {
        Self::Given(address)
    }
}

/// A password, or the file it is read from before each login.
#[derive(Clone)]
pub enum Password {
    /// The password.
    Given(SecretString),
    /// Its file.
    File(PathBuf),
}

// Neither is anybody's business in a log.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").finish_non_exhaustive()
    }
}

impl Credentials {
    fn email(&self) -> Result<SecretString, ConfigError> {
        match &self.email {
            Email::Given(email) => Ok(SecretString::from(email.as_str())),
            Email::File(path) => from_file(path, "OUTLIER_EMAIL"),
        }
    }

    fn password(&self) -> Result<SecretString, ConfigError> {
        match &self.password {
            Password::Given(password) => Ok(password.clone()),
            Password::File(path) => from_file(path, "OUTLIER_PASSWORD"),
        }
    }

    /// Changes when address or password change, and tells nothing about them. A file that cannot be read counts as a
    /// change: the try that follows says what is wrong with it.
    pub(crate) fn mark(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        for secret in [self.email(), self.password()] {
            secret.ok().map(|secret| secret.expose_secret().to_owned()).hash(&mut hasher);
        }
        hasher.finish()
    }
}

fn from_file(path: &Path, name: &str) -> Result<SecretString, ConfigError> {
    secret_from(None, Some(path), name)?
        .ok_or_else(|| ConfigError::new(format!("{name}_FILE"), "the file is empty"))
}

/// How a login ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LoginEnd {
    /// Logged in.
    In,
    /// The site has seen the credentials and let nobody in: not again.
    Refused(String),
    /// The site asks for a person; what for.
    Challenge(&'static str),
    /// The credentials were not posted; another try does no harm.
    NotTried(String),
}

/// Logs in on the login page, within the profile's deadline for logins.
///
/// # Errors
/// Only [`TabError::BrowserGone`]; a page that changes under the hand is looked at again.
pub(crate) async fn log_in(
    looker: &Looker,
    tab: &Tab,
    credentials: &Credentials,
) -> Result<LoginEnd, TabError> {
    let (email, password) = match (credentials.email(), credentials.password()) {
        (Ok(email), Ok(password)) => (email, password),
        (Err(error), _) | (_, Err(error)) => return Ok(LoginEnd::NotTried(error.to_string())),
    };
    let site = Arc::clone(looker.site());
    let Some(login) = &site.login else {
        return Ok(LoginEnd::NotTried("the site profile does not say how to log in".to_owned()));
    };
    let deadline = Instant::now() + login.deadline;
    let mut form = Form { looker, login, tab, posted: false, refusals: 0 };
    let flow = form.go(&email, &password);
    match timeout_at(deadline, flow).await {
        Ok(Ok(end)) => Ok(end),
        Ok(Err(TabError::BrowserGone)) => Err(TabError::BrowserGone),
        Ok(Err(error)) if !form.posted => Ok(LoginEnd::NotTried(error.to_string())),
        Ok(Err(error)) => Ok(LoginEnd::Refused(format!("the login broke off after it was posted: {error}"))),
        Err(_) if !form.posted => Ok(LoginEnd::NotTried(form.what_is_missing().await)),
        Err(_) => {
            Ok(LoginEnd::Refused("the login page did not go away after the login was posted".to_owned()))
        }
    }
}

struct Form<'a> {
    looker: &'a Looker,
    login: &'a Login,
    tab: &'a Tab,
    /// From here on the site may have the credentials.
    posted: bool,
    /// Elements that look like a refusal before anything was posted.
    refusals: usize,
}

impl Form<'_> {
    async fn go(&mut self, email: &SecretString, password: &SecretString) -> Result<LoginEnd, TabError> {
        let login = self.login;
        let url = self.tab.url().await?;
        let is_there =
            self.looker.site().is_logged_out(&url) && first_match(self.tab, &login.email).await?.is_some();
        if !is_there {
            self.tab.goto(&self.looker.site().login_url()).await?;
        }
        let email_field = match self.await_field(&login.email).await? {
            Ok(selector) => selector,
            Err(end) => return Ok(end),
        };
        self.tab.fill(email_field, email).await?;
        if first_match(self.tab, &login.password).await?.is_none() {
            // Some sites ask for the address first, and for the password on a second page.
            self.submit(email_field).await?;
        }
        let password_field = match self.await_field(&login.password).await? {
            Ok(selector) => selector,
            Err(end) => return Ok(end),
        };
        self.refusals = self.count(&login.refused).await;
        let generation = generation(self.tab);
        self.tab.fill(password_field, password).await?;
        self.posted = true;
        self.submit(password_field).await?;
        self.await_end(generation).await
    }

    async fn submit(&self, field: &str) -> Result<(), TabError> {
        let sent = match first_match(self.tab, &self.login.submit).await? {
            Some(button) => self.tab.click(button).await,
            None => self.tab.press_enter(field).await,
        };
        // The page may be gone before it can say that the button was clicked.
        if let Err(TabError::ContextLost) = sent { Ok(()) } else { sent }
    }

    /// Waits for one of the fields; or for something that ends the login before it began.
    async fn await_field<'s>(&self, selectors: &'s [String]) -> Result<Result<&'s str, LoginEnd>, TabError> {
        let mut glance = Glance::new(self.tab);
        loop {
            if let Some(selector) = first_match(self.tab, selectors).await? {
                return Ok(Ok(selector));
            }
            if let Some(end) = self.seen_end().await? {
                return Ok(Err(end));
            }
            glance.next().await;
        }
    }

    async fn await_end(&self, before: u64) -> Result<LoginEnd, TabError> {
        let mut glance = Glance::new(self.tab);
        loop {
            if let Some(end) = self.seen_end().await? {
                return Ok(end);
            }
            if self.shows_refusal(before).await? {
                return Ok(LoginEnd::Refused("the site refused the credentials".to_owned()));
            }
            glance.next().await;
        }
    }

    /// The login page says no. What the pages after it say is not meant for the login: the document must not change
    /// while it is looked at.
    async fn shows_refusal(&self, before: u64) -> Result<bool, TabError> {
        let now = generation(self.tab);
        let refusals = self.count(&self.login.refused).await;
        let says_no = refusals > self.refusals || (now != before && refusals > 0);
        let Some(url) = unless_gone(self.tab.url().await)? else { return Ok(false) };
        Ok(says_no && self.looker.site().is_logged_out(&url) && generation(self.tab) == now)
    }

    async fn seen_end(&self) -> Result<Option<LoginEnd>, TabError> {
        let Some(url) = unless_gone(self.tab.url().await)? else { return Ok(None) };
        if unless_gone(self.looker.seems_in(self.tab).await)? == Some(true) {
            return Ok(Some(LoginEnd::In));
        }
        Ok(unless_gone(self.looker.challenge(self.tab, &url).await)?.flatten().map(LoginEnd::Challenge))
    }

    async fn count(&self, selectors: &[String]) -> usize {
        let mut count = 0;
        for selector in selectors {
            count += self.tab.count(selector).await.unwrap_or(0);
        }
        count
    }

    async fn what_is_missing(&self) -> String {
        let login = self.login;
        let at = self.tab.url().await.map_or_else(|_| "an unknown page".to_owned(), |url| place(&url));
        for (name, selectors) in [("login.email", &login.email), ("login.password", &login.password)] {
            if !matches!(first_match(self.tab, selectors).await, Ok(Some(_))) {
                return format!("site_changed: nothing on {at} matches {name}");
            }
        }
        format!("the login page {at} did not answer in time")
    }
}

/// Where a page is, without its query: that may hold tokens.
fn place(url: &Url) -> String {
    format!("{}{}", url.origin().ascii_serialization(), url.path())
}

fn unless_gone<T>(result: Result<T, TabError>) -> Result<Option<T>, TabError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(TabError::BrowserGone) => Err(TabError::BrowserGone),
        Err(_) => Ok(None),
    }
}

/// Which document the tab shows.
fn generation(tab: &Tab) -> u64 {
    match &*tab.events().borrow() {
        TabEvent::Installed { generation, .. } => *generation,
        TabEvent::Lost { .. } => 0,
    }
}

/// The next moment to look at a page: it shows another document, or a little time has passed.
pub(crate) struct Glance {
    events: tokio::sync::watch::Receiver<TabEvent>,
    ticks: tokio::time::Interval,
}

impl Glance {
    fn new(tab: &Tab) -> Self {
        let mut ticks = interval(GLANCE);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks.reset();
        Self { events: tab.events(), ticks }
    }

    async fn next(&mut self) {
        let is_over = tokio::select! {
            changed = self.events.changed() => changed.is_err(),
            _ = self.ticks.tick() => false,
        };
        if is_over {
            // The tab is gone: whoever asks it next learns so.
            self.ticks.tick().await;
        }
    }
}
