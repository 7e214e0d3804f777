//! A model server that speaks OpenAI's chat completions, answering in place of a practice model.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;
use std::time::Instant;

use futures_util::StreamExt;
use futures_util::stream;
use reqwest::Client;
use rustls::ClientConfig;
use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;
use rustls::crypto::ring;
use serde::Deserialize;
use serde_json::Value;
use serde_json::json;

use super::Piece;
use super::Words;
use crate::app::lock;
use crate::config::AnswerWith;
use crate::conversations::Turn;
use crate::error::SiteError;

/// How long a fetched model list is good for.
const FRESH: Duration = Duration::from_secs(30);
const LIST_TIMEOUT: Duration = Duration::from_secs(5);
/// The longest line of a stream that is taken; a longer one is an error, not memory.
const LONGEST_LINE: usize = 1 << 20;

/// The model server did not answer as it should.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UpstreamError {
    #[error("the model server cannot be reached or broke off")]
    Http(#[from] reqwest::Error),
    #[error("the model server's stream ended without its end marks")]
    Cut,
    #[error("the model server sent a line longer than {LONGEST_LINE} bytes")]
    Line,
}

/// A client of the model server.
pub(crate) struct Upstream {
    client: Client,
    server: AnswerWith,
    listed: Mutex<Option<(Instant, Vec<String>)>>,
}

impl Upstream {
    pub(crate) fn new(mut server: AnswerWith) -> Result<Self, SiteError> {
        server.base.truncate(server.base.trim_end_matches('/').len());
        let mut client = Client::builder().tcp_nodelay(true).connect_timeout(LIST_TIMEOUT);
        if CryptoProvider::get_default().is_none() {
            // reqwest would look for a process-wide provider. Without one, plain HTTP is all there is:
            // this configuration trusts nobody.
            let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
                .with_safe_default_protocol_versions()?
                .with_root_certificates(RootCertStore::empty())
                .with_no_client_auth();
            client = client.tls_backend_preconfigured(tls);
        }
        Ok(Self { client: client.build()?, server, listed: Mutex::default() })
    }

    /// The server's models; what was known before, if it does not answer.
    pub(crate) async fn models(&self) -> Vec<String> {
        let known = lock(&self.listed).clone();
        if let Some((_, models)) = known.as_ref().filter(|(since, _)| since.elapsed() < FRESH) {
            return models.clone();
        }
        match self.list().await {
            Ok(models) => {
                *lock(&self.listed) = Some((Instant::now(), models.clone()));
                models
            }
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "no list from the model server");
                known.map_or_else(Vec::new, |(_, models)| models)
            }
        }
    }

    async fn list(&self) -> Result<Vec<String>, reqwest::Error> {
        #[derive(Deserialize)]
        struct List {
            data: Vec<Entry>,
        }
        #[derive(Deserialize)]
        struct Entry {
            id: String,
        }
        let url = format!("{}/models", self.server.base);
        let asked = self.authorized(self.client.get(url)).timeout(LIST_TIMEOUT).send().await?;
        let list: List = asked.error_for_status()?.json().await?;
        Ok(list.data.into_iter().map(|entry| entry.id).collect())
    }

    /// Asks for an answer to `text`, the last of `turns`; those before it are the history.
    pub(crate) async fn answer(
        &self,
        model: &str,
        turns: &[Arc<Turn>],
        text: &str,
    ) -> Result<Words, UpstreamError> {
        let before = turns.split_last().map_or(&[][..], |(_, before)| before);
        let mut messages: Vec<Value> = Vec::new();
        for turn in before {
            messages.push(json!({ "role": "user", "content": &*turn.prompt }));
            messages.push(json!({ "role": "assistant", "content": turn.reply() }));
        }
        messages.push(json!({ "role": "user", "content": text }));
        let body = json!({ "model": model, "messages": messages, "stream": true });
        let url = format!("{}/chat/completions", self.server.base);
        let response = self.authorized(self.client.post(url)).json(&body).send().await?.error_for_status()?;
        let reading = Reading { response, lines: Lines::default(), ready: VecDeque::new(), over: false };
        Ok(stream::unfold(reading, Reading::step).boxed())
    }

    fn authorized(&self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        match &self.server.key {
            Some(key) => request.bearer_auth(key),
            None => request,
        }
    }
}

struct Reading {
    response: reqwest::Response,
    lines: Lines,
    ready: VecDeque<Piece>,
    over: bool,
}

impl Reading {
    async fn step(mut self) -> Option<(Result<Piece, UpstreamError>, Self)> {
        loop {
            if let Some(piece) = self.ready.pop_front() {
                return Some((Ok(piece), self));
            }
            if self.over {
                return None;
            }
            if let Err(error) = self.read().await {
                self.over = true;
                return Some((Err(error), self));
            }
        }
    }

    async fn read(&mut self) -> Result<(), UpstreamError> {
        let bytes = self.response.chunk().await?.ok_or(UpstreamError::Cut)?;
        self.lines.push(&bytes)?;
        while let Some(line) = self.lines.next() {
            let Some(data) = line.strip_prefix("data:").map(str::trim) else { continue };
            self.over |= data == "[DONE]";
            let event: Value = serde_json::from_str(data).unwrap_or_default();
            let choice = &event["choices"][0];
            let delta = &choice["delta"];
            let thought = delta["reasoning_content"].as_str().or_else(|| delta["reasoning"].as_str());
            let thought = thought.map(|text| Piece::Reasoning(text.to_owned()));
            let said = delta["content"].as_str().map(|text| Piece::Text(text.to_owned()));
            self.ready.extend(thought);
            self.ready.extend(said);
            self.over |= choice["finish_reason"].is_string();
        }
        Ok(())
    }
}

/// Bytes in, whole lines out.
#[derive(Debug, Default)]
struct Lines {
    rest: Vec<u8>,
}

impl Lines {
    fn push(&mut self, bytes: &[u8]) -> Result<(), UpstreamError> {
        self.rest.extend_from_slice(bytes);
        let open = self.rest.iter().rev().take_while(|byte| **byte != b'\n').count();
        if open > LONGEST_LINE { Err(UpstreamError::Line) } else { Ok(()) }
    }

    fn next(&mut self) -> Option<String> {
        let end = self.rest.iter().position(|byte| *byte == b'\n')?;
        let line: Vec<u8> = self.rest.drain(..=end).collect();
        Some(String::from_utf8_lossy(&line).trim_end().to_owned())
    }
}
