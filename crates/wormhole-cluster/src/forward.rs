//! A port on loopback that leads to a pod's port, through the API server: what `kubectl port-forward` does.

use std::net::{Ipv4Addr, SocketAddr};

use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::cluster::{Cluster, ClusterError, answer, with_sources};

/// Connections at once; one more waits in the listener's backlog.
const MOST: usize = 32;

/// A bound port that leads nowhere until it runs.
#[derive(Debug)]
pub struct Forward {
    listener: TcpListener,
    pods: Api<Pod>,
    pod: String,
    port: u16,
}

impl Forward {
    /// Binds a free port on loopback, for `port` of a pod.
    ///
    /// # Errors
    /// No port can be bound.
    pub async fn bind(cluster: &Cluster, pod: impl Into<String>, port: u16) -> Result<Self, ClusterError> {
        let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = bound.map_err(ClusterError::Listen)?;
        Ok(Self { listener, pods: cluster.api(), pod: pod.into(), port })
    }

    /// Where to connect to.
    ///
    /// # Errors
    /// The system does not tell.
    pub fn addr(&self) -> Result<SocketAddr, ClusterError> {
        self.listener.local_addr().map_err(ClusterError::Listen)
    }

    /// Carries connections until `stop`; those that are open then are cut.
    pub async fn run(self, stop: CancellationToken) {
        let mut open = JoinSet::new();
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                Some(_) = open.join_next(), if !open.is_empty() => {}
                accepted = self.listener.accept(), if open.len() < MOST => match accepted {
                    Ok((stream, _)) => {
                        open.spawn(carry(self.pods.clone(), self.pod.clone(), self.port, stream));
                    }
                    Err(error) => tracing::debug!(%error, "a connection could not be taken"),
                },
            }
        }
    }
}

/// One connection: one port-forward of its own, as kubelet ends it with the connection.
async fn carry(pods: Api<Pod>, pod: String, port: u16, mut local: TcpStream) {
    let mut forwarder = match answer("forward a port", pods.portforward(&pod, &[port])).await {
        Ok(forwarder) => forwarder,
        Err(error) => {
            tracing::warn!(pod, port, why = with_sources(&error), "the pod's port cannot be reached");
            return;
        }
    };
    let Some(mut remote) = forwarder.take_stream(port) else { return };
    // Either side may just leave.
    drop(copy_bidirectional(&mut local, &mut remote).await);
    forwarder.abort();
}
