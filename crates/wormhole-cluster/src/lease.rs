//! A Lease that guards something of which there is only one.
//!
//! The rules are those of client-go's leader election, with one difference that a browser's profile asks for: who holds
//! the Lease keeps it while the API server is away. Only another holder that was *seen* ends it. A file lock and the
//! volume's access mode still stand between the two in the meantime.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use kube::Api;
use kube::api::PostParams;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::cluster::{Cluster, ClusterError, answer, with_sources};

/// How long giving the Lease back may take at the end.
const RELEASE: Duration = Duration::from_secs(3);
/// After a conflict the Lease is looked at again this soon: somebody else wrote it, and what they wrote decides.
const AFTER_CONFLICT: Duration = Duration::from_millis(100);

/// Which Lease, for whom, and for how long.
#[derive(Debug, Clone)]
pub struct LeaseSettings {
    /// The Lease's name; it is made if it is not there.
    pub name: String,
    /// Who we are: another name for each process that could hold it. What comes before a `/` is shown to others.
    pub identity: String,
    /// How long a holder that is not heard of keeps it. Whole seconds count.
    pub duration: Duration,
    /// How often it is renewed, or looked at while another holds it.
    pub renew: Duration,
}

impl LeaseSettings {
    /// 30 seconds, renewed every 10: two renewals may fail.
    pub fn new(name: impl Into<String>, identity: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            identity: identity.into(),
            duration: Duration::from_secs(30),
            renew: Duration::from_secs(10),
        }
    }
}

/// Whether we hold it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hold {
    /// It is ours.
    Held,
    /// It is not (any more), and why.
    Waiting(String),
}

/// Takes and keeps a Lease; see [`LeaseKeeper::run`].
#[derive(Debug)]
pub struct LeaseKeeper {
    leases: Api<Lease>,
    settings: LeaseSettings,
    hold: watch::Sender<Hold>,
    /// What another holder's Lease looked like, and since when: our own clock decides when it has expired, for nobody
    /// knows how well theirs goes.
    seen: Option<(String, Instant)>,
}

/// What a look at the Lease has led to.
enum Step {
    /// Nothing to do before the next renewal.
    Rest,
    /// Somebody else was faster: look again at once.
    Again,
}

impl LeaseKeeper {
    /// One that holds nothing yet, and where to watch what it holds.
    pub fn new(cluster: &Cluster, settings: LeaseSettings) -> (Self, watch::Receiver<Hold>) {
        let (hold, watched) = watch::channel(Hold::Waiting("the Lease was not looked at yet".to_owned()));
        (Self { leases: cluster.api(), settings, hold, seen: None }, watched)
    }

    /// Takes the Lease as soon as it is free and renews it, until `release`; then gives it back.
    pub async fn run(mut self, release: CancellationToken) {
        loop {
            let step = tokio::select! {
                biased;
                () = release.cancelled() => break,
                step = self.step() => step,
            };
            let pause = match step {
                Ok(Step::Rest) => self.settings.renew,
                Ok(Step::Again) => AFTER_CONFLICT,
                Err(error) => {
                    self.unknown(&error);
                    self.settings.renew / 4
                }
            };
            tokio::select! {
                () = release.cancelled() => break,
                () = sleep(pause) => {}
            }
        }
        self.give_back().await;
    }

    async fn step(&mut self) -> Result<Step, ClusterError> {
        let Some(lease) = answer("read the Lease", self.leases.get_opt(&self.settings.name)).await? else {
            let new = Lease {
                metadata: ObjectMeta { name: Some(self.settings.name.clone()), ..ObjectMeta::default() },
                spec: Some(self.ours(None)),
            };
            let made = answer("make the Lease", self.leases.create(&PostParams::default(), &new)).await;
            return self.written(made);
        };
        let spec = lease.spec.clone().unwrap_or_default();
        let holder = spec.holder_identity.clone().unwrap_or_default();
        if !holder.is_empty() && holder != self.settings.identity && !self.has_expired(&lease, &spec) {
            self.waits(format!("{} holds the Lease {}", shown(&holder), self.settings.name));
            return Ok(Step::Rest);
        }
        // The resource version goes along, so the API server refuses this if anybody wrote in between.
        let renewed = Lease { spec: Some(self.ours(Some(&spec))), ..lease };
        let params = PostParams::default();
        let put = self.leases.replace(&self.settings.name, &params, &renewed);
        let written = answer("renew the Lease", put).await;
        self.written(written)
    }

