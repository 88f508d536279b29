//! Times, dates and durations. Zones come from the data in the binary, so that they are the same everywhere.

use jiff::civil::{Date, DateTime, Time};
use jiff::fmt::temporal::Pieces;
use jiff::fmt::{rfc2822, strtime};
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Span, SpanRelativeTo, SpanRound, Timestamp, Unit, Zoned};

use super::number;
use super::value::ExprValue;
use super::work::{short, wrong};
use crate::error::{Error, Result};

/// A zone by its name, such as `Europe/Zurich`, or `UTC`.
pub(super) fn zone(name: &str) -> Result<TimeZone> {
    TimeZone::get(name).map_err(|_| {
        wrong(format!("there is no time zone `{}`", short(name)))
            .advise("zones have names such as Europe/Zurich, America/New_York or UTC")
    })
}

fn of_offset(offset: Offset) -> TimeZone {
    if offset == Offset::UTC { TimeZone::UTC } else { TimeZone::fixed(offset) }
}

fn at(date: DateTime, zone: TimeZone) -> Result<Zoned> {
    date.to_zoned(zone).map_err(|e| wrong(format!("{date} is no time: {e}")))
}

fn no_time(text: &str, what: &str, why: &str) -> Error {
    wrong(format!("text \"{}\" is no {what}{why}", short(text))).advise(
        "texts in ISO 8601, RFC 3339 or RFC 2822 are read as they are; for others give a format: | time('%d.%m.%Y %H:%M')",
    )
}

/// A time in ISO 8601, RFC 3339 or RFC 2822. One without an offset is in the given zone.
pub(super) fn parse(text: &str, default: TimeZone) -> Result<Zoned> {
    let trimmed = text.trim();
    let Ok(pieces) = Pieces::parse(trimmed) else {
        return rfc2822::parse(trimmed).map_err(|_| no_time(text, "time", ""));
    };
    let date = pieces.date().to_datetime(pieces.time().unwrap_or(Time::midnight()));
    match (pieces.to_numeric_offset(), pieces.to_time_zone()) {
        (_, Ok(Some(zone))) => at(date, zone),
        (Some(offset), _) => at(date, of_offset(offset)),
        (None, _) => at(date, default),
    }
}

/// A time in a format of strftime.
pub(super) fn parse_as(format: &str, text: &str, default: TimeZone) -> Result<Zoned> {
    let wrong_text = |e: jiff::Error| no_time(text, "time", &format!(" of the format `{}`: {e}", short(format)));
    let parts = strtime::parse(format, text.trim()).map_err(wrong_text)?;
    if let Some(instant) = parts.to_timestamp().ok().filter(|_| parts.offset().is_some()) {
        return Ok(instant.to_zoned(parts.offset().map_or(TimeZone::UTC, of_offset)));
    }
    let date = parts.to_date().map_err(wrong_text)?;
    at(date.to_datetime(parts.to_time().unwrap_or(Time::midnight())), default)
}

/// A date in ISO 8601, or the date of a time.
pub(super) fn parse_date(text: &str) -> Result<Date> {
    match Pieces::parse(text.trim()) {
        Ok(pieces) => Ok(pieces.date()),
        Err(_) => parse(text, TimeZone::UTC).map(|time| time.date()).map_err(|_| no_time(text, "date", "")),
    }
}

pub(super) fn parse_duration(text: &str) -> Result<Span> {
    text.trim().parse().map_err(|_| {
        wrong(format!("text \"{}\" is no duration", short(text)))
            .advise("durations are written 1h30m, 45s, 2 days or, in ISO 8601, PT1H30M")
    })
}

/// ISO 8601 with `Z` or the offset.
pub(super) fn written(time: &Zoned) -> String {
    if time.offset() == Offset::UTC {
        return time.timestamp().to_string();
    }
    strtime::format("%Y-%m-%dT%H:%M:%S%.f%:z", time).unwrap_or_else(|_| time.timestamp().to_string())
}

pub(super) fn formatted(format: &str, value: &ExprValue) -> Result<String> {
    let text = match value {
        ExprValue::Date(date) => strtime::format(format, *date),
        ExprValue::Time(time) => strtime::format(format, &**time),
        _ => Ok(String::new()),
    };
    text.map_err(|e| {
        wrong(format!("`{}` is no format of a time: {e}", short(format)))
            .advise("write it as in strftime: %Y-%m-%d %H:%M:%S")
    })
}

/// A part of a time or date; `None` if there is none of this name.
pub(super) fn part(value: &ExprValue, name: &str) -> Option<ExprValue> {
    let date = match value {
        ExprValue::Time(time) => time.date(),
        ExprValue::Date(date) => *date,
        _ => return None,
    };
    let number = match (name, value) {
        ("year", _) => i64::from(date.year()),
        ("month", _) => i64::from(date.month()),
        ("day", _) => i64::from(date.day()),
        ("weekday", _) => i64::from(date.weekday().to_monday_one_offset()),
        ("hour", ExprValue::Time(time)) => i64::from(time.hour()),
        ("minute", ExprValue::Time(time)) => i64::from(time.minute()),
        ("second", ExprValue::Time(time)) => i64::from(time.second()),
        _ => return None,
    };
    Some(ExprValue::number(&number.to_string()))
}

