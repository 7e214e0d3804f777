//! One Chromium on one profile, with one injected tab in it.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chromiumoxide::cdp::browser_protocol::browser::{
    CloseParams, SetDownloadBehaviorBehavior, SetDownloadBehaviorParams,
};
use chromiumoxide::cdp::browser_protocol::target::{CloseTargetParams, GetTargetsParams, TargetId};
use chromiumoxide::error::CdpError;
use tokio::task::{AbortHandle, JoinSet};
use tracing::{Instrument as _, info_span};
use url::Url;

use crate::chrome::{Chrome, Gone, ProfileLock, devtools};
pub use crate::chrome::{GoneReason, LaunchError};
use crate::cookies::{self, Saved};
use crate::inject;
use crate::page_port::{PageDoor, Pass};
use crate::tab::{self, Life, Shared, Tab, TabError};

/// How to start a browser.
#[derive(Debug, Clone)]
pub struct BrowserConfig {
    /// The Chromium to run; searched for if not given.
    pub bin: Option<PathBuf>,
    /// The profile folder; made if it is not there.
    pub user_data_dir: PathBuf,
    /// The DevTools port on loopback; 0 takes any free one.
    pub debug_port: u16,
    /// Without a window.
    pub headless: bool,
    /// Width and height of the window.
    pub window: (u32, u32),
    /// Further arguments, as Chromium spells them.
    pub extra_args: Vec<String>,
    /// The only origins whose documents get the script; more than the origin of each URL is ignored.
    pub origins: Vec<Url>,
    /// A file to inject in place of our own script.
    pub script: Option<PathBuf>,
    /// Where the script is to come by a WebSocket, in place of the binding.
    pub page_port: Option<PageDoor>,
    /// How long until Chromium must be ready.
    pub launch_timeout: Duration,
}

impl BrowserConfig {
    /// Defaults for a profile folder and a site: headless, any free port, our script.
    pub fn new(user_data_dir: impl Into<PathBuf>, origins: Vec<Url>) -> Self {
        Self {
            bin: None,
            user_data_dir: user_data_dir.into(),
            debug_port: 0,
            headless: true,
            window: (1280, 800),
            extra_args: Vec::new(),
            origins,
            script: None,
            page_port: None,
            launch_timeout: Duration::from_secs(30),
        }
    }
}

/// One Chromium on one profile, with one injected tab in it. Dropping it kills the process group; [`Browser::close`]
/// is the way that keeps the session. After [`Browser::gone`] it should be closed too: that waits for what is left.
pub struct Browser {
    tab: Tab,
    gone: Gone,
    devtools: Arc<chromiumoxide::Browser>,
    address: String,
    profile: PathBuf,
    /// The tab's own task, one of those below.
    life: AbortHandle,
    _tasks: JoinSet<()>,
    /// For as long as it is here, pages may come by the page port.
    _pass: Option<Pass>,
    chrome: Chrome,
}

