//! Child processes: started with settings of ours alone, ended by their own handle.

use std::ffi::OsString;
use std::fs::File;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, setrlimit};
use tokio::process::{Child, Command};

use crate::clock::Clock;
use crate::connection::Connection;
use crate::procfs;

/// How long a process may take to answer, and to end by itself.
const PATIENCE: Duration = Duration::from_secs(30);

/// Settings of the person who runs the bench that must not reach the processes it measures.
const FOREIGN: [&str; 7] =
    ["WORMHOLE_", "OUTLIER_", "CHROME_", "PLAYGROUND_", "RUST_LOG", "LOG_FORMAT", "_PROXY"];

/// A running binary of ours. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Process {
    name: &'static str,
    child: Child,
    pid: u32,
    log: PathBuf,
}

/// Where binaries are, and where what they log goes.
#[derive(Debug, Clone)]
pub(crate) struct Binaries {
    /// Their folder.
    pub(crate) folder: PathBuf,
    /// Folder for the logs of this bench.
    pub(crate) logs: PathBuf,
}

impl Binaries {
    /// Those in `folder`, or beside this program.
    pub(crate) fn find(folder: Option<PathBuf>) -> Result<Self> {
        let beside = || -> Result<PathBuf> {
            let this = std::env::current_exe()?;
            Ok(this.parent().context("this program is in no folder")?.to_owned())
        };
        let folder = folder.map_or_else(beside, Ok)?.canonicalize()?;
        let logs = std::env::temp_dir().join(format!("wormhole-bench-{}", std::process::id()));
        std::fs::create_dir_all(&logs)?;
        Ok(Self { folder, logs })
    }

    /// Whether there is a binary of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.folder.join(name).is_file()
    }

    /// Size of one, in MB (10⁶ bytes).
    pub(crate) fn megabytes(&self, name: &str) -> Result<f64> {
        let bytes = self.folder.join(name).metadata()?.len();
        Ok(f64::from(u32::try_from(bytes)?) / 1e6)
    }

    /// Starts one with these settings and no others.
    pub(crate) fn start(&self, name: &'static str, settings: &[(&str, String)]) -> Result<Process> {
        let log = self.logs.join(format!("{name}.log"));
        let output = File::create(&log)?;
        let path = self.folder.join(name);
        let foreign = std::env::vars_os().map(|(name, _)| name).filter(is_foreign);
        let mut command = Command::new(&path);
        for name in foreign {
            command.env_remove(name);
        }
        let child = command
            // What a service keeps by default, it keeps below its working folder.
            .current_dir(&self.logs)
            .envs(settings.iter().map(|(name, value)| (*name, value)))
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {}", path.display()))?;
        let pid = child.id().context("it has ended already")?;
        Ok(Process { name, child, pid, log })
    }
}

fn is_foreign(name: &OsString) -> bool {
    let name = name.to_string_lossy().to_uppercase();
    // Which Chromium there is on the machine is no setting of ours.
    name != "CHROME_BIN" && FOREIGN.iter().any(|part| name.contains(part))
}

impl Process {
    /// User and system time so far.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        procfs::cpu(self.pid)
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// Memory now.
    pub(crate) fn memory(&self) -> Result<procfs::Memory> {
        procfs::memory(self.pid)
    }

    /// Waits until `path` at `address` answers 200. Asks every millisecond.
    pub(crate) async fn wait_for(&mut self, address: SocketAddr, path: &str, clock: Clock) -> Result<()> {
        let mut last = String::from("not asked yet");
        let deadline = clock.now() + PATIENCE;
        while clock.now() < deadline {
            if let Some(status) = self.child.try_wait()? {
                bail!("{} ended ({status}), see {}", self.name, self.log.display());
            }
            match status(address, path, clock).await {
                Ok((200, _)) => return Ok(()),
                Ok((status, body)) => last = format!("{status} {body}"),
                Err(error) => last = error.to_string(),
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        bail!("{} does not answer {path} with 200 ({last}), see {}", self.name, self.log.display())
    }

    /// Asks it to end, waits, and kills it if it does not.
    pub(crate) async fn stop(mut self) -> Result<()> {
        if let Some(pid) = i32::try_from(self.pid).ok().and_then(Pid::from_raw)
            && self.child.try_wait()?.is_none()
        {
            kill_process(pid, Signal::TERM)?;
        }
        if tokio::time::timeout(PATIENCE, self.child.wait()).await.is_err() {
            self.child.kill().await?;
            bail!("{} had to be killed, see {}", self.name, self.log.display());
        }
        Ok(())
    }
}

async fn status(address: SocketAddr, path: &str, clock: Clock) -> Result<(u16, String)> {
    let (status, body) = Connection::open(address, clock).await?.get(path).await?;
    Ok((status.as_u16(), String::from_utf8_lossy(&body).trim().replace('\n', "; ")))
}

/// A loopback address with a port that is free now.
pub(crate) fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?)
}

/// Lets this process and its children open as many sockets as the machine allows.
pub(crate) fn raise_open_files() -> Result<()> {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })?;
    Ok(())
}

/// Removes the logs, when all went well.
pub(crate) fn remove_logs(folder: &Path) {
    // What stays behind is a few kilobytes in the folder for temporary files.
    let _left = std::fs::remove_dir_all(folder);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_of_the_person_at_the_keyboard_are_left_out() {
        for name in
            ["WORMHOLE_PORT", "wormhole_port", "HTTP_PROXY", "no_proxy", "OUTLIER_EMAIL", "CHROME_HEADLESS"]
        {
            assert!(is_foreign(&name.into()), "{name}");
        }
        for name in ["PATH", "HOME", "CHROME_BIN"] {
            assert!(!is_foreign(&name.into()), "{name}");
        }
    }

    #[tokio::test]
    async fn a_process_that_ends_early_is_told_with_its_log() {
        let logs = tempfile::tempdir().unwrap();
        let binaries = Binaries { folder: "/bin".into(), logs: logs.path().to_owned() };
        let mut process = binaries.start("false", &[]).unwrap();
        let error = process.wait_for(free_address().unwrap(), "/", Clock::start()).await.unwrap_err();
        assert!(error.to_string().contains("false ended"), "{error}");
    }

    #[tokio::test]
    async fn a_process_is_ended_by_its_handle() {
        let logs = tempfile::tempdir().unwrap();
        let binaries = Binaries { folder: "/bin".into(), logs: logs.path().to_owned() };
        let process = binaries.start("cat", &[]).unwrap();
        process.stop().await.unwrap();
        assert!(!binaries.has("no such binary"));
    }
}
