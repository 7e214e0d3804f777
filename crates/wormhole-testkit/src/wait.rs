//! Waiting for conditions, each with a deadline. A test never sleeps for luck.

use std::future::Future;
use std::time::Duration;

/// How long [`until`] waits between two looks at something that cannot tell by itself (a file, a process table).
const LOOK_EVERY: Duration = Duration::from_millis(25);

/// Runs `future` for at most `limit`.
///
/// # Panics
/// When time is up, naming what was waited for.
pub async fn within<T>(limit: Duration, what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(limit, future).await {
        Ok(value) => value,
        Err(_) => unreachable!("{what}: not within {limit:?}"),
    }
}

/// Looks again and again until `look` gives something.
///
/// # Panics
/// When nothing came within `limit`, naming what was waited for.
pub async fn until<T, F: Future<Output = Option<T>>>(
    limit: Duration,
    what: &str,
    mut look: impl FnMut() -> F,
) -> T {
    within(limit, what, async {
        let mut again = tokio::time::interval(LOOK_EVERY);
        loop {
            again.tick().await;
            if let Some(found) = look().await {
                return found;
            }
        }
    })
    .await
}
