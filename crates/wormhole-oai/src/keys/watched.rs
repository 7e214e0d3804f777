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
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.looked.elapsed() >= LOOK {
            inner.looked = Instant::now();
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
