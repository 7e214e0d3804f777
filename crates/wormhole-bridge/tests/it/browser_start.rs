//! Starting browsers for the tests.

use std::net::SocketAddr;
use std::time::Duration;

use chromiumoxide::cdp::browser_protocol::target::GetTargetsParams;
use chromiumoxide::cdp::js_protocol::runtime::EvaluateParams;
use futures_util::StreamExt as _;
use tempfile::TempDir;
use tokio::task::JoinSet;
use tokio::time::timeout;
use url::Url;
use wormhole_bridge::browser::{Browser, BrowserConfig};
use wormhole_bridge::page_port::{PageDoor, PagePort, PagePortConfig, PagePortMetrics};
use wormhole_bridge::tab::{FetchReply, FetchRequest, Tab, TabError, TabEvent};
use wormhole_runtime::{Lifecycle, Registry};

use crate::browser_site::Site;

/// Nothing here takes that long; whatever does hangs.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// A browser on a profile of its own, with the site's page open.
pub(crate) struct Started {
    pub(crate) site: Site,
    pub(crate) profile: TempDir,
    pub(crate) browser: Browser,
    pub(crate) tab: Tab,
    /// Where the page comes by a socket.
    pub(crate) port: Option<Port>,
}

pub(crate) async fn start() -> Started {
    start_with(|_| {}).await
}

pub(crate) async fn start_with(change: impl FnOnce(&mut BrowserConfig)) -> Started {
    start_at(Site::open().await, change).await
}

/// The same at a site of the test's own choice, with a browser as `change` makes it.
pub(crate) async fn start_at(site: Site, change: impl FnOnce(&mut BrowserConfig)) -> Started {
    let profile = tempfile::tempdir().unwrap();
    let mut config = config(&site, &profile);
    change(&mut config);
    let browser = Browser::launch(&config).await.unwrap();
    let tab = browser.tab();
    tab.goto(&site.origin).await.unwrap();
    Started { site, profile, browser, tab, port: None }
}

/// How the page script and the bridge speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Carrier {
    /// By DevTools, on a page with the strictest policy.
    Binding,
    /// By a WebSocket, on a page over plain HTTP.
    Socket,
}

/// Makes a test of a function that takes a [`Carrier`]: one for each.
macro_rules! over_both {
    ($($name:ident)*) => {$(
        mod $name {
            #[tokio::test]
            async fn binding() {
                Box::pin(super::$name($crate::browser_start::Carrier::Binding)).await;
            }

            #[tokio::test]
            async fn socket() {
                Box::pin(super::$name($crate::browser_start::Carrier::Socket)).await;
            }
        }
    )*};
}
pub(crate) use over_both;

/// As [`start`], with the script by one carrier or the other.
pub(crate) async fn start_by(carrier: Carrier) -> Started {
    match carrier {
        Carrier::Binding => start().await,
        Carrier::Socket => {
            let port = Port::open(None).await;
            let mut started = start_at(Site::open_plain().await, |config| {
                config.page_port = Some(port.door.clone());
            })
            .await;
            started.port = Some(port);
            started
        }
    }
}

/// A page port, and who looks after it.
pub(crate) struct Port {
    pub(crate) addr: SocketAddr,
    pub(crate) door: PageDoor,
    registry: Registry,
    _lifecycle: Lifecycle,
}

impl Port {
    /// Opens one; pages dial it, or `url` where one is given.
    pub(crate) async fn open(url: Option<Url>) -> Self {
        log();
        let registry = Registry::new();
        let config = PagePortConfig { listen: "127.0.0.1:0".parse().unwrap(), url };
        let port = PagePort::bind(&config, PagePortMetrics::register(&registry).unwrap()).await.unwrap();
        let lifecycle = Lifecycle::new(Duration::from_secs(1));
        let (addr, door) = (port.addr(), port.door());
        port.spawn(&lifecycle, lifecycle.soft());
        Self { addr, door, registry, _lifecycle: lifecycle }
    }

    /// What one of its counters says.
    pub(crate) fn counted(&self, series: &str) -> u64 {
        counted(&self.registry, series)
    }
}

/// What one of the counters says.
fn counted(registry: &Registry, series: &str) -> u64 {
    let text = prometheus::TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(series)).expect(series);
    line.trim().parse().unwrap()
}

