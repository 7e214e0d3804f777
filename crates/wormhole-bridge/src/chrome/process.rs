//! The Chromium process: started in its own group with a dead man's switch, read, watched and ended.

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, geteuid, getpid, kill_process_group, set_child_subreaper};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::processes::Family;
use super::scratch::Scratch;
use super::{LaunchError, args, binary, local_state, profile, profile::ProfileLock};
use crate::browser::BrowserConfig;

/// Chromium takes DevTools commands on fd 3, answers on fd 4, and ends when fd 3 does. `Command` hands over only
/// 0, 1 and 2, and anything more would need `unsafe`; so a shell moves our two pipes to where Chromium looks for
/// them, and becomes Chromium.
const MOVE_PIPES: &str = r#"exec "$@" 3<&0 4>&1 </dev/null >/dev/null"#;

/// "Another Chromium uses this profile", in Chromium's own list of exit codes.
const EXIT_PROFILE_IN_USE: i32 = 21;

/// What Chromium says before it dies, where neither user namespaces nor its setuid helper can be used.
const NO_SANDBOX: &str = "No usable sandbox!";

/// How many lines of stderr an error shows, and how much of each.
const TAIL_LINES: usize = 8;
const LINE_BYTES: u64 = 400;

/// After `Browser.close`: it writes its databases then, which is what keeps the session.
const CLOSE_WAIT: Duration = Duration::from_secs(5);
const TERM_WAIT: Duration = Duration::from_secs(2);
const GROUP_POLL: Duration = Duration::from_millis(10);

type Tail = Arc<Mutex<VecDeque<String>>>;

/// A running Chromium. Dropping it kills its process group.
#[derive(Debug)]
pub(crate) struct Chrome {
    pid: Pid,
    ended: watch::Receiver<Option<ExitStatus>>,
    /// The dead man's switch: while this end is open, and no longer, Chromium lives.
    _switch: Option<ChildStdin>,
    _tasks: JoinSet<()>,
    _scratch: Scratch,
    /// Let go of last, when no process uses the profile any more.
    _lock: ProfileLock,
}

impl Chrome {
    /// Starts Chromium on the locked profile; returns it with the address of its DevTools socket.
    pub(crate) async fn start(
        config: &BrowserConfig,
        lock: ProfileLock,
    ) -> Result<(Self, String), LaunchError> {
        let bin = binary::find(config.bin.as_deref())?;
        let folder = &config.user_data_dir;
        let unusable = |source| LaunchError::Profile { path: folder.clone(), source };
        local_state::never_ask_for_passwords(folder).map_err(unusable)?;
        let scratch = Scratch::make(folder).map_err(unusable)?;
        // Children of Chromium that outlive it are ours then, whoever is the first process here: we wait for them.
        if let Err(error) = set_child_subreaper(Some(getpid())) {
            tracing::warn!(%error, "dead children of Chromium are left to the first process of this machine");
        }
        let mut child = spawn(&bin, config, scratch.path())?;
        let spawn_error = |source| LaunchError::Spawn { bin: bin.clone(), source };
        let lost = || spawn_error(std::io::Error::other("it ended at once"));
        let pid = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)).ok_or_else(lost)?;
        let mut tasks = JoinSet::new();
        let tail = Tail::default();
        let (address, mut told) = oneshot::channel();
        if let Some(stderr) = child.stderr.take() {
            tasks.spawn(read_stderr(stderr, Arc::clone(&tail), address));
        }
        if let Some(answers) = child.stdout.take() {
            tasks.spawn(drain(answers));
        }
        let switch = child.stdin.take();
        let (end, ended) = watch::channel(None);
        tasks.spawn(watch_exit(child, pid, end));
        let chrome = Self { pid, ended, _switch: switch, _tasks: tasks, _scratch: scratch, _lock: lock };

        let mut exit = chrome.ended();
        let ready = async {
            tokio::select! {
                biased;
                Ok(address) = &mut told => Ok(address),
                _ = exit.wait_for(Option::is_some) => Err(chrome.early_exit(config, &tail)),
            }
        };
        let ready = timeout(config.launch_timeout, ready).await;
        match ready.unwrap_or(Err(LaunchError::Timeout("its DevTools address"))) {
            Ok(address) => Ok((chrome, address)),
            Err(error) => {
                chrome.kill().await;
                Err(error)
            }
        }
    }

    fn early_exit(&self, config: &BrowserConfig, tail: &Tail) -> LaunchError {
        let status = *self.ended.borrow();
        if status.and_then(|status| status.code()) == Some(EXIT_PROFILE_IN_USE) {
            let path = config.user_data_dir.clone();
            return LaunchError::ProfileInUse { owner: profile::owner(&path), path };
        }
        let lines = tail.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.iter().any(|line| line.contains(NO_SANDBOX)) {
            return LaunchError::NoSandbox;
        }
        let stderr = lines.iter().map(String::as_str).collect::<Vec<_>>().join(" | ");
        LaunchError::Exited { status: status.map(|status| status.to_string()).unwrap_or_default(), stderr }
    }

    /// The processes that belong to it.
    pub(crate) fn family(&self) -> Family {
        Family::of(self.pid)
    }

    /// The process id, which is also its group's.
    pub(crate) fn pid(&self) -> u32 {
        self.pid.as_raw_nonzero().get().unsigned_abs()
    }

    /// How it ended, once it has.
    pub(crate) fn ended(&self) -> watch::Receiver<Option<ExitStatus>> {
        self.ended.clone()
    }

    /// The processes that belong to it, as they are now. What has left its group is known by its parents only while
    /// these live: to be asked before Chromium is told to end.
    pub(crate) fn family_now(&self) -> Family {
        let mut family = self.family();
        family.look();
        family
    }

    /// Waits for a Chromium that was asked to close, then insists. When it returns the process is reaped and nothing of
    /// its `family` is left.
    pub(crate) async fn end(self, mut family: Family) {
        if !self.ends_within(CLOSE_WAIT).await {
            tracing::warn!(pid = self.pid(), "Chromium does not close, ending it");
            self.signal(Signal::TERM);
            if !self.ends_within(TERM_WAIT).await {
                self.signal(Signal::KILL);
                self.ends_within(TERM_WAIT).await;
            }
        }
        // Nobody tells us when the kernel is done with its helpers. Those that were handed to us are waited for; the
        // dead ones of another parent are that parent's.
        let emptied = async {
            loop {
                let seen = family.look();
                // A dead one may be about to be handed to us: so long it counts as left.
                if seen.members.is_empty() {
                    return;
                }
                seen.reap();
                sleep(GROUP_POLL).await;
            }
        };
        if timeout(TERM_WAIT, emptied).await.is_err() {
            tracing::error!(group = self.pid(), "something of Chromium does not end");
        }
    }

    /// Ends it at once; like [`Chrome::end`], nothing of it is left then.
    pub(crate) async fn kill(self) {
        let family = self.family_now();
        self.signal(Signal::KILL);
        self.end(family).await;
    }

    async fn ends_within(&self, time: Duration) -> bool {
        timeout(time, self.ended().wait_for(Option::is_some)).await.is_ok()
    }

    fn signal(&self, signal: Signal) {
        // Once it is reaped the number may belong to somebody else.
        if self.ended.borrow().is_none() {
            let _ = kill_process_group(self.pid, signal);
        }
    }
}

