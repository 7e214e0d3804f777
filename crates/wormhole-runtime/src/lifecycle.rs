//! Who ends a task, and who waits for it.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use prometheus::IntCounter;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::AbortHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{Instrument, debug, error, info, info_span, warn};

mod entry;

use entry::{Entry, Group};

/// How long tasks may take to notice that they are to end now.
const HARD_WAIT: Duration = Duration::from_secs(5);

/// How long the admin port may take to end after everything else has.
const LAST_WAIT: Duration = Duration::from_secs(2);

/// The life of a process, or of one service in it: its tasks, how they are told to end, and the exit code.
/// Cloning shares it.
#[derive(Clone)]
pub struct Lifecycle {
    inner: Arc<Inner>,
}

struct Inner {
    soft: CancellationToken,
    hard: CancellationToken,
    /// Everything but the admin port has ended.
    last: CancellationToken,
    /// Tasks, and tasks that end last. A child's count in its ancestors' trackers as well.
    tasks: TaskTracker,
    last_tasks: TaskTracker,
    /// How many tasks of each name run, to say which did not end.
    running: Mutex<BTreeMap<&'static str, usize>>,
    grace: Duration,
    failed: AtomicBool,
    panics: IntCounter,
    parent: Option<Lifecycle>,
}

impl Lifecycle {
    /// `grace` is the drain time between soft and hard.
    ///
    /// # Panics
    /// Never: the name of the counter of panics is a valid constant.
    pub fn new(grace: Duration) -> Self {
        let panics = IntCounter::new("wormhole_task_panics_total", "Tasks that panicked; each is a defect.")
            .expect("a valid constant name");
        let token = CancellationToken::new;
        Self::build(grace, token(), token(), token(), panics, None)
    }

    /// A part of this life with its own soft and hard, ended by its parent's as well: to restart one service inside one
    /// process. Its end does not end the parent unless it failed. End it with `shutdown` and `wait`.
    #[must_use]
    pub fn child(&self) -> Self {
        let Inner { soft, hard, last, grace, panics, .. } = &*self.inner;
        let (soft, hard, last) = (soft.child_token(), hard.child_token(), last.child_token());
        Self::build(*grace, soft, hard, last, panics.clone(), Some(self.clone()))
    }

    fn build(
        grace: Duration,
        soft: CancellationToken,
        hard: CancellationToken,
        last: CancellationToken,
        panics: IntCounter,
        parent: Option<Self>,
    ) -> Self {
        let (tasks, last_tasks) = (TaskTracker::new(), TaskTracker::new());
        let (running, failed) = (Mutex::default(), AtomicBool::new(false));
        let inner = Inner { soft, hard, last, tasks, last_tasks, running, grace, failed, panics, parent };
        Self { inner: Arc::new(inner) }
    }

    /// Cancelled when the drain begins: not ready, take nothing new, finish what runs.
    pub fn soft(&self) -> CancellationToken {
        self.inner.soft.clone()
    }

    /// Cancelled when everything is to end now: second signal, or grace over.
    pub fn hard(&self) -> CancellationToken {
        self.inner.hard.clone()
    }

    /// The drain has begun.
    pub fn is_draining(&self) -> bool {
        self.inner.soft.is_cancelled()
    }

    /// Begins the drain. The exit code stays 0 unless something fails.
    pub fn shutdown(&self, reason: &'static str) {
        if !self.is_draining() {
            info!(reason, "draining");
            self.inner.soft.cancel();
        }
    }

    /// Begins the drain with exit code 1, for the parent as well.
    pub fn fail(&self, reason: impl Into<String>) {
        let reason = reason.into();
        error!(reason, "failed, draining");
        let mut life = Some(self);
        while let Some(this) = life {
            this.inner.failed.store(true, Ordering::Release);
            this.inner.soft.cancel();
            life = this.inner.parent.as_ref();
        }
    }

