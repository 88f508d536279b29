//! The rows that runs have passed on at or after a watermark: they are read again, because the range is closed, and not
//! passed on again.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::watermark::Mark;
use crate::item::Item;

/// A row that was passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SeenRow {
    /// The rank of its mark.
    #[serde(rename = "m")]
    pub(crate) rank: i64,
    /// The start of a digest of its identity.
    #[serde(rename = "d")]
    pub(crate) digest: u64,
}

impl SeenRow {
    /// A row is identified by its key and its mark; without a key, by all its bytes.
    pub(crate) fn of(item: Item<'_>, mark: &Mark, key: Option<&[String]>) -> SeenRow {
        let hash = match key {
            Some(key) => {
                let key = item.raw(key).unwrap_or("null");
                Sha256::new().chain_update(key).chain_update([0]).chain_update(mark.identity())
            }
            None => Sha256::new().chain_update(item.as_str()),
        };
        SeenRow::with(mark.rank(), hash)
    }

    /// A row without a mark is read again by every run: it is identified by all its bytes.
    pub(crate) fn without_mark(item: Item<'_>) -> SeenRow {
        SeenRow::with(i64::MAX, Sha256::new().chain_update(item.as_str()))
    }

    fn with(rank: i64, hash: Sha256) -> SeenRow {
        let mut start = [0; 8];
        start.iter_mut().zip(hash.finalize()).for_each(|(to, from)| *to = from);
        SeenRow { rank, digest: u64::from_be_bytes(start) }
    }
}

/// The rows of earlier runs and of this one.
#[derive(Clone, Debug, Default)]
pub(crate) struct SeenRows {
    digests: HashSet<u64>,
    /// Those that were added, in order.
    added: Vec<u64>,
}

impl SeenRows {
    pub(crate) fn new(rows: impl Iterator<Item = SeenRow>) -> SeenRows {
        SeenRows { digests: rows.map(|row| row.digest).collect(), added: Vec::new() }
    }

    /// Adds a row. Returns whether it is new.
    pub(crate) fn add(&mut self, row: SeenRow) -> bool {
        let is_new = self.digests.insert(row.digest);
        if is_new {
            self.added.push(row.digest);
        }
        is_new
    }

    /// The number of rows that were added.
    pub(crate) fn added(&self) -> usize {
        self.added.len()
    }

    /// Removes the rows that were added after some.
    pub(crate) fn rewind(&mut self, added: usize) {
        for digest in self.added.split_off(added.min(self.added.len())) {
            self.digests.remove(&digest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::item::Items;

    #[test]
    fn one_time_in_two_forms_is_one_row() {
        let row = |json: &str| {
            let items = Items::from_array(format!("[{json}]")).unwrap();
            let item = items.get(0).unwrap();
            let mark = Mark::parse(item.raw(&["at".to_owned()]).unwrap()).unwrap();
            SeenRow::of(item, &mark, Some(&["id".to_owned()]))
        };
        let first = row(r#"{"id":1,"at":"2026-01-31T00:00:00Z"}"#);
        assert_eq!(first, row(r#"{"id":1,"at":"2026-01-31T00:00:00.000Z","name":"x"}"#));
        assert_eq!(first, row(r#"{"id":1,"at":"2026-01-31T01:00:00+01:00"}"#));
        assert_ne!(first, row(r#"{"id":2,"at":"2026-01-31T00:00:00Z"}"#));
        assert_ne!(first, row(r#"{"id":1,"at":"2026-01-31T00:00:01Z"}"#));
    }
}
