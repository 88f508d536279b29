//! Sorts records by the bytes of their keys, within a memory budget: sorted runs on disk, merged. Stable.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::sync::Arc;

use super::records::{self, KeyedRecord, RecordReader};
use super::temporary::{HeldBytes, TemporaryBytes, Workspace, reserve};
use crate::error::Result;

/// The largest buffer for one run while runs are merged, in bytes, and the smallest if memory allows it.
const RUN_BUFFER: usize = 64 << 10;
const RUN_BUFFER_MIN: usize = 16 << 10;

/// The most runs that are merged at once: each has a key in memory.
const RUNS_MAX: usize = 256;

/// Where a sorted run starts and ends.
type Run = (u64, u64);

/// The position of a record in memory.
#[derive(Clone, Copy, Debug)]
struct Position {
    start: usize,
    key: u32,
    value: u32,
}

/// Takes records in any order.
pub(super) struct Sorter<'w> {
    work: &'w Workspace<'w>,
    budget: usize,
    memory: Vec<u8>,
    positions: Vec<Position>,
    held: HeldBytes,
    count: u64,
    runs: Vec<Run>,
    written: TemporaryBytes,
}

impl<'w> Sorter<'w> {
    /// A sorter whose buffers hold `budget` bytes.
    pub(super) fn new(work: &'w Workspace<'w>, budget: usize) -> Sorter<'w> {
        let written = TemporaryBytes::new(work, write_buffer(budget));
        let (memory, positions, runs) = (Vec::new(), Vec::new(), Vec::new());
        Sorter { work, budget, memory, positions, held: work.held(), count: 0, runs, written }
    }

    /// The number of records.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    pub(super) fn add(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        let position =
            Position { start: self.memory.len(), key: records::length_of(key)?, value: records::length_of(value)? };
        let usable = self.budget - self.budget / 8;
        let (bytes, places) = (usable / 4 * 3, usable / 4 / size_of::<Position>());
        let is_full = self.memory.len() + key.len() + value.len() > bytes || self.positions.len() >= places;
        if is_full && !self.positions.is_empty() {
            self.write_run()?;
            return self.add(key, value);
        }
        reserve(&mut self.memory, key.len() + value.len(), bytes);
        reserve(&mut self.positions, 1, places);
        self.held.set(self.memory.capacity() + self.positions.capacity() * size_of::<Position>());
        self.memory.extend_from_slice(key);
        self.memory.extend_from_slice(value);
        self.positions.push(position);
        self.count += 1;
        Ok(())
    }

    /// The records in order of their keys; those with one key in the order in which they were added.
    pub(super) fn sorted(mut self) -> Result<Sorted<'w>> {
        let (work, budget) = (self.work, self.budget);
        if self.runs.is_empty() {
            sort(&self.memory, &mut self.positions);
            let (memory, positions) = (self.memory, self.positions.into_iter());
            return Ok(Sorted { work, source: SortedSource::Memory { memory, positions }, _held: self.held });
        }
        self.write_run()?;
        let Sorter { mut runs, mut written, mut held, .. } = self;
        held.set(0);
        written.seal(work)?;
        let mut bytes = Arc::new(written);
        while runs.len() > most_runs(budget) {
            (bytes, runs) = merged(&bytes, &runs, budget, work)?;
        }
        let merge = Merge::new(&bytes, &runs, budget, work)?;
        Ok(Sorted { work, source: SortedSource::Disk(merge), _held: held })
    }

    fn write_run(&mut self) -> Result<()> {
        sort(&self.memory, &mut self.positions);
        let start = self.written.length();
        for position in &self.positions {
            let (key, value) = parts(&self.memory, *position);
            records::append(&mut self.written, key, value, self.work)?;
            self.work.tick()?;
        }
        self.runs.push((start, self.written.length()));
        self.memory.clear();
        self.positions.clear();
        Ok(())
    }
}

fn sort(memory: &[u8], positions: &mut [Position]) {
    let key = |position: &Position| parts(memory, *position).0;
    // Records are in memory in the order in which they were added.
    positions.sort_unstable_by(|a, b| key(a).cmp(key(b)).then_with(|| a.start.cmp(&b.start)));
}

