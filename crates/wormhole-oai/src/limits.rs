//! How much each key may do, and how long its turns wait.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderName, HeaderValue};

use crate::errors::ApiError;
use crate::turns::Caller;

/// How many turns were before this one when it began to wait.
const QUEUE_AHEAD: HeaderName = HeaderName::from_static("x-wormhole-queue-ahead");

/// How long it waited until the site took it, in milliseconds.
const QUEUE_WAIT: HeaderName = HeaderName::from_static("x-wormhole-queue-wait-ms");

/// What "per minute" means.
const MINUTE: Duration = Duration::from_mins(1);

/// When to come back where one of the key's own turns has to end first.
const TURN_ENDS: Duration = Duration::from_secs(2);

/// What a key allows. None is no limit but the hub's own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Allowance {
    /// Requests that post a turn, in any minute.
    pub per_minute: Option<u32>,
    /// Turns at once.
    pub at_once: Option<u32>,
}

/// Counts what each key does. Cloning shares it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Limiter {
    /// By scope; as many as there are keys with a limit.
    keys: Arc<Mutex<HashMap<String, Done>>>,
}

#[derive(Debug, Default)]
struct Done {
    /// When the turns of the last minute began, at most as many as are allowed.
    began: VecDeque<Instant>,
    running: u32,
}

/// A turn of a key that counts while this lives.
#[derive(Debug)]
pub(crate) struct Permit {
    limiter: Option<(Limiter, String)>,
}

impl Limiter {
    /// Lets a turn begin.
    ///
    /// # Errors
    /// The key allows no more now; says when to come back.
    pub(crate) fn admit(&self, caller: &Caller) -> Result<Permit, ApiError> {
        self.admit_at(&caller.scope, caller.allowance, Instant::now())
    }

    fn admit_at(&self, scope: &str, allowance: Allowance, now: Instant) -> Result<Permit, ApiError> {
        if allowance == Allowance::default() {
            return Ok(Permit { limiter: None });
        }
        let mut keys = self.lock();
        let done = keys.entry(scope.to_owned()).or_default();
        if let Some(most) = allowance.at_once.filter(|most| done.running >= *most) {
            let message =
                format!("this API key may run {most} turns at once, and they run: wait for one to end");
            return Err(ApiError::over_limit(message, TURN_ENDS));
        }
        if let Some(most) = allowance.per_minute {
            while done.began.front().is_some_and(|began| now.saturating_duration_since(*began) >= MINUTE) {
                done.began.pop_front();
            }
            if done.began.len() >= usize::try_from(most).unwrap_or(usize::MAX) {
                let free_at = done.began.front().map_or(now + MINUTE, |began| *began + MINUTE);
                let message = format!("this API key may make {most} requests a minute");
                return Err(ApiError::over_limit(message, free_at.saturating_duration_since(now)));
            }
            done.began.push_back(now);
        }
        done.running += 1;
        Ok(Permit { limiter: Some((self.clone(), scope.to_owned())) })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Done>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some((limiter, scope)) = self.limiter.take()
            && let Some(done) = limiter.lock().get_mut(&scope)
        {
            done.running = done.running.saturating_sub(1);
        }
    }
}

/// How long a turn waits, as far as is known. Written by its reply, read when the answer's head is sent.
#[derive(Debug, Default)]
pub(crate) struct Wait {
    /// One more than the number; zero while nothing was told.
    ahead: AtomicU32,
    /// One more than the milliseconds; zero while it waits.
    waited: AtomicU64,
}

impl Wait {
    /// The hub says how many turns are before it.
    pub(crate) fn queued(&self, ahead: u32) {
        self.ahead.fetch_max(ahead.saturating_add(1), Ordering::Relaxed);
    }

    /// The site took it.
    pub(crate) fn accepted(&self, submitted: Instant) {
        let waited = u64::try_from(submitted.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.waited.store(waited.saturating_add(1), Ordering::Relaxed);
    }

    fn tell(&self, response: &mut Response) {
        let headers = response.headers_mut();
        let Some(ahead) = self.ahead.load(Ordering::Relaxed).checked_sub(1) else { return };
        headers.insert(QUEUE_AHEAD, HeaderValue::from(ahead));
        if let Some(waited) = self.waited.load(Ordering::Relaxed).checked_sub(1) {
            headers.insert(QUEUE_WAIT, HeaderValue::from(waited));
        }
    }
}

/// Says in the answer's head how long the turn waited, if it did.
pub(crate) async fn tell_wait(request: Request, next: Next) -> Response {
    let wait = request.extensions().get::<Caller>().map(|caller| caller.wait.clone());
    let mut response = next.run(request).await;
    if let Some(wait) = wait {
        wait.tell(&mut response);
    }
    response
}

#[cfg(test)]
mod tests {
    use http::header::RETRY_AFTER;

    use super::*;

    fn retry_after(error: &ApiError) -> String {
        let mut headers = http::HeaderMap::new();
        error.add_headers(&mut headers);
        assert_eq!(error.status(), 429);
        headers[RETRY_AFTER].to_str().unwrap().to_owned()
    }

    #[test]
    fn in_any_minute_there_are_no_more_than_allowed() {
        let limiter = Limiter::default();
        let allowance = Allowance { per_minute: Some(2), at_once: None };
        let start = Instant::now();
        let admit = |seconds| limiter.admit_at("a", allowance, start + Duration::from_secs(seconds));
        drop(admit(0).unwrap());
        drop(admit(10).unwrap());
        assert_eq!(retry_after(&admit(20).unwrap_err()), "40");
        drop(limiter.admit_at("b", allowance, start).unwrap());
        drop(admit(60).unwrap());
        assert_eq!(retry_after(&admit(61).unwrap_err()), "9");
    }

    #[test]
    fn turns_at_once_count_while_they_run() {
        let limiter = Limiter::default();
        let allowance = Allowance { per_minute: None, at_once: Some(1) };
        let now = Instant::now();
        let first = limiter.admit_at("a", allowance, now).unwrap();
        assert_eq!(retry_after(&limiter.admit_at("a", allowance, now).unwrap_err()), "2");
        drop(first);
        drop(limiter.admit_at("a", allowance, now).unwrap());
    }

    #[test]
    fn without_limits_nothing_is_counted() {
        let limiter = Limiter::default();
        let permits: Vec<_> =
            (0..100).map(|_| limiter.admit_at("a", Allowance::default(), Instant::now()).unwrap()).collect();
        assert_eq!((permits.len(), limiter.lock().len()), (100, 0));
    }
}