impl Browser {
    /// Locks the profile, starts Chromium, restores the saved cookies and opens the tab on `about:blank`.
    ///
    /// # Errors
    /// [`LaunchError::ProfileLocked`] and [`LaunchError::ProfileInUse`] are for somebody else to end; others may
    /// pass by themselves.
    pub async fn launch(config: &BrowserConfig) -> Result<Self, LaunchError> {
        let pass = config.page_port.as_ref().map(PageDoor::pass);
        let script = read_script(config, pass.as_ref()).await?;
        let lock = ProfileLock::take(&config.user_data_dir)?;
        let saved = Saved::read(&config.user_data_dir).await;
        let (chrome, address) = Chrome::start(config, lock).await?;
        tracing::info!(pid = chrome.pid(), "Chromium runs");

        let failed = |error: CdpError| LaunchError::Devtools(error.to_string());
        let (devtools, handler) = devtools::connect(&address).await.map_err(failed)?;
        let devtools = Arc::new(devtools);
        let gone = Gone::new();
        let mut tasks = JoinSet::new();
        tasks
            .spawn(devtools::drive(handler, chrome.ended(), gone.clone()).instrument(info_span!("devtools")));
        tasks.spawn(devtools::watch_exit(chrome.ended(), gone.clone()));
        tasks.spawn(
            devtools::heartbeat(Arc::clone(&devtools), gone.clone()).instrument(info_span!("heartbeat")),
        );

        let restored = saved.restore(&devtools).await.map_err(failed)?;
        tracing::debug!(restored, "saved cookies are back");
        refuse_downloads(&devtools).await.map_err(failed)?;
        let shared = Arc::new(Shared::new(inject::origins(&config.origins)));
        if let Some(pass) = &pass {
            pass.lead_to(&shared);
        }
        let opened = tab::open(&devtools, &script).await.map_err(failed)?;
        close_others(&devtools, opened.0.target_id()).await.map_err(failed)?;
        shared.set_page(opened.0.clone());
        let life = Life::new(Arc::clone(&devtools), Arc::clone(&shared), gone.clone(), script);
        let life = tasks.spawn(life.run(opened).instrument(info_span!("tab")));
        let tab = Tab::new(shared, Arc::clone(&devtools), config.origins.clone().into());
        let browser = Self {
            tab,
            gone,
            devtools,
            address,
            profile: config.user_data_dir.clone(),
            life,
            _tasks: tasks,
            _pass: pass,
            chrome,
        };
        Ok(browser)
    }

    /// The tab.
    pub fn tab(&self) -> Tab {
        self.tab.clone()
    }

    /// Waits until the browser is gone, and says why. It does not end while the browser works.
    pub async fn gone(&self) -> GoneReason {
        self.gone.wait().await
    }

    /// Writes the cookies into the profile folder, session cookies included; returns how many.
    pub async fn save_cookies(&self) -> Result<usize, TabError> {
        cookies::save(&self.devtools, &self.profile).await
    }

    /// Asks Chromium to end, then insists. Cookies are the caller's to save before. Nothing is left when it returns.
    pub async fn close(self) {
        // It would open the tab again.
        self.life.abort();
        // Any signal before it would cost the cookies of the last half minute. When it is gone already, nobody
        // answers; when it hangs, the wait that follows is the same.
        if !self.gone.is_told() {
            drop(devtools::execute(&self.devtools, CloseParams::default()).await);
        }
        self.chrome.end().await;
    }

    /// The process id of Chromium, which is also its process group.
    pub fn pid(&self) -> u32 {
        self.chrome.pid()
    }

    /// The port of DevTools on loopback.
    pub fn debug_port(&self) -> u16 {
        Url::parse(&self.address).ok().and_then(|url| url.port()).unwrap_or_default()
    }

    /// The address of the DevTools socket, on loopback. Whoever has it owns the session.
    pub fn devtools_url(&self) -> &str {
        &self.address
    }
}

impl fmt::Debug for Browser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Browser").field("pid", &self.pid()).finish_non_exhaustive()
    }
}

async fn read_script(config: &BrowserConfig, pass: Option<&Pass>) -> Result<String, LaunchError> {
    let origins = inject::origins(&config.origins);
    let Some(path) = &config.script else { return Ok(inject::assemble(inject::SCRIPT, &origins, pass)) };
    let mounted = tokio::fs::read_to_string(path).await;
    let body = mounted.map_err(|source| LaunchError::Script { path: path.clone(), source })?;
    Ok(inject::assemble(&body, &origins, pass))
}

/// The blank page that Chromium starts with.
async fn close_others(devtools: &chromiumoxide::Browser, ours: &TargetId) -> Result<(), CdpError> {
    let all = devtools::execute(devtools, GetTargetsParams::default()).await?.target_infos;
    for other in all.into_iter().filter(|target| target.r#type == "page" && target.target_id != *ours) {
        devtools::execute(devtools, CloseTargetParams::new(other.target_id)).await?;
    }
    Ok(())
}

/// Nobody would fetch them, and a full disk would end the session.
async fn refuse_downloads(devtools: &chromiumoxide::Browser) -> Result<(), CdpError> {
    let deny = SetDownloadBehaviorParams::new(SetDownloadBehaviorBehavior::Deny);
    devtools::execute(devtools, deny).await.map(drop)
}
