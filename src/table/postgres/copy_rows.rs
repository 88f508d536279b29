//! Rows on their way into PostgreSQL: pieces of the text format of COPY, each sent as one COPY, so that a fault is reported
//! early and a load that is given up leaves no COPY open.

use std::io::Write;

use super::super::cell::{Cell, Cells};
use super::super::database::{BulkRows, sql_name};
use super::catalog::CatalogColumn;
use super::client::Postgres;
use super::failure::Broken;
use crate::error::{Error, ErrorKind, Place, Result};

/// Bytes of one COPY.
const PIECE: usize = 1 << 20;
/// Bytes that are given to the connection at a time.
const PART: usize = 64 << 10;

/// What a column of another's making would change in a value without a word.
#[derive(Clone, Copy, Debug, PartialEq)]
enum SilentChange {
    Nothing,
    /// Digits after this one are rounded away.
    Scale(i64),
    /// Numbers of 32 bits.
    Single,
    /// Digits of a second after this one are rounded away.
    Second(usize),
    /// The zone of a time is ignored, and digits of a second after this one are rounded away.
    Local(usize),
    /// Spaces after this many characters are removed.
    Length(usize),
}

/// Rows for one table.
pub(super) struct CopyRows<'d> {
    postgres: &'d mut Postgres,
    sql: String,
    /// The name of the table as contexts of errors have it.
    table: String,
    columns: Vec<(String, SilentChange)>,
    text: Vec<u8>,
    /// Rows that the table took.
    taken: u64,
    /// Rows that are sent, and those that are collected.
    sent: u64,
    collected: u64,
}

impl<'d> CopyRows<'d> {
    /// For rows of these columns; without columns, each row has the values that the table gives it.
    pub(super) fn new(postgres: &'d mut Postgres, table: &str, into: &str, columns: &[CatalogColumn]) -> CopyRows<'d> {
        let names: Vec<String> = columns.iter().map(|c| sql_name(&c.name)).collect();
        CopyRows {
            postgres,
            sql: match names.is_empty() {
                true => format!("INSERT INTO {into} SELECT FROM pg_catalog.generate_series(1, "),
                false => format!("COPY {into} ({}) FROM STDIN", names.join(", ")),
            },
            table: table.to_owned(),
            columns: columns.iter().map(|column| (column.name.clone(), silent_change(column))).collect(),
            text: Vec::new(),
            sent: 0,
            taken: 0,
            collected: 0,
        }
    }

    fn send(&mut self) -> Result<()> {
        let (rows, before) = (std::mem::take(&mut self.collected), self.sent);
        self.sent += rows;
        if self.columns.is_empty() && rows > 0 {
            let sql = format!("{}{rows})", self.sql);
            self.taken += self.postgres.statement(&sql)?;
            return Ok(());
        }
        let (text, sql, table) = (std::mem::take(&mut self.text), &self.sql, &self.table);
        if rows > 0 {
            self.taken += self.postgres.with_client(Some((table, before)), |client| {
                let mut writer = client.copy_in(sql.as_str())?;
                for part in text.chunks(PART) {
                    writer.write_all(part).map_err(Broken::Io)?;
                }
                Ok(writer.finish()?)
            })?;
        }
        self.text = text;
        self.text.clear();
        Ok(())
    }

    /// The fault of a value that would be changed without a word.
    fn changed(&self, at: usize, why: &str) -> Error {
        let name = self.columns.get(at).map_or("", |(name, _)| name.as_str());
        Error::new(ErrorKind::InvalidItems, format!("{name}: {why}"))
            .advise("correct the value, change it with `map`, or change the type of the column")
            .at(Place { line: Some(self.sent + self.collected + 1), ..Place::default() })
    }
}

impl BulkRows for CopyRows<'_> {
    fn put(&mut self, row: &str, cells: &Cells, numbers: &[i64]) -> Result<()> {
        for at in 0..cells.len() {
            let cell = cells.get(row, at);
            if let Some(why) = self.columns.get(at).and_then(|(_, change)| silently_changes(*change, cell)) {
                return Err(self.changed(at, why));
            }
            if at > 0 {
                self.text.push(b'\t');
            }
            put_cell(&mut self.text, cell);
        }
        for (at, number) in numbers.iter().enumerate() {
            if at + cells.len() > 0 {
                self.text.push(b'\t');
            }
            let _memory_takes_all = write!(self.text, "{number}");
        }
        self.text.push(b'\n');
        self.collected += 1;
        if self.text.len() >= PIECE { self.send() } else { Ok(()) }
    }

    fn finish(mut self: Box<Self>) -> Result<Option<u64>> {
        self.send()?;
        Ok(Some(self.taken))
    }
}

fn put_cell(out: &mut Vec<u8>, cell: Cell<'_>) {
    let _memory_takes_all = match cell {
        Cell::Null => out.write_all(b"\\N"),
        Cell::Boolean(flag) => out.write_all(if flag { b"t" } else { b"f" }),
        Cell::Integer(number) => write!(out, "{number}"),
        Cell::Double(number) => write!(out, "{number:e}"),
        Cell::Decimal(text) | Cell::Date(_, text) => out.write_all(text.as_bytes()),
        // The server knows fewer zones than RFC 3339.
        Cell::Timestamp(time, _) => write!(out, "{time}Z"),
        Cell::Text(text) | Cell::Json(text) => {
            put_escaped(out, text.as_bytes());
            Ok(())
        }
    };
}

