//! Kept in one file, by redb.
//!
//! A put is committed without waiting for the disk; what was put is made durable by `flush`, which a task calls every
//! second, and at the end. A crash in between loses that second, which costs efficiency only.

use std::fs::{DirBuilder, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use redb::{
    Database, DatabaseError, Durability, ReadableDatabase, ReadableTable, Table, TableDefinition,
    WriteTransaction,
};
use tracing::warn;
use wormhole_runtime::ConfigError;

use super::{Bounds, Clock, Kept, Shelf, Stamp, Store, StoreError, key, millis, now, scope_and_id};

/// The file in the data folder.
const FILE: &str = "wormhole-oai.redb";

/// The setting that errors name.
const VARIABLE: &str = "WORMHOLE_DATA";

/// redb's own default is a gigabyte.
const CACHE_BYTES: usize = 8 << 20;

/// Key to stamp and value.
const VALUES: TableDefinition<'_, &str, (Stamp, &[u8])> = TableDefinition::new("values");

/// Shelf, stamp and key to the size of key and value: the order in which things are thrown away.
const ORDER: TableDefinition<'_, (u8, Stamp, &str), u64> = TableDefinition::new("order");

/// The size of all, under an empty key.
const TOTAL: TableDefinition<'_, (), u64> = TableDefinition::new("total");

/// The store that survives a restart.
#[derive(Debug)]
pub(crate) struct DiskStore {
    database: Database,
    bounds: Bounds,
    clock: Clock,
    /// Something was put that is not durable yet.
    dirty: AtomicBool,
}

impl DiskStore {
    /// Opens or makes the file in `folder`, which is made as well. Both are for this user only.
    ///
    /// # Errors
    /// The folder cannot be written, or another process has the file.
    pub(crate) fn open(folder: &Path, bounds: Bounds) -> Result<Self, ConfigError> {
        Self::with_clock(folder, bounds, Clock(now))
    }

    /// With a time of its own.
    pub(super) fn with_clock(folder: &Path, bounds: Bounds, clock: Clock) -> Result<Self, ConfigError> {
        make_folder(folder)?;
        let path = folder.join(FILE);
        let database = match open(&path) {
            Err(Wrong::Contents(why)) => {
                let aside = path.with_extension("redb.broken");
                warn!(path = %path.display(), aside = %aside.display(), why, "the store cannot be read: put aside, beginning anew");
                std::fs::rename(&path, &aside).map_err(|error| cannot("put aside", &path, &error))?;
                open(&path)
            }
            opened => opened,
        };
        let database = database.map_err(|wrong| wrong.into_config(&path))?;
        let store = Self { database, bounds, clock, dirty: AtomicBool::new(true) };
        // A read of a table that was never made is an error.
        store
            .change(|_| Ok(()))
            .and_then(|()| store.flush())
            .map_err(|error| ConfigError::new(VARIABLE, format!("{}: {error}", path.display())))?;
        Ok(store)
    }

    fn change<T>(
        &self,
        change: impl FnOnce(&mut Tables<'_>) -> Result<T, redb::Error>,
    ) -> Result<T, StoreError> {
        let run = || -> Result<_, redb::Error> {
            let mut transaction = self.database.begin_write().map_err(redb::Error::from)?;
            transaction.set_durability(Durability::None).map_err(redb::Error::from)?;
            let changed = change(&mut Tables::open(&transaction)?)?;
            transaction.commit().map_err(redb::Error::from)?;
            Ok(changed)
        };
        let changed = run().map_err(failed)?;
        self.dirty.store(true, Ordering::Release);
        Ok(changed)
    }

    fn oldest_kept(&self) -> Stamp {
        (self.clock.0)().saturating_sub(millis(self.bounds.age))
    }
}

/// The tables of a transaction that writes.
struct Tables<'t> {
    values: Table<'t, &'static str, (Stamp, &'static [u8])>,
    order: Table<'t, (u8, Stamp, &'static str), u64>,
    total: Table<'t, (), u64>,
}

impl<'t> Tables<'t> {
    fn open(transaction: &'t WriteTransaction) -> Result<Self, redb::Error> {
        Ok(Self {
            values: transaction.open_table(VALUES)?,
            order: transaction.open_table(ORDER)?,
            total: transaction.open_table(TOTAL)?,
        })
    }

    fn total(&self) -> Result<u64, redb::Error> {
        Ok(self.total.get(())?.map_or(0, |total| total.value()))
    }

    fn take(&mut self, kind: u8, key: &str) -> Result<bool, redb::Error> {
        let Some(stamp) = self.values.remove(key)?.map(|found| found.value().0) else { return Ok(false) };
        let size = self.order.remove((kind, stamp, key))?.map_or(0, |size| size.value());
        let total = self.total()?.saturating_sub(size);
        self.total.insert((), total)?;
        Ok(true)
    }

    fn oldest(&self) -> Result<Option<(u8, Stamp, String)>, redb::Error> {
        let mut oldest: Option<(u8, Stamp, String)> = None;
        for kind in Shelf::ALL {
            let number = kind.number();
            if let Some(first) = self.order.range((number, 0, "")..(number, Stamp::MAX, ""))?.next() {
                let (place, _) = first?;
                let (number, stamp, key) = place.value();
                if oldest.as_ref().is_none_or(|(_, before, _)| stamp < *before) {
                    oldest = Some((number, stamp, key.to_owned()));
                }
            }
        }
        Ok(oldest)
    }
}

impl Store for DiskStore {
    fn get(&self, kind: Shelf, scope: &str, id: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let read = || -> Result<_, redb::Error> {
            let values = self.database.begin_read()?.open_table(VALUES)?;
            let found = values.get(key(kind, scope, id).as_str())?;
            Ok(found.and_then(|found| {
                let (stamp, value) = found.value();
                (stamp >= self.oldest_kept()).then(|| value.to_vec())
            }))
        };
        read().map_err(failed)
    }

    fn put(&self, kind: Shelf, scope: &str, id: &str, value: &[u8]) -> Result<(), StoreError> {
        let (key, stamp, number) = (key(kind, scope, id), (self.clock.0)(), kind.number());
        let size = (key.len() + value.len()) as u64;
        self.change(|tables| {
            tables.take(number, &key)?;
            let total = tables.total()? + size;
            tables.total.insert((), total)?;
            tables.order.insert((number, stamp, key.as_str()), size)?;
            tables.values.insert(key.as_str(), (stamp, value))?;
            while tables.total()? > self.bounds.bytes {
                let Some((number, _, key)) = tables.oldest()? else { break };
                tables.take(number, &key)?;
            }
            Ok(())
        })
    }

    fn remove(&self, kind: Shelf, scope: &str, id: &str) -> Result<bool, StoreError> {
        self.change(|tables| tables.take(kind.number(), &key(kind, scope, id)))
    }

    fn older(&self, kind: Shelf, before: Stamp, most: usize) -> Result<Vec<Kept>, StoreError> {
        let read = || -> Result<_, redb::Error> {
            let transaction = self.database.begin_read()?;
            let (order, values) = (transaction.open_table(ORDER)?, transaction.open_table(VALUES)?);
            let number = kind.number();
            let mut found = Vec::new();
            for place in order.range((number, 0, "")..(number, before, ""))?.take(most) {
                let (place, _) = place?;
                let (_, _, key) = place.value();
                if let (Some((scope, id)), Some(value)) = (scope_and_id(key), values.get(key)?) {
                    let (scope, id) = (scope.to_owned(), id.to_owned());
                    found.push(Kept { scope, id, value: value.value().1.to_vec() });
                }
            }
            Ok(found)
        };
        read().map_err(failed)
    }

    fn tidy(&self) -> Result<(), StoreError> {
        let oldest_kept = self.oldest_kept();
        self.change(|tables| {
            while let Some((number, stamp, key)) = tables.oldest()?
                && stamp < oldest_kept
            {
                tables.take(number, &key)?;
            }
            Ok(())
        })
    }

    fn flush(&self) -> Result<(), StoreError> {
        if !self.dirty.swap(false, Ordering::AcqRel) {
            return Ok(());
        }
        let run = || -> Result<_, redb::Error> {
            let mut transaction = self.database.begin_write().map_err(redb::Error::from)?;
            transaction.set_durability(Durability::Immediate).map_err(redb::Error::from)?;
            transaction.commit().map_err(redb::Error::from)
        };
        run().map_err(|error| {
            self.dirty.store(true, Ordering::Release);
            failed(error)
        })
    }
}

impl Drop for DiskStore {
    fn drop(&mut self) {
        if let Err(error) = self.flush() {
            warn!(%error, "what was remembered last is lost");
        }
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

fn open(path: &PathBuf) -> Result<Database, Wrong> {
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

#[expect(clippy::needless_pass_by_value, reason = "the form that map_err wants")]
fn failed(error: redb::Error) -> StoreError {
    StoreError(error.to_string())
}
