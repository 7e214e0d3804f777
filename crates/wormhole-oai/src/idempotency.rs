//! A request that is sent again joins the one that runs or has run, and posts nothing. It is known by its
//! `Idempotency-Key`, or by what the SDKs made by Stainless (OpenAI's, Anthropic's) say of their retries.
//!
//! Such a request runs in a task of its own and its answer is kept as it comes, so that whoever joins reads all of it
//! from the start. When nobody reads it any more it goes on for a moment, in which a client that lost its connection
//! comes back, and is stopped then. Kept in memory: after a restart a repeated request is a new one.

mod answer;

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method};
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, Span, debug};
use wormhole_runtime::Lifecycle;

use crate::api::Api;
use crate::body;
use crate::dialect::Dialect;
use crate::errors::SHOULD_RETRY;
use crate::errors::{ApiError, Kind};
use crate::turns::Caller;
use answer::{Answer, Outcome};

const KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// How often an SDK has sent this request before: 0, then 1 and so on with the same body.
const RETRY_COUNT: HeaderName = HeaderName::from_static("x-stainless-retry-count");

/// Says that the answer is that of an earlier request.
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// How long an answer is kept after its end.
const KEEP: Duration = Duration::from_mins(10);

/// How long a turn with a key goes on that nobody reads: longer than the SDKs wait before they try again.
const LINGER: Duration = Duration::from_secs(10);

/// The same for one without a key, which may as well have been stopped by a person: the SDKs' first wait.
const SHORT_LINGER: Duration = Duration::from_secs(2);

/// The most requests that are kept, and the most bytes of answers; the oldest ended ones go first.
const MOST: usize = 1000;
const MOST_BYTES: usize = 64 << 20;

/// The longest key.
const LONGEST_KEY: usize = 255;

/// The requests with a key, those that run and those that ran. Cloning shares them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Idempotency {
    known: Arc<Mutex<Known>>,
}

#[derive(Debug, Default)]
struct Known {
    answers: HashMap<Name, Arc<Answer>>,
    oldest_first: VecDeque<Name>,
}

/// Whose request, and its key.
type Name = (String, String);

/// What a request says of itself.
#[derive(Debug)]
enum Said {
    /// This key.
    Key(String),
    /// It was sent so often before.
    Retry(u32),
}

/// What became of a request.
enum Joined {
    /// It is the first of its key.
    First(Arc<Answer>),
    /// It is a repetition.
    Again(Arc<Answer>),
    /// The key belongs to another request.
    Other,
    /// There are too many that run: it runs without being kept.
    Full,
}

/// The middleware.
pub(crate) async fn once(State(api): State<Api>, request: Request, next: Next) -> Response {
    let Some(said) = said(&request) else { return next.run(request).await };
    let (parts, body) = request.into_parts();
    let Some(caller) = parts.extensions.get::<Caller>().cloned() else {
        return next.run(Request::from_parts(parts, body)).await;
    };
    let dialect = Dialect::of(parts.uri.path());
    if let Said::Key(key) = &said
        && !(1..=LONGEST_KEY).contains(&key.len())
    {
        let message = format!("the Idempotency-Key is to be 1 to {LONGEST_KEY} visible characters");
        return dialect.error(&ApiError::new(Kind::BadRequest, message), &caller.request);
    }
    match join_or_run(&api, (caller.scope.clone(), said), parts, body, next).await {
        Ok(response) => response,
        Err(error) => dialect.error(&error, &caller.request),
    }
}

fn said(request: &Request) -> Option<Said> {
    if request.method() != Method::POST {
        return None;
    }
    let header =
        |name| request.headers().get(name).map(|value| value.to_str().map(str::trim).unwrap_or_default());
    let retry = || header(RETRY_COUNT)?.parse().ok().map(Said::Retry);
    header(KEY).map(|key| Said::Key(key.to_owned())).or_else(retry)
}

async fn join_or_run(
    api: &Api,
    (scope, said): (String, Said),
    parts: Parts,
    body: Body,
    next: Next,
) -> Result<Response, ApiError> {
    let bytes = body::whole(body, api.limits.body).await?;
    let path = parts.uri.path();
    let fingerprint: [u8; 32] =
        Sha256::new_with_prefix(path).chain_update([0]).chain_update(&bytes).finalize().into();
    // A count of 0 is a new request, whoever sent the same before. No key holds a line break.
    let (key, is_new, linger) = match said {
        Said::Key(key) => (key, false, LINGER),
        Said::Retry(count) => (format!("\n{}", hex::encode(fingerprint)), count == 0, SHORT_LINGER),
    };
    let name = (scope, key);
    let request = Request::from_parts(parts, Body::from(bytes));
    match api.idempotency.join(name.clone(), fingerprint, is_new) {
        Joined::Full => Ok(next.run(request).await),
        Joined::Other => {
            Err(ApiError::key_reused("this Idempotency-Key was used for another request: send a new one"))
        }
        Joined::Again(answer) => {
            debug!("joining an earlier request");
            let mut response = answer.read().await.ok_or_else(broken)?;
            response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
            Ok(response)
        }
        Joined::First(answer) => {
            let reader = answer.clone().reader();
            let running = Running { idempotency: api.idempotency.clone(), name, answer, linger };
            spawn(&api.lifecycle, run(running, request, next, api.draining.clone()));
            reader.response().await.ok_or_else(broken)
        }
    }
}