fn parts(memory: &[u8], position: Position) -> (&[u8], &[u8]) {
    let middle = position.start + position.key as usize;
    let end = middle + position.value as usize;
    (memory.get(position.start..middle).unwrap_or_default(), memory.get(middle..end).unwrap_or_default())
}

fn write_buffer(budget: usize) -> usize {
    (budget / 8).min(RUN_BUFFER)
}

/// How many runs are merged at once.
fn most_runs(budget: usize) -> usize {
    ((budget - budget / 8) / RUN_BUFFER_MIN).clamp(2, RUNS_MAX)
}

/// One pass of merges: fewer and longer runs, in new bytes.
fn merged(
    bytes: &Arc<TemporaryBytes>,
    runs: &[Run],
    budget: usize,
    work: &Workspace,
) -> Result<(Arc<TemporaryBytes>, Vec<Run>)> {
    let mut written = TemporaryBytes::new(work, write_buffer(budget));
    let mut longer = Vec::new();
    for group in runs.chunks(most_runs(budget)) {
        let start = written.length();
        let mut merge = Merge::new(bytes, group, budget, work)?;
        while let Some(record) = merge.next_record()? {
            records::append(&mut written, &record.key, &record.value, work)?;
            work.tick()?;
        }
        longer.push((start, written.length()));
    }
    written.seal(work)?;
    Ok((Arc::new(written), longer))
}

/// The next record of a run; its value is read when it is the first of all runs. The heap has the one with the smallest key on top; of equal ones, that of the first run.
struct RunHead {
    key: Vec<u8>,
    run: usize,
    reader: RecordReader,
}

impl PartialEq for RunHead {
    fn eq(&self, other: &RunHead) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for RunHead {}

impl PartialOrd for RunHead {
    fn partial_cmp(&self, other: &RunHead) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for RunHead {
    fn cmp(&self, other: &RunHead) -> Ordering {
        (&other.key, other.run).cmp(&(&self.key, self.run))
    }
}

/// Merges sorted runs.
struct Merge {
    heads: BinaryHeap<RunHead>,
    current: KeyedRecord,
}

impl Merge {
    fn new(bytes: &Arc<TemporaryBytes>, runs: &[Run], budget: usize, work: &Workspace) -> Result<Merge> {
        let size = ((budget - budget / 8) / runs.len().max(1)).min(RUN_BUFFER);
        let mut heads = BinaryHeap::with_capacity(runs.len());
        for (run, range) in runs.iter().enumerate() {
            let mut reader = RecordReader::new(bytes, *range, size, work);
            let mut key = Vec::new();
            if reader.next_key(&mut key)? {
                heads.push(RunHead { key, run, reader });
            }
        }
        Ok(Merge { heads, current: KeyedRecord::default() })
    }

    fn next_record(&mut self) -> Result<Option<&KeyedRecord>> {
        let Some(mut head) = self.heads.peek_mut() else { return Ok(None) };
        let RunHead { key, reader, .. } = &mut *head;
        std::mem::swap(&mut self.current.key, key);
        reader.rest_into(&mut self.current.value)?;
        if !reader.next_key(key)? {
            PeekMut::pop(head);
        }
        Ok(Some(&self.current))
    }
}

/// Records in order.
pub(super) struct Sorted<'w> {
    work: &'w Workspace<'w>,
    source: SortedSource,
    _held: HeldBytes,
}

enum SortedSource {
    Memory { memory: Vec<u8>, positions: std::vec::IntoIter<Position> },
    Disk(Merge),
}

impl Sorted<'_> {
    /// The next key and value.
    pub(super) fn next_record(&mut self) -> Result<Option<(&[u8], &[u8])>> {
        self.work.tick()?;
        match &mut self.source {
            SortedSource::Memory { memory, positions } => Ok(positions.next().map(|position| parts(memory, position))),
            SortedSource::Disk(merge) => Ok(merge.next_record()?.map(|record| (&*record.key, &*record.value))),
        }
    }

    /// The next key and value, in buffers of the caller; false at the end.
    pub(super) fn next_into(&mut self, record: &mut KeyedRecord) -> Result<bool> {
        record.key.clear();
        record.value.clear();
        let Some((key, value)) = self.next_record()? else { return Ok(false) };
        record.key.extend_from_slice(key);
        record.value.extend_from_slice(value);
        Ok(true)
    }
}
