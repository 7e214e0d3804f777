//! A service with a fake hub, and the requests that tests make.

use std::future::Future;
use std::time::Duration;

use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};
use tokio::time::timeout;
use wormhole_client::HubAddress;
use wormhole_oai::{Config, Service};
use wormhole_protocol::Directory;
use wormhole_runtime::{Lifecycle, install_crypto_provider};

use crate::hub::{FakeHub, TOKEN, directory};

/// Everything here is local and immediate: what takes this long never comes.
const NEVER: Duration = Duration::from_secs(20);

/// Waits for what must come.
pub(crate) async fn soon<F: Future>(future: F) -> F::Output {
    timeout(NEVER, future).await.expect("it came")
}

pub(crate) struct Stage {
    pub(crate) hub: FakeHub,
    pub(crate) base: String,
    pub(crate) admin: String,
    pub(crate) lifecycle: Lifecycle,
    pub(crate) client: Client,
}

impl Stage {
    /// One site with the models `echo` and `story`.
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let stage = Self::of(directory(&[("site", &["echo", "story"])]), change).await;
        stage.knows_models().await;
        stage
    }

    /// With this directory, and without waiting for it.
    pub(crate) async fn of(directory: Directory, change: impl FnOnce(&mut Config)) -> Self {
        install_crypto_provider();
        let lifecycle = Lifecycle::new(NEVER);
        let hub = FakeHub::start(&lifecycle.child(), directory).await;
        let url = format!("ws://{}", hub.addr).parse().unwrap();
        let address = HubAddress { url, token: TOKEN.into(), name: "oai".to_owned() };
        let mut config = Config::on_loopback(address);
        // Long, so that only tests that mean it see a stream that began before its first word.
        config.limits.status_window = NEVER;
        config.limits.heartbeat = NEVER;
        change(&mut config);
        let service = Service::bind(config).await.unwrap();
        let (base, admin) =
            (format!("http://{}", service.addr()), format!("http://{}", service.admin_addr()));
        service.spawn(&lifecycle);
        Self { hub, base, admin, lifecycle, client: Client::builder().no_proxy().build().unwrap() }
    }

    /// Waits until the directory has arrived.
    pub(crate) async fn knows_models(&self) {
        let admin = format!("{}/readyz", self.admin);
        soon(async {
            while !self.client.get(&admin).send().await.unwrap().status().is_success() {}
            // With keys the list is not ours to read; the directory follows the welcome at once.
            while self.get("/v1/models").await.json::<Value>().await.unwrap()["data"] == json!([]) {}
        })
        .await;
    }

    pub(crate) fn request(&self, method: &str, path: &str) -> RequestBuilder {
        self.client.request(Method::from_bytes(method.as_bytes()).unwrap(), format!("{}{path}", self.base))
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        soon(self.request("GET", path).send()).await.unwrap()
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Response {
        soon(self.request("POST", path).json(body).send()).await.unwrap()
    }

    /// A chat of one message, with further fields.
    pub(crate) async fn openai(&self, fields: Value) -> Response {
        self.post("/v1/chat/completions", &chat(fields)).await
    }

    pub(crate) async fn ollama(&self, fields: Value) -> Response {
        self.post("/api/chat", &chat(fields)).await
    }

    /// The value of a metric, or 0.
    pub(crate) async fn metric(&self, line: &str) -> u64 {
        let text =
            self.client.get(format!("{}/metrics", self.admin)).send().await.unwrap().text().await.unwrap();
        let value = text.lines().find_map(|found| found.strip_prefix(line)?.trim().parse().ok());
        value.unwrap_or(0)
    }

    /// Waits until a metric has this value.
    pub(crate) async fn metric_becomes(&self, line: &str, value: u64) {
        soon(async { while self.metric(line).await != value {} }).await;
    }
}

pub(crate) fn chat(fields: Value) -> Value {
    let mut body = json!({"model": "echo", "messages": [{"role": "user", "content": "hi"}]});
    let Value::Object(fields) = fields else { panic!("fields are an object") };
    body.as_object_mut().unwrap().extend(fields);
    body
}

pub(crate) fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    response.headers().get(name).map(|value| value.to_str().unwrap())
}

/// The body of a stream that has ended, cleanly at HTTP's level.
pub(crate) async fn text(response: Response) -> String {
    soon(response.text()).await.unwrap()
}

/// Reads a response's next piece.
pub(crate) async fn piece(response: &mut Response) -> String {
    let bytes = soon(response.chunk()).await.unwrap().expect("more");
    String::from_utf8(bytes.to_vec()).unwrap()
}
