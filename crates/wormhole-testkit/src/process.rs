//! One service as a process of its own.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::{Child, Command};

use crate::signals::terminate;
use crate::wait::within;

/// A running child. Dropping it kills it; [`Process::end`] asks it to leave and tells how it left.
pub struct Process {
    name: &'static str,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `program` with exactly these variables (and `PATH`), its output appended to `log`.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start<V: AsRef<OsStr>>(
        name: &'static str,
        program: &Path,
        arguments: &[&str],
        variables: &[(&str, V)],
        log: &Path,
    ) -> io::Result<Self> {
        let output = File::options().create(true).append(true).open(log)?;
        let child = Command::new(program)
            .args(arguments)
            .env_clear()
            .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .kill_on_drop(true)
            .spawn()?;
        Ok(Self { name, child, log: log.to_owned() })
    }

    /// Its process id.
    ///
    /// # Panics
    /// When it has been waited for already.
    pub fn pid(&self) -> u32 {
        self.child.id().expect("a process that was not waited for has a pid")
    }

    /// Sends SIGTERM; returns at once.
    ///
    /// # Panics
    /// When it is gone already.
    pub fn terminate(&self) {
        terminate(self.pid());
    }

    /// Waits until it has left by itself; its exit code, or nothing where a signal ended it.
    ///
    /// # Panics
    /// When it is still there after `limit`.
    pub async fn exit_code(&mut self, limit: Duration) -> Option<i32> {
        let status =
            within(limit, &format!("{} leaves ({})", self.name, self.log.display()), self.child.wait()).await;
        status.expect("a child of ours can be waited for").code()
    }

    /// SIGTERM, then waits: its exit code.
    ///
    /// # Panics
    /// When it is still there after `limit`.
    pub async fn end(mut self, limit: Duration) -> Option<i32> {
        self.terminate();
        self.exit_code(limit).await
    }

    /// SIGKILL, and waits until it is gone.
    ///
    /// # Panics
    /// When it cannot be killed.
    pub async fn kill(mut self) {
        self.child.kill().await.expect("a child of ours can be killed");
    }
}
