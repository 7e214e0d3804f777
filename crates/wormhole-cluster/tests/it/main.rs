//! Against an API server in this process that keeps to the rules that matter here, or against a real one (`apiserver`).
//! Real HTTP, real `kube` client.

#[cfg(test)]
mod apiserver;
#[cfg(test)]
mod forward;
#[cfg(test)]
mod lease;
#[cfg(test)]
#[cfg(feature = "manifests")]
mod manifests;
#[cfg(test)]
mod news;
#[cfg(test)]
mod pods;
#[cfg(test)]
#[cfg(feature = "programs")]
mod programs;

use std::future::Future;
use std::time::Duration;

/// Waits for a condition, for at most half a minute: a real API server takes some seconds to start.
async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let held = tokio::time::timeout(Duration::from_secs(30), async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    assert!(held.await.is_ok(), "in vain: {what}");
}
