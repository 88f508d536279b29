//! Filters and functions of times, dates and durations.

use jiff::tz::TimeZone;

use super::super::times;
use super::super::value::ExprValue;
use super::call::ToolCall;
use crate::error::Result;

fn zone(call: &ToolCall<'_>, at: usize) -> Result<Option<TimeZone>> {
    call.text_arg(at)?.map(|name| times::zone(&name)).transpose()
}

/// A time in a format, or in one of the usual notations.
pub(super) fn time(call: &ToolCall<'_>) -> Result<ExprValue> {
    let zone = zone(call, 1)?;
    let time = match (call.value, call.text_arg(0)?) {
        (ExprValue::Time(time), _) => return Ok(ExprValue::Time(time.clone())),
        (ExprValue::Date(date), _) => times::parse(&date.to_string(), zone.unwrap_or(TimeZone::UTC))?,
        (ExprValue::Number(_), _) => {
            return Err(call.mistyped("text or a date").advise("write from_unix(…) for seconds since 1970"));
        }
        (_, Some(format)) => times::parse_as(&format, &call.text()?, zone.unwrap_or(TimeZone::UTC))?,
        (_, None) => times::parse(&call.text()?, zone.unwrap_or(TimeZone::UTC))?,
    };
    Ok(times::of_time(time))
}

pub(super) fn date(call: &ToolCall<'_>) -> Result<ExprValue> {
    let date = match (call.value, call.text_arg(0)?) {
        (ExprValue::Date(date), _) => *date,
        (ExprValue::Time(time), _) => match zone(call, 1)? {
            Some(zone) => time.with_time_zone(zone).date(),
            None => time.date(),
        },
        (_, Some(format)) => times::parse_as(&format, &call.text()?, TimeZone::UTC)?.date(),
        (_, None) => times::parse_date(&call.text()?)?,
    };
    Ok(ExprValue::Date(date))
}

pub(super) fn duration(call: &ToolCall<'_>) -> Result<ExprValue> {
    match call.value {
        ExprValue::Duration(_) => Ok(call.value.clone()),
        _ => Ok(times::of_span(times::parse_duration(&call.text()?)?)),
    }
}

pub(super) fn duration_of(call: &ToolCall<'_>) -> Result<ExprValue> {
    Ok(times::of_span(times::parse_duration(&call.text_or(0, "")?)?))
}

pub(super) fn from_unix(call: &ToolCall<'_>) -> Result<ExprValue> {
    times::from_unix(call.number_arg(0)?).map(times::of_time)
}

pub(super) fn format_time(call: &ToolCall<'_>) -> Result<ExprValue> {
    let value = match (call.value, zone(call, 1)?) {
        (ExprValue::Time(time), Some(zone)) => times::of_time(time.with_time_zone(zone)),
        (ExprValue::Time(_) | ExprValue::Date(_), _) => call.value.clone(),
        _ => return Err(call.mistyped("a time or date").advise("write | time before it")),
    };
    call.made(&times::formatted(&call.text_or(0, "")?, &value)?)
}

/// The time, if it is one.
fn moment<'c>(call: &ToolCall<'c>) -> Result<&'c jiff::Zoned> {
    match call.value {
        ExprValue::Time(time) => Ok(time),
        ExprValue::Text(_) | ExprValue::Date(_) => Err(call.mistyped("a time").advise("write | time before it")),
        _ => Err(call.mistyped("a time")),
    }
}

pub(super) fn start_of(call: &ToolCall<'_>) -> Result<ExprValue> {
    let unit = call.text_or(0, "")?;
    if let ExprValue::Date(date) = call.value {
        let time = times::parse(&date.to_string(), TimeZone::UTC)?;
        return Ok(ExprValue::Date(times::start_of(&time, &unit)?.date()));
    }
    let time = moment(call)?;
    let time = zone(call, 1)?.map_or_else(|| time.clone(), |zone| time.with_time_zone(zone));
    times::start_of(&time, &unit).map(times::of_time)
}

pub(super) fn to_zone(call: &ToolCall<'_>) -> Result<ExprValue> {
    let zone = times::zone(&call.text_or(0, "")?)?;
    Ok(times::of_time(moment(call)?.with_time_zone(zone)))
}

pub(super) fn unix(call: &ToolCall<'_>) -> Result<ExprValue> {
    Ok(ExprValue::number(&times::unix(moment(call)?)?))
}

fn length(call: &ToolCall<'_>, unit: &str) -> Result<ExprValue> {
    match call.value {
        ExprValue::Duration(span) => Ok(ExprValue::number(&times::length(span, unit)?)),
        _ => Err(call.mistyped("a duration").advise("a time minus a time is a duration, and so is duration('1h30m')")),
    }
}

pub(super) fn seconds(call: &ToolCall<'_>) -> Result<ExprValue> {
    length(call, "1")
}

pub(super) fn minutes(call: &ToolCall<'_>) -> Result<ExprValue> {
    length(call, "60")
}

pub(super) fn hours(call: &ToolCall<'_>) -> Result<ExprValue> {
    length(call, "3600")
}

pub(super) fn days(call: &ToolCall<'_>) -> Result<ExprValue> {
    length(call, "86400")
}
