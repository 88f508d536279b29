//! The extent of a step's rows: their number, their size, and a digest of their bytes. Facts of the journal contain it,
//! and readers of the rows verify it.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

/// The first 8 bytes of a SHA-256, written as 16 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sum([u8; 8]);

impl Sum {
    /// The digest of bytes in memory.
    pub(crate) fn of(bytes: &[u8]) -> Sum {
        Sum::end(Sha256::new().chain_update(bytes))
    }

    /// As a number.
    pub(crate) fn number(self) -> u64 {
        u64::from_be_bytes(self.0)
    }

    fn end(hash: Sha256) -> Sum {
        let mut start = [0; 8];
        start.iter_mut().zip(hash.finalize()).for_each(|(to, from)| *to = from);
        Sum(start)
    }
}

impl Default for Sum {
    fn default() -> Sum {
        Sum::of(b"")
    }
}

impl fmt::Display for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.number())
    }
}

impl fmt::Debug for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Sum {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Sum {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Sum, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        let number = u64::from_str_radix(&text, 16).ok().filter(|_| text.len() == 16);
        number
            .map(|n| Sum(n.to_be_bytes()))
            .ok_or_else(|| serde::de::Error::custom("a digest has 16 hexadecimal digits"))
    }
}

/// The first rows of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Extent {
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
    /// Facts of version 1 have no digest.
    #[serde(default)]
    pub(crate) sum: Sum,
}

/// Computes the extent of rows while they are written or read.
#[derive(Clone, Default)]
pub(crate) struct Measure {
    hash: Sha256,
    rows: u64,
    bytes: u64,
}

impl Measure {
    pub(crate) fn add(&mut self, bytes: &[u8]) {
        self.hash.update(bytes);
        self.rows += memchr::memchr_iter(b'\n', bytes).count() as u64;
        self.bytes += bytes.len() as u64;
    }

    /// A row, which is a line.
    pub(crate) fn add_row(&mut self, row: &str) {
        self.hash.update(row);
        self.hash.update(b"\n");
        self.rows += 1;
        self.bytes += row.len() as u64 + 1;
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    pub(crate) fn extent(&self) -> Extent {
        Extent { rows: self.rows, bytes: self.bytes, sum: Sum::end(self.hash.clone()) }
    }
}

/// Bytes between two marks.
const MARK_DISTANCE: u64 = 1 << 20;

/// The extents of a file at which its rows are verified: one about every [`MARK_DISTANCE`] bytes, and the last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Marks {
    kept: Vec<Extent>,
    last: Extent,
}

impl Marks {
    pub(crate) fn note(&mut self, extent: Extent) {
        self.kept.retain(|kept| kept.bytes < extent.bytes);
        let before = self.kept.last().map_or(0, |kept| kept.bytes);
        if extent.bytes - before >= MARK_DISTANCE {
            self.kept.push(extent);
        }
        self.last = extent;
    }

    pub(crate) fn last(&self) -> Extent {
        self.last
    }

    /// All marks in order.
    pub(crate) fn all(&self) -> Vec<Extent> {
        let rest = Some(self.last).filter(|last| self.kept.last() != Some(last));
        self.kept.iter().copied().chain(rest).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Extent;
    use super::MARK_DISTANCE;
    use super::Marks;
    use super::Measure;
    use super::Sum;

    #[test]
    fn a_digest_covers_all_bytes_before() {
        let mut measure = Measure::default();
        assert_eq!(measure.extent(), Extent::default());
        for part in ["{\"a\":", "1}\n", "2\n"] {
            measure.add(part.as_bytes());
        }
        let whole = Extent { rows: 2, bytes: 10, sum: Sum::of(b"{\"a\":1}\n2\n") };
        assert_eq!(measure.extent(), whole);
        let json = serde_json::to_string(&whole).unwrap();
        assert_eq!(serde_json::from_str::<Extent>(&json).unwrap(), whole, "{json}");
        assert!(serde_json::from_str::<Extent>(r#"{"rows":1,"bytes":1,"sum":"12"}"#).is_err());
    }

    #[test]
    fn marks_are_few_and_end_with_the_last() {
        let extent = |bytes| Extent { rows: bytes, bytes, ..Extent::default() };
        let mut marks = Marks::default();
        assert_eq!(marks.all(), [Extent::default()]);
        (1..=3000).for_each(|n| marks.note(extent(n * 1000)));
        let bytes: Vec<u64> = marks.all().iter().map(|m| m.bytes).collect();
        assert_eq!(bytes, [1_049_000, 2_098_000, 3_000_000]);
        marks.note(extent(2_098_000));
        assert_eq!(marks.all().len(), 2);
        // Removing rows removes their marks.
        marks.note(extent(MARK_DISTANCE - 1));
        assert_eq!(marks.all(), [extent(MARK_DISTANCE - 1)]);
    }
}
