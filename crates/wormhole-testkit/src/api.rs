//! A plain HTTP client of the public API, and a reader of its streams.

use std::time::Duration;

use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};

use crate::wait::within;

/// How long one piece of a stream may take to come.
const PIECE_WITHIN: Duration = Duration::from_secs(30);

/// The API under test, with a key it accepts.
#[derive(Clone)]
pub struct Api {
    base: String,
    key: String,
    client: reqwest::Client,
}

impl Api {
    /// Speaks to `base` (no path) with `key`. Every request opens a connection of its own, so that dropping a response
    /// hangs up as a real client does.
    ///
    /// # Panics
    /// When no HTTP client can be made.
    pub fn new(base: String, key: String) -> Self {
        wormhole_runtime::install_crypto_provider();
        let client = reqwest::Client::builder().pool_max_idle_per_host(0).no_proxy().build();
        Self { base, key, client: client.expect("a client without options can be made") }
    }

    /// `http://127.0.0.1:PORT`.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The key it sends.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// A `GET`.
    pub fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("{}{path}", self.base)).bearer_auth(&self.key)
    }

    /// A `POST` of JSON.
    pub fn post(&self, path: &str, body: &Value) -> RequestBuilder {
        self.client.post(format!("{}{path}", self.base)).bearer_auth(&self.key).json(body)
    }

    /// A chat completion of one user message.
    pub fn chat(&self, model: &str, text: &str, stream: bool) -> RequestBuilder {
        let body = json!({"model": model, "stream": stream, "messages": [{"role": "user", "content": text}]});
        self.post("/v1/chat/completions", &body)
    }

    /// The whole answer to one user message.
    ///
    /// # Panics
    /// When the API answers with anything but 200.
    pub async fn answer(&self, model: &str, text: &str) -> String {
        let reply = self.chat(model, text, false).send().await.expect("the API is there");
        let status = reply.status();
        let body: Value = reply.json().await.expect("the API answers in JSON");
        assert!(status.is_success(), "{status}: {body}");
        body["choices"][0]["message"]["content"].as_str().expect("an answer has content").to_owned()
    }
}

/// A stream of the API, line by line as it comes.
pub struct Streamed {
    response: Response,
    pending: Vec<u8>,
    /// Text of all deltas so far.
    pub text: String,
    /// Every data line (SSE) or line (NDJSON) so far, `[DONE]` too.
    pub lines: Vec<String>,
}

impl Streamed {
    /// Reads the body of `response`.
    pub fn of(response: Response) -> Self {
        Self { response, pending: Vec::new(), text: String::new(), lines: Vec::new() }
    }

    /// The next data line, its text added to `text`; nothing at the body's end, whether that is clean or broken.
    ///
    /// # Panics
    /// When nothing comes for half a minute.
    pub async fn next(&mut self) -> Option<String> {
        loop {
            if let Some(line) = self.take_line() {
                if line.is_empty() || line.starts_with(':') {
                    continue;
                }
                let line = line.strip_prefix("data: ").unwrap_or(&line).to_owned();
                self.note(&line);
                return Some(line);
            }
            match within(PIECE_WITHIN, "a piece of the stream", self.response.chunk()).await {
                Ok(Some(bytes)) => self.pending.extend_from_slice(&bytes),
                // A body that is no stream (an error's) has one line without an end.
                Ok(None) if !self.pending.is_empty() => self.pending.push(b'\n'),
                Ok(None) | Err(_) => return None,
            }
        }
    }

    fn take_line(&mut self) -> Option<String> {
        let end = self.pending.iter().position(|byte| *byte == b'\n')?;
        let line: Vec<u8> = self.pending.drain(..=end).collect();
        Some(String::from_utf8_lossy(&line).trim_end().to_owned())
    }

    fn note(&mut self, line: &str) {
        if let Ok(event) = serde_json::from_str::<Value>(line) {
            let delta = event["choices"][0]["delta"]["content"].as_str();
            self.text.push_str(delta.or_else(|| event["message"]["content"].as_str()).unwrap_or_default());
        }
        self.lines.push(line.to_owned());
    }

    /// Reads until `text` holds `wanted`.
    ///
    /// # Panics
    /// When the stream ends before.
    pub async fn until_text(&mut self, wanted: &str) {
        while !self.text.contains(wanted) {
            assert!(self.next().await.is_some(), "the stream ended before {wanted:?} came: {:?}", self.lines);
        }
    }

    /// Reads to the end.
    pub async fn to_end(&mut self) {
        while self.next().await.is_some() {}
    }

    /// The stream says that the reply is whole: a finish reason, `[DONE]`, or `done: true`.
    pub fn says_it_is_whole(&self) -> bool {
        self.lines.iter().any(|line| {
            let event: Value = serde_json::from_str(line).unwrap_or_default();
            line == "[DONE]" || event["done"] == true || event["choices"][0]["finish_reason"].is_string()
        })
    }

    /// The error the stream ended with, in whichever dialect.
    pub fn error(&self) -> Option<Value> {
        let events = self.lines.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        events.map(|event| event["error"].clone()).find(|error| !error.is_null())
    }
}
