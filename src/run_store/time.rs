//! Times of rows in any ISO 8601 form. A time without a zone counts as UTC.

use std::time::Duration;

use jiff::civil::{Date, DateTime};
use jiff::{SignedDuration, Timestamp};

/// Whether a text is a date, or a date with a time.
pub(crate) fn is_time(text: &str) -> bool {
    IsoTime::parse(text).is_some()
}

/// A point in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct IsoTime(Timestamp);

impl IsoTime {
    /// Parses a date, or a date with a time, with or without a zone.
    pub(crate) fn parse(text: &str) -> Option<IsoTime> {
        let is_dated = text.len() >= 10 && text.as_bytes().first().is_some_and(|b| b.is_ascii_digit() || *b == b'-');
        if !is_dated {
            return None;
        }
        let zoned = || text.parse::<Timestamp>().ok();
        let civil = || text.parse::<DateTime>().ok().and_then(in_utc);
        zoned().or_else(civil).map(IsoTime)
    }

    pub(crate) fn nanoseconds(self) -> i64 {
        i64::try_from(self.0.as_nanosecond()).unwrap_or(if self.0.as_second() < 0 { i64::MIN } else { i64::MAX })
    }

    /// The time that much earlier, written like `text`, which is this one.
    pub(crate) fn earlier(self, text: &str, lag: Duration) -> Option<(String, IsoTime)> {
        let at = self.0.checked_sub(SignedDuration::try_from(lag).ok()?).ok()?;
        let written = match text.parse::<Date>() {
            // A day is taken whole.
            Ok(_) if text.len() == 10 => civil(at).date().to_string(),
            _ => like(text, at)?,
        };
        IsoTime::parse(&written).map(|at| (written, at))
    }
}

fn in_utc(civil: DateTime) -> Option<Timestamp> {
    civil.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

fn civil(at: Timestamp) -> DateTime {
    at.to_zoned(jiff::tz::TimeZone::UTC).datetime()
}

/// A time in the form of another: separator, fraction and zone.
fn like(text: &str, at: Timestamp) -> Option<String> {
    let (date_end, separator) = text.char_indices().find(|(_, c)| matches!(c, 'T' | 't' | ' '))?;
    let clock = text.get(date_end + 1..)?;
    let zone_at = clock.find(['Z', 'z', '+', '-']).unwrap_or(clock.len());
    let (clock, zone) = clock.split_at(zone_at);
    let digits = clock.split_once(['.', ',']).map_or(0, |(_, fraction)| fraction.len());
    let offset = match zone.trim_matches(['Z', 'z']) {
        "" => 0,
        zone => {
            let plain = zone.replace(':', "");
            let (hours, minutes) =
                (plain.get(1..3)?.parse::<i64>().ok()?, plain.get(3..5).unwrap_or("0").parse::<i64>().ok()?);
            (hours * 3600 + minutes * 60) * if zone.starts_with('-') { -1 } else { 1 }
        }
    };
    let local = civil(at.checked_add(SignedDuration::from_secs(offset)).ok()?);
    let fraction = if digits == 0 { String::new() } else { local.strftime(&format!(".%{digits}f")).to_string() };
    Some(format!("{}{separator}{}{fraction}{zone}", local.strftime("%Y-%m-%d"), local.strftime("%H:%M:%S")))
}
