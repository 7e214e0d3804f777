//! A file of keys, read again when it changes.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tracing::{info, warn};
use wormhole_runtime::{ConfigError, ExposeSecret, secret_from};

use super::list::{self, Key};

const VARIABLE: &str = "WORMHOLE_API_KEYS";

/// How often the file is looked at. A look costs a microsecond; a change is known within this time.
const LOOK: Duration = Duration::from_secs(1);

/// The file and what it held when it was last good.
#[derive(Debug)]
pub(super) struct Watched {
    path: PathBuf,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    keys: Arc<[Key]>,
    looked: Instant,
    seen: Option<Seen>,
}

/// By what a change is known: an editor writes a new file, Kubernetes turns a link.
type Seen = (u64, i64, i64, u64);

impl Watched {
    /// Reads the file.
    ///
    /// # Errors
    /// It cannot be read, is wrong, or holds no key.
    pub(super) fn open(path: &Path) -> Result<Self, ConfigError> {
        let seen = look(path);
        let keys = read(path)?;
        let inner = Mutex::new(Inner { keys, looked: Instant::now(), seen });
        Ok(Self { path: path.to_owned(), inner })
    }

    /// The keys now. While the file is wrong or away, those it held before.
    pub(super) fn current(&self) -> Arc<[Key]> {
        self.current_at(Instant::now())
    }

    fn current_at(&self, now: Instant) -> Arc<[Key]> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if now.saturating_duration_since(inner.looked) >= LOOK {
            inner.looked = now;
            let seen = look(&self.path);
            if seen != inner.seen {
                inner.seen = seen;
                self.read_again(&mut inner);
            }
        }
        inner.keys.clone()
    }

    fn read_again(&self, inner: &mut Inner) {
        match read(&self.path) {
            Ok(keys) => {
                info!(keys = keys.len(), "the API keys were read again");
                inner.keys = keys;
            }
            Err(error) => warn!(%error, "the API keys cannot be read again: those from before are in force"),
        }
    }
}

fn look(path: &Path) -> Option<Seen> {
    let seen = |data: Metadata| (data.ino(), data.mtime(), data.mtime_nsec(), data.len());
    std::fs::metadata(path).ok().map(seen)
}

fn read(path: &Path) -> Result<Arc<[Key]>, ConfigError> {
    let text = secret_from(None, Some(path), VARIABLE)?;
    let wrong = |what: String| ConfigError::new(format!("{VARIABLE}_FILE"), what);
    let keys = list::parse(text.as_ref().map_or("", |text| text.expose_secret())).map_err(wrong)?;
    if keys.is_empty() {
        return Err(wrong(format!("{} holds no key", path.display())));
    }
    Ok(keys.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn while_the_file_is_away_or_wrong_those_from_before_are_in_force() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        let write = |text: &str| std::fs::write(&path, text).unwrap();
        write("a:k1\n");
        let watched = Watched::open(&path).unwrap();
        let start = Instant::now();
        let names = |seconds| {
            let keys = watched.current_at(start + Duration::from_secs(seconds));
            keys.iter().map(|key| key.name.clone()).collect::<Vec<_>>()
        };
        write("b:k2\nc:k3\n");
        assert_eq!(names(0), ["a"], "it is not looked at with every request");
        assert_eq!(names(2), ["b", "c"]);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(names(4), ["b", "c"]);
        write("# nobody\n");
        assert_eq!(names(6), ["b", "c"]);
        write("d:k4\n");
        assert_eq!(names(8), ["d"]);
    }
}
