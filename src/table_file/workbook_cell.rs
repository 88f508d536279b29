//! Values as a sheet holds them: numbers of 15 digits, and days and times from March 1900 on. Other values are texts. Pure.

use std::borrow::Cow;

use jiff::civil::{Date, DateTime, date};

use crate::table::Cell;

/// The digits of a number that a spreadsheet program keeps.
const DIGITS: usize = 15;
/// Milliseconds of a day.
const DAY: f64 = 86_400_000.0;

/// A value of a sheet.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum SheetValue<'r> {
    Empty,
    Flag(bool),
    Number(f64),
    Text(&'r str),
    /// A number that is a text, because it has too many digits.
    LongNumber(Cow<'r, str>),
    /// A day, as the number of days since the start of 1900.
    Day(f64),
    /// A time in UTC, in the same form, and whether it has milliseconds.
    Time(f64, bool),
    /// A day or a time that is a text.
    OtherTime(&'r str),
}

impl<'r> SheetValue<'r> {
    pub(super) fn of(cell: Cell<'r>) -> SheetValue<'r> {
        match cell {
            Cell::Null => SheetValue::Empty,
            Cell::Boolean(flag) => SheetValue::Flag(flag),
            Cell::Integer(number) => {
                let text = number.to_string();
                match short_number(&text) {
                    Some(number) => SheetValue::Number(number),
                    None => SheetValue::LongNumber(Cow::Owned(text)),
                }
            }
            Cell::Decimal(raw) => match short_number(raw) {
                Some(number) => SheetValue::Number(number),
                None => SheetValue::LongNumber(Cow::Borrowed(raw)),
            },
            Cell::Double(number) => SheetValue::Number(number),
            Cell::Text(text) | Cell::Json(text) => SheetValue::Text(text),
            Cell::Date(day, text) => days(day).map_or(SheetValue::OtherTime(text), SheetValue::Day),
            Cell::Timestamp(time, text) => {
                serial(time).map_or(SheetValue::OtherTime(text), |(number, has_ms)| SheetValue::Time(number, has_ms))
            }
        }
    }
}

/// A number with 15 digits at most.
fn short_number(raw: &str) -> Option<f64> {
    let mantissa = raw.split(['e', 'E']).next().unwrap_or_default();
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let number: f64 = raw.parse().ok()?;
    let is_zero = digits.bytes().all(|digit| digit == b'0');
    let fits = digits.trim_matches('0').len() <= DIGITS && (is_zero || (1e-300..1e300).contains(&number.abs()));
    fits.then_some(number)
}

/// The number of a day. Before March 1900, spreadsheets count days that there were not.
fn days(day: Date) -> Option<f64> {
    (day >= date(1900, 3, 1)).then_some(())?;
    Some(f64::from(date(1899, 12, 30).until(day).ok()?.get_days()))
}

/// The number of a time, and whether it has milliseconds; nothing for smaller parts of a second.
fn serial(time: DateTime) -> Option<(f64, bool)> {
    if time.subsec_nanosecond() % 1_000_000 != 0 {
        return None;
    }
    let of_day = (i64::from(time.hour()) * 60 + i64::from(time.minute())) * 60 + i64::from(time.second());
    let of_day = of_day * 1000 + i64::from(time.subsec_nanosecond() / 1_000_000);
    let day = days(time.date())?;
    Some((day + of_day as f64 / DAY, of_day % 1000 != 0))
}

#[cfg(test)]
mod tests {
    use super::SheetValue::{self, Day, LongNumber, Number, OtherTime, Time};
    use crate::table::Cell;

    fn utc(text: &str) -> jiff::civil::DateTime {
        jiff::tz::TimeZone::UTC.to_datetime(text.parse().unwrap())
    }

    #[test]
    fn what_a_sheet_does_not_hold_is_text() {
        for (raw, value) in [
            ("0", Number(0.0)),
            ("-1.10", Number(-1.1)),
            ("123456789012345", Number(123_456_789_012_345.0)),
            ("1234567890123450000", Number(1.234_567_890_123_45e18)),
            ("1e-12", Number(1e-12)),
            ("0.000", Number(0.0)),
            ("1234567890123456", LongNumber("1234567890123456".into())),
            ("1e400", LongNumber("1e400".into())),
            ("1e-400", LongNumber("1e-400".into())),
        ] {
            assert_eq!(SheetValue::of(Cell::Decimal(raw)), value, "{raw}");
        }
        assert_eq!(SheetValue::of(Cell::Integer(i64::MIN)), LongNumber("-9223372036854775808".into()));
        for (text, value) in
            [("1900-02-28", OtherTime("1900-02-28")), ("1900-03-01", Day(61.0)), ("2026-01-31", Day(46053.0))]
        {
            assert_eq!(SheetValue::of(Cell::Date(text.parse().unwrap(), text)), value, "{text}");
        }
        for (text, value) in [
            ("2026-01-31T13:00:00+01:00", Time(46053.5, false)),
            ("2026-01-31T12:00:00.001Z", Time(46053.0 + 43_200_001.0 / 86_400_000.0, true)),
            ("1969-12-31T18:00:00Z", Time(25568.75, false)),
            ("2026-01-31T12:00:00.0001Z", OtherTime("2026-01-31T12:00:00.0001Z")),
            ("1899-12-31T12:00:00Z", OtherTime("1899-12-31T12:00:00Z")),
        ] {
            assert_eq!(SheetValue::of(Cell::Timestamp(utc(text), text)), value, "{text}");
        }
    }
}
