use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use wormhole_cluster::Cluster;
use wormhole_cluster::news::{Announcer, CONDITION, Herald, News, Reason};

use crate::apiserver::{ApiServer, EVENTS, NAMESPACE, POD_NAME, PODS};
use crate::until;

fn path() -> String {
    format!("{PODS}/{POD_NAME}")
}

/// A pod, ready, with these conditions of ours.
async fn with_pod(server: &ApiServer, ours: &[Value]) {
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": { "name": POD_NAME, "namespace": NAMESPACE },
        "spec": { "containers": [{ "name": "bridge", "image": "x" }] },
    });
    server.create(PODS, &pod).await;
    let mut conditions = vec![json!({ "type": "Ready", "status": "True" })];
    conditions.extend_from_slice(ours);
    server.merge(&format!("{}/status", path()), &json!({ "status": { "conditions": conditions } })).await;
}

struct Telling {
    announcer: Announcer,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Telling {
    fn start(server: &ApiServer) -> Self {
        Self::of(server.cluster())
    }

    fn of(cluster: Cluster) -> Self {
        let announcer = Announcer::new();
        let stop = CancellationToken::new();
        let herald = Herald::new(cluster, POD_NAME, announcer.clone());
        #[expect(clippy::disallowed_methods, reason = "the test is the owner and waits for it")]
        let task = tokio::spawn(herald.run(stop.clone()));
        Self { announcer, stop, task }
    }

    fn announce(&self, reason: Reason, message: &str) {
        self.announcer.announce(News { reason, message: message.to_owned() });
    }

    async fn end(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }
}

async fn conditions(server: &ApiServer) -> Vec<Value> {
    let pod = server.get(&path()).await.unwrap();
    pod["status"]["conditions"].as_array().cloned().unwrap_or_default()
}

async fn ours(server: &ApiServer) -> Value {
    let all = conditions(server).await;
    all.into_iter().find(|one| one["type"] == CONDITION).unwrap_or_default()
}

/// Reason and words of each Event, in the order in which it happened.
async fn told(server: &ApiServer) -> Vec<(String, String)> {
    let mut events = server.list(EVENTS).await;
    events.sort_by_key(|event| event["eventTime"].as_str().unwrap().to_owned());
    let text = |event: &Value, field: &str| event[field].as_str().unwrap_or_default().to_owned();
    events.iter().map(|event| (text(event, "reason"), text(event, "note"))).collect()
}

async fn until_told(server: &ApiServer, expected: &[(&str, &str)]) {
    let expected: Vec<_> =
        expected.iter().map(|(reason, words)| ((*reason).to_owned(), (*words).to_owned())).collect();
    until(&format!("{expected:?} is told"), async || told(server).await == expected).await;
}

#[tokio::test]
async fn each_change_is_one_event_and_the_condition_tells_the_last() {
    let server = ApiServer::start().await;
    with_pod(&server, &[]).await;
    let telling = Telling::start(&server);
    telling.announce(Reason::Working, "logging in");
    telling.announce(Reason::ChallengeWaiting, "one-time code: wormhole login --kube");
    until_told(&server, &[("ChallengeWaiting", "one-time code: wormhole login --kube")]).await;
    let condition = ours(&server).await;
    assert_eq!((&condition["status"], &condition["reason"]), (&json!("False"), &json!("ChallengeWaiting")));
    assert_eq!(condition["message"], "one-time code: wormhole login --kube");
    telling.announce(Reason::SessionReady, "4 models");
    until("the session is told", async || told(&server).await.len() == 2).await;
    assert_eq!(ours(&server).await["status"], "True");
    let types: Vec<_> = conditions(&server).await.iter().map(|one| one["type"].clone()).collect();
    assert_eq!(types.len(), 2, "the pod's own condition is still there: {types:?}");
    telling.end().await;
}

#[tokio::test]
async fn an_event_says_what_it_is_about_and_who_says_so() {
    let server = ApiServer::start().await;
    with_pod(&server, &[]).await;
    let telling = Telling::start(&server);
    // In bytes it is longer than an Event's note may be.
    telling.announce(Reason::LoginRequired, &"€".repeat(2_000));
    until("it is told", async || told(&server).await.len() == 1).await;
    let event = server.list(EVENTS).await.remove(0);
    assert_eq!(event["regarding"]["name"], POD_NAME);
    let uid = server.get(&path()).await.unwrap()["metadata"]["uid"].take();
    assert!(uid.is_string() && event["regarding"]["uid"] == uid, "{event}");
    assert_eq!(
        (&event["type"], &event["reportingController"], &event["reportingInstance"]),
        (&json!("Warning"), &json!("wormhole-bridge"), &json!(POD_NAME))
    );
    telling.end().await;
}

#[tokio::test]
async fn what_happens_again_is_an_event_again_with_its_own_words() {
    let server = ApiServer::start().await;
    with_pod(&server, &[]).await;
    let telling = Telling::start(&server);
    telling.announce(Reason::ChallengeWaiting, "one-time code");
    telling.announce(Reason::ChallengeWaiting, "a captcha");
    until_told(&server, &[("ChallengeWaiting", "one-time code"), ("ChallengeWaiting", "a captcha")]).await;
    telling.end().await;
}

#[tokio::test]
async fn the_condition_keeps_its_time_while_only_the_words_change() {
    let server = ApiServer::start().await;
    let old = json!({
        "type": CONDITION, "status": "False", "reason": "LoginRequired", "message": "",
        "lastTransitionTime": "2026-01-02T03:04:05Z",
    });
    with_pod(&server, &[old]).await;
    let telling = Telling::start(&server);
    telling.announce(Reason::SiteChanged, "composer not found");
    until("the change is told", async || ours(&server).await["reason"] == "SiteChanged").await;
    assert_eq!(ours(&server).await["lastTransitionTime"], "2026-01-02T03:04:05Z");
    telling.announce(Reason::SessionReady, "");
    until("it is ready", async || ours(&server).await["status"] == "True").await;
    assert_ne!(ours(&server).await["lastTransitionTime"], "2026-01-02T03:04:05Z");
    telling.end().await;
}

#[tokio::test]
async fn to_say_the_same_again_changes_nothing_of_the_pod() {
    let server = ApiServer::start().await;
    with_pod(&server, &[]).await;
    let telling = Telling::start(&server);
    telling.announce(Reason::LoginRequired, "no credentials");
    until("it is told", async || told(&server).await.len() == 1).await;
    let before = server.get(&path()).await.unwrap();
    telling.announce(Reason::LoginRequired, "no credentials");
    until("it is told again", async || told(&server).await.len() == 2).await;
    assert_eq!(server.get(&path()).await.unwrap(), before);
    telling.end().await;
}

#[tokio::test]
async fn news_wait_for_an_outage_to_end_in_order() {
    let server = ApiServer::start().await;
    with_pod(&server, &[]).await;
    let telling = Telling::start(&server);
    telling.announce(Reason::Working, "starting");
    until("the API server was reached", async || ours(&server).await["message"] == "starting").await;
    server.stop().await;
    let refused = server.refused();
    telling.announce(Reason::LoginRequired, "no credentials");
    telling.announce(Reason::SessionReady, "");
    until("it was tried in vain", async || server.refused() > refused + 1).await;
    server.start_again().await;
    until_told(&server, &[("LoginRequired", "no credentials"), ("SessionReady", "")]).await;
    assert_eq!(ours(&server).await["reason"], "SessionReady");
    telling.end().await;
}

#[tokio::test]
async fn what_is_announced_last_is_told_before_the_end() {
    let server = ApiServer::start().await;
    with_pod(&server, &[]).await;
    let telling = Telling::start(&server);
    telling.announce(Reason::LoginRequired, "going down");
    telling.end().await;
    assert_eq!(told(&server).await, [("LoginRequired".to_owned(), "going down".to_owned())]);
}

#[tokio::test]
async fn who_may_not_tell_goes_on_and_ends() {
    let server = ApiServer::start().await;
    with_pod(&server, &[]).await;
    let telling = Telling::of(server.stranger());
    telling.announce(Reason::LoginRequired, "no credentials");
    telling.announce(Reason::SessionReady, "");
    telling.end().await;
    assert_eq!(told(&server).await, []);
    assert_eq!(ours(&server).await, Value::Null);
}
