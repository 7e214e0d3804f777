//! The session outlives Chromium.
//!
//! Chromium writes its cookies every half minute, and those without an expiry date never. So they are saved in a
//! file beside its own, after a login, now and then, and at the end, and put back when it starts.
//!
//! The file is not encrypted: the profile folder it lies in holds the same cookies in plaintext already
//! (`--password-store=basic`; there is no keyring on a server), and a key would have to lie beside it. The folder is
//! the secret (0700), and so is this file (0600). Values are never logged.

use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use chromiumoxide::cdp::browser_protocol::network::{Cookie, CookieParam, TimeSinceEpoch};
use chromiumoxide::cdp::browser_protocol::storage::{GetCookiesParams, SetCookiesParams};
use chromiumoxide::error::CdpError;
use tokio::fs;
use tokio::io::AsyncWriteExt as _;
use url::Url;

use crate::chrome::devtools::execute;
use crate::tab::TabError;

const FILE: &str = "wormhole-cookies.json";

/// Where Chromium keeps its own, by version and by journal mode.
const CHROMIUMS_OWN: [&str; 4] =
    ["Default/Cookies", "Default/Cookies-wal", "Default/Network/Cookies", "Default/Network/Cookies-wal"];

/// The cookies to put back, read before Chromium starts: it touches its own file when it does.
#[derive(Default)]
pub(crate) struct Saved {
    cookies: Vec<CookieParam>,
    /// Chromium wrote later than we did: what it has is the newer, and older values must not win.
    is_older: bool,
}

impl Saved {
    /// Reads them.
    pub(crate) async fn read(profile: &Path) -> Self {
        let path = profile.join(FILE);
        let text = match fs::read(&path).await {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Self::default(),
            Err(error) => {
                tracing::warn!(%error, path = %path.display(), "the saved cookies cannot be read");
                return Self::default();
            }
        };
        let Ok(cookies) = serde_json::from_slice::<Vec<CookieParam>>(&text) else {
            // serde's own words would quote a value.
            tracing::warn!(path = %path.display(), "the saved cookies are not in the shape they were written in");
            return Self::default();
        };
        let is_older = changed(&path).await < chromium_wrote(profile).await;
        Self { cookies, is_older }
    }

    /// Puts them into the browser: all of them, if Chromium was killed before it could write; otherwise those it does not
    /// have, which are those it never writes, and what was lost when it was ended while it wrote. (One that the site took
    /// back in the meantime comes back as well, and is as good as none: its session is over.) Those it refuses are left
    /// out, as one of them would keep out all others.
    pub(crate) async fn restore(mut self, browser: &chromiumoxide::Browser) -> Result<usize, CdpError> {
        if self.is_older {
            let there = execute(browser, GetCookiesParams::default()).await?.cookies;
            let there: Vec<CookieParam> = there.into_iter().map(param).collect();
            self.cookies.retain(|cookie| !there.iter().any(|other| is_same(cookie, other)));
        }
        let all = self.cookies.len();
        if all == 0 {
            return Ok(0);
        }
        match execute(browser, SetCookiesParams::new(self.cookies.clone())).await {
            Ok(_) => return Ok(all),
            Err(CdpError::Chrome(_)) => {}
            Err(error) => return Err(error),
        }
        let mut restored = 0;
        for cookie in self.cookies {
            let name = cookie.name.clone();
            match execute(browser, SetCookiesParams::new(vec![cookie])).await {
                Ok(_) => restored += 1,
                Err(CdpError::Chrome(_)) => tracing::warn!(name, "Chromium refuses a saved cookie"),
                Err(error) => return Err(error),
            }
        }
        Ok(restored)
    }
}

/// Puts back the saved cookies that never reach Chromium's own file, if it has none of that kind: it forgets them when
/// its last tab is closed.
pub(crate) async fn restore_if_forgotten(browser: &chromiumoxide::Browser, profile: &Path) {
    let forgotten = all(browser).await.is_ok_and(|cookies| !cookies.iter().any(|cookie| cookie.session));
    if !forgotten {
        return;
    }
    let mut saved = Saved::read(profile).await;
    saved.cookies.retain(|cookie| cookie.expires.is_none());
    match saved.restore(browser).await {
        Ok(restored) => tracing::debug!(restored, "cookies that went with the last tab are back"),
        Err(error) => tracing::warn!(%error, "cookies that went with the last tab cannot be put back"),
    }
}

