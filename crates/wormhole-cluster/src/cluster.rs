//! The way to the API server.

use std::error::Error as _;
use std::future::Future;
use std::time::Duration;

use k8s_openapi::NamespaceResourceScope;
use kube::{Api, Client, Config, Resource};
use thiserror::Error;
use tokio::time::timeout;

/// How long the API server may take to answer. A Lease is renewed often enough to survive some that take it all.
pub(crate) const ANSWER: Duration = Duration::from_secs(5);

/// Why something of the cluster cannot be had.
#[derive(Debug, Error)]
pub enum ClusterError {
    /// There is no service account and no kubeconfig, or it cannot be used.
    #[error("no way to a cluster: neither a pod's service account nor a usable kubeconfig")]
    Config(#[source] Box<kube::config::InferConfigError>),
    /// The client cannot be built from it.
    #[error("the way to the cluster cannot be used")]
    Client(#[source] Box<kube::Error>),
    /// The API server refuses, or cannot be reached.
    #[error("cannot {what}")]
    Api {
        /// What was tried.
        what: &'static str,
        /// Why not.
        #[source]
        source: Box<kube::Error>,
    },
    /// It did not answer in time.
    #[error("cannot {what}: the API server did not answer within {} s", ANSWER.as_secs())]
    Timeout {
        /// What was tried.
        what: &'static str,
    },
    /// A local port cannot be bound.
    #[error("cannot open a local port")]
    Listen(#[source] std::io::Error),
}

impl ClusterError {
    /// The API server's status code, if it answered.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Api { source, .. } => match source.as_ref() {
                kube::Error::Api(status) => Some(status.code),
                _ => None,
            },
            _ => None,
        }
    }

    /// The API server has decided, and would decide the same again.
    pub(crate) fn is_final(&self) -> bool {
        self.status()
            .is_some_and(|status| (400..500).contains(&status) && ![401, 408, 409, 429].contains(&status))
    }
}

/// The error and what lies under it, in one line.
pub(crate) fn with_sources(error: &ClusterError) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

/// One namespace of a cluster. Cloning shares the connection.
#[derive(Clone)]
pub struct Cluster {
    client: Client,
    namespace: String,
}

impl Cluster {
    /// The cluster that this process runs in, or that the kubeconfig speaks of; the namespace of either if none is given.
    ///
    /// # Errors
    /// There is neither, or it cannot be used.
    pub async fn connect(namespace: Option<String>) -> Result<Self, ClusterError> {
        let config = Config::infer().await.map_err(|error| ClusterError::Config(Box::new(error)))?;
        Self::with(config, namespace)
    }

    /// The cluster of this configuration.
    ///
    /// # Errors
    /// No client can be built from it.
    pub fn with(mut config: Config, namespace: Option<String>) -> Result<Self, ClusterError> {
        config.connect_timeout = Some(ANSWER);
        let namespace = namespace.unwrap_or_else(|| config.default_namespace.clone());
        let client = Client::try_from(config).map_err(|error| ClusterError::Client(Box::new(error)))?;
        Ok(Self { client, namespace })
    }

    /// The namespace that everything is done in.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    pub(crate) fn client(&self) -> Client {
        self.client.clone()
    }

    pub(crate) fn api<K>(&self) -> Api<K>
    where
        K: Resource<Scope = NamespaceResourceScope>,
        K::DynamicType: Default,
    {
        Api::namespaced(self.client(), &self.namespace)
    }
}

impl std::fmt::Debug for Cluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cluster").field("namespace", &self.namespace).finish_non_exhaustive()
    }
}

/// An answer of the API server, within its time; `what` completes "cannot".
pub(crate) async fn answer<T>(
    what: &'static str,
    asked: impl Future<Output = kube::Result<T>>,
) -> Result<T, ClusterError> {
    match timeout(ANSWER, asked).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(source)) => Err(ClusterError::Api { what, source: Box::new(source) }),
        Err(_) => Err(ClusterError::Timeout { what }),
    }
}
