//! The pod that a bridge is.

use wormhole_runtime::ConfigError;

use crate::args::KubeArgs;

/// The pod that this bridge is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KubeConfig {
    /// Its name.
    pub pod: String,
    /// Its namespace, if it is another than its service account's.
    pub namespace: Option<String>,
    /// Its uid.
    pub pod_uid: Option<String>,
    /// The Lease that guards the profile, if it is called otherwise than by the account.
    pub lease: Option<String>,
}

impl KubeArgs {
    pub(super) fn config(self) -> Result<Option<KubeConfig>, ConfigError> {
        let Self { in_cluster, lease_name, pod_name, pod_namespace, pod_uid } = self;
        if !in_cluster {
            return Ok(None);
        }
        if cfg!(not(feature = "kube")) {
            let lacks = "this build knows no cluster: it lacks the feature `kube`";
            return Err(ConfigError::new("WORMHOLE_KUBE", lacks));
        }
        let missing = "is required with WORMHOLE_KUBE: the pod's name, by the downward API";
        let pod = pod_name.ok_or_else(|| ConfigError::new("POD_NAME", missing))?;
        Ok(Some(KubeConfig { pod, namespace: pod_namespace, pod_uid, lease: lease_name }))
    }
}
