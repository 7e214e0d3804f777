use std::time::Duration;

use axum::http::StatusCode;
use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use wormhole_cluster::lease::{Hold, LeaseKeeper, LeaseSettings};

use crate::apiserver::{ApiServer, NAMESPACE};
use crate::until;

const LEASE: &str = "/apis/coordination.k8s.io/v1/namespaces/test/leases/wormhole-me";

struct Bridge {
    held: watch::Receiver<Hold>,
    release: CancellationToken,
    task: JoinHandle<()>,
}

impl Bridge {
    fn start(server: &ApiServer, identity: &str) -> Self {
        let settings = LeaseSettings {
            duration: Duration::from_secs(1),
            renew: Duration::from_millis(50),
            ..LeaseSettings::new("wormhole-me", identity)
        };
        let (keeper, held) = LeaseKeeper::new(&server.cluster(), settings);
        let release = CancellationToken::new();
        #[expect(clippy::disallowed_methods, reason = "the test is the owner and waits for it")]
        let task = tokio::spawn(keeper.run(release.clone()));
        Self { held, release, task }
    }

    fn holds(&self) -> bool {
        *self.held.borrow() == Hold::Held
    }

    async fn until_held(&self, what: &str) {
        until(what, async || self.holds()).await;
    }

    async fn end(self) {
        self.release.cancel();
        self.task.await.unwrap();
    }
}

fn lease_of(holder: &str) -> serde_json::Value {
    json!({
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
        "metadata": { "name": "wormhole-me", "namespace": NAMESPACE },
        "spec": { "holderIdentity": holder, "leaseDurationSeconds": 1, "leaseTransitions": 3,
                  "renewTime": "2026-01-01T00:00:00.000000Z", "acquireTime": "2026-01-01T00:00:00.000000Z" },
    })
}

#[tokio::test]
async fn a_lease_is_made_renewed_and_given_back() {
    let server = ApiServer::start().await;
    let bridge = Bridge::start(&server, "bridge-0/a");
    bridge.until_held("the first holder").await;
    let made = server.get(LEASE).unwrap();
    assert_eq!(made["spec"]["holderIdentity"], "bridge-0/a");
    assert_eq!(made["spec"]["leaseDurationSeconds"], 1);
    until("it is renewed", async || {
        server.get(LEASE).unwrap()["spec"]["renewTime"] != made["spec"]["renewTime"]
    })
    .await;
    assert_eq!(server.get(LEASE).unwrap()["spec"]["acquireTime"], made["spec"]["acquireTime"]);
    bridge.end().await;
    assert_eq!(server.get(LEASE).unwrap()["spec"]["holderIdentity"], serde_json::Value::Null);
}

#[tokio::test]
async fn the_second_waits_says_for_whom_and_follows_at_once_when_it_is_given_back() {
    let server = ApiServer::start().await;
    let first = Bridge::start(&server, "bridge-0/a");
    first.until_held("the first holder").await;
    let second = Bridge::start(&server, "bridge-0/b");
    let says = Hold::Waiting("bridge-0 holds the Lease wormhole-me".to_owned());
    until("the second says whom it waits for", async || *second.held.borrow() == says).await;
    assert!(first.holds() && !second.holds());
    first.end().await;
    second.until_held("the second holder").await;
    assert_eq!(server.get(LEASE).unwrap()["spec"]["leaseTransitions"], 1);
    second.end().await;
}

#[tokio::test]
async fn one_that_is_not_renewed_is_taken_over_by_our_own_clock_alone() {
    let server = ApiServer::start().await;
    // Its renewal is months ago: a clock that goes wrong must not matter.
    server.put(LEASE, lease_of("bridge-0/dead"));
    let began = std::time::Instant::now();
    let bridge = Bridge::start(&server, "bridge-0/b");
    bridge.until_held("the heir").await;
    assert!(began.elapsed() >= Duration::from_secs(1), "it was claimed for one second");
    assert_eq!(server.get(LEASE).unwrap()["spec"]["leaseTransitions"], 4);
    bridge.end().await;
}

#[tokio::test]
async fn the_same_process_takes_its_own_lease_up_again_without_waiting() {
    let server = ApiServer::start().await;
    let mut lease = lease_of("bridge-0/a");
    lease["spec"]["leaseDurationSeconds"] = json!(3600);
    server.put(LEASE, lease);
    let bridge = Bridge::start(&server, "bridge-0/a");
    bridge.until_held("after a restart of the container").await;
    assert_eq!(server.get(LEASE).unwrap()["spec"]["leaseTransitions"], 3, "nobody else had it");
    bridge.end().await;
}

#[tokio::test]
async fn an_outage_alone_takes_nothing_away_but_another_holder_that_is_seen_does() {
    let server = ApiServer::start().await;
    let bridge = Bridge::start(&server, "bridge-0/a");
    bridge.until_held("the first holder").await;
    server.outage(Some(StatusCode::SERVICE_UNAVAILABLE));
    // Longer than the Lease lasts.
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    assert!(bridge.holds(), "an API outage stops nobody's browser");
    let mut other = lease_of("bridge-9/z");
    other["spec"]["leaseDurationSeconds"] = json!(3600);
    server.put(LEASE, other);
    server.outage(None);
    until("the other is seen", async || !bridge.holds()).await;
    bridge.end().await;
    assert_eq!(
        server.get(LEASE).unwrap()["spec"]["holderIdentity"],
        "bridge-9/z",
        "it is not ours to give back"
    );
}

#[tokio::test]
async fn of_many_that_reach_for_it_one_gets_it() {
    let server = ApiServer::start().await;
    let bridges: Vec<_> = (0..8).map(|i| Bridge::start(&server, &format!("bridge-{i}/x"))).collect();
    until("one has it", async || bridges.iter().any(Bridge::holds)).await;
    let written = server.writes();
    until("it is renewed some times", async || server.writes() > written + 5).await;
    assert_eq!(bridges.iter().filter(|bridge| bridge.holds()).count(), 1);
    for bridge in bridges {
        bridge.end().await;
    }
}

#[tokio::test]
async fn without_the_right_to_it_the_reason_is_told() {
    let server = ApiServer::start().await;
    server.forbid("/leases");
    let bridge = Bridge::start(&server, "bridge-0/a");
    until(
        "the refusal is told",
        async || matches!(&*bridge.held.borrow(), Hold::Waiting(why) if why.contains("Forbidden")),
    )
    .await;
    bridge.end().await;
}
