//! The profile folder belongs to one bridge at a time.
//!
//! Chromium's own lock names the host and the process that made it, and survives both; a pod that was rescheduled
//! finds the lock of another host and would never start. Our `flock` ends with its holder, so whoever holds it may
//! remove what a dead Chromium left.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use super::LaunchError;

const LOCK: &str = "wormhole.lock";
/// A new profile takes a few MiB, and its databases must be able to grow for the time of a turn.
const NEEDED_MIB: u64 = 16;
const SINGLETONS: [&str; 3] = ["SingletonLock", "SingletonCookie", "SingletonSocket"];

/// Held for the life of the browser; the kernel lets go of it with the process.
#[derive(Debug)]
pub(crate) struct ProfileLock {
    _file: File,
}

impl ProfileLock {
    /// Makes the folder if need be, locks it, and removes what a Chromium that is dead left behind.
    ///
    /// # Errors
    /// Somebody else holds it; the folder cannot be used; or the disk is as good as full.
    pub(crate) fn take(folder: &Path) -> Result<Self, LaunchError> {
        let at = |path: PathBuf| move |source| LaunchError::Profile { path, source };
        // What lies in it is a logged-in session.
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(at(folder.into()))?;
        let path = folder.join(LOCK);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(at(path.clone()))?;
        if let Err(error) = flock(&file, FlockOperation::NonBlockingLockExclusive) {
            if error != rustix::io::Errno::WOULDBLOCK {
                return Err(at(path)(error.into()));
            }
            let mut holder = String::new();
            // Only the error's wording depends on it.
            let _ = file.take(256).read_to_string(&mut holder);
            let holder = if holder.trim().is_empty() { "another process" } else { holder.trim() };
            return Err(LaunchError::ProfileLocked { path: folder.into(), holder: holder.to_owned() });
        }
        enough_space(folder)?;
        sign(&mut file).map_err(at(path))?;
        remove_stale_singletons(folder)?;
        Ok(Self { _file: file })
    }
}

/// On a full disk Chromium starts all the same, forgets what it cannot write, and the session with it.
fn enough_space(folder: &Path) -> Result<(), LaunchError> {
    let path = folder.to_owned();
    let disk = rustix::fs::statvfs(folder)
        .map_err(|source| LaunchError::Profile { path: path.clone(), source: source.into() })?;
    let free_mib = disk.f_bavail.saturating_mul(disk.f_frsize) / (1024 * 1024);
    if free_mib < NEEDED_MIB {
        return Err(LaunchError::DiskFull { path, free_mib, needed_mib: NEEDED_MIB });
    }
    Ok(())
}

/// For the operator who is told that the profile is held.
fn sign(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "process {} on {}", std::process::id(), host())
}

fn host() -> String {
    fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_owned()
}

fn remove_stale_singletons(folder: &Path) -> Result<(), LaunchError> {
    let Ok(owner) = fs::read_link(folder.join(SINGLETONS[0])) else { return Ok(()) };
    if let Some((owner_host, process)) = owner.to_str().and_then(|owner| owner.rsplit_once('-'))
        && owner_host == host()
        && runs_on(process, folder)
    {
        // Chromium will find it out by itself and say so with exit code 21.
        return Ok(());
    }
    tracing::info!(owner = %owner.display(), "removing the lock of a Chromium that is gone");
    for name in SINGLETONS {
        let path = folder.join(name);
        match fs::remove_file(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                return Err(LaunchError::Profile { path, source });
            }
            _ => {}
        }
    }
    Ok(())
}

/// The Chromium that says it uses this folder, for the operator.
pub(super) fn owner(folder: &Path) -> String {
    let link = fs::read_link(folder.join(SINGLETONS[0])).unwrap_or_default();
    match link.to_str().and_then(|owner| owner.rsplit_once('-')) {
        Some((host, process)) => format!("process {process} on {host}"),
        None => "unknown to us".to_owned(),
    }
}

/// Whether this process is a browser on this folder. That the process exists is not enough: in a container whose
/// name stays the same, the number soon belongs to somebody else.
fn runs_on(process: &str, folder: &Path) -> bool {
    let Ok(arguments) = fs::read(Path::new("/proc").join(process).join("cmdline")) else { return false };
    let folder = folder.as_os_str().as_encoded_bytes();
    !folder.is_empty() && arguments.windows(folder.len()).any(|part| part == folder)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_second_holder_is_told_who_the_first_is() {
        let folder = tempfile::tempdir().unwrap();
        let held = ProfileLock::take(folder.path()).unwrap();
        match ProfileLock::take(folder.path()) {
            Err(LaunchError::ProfileLocked { holder, .. }) => {
                assert!(holder.contains(&format!("process {}", std::process::id())), "{holder}");
            }
            other => panic!("{other:?}"),
        }
        drop(held);
        ProfileLock::take(folder.path()).unwrap();
    }

    #[test]
    fn the_lock_of_a_dead_chromium_is_removed_and_that_of_a_live_one_is_not() {
        let check = |owner: String, stays: bool| {
            let folder = tempfile::tempdir().unwrap();
            symlink(owner, folder.path().join("SingletonLock")).unwrap();
            ProfileLock::take(folder.path()).unwrap();
            assert_eq!(fs::read_link(folder.path().join("SingletonLock")).is_ok(), stays);
        };
        check("other-pod-1234".to_owned(), false);
        // This very process lives, and is no browser on that folder.
        check(format!("{}-{}", host(), std::process::id()), false);
    }
}
