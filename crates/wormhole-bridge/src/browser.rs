//! One Chromium on one profile, with one injected tab in it.

mod vitals;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chromiumoxide::cdp::browser_protocol::browser::{
    CloseParams, SetDownloadBehaviorBehavior, SetDownloadBehaviorParams,
};
use chromiumoxide::cdp::browser_protocol::target::{CloseTargetParams, GetTargetsParams, TargetId};
use chromiumoxide::error::CdpError;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};
use tracing::{Instrument as _, info_span};
use url::Url;

pub use crate::chrome::{Ceilings, ChromeMetrics, GoneReason, LaunchError, Part, Publish, Reason, Wear};
use crate::chrome::{Chrome, Gone, ProfileLock, devtools, publish, runs_without_sandbox};
use crate::cookies::{self, Saved};
use crate::inject;
use crate::page_port::{PageDoor, Pass};
use crate::tab::{self, Life, Popups, Shared, Tab, TabError};

use self::vitals::Vitals;

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
    /// What to inject in place of our own script: a file, or a folder with the files of ours.
    pub script: Option<PathBuf>,
    /// Where the script is to come by a WebSocket, in place of the binding.
    pub page_port: Option<PageDoor>,
    /// How long until Chromium must be ready.
    pub launch_timeout: Duration,
    /// Whether Chromium's own sandbox is wanted. Root cannot have it.
    pub sandbox: bool,
    /// Beyond which size and age the tab and the browser are to be replaced; see [`Browser::worn`].
    pub ceilings: Ceilings,
    /// How long a pop-up may stay while no person is at work.
    pub popup_life: Duration,
    /// Where DevTools is published; nowhere if not given. Chromium's own port is any free one then.
    pub publish: Option<Publish>,
    /// What is counted.
    pub metrics: ChromeMetrics,
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
            sandbox: true,
            ceilings: Ceilings::default(),
            // A log-in window of another site opens, does its work and closes itself in less.
            popup_life: Duration::from_secs(30),
            publish: None,
            metrics: ChromeMetrics::default(),
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
    shared: Arc<Shared>,
    wear: watch::Sender<Option<Wear>>,
    person: watch::Sender<bool>,
    /// The tab's own task, one of those below.
    life: AbortHandle,
    tasks: JoinSet<()>,
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
        let script = Injected::read(config)?;
        let lock = ProfileLock::take(&config.user_data_dir)?;
        let port = match &config.publish {
            Some(publish) => Some(
                publish
                    .bind()
                    .await
                    .map_err(|source| LaunchError::Publish { addr: publish.listen, source })?,
            ),
            None => None,
        };
        let saved = Saved::read(&config.user_data_dir).await;
        let (chrome, address) = Chrome::start(config, lock).await?;
        tracing::info!(pid = chrome.pid(), "Chromium runs");
        config.metrics.no_sandbox.set(runs_without_sandbox(config).into());
        match Box::pin(Self::settle(config, &chrome, &address, saved, script)).await {
            Ok(settled) => Ok(settled.into_browser(config, chrome, address, port)),
            Err(error) => {
                // Dropping it would leave its dead to nobody.
                chrome.kill().await;
                Err(LaunchError::Devtools(error.to_string()))
            }
        }
    }

    /// Connects to a Chromium that runs, gives it its cookies and opens the tab.
    async fn settle(
        config: &BrowserConfig,
        chrome: &Chrome,
        address: &str,
        saved: Saved,
        Injected { script, pass }: Injected,
    ) -> Result<Settled, CdpError> {
        let (devtools, handler) = devtools::connect(address).await?;
        let devtools = Arc::new(devtools);
        let gone = Gone::new();
        let mut tasks = JoinSet::new();
        tasks
            .spawn(devtools::drive(handler, chrome.ended(), gone.clone()).instrument(info_span!("devtools")));
        tasks.spawn(devtools::watch_exit(chrome.ended(), gone.clone()));
        tasks.spawn(
            devtools::heartbeat(Arc::clone(&devtools), gone.clone()).instrument(info_span!("heartbeat")),
        );

        let restored = saved.restore(&devtools).await?;
        tracing::debug!(restored, "saved cookies are back");
        refuse_downloads(&devtools).await?;
        let shared = Arc::new(Shared::new(inject::origins(&config.origins)));
        if let Some(pass) = &pass {
            pass.lead_to(&shared);
        }
        let opened = tab::open(&devtools, &script).await?;
        close_others(&devtools, opened.0.target_id()).await?;
        shared.set_page(opened.0.clone());
        let profile = config.user_data_dir.clone();
        let life = Life::new(Arc::clone(&devtools), Arc::clone(&shared), gone.clone(), script, profile)
            .asked_every(config.ceilings.every);
        let life = tasks.spawn(life.run(opened).instrument(info_span!("tab")));
        Ok(Settled { devtools, gone, shared, life, tasks, pass })
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

    /// Waits until the tab or the browser is used up, and says what and by what. It does not end before.
    pub async fn worn(&self) -> Wear {
        let mut worn = self.wear.subscribe();
        match worn.wait_for(Option::is_some).await.map(|wear| *wear) {
            Ok(Some(wear)) => wear,
            // Never: the sender is ours.
            _ => std::future::pending().await,
        }
    }

    /// Opens another tab in place of this one, and shows the same address in it. What runs in the old one is lost.
    ///
    /// # Errors
    /// It took too long: whoever uses the tab next finds out how it is.
    pub async fn renew_tab(&self) -> Result<(), TabError> {
        let renewed = tab::renew(&self.shared).await;
        // That was the old tab. The new one is not worn before it has been measured.
        self.wear.send_replace(None);
        renewed
    }

    /// Gives the browser up as used up: it is [`Browser::gone`] from now on, and is to be closed.
    pub fn retire(&self, reason: Reason) {
        self.gone.tell(GoneReason::Recycled(reason));
    }

    /// Whether a person is at work in this browser. The pop-ups that it needs are left open while it is.
    pub fn person_at_work(&self, is: bool) {
        self.person.send_replace(is);
    }

    /// Asks Chromium to end, then insists. Cookies are the caller's to save before. Nothing is left when it returns.
    pub async fn close(self) {
        // It would open the tab again.
        self.life.abort();
        let family = self.chrome.family_now();
        // Any signal before it would cost the cookies of the last half minute. When it is gone already, nobody
        // answers; when it hangs, the wait that follows is the same.
        if self.gone.is_there() {
            drop(devtools::execute(&self.devtools, CloseParams::default()).await);
        }
        let Self { mut tasks, chrome, .. } = self;
        chrome.end(family).await;
        // Ports that they listen on are free when this returns.
        tasks.shutdown().await;
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

/// A Chromium that is ready, without its process.
struct Settled {
    devtools: Arc<chromiumoxide::Browser>,
    gone: Gone,
    shared: Arc<Shared>,
    life: AbortHandle,
    tasks: JoinSet<()>,
    pass: Option<Pass>,
}

impl Settled {
    /// Starts what goes on beside the tab for the life of the browser.
    fn into_browser(
        self,
        config: &BrowserConfig,
        chrome: Chrome,
        address: String,
        port: Option<TcpListener>,
    ) -> Browser {
        let Self { devtools, gone, shared, life, mut tasks, pass } = self;
        let wear = watch::Sender::new(None);
        tasks.spawn(Vitals::new(config, &chrome, Arc::clone(&shared), wear.clone()).watch());
        let (person, at_work) = watch::channel(false);
        let popups = Popups::new(Arc::clone(&devtools), Arc::clone(&shared), at_work, config);
        tasks.spawn(popups.run().instrument(info_span!("pop-ups")));
        let tab = Tab::new(Arc::clone(&shared), Arc::clone(&devtools), config.origins.clone().into());
        let profile = config.user_data_dir.clone();
        let mut browser = Browser {
            tab,
            gone,
            devtools,
            address,
            profile,
            shared,
            wear,
            person,
            life,
            tasks,
            _pass: pass,
            chrome,
        };
        if let (Some(listener), Some(to)) = (port, &config.publish) {
            let publish = publish(listener, to.clone(), browser.debug_port(), config.metrics.clone());
            browser.tasks.spawn(publish.instrument(info_span!("published DevTools")));
        }
        browser
    }
}

impl fmt::Debug for Browser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Browser").field("pid", &self.pid()).finish_non_exhaustive()
    }
}

/// What is injected, and what lets it come by the page port.
struct Injected {
    script: String,
    pass: Option<Pass>,
}

impl Injected {
    fn read(config: &BrowserConfig) -> Result<Self, LaunchError> {
        let origins = inject::origins(&config.origins);
        let pass = config.page_port.as_ref().map(PageDoor::pass);
        let script = match &config.script {
            None => inject::assemble(inject::SCRIPT, &origins, pass.as_ref()),
            Some(path) => {
                // A few small files, once a launch.
                let body = inject::read(path)
                    .map_err(|source| LaunchError::Script { path: path.clone(), source })?;
                inject::assemble(&body, &origins, pass.as_ref())
            }
        };
        Ok(Self { script, pass })
    }
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