    /// Runs a task that lives as long as the process: if it ends before the drain, or panics, that is a failure.
    /// It ends by itself after soft or hard.
    pub fn spawn<F: Future<Output = ()> + Send + 'static>(&self, name: &'static str, future: F) {
        let this = self.clone();
        let owned = async move {
            if AssertUnwindSafe(future).catch_unwind().await.is_err() {
                this.panicked(name);
                this.fail(format!("task {name} panicked"));
            } else if !this.is_draining() {
                this.fail(format!("task {name} ended early"));
            }
        };
        self.track(name, Group::Tasks, owned.instrument(info_span!("task", name)));
    }

    /// Runs a task that may end whenever it likes (a connection, a turn). A panic ends only that task.
    pub fn spawn_transient<F: Future<Output = ()> + Send + 'static>(
        &self,
        name: &'static str,
        future: F,
    ) -> AbortHandle {
        let guarded = self.guarded(name, future);
        self.track(name, Group::Tasks, guarded)
    }

    /// Runs a task that ends after all others, when [`last`](Self::last) is cancelled.
    pub(crate) fn spawn_last<F: Future<Output = ()> + Send + 'static>(&self, name: &'static str, future: F) {
        let guarded = self.guarded(name, future);
        self.track(name, Group::Last, guarded);
    }

    /// Cancelled when everything but the admin port has ended.
    pub(crate) fn last(&self) -> CancellationToken {
        self.inner.last.clone()
    }

    /// Counts panics of tasks, those of children and parents included.
    pub(crate) fn panics(&self) -> IntCounter {
        self.inner.panics.clone()
    }

    /// First SIGTERM or SIGINT: shutdown. Second: hard.
    pub fn watch_signals(&self) {
        // Installed here and not in the task: a signal that comes before the task first runs must not kill the process.
        let streams =
            signal(SignalKind::terminate()).and_then(|term| Ok((term, signal(SignalKind::interrupt())?)));
        let (mut terminate, mut interrupt) = match streams {
            Ok(streams) => streams,
            Err(error) => return self.fail(format!("cannot watch signals: {error}")),
        };
        let this = self.clone();
        self.spawn_last("signals", async move {
            let watch = async {
                this.shutdown(next_signal(&mut terminate, &mut interrupt).await);
                let signal = next_signal(&mut terminate, &mut interrupt).await;
                warn!(signal, "second signal, ending now");
                this.inner.hard.cancel();
            };
            this.inner.last.run_until_cancelled(watch).await;
        });
    }

    /// Waits for the drain to begin, then for all tasks: for the grace time, then (hard) five seconds more. The admin
    /// port ends last. Exit code 0, or 1 if anything failed or did not end.
    pub async fn wait(&self) -> ExitCode {
        let inner = &self.inner;
        inner.soft.cancelled().await;
        inner.tasks.close();
        tokio::select! {
            () = inner.tasks.wait() => {}
            () = inner.hard.cancelled() => {}
            () = tokio::time::sleep(inner.grace) => warn!(running = %self.running(), "grace is over, ending now"),
        }
        inner.hard.cancel();
        if timeout(HARD_WAIT, inner.tasks.wait()).await.is_err() {
            error!(running = %self.running(), "tasks did not end");
            inner.failed.store(true, Ordering::Release);
        }
        inner.last.cancel();
        inner.last_tasks.close();
        if timeout(LAST_WAIT, inner.last_tasks.wait()).await.is_err() {
            debug!("the admin port did not end");
        }
        let failed = inner.failed.load(Ordering::Acquire);
        info!(failed, "ended");
        ExitCode::from(u8::from(failed))
    }

    fn guarded<F: Future<Output = ()> + Send>(
        &self,
        name: &'static str,
        future: F,
    ) -> impl Future<Output = ()> + Send + use<F> {
        let this = self.clone();
        async move {
            if AssertUnwindSafe(future).catch_unwind().await.is_err() {
                this.panicked(name);
            }
        }
    }

    fn track(
        &self,
        name: &'static str,
        group: Group,
        future: impl Future<Output = ()> + Send + 'static,
    ) -> AbortHandle {
        // Moved into the task, so that it is dropped with it, even when the task is aborted before it first runs.
        let entry = Entry::new(name, self.clone(), group);
        let entered = async move {
            let _entry = entry;
            future.await;
        };
        self.inner.tracker(group).spawn(entered).abort_handle()
    }

    fn panicked(&self, name: &'static str) {
        self.inner.panics.inc();
        error!(task = name, "a task panicked");
    }

    fn count(&self, name: &'static str, change: impl FnOnce(&mut usize)) {
        let mut running = self.inner.running.lock().unwrap_or_else(PoisonError::into_inner);
        let count = running.entry(name).or_default();
        change(count);
        if *count == 0 {
            running.remove(name);
        }
    }

    /// Which tasks run, and how many of each: for the log.
    fn running(&self) -> String {
        let running = self.inner.running.lock().unwrap_or_else(PoisonError::into_inner);
        let names: Vec<_> = running.iter().map(|(name, count)| format!("{name} ({count})")).collect();
        names.join(", ")
    }
}

impl Inner {
    fn tracker(&self, group: Group) -> &TaskTracker {
        match group {
            Group::Tasks => &self.tasks,
            Group::Last => &self.last_tasks,
        }
    }
}

impl fmt::Debug for Lifecycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lifecycle")
            .field("draining", &self.is_draining())
            .field("running", &self.running())
            .finish()
    }
}

async fn next_signal(terminate: &mut Signal, interrupt: &mut Signal) -> &'static str {
    tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    }
}

#[cfg(test)]
mod tests;
