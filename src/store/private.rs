//! The private tables: named maps from keys to values, in one table of the database.

use rocksdb::{DBIteratorWithThreadMode, Direction, IteratorMode, ReadOptions, WriteBatch};

use super::{
    Durability, Error, Store,
    db::{Db, PRIVATE},
};

/// One change to a private table, for [`Store::write`].
#[derive(Clone, Copy, Debug)]
pub enum Write<'a> {
    /// Sets `key` in `table` to `value`.
    Put {
        /// The table.
        table: &'a str,
        /// The key inside the table.
        key: &'a [u8],
        /// The new value.
        value: &'a [u8],
    },
    /// Removes `key` from `table`; removing what isn't there is no error.
    Delete {
        /// The table.
        table: &'a str,
        /// The key inside the table.
        key: &'a [u8],
    },
}

/// A key of a private table, and its value.
pub type Pair = (Vec<u8>, Vec<u8>);

impl Store {
    /// Sets one key of a private table.
    pub fn put(
        &self,
        table: &str,
        key: &[u8],
        value: &[u8],
        durability: Durability,
    ) -> Result<(), Error> {
        self.write(&[Write::Put { table, key, value }], durability)
    }

    /// Removes one key of a private table.
    pub fn delete(&self, table: &str, key: &[u8], durability: Durability) -> Result<(), Error> {
        self.write(&[Write::Delete { table, key }], durability)
    }

    /// Writes several changes of private tables: all of them or, after a crash, none.
    pub fn write(&self, changes: &[Write<'_>], durability: Durability) -> Result<(), Error> {
        let private = self.table(PRIVATE)?;
        let mut batch = WriteBatch::default();
        for change in changes {
            match change {
                Write::Put { table, key, value } => {
                    batch.put_cf(private, private_key(table, key)?, value);
                }
                Write::Delete { table, key } => batch.delete_cf(private, private_key(table, key)?),
            }
        }
        self.write_batch(batch, durability, "write a private table")
    }

    /// Removes keys of a private table, from the files too and not from the index alone. Slow (it
    /// rewrites what lies between them), synced; a key that isn't there is no error. Keys may
    /// stay in the database's own records for a while: they hold nothing that is erased.
    pub fn erase(&self, table: &str, keys: &[Vec<u8>]) -> Result<(), Error> {
        let (Some(first), Some(last)) = (keys.iter().min(), keys.iter().max()) else {
            return Ok(());
        };
        let deleted: Vec<Write<'_>> = keys
            .iter()
            .map(|key| Write::Delete { table, key })
            .collect();
        self.write(&deleted, Durability::Synced)?;
        let (first, last) = (private_key(table, first)?, private_key(table, last)?);
        self.forget(PRIVATE, &first, &last)
    }

    /// Sets keys of a private table, and destroys what they held before, in the files too. A crash
    /// before the end leaves the new values, and bytes of the old until the next compaction.
    pub fn overwrite(&self, table: &str, rows: &[(Vec<u8>, Vec<u8>)]) -> Result<(), Error> {
        let keys = || rows.iter().map(|(key, _)| key);
        let (Some(first), Some(last)) = (keys().min(), keys().max()) else {
            return Ok(());
        };
        let puts: Vec<Write<'_>> = rows
            .iter()
            .map(|(key, value)| Write::Put { table, key, value })
            .collect();
        self.write(&puts, Durability::Synced)?;
        let (first, last) = (private_key(table, first)?, private_key(table, last)?);
        self.forget(PRIVATE, &first, &last)
    }

    /// The value of one key of a private table.
    pub fn get(&self, table: &str, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.read(PRIVATE, &private_key(table, key)?)
    }

    /// All pairs of a private table whose keys begin with `prefix`, by key, as they stand at this
    /// moment.
    pub fn scan(&self, table: &str, prefix: &[u8]) -> Result<Scan<'_>, Error> {
        self.walk(table, prefix, IteratorMode::Start)
    }

