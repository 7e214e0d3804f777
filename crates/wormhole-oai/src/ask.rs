//! `ask`: lists the models and streams one answer, as any client of the API does. For `helm test`, and for people in an
//! image that holds no curl.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use reqwest::{Client, RequestBuilder, Response};
use serde_json::{Value, json};
use thiserror::Error;
use tokio::time::timeout;
use url::Url;
use wormhole_api::sse::Reader;
use wormhole_runtime::install_crypto_provider;

use crate::keys::plain_key;

/// How long everything may take together.
const WITHIN: Duration = Duration::from_mins(2);

/// Lists the models of a running API, asks one of them, and writes its answer as it comes. Exit code 0 once the answer is
/// whole.
#[derive(Debug, Clone, clap::Args)]
pub struct AskArgs {
    /// The API.
    #[arg(long, default_value = "http://127.0.0.1:11434")]
    url: Url,
    /// The model; the first of the list if not given.
    #[arg(long)]
    model: Option<String>,
    /// A file whose first plain key is sent; the file that WORMHOLE_API_KEYS_FILE names will do if it holds one.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// The question.
    question: String,
}

#[derive(Debug, Error)]
enum AskError {
    #[error("cannot read {}: {}", .0.display(), .1.kind())]
    KeyFile(PathBuf, #[source] io::Error),
    #[error("{} holds no plain key: a hash cannot be sent", .0.display())]
    NoKey(PathBuf),
    #[error("no HTTP client")]
    Client(#[source] reqwest::Error),
    #[error("the API does not answer: {}", root(.0))]
    Unreachable(#[source] reqwest::Error),
    #[error("the API answered {0}: {1}")]
    Refused(http::StatusCode, String),
    #[error("the API lists no model: no account is ready")]
    NoModel,
    #[error("the API broke the answer off: {0}")]
    Failed(String),
    #[error("the stream ended before the answer was whole")]
    Truncated,
    #[error("no whole answer within {} s", WITHIN.as_secs())]
    Late,
}

impl AskArgs {
    /// Asks. Exit code 1 says why on standard error.
    pub async fn run(self) -> ExitCode {
        install_crypto_provider();
        let asked = timeout(WITHIN, self.ask()).await.unwrap_or(Err(AskError::Late));
        // Nobody may be listening; the exit code still counts.
        match asked {
            Ok(()) => {
                let _ = writeln!(io::stdout());
                ExitCode::SUCCESS
            }
            Err(error) => {
                let _ = writeln!(io::stderr(), "{error}");
                ExitCode::FAILURE
            }
        }
    }

    async fn ask(&self) -> Result<(), AskError> {
        let key = self.key_file.as_deref().map(read_key).transpose()?;
        // The address was given; a proxy that the environment names does not lead to it.
        let client = Client::builder().no_proxy().build().map_err(AskError::Client)?;
        let with_key = |request: RequestBuilder| match &key {
            Some(key) => request.bearer_auth(key),
            None => request,
        };
        let listed = send(with_key(client.get(self.path("v1/models")))).await?;
        let models: Value = listed.json().await.map_err(AskError::Unreachable)?;
        let first = || models["data"][0]["id"].as_str().map(str::to_owned);
        let model = self.model.clone().or_else(first).ok_or(AskError::NoModel)?;
        let messages = json!([{"role": "user", "content": self.question}]);
        let body = json!({"model": model, "stream": true, "messages": messages});
        read(send(with_key(client.post(self.path("v1/chat/completions")).json(&body))).await?).await
    }

    fn path(&self, path: &str) -> String {
        format!("{}/{path}", self.url.as_str().trim_end_matches('/'))
    }
}

fn read_key(path: &Path) -> Result<String, AskError> {
    let text = std::fs::read_to_string(path).map_err(|error| AskError::KeyFile(path.into(), error))?;
    plain_key(&text).map(str::to_owned).ok_or_else(|| AskError::NoKey(path.into()))
}

async fn send(request: RequestBuilder) -> Result<Response, AskError> {
    let response = request.send().await.map_err(AskError::Unreachable)?;
    if response.status().is_success() {
        return Ok(response);
    }
    Err(AskError::Refused(response.status(), response.text().await.unwrap_or_default()))
}

/// Writes the answer's text as it comes, up to its end.
async fn read(mut response: Response) -> Result<(), AskError> {
    let mut events = Reader::new();
    while let Some(chunk) = response.chunk().await.map_err(AskError::Unreachable)? {
        for event in events.push(&chunk) {
            if event == "[DONE]" {
                return Ok(());
            }
            let event: Value = serde_json::from_str(&event).map_err(|_| AskError::Truncated)?;
            if let Some(message) = event["error"]["message"].as_str() {
                return Err(AskError::Failed(message.to_owned()));
            }
            let text = event["choices"][0]["delta"]["content"].as_str().unwrap_or_default();
            let _ = io::stdout().write_all(text.as_bytes()).and_then(|()| io::stdout().flush());
        }
    }
    Err(AskError::Truncated)
}

/// What reqwest's error hides: the error at the end of its chain says what happened.
fn root(error: &reqwest::Error) -> String {
    let mut error: &dyn std::error::Error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