/// A text of the format of COPY.
fn put_escaped(out: &mut Vec<u8>, mut text: &[u8]) {
    let is_special = |byte: &u8| matches!(byte, b'\\' | b'\t' | b'\n' | b'\r');
    while let Some(at) = text.iter().position(is_special) {
        let (plain, rest) = text.split_at(at);
        out.extend_from_slice(plain);
        out.push(b'\\');
        out.push(match rest.first() {
            Some(b'\t') => b't',
            Some(b'\n') => b'n',
            Some(b'\r') => b'r',
            _ => b'\\',
        });
        text = rest.get(1..).unwrap_or_default();
    }
    out.extend_from_slice(text);
}

fn silent_change(column: &CatalogColumn) -> SilentChange {
    const SECOND_DIGITS: usize = 6;
    let limits = column.declared.split_once('(').and_then(|(_, rest)| rest.split_once(')')).map(|(inner, _)| inner);
    let last = limits.and_then(|inner| inner.rsplit(',').next()).and_then(|digits| digits.trim().parse::<i64>().ok());
    let size = last.and_then(|digits| usize::try_from(digits).ok());
    match (column.base.as_str(), last, size) {
        ("numeric", Some(digits), _) => SilentChange::Scale(digits),
        ("real", ..) => SilentChange::Single,
        ("timestamp with time zone", _, Some(digits)) => SilentChange::Second(digits),
        ("timestamp without time zone" | "time without time zone", _, digits) => {
            SilentChange::Local(digits.unwrap_or(SECOND_DIGITS))
        }
        ("character varying" | "character", _, Some(length)) => SilentChange::Length(length),
        _ => SilentChange::Nothing,
    }
}

/// Why a column would change a value without a word, if it does.
fn silently_changes(change: SilentChange, cell: Cell<'_>) -> Option<&'static str> {
    let changes = match (change, cell) {
        (SilentChange::Scale(most), Cell::Decimal(digits)) => scale(digits) > most,
        (SilentChange::Single, Cell::Double(number)) => {
            let single = number as f32;
            !single.is_finite() || single.to_string().parse() != Ok(number)
        }
        (SilentChange::Second(most), Cell::Timestamp(time, _)) => {
            let unit = 10_i32.pow(9 - u32::try_from(most.min(9)).unwrap_or(9));
            time.subsec_nanosecond() % unit != 0
        }
        (SilentChange::Local(_), Cell::Text(text)) if has_zone(text) => {
            return Some("the value has a zone, and the column has none and would ignore it");
        }
        (SilentChange::Local(_), Cell::Text(text)) if !text.contains(['-', ':', '/']) => {
            return Some("the value is no time");
        }
        (SilentChange::Local(most), Cell::Text(text)) => second_digits(text) > most,
        (SilentChange::Length(most), Cell::Text(text)) if text.len() > most && text.chars().count() > most => {
            return Some("the value is longer than the column");
        }
        _ => false,
    };
    changes.then_some("the value has more digits than the column holds")
}

/// How many digits a number has after its point; fewer than none for thousands and the like.
fn scale(digits: &str) -> i64 {
    let (mantissa, exponent) = digits.split_once(['e', 'E']).unwrap_or((digits, "0"));
    let fraction = mantissa.split_once('.').map_or("", |(_, fraction)| fraction).trim_end_matches('0');
    let is_zero = mantissa.bytes().all(|byte| matches!(byte, b'-' | b'0' | b'.'));
    let exponent = exponent.parse::<i64>().unwrap_or(i64::MAX);
    if is_zero { 0 } else { (fraction.len() as i64).saturating_sub(exponent) }
}

/// How many digits a text has at its end after a point.
fn second_digits(text: &str) -> usize {
    let fraction = text.trim_end().rsplit_once('.').map_or("", |(_, fraction)| fraction);
    if fraction.bytes().all(|byte| byte.is_ascii_digit()) { fraction.trim_end_matches('0').len() } else { 0 }
}

/// Whether a text ends with the zone of a time.
fn has_zone(text: &str) -> bool {
    let text = text.trim_end();
    let Some((_, after)) = text.split_once(':') else { return false };
    after.ends_with(['Z', 'z']) || after.contains(['+', '-']) || after.bytes().any(|byte| byte.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::{has_zone, put_escaped, scale, second_digits};

    #[test]
    fn texts_are_escaped() {
        let mut out = Vec::new();
        put_escaped(&mut out, "a\tb\\N\r\n\u{1f600}\\.".as_bytes());
        assert_eq!(String::from_utf8(out).unwrap(), "a\\tb\\\\N\\r\\n\u{1f600}\\\\.");
    }

    #[test]
    fn digits_after_the_point_are_counted() {
        let cases = [("1.10", 1), ("1.005", 3), ("1e-3", 3), ("1.5e1", 0), ("100", 0), ("0.000", 0), ("1e3", -3)];
        for (digits, wanted) in cases {
            assert_eq!(scale(digits), wanted, "{digits}");
        }
        for text in ["2026-01-31T08:00:00Z", "2026-01-31 08:00+02", "08:00 PST"] {
            assert!(has_zone(text), "{text}");
        }
        for text in ["2026-01-31T08:00:00.5", "2026-01-31", "08:00"] {
            assert!(!has_zone(text), "{text}");
        }
        for (text, wanted) in [("08:00:00.1234567", 7), ("08:00:00.5000000 ", 1), ("08:00:00", 0), ("a.b", 0)] {
            assert_eq!(second_digits(text), wanted, "{text}");
        }
    }
}
