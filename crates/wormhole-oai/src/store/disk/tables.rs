//! The tables of the file, and the one transaction that changes them.

use redb::{
    Database, Durability, ReadOnlyTable, ReadableDatabase, ReadableTable, Table, TableDefinition, TableError,
    WriteTransaction,
};

use super::super::{Kept, Shelf, Stamp, scope_and_id};
use super::waiting::{Change, Changes};

/// Key to stamp and value.
const VALUES: TableDefinition<'_, &str, (Stamp, &[u8])> = TableDefinition::new("values");

/// Shelf, stamp and key to the size of key and value: the order in which things are thrown away.
const ORDER: TableDefinition<'_, (u8, Stamp, &str), u64> = TableDefinition::new("order");

/// The size of all, under an empty key.
const TOTAL: TableDefinition<'_, (), u64> = TableDefinition::new("total");

/// What of the contents is thrown away.
#[derive(Debug, Clone, Copy)]
pub(super) struct Excess {
    /// What is over this size, oldest first.
    pub(super) bytes: u64,
    /// What is older than this.
    pub(super) before: Option<Stamp>,
}

/// A value with its stamp.
pub(super) fn get(database: &Database, key: &str) -> Result<Option<(Stamp, Vec<u8>)>, redb::Error> {
    let found = values(database)?.get(key)?;
    Ok(found.map(|found| {
        let (stamp, value) = found.value();
        (stamp, value.to_vec())
    }))
}

/// What was last put before `before`, oldest first, at most `most` of it.
pub(super) fn older(
    database: &Database,
    kind: Shelf,
    before: Stamp,
    most: usize,
) -> Result<Vec<Kept>, redb::Error> {
    let transaction = database.begin_read()?;
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
}

fn values(database: &Database) -> Result<ReadOnlyTable<&'static str, (Stamp, &'static [u8])>, redb::Error> {
    Ok(database.begin_read()?.open_table(VALUES)?)
}

/// Writes the changes, throws away what is in excess, and waits until the disk has it all.
pub(super) fn write(database: &Database, changes: &Changes, excess: Excess) -> Result<(), redb::Error> {
    let mut transaction = database.begin_write()?;
    transaction.set_durability(Durability::Immediate)?;
    let mut tables = Tables::open(&transaction)?;
    for (key, change) in changes {
        tables.apply(key, change)?;
    }
    tables.throw_away(excess)?;
    tables.close()?;
    transaction.commit()?;
    Ok(())
}

struct Tables<'t> {
    values: Table<'t, &'static str, (Stamp, &'static [u8])>,
    order: Table<'t, (u8, Stamp, &'static str), u64>,
    totals: Table<'t, (), u64>,
    total: u64,
}

impl<'t> Tables<'t> {
    /// Makes those that are not there: a read of a table that was never made is an error.
    fn open(transaction: &'t WriteTransaction) -> Result<Self, TableError> {
        let totals = transaction.open_table(TOTAL)?;
        let total = totals.get(())?.map_or(0, |total| total.value());
        Ok(Self {
            values: transaction.open_table(VALUES)?,
            order: transaction.open_table(ORDER)?,
            totals,
            total,
        })
    }

    fn close(mut self) -> Result<(), redb::Error> {
        self.totals.insert((), self.total)?;
        Ok(())
    }

    fn apply(&mut self, key: &str, change: &Change) -> Result<(), redb::Error> {
        self.take(change.kind, key)?;
        if let Some(value) = &change.value {
            let size = (key.len() + value.len()) as u64;
            self.total += size;
            self.order.insert((change.kind, change.stamp, key), size)?;
            self.values.insert(key, (change.stamp, value.as_slice()))?;
        }
        Ok(())
    }

    fn take(&mut self, kind: u8, key: &str) -> Result<(), redb::Error> {
        let Some(stamp) = self.values.remove(key)?.map(|found| found.value().0) else { return Ok(()) };
        let size = self.order.remove((kind, stamp, key))?.map_or(0, |size| size.value());
        self.total = self.total.saturating_sub(size);
        Ok(())
    }

    fn throw_away(&mut self, excess: Excess) -> Result<(), redb::Error> {
        let Excess { bytes, before } = excess;
        if self.total <= bytes && before.is_none() {
            return Ok(());
        }
        while let Some((number, stamp, key)) = self.oldest()?
            && (self.total > bytes || before.is_some_and(|before| stamp < before))
        {
            self.take(number, &key)?;
        }
        Ok(())
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
