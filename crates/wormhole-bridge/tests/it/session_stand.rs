//! The practice site, a hub and a bridge, for tests.

use std::{path::PathBuf, process::ExitCode, time::Duration};

use chromiumoxide::cdp::js_protocol::runtime::EvaluateParams;
use futures_util::StreamExt as _;
use serde_json::Value;
use tempfile::TempDir;
use tokio::{task::JoinSet, time::timeout};
use wormhole_bridge::{Config, Credentials, Password, Service, site::Profile};
use wormhole_client::HubAddress;
use wormhole_playground::{Control, Site};
use wormhole_runtime::{Lifecycle, Readiness, SecretString};

use crate::session_hub::{SOON, TestHub};

/// What does not change while bridges come and go.
pub(crate) struct Stand {
    pub(crate) site: Control,
    pub(crate) hub: TestHub,
    pub(crate) folder: TempDir,
    origin: String,
    around: Lifecycle,
}

/// A bridge that runs.
pub(crate) struct Bridge {
    lifecycle: Lifecycle,
    pub(crate) readiness: Readiness,
    pub(crate) admin: std::net::SocketAddr,
    pub(crate) console: Option<std::net::SocketAddr>,
}

impl Stand {
    pub(crate) async fn open() -> Self {
        let config = wormhole_playground::Config::default();
        let site = Site::bind(config).await.unwrap();
        site.control().switch(|switches| switches.word_pace_ms = 0);
        let around = Lifecycle::new(Duration::from_secs(1));
        let (origin, control) = (site.http_origin(), site.control());
        around.spawn_transient("practice site", site.serve(around.hard()));
        let hub = TestHub::start(&around).await;
        Self { site: control, hub, folder: tempfile::tempdir().unwrap(), origin, around }
    }

    /// Settings of a bridge at this site, with quick looks and the right password.
    pub(crate) fn config(&self, profile: &str) -> Config {
        let site = Profile::load(profile).unwrap().at(self.origin.parse().unwrap()).unwrap();
        let hub = HubAddress {
            url: format!("ws://{}", self.hub.addr).parse().unwrap(),
            token: SecretString::from("page-token"),
            name: "test".to_owned(),
        };
        let mut config = Config::new(hub, site, self.chrome());
        config.credentials = Some(Credentials {
            email: "demo@example.test".to_owned().into(),
            password: Password::Given(SecretString::from("practice")),
        });
        config.session.check = Duration::from_hours(1);
        config.session.person = Duration::from_millis(100);
        config.session.patience = Duration::from_millis(200);
        config
    }

    pub(crate) fn chrome(&self) -> PathBuf {
        self.folder.path().join("chrome")
    }

    pub(crate) async fn bridge(&self, config: Config) -> Bridge {
        let lifecycle = Lifecycle::new(config.grace);
        let service = Service::bind(config).await.unwrap();
        let (readiness, admin, console) = (service.readiness(), service.admin_addr(), service.console_addr());
        service.spawn(&lifecycle);
        Bridge { lifecycle, readiness, admin, console }
    }

    /// The process id of the Chromium that holds the profile.
    pub(crate) fn chrome_pid(&self) -> i32 {
        let lock = std::fs::read_link(self.chrome().join("SingletonLock")).expect("Chromium runs");
        lock.to_str().and_then(|lock| lock.rsplit_once('-')).unwrap().1.parse().unwrap()
    }

    /// A second DevTools connection: the person at the console. (Not with `fetch_targets`: it attaches to each tab once more,
    /// and now and then chromiumoxide then takes the one session for the other, and none of its commands arrives.)
    pub(crate) async fn person(&self) -> Person {
        let port = std::fs::read_to_string(self.chrome().join("DevToolsActivePort")).expect("Chromium runs");
        let (port, path) = port.split_once('\n').unwrap();
        let url = format!("ws://127.0.0.1:{port}{}", path.trim());
        let (browser, mut handler) = chromiumoxide::Browser::connect(url).await.unwrap();
        let mut driver = JoinSet::new();
        driver.spawn(async move { while handler.next().await.is_some() {} });
        let page = timeout(SOON, async {
            loop {
                for page in browser.pages().await.unwrap() {
                    // The blank page that Chromium starts with may still be on its way out.
                    if page.url().await.is_ok_and(|url| url.is_some_and(|url| url.starts_with("http"))) {
                        return page;
                    }
                }
                tokio::task::yield_now().await;
            }
        });
        let page = page.await.expect("a tab");
        Person { page, _browser: browser, _driver: driver }
    }

