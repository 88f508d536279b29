//! Records with a key and a value, one after the other in temporary bytes.

use std::sync::Arc;

use super::temporary::{HeldBytes, TemporaryBytes, Workspace};
use crate::error::{Error, ErrorKind, Result};

/// Length of a record's head: the lengths of its key and value.
const HEAD: usize = 8;

/// A key and a value.
#[derive(Debug, Default)]
pub(super) struct KeyedRecord {
    pub(super) key: Vec<u8>,
    pub(super) value: Vec<u8>,
}

/// Appends a record.
pub(super) fn append(to: &mut TemporaryBytes, key: &[u8], value: &[u8], work: &Workspace) -> Result<()> {
    let mut head = [0; HEAD];
    let lengths = length_of(key)?.to_le_bytes().into_iter().chain(length_of(value)?.to_le_bytes());
    head.iter_mut().zip(lengths).for_each(|(to, from)| *to = from);
    to.append(&head, work)?;
    to.append(key, work)?;
    to.append(value, work)
}

/// The length of a key or value.
pub(super) fn length_of(bytes: &[u8]) -> Result<u32> {
    u32::try_from(bytes.len()).map_err(|_| {
        Error::new(ErrorKind::Limit, "a row is longer than 4 GiB").advise("split it, or leave out its large fields")
    })
}

/// Reads records in order, through a buffer.
#[derive(Debug)]
pub(super) struct RecordReader {
    bytes: Arc<TemporaryBytes>,
    /// The next byte to read into the buffer, and the end of the last record.
    next: u64,
    end: u64,
    buffer: Vec<u8>,
    used: usize,
    size: usize,
    /// Length of the value that was not read yet.
    value: usize,
    held: HeldBytes,
}

impl RecordReader {
    /// The records from one offset to another, read in pieces of `size` bytes.
    pub(super) fn new(bytes: &Arc<TemporaryBytes>, range: (u64, u64), size: usize, work: &Workspace) -> RecordReader {
        let (next, end) = range;
        let (bytes, size) = (Arc::clone(bytes), size.max(1));
        RecordReader { bytes, next, end, buffer: Vec::new(), used: 0, size, value: 0, held: work.held() }
    }

    /// All records.
    pub(super) fn all(bytes: TemporaryBytes, size: usize, work: &Workspace) -> RecordReader {
        let end = bytes.length();
        RecordReader::new(&Arc::new(bytes), (0, end), size, work)
    }

    /// Replaces `record` by the next one; false at the end.
    pub(super) fn next_into(&mut self, record: &mut KeyedRecord) -> Result<bool> {
        let has_next = self.next_key(&mut record.key)?;
        self.rest_into(&mut record.value)?;
        Ok(has_next)
    }

    /// Replaces `key` by that of the next record; false at the end. The value follows with
    /// [`rest_into`](Self::rest_into).
    pub(super) fn next_key(&mut self, key: &mut Vec<u8>) -> Result<bool> {
        key.clear();
        if self.used == self.buffer.len() && self.next == self.end {
            return Ok(false);
        }
        self.take(HEAD, key)?;
        let length = |at: usize| -> usize {
            let bytes = key.iter().skip(at).take(HEAD / 2).rev();
            bytes.fold(0, |length, byte| (length << 8) | usize::from(*byte))
        };
        let (key_length, value_length) = (length(0), length(HEAD / 2));
        self.value = value_length;
        key.clear();
        self.take(key_length, key)?;
        Ok(true)
    }

    /// Replaces `value` by that of the record whose key was read last.
    pub(super) fn rest_into(&mut self, value: &mut Vec<u8>) -> Result<()> {
        value.clear();
        let length = std::mem::take(&mut self.value);
        self.take(length, value)
    }

    fn take(&mut self, count: usize, out: &mut Vec<u8>) -> Result<()> {
        let mut left = count;
        while left > 0 {
            if self.used == self.buffer.len() {
                let size = usize::try_from(self.end - self.next).unwrap_or(usize::MAX).min(self.size);
                if size == 0 {
                    return Err(self.bytes.short());
                }
                self.bytes.read_at(self.next, size, &mut self.buffer)?;
                self.held.set(self.buffer.capacity());
                self.next += size as u64;
                self.used = 0;
            }
            let part = self.buffer.get(self.used..).unwrap_or_default();
            let part = part.get(..left).unwrap_or(part);
            out.extend_from_slice(part);
            self.used += part.len();
            left -= part.len();
        }
        Ok(())
    }
}