/// The names of the parts, for a message.
pub(super) const PARTS: &str = "year, month, day, weekday, and of a time hour, minute and second";

pub(super) fn start_of(time: &Zoned, unit: &str) -> Result<Zoned> {
    let date = time.date();
    let first = match unit {
        "hour" => {
            let hour = date.to_datetime(Time::constant(0, 0, 0, 0)).with().hour(time.hour()).build();
            return hour.map_err(out_of_range).and_then(|hour| at(hour, time.time_zone().clone()));
        }
        "day" => date,
        "week" => date
            .checked_sub(Span::new().days(i64::from(date.weekday().to_monday_zero_offset())))
            .map_err(out_of_range)?,
        "month" => date.first_of_month(),
        "year" => date.first_of_year(),
        other => {
            return Err(wrong(format!("there is no start of a `{}`", short(other)))
                .advise("write one of hour, day, week, month, year"));
        }
    };
    at(first.to_datetime(Time::midnight()), time.time_zone().clone())
}

fn out_of_range(_: jiff::Error) -> Error {
    wrong("the time or duration is out of range: years are from -9999 to 9999")
}

/// Seconds since 1970-01-01, exactly.
pub(super) fn unix(time: &Zoned) -> Result<String> {
    nanoseconds(time.timestamp().as_nanosecond())
}

fn nanoseconds(all: i128) -> Result<String> {
    number::calculate(number::Arithmetic::Divide, &all.to_string(), "1000000000")
}

pub(super) fn from_unix(seconds: &str) -> Result<Zoned> {
    let all = number::whole(&number::calculate(number::Arithmetic::Multiply, seconds, "1000000000")?)?;
    let all: i128 = all.parse().map_err(|_| wrong(format!("{seconds} seconds are out of range")))?;
    Timestamp::from_nanosecond(all).map(|time| time.to_zoned(TimeZone::UTC)).map_err(out_of_range)
}

/// The length of a duration in units of so many seconds. Days have 24 hours.
pub(super) fn length(span: &Span, unit: &str) -> Result<String> {
    let duration = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| {
        wrong(format!("the duration {span} has months or years, which have no fixed length"))
            .advise("add it to a time, and take the difference")
    })?;
    number::calculate(number::Arithmetic::Divide, &nanoseconds(duration.as_nanos())?, unit)
}

fn span(duration: SignedDuration) -> Result<Span> {
    let span = Span::try_from(duration).map_err(out_of_range)?;
    span.round(SpanRound::new().largest(Unit::Hour)).map_err(out_of_range)
}

/// `a + b`, `a - b` with times, dates and durations; `None` for other types.
pub(super) fn add(a: &ExprValue, b: &ExprValue, is_minus: bool) -> Result<Option<ExprValue>> {
    let signed = |span: &Span| if is_minus { span.negate() } else { *span };
    let sum = match (a, b) {
        (ExprValue::Time(time), ExprValue::Duration(span)) => time.checked_add(signed(span)).map(of_time),
        (ExprValue::Duration(span), ExprValue::Time(time)) if !is_minus => time.checked_add(**span).map(of_time),
        (ExprValue::Date(date), ExprValue::Duration(span)) => {
            whole_days(span)?;
            date.checked_add(signed(span)).map(ExprValue::Date)
        }
        (ExprValue::Duration(span), ExprValue::Date(date)) if !is_minus => {
            whole_days(span)?;
            date.checked_add(**span).map(ExprValue::Date)
        }
        (ExprValue::Duration(a), ExprValue::Duration(b)) => {
            a.checked_add((signed(b), SpanRelativeTo::days_are_24_hours())).map(of_span)
        }
        (ExprValue::Time(a), ExprValue::Time(b)) if is_minus => Ok(of_span(span(a.duration_since(b))?)),
        (ExprValue::Date(a), ExprValue::Date(b)) if is_minus => a.since(*b).map(of_span),
        _ => return Ok(None),
    };
    sum.map(Some).map_err(out_of_range)
}

fn whole_days(span: &Span) -> Result<()> {
    let is_whole = span.get_hours() == 0 && span.get_minutes() == 0 && span.get_seconds() == 0;
    if is_whole && span.get_milliseconds() == 0 && span.get_microseconds() == 0 && span.get_nanoseconds() == 0 {
        return Ok(());
    }
    Err(wrong(format!("a date has no hours: {span} cannot be added to it")).advise("convert the date: … | time"))
}

/// A duration some times.
pub(super) fn times(span: &Span, factor: &str) -> Result<ExprValue> {
    let factor = number::small(factor)
        .ok_or_else(|| wrong(format!("a duration can be multiplied by whole numbers, not by {}", short(factor))))?;
    span.checked_mul(factor).map(of_span).map_err(out_of_range)
}

pub(super) fn of_time(time: Zoned) -> ExprValue {
    ExprValue::Time(Box::new(time))
}

pub(super) fn of_span(span: Span) -> ExprValue {
    ExprValue::Duration(Box::new(span))
}