async fn changed(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).await.and_then(|file| file.modified()).ok()
}

async fn chromium_wrote(profile: &Path) -> Option<SystemTime> {
    let mut latest = None;
    for own in CHROMIUMS_OWN {
        latest = latest.max(changed(&profile.join(own)).await);
    }
    latest
}

/// Writes all cookies of the profile; returns how many.
pub(crate) async fn save(browser: &chromiumoxide::Browser, profile: &Path) -> Result<usize, TabError> {
    let cookies = all(browser).await?;
    let params: Vec<CookieParam> = cookies.into_iter().map(param).collect();
    let failed = |error: io::Error| TabError::Script(format!("cannot save the cookies: {error}"));
    let text = serde_json::to_vec(&params).map_err(|error| failed(error.into()))?;
    write_whole(&profile.join(FILE), &text).await.map_err(failed)?;
    Ok(params.len())
}

/// Whole or not at all: half a file would be a lost session.
async fn write_whole(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut beside: PathBuf = path.to_owned();
    beside.set_extension("new");
    let written = async {
        let mut file =
            fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside).await?;
        file.write_all(text).await?;
        // Only this says that a write has failed: `sync_all` would call the empty file of a full disk a success.
        file.flush().await?;
        file.sync_all().await?;
        fs::rename(&beside, path).await
    };
    let written = written.await;
    if written.is_err() {
        // On a full disk half a file only takes space.
        let _ = fs::remove_file(&beside).await;
    }
    written
}

/// Whether the site has all of these cookies.
pub(crate) async fn present(
    browser: &chromiumoxide::Browser,
    origins: &[Url],
    names: &[String],
) -> Result<bool, TabError> {
    let cookies = all(browser).await?;
    let belongs =
        |cookie: &&Cookie| origins.iter().filter_map(Url::host_str).any(|host| reaches(cookie, host));
    let found: Vec<&str> = cookies.iter().filter(belongs).map(|cookie| cookie.name.as_str()).collect();
    Ok(names.iter().all(|name| found.contains(&name.as_str())))
}

fn reaches(cookie: &Cookie, host: &str) -> bool {
    match cookie.domain.strip_prefix('.') {
        Some(domain) => host == domain || host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.')),
        None => host == cookie.domain,
    }
}

async fn all(browser: &chromiumoxide::Browser) -> Result<Vec<Cookie>, TabError> {
    match execute(browser, GetCookiesParams::default()).await {
        Ok(reply) => Ok(reply.cookies),
        Err(CdpError::Timeout) => Err(TabError::Timeout("the cookies")),
        // Neither the reply nor what is wrong with it: both hold values.
        Err(CdpError::Serde(_)) => Err(TabError::Script("the cookies are in an unknown shape".to_owned())),
        Err(_) => Err(TabError::BrowserGone),
    }
}

/// The one would take the other's place.
fn is_same(one: &CookieParam, other: &CookieParam) -> bool {
    let place = |cookie: &CookieParam| {
        (cookie.url.clone(), cookie.domain.clone(), cookie.path.clone(), cookie.partition_key.clone())
    };
    one.name == other.name && place(one) == place(other)
}

/// The cookie as it is to be set again. A cookie of one host alone must be given by address: a domain, even without
/// its dot, would make it one of all hosts below.
fn param(cookie: Cookie) -> CookieParam {
    let of_one_host = !cookie.domain.starts_with('.');
    let scheme = if cookie.secure { "https" } else { "http" };
    let url = of_one_host.then(|| format!("{scheme}://{}{}", cookie.domain, cookie.path));
    CookieParam {
        url,
        domain: (!of_one_host).then_some(cookie.domain),
        path: Some(cookie.path),
        secure: Some(cookie.secure),
        http_only: Some(cookie.http_only),
        same_site: cookie.same_site,
        expires: (!cookie.session).then(|| TimeSinceEpoch::new(cookie.expires)),
        priority: Some(cookie.priority),
        source_scheme: Some(cookie.source_scheme),
        source_port: Some(cookie.source_port),
        partition_key: cookie.partition_key,
        ..CookieParam::new(cookie.name, cookie.value)
    }
}
