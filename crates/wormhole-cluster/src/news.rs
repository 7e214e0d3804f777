//! What a session's changes look like to `kubectl`: an Event for each that somebody should see, and a condition of the
//! pod that always tells the last.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{ObjectReference, Pod};
use kube::Resource as _;
use kube::api::{Patch, PatchParams};
use kube::runtime::events::{Event, EventType, Recorder, Reporter};
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::cluster::{Cluster, ClusterError, answer};
use crate::lease::with_sources;

/// The pod's condition.
pub const CONDITION: &str = "wormhole.dev/SessionReady";

/// News that wait while the API server is away. Over it the oldest go: the last ones are what counts.
const MOST: usize = 32;
/// How often one piece of news is tried, and how long it rests in between.
const TRIES: usize = 5;
const REST: Duration = Duration::from_secs(2);
/// How long the last news may take at the end.
const FLUSH: Duration = Duration::from_secs(3);

/// What a session has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Logged in.
    SessionReady,
    /// No session, and none can be made without a person.
    LoginRequired,
    /// The site asks for a person.
    ChallengeWaiting,
    /// The site no longer looks as its profile says.
    SiteChanged,
    /// On the way to a session; nobody need do anything.
    Working,
}

impl Reason {
    /// The word for it, in Events and in the condition.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SessionReady => "SessionReady",
            Self::LoginRequired => "LoginRequired",
            Self::ChallengeWaiting => "ChallengeWaiting",
            Self::SiteChanged => "SiteChanged",
            Self::Working => "Working",
        }
    }

    /// The kind of Event it is worth, if any.
    fn event(self) -> Option<EventType> {
        match self {
            Self::SessionReady => Some(EventType::Normal),
            Self::LoginRequired | Self::ChallengeWaiting | Self::SiteChanged => Some(EventType::Warning),
            Self::Working => None,
        }
    }
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    /// What it came to.
    pub reason: Reason,
    /// More about it, for people. It must hold no secret.
    pub message: String,
}

#[derive(Debug, Default)]
struct Waiting {
    news: Mutex<VecDeque<News>>,
    more: Notify,
}

/// Takes news at any time without waiting. Cloning shares it.
#[derive(Debug, Clone, Default)]
pub struct Announcer {
    waiting: Arc<Waiting>,
}

impl Announcer {
    /// One that nobody reads yet: give it to [`Herald::new`].
    pub fn new() -> Self {
        Self::default()
    }

    /// Queues a change.
    pub fn announce(&self, news: News) {
        let mut waiting = self.waiting.news.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() == MOST {
            waiting.pop_front();
            tracing::warn!("news for the cluster wait too long: the oldest is dropped");
        }
        waiting.push_back(news);
        self.waiting.more.notify_one();
    }

    fn next(&self) -> Option<News> {
        self.waiting.news.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }
}

/// Carries news to the API server.
#[derive(Debug)]
pub struct Herald {
    cluster: Cluster,
    pod: String,
    announcer: Announcer,
}

impl Herald {
    /// One for a pod of the cluster's namespace.
    pub fn new(cluster: Cluster, pod: impl Into<String>, announcer: Announcer) -> Self {
        Self { cluster, pod: pod.into(), announcer }
    }

    /// Carries what is announced, in order, until `stop`; then what is left, if that is quick.
    pub async fn run(self, stop: CancellationToken) {
        let reporter = Reporter { controller: "wormhole-bridge".into(), instance: Some(self.pod.clone()) };
        let recorder = Recorder::new(self.cluster.client(), reporter);
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                () = self.announcer.waiting.more.notified() => {
                    tokio::select! {
                        () = stop.cancelled() => break,
                        () = self.carry_all(&recorder) => {}
                    }
                }
            }
        }
        if timeout(FLUSH, self.carry_all(&recorder)).await.is_err() {
            tracing::warn!("the last news could not be told to the cluster in time");
        }
    }

    async fn carry_all(&self, recorder: &Recorder) {
        while let Some(news) = self.announcer.next() {
            for attempt in 1..=TRIES {
                match self.carry(recorder, &news).await {
                    Ok(()) => break,
                    Err(error) if attempt == TRIES || error.status() == Some(403) => {
                        tracing::warn!(
                            why = with_sources(&error),
                            "the cluster could not be told of a change"
                        );
                        break;
                    }
                    Err(_) => sleep(REST).await,
                }
            }
        }
    }

    async fn carry(&self, recorder: &Recorder, news: &News) -> Result<(), ClusterError> {
        let pods = self.cluster.api::<Pod>();
        let pod = answer("read our own pod", pods.get(&self.pod)).await?;
        let patch = Patch::Strategic(condition(&pod, news));
        let params = PatchParams::default();
        let patched = pods.patch_status(&self.pod, &params, &patch);
        answer("set the pod's condition", patched).await?;
        let Some(type_) = news.reason.event() else { return Ok(()) };
        let event = Event {
            type_,
            reason: news.reason.as_str().to_owned(),
            note: Some(short(&news.message)),
            action: "Session".to_owned(),
            secondary: None,
        };
        let about: ObjectReference = pod.object_ref(&());
        answer("publish an Event", recorder.publish(&event, &about)).await
    }
}

/// The patch that sets our condition; the time of its last change stays when only the words change.
fn condition(pod: &Pod, news: &News) -> serde_json::Value {
    let status = if news.reason == Reason::SessionReady { "True" } else { "False" };
    let conditions = pod.status.as_ref().and_then(|status| status.conditions.as_ref());
    let before = conditions.and_then(|all| all.iter().find(|one| one.type_ == CONDITION));
    let since = before
        .filter(|before| before.status == status)
        .and_then(|before| before.last_transition_time.as_ref())
        .map_or_else(Timestamp::now, |time| time.0);
    serde_json::json!({ "status": { "conditions": [{
        "type": CONDITION,
        "status": status,
        "reason": news.reason.as_str(),
        "message": news.message,
        "lastTransitionTime": since.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
    }] } })
}

/// An Event's note is at most 1 kB long.
fn short(message: &str) -> String {
    message.chars().take(240).collect()
}
