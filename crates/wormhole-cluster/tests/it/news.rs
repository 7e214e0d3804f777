use axum::http::StatusCode;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use wormhole_cluster::news::{Announcer, CONDITION, Herald, News, Reason};

use crate::apiserver::{ApiServer, NAMESPACE};
use crate::until;

const POD: &str = "/api/v1/namespaces/test/pods/bridge-0";
const EVENTS: &str = "/apis/events.k8s.io/v1/namespaces/test/events";

fn pod() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": { "name": "bridge-0", "namespace": NAMESPACE, "uid": "11111111-2222-3333-4444-555555555555" },
        "spec": { "containers": [{ "name": "bridge", "image": "x" }] },
        "status": { "conditions": [{ "type": "Ready", "status": "True" }] },
    })
}

struct Telling {
    announcer: Announcer,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Telling {
    fn start(server: &ApiServer) -> Self {
        let announcer = Announcer::new();
        let stop = CancellationToken::new();
        let herald = Herald::new(server.cluster(), "bridge-0", announcer.clone());
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

fn ours(server: &ApiServer) -> Option<Value> {
    let pod = server.get(POD)?;
    pod["status"]["conditions"].as_array()?.iter().find(|one| one["type"] == CONDITION).cloned()
}

fn reasons(server: &ApiServer) -> Vec<String> {
    server.under(EVENTS).iter().map(|event| event["reason"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn each_change_is_one_event_and_the_condition_tells_the_last() {
    let server = ApiServer::start().await;
    server.put(POD, pod());
    let telling = Telling::start(&server);
    telling.announce(Reason::Working, "logging in");
    telling.announce(Reason::ChallengeWaiting, "one-time code: wormhole login --kube");
    until("the challenge is told", async || reasons(&server) == ["ChallengeWaiting"]).await;
    let condition = ours(&server).unwrap();
    assert_eq!((&condition["status"], &condition["reason"]), (&json!("False"), &json!("ChallengeWaiting")));
    assert_eq!(condition["message"], "one-time code: wormhole login --kube");
    telling.announce(Reason::SessionReady, "4 models");
    until("the session is told", async || reasons(&server).len() == 2).await;
    assert_eq!(ours(&server).unwrap()["status"], "True");
    let pod = server.get(POD).unwrap();
    assert_eq!(
        pod["status"]["conditions"].as_array().unwrap().len(),
        2,
        "the pod's own condition is still there"
    );
    let event = &server.under(EVENTS)[0];
    assert_eq!(event["regarding"]["name"], "bridge-0");
    assert_eq!(event["regarding"]["uid"], "11111111-2222-3333-4444-555555555555");
    assert_eq!(
        (&event["type"], &event["reportingController"]),
        (&json!("Warning"), &json!("wormhole-bridge"))
    );
    telling.end().await;
}

#[tokio::test]
async fn the_condition_keeps_its_time_while_only_the_words_change() {
    let server = ApiServer::start().await;
    let mut with_old = pod();
    with_old["status"]["conditions"].as_array_mut().unwrap().push(json!({
        "type": CONDITION, "status": "False", "reason": "LoginRequired", "message": "", "lastTransitionTime": "2026-01-02T03:04:05Z",
    }));
    server.put(POD, with_old);
    let telling = Telling::start(&server);
    telling.announce(Reason::SiteChanged, "composer not found");
    until("the change is told", async || ours(&server).unwrap()["reason"] == "SiteChanged").await;
    assert_eq!(ours(&server).unwrap()["lastTransitionTime"], "2026-01-02T03:04:05Z");
    telling.announce(Reason::SessionReady, "");
    until("it is ready", async || ours(&server).unwrap()["status"] == "True").await;
    assert_ne!(ours(&server).unwrap()["lastTransitionTime"], "2026-01-02T03:04:05Z");
    telling.end().await;
}

#[tokio::test]
async fn news_wait_for_an_outage_to_end_in_order() {
    let server = ApiServer::start().await;
    server.put(POD, pod());
    server.outage(Some(StatusCode::INTERNAL_SERVER_ERROR));
    let telling = Telling::start(&server);
    telling.announce(Reason::LoginRequired, "no credentials");
    telling.announce(Reason::SessionReady, "");
    server.outage(None);
    until("both are told", async || reasons(&server).len() == 2).await;
    assert_eq!(ours(&server).unwrap()["reason"], "SessionReady");
    telling.end().await;
}

#[tokio::test]
async fn what_is_announced_last_is_told_before_the_end() {
    let server = ApiServer::start().await;
    server.put(POD, pod());
    let telling = Telling::start(&server);
    telling.announce(Reason::LoginRequired, "going down");
    telling.end().await;
    assert_eq!(reasons(&server), ["LoginRequired"]);
}
