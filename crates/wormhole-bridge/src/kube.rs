//! A bridge in a cluster: a Lease guards its profile, Events and a condition tell of its session.

use std::sync::Arc;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use wormhole_cluster::{
    Cluster, ClusterError,
    lease::{Hold, LeaseKeeper, LeaseSettings},
    news::{Announcer, Herald, News, Reason},
};
use wormhole_protocol::PageState;
use wormhole_runtime::Lifecycle;

use crate::{
    config::KubeConfig,
    outside::{Listener, Outside, Permit},
};

/// Starts what keeps the Lease and carries the news. Both end when `kept` says that the browser is closed.
///
/// # Errors
/// This is no pod, or the cluster cannot be used.
pub(crate) async fn attach(
    config: KubeConfig,
    account: &str,
    lifecycle: &Lifecycle,
    kept: &CancellationToken,
) -> Result<Outside, ClusterError> {
    let KubeConfig { pod, namespace, pod_uid, lease } = config;
    let cluster = Cluster::connect(namespace).await?;
    // A container that is started again in its pod is the same holder; another pod of the same name is not.
    let identity = format!("{pod}/{}", pod_uid.as_deref().unwrap_or_default());
    let lease = lease.unwrap_or_else(|| format!("wormhole-{account}"));
    let (keeper, hold) = LeaseKeeper::new(&cluster, LeaseSettings::new(lease, identity));
    let (permit, permitted) = watch::channel(Permit::Withheld("the Lease was not looked at yet".to_owned()));
    let announcer = Announcer::new();
    let way_in = format!("wormhole login --kube --namespace {} --account {account}", cluster.namespace());
    let herald = Herald::new(cluster, pod, announcer.clone());
    lifecycle.spawn("lease", keeper.run(kept.clone()));
    lifecycle.spawn("permit", translate(hold, permit, kept.clone()));
    lifecycle.spawn("cluster news", herald.run(kept.clone()));
    let telling = Telling { announcer, way_in };
    Ok(Outside { permit: Some(permitted), listener: Some(Arc::new(telling)) })
}

/// Nobody but us knows both words for it.
async fn translate(mut hold: watch::Receiver<Hold>, permit: watch::Sender<Permit>, kept: CancellationToken) {
    loop {
        permit.send_replace(match hold.borrow_and_update().clone() {
            Hold::Held => Permit::Granted,
            Hold::Waiting(why) => Permit::Withheld(why),
        });
        tokio::select! {
            () = kept.cancelled() => return,
            changed = hold.changed() => if changed.is_err() { return kept.cancelled().await },
        }
    }
}

/// Tells the cluster of the session.
#[derive(Debug)]
struct Telling {
    announcer: Announcer,
    /// The command that leads a person to the console.
    way_in: String,
}

impl Listener for Telling {
    fn changed(&self, state: PageState, detail: &str) {
        let reason = reason(state, detail);
        let message = match reason {
            Reason::LoginRequired | Reason::ChallengeWaiting => format!("{detail}; {}", self.way_in),
            Reason::Working => format!("{state} {detail}").trim_end().to_owned(),
            Reason::SessionReady | Reason::SiteChanged => detail.to_owned(),
        };
        self.announcer.announce(News { reason, message });
    }
}

fn reason(state: PageState, detail: &str) -> Reason {
    match state {
        PageState::Ready => Reason::SessionReady,
        PageState::Challenge => Reason::ChallengeWaiting,
        PageState::Blocked if detail.starts_with("site_changed") => Reason::SiteChanged,
        PageState::Blocked => Reason::LoginRequired,
        PageState::Starting
        | PageState::LoggingIn
        | PageState::Expired
        | PageState::BrowserDown
        | PageState::Draining => Reason::Working,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_told_the_way_in_and_only_states_that_need_one_do_so() {
        let announcer = Announcer::new();
        let telling = Telling { announcer, way_in: "wormhole login --kube".to_owned() };
        for state in PageState::ALL {
            telling.changed(state, "why");
            let needs_person =
                matches!(reason(state, "why"), Reason::LoginRequired | Reason::ChallengeWaiting);
            assert_eq!(needs_person, state.needs_person(), "{state}");
        }
        assert_eq!(reason(PageState::Blocked, "site_changed: composer not found"), Reason::SiteChanged);
    }
}