    /// What the Lease says when it is ours.
    fn ours(&self, before: Option<&LeaseSpec>) -> LeaseSpec {
        let now = MicroTime(Timestamp::now());
        let kept = before.filter(|spec| spec.holder_identity.as_deref() == Some(&self.settings.identity));
        let changes = before.and_then(|spec| spec.lease_transitions).unwrap_or(0);
        LeaseSpec {
            holder_identity: Some(self.settings.identity.clone()),
            lease_duration_seconds: i32::try_from(self.settings.duration.as_secs()).ok(),
            acquire_time: kept.and_then(|spec| spec.acquire_time.clone()).or_else(|| Some(now.clone())),
            renew_time: Some(now),
            lease_transitions: Some(changes + i32::from(before.is_some() && kept.is_none())),
            ..LeaseSpec::default()
        }
    }

    fn written(&mut self, written: Result<Lease, ClusterError>) -> Result<Step, ClusterError> {
        match written {
            Ok(_) => {
                self.seen = None;
                self.becomes(Hold::Held);
                Ok(Step::Rest)
            }
            Err(error) if error.status() == Some(409) => Ok(Step::Again),
            Err(error) => Err(error),
        }
    }

    /// The same Lease has been there, unrenewed, for as long as its holder has claimed it.
    fn has_expired(&mut self, lease: &Lease, spec: &LeaseSpec) -> bool {
        let version = lease.metadata.resource_version.clone().unwrap_or_default();
        let since = match &self.seen {
            Some((seen, since)) if *seen == version => *since,
            _ => self.seen.insert((version, Instant::now())).1,
        };
        let claimed = spec.lease_duration_seconds.and_then(|seconds| u64::try_from(seconds).ok());
        since.elapsed() >= claimed.map_or(self.settings.duration, Duration::from_secs)
    }

    /// The API server did not tell. What is held stays held.
    fn unknown(&self, error: &ClusterError) {
        let why = with_sources(error);
        if *self.hold.borrow() == Hold::Held {
            tracing::warn!(lease = self.settings.name, why, "the Lease could not be renewed; it is kept");
        } else {
            self.waits(why);
        }
    }

    fn waits(&self, why: String) {
        self.becomes(Hold::Waiting(why));
    }

    fn becomes(&self, hold: Hold) {
        let changed = self.hold.send_if_modified(|before| {
            let differs = *before != hold;
            if differs {
                before.clone_from(&hold);
            }
            differs
        });
        if !changed {
            return;
        }
        match hold {
            Hold::Held => tracing::info!(lease = self.settings.name, "the Lease is ours"),
            Hold::Waiting(why) => tracing::warn!(lease = self.settings.name, why, "the Lease is not ours"),
        }
    }

    /// Lets the next one have it at once.
    async fn give_back(self) {
        if *self.hold.borrow() != Hold::Held {
            return;
        }
        match timeout(RELEASE, self.empty()).await {
            Ok(Ok(())) => tracing::info!(lease = self.settings.name, "the Lease is given back"),
            Ok(Err(error)) => {
                tracing::warn!(
                    lease = self.settings.name,
                    why = with_sources(&error),
                    "the Lease could not be given back"
                );
            }
            Err(_) => tracing::warn!(lease = self.settings.name, "the Lease could not be given back in time"),
        }
    }

    async fn empty(&self) -> Result<(), ClusterError> {
        let lease = answer("read the Lease", self.leases.get(&self.settings.name)).await?;
        let spec = lease.spec.clone().unwrap_or_default();
        if spec.holder_identity.as_deref() != Some(&self.settings.identity) {
            return Ok(());
        }
        let free = LeaseSpec {
            holder_identity: None,
            lease_duration_seconds: Some(1),
            lease_transitions: spec.lease_transitions,
            ..LeaseSpec::default()
        };
        let free = Lease { spec: Some(free), ..lease };
        let params = PostParams::default();
        let put = self.leases.replace(&self.settings.name, &params, &free);
        answer("give the Lease back", put).await.map(drop)
    }
}

/// The part of an identity that tells people something.
fn shown(identity: &str) -> &str {
    identity.split('/').next().unwrap_or(identity)
}
