//! Drives load at an address: closed loop, or open loop at a constant rate.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;

use crate::clock::Clock;
use crate::connection::{Ask, Connection};

/// Whatever goes wrong, one line of the table takes no longer than this.
const LIMIT: Duration = Duration::from_mins(1);

/// Connections that share an open loop's requests.
const OPEN_LOOP_CLIENTS: usize = 64;

/// How requests follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pattern {
    /// So many clients; each sends its next request when it has its answer.
    Closed(usize),
    /// So many requests a second, whether or not answers come; latency counts from when a request was due.
    Open(u32),
}

/// What a load took.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// From request (or from when it was due) to the answer's last byte.
    pub(crate) whole: Vec<Duration>,
    /// From the making of each delta to its reading.
    pub(crate) deltas: Vec<Duration>,
    /// From the first request to the last answer.
    pub(crate) wall: Duration,
    /// Answers that were not whole.
    pub(crate) errors: usize,
    /// What was wrong with one of them.
    pub(crate) error: Option<String>,
}

impl Outcome {
    fn merge(&mut self, other: Self) {
        self.whole.extend(other.whole);
        self.deltas.extend(other.deltas);
        self.errors += other.errors;
        self.error = self.error.take().or(other.error);
    }
}

struct Plan {
    address: SocketAddr,
    ask: Ask,
    pattern: Pattern,
    requests: usize,
    next: AtomicUsize,
    clock: Clock,
    start: Duration,
}

/// Sends `requests` requests in this pattern. Ends after a minute at the latest.
pub(crate) async fn drive(
    address: SocketAddr,
    ask: &Ask,
    pattern: Pattern,
    requests: usize,
    clock: Clock,
) -> Outcome {
    let clients = match pattern {
        Pattern::Closed(clients) => clients,
        Pattern::Open(_) => OPEN_LOOP_CLIENTS,
    };
    let (ask, next, start) = (ask.clone(), AtomicUsize::new(0), clock.now());
    let plan = Arc::new(Plan { address, ask, pattern, requests, next, clock, start });
    let mut running: JoinSet<_> = (0..clients).map(|_| client(Arc::clone(&plan))).collect();
    let mut outcome = Outcome::default();
    while let Some(ended) = running.join_next().await {
        match ended {
            Ok(part) => outcome.merge(part),
            Err(panic) => outcome.merge(failed(panic.to_string())),
        }
    }
    outcome.wall = clock.now().saturating_sub(start);
    outcome
}

async fn client(plan: Arc<Plan>) -> Outcome {
    let mut outcome = Outcome::default();
    let mut connection = None;
    loop {
        let index = plan.next.fetch_add(1, Ordering::Relaxed);
        if index >= plan.requests || plan.clock.now().saturating_sub(plan.start) > LIMIT {
            return outcome;
        }
        let late = wait_until_due(&plan, index).await;
        let one = tokio::time::timeout(LIMIT, one(&plan, &mut connection, late, &mut outcome)).await;
        let error = match one {
            Ok(Ok(())) => continue,
            Ok(Err(error)) => format!("{error:#}"),
            Err(_) => "no answer in time".to_owned(),
        };
        connection = None;
        outcome.merge(failed(error));
    }
}

/// Waits until the request is due and says how late it is already, because every client was busy. The timer's own
/// coarseness (a millisecond) is the generator's fault and does not count.
async fn wait_until_due(plan: &Plan, index: usize) -> Duration {
    let Pattern::Open(rate) = plan.pattern else { return Duration::ZERO };
    let due = plan.start + Duration::from_secs(1) * u32::try_from(index).unwrap_or(u32::MAX) / rate;
    let now = plan.clock.now();
    if now < due {
        tokio::time::sleep(due.saturating_sub(now)).await;
        return Duration::ZERO;
    }
    now.saturating_sub(due)
}

async fn one(
    plan: &Plan,
    connection: &mut Option<Connection>,
    late: Duration,
    outcome: &mut Outcome,
) -> anyhow::Result<()> {
    let connection = match connection {
        Some(connection) => connection,
        None => connection.insert(Connection::open(plan.address, plan.clock).await?),
    };
    let taken = connection.exchange(&plan.ask).await?;
    outcome.whole.push(late + taken.whole);
    outcome.deltas.extend(taken.deltas);
    Ok(())
}

fn failed(error: String) -> Outcome {
    Outcome { errors: 1, error: Some(error), ..Outcome::default() }
}
