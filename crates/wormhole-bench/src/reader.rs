//! A plain HTTP client of the practice site: logs in, makes a conversation, posts a turn and reads its stream, as the page
//! script does, but without a browser.

use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http::{HeaderName, Method, Response, header};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde_json::{Value, json};
use url::form_urlencoded;

use crate::clock::Clock;
use crate::connection::{Connection, Taken};
use crate::source::{MODEL, WORDS};

/// Where the site's API is.
const API: &str = "/internal/experts/assistant";

/// The practice site's account.
pub(crate) const EMAIL: &str = "demo@example.test";
/// Its password.
pub(crate) const PASSWORD: &str = "practice";

/// A logged-in reader.
pub(crate) struct Reader {
    connection: Connection,
    clock: Clock,
    cookies: String,
    csrf: String,
    model_id: String,
}

impl Reader {
    /// Logs in and looks the model up.
    pub(crate) async fn log_in(site: SocketAddr, clock: Clock) -> Result<Self> {
        let mut connection = Connection::open(site, clock).await?;
        let form = form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("email", EMAIL), ("password", PASSWORD)])
            .finish();
        let kind = [(header::CONTENT_TYPE, "application/x-www-form-urlencoded")];
        let response = connection.send(Method::POST, "/en/expert/login", &kind, form.into()).await?;
        let (cookies, csrf) = cookies(&response).context("the site set no session after the login")?;
        response.into_body().collect().await?;
        let mut reader = Self { connection, clock, cookies, csrf, model_id: String::new() };
        reader.model_id = reader.find_model().await?;
        Ok(reader)
    }

    async fn find_model(&mut self) -> Result<String> {
        let path = format!("{API}/playground-models");
        let models = json_of(self.call(Method::GET, &path, Bytes::new()).await?).await?;
        let named = |model: &&Value| model["endpointString"] == MODEL;
        let model = models.as_array().and_then(|models| models.iter().find(named));
        let id = model.and_then(|model| model["id"].as_str());
        id.map(str::to_owned).with_context(|| format!("the site does not offer {MODEL}"))
    }

    /// Asks once in a new conversation, and reads the whole stream.
    pub(crate) async fn read(&mut self) -> Result<Taken> {
        let asked = self.clock.now();
        let text = "How fast are you?";
        let prompt = json!({ "text": text, "images": [] });
        let new = json!({ "prompt": prompt, "model": MODEL, "modelId": self.model_id });
        let path = format!("{API}/conversations");
        let made = json_of(self.call(Method::POST, &path, new.to_string().into()).await?).await?;
        let id = made["id"].as_str().context("a conversation without id")?;
        let prompt = json!({ "text": text, "model": MODEL, "modelId": self.model_id });
        let turn = json!({ "prompt": prompt, "model": MODEL, "modelId": self.model_id, "parentIdx": 0 });
        let path = format!("{path}/{id}/turn-streaming");
        let answer = self.call(Method::POST, &path, turn.to_string().into()).await?;
        let taken = self.connection.read(answer.into_body(), asked).await?;
        ensure!(taken.deltas.len() == WORDS, "{} words of {WORDS} came", taken.deltas.len());
        Ok(taken)
    }

    async fn call(&mut self, method: Method, path: &str, body: Bytes) -> Result<Response<Incoming>> {
        let headers = [
            (header::CONTENT_TYPE, "application/json"),
            (header::COOKIE, self.cookies.as_str()),
            (HeaderName::from_static("x-csrf-token"), self.csrf.as_str()),
        ];
        let response = self.connection.send(method, path, &headers, body).await?;
        let status = response.status();
        ensure!(status.is_success(), "the site answers {status} to {path}");
        Ok(response)
    }
}

async fn json_of(response: Response<Incoming>) -> Result<Value> {
    let body = response.into_body().collect().await?.to_bytes();
    Ok(serde_json::from_slice(&body)?)
}

/// The cookies to send back, and the CSRF token in plain letters.
fn cookies(response: &Response<Incoming>) -> Option<(String, String)> {
    let set = response.headers().get_all(header::SET_COOKIE).iter();
    let pairs: Vec<_> = set.filter_map(|cookie| cookie.to_str().ok()?.split(';').next()).collect();
    let csrf = pairs.iter().find_map(|pair| pair.strip_prefix("_csrf="))?;
    let form = format!("csrf={csrf}");
    let csrf = form_urlencoded::parse(form.as_bytes()).next()?.1.into_owned();
    pairs.iter().any(|pair| pair.starts_with("_session=")).then(|| (pairs.join("; "), csrf))
}

#[cfg(test)]
mod tests {
    use tokio_util::sync::CancellationToken;
    use wormhole_playground::{AnswerWith, Config, Site};

    use super::*;
    use crate::source::{PACE, Source};

    #[tokio::test]
    async fn the_practice_site_relays_the_words_as_they_come() {
        let clock = Clock::start();
        let source = Source::serve(clock).await.unwrap();
        let base = format!("http://{}/v1", source.address);
        let config = Config { answer_with: Some(AnswerWith { base, key: None }), ..Config::default() };
        let site = Site::bind(config).await.unwrap();
        let address = site.http_origin().trim_start_matches("http://").parse().unwrap();
        let stop = CancellationToken::new();
        let read = async {
            let mut reader = Reader::log_in(address, clock).await.unwrap();
            let taken = reader.read().await.unwrap();
            stop.cancel();
            taken
        };
        let ((), taken) = tokio::join!(site.serve(stop.clone()), read);
        assert!(taken.first < PACE * 50 && taken.whole >= PACE * 99);
    }
}
