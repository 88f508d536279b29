//! Days, times and durations of Arrow arrays as JSON texts in ISO 8601.

use std::fmt::Write;

use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::{
    DurationMicrosecondType, DurationMillisecondType, DurationNanosecondType, DurationSecondType,
    Time32MillisecondType, Time32SecondType, Time64MicrosecondType, Time64NanosecondType, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
};
use arrow_schema::{DataType, TimeUnit};
use jiff::ToSpan;
use jiff::civil::{Date, date};

/// Why a value cannot be a part of a row.
pub(super) type NoJson = String;

/// The years of texts in RFC 3339.
const YEARS: std::ops::RangeInclusive<i16> = 0..=9999;

/// Parts of a second in a unit.
const fn parts(unit: TimeUnit) -> i64 {
    match unit {
        TimeUnit::Second => 1,
        TimeUnit::Millisecond => 1_000,
        TimeUnit::Microsecond => 1_000_000,
        TimeUnit::Nanosecond => 1_000_000_000,
    }
}

fn outside() -> NoJson {
    "is not between the years 0 and 9999".to_owned()
}

/// A day by its number since 1970.
fn day(number: i64) -> Result<Date, NoJson> {
    let span = 0.days().try_days(number).map_err(|_| outside())?;
    let day = date(1970, 1, 1).checked_add(span).map_err(|_| outside())?;
    if YEARS.contains(&day.year()) { Ok(day) } else { Err(outside()) }
}

/// A day by its number since 1970.
pub(super) fn put_day(out: &mut String, days: i64) -> Result<(), NoJson> {
    let _always_ok = write!(out, "\"{}\"", day(days)?);
    Ok(())
}

/// A time of an array.
pub(super) fn put_time_value(
    out: &mut String,
    array: &dyn Array,
    at: usize,
    unit: TimeUnit,
    has_zone: bool,
) -> Result<(), NoJson> {
    let number = match unit {
        TimeUnit::Second => array.as_primitive::<TimestampSecondType>().value(at),
        TimeUnit::Millisecond => array.as_primitive::<TimestampMillisecondType>().value(at),
        TimeUnit::Microsecond => array.as_primitive::<TimestampMicrosecondType>().value(at),
        TimeUnit::Nanosecond => array.as_primitive::<TimestampNanosecondType>().value(at),
    };
    put_time(out, number, unit, has_zone)
}

/// A time by its number since 1970: with a Z if the file has zones.
pub(super) fn put_time(out: &mut String, number: i64, unit: TimeUnit, has_zone: bool) -> Result<(), NoJson> {
    let (seconds, rest) = (number.div_euclid(parts(unit)), number.rem_euclid(parts(unit)));
    let (day, of_day) = (day(seconds.div_euclid(86_400))?, seconds.rem_euclid(86_400));
    let _always_ok = write!(out, "\"{day}T");
    put_clock(out, of_day);
    put_fraction(out, rest, unit);
    out.push_str(if has_zone { "Z\"" } else { "\"" });
    Ok(())
}

fn put_clock(out: &mut String, seconds: i64) {
    let _always_ok = write!(out, "{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
}

/// The parts of a second, without zeros at their end.
fn put_fraction(out: &mut String, rest: i64, unit: TimeUnit) {
    if rest > 0 {
        let width = parts(unit).ilog10() as usize;
        let digits = format!("{rest:0width$}");
        out.push('.');
        out.push_str(digits.trim_end_matches('0'));
    }
}

/// A time of a day.
pub(super) fn put_time_of_day(out: &mut String, array: &dyn Array, at: usize) -> Result<(), NoJson> {
    let (number, unit) = match array.data_type() {
        DataType::Time32(TimeUnit::Second) => {
            (i64::from(array.as_primitive::<Time32SecondType>().value(at)), TimeUnit::Second)
        }
        DataType::Time32(_) => {
            (i64::from(array.as_primitive::<Time32MillisecondType>().value(at)), TimeUnit::Millisecond)
        }
        DataType::Time64(TimeUnit::Microsecond) => {
            (array.as_primitive::<Time64MicrosecondType>().value(at), TimeUnit::Microsecond)
        }
        _ => (array.as_primitive::<Time64NanosecondType>().value(at), TimeUnit::Nanosecond),
    };
    let (seconds, rest) = (number.div_euclid(parts(unit)), number.rem_euclid(parts(unit)));
    // 24:00:00 is the end of a day.
    if !(0..=86_400).contains(&seconds) {
        return Err("is no time of a day".to_owned());
    }
    out.push('"');
    put_clock(out, seconds);
    put_fraction(out, rest, unit);
    out.push('"');
    Ok(())
}

/// A duration in seconds: `PT1.5S`.
pub(super) fn put_duration(out: &mut String, array: &dyn Array, at: usize, unit: TimeUnit) {
    let number = match unit {
        TimeUnit::Second => array.as_primitive::<DurationSecondType>().value(at),
        TimeUnit::Millisecond => array.as_primitive::<DurationMillisecondType>().value(at),
        TimeUnit::Microsecond => array.as_primitive::<DurationMicrosecondType>().value(at),
        TimeUnit::Nanosecond => array.as_primitive::<DurationNanosecondType>().value(at),
    };
    let (sign, number) = (if number < 0 { "-" } else { "" }, i128::from(number).abs());
    let all = i128::from(parts(unit));
    let _always_ok = write!(out, "\"{sign}PT{}", number / all);
    put_fraction(out, (number % all) as i64, unit);
    out.push_str("S\"");
}

#[cfg(test)]
mod tests {
    use arrow_schema::TimeUnit::{Microsecond, Millisecond, Nanosecond, Second};

    use super::{put_day, put_time};

    #[test]
    fn times_have_the_digits_that_they_need() {
        for (number, unit, has_zone, text) in [
            (0, Second, true, "1970-01-01T00:00:00Z"),
            (-1, Millisecond, true, "1969-12-31T23:59:59.999Z"),
            (1_500_000, Microsecond, false, "1970-01-01T00:00:01.5"),
            (1, Nanosecond, true, "1970-01-01T00:00:00.000000001Z"),
            (-62_135_596_800, Second, true, "0001-01-01T00:00:00Z"),
            (253_402_300_799, Second, true, "9999-12-31T23:59:59Z"),
        ] {
            let mut out = String::new();
            put_time(&mut out, number, unit, has_zone).unwrap();
            assert_eq!(out, format!("\"{text}\""));
        }
        assert!(put_time(&mut String::new(), 253_402_300_800, Second, true).is_err());
        assert!(put_time(&mut String::new(), i64::MIN, Second, true).is_err());
        for (days, text) in
            [(-719_528, Some("0000-01-01")), (-719_529, None), (i64::MAX, None), (20_484, Some("2026-01-31"))]
        {
            let mut out = String::new();
            let is_ok = put_day(&mut out, days).is_ok();
            assert_eq!(is_ok.then_some(out), text.map(|text| format!("\"{text}\"")));
        }
    }
}