/// Waits until one of them has come to so much.
pub(crate) async fn until_counted(counts: &Registry, series: &str, least: u64) {
    let reached = async {
        while counted(counts, series) < least {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(SOON, reached).await.unwrap_or_else(|_| panic!("{series} does not come to {least}"));
}

/// What the bridge says is shown with a test that fails.
pub(crate) fn log() {
    let filter = tracing_subscriber::EnvFilter::new("wormhole_bridge=debug,chromiumoxide=off");
    // Other tests of the same process may have done it.
    tracing_subscriber::fmt().with_env_filter(filter).with_test_writer().try_init().ok();
}

pub(crate) fn config(site: &Site, profile: &TempDir) -> BrowserConfig {
    log();
    let mut config = BrowserConfig::new(profile.path(), vec![site.origin.clone()]);
    config.extra_args.push(site.trust());
    config
}

/// Makes a request of the page.
pub(crate) async fn get(tab: &Tab, path: &str) -> Result<FetchReply, TabError> {
    tab.fetch(FetchRequest::get(path), SOON).await
}

/// Waits until the tab is as described.
pub(crate) async fn until(tab: &Tab, what: impl FnMut(&TabEvent) -> bool) -> TabEvent {
    let mut events = tab.events();
    timeout(SOON, events.wait_for(what)).await.expect("the tab changes in time").unwrap().clone()
}

pub(crate) fn installed(event: &TabEvent) -> bool {
    matches!(event, TabEvent::Installed { .. })
}

pub(crate) fn lost(reason: &TabError) -> impl FnMut(&TabEvent) -> bool {
    move |event| *event == TabEvent::Lost { reason: reason.clone() }
}

/// A second DevTools connection: the person at the window, a debugger, or the site's own scripts.
pub(crate) struct Other {
    browser: chromiumoxide::Browser,
    _driver: JoinSet<()>,
}

impl Other {
    pub(crate) async fn connect(browser: &Browser) -> Self {
        let (other, mut handler) = chromiumoxide::Browser::connect(browser.devtools_url()).await.unwrap();
        let mut driver = JoinSet::new();
        driver.spawn(async move { while handler.next().await.is_some() {} });
        Self { browser: other, _driver: driver }
    }

    /// The addresses of all pages.
    pub(crate) async fn pages(&self) -> Vec<String> {
        let targets = self.browser.execute(GetTargetsParams::default()).await.unwrap().result.target_infos;
        targets.into_iter().filter(|target| target.r#type == "page").map(|target| target.url).collect()
    }

    /// Opens an empty tab in front of `page`, and waits until that page knows that nobody sees it.
    pub(crate) async fn cover(&self, page: &chromiumoxide::Page) {
        self.browser.new_page("about:blank").await.unwrap();
        let hidden = async {
            while clicked(page, "document.visibilityState").await != "hidden" {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(SOON, hidden).await.expect("the tab is hidden in time");
    }

    /// Waits until so many pages are open.
    pub(crate) async fn until_pages(&self, count: usize) {
        let counted = async {
            while self.pages().await.len() != count {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(SOON, counted).await.expect("pages are opened and closed in time");
    }

    /// The tab, seen from the page's own world.
    pub(crate) async fn page(&self) -> chromiumoxide::Page {
        let found = async {
            loop {
                for page in self.browser.pages().await.unwrap() {
                    // The blank page that Chromium starts with may still be on its way out.
                    if page.url().await.is_ok_and(|url| url.is_some_and(|url| url.starts_with("http"))) {
                        return page;
                    }
                }
                tokio::task::yield_now().await;
            }
        };
        timeout(SOON, found).await.unwrap()
    }
}

/// Runs a script in the page as if a person had just clicked there; what it says in the end.
pub(crate) async fn clicked(page: &chromiumoxide::Page, script: &str) -> String {
    let mut evaluate = EvaluateParams::new(script);
    (evaluate.user_gesture, evaluate.await_promise) = (Some(true), Some(true));
    let said = timeout(SOON, page.evaluate(evaluate)).await.unwrap_or_else(|_| panic!("it hangs: {script}"));
    said.unwrap().into_value().unwrap()
}
