//! When a batch runs: times as people write them, and cron expressions. Pure.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::authoring::duration::duration;
use crate::error::{Error, ErrorKind, Result};

const EXAMPLES: &str = "write a time such as 02:00 or 'mon-fri 02:00', an interval such as 15m or 6h, or five fields of cron such as '0 2 * * 1-5'";

const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// One field of a cron expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CronField {
    /// As cron reads it.
    pub(super) text: String,
    /// Its values.
    pub(super) values: BTreeSet<u8>,
    /// Whether it begins with `*`.
    pub(super) is_star: bool,
    /// Whether it has all values.
    pub(super) is_any: bool,
}

/// The times at which a batch runs, as in cron.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct When {
    pub(super) minute: CronField,
    pub(super) hour: CronField,
    pub(super) day: CronField,
    pub(super) month: CronField,
    pub(super) weekday: CronField,
}

/// What a field may contain.
struct FieldRange {
    name: &'static str,
    least: u8,
    most: u8,
    names: &'static [&'static str],
}

const MINUTE: FieldRange = FieldRange { name: "minute", least: 0, most: 59, names: &[] };
const HOUR: FieldRange = FieldRange { name: "hour", least: 0, most: 23, names: &[] };
const DAY: FieldRange = FieldRange { name: "day of the month", least: 1, most: 31, names: &[] };
const MONTH: FieldRange = FieldRange { name: "month", least: 1, most: 12, names: &MONTHS };
const WEEKDAY: FieldRange = FieldRange { name: "day of the week", least: 0, most: 7, names: &DAYS };

/// Parses `--every`.
///
/// # Errors
/// `usage`, with examples.
pub(super) fn parse(text: &str) -> Result<When> {
    read(text).map_err(|why| {
        let shown = text.escape_debug();
        Error::new(ErrorKind::Usage, format!("--every {shown}: {why}")).advise(EXAMPLES)
    })
}

fn read(text: &str) -> Result<When, String> {
    let lower = text.trim().to_lowercase();
    let words: Vec<&str> = lower.split_whitespace().collect();
    match words.as_slice() {
        ["hourly"] => cron(["0", "*", "*", "*", "*"]),
        ["daily"] => cron(["0", "0", "*", "*", "*"]),
        ["weekly"] => cron(["0", "0", "*", "*", "1"]),
        [time] if time.contains(':') => at(time, "*"),
        [days, time] if time.contains(':') => at(time, days),
        [interval] => every(interval),
        [minute, hour, day, month, weekday] => cron([minute, hour, day, month, weekday]),
        [] => Err("it is empty".to_owned()),
        words => Err(format!("it has {} words, and is neither a time nor five fields of cron", words.len())),
    }
}

fn cron([minute, hour, day, month, weekday]: [&str; 5]) -> Result<When, String> {
    let when = When {
        minute: field(minute, &MINUTE)?,
        hour: field(hour, &HOUR)?,
        day: field(day, &DAY)?,
        month: field(month, &MONTH)?,
        weekday: weekdays(field(weekday, &WEEKDAY)?),
    };
    match when.gap() {
        Some(_) => Ok(when),
        None => Err("there is no such day".to_owned()),
    }
}

/// A time of day, on some days of the week.
fn at(time: &str, days: &str) -> Result<When, String> {
    let wrong = || format!("`{time}` is not a time between 00:00 and 23:59");
    let (hour, minute) = time.split_once(':').ok_or_else(wrong)?;
    let is_number = |text: &str| (1..=2).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    let number = |text: &str| if is_number(text) { text.parse::<u8>().ok() } else { None };
    match (number(hour), number(minute).filter(|_| minute.len() == 2)) {
        (Some(hour @ 0..=23), Some(minute @ 0..=59)) => cron([&minute.to_string(), &hour.to_string(), "*", "*", days]),
        _ => Err(wrong()),
    }
}

/// An interval that divides an hour or a day: otherwise the last one would be shorter.
fn every(text: &str) -> Result<When, String> {
    let length = duration(text).map_err(|_| "it is neither a time nor an interval".to_owned())?;
    let (minutes, rest) = (length.as_secs() / 60, length.as_secs() % 60);
    match (minutes, minutes / 60, rest) {
        (1440, ..) if rest == 0 => cron(["0", "0", "*", "*", "*"]),
        (1, _, 0) => cron(["*", "*", "*", "*", "*"]),
        (60, _, 0) => cron(["0", "*", "*", "*", "*"]),
        (2..60, _, 0) if 60 % minutes == 0 => cron([&format!("*/{minutes}"), "*", "*", "*", "*"]),
        (_, hours @ 2..24, 0) if minutes.is_multiple_of(60) && 24 % hours == 0 => {
            cron(["0", &format!("*/{hours}"), "*", "*", "*"])
        }
        _ => Err("an interval must divide an hour or a day, such as 5m, 15m, 1h, 6h or 1d".to_owned()),
    }
}

fn field(text: &str, range: &FieldRange) -> Result<CronField, String> {
    let mut values = BTreeSet::new();
    for part in text.split(',') {
        let (span, step) = match part.split_once('/') {
            Some((span, step)) => (span, step.parse::<u8>().ok().filter(|step| *step > 0)),
            None => (part, Some(1)),
        };
        let is_stepped = part.contains('/');
        let bounds = match span.split_once('-') {
            _ if span == "*" => Some((range.least, range.most)),
            Some((from, to)) => value(from, range).zip(value(to, range)),
            None => value(span, range).map(|from| (from, if is_stepped { range.most } else { from })),
        };
        let (Some((from, to)), Some(step)) = (bounds.filter(|(from, to)| from <= to), step) else {
            return Err(format!(
                "`{}` is not a {}: it has values from {} to {}",
                part.escape_debug(),
                range.name,
                range.least,
                range.most
            ));
        };
        values.extend((from..=to).step_by(usize::from(step)));
    }
    let is_any = (range.least..=range.most).all(|value| values.contains(&value));
    Ok(CronField { text: text.to_owned(), is_star: text.starts_with('*'), is_any, values })
}

