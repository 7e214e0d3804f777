//! The hops of the path, from the client's end on.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::Value;
use wormhole_runtime::ExposeSecret;

use super::{Target, answer};
use crate::admin::AdminPort;
use crate::ask;

const API: &str = "api";
const HUB: &str = "hub";
const BRIDGE: &str = "bridge";
const ANSWER: &str = "answer";
/// What answers behind the bridge; only an answer tells of it.
const SITE: &str = "site";

/// How long anything that is no answer of a model may take.
const SOON: Duration = Duration::from_secs(5);

/// One hop and how it is.
pub(super) struct Hop {
    pub(super) name: &'static str,
    pub(super) found: Found,
    pub(super) took: Duration,
}

/// How a hop is.
pub(super) enum Found {
    /// It does its part.
    Well(String),
    /// It does not, or another one that it speaks for: the one to blame.
    Broken { blamed: &'static str, words: String },
    /// It could not be asked.
    Unknown(String),
}

impl Hop {
    /// The hop that failed, seen from here.
    pub(super) fn blames(&self) -> Option<&'static str> {
        match &self.found {
            Found::Broken { blamed, .. } => Some(blamed),
            Found::Well(_) | Found::Unknown(_) => None,
        }
    }
}

/// Checks one after the other. Nothing is asked of the model where a hop before it is broken.
pub(super) async fn check(target: &Target) -> Vec<Hop> {
    let client = Client::builder().no_proxy().connect_timeout(SOON).build();
    let began = Instant::now();
    let listed = match &client {
        Ok(client) => models(client, target).await,
        Err(error) => Err(anyhow::anyhow!("no HTTP client can be made: {error}")),
    };
    let api = match &listed {
        Ok(models) => Found::Well(format!("{} lists {} models", target.base, models.len())),
        Err(error) => Found::Broken { blamed: API, words: format!("{error:#}") },
    };
    let mut hops = vec![Hop { name: API, found: api, took: began.elapsed() }];
    for (name, admin, well) in
        [(HUB, &target.oai_admin, "the API is joined"), (BRIDGE, &target.bridge_admin, "joined, logged in")]
    {
        hops.push(readiness(name, admin, well).await);
    }
    let began = Instant::now();
    let found = match (client, listed) {
        (Ok(client), Ok(models)) if hops.iter().all(|hop| hop.blames().is_none()) => {
            question(&client, target, &models).await
        }
        _ => Found::Unknown("not asked: a hop before it is broken".to_owned()),
    };
    hops.push(Hop { name: ANSWER, found, took: began.elapsed() });
    hops
}

/// A request with the key.
pub(super) fn keyed(target: &Target, request: RequestBuilder) -> RequestBuilder {
    match &target.key {
        Some(key) => request.bearer_auth(key.expose_secret()),
        None => request,
    }
}

/// The models that the API lists to this key.
async fn models(client: &Client, target: &Target) -> Result<Vec<String>> {
    let url = target.base.join("v1/models")?;
    let reply = keyed(target, client.get(url)).timeout(SOON).send().await;
    let reply = reply.map_err(reqwest::Error::without_url).context("the API does not answer")?;
    let status = reply.status();
    if status == StatusCode::UNAUTHORIZED {
        bail!("the API refuses the key: give one with --key-file or WORMHOLE_API_KEY");
    }
    if !status.is_success() {
        bail!("the API answers {status}");
    }
    let listed: Value = reply.json().await.map_err(|_| anyhow::anyhow!("the API lists no models"))?;
    let models = listed["data"].as_array().context("the API lists no models")?;
    Ok(models.iter().filter_map(|model| model["id"].as_str()).map(str::to_owned).collect())
}

/// A service by its own words; on another machine its admin port may be out of reach, which says nothing.
async fn readiness(name: &'static str, admin: &AdminPort, well: &str) -> Hop {
    let began = Instant::now();
    let found = match ask::readiness(admin).await {
        Ok((true, _)) => Found::Well(well.to_owned()),
        Ok((false, words)) => {
            Found::Broken { blamed: name, words: words.lines().collect::<Vec<_>>().join("; ") }
        }
        Err(_) => Found::Unknown(format!("not checked: its admin port {admin} is not reachable from here")),
    };
    Hop { name, found, took: began.elapsed() }
}

async fn question(client: &Client, target: &Target, models: &[String]) -> Found {
    let Some(model) = target.model.as_ref().or(models.first()) else {
        let words = "the API knows no model: no page has told it any".to_owned();
        return Found::Broken { blamed: BRIDGE, words };
    };
    match answer::ask(client, target, model).await {
        Ok(first) => Found::Well(format!("{model} answered, the first word after {} ms", first.as_millis())),
        Err(failed) => Found::Broken { blamed: blamed(failed.code.as_deref()), words: failed.message },
    }
}

/// Who is to blame, by the API's own code for it.
fn blamed(code: Option<&str>) -> &'static str {
    match code {
        Some("hub_lost" | "queue_full" | "protocol") => HUB,
        Some("no_page" | "page_lost" | "login_required" | "challenge" | "model_not_found") => BRIDGE,
        Some(
            "site_error"
            | "site_changed"
            | "truncated"
            | "stalled"
            | "refused"
            | "rate_limit_exceeded"
            | "conversation_unknown",
        ) => SITE,
        // The code of a deadline does not say where the time went.
        Some("deadline") => ANSWER,
        _ => API,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_name_the_hop_that_is_to_blame() {
        for (code, hop) in [
            (Some("hub_lost"), "hub"),
            (Some("login_required"), "bridge"),
            (Some("site_changed"), "site"),
            (Some("deadline"), "answer"),
            (Some("internal_error"), "api"),
            (None, "api"),
        ] {
            assert_eq!(blamed(code), hop, "{code:?}");
        }
    }
}