impl Drop for Chrome {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

/// Whether Chromium runs without its sandbox: because it was given up, or because root cannot have it.
pub(crate) fn runs_without_sandbox(config: &BrowserConfig) -> bool {
    geteuid().is_root() || !config.sandbox
}

fn spawn(bin: &Path, config: &BrowserConfig, scratch: &Path) -> Result<Child, LaunchError> {
    let spawn_error = |source| LaunchError::Spawn { bin: bin.to_owned(), source };
    // The shell's own "not found" would look like an early end of Chromium.
    std::fs::metadata(bin).map_err(spawn_error)?;
    let no_sandbox = runs_without_sandbox(config);
    if geteuid().is_root() {
        tracing::warn!("running as root: Chromium starts only with --no-sandbox, so it is added");
    } else if no_sandbox {
        tracing::warn!("CHROME_SANDBOX=false: a page that breaks out of Chromium has all that this user has");
    }
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", MOVE_PIPES, "sh"])
        .arg(bin)
        .args(args::arguments(config, no_sandbox))
        .env("TMPDIR", scratch)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    for (name, _) in std::env::vars_os().filter(|(name, _)| is_secret(name)) {
        command.env_remove(name);
    }
    command.spawn().map_err(spawn_error)
}

/// Chromium runs the site's code; our tokens and the account's password are none of its business.
fn is_secret(name: &OsStr) -> bool {
    let name = name.to_string_lossy().to_ascii_uppercase();
    ["WORMHOLE_", "OUTLIER_"].iter().any(|ours| name.starts_with(ours))
        || ["PASSWORD", "TOKEN", "SECRET"].iter().any(|word| name.contains(word))
}

/// Reaps the process, and ends what it left in its group: a zygote may hang on a dead parent for a moment.
async fn watch_exit(mut child: Child, group: Pid, end: watch::Sender<Option<ExitStatus>>) {
    let status = child.wait().await;
    let _ = kill_process_group(group, Signal::KILL);
    match status {
        Ok(status) => {
            tracing::debug!(%status, "Chromium ended");
            end.send_replace(Some(status));
        }
        Err(error) => tracing::error!(%error, "cannot wait for Chromium"),
    }
}

/// Reads for ever: a full pipe would stop Chromium in the middle of a log line.
async fn read_stderr(stderr: ChildStderr, tail: Tail, address: oneshot::Sender<String>) {
    let mut address = Some(address);
    let mut reader = BufReader::new(stderr);
    let mut line = Vec::new();
    loop {
        line.clear();
        match (&mut reader).take(LINE_BYTES).read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let text = String::from_utf8_lossy(&line).trim().to_owned();
        if text.is_empty() {
            continue;
        }
        if let Some(found) = text.strip_prefix("DevTools listening on ")
            && let Some(address) = address.take()
        {
            let _ = address.send(found.to_owned());
        }
        tracing::debug!(line = text, "Chromium says");
        let mut tail = tail.lock().unwrap_or_else(PoisonError::into_inner);
        if tail.len() == TAIL_LINES {
            tail.pop_front();
        }
        tail.push_back(text);
    }
}

/// Nothing is asked over the pipe, so nothing comes; but if something did it must not fill up.
async fn drain(mut answers: ChildStdout) {
    let mut buffer = [0; 4096];
    while matches!(answers.read(&mut buffer).await, Ok(1..)) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_of_ours_do_not_reach_the_environment_of_chromium() {
        for name in ["OUTLIER_PASSWORD", "WORMHOLE_PAGE_TOKEN", "outlier_email", "GITHUB_TOKEN"] {
            assert!(is_secret(OsStr::new(name)), "{name}");
        }
        for name in ["PATH", "HOME", "DISPLAY", "https_proxy", "XDG_RUNTIME_DIR"] {
            assert!(!is_secret(OsStr::new(name)), "{name}");
        }
    }
}
