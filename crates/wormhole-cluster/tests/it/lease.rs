use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use wormhole_cluster::Cluster;
use wormhole_cluster::lease::{Hold, LeaseKeeper, LeaseSettings};

use crate::apiserver::{ApiServer, LEASE_NAME, LEASES, NAMESPACE};
use crate::until;

const DURATION: Duration = Duration::from_secs(1);
const RENEW: Duration = Duration::from_millis(50);

struct Bridge {
    held: watch::Receiver<Hold>,
    release: CancellationToken,
    task: JoinHandle<()>,
}

impl Bridge {
    fn start(server: &ApiServer, identity: &str) -> Self {
        Self::of(&server.cluster(), identity)
    }

    fn of(cluster: &Cluster, identity: &str) -> Self {
        let settings =
            LeaseSettings { duration: DURATION, renew: RENEW, ..LeaseSettings::new(LEASE_NAME, identity) };
        let (keeper, held) = LeaseKeeper::new(cluster, settings);
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

fn lease_of(holder: &str, seconds: u32) -> Value {
    json!({
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
        "metadata": { "name": LEASE_NAME, "namespace": NAMESPACE },
        "spec": { "holderIdentity": holder, "leaseDurationSeconds": seconds, "leaseTransitions": 3,
                  "renewTime": "2026-01-01T00:00:00.000000Z", "acquireTime": "2026-01-01T00:00:00.000000Z" },
    })
}

fn path() -> String {
    format!("{LEASES}/{LEASE_NAME}")
}

async fn spec(server: &ApiServer) -> Value {
    server.get(&path()).await.unwrap()["spec"].take()
}

async fn version(server: &ApiServer) -> Value {
    server.get(&path()).await.unwrap()["metadata"]["resourceVersion"].take()
}

/// Waits until it was written this many times more.
async fn until_written(server: &ApiServer, times: usize) {
    for _ in 0..times {
        let before = version(server).await;
        until("it is written", async || version(server).await != before).await;
    }
}

/// Waits, while nobody can renew anything, until the Lease has run out. Who is refused rests for a quarter of the time
/// between renewals, and a refusal may be tried again once at once.
async fn until_the_lease_has_run_out(server: &ApiServer) {
    let before = server.refused();
    let tries = 4 * DURATION.as_millis().div_ceil(RENEW.as_millis());
    let enough = 2 * usize::try_from(tries).unwrap();
    until("the Lease has run out", async || server.refused() > before + enough).await;
}

#[tokio::test]
async fn a_lease_is_made_renewed_and_given_back() {
    let server = ApiServer::start().await;
    let bridge = Bridge::start(&server, "bridge-0/a");
    bridge.until_held("the first holder").await;
    let made = spec(&server).await;
    assert_eq!(made["holderIdentity"], "bridge-0/a");
    assert_eq!(made["leaseDurationSeconds"], 1);
    until("it is renewed", async || spec(&server).await["renewTime"] != made["renewTime"]).await;
    assert_eq!(spec(&server).await["acquireTime"], made["acquireTime"]);
    bridge.end().await;
    assert_eq!(spec(&server).await["holderIdentity"], Value::Null);
}

#[tokio::test]
async fn the_second_waits_says_for_whom_and_follows_at_once_when_it_is_given_back() {
    let server = ApiServer::start().await;
    let first = Bridge::start(&server, "bridge-0/a");
    first.until_held("the first holder").await;
    let second = Bridge::start(&server, "bridge-0/b");
    let says = Hold::Waiting(format!("bridge-0 holds the Lease {LEASE_NAME}"));
    until("the second says whom it waits for", async || *second.held.borrow() == says).await;
    assert!(first.holds() && !second.holds());
    first.end().await;
    second.until_held("the second holder").await;
    assert_eq!(spec(&server).await["leaseTransitions"], 1);
    second.end().await;
}

#[tokio::test]
async fn one_that_is_not_renewed_is_taken_over_by_our_own_clock_alone() {
    let server = ApiServer::start().await;
    // Its renewal is months ago: a clock that goes wrong must not matter.
    server.create(LEASES, &lease_of("bridge-0/dead", 1)).await;
    let began = std::time::Instant::now();
    let bridge = Bridge::start(&server, "bridge-0/b");
    bridge.until_held("the heir").await;
    assert!(began.elapsed() >= DURATION, "it was claimed for one second");
    assert_eq!(spec(&server).await["leaseTransitions"], 4);
    bridge.end().await;
}

#[tokio::test]
async fn the_same_process_takes_its_own_lease_up_again_without_waiting() {
    let server = ApiServer::start().await;
    server.create(LEASES, &lease_of("bridge-0/a", 3600)).await;
    let bridge = Bridge::start(&server, "bridge-0/a");
    bridge.until_held("after a restart of the container").await;
    assert_eq!(spec(&server).await["leaseTransitions"], 3, "nobody else had it");
    bridge.end().await;
}

#[tokio::test]
async fn an_outage_alone_takes_nothing_away_but_another_holder_that_is_seen_does() {
    let server = ApiServer::start().await;
    let bridge = Bridge::start(&server, "bridge-0/a");
    bridge.until_held("the first holder").await;
    server.stop().await;
    until_the_lease_has_run_out(&server).await;
    assert!(bridge.holds(), "an API outage stops nobody's browser");
    server.start_again().await;
    until_written(&server, 1).await;
    assert!(bridge.holds(), "it goes on where it was");
    let other = json!({ "spec": { "holderIdentity": "bridge-9/z", "leaseDurationSeconds": 3600 } });
    server.merge(&path(), &other).await;
    until("the other is seen", async || !bridge.holds()).await;
    bridge.end().await;
    assert_eq!(spec(&server).await["holderIdentity"], "bridge-9/z", "it is not ours to give back");
}

#[tokio::test]
async fn an_api_server_that_answers_but_cannot_is_an_outage_as_well() {
    let server = ApiServer::in_process().await;
    let bridge = Bridge::start(&server, "bridge-0/a");
    bridge.until_held("the first holder").await;
    let waits = Bridge::start(&server, "bridge-0/b");
    server.overloaded(true);
    until(
        "the one that waits says why",
        async || matches!(&*waits.held.borrow(), Hold::Waiting(why) if why.starts_with("cannot read the Lease")),
    )
    .await;
    assert!(bridge.holds());
    server.overloaded(false);
    until_written(&server, 1).await;
    assert!(bridge.holds() && !waits.holds());
    waits.end().await;
    bridge.end().await;
}

#[tokio::test]
async fn of_many_that_reach_for_it_one_gets_it() {
    let server = ApiServer::start().await;
    let bridges: Vec<_> = (0..8).map(|i| Bridge::start(&server, &format!("bridge-{i}/x"))).collect();
    until("one has it", async || bridges.iter().any(Bridge::holds)).await;
    until_written(&server, 6).await;
    assert_eq!(bridges.iter().filter(|bridge| bridge.holds()).count(), 1);
    let spec = spec(&server).await;
    let holder = bridges.iter().position(Bridge::holds).unwrap();
    assert_eq!(spec["holderIdentity"], format!("bridge-{holder}/x"));
    assert_eq!(spec["leaseTransitions"], 0, "no two of them wrote over each other");
    for bridge in bridges {
        bridge.end().await;
    }
}

#[tokio::test]
async fn without_the_right_to_it_the_reason_is_told() {
    let server = ApiServer::start().await;
    let bridge = Bridge::of(&server.stranger(), "bridge-0/a");
    let is_told = |hold: &Hold| {
        let Hold::Waiting(why) = hold else { return false };
        why.starts_with("cannot read the Lease: ")
            && ["leases.coordination.k8s.io", LEASE_NAME, "forbidden", "test:stranger"]
                .iter()
                .all(|word| why.contains(word))
    };
    until("the refusal is told", async || is_told(&bridge.held.borrow())).await;
    bridge.end().await;
}

#[tokio::test]
async fn nobody_gets_another_accounts_lease_by_the_role_of_the_bridge() {
    let server = ApiServer::start().await;
    let settings = LeaseSettings::new("wormhole-bridge-other", "bridge-0/a");
    let (keeper, held) = LeaseKeeper::new(&server.cluster(), settings);
    let release = CancellationToken::new();
    #[expect(clippy::disallowed_methods, reason = "the test is the owner and waits for it")]
    let task = tokio::spawn(keeper.run(release.clone()));
    until(
        "the refusal is told",
        async || matches!(&*held.borrow(), Hold::Waiting(why) if why.contains("forbidden")),
    )
    .await;
    release.cancel();
    task.await.unwrap();
}
