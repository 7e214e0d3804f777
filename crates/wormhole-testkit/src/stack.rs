//! The whole path: practice site, server, bridge with its Chromium, and API.

mod account;
mod end;
mod services;

pub use account::Account;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use tempfile::TempDir;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use wormhole_playground::{Config as SiteConfig, Control, ControlAccess, Site};

use crate::api::Api;
use crate::link::Link;
use crate::person::Person;
use crate::ports::free_port;
use crate::process::Process;
use crate::signals::chromium_pids;
use crate::wait::until;

/// A cold Chromium on a busy two-core machine takes seconds; a minute means it will not come.
const READY_WITHIN: Duration = Duration::from_mins(1);

/// A site that the test brings along. It has no login; the practice site is there as always, and nobody asks it.
pub struct OwnSite {
    /// Where it lives.
    pub origin: String,
    /// A model it has.
    pub model: &'static str,
}

/// What a test wants otherwise than usual.
pub struct Setup {
    /// How the site behaves from the start.
    pub site: SiteConfig,
    /// The shipped site profile that the bridge's is made from.
    pub profile: &'static str,
    /// In place of the practice site.
    pub own_site: Option<OwnSite>,
    /// Turns at once. The profile's own two would make most tests a test of the queue.
    pub capacity: u32,
    /// The bridge is given this password in place of the right one.
    pub password: Option<String>,
    /// More variables for the bridge.
    pub bridge: Vec<(&'static str, String)>,
    /// More variables for the hub.
    pub server: Vec<(&'static str, String)>,
    /// More variables for the API.
    pub oai: Vec<(&'static str, String)>,
    /// More keys of the API, one a line.
    pub keys: &'static str,
    /// Do not wait for the login: it will not succeed.
    pub not_ready: bool,
    /// Chromium reaches the site through [`Stack::site_link`], which a test can cut.
    pub site_by_link: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            site: SiteConfig::default(),
            profile: "outlier",
            own_site: None,
            capacity: 32,
            password: None,
            bridge: Vec::new(),
            server: Vec::new(),
            oai: Vec::new(),
            keys: "",
            not_ready: false,
            site_by_link: false,
        }
    }
}

/// Where a service's two ports are, chosen once: a restarted service comes back on them.
#[derive(Clone, Copy)]
struct Ports {
    service: u16,
    admin: u16,
}

impl Ports {
    fn choose() -> Self {
        Self { service: free_port(), admin: free_port() }
    }
}

/// A running whole path. Dropping it ends everything; [`Stack::stop`] also checks what must hold after every run.
pub struct Stack {
    /// The practice site's switches and counters.
    pub site: Control,
    /// The public API.
    pub api: Api,
    /// Between bridge and hub.
    pub bridge_link: Link,
    /// Between Chromium and site, with [`Setup::site_by_link`].
    pub site_link: Option<Link>,
    /// The processes, absent while a test has them down.
    pub server: Option<Process>,
    /// See `server`.
    pub bridge: Option<Process>,
    /// See `server`.
    pub oai: Option<Process>,
    program: PathBuf,
    setup: Setup,
    password: String,
    origin: String,
    control_url: String,
    chrome_args: String,
    ports: [Ports; 3],
    tokens: [String; 2],
    folder: TempDir,
    stop_site: CancellationToken,
    site_tasks: JoinSet<()>,
    client: reqwest::Client,
}

impl Stack {
    /// Starts everything with the `wormhole` binary at `program` and waits until a turn can be answered.
    ///
    /// # Panics
    /// When anything does not start in time.
    pub async fn start(program: &str, mut setup: Setup) -> Self {
        wormhole_runtime::install_crypto_provider();
        setup.site.https = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
        setup.site.control = ControlAccess::Loopback;
        // Words come as fast as they can; tests that care about pace use the gated model.
        setup.site.switches.word_pace_ms = 0;
        let password = format!("practice-{}", nonce());
        setup.site.password.clone_from(&password);
        let site = Site::bind(std::mem::take(&mut setup.site)).await.expect("the practice site starts");
        let mut origin = site.https_origin().expect("it was told to serve HTTPS");
        let mut site_link = None;
        if setup.site_by_link {
            let address = origin.trim_start_matches("https://").parse().expect("an address and a port");
            let link = Link::to(address).await.expect("a relay starts");
            origin = format!("https://{}", link.addr());
            site_link = Some(link);
        }
        let spki = site.spki_hash().expect("it serves HTTPS");
        let control_url = site.http_origin();
        let control = site.control();
        let stop_site = CancellationToken::new();
        let mut tasks = JoinSet::new();
        tasks.spawn(site.serve(stop_site.clone()));

        let ports = [Ports::choose(), Ports::choose(), Ports::choose()];
        let bridge_link = Link::to(loopback(ports[0].service)).await.expect("a relay starts");
        let api = Api::new(format!("http://127.0.0.1:{}", ports[2].service), format!("key-{}", nonce()));
        let mut stack = Self {
            site: control,
            api,
            bridge_link,
            site_link,
            server: None,
            bridge: None,
            oai: None,
            program: program.into(),
            setup,
            password,
            origin,
            control_url,
            chrome_args: format!("--ignore-certificate-errors-spki-list={spki}"),
            ports,
            tokens: [format!("page-{}", nonce()), format!("sender-{}", nonce())],
            folder: TempDir::new().expect("a temporary folder"),
            stop_site,
            site_tasks: tasks,
            client: reqwest::Client::builder().no_proxy().build().expect("a client without options"),
        };
        stack.start_server();
        stack.start_bridge();
        stack.start_oai();
        if !stack.setup.not_ready {
            stack.until_ready().await;
        }
        stack
    }
}

impl Stack {
    /// Chromium's profile folder.
    pub fn profile(&self) -> PathBuf {
        self.folder.path().join("chrome")
    }

