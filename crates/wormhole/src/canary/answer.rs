//! The question itself, as any client would ask it, and whether its answer is whole.

use std::time::{Duration, Instant};

use reqwest::{Client, Response};
use serde_json::{Value, json};

use super::Target;
use super::hops::keyed;

/// Tiny, and of no use to anybody.
const QUESTION: &str = "Reply with the word wormhole.";

/// Why there is no whole answer.
#[derive(Debug)]
pub(super) struct Failed {
    /// The API's word for it, if it was the API that said so.
    pub(super) code: Option<String>,
    /// For people.
    pub(super) message: String,
}

impl Failed {
    fn new(message: impl Into<String>) -> Self {
        Self { code: None, message: message.into() }
    }

    /// What an error object of the API says.
    fn of(error: &Value) -> Option<Self> {
        let message = error["message"].as_str()?.to_owned();
        Some(Self { code: error["code"].as_str().map(str::to_owned), message })
    }
}

/// Asks `model`; when the first word came, once the answer is whole.
pub(super) async fn ask(client: &Client, target: &Target, model: &str) -> Result<Duration, Failed> {
    match tokio::time::timeout(target.timeout, stream(client, target, model)).await {
        Ok(answered) => answered,
        Err(_) => Err(Failed {
            code: Some("deadline".to_owned()),
            message: format!("no whole answer within {} s", target.timeout.as_secs()),
        }),
    }
}

async fn stream(client: &Client, target: &Target, model: &str) -> Result<Duration, Failed> {
    let url = target.base.join("v1/chat/completions").map_err(|error| Failed::new(error.to_string()))?;
    let message = json!({"role": "user", "content": QUESTION});
    let body = json!({"model": model, "stream": true, "messages": [message]});
    let broken = |error: reqwest::Error| Failed::new(format!("the API broke off: {}", error.without_url()));
    let began = Instant::now();
    let mut reply = keyed(target, client.post(url)).json(&body).send().await.map_err(broken)?;
    if !reply.status().is_success() {
        return Err(refusal(reply).await);
    }
    let (mut seen, mut pending) = (Seen::default(), Vec::new());
    while let Some(bytes) = reply.chunk().await.map_err(broken)? {
        pending.extend_from_slice(&bytes);
        while let Some(end) = pending.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = pending.drain(..=end).collect();
            seen.line(String::from_utf8_lossy(&line).trim_end(), began)?;
        }
        if seen.ended {
            return seen.first.ok_or_else(|| empty("the answer is empty"));
        }
    }
    Err(empty("the stream ended before the answer was whole"))
}

fn empty(message: &str) -> Failed {
    Failed { code: Some("truncated".to_owned()), message: message.to_owned() }
}

async fn refusal(reply: Response) -> Failed {
    let status = reply.status();
    let said: Value = reply.json().await.unwrap_or_default();
    Failed::of(&said["error"]).unwrap_or_else(|| Failed::new(format!("the API answers {status}")))
}

/// What came of the stream so far.
#[derive(Default)]
struct Seen {
    /// When the first word came.
    first: Option<Duration>,
    ended: bool,
}

impl Seen {
    fn line(&mut self, line: &str, began: Instant) -> Result<(), Failed> {
        let Some(data) = line.strip_prefix("data: ") else { return Ok(()) };
        if data == "[DONE]" {
            self.ended = true;
            return Ok(());
        }
        let event: Value =
            serde_json::from_str(data).map_err(|_| Failed::new("the API sent a line that is not JSON"))?;
        if let Some(failed) = Failed::of(&event["error"]) {
            return Err(failed);
        }
        let delta = event["choices"][0]["delta"]["content"].as_str().unwrap_or_default();
        if !delta.trim().is_empty() {
            self.first.get_or_insert_with(|| began.elapsed());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[&str]) -> Result<Seen, Failed> {
        let mut seen = Seen::default();
        for line in lines {
            seen.line(line, Instant::now())?;
        }
        Ok(seen)
    }

    #[test]
    fn an_answer_needs_a_word_and_an_end() {
        let word = r#"data: {"choices":[{"delta":{"content":"wormhole"}}]}"#;
        let blank = r#"data: {"choices":[{"delta":{"content":" "}}]}"#;
        let told = |lines: &[&str]| read(lines).map(|seen| (seen.first.is_some(), seen.ended)).unwrap();
        assert_eq!(told(&[": keep-alive", word, "data: [DONE]"]), (true, true));
        assert_eq!(told(&[word]), (true, false));
        assert_eq!(told(&[blank, "data: [DONE]"]), (false, true));
    }

    #[test]
    fn an_error_in_the_stream_is_told_with_its_code() {
        let error = r#"data: {"error":{"message":"log in","code":"login_required"}}"#;
        let failed = read(&[error]).map(drop).unwrap_err();
        assert_eq!((failed.code.as_deref(), &*failed.message), (Some("login_required"), "log in"));
        assert!(read(&["data: <html>"]).is_err());
    }
}
