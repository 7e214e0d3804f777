//! One question through the real API, as any client would ask it.

use std::fmt::Display;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::terminal;

/// How long the next piece of an answer may take, the first included.
const PIECE_WITHIN: Duration = Duration::from_mins(1);

/// How long the API may take for anything that is no answer of a model.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// Asks `model` and writes the answer to the terminal as it comes.
///
/// # Errors
/// The API answered with an error, or the stream ended without saying that the answer is whole.
pub(crate) async fn ask(api: SocketAddr, model: &str, question: &str) -> Result<()> {
    let body = json!({"model": model, "stream": true, "messages": [{"role": "user", "content": question}]});
    let request = client()?.post(format!("http://{api}/v1/chat/completions")).json(&body);
    let mut reply =
        tokio::time::timeout(PIECE_WITHIN, request.send()).await.context("the API did not answer")??;
    if !reply.status().is_success() {
        bail!("the API answered {}: {}", reply.status(), reply.text().await.unwrap_or_default());
    }
    let mut pending = Vec::new();
    while let Some(bytes) =
        tokio::time::timeout(PIECE_WITHIN, reply.chunk()).await.context("the answer stalled")??
    {
        pending.extend_from_slice(&bytes);
        while let Some(end) = pending.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = pending.drain(..=end).collect();
            if show(String::from_utf8_lossy(&line).trim_end())? {
                return Ok(());
            }
        }
    }
    bail!("the stream ended before the answer was whole")
}

/// Shows one line of the stream; true at its end.
fn show(line: &str) -> Result<bool> {
    let Some(data) = line.strip_prefix("data: ") else { return Ok(false) };
    if data == "[DONE]" {
        return Ok(true);
    }
    let event: Value = serde_json::from_str(data).context("the API sent a line that is not JSON")?;
    if let Some(message) = event["error"]["message"].as_str() {
        bail!("{message}");
    }
    if let Some(delta) = event["choices"][0]["delta"]["content"].as_str() {
        terminal::write(delta);
    }
    Ok(false)
}

/// The names of the models that the API offers.
///
/// # Errors
/// The API is not there, or does not answer in its own shape.
pub(crate) async fn models(api: SocketAddr) -> Result<Vec<String>> {
    let listed: Value = client()?.get(format!("http://{api}/v1/models")).send().await?.json().await?;
    let models = listed["data"].as_array().context("the API lists no models")?;
    Ok(models.iter().filter_map(|model| model["id"].as_str()).map(str::to_owned).collect())
}

/// What an admin port says on `/readyz`: whether it is ready, and its words.
///
/// # Errors
/// Nothing answers there.
pub(crate) async fn readiness(admin: impl Display) -> Result<(bool, String)> {
    let reply = client()?.get(format!("http://{admin}/readyz")).timeout(ANSWER_WITHIN).send().await?;
    let ready = reply.status().is_success();
    Ok((ready, reply.text().await?.trim().to_owned()))
}

/// What an admin port says on `/metrics`.
///
/// # Errors
/// Nothing answers there.
#[cfg(feature = "kube")]
pub(crate) async fn metrics(admin: SocketAddr) -> Result<String> {
    let reply = client()?.get(format!("http://{admin}/metrics")).timeout(ANSWER_WITHIN).send().await?;
    Ok(reply.error_for_status()?.text().await?)
}

/// An HTTP client for loopback: no proxy stands between the services of one machine.
fn client() -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder().no_proxy().connect_timeout(ANSWER_WITHIN).build()
}
