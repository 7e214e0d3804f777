//! What a session's changes look like to `kubectl`: an Event for each that somebody should see, and a condition of the
//! pod that always tells the last.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::api::events::v1::Event;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use kube::Resource as _;
use kube::api::{Patch, PatchParams, PostParams};
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::cluster::{Cluster, ClusterError, answer, with_sources};

/// The pod's condition.
pub const CONDITION: &str = "wormhole.dev/SessionReady";

/// News that wait while the API server is away. Over it the oldest go: the last ones are what counts.
const MOST: usize = 32;
/// How long an API server that does not answer is left alone, at first and at most.
const REST: Duration = Duration::from_secs(1);
const LONGEST_REST: Duration = Duration::from_secs(30);
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

    /// The type of Event it is worth, if any.
    fn event(self) -> Option<&'static str> {
        match self {
            Self::SessionReady => Some("Normal"),
            Self::LoginRequired | Self::ChallengeWaiting | Self::SiteChanged => Some("Warning"),
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

/// News, and when it happened.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Dated {
    at: Timestamp,
    news: News,
}

#[derive(Debug, Default)]
struct Waiting {
    news: Mutex<VecDeque<Dated>>,
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
        let mut waiting = self.queue();
        if waiting.len() == MOST {
            waiting.pop_front();
            tracing::warn!("news for the cluster wait too long: the oldest is dropped");
        }
        waiting.push_back(Dated { at: Timestamp::now(), news });
        self.waiting.more.notify_one();
    }

    fn first(&self) -> Option<Dated> {
        self.queue().front().cloned()
    }

    /// What was first is done with, unless it was dropped in the meantime.
    fn done(&self, dated: &Dated) {
        let mut waiting = self.queue();
        if waiting.front() == Some(dated) {
            waiting.pop_front();
        }
    }

    fn queue(&self) -> MutexGuard<'_, VecDeque<Dated>> {
        self.waiting.news.lock().unwrap_or_else(PoisonError::into_inner)
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
        let always = async {
            loop {
                self.carry_all().await;
                self.announcer.waiting.more.notified().await;
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = always => {}
        }
        if timeout(FLUSH, self.carry_all()).await.is_err() {
            tracing::warn!("the last news could not be told to the cluster in time");
        }
    }

    /// Until nothing waits. News stays first until it is told, so an outage takes none away, however long it is; and it may
    /// be told twice without a trace, so that who cuts this off loses nothing either.
    async fn carry_all(&self) {
        let mut rest = REST;
        while let Some(dated) = self.announcer.first() {
            match self.carry(&dated).await {
                Ok(()) if rest > REST => tracing::info!("the cluster can be told of changes again"),
                Ok(()) => {}
                Err(error) if error.is_final() => {
                    tracing::warn!(why = with_sources(&error), "the cluster could not be told of a change");
                }
                Err(error) => {
                    if rest == REST {
                        let why = with_sources(&error);
                        tracing::warn!(why, "the cluster cannot be told of changes now; this is tried again");
                    }
                    sleep(rest).await;
                    rest = LONGEST_REST.min(rest * 2);
                    continue;
                }
            }
            rest = REST;
            self.announcer.done(&dated);
        }
    }

    async fn carry(&self, dated: &Dated) -> Result<(), ClusterError> {
        let pods = self.cluster.api::<Pod>();
        let pod = answer("read our own pod", pods.get(&self.pod)).await?;
        let patch = Patch::Strategic(condition(&pod, dated));
        let params = PatchParams::default();
        let patched = pods.patch_status(&self.pod, &params, &patch);
        answer("set the pod's condition", patched).await?;
        let Some(event) = event(&pod, dated) else { return Ok(()) };
        let params = PostParams::default();
        let events = self.cluster.api::<Event>();
        match answer("publish an Event", events.create(&params, &event)).await {
            // Its name is that of this change: the answer to our first try was lost.
            Err(error) if error.status() == Some(409) => Ok(()),
            made => made.map(drop),
        }
    }
}

/// The patch that sets our condition; the time of its last change stays when only the words change.
fn condition(pod: &Pod, Dated { at, news }: &Dated) -> serde_json::Value {
    let status = if news.reason == Reason::SessionReady { "True" } else { "False" };
    let conditions = pod.status.as_ref().and_then(|status| status.conditions.as_ref());
    let before = conditions.and_then(|all| all.iter().find(|one| one.type_ == CONDITION));
    let since = before
        .filter(|before| before.status == status)
        .and_then(|before| before.last_transition_time.as_ref())
        .map_or(*at, |time| time.0);
    serde_json::json!({ "status": { "conditions": [{
        "type": CONDITION,
        "status": status,
        "reason": news.reason.as_str(),
        "message": news.message,
        "lastTransitionTime": since.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
    }] } })
}

/// The Event that a change is worth, if any: one for each, where `kube`'s own recorder would count those of one reason
/// in the first one's, with the first one's words.
fn event(pod: &Pod, Dated { at, news }: &Dated) -> Option<Event> {
    let name = pod.metadata.name.clone().unwrap_or_default();
    Some(Event {
        metadata: ObjectMeta {
            name: Some(format!("{name}.{:x}", at.as_nanosecond())),
            namespace: pod.metadata.namespace.clone(),
            ..ObjectMeta::default()
        },
        type_: Some(news.reason.event()?.to_owned()),
        reason: Some(news.reason.as_str().to_owned()),
        note: Some(short(&news.message)),
        action: Some("Session".to_owned()),
        event_time: Some(MicroTime(*at)),
        regarding: Some(pod.object_ref(&())),
        reporting_controller: Some("wormhole-bridge".to_owned()),
        reporting_instance: Some(name),
        ..Event::default()
    })
}

/// An Event's note is at most 1 kB long.
fn short(message: &str) -> String {
    message.chars().take(240).collect()
}
