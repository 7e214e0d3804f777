//! Telling somebody that a person is needed: one POST for each change to such a state.
//!
//! The address may hold a secret, so it stands in no log and no error.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use reqwest::{Client, StatusCode, redirect::Policy};
use serde_json::{Value, json};
use tokio::{sync::mpsc, time::sleep};
use tokio_util::sync::CancellationToken;
use url::Url;
use wormhole_protocol::PageState;
use wormhole_runtime::{Backoff, ExposeSecret as _, SecretString};

use crate::{
    metrics::{AlertOutcome, Metrics},
    session::Status,
};

/// How many alerts may wait for one that is being sent; one more is dropped, and counted.
pub(crate) const QUEUE: usize = 32;

/// How long the receiver may take for one.
const WITHIN: Duration = Duration::from_secs(10);

/// How often one is sent at most, and the shortest and longest rest in between.
const TRIES: u32 = 5;
const RETRY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// A person is needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Alert {
    site: String,
    account: String,
    state: PageState,
    detail: String,
    since: SystemTime,
    /// When the page was ready last: the same trouble after that is news.
    ready: Option<SystemTime>,
}

impl Alert {
    /// What the session is like now.
    pub(crate) fn of(status: &Status) -> Self {
        let ready = status.changes.iter().find(|change| change.state == PageState::Ready);
        Self {
            site: status.site.clone(),
            account: status.account.clone(),
            state: status.state,
            detail: status.detail.clone(),
            since: status.since,
            ready: ready.map(|change| change.at),
        }
    }

    /// A login that is tried again and again, each time in vain, is one trouble and not many.
    fn repeats(&self, earlier: &Self) -> bool {
        (self.state, &self.detail, self.ready) == (earlier.state, &earlier.detail, earlier.ready)
    }

    /// `text` is what Slack, Mattermost and their like show.
    fn body(&self, console: Option<&Url>) -> Value {
        let Self { site, account, state, detail, since, .. } = self;
        let mut text = format!("Wormhole: account {account} at {site} needs a person ({state}: {detail})");
        if let Some(console) = console
            && !detail.contains(console.as_str())
        {
            text = format!("{text} {console}");
        }
        json!({
            "site": site,
            "account": account,
            "state": state,
            "detail": detail,
            "since": humantime::format_rfc3339_seconds(*since).to_string(),
            "console_url": console.map(Url::as_str),
            "text": text,
        })
    }
}

/// Whoever wants to know.
pub(crate) struct Webhook {
    client: Client,
    address: SecretString,
    console: Option<Url>,
    metrics: Arc<Metrics>,
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook").finish_non_exhaustive()
    }
}

/// What came of one try.
enum Try {
    Taken,
    Refused(StatusCode),
    Again(String),
}

impl Webhook {
    /// `console` is where the person can go, if there is a console.
    ///
    /// # Errors
    /// The system's certificates cannot be read.
    pub(crate) fn new(
        address: SecretString,
        console: Option<Url>,
        metrics: Arc<Metrics>,
    ) -> Result<Self, reqwest::Error> {
        // No redirect: the secret in the address belongs to one host.
        let client = Client::builder().timeout(WITHIN).redirect(Policy::none()).build()?;
        Ok(Self { client, address, console, metrics })
    }

    /// Sends what comes, one after the other, until the drain.
    pub(crate) async fn run(self, mut alerts: mpsc::Receiver<Alert>, soft: CancellationToken) {
        let mut last: Option<Alert> = None;
        loop {
            let alert = tokio::select! {
                biased;
                () = soft.cancelled() => return,
                Some(alert) = alerts.recv() => alert,
            };
            if last.as_ref().is_some_and(|last| alert.repeats(last)) {
                continue;
            }
            let outcome = tokio::select! {
                biased;
                outcome = self.deliver(&alert) => outcome,
                () = soft.cancelled() => AlertOutcome::Failed,
            };
            self.metrics.alert(outcome);
            last = Some(alert);
        }
    }

    async fn deliver(&self, alert: &Alert) -> AlertOutcome {
        let body = alert.body(self.console.as_ref());
        let mut backoff = Backoff::new(RETRY.0, RETRY.1);
        for tries in 1..=TRIES {
            match self.post(&body).await {
                Try::Taken => {
                    tracing::info!(state = %alert.state, tries, "the alert is sent");
                    return AlertOutcome::Sent;
                }
                Try::Refused(status) => {
                    tracing::warn!(%status, "the alert is refused");
                    return AlertOutcome::Failed;
                }
                Try::Again(why) => tracing::warn!(why, tries, "the alert could not be sent"),
            }
            if tries < TRIES {
                sleep(backoff.next_delay()).await;
            }
        }
        AlertOutcome::Failed
    }

    async fn post(&self, body: &Value) -> Try {
        match self.client.post(self.address.expose_secret()).json(body).send().await {
            Ok(response) if response.status().is_success() => Try::Taken,
            Ok(response) => match response.status() {
                status if status.is_server_error() => Try::Again(status.to_string()),
                status @ (StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS) => {
                    Try::Again(status.to_string())
                }
                status => Try::Refused(status),
            },
            Err(error) => Try::Again(error.without_url().to_string()),
        }
    }
}
