//! The right side of a join: its rows by key, and what a row of the left side gets from them.

use super::fields::{RowName, values_at};
use super::plan::{FieldPath, JoinPlan, JoinSides, SeveralMatches};
use super::records::KeyedRecord;
use super::sorter::Sorted;
use super::{number_of, text_of};
use crate::error::{Error, ErrorKind, Result};

/// The side of the rows in messages.
pub(super) const RIGHT: &str = "row of the right side";

/// The matching rows of one key after the other.
pub(super) struct Matches<'p, 'w> {
    plan: &'p JoinPlan,
    sorted: Sorted<'w>,
    /// The largest size of a list in bytes.
    list_max: usize,
    /// The first record of the next key.
    next: Option<KeyedRecord>,
    key: Option<Vec<u8>>,
    /// What a row of the left side gets.
    text: String,
    first: u64,
    second: Option<u64>,
    is_too_long: bool,
}

impl<'p, 'w> Matches<'p, 'w> {
    /// From records whose value is the number of the row, in 8 bytes, and the row.
    pub(super) fn new(mut sorted: Sorted<'w>, plan: &'p JoinPlan, list_max: usize) -> Result<Matches<'p, 'w>> {
        let mut next = KeyedRecord::default();
        let next = sorted.next_into(&mut next)?.then_some(next);
        let (key, text) = (None, String::new());
        Ok(Matches { plan, sorted, list_max, next, key, text, first: 0, second: None, is_too_long: false })
    }

    /// What the row of the left side with this key gets. Keys must be asked for in their order.
    ///
    /// # Errors
    /// `invalid_items` for several matches if the plan allows one; `limit` for a list that is too long.
    pub(super) fn find(&mut self, key: &[u8], left: RowName) -> Result<Option<&str>> {
        if !self.is_there(key)? {
            return Ok(None);
        }
        if let (SeveralMatches::Error, Some(second)) = (self.plan.several, self.second) {
            return Err(self.several(left, second));
        }
        if self.is_too_long {
            return Err(self.too_long(left));
        }
        Ok(Some(&self.text))
    }

    /// Whether there is a row with this key. Keys must be asked for in their order.
    pub(super) fn is_there(&mut self, key: &[u8]) -> Result<bool> {
        while self.key.as_deref().is_none_or(|current| current < key) {
            if !self.read_key()? {
                return Ok(false);
            }
        }
        Ok(self.key.as_deref() == Some(key))
    }

    /// Reads all rows of the next key.
    fn read_key(&mut self) -> Result<bool> {
        let Some(mut record) = self.next.take() else {
            self.key = None;
            return Ok(false);
        };
        let is_list = self.plan.several == SeveralMatches::List;
        self.text.clear();
        (self.second, self.is_too_long, self.first) = (None, false, number_of(&record.value));
        if is_list {
            self.text.push('[');
        }
        self.text.push_str(row_of(&record)?);
        let key = std::mem::take(&mut record.key);
        while self.sorted.next_into(&mut record)? {
            if record.key != key {
                self.next = Some(record);
                break;
            }
            self.second.get_or_insert(number_of(&record.value));
            self.is_too_long |= is_list && self.text.len() + record.value.len() > self.list_max;
            if is_list && !self.is_too_long {
                self.text.push(',');
                self.text.push_str(row_of(&record)?);
            }
        }
        if is_list {
            self.text.push(']');
        }
        self.key = Some(key);
        Ok(true)
    }

    fn several(&self, left: RowName, second: u64) -> Error {
        let (rows, advice) = match self.plan.sides {
            JoinSides::Rows => (
                format!("rows {} and {second} of the right side", self.first),
                "join by more fields, dedupe the right side, or set `several` to `first` or `list`",
            ),
            JoinSides::Items => {
                let (first, second) = (self.first.saturating_sub(1), second.saturating_sub(1));
                let message = format!("items {first} and {second} have one key: {}", self.shown());
                return Error::new(ErrorKind::InvalidItems, message)
                    .advise("use a `key` of more fields, or dedupe the items in a `transform` before");
            }
            JoinSides::Records => (
                format!("records {} and {second} of those found", self.first),
                "use a `key` of more fields, options of `find` that leave one of them out, or remove one of the records",
            ),
        };
        Error::new(ErrorKind::InvalidItems, format!("{left} matches {rows}: {}", self.shown())).advise(advice)
    }

    fn too_long(&self, left: RowName) -> Error {
        let why = format!("{left} matches rows of more than {} bytes: {}", self.list_max, self.shown());
        Error::new(ErrorKind::Limit, why).advise("join by more fields, or set `several` to `first`")
    }

    /// The key for people, from the first row that has it.
    fn shown(&self) -> String {
        let row = self.text.strip_prefix('[').unwrap_or(&self.text);
        // Of a list only the first row is wanted.
        let mut rows = serde_json::Deserializer::from_str(row).into_iter::<&serde_json::value::RawValue>();
        let row = rows.next().and_then(|row| row.ok()).map_or("", serde_json::value::RawValue::get);
        let paths: Vec<&FieldPath> = self.plan.on.iter().map(|pair| &pair.right).collect();
        let values = values_at(row, &paths, RowName { side: RIGHT, number: self.first }).unwrap_or_default();
        let fields = paths.iter().zip(values).map(|(path, value)| {
            let value: String = value.unwrap_or("null").chars().take(60).collect();
            format!("{} is {value}", path.pointer())
        });
        fields.collect::<Vec<_>>().join(", ")
    }
}

fn row_of(record: &KeyedRecord) -> Result<&str> {
    text_of(record.value.get(8..).unwrap_or_default())
}