    pub(crate) async fn close(self) {
        self.around.shutdown("the test is over");
        self.around.wait().await;
    }
}

pub(crate) struct Person {
    page: chromiumoxide::Page,
    _browser: chromiumoxide::Browser,
    _driver: JoinSet<()>,
}

impl Person {
    /// The tab, as DevTools shows it.
    pub(crate) fn page(&self) -> &chromiumoxide::Page {
        &self.page
    }

    /// Runs a script in the page, as a hand at the keyboard would act.
    pub(crate) async fn act(&self, script: &str) {
        self.asked(script, SOON).await.expect("the page answers");
    }

    /// What a script says in whatever document the tab shows now; none of a page that is being left.
    ///
    /// Not by `Page::evaluate`: where a navigation falls into its own attaching, it waits for ever for the context of a
    /// document that is gone.
    async fn asked(&self, script: &str, within: Duration) -> Option<Value> {
        let script = EvaluateParams::builder().expression(script).return_by_value(true).build().unwrap();
        let asked = timeout(within, self.page.execute(script)).await;
        let reply = asked.ok()?.ok()?.result;
        assert!(reply.exception_details.is_none(), "{:?}", reply.exception_details);
        Some(reply.result.value.unwrap_or_default())
    }

    /// What a script says once it says something other than null.
    async fn answer(&self, script: &str, what: &str) -> Value {
        let answered = timeout(SOON, async {
            loop {
                match self.asked(script, Duration::from_secs(2)).await {
                    Some(answer) if !answer.is_null() => return answer,
                    _ => tokio::time::sleep(Duration::from_millis(20)).await,
                }
            }
        });
        answered.await.unwrap_or_else(|_| panic!("{what} never came"))
    }

    /// Waits until the page is as it should be: what a person looks for before the next move.
    pub(crate) async fn sees(&self, condition: &str) {
        self.answer(&format!("({condition}) || null"), condition).await;
    }

    /// Where the middle of something is, once it is to be seen: what eyes are for. Chromium drops what hands do to a page
    /// before its first paint.
    pub(crate) async fn place(&self, selector: &str) -> (f64, f64) {
        let script = format!(
            "(() => {{ const box = document.querySelector({selector:?})?.getBoundingClientRect(); \
             const painted = performance.getEntriesByName('first-contentful-paint').length; \
             return box && painted ? [box.x + box.width / 2, box.y + box.height / 2] : null; }})()"
        );
        serde_json::from_value(self.answer(&script, selector).await).unwrap()
    }

    /// Types into a field once the page that has it is there.
    pub(crate) async fn fill_when_there(&self, selector: &str, text: &str) {
        let script = format!(
            "(() => {{ const field = document.querySelector({selector:?}); if (field) field.value = {text:?}; return field ? true : null; }})()"
        );
        self.answer(&script, selector).await;
    }
}

impl Bridge {
    /// What the admin port counts.
    pub(crate) async fn metrics(&self) -> String {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let mut socket = tokio::net::TcpStream::connect(self.admin).await.unwrap();
        socket.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.unwrap();
        answer
    }

    /// Starts the drain and leaves it to go on.
    pub(crate) fn begin_stop(&self) {
        self.lifecycle.shutdown("the test says so");
    }

    pub(crate) async fn stop(self) {
        self.begin_stop();
        let code = timeout(SOON, self.lifecycle.wait()).await.expect("the bridge ends");
        assert_eq!(code, ExitCode::SUCCESS);
    }
}

/// Waits until the process is gone.
pub(crate) async fn process_ended(pid: i32) {
    let path = PathBuf::from(format!("/proc/{pid}"));
    timeout(SOON, async {
        while path.exists() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .expect("the process ends");
}

/// The admin port's answer.
pub(crate) async fn ask(admin: std::net::SocketAddr, path: &str) -> (u16, String) {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut socket = tokio::net::TcpStream::connect(admin).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    (status, answer.split_once("\r\n\r\n").unwrap().1.to_owned())
}

/// Waits until a line of the admin port's `/metrics` is there.
pub(crate) async fn until_metric(admin: std::net::SocketAddr, line: &str) {
    let mut metrics = String::new();
    let there = timeout(SOON, async {
        while !metrics.lines().any(|found| found == line) {
            tokio::time::sleep(Duration::from_millis(20)).await;
            metrics = ask(admin, "/metrics").await.1;
        }
    });
    there.await.unwrap_or_else(|_| panic!("never {line}: {metrics}"));
}
