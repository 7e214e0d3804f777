//! The whole path: practice site, server, bridge with its Chromium, and API.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use wormhole_playground::{Config as SiteConfig, Control, ControlAccess, Site};

use crate::api::Api;
use crate::link::Link;
use crate::logs::{assert_silent, cookie_values};
use crate::ports::free_port;
use crate::process::Process;
use crate::signals::chromium_pids;
use crate::wait::{until, within};

/// A cold Chromium on a busy two-core machine takes seconds; a minute means it will not come.
const READY_WITHIN: Duration = Duration::from_mins(1);

/// The services' grace time here, and some seconds for closing Chromium.
const LEAVES_WITHIN: Duration = Duration::from_secs(30);

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
    /// More variables for the API.
    pub oai: Vec<(&'static str, String)>,
    /// Do not wait for the login: it will not succeed.
    pub not_ready: bool,
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
            oai: Vec::new(),
            not_ready: false,
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
        let origin = site.https_origin().expect("it was told to serve HTTPS");
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

// === settings of each service ===

impl Stack {
    fn log(&self, name: &str) -> PathBuf {
        self.folder.path().join(format!("{name}.log"))
    }

    /// Chromium's profile folder.
    pub fn profile(&self) -> PathBuf {
        self.folder.path().join("chrome")
    }

    /// The site's control endpoint, for clients in other languages.
    pub fn control_url(&self) -> &str {
        &self.control_url
    }

    fn launch(&self, name: &'static str, admin: u16, mut variables: Vec<(&'static str, String)>) -> Process {
        variables.push(("WORMHOLE_LOG", "debug".to_owned()));
        if variables.iter().all(|(name, _)| *name != "WORMHOLE_GRACE") {
            variables.push(("WORMHOLE_GRACE", "10s".to_owned()));
        }
        variables.push(("HOME", self.folder.path().display().to_string()));
        variables.push((admin_variable(name), format!("127.0.0.1:{admin}")));
        Process::start(name, &self.program, &[name], &variables, &self.log(name)).expect("the binary starts")
    }

    /// Starts the hub, on the port it has always had.
    pub fn start_server(&mut self) {
        let variables = vec![
            ("WORMHOLE_LISTEN", loopback(self.ports[0].service).to_string()),
            ("WORMHOLE_PAGE_TOKEN", self.tokens[0].clone()),
            ("WORMHOLE_SENDER_TOKEN", self.tokens[1].clone()),
        ];
        self.server = Some(self.launch("server", self.ports[0].admin, variables));
    }

    /// Starts the bridge on the profile folder it has always had.
    pub fn start_bridge(&mut self) {
        let password = self.setup.password.clone().unwrap_or_else(|| self.password.clone());
        let mut variables = vec![
            ("WORMHOLE_SERVER_URL", format!("ws://{}", self.bridge_link.addr())),
            ("WORMHOLE_PAGE_TOKEN", self.tokens[0].clone()),
            ("WORMHOLE_SITE", self.mounted_profile().display().to_string()),
            ("WORMHOLE_SITE_ORIGIN", self.origin.clone()),
            ("OUTLIER_EMAIL", "demo@example.test".to_owned()),
            ("OUTLIER_PASSWORD", password),
            ("CHROME_USER_DATA_DIR", self.profile().display().to_string()),
            ("CHROME_DEBUG_PORT", "0".to_owned()),
            ("CHROME_EXTRA_ARGS", self.chrome_args.clone()),
        ];
        if let Some(own) = &self.setup.own_site {
            // Its pages may want fonts and scripts from elsewhere. No proxy listens there, and none is asked for loopback.
            let loopback_only = "--proxy-server=127.0.0.1:1";
            let there = [
                ("WORMHOLE_SITE_ORIGIN", own.origin.clone()),
                ("CHROME_EXTRA_ARGS", loopback_only.to_owned()),
            ];
            override_with(&mut variables, &there);
        }
        override_with(&mut variables, &self.setup.bridge);
        self.bridge = Some(self.launch("bridge", self.ports[1].admin, variables));
    }

    /// The shipped profile with another pace, in a file of its own: as an operator would mount it.
    fn mounted_profile(&self) -> PathBuf {
        let name = format!("{}.yaml", self.setup.profile);
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../wormhole-bridge/sites").join(&name);
        let text = fs::read_to_string(shipped).expect("the profile is shipped");
        let capacity = format!("capacity: {}\n", self.setup.capacity);
        let faster = text
            .replace("capacity: 2\n", &capacity)
            .replace("capacity: 8\n", &capacity)
            .replace("gap: 1s\n", "gap: 0s\n");
        let one_at_a_time = text.contains("capacity: 1\n") && self.setup.capacity == 1;
        assert!(faster != text || one_at_a_time, "the profile's pace is where this looks for it");
        let mounted = self.folder.path().join(name);
        fs::write(&mounted, faster).expect("the temporary folder can be written to");
        mounted
    }

    /// Starts the API, on the port it has always had.
    pub fn start_oai(&mut self) {
        let mut variables = vec![
            ("WORMHOLE_SERVER_URL", format!("ws://127.0.0.1:{}", self.ports[0].service)),
            ("WORMHOLE_SENDER_TOKEN", self.tokens[1].clone()),
            ("WORMHOLE_OAI_LISTEN", loopback(self.ports[2].service).to_string()),
            ("WORMHOLE_API_KEYS", format!("tester:{}", self.api.key())),
            ("WORMHOLE_DATA", self.folder.path().join("data").display().to_string()),
        ];
        override_with(&mut variables, &self.setup.oai);
        self.oai = Some(self.launch("oai", self.ports[2].admin, variables));
    }
}

