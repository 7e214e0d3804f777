//! The pods of an installation, as an operator wants to see them.

use k8s_openapi::api::core::v1::Pod;
use kube::api::ListParams;

use crate::cluster::{Cluster, ClusterError, answer};
use crate::news::CONDITION;

/// The label that tells an account's bridge.
pub const ACCOUNT: &str = "wormhole.dev/account";
/// The label that tells which service a pod is.
const COMPONENT: &str = "app.kubernetes.io/component";
/// What all pods of the chart have.
const OURS: &str = "app.kubernetes.io/name=wormhole";

/// One pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodView {
    /// Its name.
    pub name: String,
    /// `server`, `bridge`, `oai` …
    pub component: String,
    /// The account of a bridge.
    pub account: Option<String>,
    /// Kubernetes' own phase.
    pub phase: String,
    /// Its readiness probe succeeds.
    pub ready: bool,
    /// How often its containers were started again.
    pub restarts: i32,
    /// How its session is: reason and words. Only bridges that tell the cluster have it.
    pub session: Option<(String, String)>,
}

impl PodView {
    /// Its session is there.
    pub fn is_logged_in(&self) -> bool {
        self.session.as_ref().is_some_and(|(reason, _)| reason == "SessionReady")
    }
}

/// All pods of the installations in the namespace, by component and name.
///
/// # Errors
/// The API server does not tell.
pub async fn list(cluster: &Cluster) -> Result<Vec<PodView>, ClusterError> {
    let pods = cluster.api::<Pod>();
    let found = answer("list the pods", pods.list(&ListParams::default().labels(OURS))).await?;
    let mut views: Vec<_> = found.items.iter().map(view).collect();
    views.sort_by(|a, b| (&a.component, &a.name).cmp(&(&b.component, &b.name)));
    Ok(views)
}

/// The bridges among them, of one account if one is named.
pub fn bridges<'a>(pods: &'a [PodView], account: Option<&str>) -> Vec<&'a PodView> {
    pods.iter()
        .filter(|pod| pod.component == "bridge")
        .filter(|pod| account.is_none() || pod.account.as_deref() == account)
        .collect()
}

fn view(pod: &Pod) -> PodView {
    let label = |name: &str| pod.metadata.labels.as_ref().and_then(|labels| labels.get(name)).cloned();
    let status = pod.status.clone().unwrap_or_default();
    let conditions = status.conditions.unwrap_or_default();
    let condition = |name: &str| conditions.iter().find(|condition| condition.type_ == name);
    let containers = status.container_statuses.unwrap_or_default();
    PodView {
        name: pod.metadata.name.clone().unwrap_or_default(),
        component: label(COMPONENT).unwrap_or_default(),
        account: label(ACCOUNT),
        phase: status.phase.unwrap_or_default(),
        ready: condition("Ready").is_some_and(|condition| condition.status == "True"),
        restarts: containers.iter().map(|container| container.restart_count).sum(),
        session: condition(CONDITION).map(|condition| {
            (condition.reason.clone().unwrap_or_default(), condition.message.clone().unwrap_or_default())
        }),
    }
}
