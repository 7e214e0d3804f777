//! A site that runs for one test, and a browser-like client of it.

use std::sync::Once;
use std::time::Duration;

use reqwest::Client;
use reqwest::Response;
use reqwest::header::HeaderMap;
use reqwest::redirect::Policy;
use serde_json::Value;
use serde_json::json;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use wormhole_playground::Config;
use wormhole_playground::Control;
use wormhole_playground::Site;
use wormhole_playground::Switches;

/// Longer than anything here takes, also on a machine that is busy with a build.
pub(crate) const SOON: Duration = Duration::from_secs(20);
pub(crate) const API: &str = "/internal/experts/assistant";

pub(crate) struct Running {
    pub(crate) origin: String,
    pub(crate) secure_origin: Option<String>,
    pub(crate) certificate: Option<Vec<u8>>,
    pub(crate) control: Control,
    pub(crate) stop: CancellationToken,
    pub(crate) tasks: JoinSet<()>,
}

/// A config without pauses.
pub(crate) fn quick() -> Config {
    Config { switches: Switches { word_pace_ms: 0, ..Switches::default() }, ..Config::default() }
}

pub(crate) async fn start(config: Config) -> Running {
    let site = Site::bind(config).await.unwrap();
    let stop = CancellationToken::new();
    let mut running = Running {
        origin: site.http_origin(),
        secure_origin: site.https_origin(),
        certificate: site.certificate_der(),
        control: site.control(),
        stop: stop.clone(),
        tasks: JoinSet::new(),
    };
    running.tasks.spawn(site.serve(stop));
    running
}

/// A site and a browser that is logged in to it.
pub(crate) async fn logged_in() -> (Running, Browser) {
    let site = start(quick()).await;
    let mut browser = Browser::new(&site.origin);
    browser.login().await;
    (site, browser)
}

pub(crate) fn client() -> reqwest::ClientBuilder {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    Client::builder().redirect(Policy::none()).timeout(SOON).tcp_nodelay(true)
}

/// Keeps cookies as a browser does, and sends the CSRF header as the site's page does.
#[derive(Clone)]
pub(crate) struct Browser {
    pub(crate) http: Client,
    origin: String,
    pub(crate) cookies: Vec<(String, String)>,
}

impl Browser {
    pub(crate) fn new(origin: &str) -> Self {
        Self::with(client().build().unwrap(), origin)
    }

    pub(crate) fn with(http: Client, origin: &str) -> Self {
        Self { http, origin: origin.to_owned(), cookies: Vec::new() }
    }

    pub(crate) async fn get(&mut self, path: &str) -> Response {
        let request = self.http.get(format!("{}{path}", self.origin)).header("cookie", self.cookie_header());
        let response = request.send().await.unwrap();
        self.keep(response.headers());
        response
    }

    /// Posts a form, as a browser without script does.
    pub(crate) async fn submit(&mut self, path: &str, form: &str) -> Response {
        let request = self.http.post(format!("{}{path}", self.origin)).header("cookie", self.cookie_header());
        let request =
            request.header("content-type", "application/x-www-form-urlencoded").body(form.to_owned());
        let response = request.send().await.unwrap();
        self.keep(response.headers());
        response
    }

    pub(crate) async fn login(&mut self) {
        let answer = self.submit("/en/expert/login", "email=demo%40example.test&password=practice").await;
        assert_eq!(answer.status(), 303);
        assert!(self.cookie("_session").is_some() && self.cookie("_csrf").is_some());
    }

    pub(crate) async fn api_get(&mut self, path: &str) -> Response {
        self.get(&format!("{API}{path}")).await
    }

    pub(crate) fn api(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        let request = self.http.request(method, format!("{}{API}{path}", self.origin));
        request.header("cookie", self.cookie_header()).header("x-csrf-token", self.csrf())
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Response {
        self.try_post(path, body).await.unwrap()
    }

    pub(crate) async fn try_post(&self, path: &str, body: &Value) -> reqwest::Result<Response> {
        self.api(reqwest::Method::POST, path).json(body).send().await
    }

    /// Makes a conversation and says its id.
    pub(crate) async fn converse(&self, text: &str, model: &str) -> String {
        let body = json!({ "prompt": { "text": text, "images": [] }, "model": model });
        let made = self.post("/conversations", &body).await;
        assert_eq!(made.status(), 201);
        let made: Value = made.json().await.unwrap();
        made["id"].as_str().unwrap().to_owned()
    }

    /// Makes a conversation and posts its first turn.
    pub(crate) async fn ask(&self, text: &str, model: &str) -> Response {
        let id = self.converse(text, model).await;
        self.turn(&id, text, model, 0).await
    }

    pub(crate) async fn turn(&self, id: &str, text: &str, model: &str, parent: u64) -> Response {
        self.post(&format!("/conversations/{id}/turn-streaming"), &turn(text, model, parent)).await
    }

    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    fn csrf(&self) -> String {
        let raw = self.cookie("_csrf").unwrap_or_default().as_bytes();
        let (mut decoded, mut at) = (Vec::new(), 0);
        while let Some(byte) = raw.get(at) {
            if *byte == b'%' {
                let digits = std::str::from_utf8(&raw[at + 1..at + 3]).unwrap();
                decoded.push(u8::from_str_radix(digits, 16).unwrap());
                at += 3;
            } else {
                decoded.push(*byte);
                at += 1;
            }
        }
        String::from_utf8(decoded).unwrap()
    }

    fn cookie_header(&self) -> String {
        let pairs: Vec<_> = self.cookies.iter().map(|(key, value)| format!("{key}={value}")).collect();
        pairs.join("; ")
    }

    fn keep(&mut self, headers: &HeaderMap) {
        for cookie in headers.get_all("set-cookie") {
            let cookie = cookie.to_str().unwrap();
            let (key, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            self.cookies.retain(|(known, _)| known != key);
            if !cookie.contains("Max-Age=0") {
                self.cookies.push((key.to_owned(), value.to_owned()));
            }
        }
    }
}

pub(crate) fn turn(text: &str, model: &str, parent: u64) -> Value {
    json!({
        "prompt": {
            "model": model, "turnType": "Text", "turnMode": "Normal", "text": text,
            "images": [], "files": [], "modelWasSwitched": false, "isMysteryModel": false,
            "systemMessage": "never read",
        },
        "model": model, "turnMode": "Normal", "turnType": "Text", "isMysteryModel": false,
        "systemMessage": "never read", "parentIdx": parent,
    })
}

/// The events of a stream that is over.
pub(crate) fn events(stream: &str) -> Vec<&str> {
    stream.lines().filter_map(|line| line.strip_prefix("data: ")).collect()
}

/// What an OpenAI-shaped stream says: its text, its reasoning, and whether it ended properly.
pub(crate) fn said(stream: &str) -> (String, String, bool) {
    let (mut text, mut reasoning, mut finished, mut done) = (String::new(), String::new(), false, false);
    for event in events(stream) {
        if event == "[DONE]" {
            done = true;
            continue;
        }
        let event: Value = serde_json::from_str(event).unwrap();
        let choice = &event["choices"][0];
        text.push_str(choice["delta"]["content"].as_str().unwrap_or_default());
        reasoning.push_str(choice["delta"]["reasoning_content"].as_str().unwrap_or_default());
        finished |= choice["finish_reason"] == "stop";
    }
    (text, reasoning, finished && done)
}
