//! Against an API server in this process that keeps to the rules that matter here: optimistic concurrency, conflicts,
//! what is missing, what is refused, and outages. Real HTTP, real `kube` client.

#[cfg(test)]
mod apiserver;
#[cfg(test)]
mod forward;
#[cfg(test)]
mod lease;
#[cfg(test)]
mod news;
#[cfg(test)]
mod pods;

use std::future::Future;
use std::time::Duration;

/// Waits for a condition, for at most ten seconds.
async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let held = tokio::time::timeout(Duration::from_secs(10), async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    assert!(held.await.is_ok(), "in vain: {what}");
}