    /// The site's control endpoint, for clients in other languages.
    pub fn control_url(&self) -> &str {
        &self.control_url
    }

    /// What a service's admin port answers on `path`: status and text; nothing while it is down.
    pub async fn admin(&self, service: &str, path: &str) -> Option<(u16, String)> {
        let reply =
            self.client.get(format!("http://{}{path}", self.admin_addr(service))).send().await.ok()?;
        Some((reply.status().as_u16(), reply.text().await.ok()?))
    }

    /// Where a service's admin port is.
    pub fn admin_addr(&self, service: &str) -> SocketAddr {
        let ports = match service {
            "server" => self.ports[0],
            "bridge" => self.ports[1],
            _ => self.ports[2],
        };
        loopback(ports.admin)
    }

    /// A person at the bridge's page, by Chromium's DevTools.
    ///
    /// # Panics
    /// When Chromium is not there.
    pub async fn person(&self) -> Person {
        Person::at(&self.profile(), &self.client).await
    }

    /// Waits until a service's `/readyz` answers with this status; its text.
    ///
    /// # Panics
    /// When it does not in time.
    pub async fn until_readyz(&self, service: &str, status: u16) -> String {
        until(
            READY_WITHIN,
            &format!("{service} /readyz {status} ({})", self.folder.path().display()),
            || async {
                self.admin(service, "/readyz")
                    .await
                    .filter(|(found, _)| *found == status)
                    .map(|(_, text)| text)
            },
        )
        .await
    }

    /// Waits until all three services are ready and the API knows the site's models.
    ///
    /// # Panics
    /// When they are not in time.
    pub async fn until_ready(&self) {
        for service in ["server", "bridge", "oai"] {
            self.until_readyz(service, 200).await;
        }
        let model = self.setup.own_site.as_ref().map_or("practice-echo", |own| own.model);
        until(READY_WITHIN, "the API lists the site's models", || async {
            let listed = self.api.get("/v1/models").send().await.ok()?.text().await.ok()?;
            listed.contains(model).then_some(())
        })
        .await;
    }

    /// The browser process that the bridge keeps.
    ///
    /// # Panics
    /// When there is none, or more than one.
    pub fn chromium(&self) -> u32 {
        let pids = chromium_pids(&self.profile());
        assert_eq!(pids.len(), 1, "one browser runs on the profile: {pids:?}");
        pids[0]
    }
}

fn nonce() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}