    /// The same pairs from a key on.
    pub fn scan_from(&self, table: &str, prefix: &[u8], from: &[u8]) -> Result<Scan<'_>, Error> {
        let from = private_key(table, from)?;
        self.walk(table, prefix, IteratorMode::From(&from, Direction::Forward))
    }

    /// The pair of a private table with the highest key.
    pub fn last(&self, table: &str) -> Result<Option<Pair>, Error> {
        self.walk(table, b"", IteratorMode::End)?.next().transpose()
    }

    fn walk(&self, table: &str, prefix: &[u8], mode: IteratorMode<'_>) -> Result<Scan<'_>, Error> {
        let start = private_key(table, prefix)?;
        let mut range = ReadOptions::default();
        // No prefix ends in 0xff alone: a table's name comes first and has no such byte.
        range.set_iterate_range(rocksdb::PrefixRange(start.as_slice()));
        Ok(Scan {
            store: self,
            table: table.len() + 1,
            rows: self.db.iterator_cf_opt(self.table(PRIVATE)?, range, mode),
        })
    }
}

/// Pairs of a private table, from [`Store::scan`]; keys come without the table.
pub struct Scan<'a> {
    store: &'a Store,
    /// Bytes of the table's name and its separator at the start of each key.
    table: usize,
    rows: DBIteratorWithThreadMode<'a, Db>,
}

impl Iterator for Scan<'_> {
    type Item = Result<Pair, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.rows.next()? {
            Ok((key, value)) => {
                let key = key.get(self.table..).unwrap_or_default().to_vec();
                Some(Ok((key, value.into())))
            }
            Err(source) => Some(Err(self.store.failed("be read", source))),
        }
    }
}

fn private_key(table: &str, key: &[u8]) -> Result<Vec<u8>, Error> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if table.is_empty() || table.len() > 32 || !table.bytes().all(plain) {
        return Err(Error::Table {
            table: table.to_owned(),
        });
    }
    Ok([table.as_bytes(), &[0], key].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_tables_do_not_see_each_other() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let put = |table, key: &[u8]| store.put(table, key, b"v", Durability::Synced).unwrap();
        put("proposal", b"a1");
        put("proposal", b"a2");
        put("proposal", b"\xff\xff");
        put("proposal-x", b"a3");
        let keys = |prefix: &[u8]| -> Vec<Vec<u8>> {
            let rows = store.scan("proposal", prefix).unwrap();
            rows.map(|row| row.unwrap().0).collect()
        };
        assert_eq!(keys(b"a"), [b"a1", b"a2"]);
        assert_eq!(keys(b"").len(), 3);
        assert_eq!(keys(b"\xff"), [b"\xff\xff"]);
        let after: Vec<Vec<u8>> = store
            .scan_from("proposal", b"a", b"a2")
            .unwrap()
            .map(|row| row.unwrap().0)
            .collect();
        assert_eq!(after, [b"a2"]);
        let last = |table| store.last(table).unwrap().map(|(key, _)| key);
        assert_eq!(last("proposal").unwrap(), b"\xff\xff");
        assert_eq!(last("proposal-x").unwrap(), b"a3");
        assert_eq!(last("propos"), None);
        store
            .delete("proposal", b"a1", Durability::Buffered)
            .unwrap();
        assert_eq!(store.get("proposal", b"a1").unwrap(), None);
        assert_eq!(store.get("proposal", b"a2").unwrap().unwrap(), b"v");
        assert!(matches!(store.get("A\0", b""), Err(Error::Table { .. })));
    }

    /// A byte search over the whole directory, log files included.
    #[test]
    fn what_is_erased_is_in_no_file() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let canary = b"canary-0912345678";
        let found = || {
            std::fs::read_dir(dir.path()).unwrap().any(|file| {
                let bytes = std::fs::read(file.unwrap().path()).unwrap();
                bytes.windows(canary.len()).any(|w| w == canary)
            })
        };
        let keys: Vec<Vec<u8>> = (0..100u8).map(|n| vec![n]).collect();
        for key in &keys {
            store
                .put("openings", key, canary, Durability::Synced)
                .unwrap();
        }
        store
            .put("openings", b"zz", b"stays", Durability::Synced)
            .unwrap();
        assert!(found());
        let silent = (keys[0].clone(), b"said".to_vec());
        store.overwrite("openings", &[silent]).unwrap();
        assert_eq!(store.get("openings", &keys[0]).unwrap().unwrap(), b"said");
        assert!(found());
        store.erase("openings", &keys).unwrap();
        assert!(!found());
        assert_eq!(store.get("openings", b"zz").unwrap().unwrap(), b"stays");
    }
}