/// Variables that a test sets replace the usual ones: a variable given twice would be luck.
fn override_with(variables: &mut Vec<(&'static str, String)>, wanted: &[(&'static str, String)]) {
    variables.retain(|(name, _)| wanted.iter().all(|(other, _)| other != name));
    variables.extend(wanted.iter().cloned());
}

fn admin_variable(service: &str) -> &'static str {
    match service {
        "server" => "WORMHOLE_SERVER_ADMIN",
        "bridge" => "WORMHOLE_BRIDGE_ADMIN",
        _ => "WORMHOLE_OAI_ADMIN",
    }
}

// === what tests ask ===

impl Stack {
    /// What a service's admin port answers on `path`: status and text; nothing while it is down.
    pub async fn admin(&self, service: &str, path: &str) -> Option<(u16, String)> {
        let ports = match service {
            "server" => self.ports[0],
            "bridge" => self.ports[1],
            _ => self.ports[2],
        };
        let reply = self.client.get(format!("http://127.0.0.1:{}{path}", ports.admin)).send().await.ok()?;
        Some((reply.status().as_u16(), reply.text().await.ok()?))
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

    /// Ends the services, API first, and checks what holds after every run. `prompts` are texts that this run sent.
    ///
    /// # Panics
    /// When a service left with another code than 0, Chromium is left behind, or a log tells a secret.
    pub async fn stop(mut self, prompts: &[&str]) {
        for process in [self.oai.take(), self.bridge.take(), self.server.take()].into_iter().flatten() {
            let code = process.end(LEAVES_WITHIN).await;
            assert_eq!(
                code,
                Some(0),
                "a service left with {code:?}, logs in {}",
                self.folder.path().display()
            );
        }
        until(Duration::from_secs(5), "Chromium is gone", || async {
            chromium_pids(&self.profile()).is_empty().then_some(())
        })
        .await;
        self.assert_logs_are_silent(prompts);
        self.stop_site.cancel();
        within(Duration::from_secs(5), "the practice site ends", async {
            while self.site_tasks.join_next().await.is_some() {}
        })
        .await;
    }

    /// Asserts that no log holds a password, a cookie's value, a token, the API key or one of `prompts`.
    ///
    /// # Panics
    /// When one does.
    pub fn assert_logs_are_silent(&self, prompts: &[&str]) {
        let logs = ["server", "bridge", "oai"].map(|name| self.log(name));
        let mut secrets = vec![self.password.clone(), self.api.key().to_owned()];
        secrets.extend(self.setup.password.clone());
        secrets.extend(self.tokens.iter().cloned());
        secrets.extend(prompts.iter().map(ToString::to_string));
        let cookies = cookie_values(&self.profile().join("wormhole-cookies.json"));
        let logs_in = self.setup.own_site.is_none() && !self.setup.not_ready;
        assert!(!logs_in || !cookies.is_empty(), "the bridge saved its cookies");
        secrets.extend(cookies);
        assert_silent(&logs.each_ref().map(PathBuf::as_path), &secrets);
    }
}

fn nonce() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}
