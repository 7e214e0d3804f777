//! Embeddings: a chat site has none, so they come from an OpenAI-compatible server that the operator may name.

use std::fmt;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::BytesMut;
use futures_util::StreamExt;
use reqwest::{Client, Response, StatusCode};
use tracing::warn;
use url::Url;
use wormhole_api::embeddings::{EmbeddingList, EmbeddingRequest, Numbers};
use wormhole_runtime::{ExposeSecret, SecretString};

use crate::errors::{ApiError, Kind};

/// How long the server may take.
const WITHIN: Duration = Duration::from_mins(1);

/// The largest answer that is read.
const MAX_ANSWER: usize = 64 << 20;

/// How much of an error's text is passed on.
const MAX_MESSAGE: usize = 500;

/// Where embeddings come from.
#[derive(Debug, Clone)]
pub struct EmbeddingsServer {
    /// The base of its API, such as `http://embeddings:8080/v1`.
    pub url: Url,
    /// Its key, if it wants one.
    pub key: Option<SecretString>,
}

/// Asks that server.
pub(crate) struct Upstream {
    client: Client,
    server: EmbeddingsServer,
}

impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upstream").field("url", &self.server.url.as_str()).finish_non_exhaustive()
    }
}

/// Numbers for each text.
#[derive(Debug)]
pub(crate) struct Vectors {
    /// In the order of the texts.
    pub numbers: Vec<Vec<f32>>,
    /// What the texts cost.
    pub tokens: u64,
}

impl Upstream {
    /// A client of the server. Redirects are not followed: the key belongs to one host.
    ///
    /// # Errors
    /// TLS cannot be set up.
    pub(crate) fn new(server: EmbeddingsServer) -> Result<Self, reqwest::Error> {
        let client = Client::builder().timeout(WITHIN).redirect(reqwest::redirect::Policy::none()).build()?;
        Ok(Self { client, server })
    }

    /// Asks for numbers, in the order of the texts. They are asked for as numbers, which every such server can give.
    pub(crate) async fn list(&self, mut request: EmbeddingRequest) -> Result<EmbeddingList, ApiError> {
        request.encoding_format = Some("float".to_owned());
        let url = format!("{}/embeddings", self.server.url.as_str().trim_end_matches('/'));
        let mut post = self.client.post(url).json(&request);
        if let Some(key) = &self.server.key {
            post = post.bearer_auth(key.expose_secret());
        }
        let response = post.send().await.map_err(|error| {
            warn!(%error, "the server of the embeddings cannot be reached");
            broken("the server of the embeddings cannot be reached")
        })?;
        let status = response.status();
        let body = read(response).await?;
        if !status.is_success() {
            return Err(refused(status, &body));
        }
        let mut list: EmbeddingList = serde_json::from_slice(&body)
            .map_err(|_| broken("the server of the embeddings answered with something else"))?;
        for embedding in &mut list.data {
            unpack(&mut embedding.embedding)?;
        }
        list.data.sort_by_key(|embedding| embedding.index);
        Ok(list)
    }

    /// The same, without OpenAI's shape.
    pub(crate) async fn vectors(&self, request: EmbeddingRequest) -> Result<Vectors, ApiError> {
        let list = self.list(request).await?;
        let tokens = list.usage.prompt_tokens;
        let numbers = list.data.into_iter().map(|embedding| match embedding.embedding {
            Numbers::List(numbers) => numbers,
            // Unpacked above.
            Numbers::Packed(_) => Vec::new(),
        });
        Ok(Vectors { numbers: numbers.collect(), tokens })
    }
}

/// Nobody here makes embeddings.
pub(crate) fn unsupported() -> ApiError {
    let message = "no embeddings here: a chat site has none; \
                   the operator may name a server that does, with WORMHOLE_EMBEDDINGS_URL";
    ApiError::new(Kind::Unsupported, message)
}

/// As the SDKs ask for it by default.
pub(crate) fn pack(numbers: &mut Numbers) {
    if let Numbers::List(list) = numbers {
        let bytes: Vec<u8> = list.iter().flat_map(|number| number.to_le_bytes()).collect();
        *numbers = Numbers::Packed(STANDARD.encode(bytes));
    }
}

fn unpack(numbers: &mut Numbers) -> Result<(), ApiError> {
    if let Numbers::Packed(text) = numbers {
        let bytes = STANDARD.decode(text.as_bytes());
        let bytes = bytes.map_err(|_| broken("the server of the embeddings packed them wrongly"))?;
        let (all, _) = bytes.as_chunks::<4>();
        *numbers = Numbers::List(all.iter().map(|four| f32::from_le_bytes(*four)).collect());
    }
    Ok(())
}

async fn read(response: Response) -> Result<BytesMut, ApiError> {
    let mut body = BytesMut::new();
    let mut pieces = response.bytes_stream();
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|_| broken("the answer of the embeddings' server was cut off"))?;
        if body.len() + piece.len() > MAX_ANSWER {
            return Err(broken("the answer of the embeddings' server is too large"));
        }
        body.extend_from_slice(&piece);
    }
    Ok(body)
}

/// What the request is to blame for is passed on; the rest is this service's own trouble, its key's too.
fn refused(status: StatusCode, body: &[u8]) -> ApiError {
    let said = serde_json::from_slice::<serde_json::Value>(body).ok();
    let said = said.as_ref().and_then(|json| {
        let error = json.get("error")?;
        error.get("message").unwrap_or(error).as_str()
    });
    let said: String = said.unwrap_or("it did not say why").chars().take(MAX_MESSAGE).collect();
    warn!(status = status.as_u16(), "the server of the embeddings refused");
    let message = format!("the server of the embeddings refused: {said}");
    match status.as_u16() {
        400 | 422 => ApiError::new(Kind::BadRequest, message),
        404 => ApiError::new(Kind::ModelUnknown, message),
        413 => ApiError::new(Kind::PayloadTooLarge, message),
        429 => ApiError::new(Kind::Turn(wormhole_protocol::FailureCode::RateLimited), message),
        _ => broken(format!("the server of the embeddings failed with status {}", status.as_u16())),
    }
}

fn broken(message: impl Into<String>) -> ApiError {
    ApiError::new(Kind::Upstream, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packing_and_unpacking_are_inverse() {
        let mut numbers = Numbers::List(vec![0.0, 1.5, -2.25]);
        pack(&mut numbers);
        assert_eq!(numbers, Numbers::Packed("AAAAAAAAwD8AABDA".to_owned()));
        unpack(&mut numbers).unwrap();
        assert_eq!(numbers, Numbers::List(vec![0.0, 1.5, -2.25]));
        assert!(unpack(&mut Numbers::Packed("?".to_owned())).is_err());
    }

    #[test]
    fn only_the_requests_own_faults_are_passed_on() {
        for (given, status) in [(400, 400), (401, 502), (404, 404), (413, 413), (429, 429), (500, 502)] {
            let body = br#"{"error":{"message":"why"}}"#;
            let error = refused(StatusCode::from_u16(given).unwrap(), body);
            assert_eq!(error.status(), status, "{given}");
            assert_eq!(error.message().contains("why"), status != 502);
        }
    }
}