fn spawn(lifecycle: &Lifecycle, run: impl Future<Output = ()> + Send + 'static) {
    lifecycle.spawn_transient("keyed request", run.instrument(Span::current()));
}

fn broken() -> ApiError {
    ApiError::new(Kind::Internal, "the server made a mistake; its log says which")
}

/// Runs the request and keeps its answer.
async fn run(running: Running, request: Request, next: Next, draining: CancellationToken) {
    let answered = async {
        let response = next.run(request).await;
        // What was not posted and may be tried again is not kept: the repetition is to try it.
        let keeps = response.status().is_success() || response.headers().contains_key(SHOULD_RETRY);
        if !keeps {
            running.idempotency.forget(&running.name, &running.answer);
        }
        running.answer.write(response).await;
    };
    tokio::select! {
        () = answered => {}
        () = running.abandoned(&draining) => debug!("nobody reads a keyed request any more"),
    }
}

/// A request while it runs. Dropped before its answer is whole, the answer is broken and forgotten.
struct Running {
    idempotency: Idempotency,
    name: Name,
    answer: Arc<Answer>,
    /// How long it goes on when nobody reads it.
    linger: Duration,
}

impl Running {
    async fn abandoned(&self, draining: &CancellationToken) {
        loop {
            self.answer.has_no_reader().await;
            tokio::select! {
                () = tokio::time::sleep(self.linger) => {}
                () = draining.cancelled() => {}
                () = self.answer.has_reader() => continue,
            }
            // Nobody joins while the list is locked.
            let mut known = self.idempotency.lock();
            if self.answer.readers() == 0 {
                known.remove(&self.name, &self.answer);
                return;
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.answer.end(Outcome::Broken) {
            self.idempotency.forget(&self.name, &self.answer);
        }
    }
}

impl Idempotency {
    fn join(&self, name: Name, fingerprint: [u8; 32], is_new: bool) -> Joined {
        let mut known = self.lock();
        known.tidy(Instant::now());
        if let Some(answer) = known.answers.get(&name).filter(|_| is_new).cloned() {
            known.remove(&name, &answer);
        }
        if let Some(answer) = known.answers.get(&name) {
            if answer.fingerprint != fingerprint {
                return Joined::Other;
            }
            answer.joined();
            return Joined::Again(answer.clone());
        }
        if known.answers.len() >= MOST {
            return Joined::Full;
        }
        let answer = Arc::new(Answer::new(fingerprint));
        answer.joined();
        known.answers.insert(name.clone(), answer.clone());
        known.oldest_first.push_back(name);
        Joined::First(answer)
    }

    fn forget(&self, name: &Name, answer: &Arc<Answer>) {
        self.lock().remove(name, answer);
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    /// Removes it, unless another has taken its name.
    fn remove(&mut self, name: &Name, answer: &Arc<Answer>) {
        if self.answers.get(name).is_some_and(|known| Arc::ptr_eq(known, answer)) {
            self.answers.remove(name);
            self.oldest_first.retain(|known| known != name);
        }
    }

    fn tidy(&mut self, now: Instant) {
        let mut bytes: usize = self.answers.values().map(|answer| answer.bytes()).sum();
        let mut count = self.answers.len();
        self.oldest_first.retain(|name| {
            let Some(answer) = self.answers.get(name) else { return false };
            let Some(ended) = answer.ended() else { return true };
            let is_over = bytes > MOST_BYTES || count >= MOST;
            if is_over || now.saturating_duration_since(ended) >= KEEP {
                bytes -= answer.bytes();
                count -= 1;
                self.answers.remove(name);
                return false;
            }
            true
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(key: &str) -> Name {
        ("a".to_owned(), key.to_owned())
    }

    #[test]
    fn what_ended_is_kept_for_a_while_and_what_runs_is_kept() {
        let all = Idempotency::default();
        let Joined::First(ended) = all.join(name("ended"), [0; 32], false) else { panic!("it is the first") };
        let Joined::First(_running) = all.join(name("running"), [0; 32], false) else {
            panic!("it is the first")
        };
        assert!(ended.end(Outcome::Whole));
        let now = Instant::now();
        all.lock().tidy(now + KEEP / 2);
        assert_eq!(all.lock().answers.len(), 2);
        all.lock().tidy(now + KEEP + Duration::from_secs(1));
        assert_eq!(all.lock().answers.keys().collect::<Vec<_>>(), [&name("running")]);
    }

    #[test]
    fn too_many_that_run_are_not_kept_and_ended_ones_make_room() {
        let all = Idempotency::default();
        for number in 0..MOST {
            let Joined::First(answer) = all.join(name(&number.to_string()), [0; 32], false) else {
                panic!("the first")
            };
            if number == 7 {
                answer.end(Outcome::Whole);
            }
        }
        assert!(matches!(all.join(name("more"), [0; 32], false), Joined::First(_)));
        assert!(matches!(all.join(name("even more"), [0; 32], false), Joined::Full));
        assert!(matches!(all.join(name("8"), [0; 32], false), Joined::Again(_)));
        assert!(matches!(all.join(name("8"), [1; 32], false), Joined::Other));
    }
}
