//! The file: made for this user only, put aside if it cannot be read.

use std::fs::{DirBuilder, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use redb::{Database, DatabaseError};
use tracing::warn;
use wormhole_runtime::ConfigError;

/// Its name in the data folder.
const FILE: &str = "wormhole-oai.redb";

/// The setting that errors name.
pub(super) const VARIABLE: &str = "WORMHOLE_DATA";

/// Pages that redb keeps in memory, half of them at most to be written. Few are read twice; the kernel has the rest.
/// (redb's own default is a gigabyte.)
const CACHE_BYTES: usize = 1 << 20;

/// Opens or makes the file in `folder`, which is made as well; tells its path, too.
///
/// # Errors
/// The folder cannot be written, or another process has the file.
pub(super) fn open(folder: &Path) -> Result<(Database, PathBuf), ConfigError> {
    make_folder(folder)?;
    let path = folder.join(FILE);
    let database = match open_file(&path) {
        Err(Wrong::Contents(why)) => {
            let aside = path.with_extension("redb.broken");
            warn!(path = %path.display(), aside = %aside.display(), why, "the store cannot be read: put aside, beginning anew");
            std::fs::rename(&path, &aside).map_err(|error| cannot("put aside", &path, &error))?;
            open_file(&path)
        }
        opened => opened,
    };
    match database {
        Ok(database) => Ok((database, path)),
        Err(wrong) => Err(wrong.into_config(&path)),
    }
}

/// Why the file cannot be opened.
enum Wrong {
    Config(ConfigError),
    /// Its contents are of no use.
    Contents(String),
}

impl Wrong {
    fn into_config(self, path: &Path) -> ConfigError {
        match self {
            Self::Config(error) => error,
            Self::Contents(why) => ConfigError::new(VARIABLE, format!("{}: {why}", path.display())),
        }
    }
}

fn make_folder(folder: &Path) -> Result<(), ConfigError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|error| cannot("make", folder, &error))
}

fn open_file(path: &Path) -> Result<Database, Wrong> {
    // redb would make it readable for everybody.
    let made = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path);
    drop(made.map_err(|error| Wrong::Config(cannot("write", path, &error)))?);
    let mut builder = Database::builder();
    builder.set_cache_size(CACHE_BYTES);
    builder.create(path).map_err(|error| match error {
        DatabaseError::DatabaseAlreadyOpen | DatabaseError::LockProtocolMismatch => {
            let message = format!(
                "{} belongs to another process that runs: give each its own folder, or set WORMHOLE_STORE=memory",
                path.display()
            );
            Wrong::Config(ConfigError::new(VARIABLE, message))
        }
        DatabaseError::Storage(redb::StorageError::Io(error))
            if !matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof) =>
        {
            Wrong::Config(cannot("open", path, &error))
        }
        other => Wrong::Contents(other.to_string()),
    })
}

fn cannot(what: &str, path: &Path, error: &io::Error) -> ConfigError {
    let message = format!(
        "cannot {what} {}: {}; name a folder that can be written, or set WORMHOLE_STORE=memory",
        path.display(),
        error.kind()
    );
    ConfigError::new(VARIABLE, message)
}
