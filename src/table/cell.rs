//! A value on its way into a column: whether it fits, and the form that a writer needs. Digits are never lost: a value
//! that does not fit is a fault.

use jiff::civil::{Date, DateTime};

use super::exact_decimal::scaled;
use super::value_kind::ValueKind;
use crate::output::{ColumnKind, kind};

/// A value that fits its column.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Cell<'r> {
    Null,
    Boolean(bool),
    Integer(i64),
    /// A JSON number with all its digits.
    Decimal(&'r str),
    Double(f64),
    Text(&'r str),
    /// A JSON value.
    Json(&'r str),
    /// A day, and its text.
    Date(Date, &'r str),
    /// A time in UTC, and its text.
    Timestamp(DateTime, &'r str),
}

/// What a target can hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CellRules {
    /// Texts with the character NUL.
    pub(crate) nul: bool,
    /// Digits after the second of a time.
    pub(crate) second_digits: usize,
    /// The longest text, in UTF-16 units.
    pub(crate) text_max: Option<usize>,
    /// The first year of dates and times.
    pub(crate) first_year: i16,
    /// Numbers of decimal columns.
    pub(crate) decimals: Decimals,
}

/// Which numbers a decimal column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decimals {
    All,
    /// Those of `exact_decimal`.
    Scaled,
}

/// Why a value does not fit its column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum UnfitCell {
    /// It needs a column of this kind.
    Kind(ValueKind),
    /// No column of the target holds it.
    Value(&'static str),
}

/// A span of the row, or of the unescaped texts of the row.
type Span = (usize, usize);

/// A cell by the place of its text.
#[derive(Clone, Copy, Debug)]
enum KeptCell {
    Null,
    Boolean(bool),
    Integer(i64),
    Decimal(Span),
    Double(f64),
    Plain(Span),
    Unescaped(Span),
    Json(Span),
    Date(Date, Span),
    Timestamp(DateTime, Span),
}

/// The cells of a row. The memory is used again for the next row.
#[derive(Debug, Default)]
pub(crate) struct Cells {
    kept: Vec<KeptCell>,
    unescaped: String,
}

impl Cells {
    pub(crate) fn clear(&mut self) {
        self.kept.clear();
        self.unescaped.clear();
    }

    /// Adds the value at a span of the row as a cell of a kind; no span is null.
    pub(crate) fn push(
        &mut self,
        row: &str,
        span: Option<Span>,
        kind: ValueKind,
        rules: &CellRules,
    ) -> Result<(), UnfitCell> {
        let kept = match span {
            None => KeptCell::Null,
            Some(span) => self.keep(row, span, kind, rules)?,
        };
        self.kept.push(kept);
        Ok(())
    }

    fn keep(&mut self, row: &str, span: Span, wanted: ValueKind, rules: &CellRules) -> Result<KeptCell, UnfitCell> {
        let raw = row.get(span.0..span.1).unwrap_or_default();
        let of_value = || UnfitCell::Kind(ValueKind::of_value(raw).unwrap_or(ValueKind::Text));
        let found = kind(raw);
        Ok(match (wanted, found) {
            (_, ColumnKind::Null) => KeptCell::Null,
            (ValueKind::Json, _) => {
                check_length(raw, rules)?;
                KeptCell::Json(span)
            }
            (ValueKind::Boolean, ColumnKind::Flag) => KeptCell::Boolean(raw == "true"),
            (ValueKind::Integer, ColumnKind::Number) => KeptCell::Integer(raw.parse().map_err(|_| of_value())?),
            (ValueKind::Decimal, ColumnKind::Number) if rules.decimals == Decimals::Scaled && scaled(raw).is_none() => {
                return Err(UnfitCell::Kind(ValueKind::Text));
            }
            (ValueKind::Decimal, ColumnKind::Number) => KeptCell::Decimal(span),
            (ValueKind::Double, ColumnKind::Number) => KeptCell::Double(exact(raw).ok_or_else(of_value)?),
            (ValueKind::Text, ColumnKind::Text) => {
                let text = self.text(raw, span)?;
                self.check_text(row, text, rules)?;
                text
            }
            (ValueKind::Text, ColumnKind::Number | ColumnKind::Flag) => KeptCell::Plain(span),
            (ValueKind::Date, ColumnKind::Text) => {
                let inner = (span.0 + 1, span.1 - 1);
                let day = row.get(inner.0..inner.1).and_then(|text| day(text, rules)).ok_or_else(of_value)?;
                KeptCell::Date(day, inner)
            }
            (ValueKind::Timestamp, ColumnKind::Text) => {
                let inner = (span.0 + 1, span.1 - 1);
                let time = row.get(inner.0..inner.1).and_then(|text| time(text, rules)).ok_or_else(of_value)?;
                KeptCell::Timestamp(time, inner)
            }
            _ => return Err(of_value()),
        })
    }

    /// The text of a JSON string.
    fn text(&mut self, raw: &str, span: Span) -> Result<KeptCell, UnfitCell> {
        if memchr::memchr(b'\\', raw.as_bytes()).is_none() {
            return Ok(KeptCell::Plain((span.0 + 1, span.1 - 1)));
        }
        let half =
            |_| UnfitCell::Value("a text with half of a surrogate pair, such as \\ud800, which is not valid text");
        let text: String = serde_json::from_str(raw).map_err(half)?;
        let start = self.unescaped.len();
        self.unescaped.push_str(&text);
        Ok(KeptCell::Unescaped((start, self.unescaped.len())))
    }

    fn check_text(&self, row: &str, kept: KeptCell, rules: &CellRules) -> Result<(), UnfitCell> {
        let text = match kept {
            // A NUL is always escaped.
            KeptCell::Plain((from, to)) => return check_length(row.get(from..to).unwrap_or_default(), rules),
            KeptCell::Unescaped((from, to)) => self.unescaped.get(from..to).unwrap_or_default(),
            _ => return Ok(()),
        };
        if !rules.nul && text.contains('\0') {
            return Err(UnfitCell::Value("a text with the character NUL (\\u0000)"));
        }
        check_length(text, rules)
    }

    pub(crate) fn len(&self) -> usize {
        self.kept.len()
    }

    pub(crate) fn is_null(&self, index: usize) -> bool {
        matches!(self.kept.get(index), None | Some(KeptCell::Null))
    }

    /// A cell of the row from which they were made.
    pub(crate) fn get<'r>(&'r self, row: &'r str, index: usize) -> Cell<'r> {
        let of_row = |(from, to): Span| row.get(from..to).unwrap_or_default();
        match self.kept.get(index).copied().unwrap_or(KeptCell::Null) {
            KeptCell::Null => Cell::Null,
            KeptCell::Boolean(flag) => Cell::Boolean(flag),
            KeptCell::Integer(number) => Cell::Integer(number),
            KeptCell::Decimal(span) => Cell::Decimal(of_row(span)),
            KeptCell::Double(number) => Cell::Double(number),
            KeptCell::Plain(span) => Cell::Text(of_row(span)),
            KeptCell::Unescaped((from, to)) => Cell::Text(self.unescaped.get(from..to).unwrap_or_default()),
            KeptCell::Json(span) => Cell::Json(of_row(span)),
            KeptCell::Date(date, span) => Cell::Date(date, of_row(span)),
            KeptCell::Timestamp(time, span) => Cell::Timestamp(time, of_row(span)),
        }
    }
}

fn check_length(text: &str, rules: &CellRules) -> Result<(), UnfitCell> {
    let is_long = |most: usize| text.len() > most && text.encode_utf16().count() > most;
    match rules.text_max.is_some_and(is_long) {
        true => Err(UnfitCell::Value("a text that is longer than a cell can be")),
        false => Ok(()),
    }
}

/// A number of 64 bits that is equal to the written one.
pub(crate) fn exact(raw: &str) -> Option<f64> {
    let number: f64 = raw.parse().ok().filter(|number: &f64| number.is_finite())?;
    // 15 digits are always kept.
    if raw.len() <= 15 && !raw.contains(['e', 'E']) {
        return Some(number);
    }
    // The shortest text that is read as this number has 17 digits at most; equal digits are an equal number.
    (significant(&format!("{number:e}")) == significant(raw)).then_some(number)
}

/// The digits of a number without zeros at its ends, and the exponent of the first.
fn significant(text: &str) -> (bool, String, i64) {
    let (negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let zeros = digits.len() - digits.trim_start_matches('0').len();
    let kept = digits.trim_matches('0').to_owned();
    if kept.is_empty() {
        return (false, kept, 0);
    }
    let exponent = exponent.parse::<i64>().unwrap_or(i64::MAX / 2);
    (negative, kept, exponent.saturating_add(whole.len() as i64 - zeros as i64))
}

/// A day as it is written in JSON.
fn day(text: &str, rules: &CellRules) -> Option<Date> {
    let fits = text.len() == 10 && text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    text.parse::<Date>().ok().filter(|day| fits && day.year() >= rules.first_year)
}

/// A time with its zone, as in RFC 3339.
fn time(text: &str, rules: &CellRules) -> Option<DateTime> {
    let bytes = text.as_bytes();
    let at = |index: usize| bytes.get(index).copied();
    // Other forms of ISO 8601, and names of zones, are texts.
    let is_date_time = text.len() >= 20 && at(4) == Some(b'-') && at(10) == Some(b'T') && at(13) == Some(b':');
    let rest = text.get(19..)?;
    let (digits, zone) = match rest.strip_prefix('.') {
        Some(rest) => {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            (digits, rest.get(digits..)?)
        }
        None => (0, rest),
    };
    let is_zone = zone == "Z" || (zone.len() == 6 && zone.starts_with(['+', '-']));
    // A leap second would become another.
    let is_leap = text.get(17..19) == Some("60");
    let fits = is_date_time && digits <= rules.second_digits && is_zone && !is_leap;
    let local = text.get(..text.len() - zone.len())?.parse::<DateTime>().ok().filter(|_| fits)?;
    let time = local.checked_sub(offset(zone)?).ok()?;
    (time.year() >= rules.first_year).then_some(time)
}

/// The distance from UTC.
fn offset(zone: &str) -> Option<jiff::SignedDuration> {
    let Some((hours, minutes)) = zone.get(1..)?.split_once(':') else {
        return (zone == "Z").then_some(jiff::SignedDuration::ZERO);
    };
    let number = |text: &str, most: i64| text.parse::<u8>().ok().map(i64::from).filter(|number| *number <= most);
    let seconds = (number(hours, 23)? * 60 + number(minutes, 59)?) * 60;
    Some(jiff::SignedDuration::from_secs(if zone.starts_with('-') { -seconds } else { seconds }))
}

#[cfg(test)]
mod tests {
    use super::{Cell, CellRules, Cells, Decimals, UnfitCell, exact};
    use crate::table::value_kind::ValueKind::{self, Boolean, Date, Decimal, Double, Integer, Json, Text, Timestamp};

    const RULES: CellRules =
        CellRules { nul: false, second_digits: 6, text_max: Some(10), first_year: 1, decimals: Decimals::All };

    fn fits(raw: &str, kind: ValueKind) -> Result<String, UnfitCell> {
        let mut cells = Cells::default();
        cells.push(raw, Some((0, raw.len())), kind, &RULES)?;
        Ok(match cells.get(raw, 0) {
            Cell::Date(_, text) | Cell::Timestamp(_, text) | Cell::Text(text) => text.to_owned(),
            Cell::Decimal(text) | Cell::Json(text) => text.to_owned(),
            Cell::Null => "null".to_owned(),
            Cell::Boolean(flag) => flag.to_string(),
            Cell::Integer(number) => number.to_string(),
            Cell::Double(number) => number.to_string(),
        })
    }

    #[test]
    fn values_fit_or_say_what_they_need() {
        let good = [
            ("null", Integer, "null"),
            ("true", Boolean, "true"),
            ("-9223372036854775808", Integer, "-9223372036854775808"),
            ("1.10", Decimal, "1.10"),
            ("1.10", Double, "1.1"),
            ("1.10", Text, "1.10"),
            (r#""a\tb""#, Text, "a\tb"),
            (r#""1969-12-31""#, Date, "1969-12-31"),
            (r#""1969-12-31T23:59:59.123456-08:00""#, Timestamp, "1969-12-31T23:59:59.123456-08:00"),
            (r#""9999-12-31T23:59:59Z""#, Timestamp, "9999-12-31T23:59:59Z"),
            ("[1]", Json, "[1]"),
            ("1", Json, "1"),
        ];
        for (raw, kind, text) in good {
            assert_eq!(fits(raw, kind).as_deref(), Ok(text), "{raw}");
        }
        let bad = [
            ("1", Boolean, UnfitCell::Kind(Integer)),
            ("9223372036854775808", Integer, UnfitCell::Kind(Decimal)),
            ("5.0", Integer, UnfitCell::Kind(Decimal)),
            ("123456789012345678901234567890", Double, UnfitCell::Kind(Decimal)),
            (r#""1""#, Integer, UnfitCell::Kind(Text)),
            (r#""2026-01-31T08:00:00""#, Timestamp, UnfitCell::Kind(Text)),
            (r#""2026-01-31T08:00:00.1234567Z""#, Timestamp, UnfitCell::Kind(Text)),
            (r#""2026-12-31T23:59:60Z""#, Timestamp, UnfitCell::Kind(Text)),
            (r#""2026-01-31T08:00:00+0x:00""#, Timestamp, UnfitCell::Kind(Text)),
            (r#""9999-12-31T23:59:59-01:00""#, Timestamp, UnfitCell::Kind(Text)),
            (r#""20260131""#, Date, UnfitCell::Kind(Text)),
            (r#""2026-02-30""#, Date, UnfitCell::Kind(Text)),
            ("{}", Text, UnfitCell::Kind(Json)),
        ];
        for (raw, kind, unfit) in bad {
            assert_eq!(fits(raw, kind), Err(unfit), "{raw}");
        }
        for raw in [r#""a\u0000b""#, r#""\ud800""#, r#""12345678901""#] {
            assert!(matches!(fits(raw, Text), Err(UnfitCell::Value(_))), "{raw}");
        }
        assert_eq!(fits(r#""€€€€€€€€€€""#, Text).as_deref(), Ok("€€€€€€€€€€"));
    }

    #[test]
    fn a_double_is_equal_to_the_text() {
        for raw in ["0", "-0", "0.0", "1.10", "1e3", "1000", "0.1", "1E-7", "123456.789", "1.7976931348623157e308"] {
            assert!(exact(raw).is_some(), "{raw}");
        }
        for raw in
            ["9007199254740993", "0.1000000000000000055511151231257827", "1e309", "123456789012345678901234567890"]
        {
            assert!(exact(raw).is_none(), "{raw}");
        }
    }
}
