//! A folder for one Chromium's temporary files.
//!
//! Chromium makes folders such as `org.chromium.Chromium.aBcDeF` in the temporary folder and leaves them there when it
//! is killed: a bridge that crash-loops for a month would leave thousands. So each Chromium has a folder of its own,
//! which is emptied by whoever holds the profile's lock.
//!
//! It lies in the system's temporary folder, not in the profile: Chromium's socket is in it, whose path may have 107
//! characters, and a profile may be on a network volume that takes no sockets. Where the temporary folder cannot be
//! used, it lies in the profile all the same.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use rustix::process::geteuid;

const IN_PROFILE: &str = "wormhole-tmp";

/// The folder; removed when it is dropped, and before it is made anew.
#[derive(Debug)]
pub(crate) struct Scratch {
    path: PathBuf,
}

impl Scratch {
    /// Makes an empty one for this profile, which must be locked.
    pub(crate) fn make(profile: &Path) -> io::Result<Self> {
        Self::make_in(&std::env::temp_dir(), profile)
    }

    fn make_in(temporary: &Path, profile: &Path) -> io::Result<Self> {
        let folder = fs::metadata(profile)?;
        // The profile's identity on this machine: nobody else uses this name while we hold the lock.
        let name = format!("wormhole-chromium-{:x}-{:x}", folder.dev(), folder.ino());
        let path = temporary.join(name);
        let outside = empty(&path).and_then(|()| writable(&path));
        if let Err(error) = outside {
            tracing::debug!(%error, path = %path.display(), "the temporary folder cannot be used");
            let path = profile.join(IN_PROFILE);
            empty(&path)?;
            return Ok(Self { path });
        }
        // Of a start at which the temporary folder could not be used.
        let _ = fs::remove_dir_all(profile.join(IN_PROFILE));
        Ok(Self { path })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A process that is just being killed may still write: the next start removes what is left.
        if let Err(error) = fs::remove_dir_all(&self.path)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::debug!(%error, "Chromium's temporary folder is left for the next start");
        }
    }
}

/// In a folder that everybody writes to, somebody else may have made a folder or a link of that name: such a one is
/// not ours to empty, and not to be used.
fn empty(path: &Path) -> io::Result<()> {
    if let Ok(there) = fs::symlink_metadata(path)
        && there.is_dir()
        && there.uid() == geteuid().as_raw()
    {
        fs::remove_dir_all(path)?;
    }
    DirBuilder::new().mode(0o700).create(path)
}

fn writable(folder: &Path) -> io::Result<()> {
    let probe = folder.join("probe");
    fs::write(&probe, b"x")?;
    fs::remove_file(probe)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn it_is_empty_at_each_start_and_gone_at_the_end() {
        let (temporary, profile) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let first = Scratch::make_in(temporary.path(), profile.path()).unwrap();
        let path = first.path().to_owned();
        fs::create_dir(path.join("org.chromium.Chromium.abc")).unwrap();
        // Killed: nothing was dropped.
        std::mem::forget(first);
        let second = Scratch::make_in(temporary.path(), profile.path()).unwrap();
        assert_eq!((second.path(), fs::read_dir(&path).unwrap().count()), (path.as_path(), 0));
        drop(second);
        assert!(!path.exists());
    }

    #[test]
    fn a_link_of_that_name_is_not_followed_and_another_place_is_found() {
        let (temporary, profile) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let name = Scratch::make_in(temporary.path(), profile.path()).unwrap().path().to_owned();
        let elsewhere = tempfile::tempdir().unwrap();
        fs::write(elsewhere.path().join("precious"), "x").unwrap();
        symlink(elsewhere.path(), &name).unwrap();
        let scratch = Scratch::make_in(temporary.path(), profile.path()).unwrap();
        assert!(scratch.path().starts_with(profile.path()));
        drop(scratch);
        assert!(elsewhere.path().join("precious").exists());
        // Without a temporary folder at all, as with a read-only root.
        let scratch = Scratch::make_in(Path::new("/nowhere"), profile.path()).unwrap();
        assert!(scratch.path().starts_with(profile.path()));
    }
}