fn value(text: &str, range: &FieldRange) -> Option<u8> {
    let named = range.names.iter().position(|name| *name == text).and_then(|at| u8::try_from(at).ok());
    // Months count from 1, days of the week from 0.
    let named = named.map(|at| at + range.least);
    let is_number = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let number = || if is_number { text.parse().ok() } else { None };
    named.or_else(number).filter(|value| (range.least..=range.most).contains(value))
}

/// Sunday is 0 and 7 in cron, and only 0 in Kubernetes.
fn weekdays(field: CronField) -> CronField {
    let values: BTreeSet<u8> = field.values.iter().map(|day| day % 7).collect();
    let is_any = values.len() == 7;
    let text = match (is_any, field.is_star) {
        (true, _) => "*".to_owned(),
        (false, true) => field.text.clone(),
        (false, false) => list(&values, |day| day.to_string()),
    };
    CronField { text, values, is_any, is_star: field.is_star || is_any }
}

/// Values with commas between them.
pub(super) fn list(values: &BTreeSet<u8>, text: impl Fn(u8) -> String) -> String {
    values.iter().map(|value| text(*value)).collect::<Vec<_>>().join(",")
}

impl When {
    /// The five fields of cron.
    pub(super) fn cron(&self) -> String {
        [&self.minute, &self.hour, &self.day, &self.month, &self.weekday].map(|field| field.text.as_str()).join(" ")
    }

    /// The shortest time between two starts.
    pub(super) fn gap(&self) -> Option<Duration> {
        // A leap year, and a day more.
        let first = jiff::civil::date(2024, 1, 1);
        let times = || {
            let hours = self.hour.values.iter();
            hours.flat_map(|hour| {
                self.minute.values.iter().map(move |minute| i64::from(*hour) * 60 + i64::from(*minute))
            })
        };
        let (mut last, mut gap): (Option<i64>, Option<i64>) = (None, None);
        for number in 0..2 * 366 {
            let Ok(date) = first.checked_add(jiff::Span::new().days(number)) else { break };
            if !self.has_day(date) {
                continue;
            }
            for at in times().map(|minute| number * 1440 + minute) {
                let between = last.map(|last| at - last);
                gap = gap.into_iter().chain(between).min();
                last = Some(at);
            }
        }
        let minutes = gap.or(last.map(|_| 366 * 1440))?;
        u64::try_from(minutes).ok().map(|minutes| Duration::from_secs(minutes * 60))
    }

    fn has_day(&self, date: jiff::civil::Date) -> bool {
        let has = |field: &CronField, value: i8| u8::try_from(value).is_ok_and(|value| field.values.contains(&value));
        let weekday = has(&self.weekday, date.weekday().to_sunday_zero_offset());
        let day = has(&self.day, date.day());
        has(&self.month, date.month()) && if self.is_either_day() { day || weekday } else { day && weekday }
    }

    /// Whether cron runs it on the days of the month and also on the days of the week: it does if both are given.
    pub(super) fn is_either_day(&self) -> bool {
        !self.day.is_star && !self.weekday.is_star
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn times_intervals_and_cron_expressions() {
        for (text, cron, minutes) in [
            ("02:00", "0 2 * * *", 1440),
            ("2:05", "5 2 * * *", 1440),
            ("mon-fri 02:00", "0 2 * * 1,2,3,4,5", 1440),
            ("Sat,Sun 23:59", "59 23 * * 0,6", 1440),
            ("sun 00:00", "0 0 * * 0", 7 * 1440),
            ("15m", "*/15 * * * *", 15),
            ("1m", "* * * * *", 1),
            ("1h", "0 * * * *", 60),
            ("6h", "0 */6 * * *", 360),
            ("1d", "0 0 * * *", 1440),
            ("hourly", "0 * * * *", 60),
            ("0 2 * * 1-5", "0 2 * * 1,2,3,4,5", 1440),
            ("0 2 * * 7", "0 2 * * 0", 7 * 1440),
            ("*/20 8-17 * * *", "*/20 8-17 * * *", 20),
            ("0 0,12 1 jan,jul *", "0 0,12 1 jan,jul *", 720),
            ("30 4 1,15 * 5", "30 4 1,15 * 5", 1440),
            ("0 3 29 2 *", "0 3 29 2 *", 366 * 1440),
        ] {
            let when = parse(text).unwrap();
            assert_eq!((when.cron().as_str(), when.gap().unwrap().as_secs() / 60), (cron, minutes), "{text}");
        }
    }

    #[test]
    fn nonsense_is_refused_with_examples() {
        for text in [
            "",
            "soon",
            "25:00",
            "2:5",
            "12:60",
            "7m",
            "5h",
            "90s",
            "0s",
            "48h",
            "* * *",
            "60 * * * *",
            "0 24 * * *",
            "0 0 0 * *",
            "0 0 * 13 *",
            "0 0 * * 8",
            "5-2 * * * *",
            "*/0 * * * *",
            "a * * * *",
            "0 0 31 2 *",
            "fri- 02:00",
            "someday 02:00",
            "0 2 * * * *",
            "+1:00",
            "0,, 2 * * *",
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.advice.as_ref().unwrap().to_string().contains("02:00"), "{text}");
        }
    }
}
