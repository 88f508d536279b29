//! Waits that a server announces: `Retry-After` and rate-limit headers. Pure: the time is an argument.
//!
//! A wait is never shortened: fractions are rounded up, and the longest of several is used.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::header::{DATE, RETRY_AFTER};
use http::{HeaderMap, HeaderName};

/// The names of headers for the remaining requests and the reset time.
static FIELDS: [(HeaderName, HeaderName); 3] = [
    (HeaderName::from_static("ratelimit-remaining"), HeaderName::from_static("ratelimit-reset")),
    (HeaderName::from_static("x-ratelimit-remaining"), HeaderName::from_static("x-ratelimit-reset")),
    (HeaderName::from_static("x-rate-limit-remaining"), HeaderName::from_static("x-rate-limit-reset")),
];

/// Both in one.
static FIELD: HeaderName = HeaderName::from_static("ratelimit");

/// Larger numbers of seconds are points in time, and even larger ones are milliseconds.
const SECONDS_MAX: f64 = 1e9;
const UNIX_MAX: f64 = 1e11;
/// A longer wait is treated as a mistake.
const WAIT_MAX: Duration = Duration::from_secs(31 * 86_400);

/// The wait that a server requests after a refusal (RFC 9110, section 10.2.3): seconds, or a date relative to the
/// server's own Date. Other text is no wait.
pub(crate) fn asked_wait(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let fields = headers.get_all(RETRY_AFTER).iter().filter_map(|v| v.to_str().ok());
    let asked = fields.flat_map(|text| match whole_date(text) {
        true => vec![text],
        false => text.split(',').collect(),
    });
    let longest = asked.filter_map(|text| retry_after(text.trim().trim_matches('"'), headers, now)).max();
    longest.max(announced_wait(headers, now))
}

/// The wait that a value of a reply asks for: seconds, a Unix time or a date.
pub(crate) fn told_wait(text: &str, headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    reset_wait(text.trim(), headers, now).filter(|wait| !wait.is_zero() && *wait <= WAIT_MAX)
}

/// Dates contain a comma, lists of values too.
fn whole_date(text: &str) -> bool {
    httpdate::parse_http_date(text.trim()).is_ok()
}

fn retry_after(text: &str, headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        // A number with too many digits is the far future, not garbage.
        let seconds = text.parse::<u64>().unwrap_or(u64::MAX);
        return (seconds > 0).then_some(Duration::from_secs(seconds.min(u64::from(u32::MAX))));
    }
    if let Some(seconds) = decimal(text) {
        return (seconds > 0.0).then(|| Duration::from_secs(seconds.ceil().min(f64::from(u32::MAX)) as u64));
    }
    date(text)?.duration_since(server_time(headers, now)).ok().filter(|d| !d.is_zero())
}

/// The wait that rate-limit headers announce before a 429: nothing remaining, and the reset time.
pub(crate) fn announced_wait(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let waits = used_up(headers).filter_map(|reset| reset_wait(reset, headers, now));
    waits.max().filter(|wait| !wait.is_zero() && *wait <= WAIT_MAX)
}

/// Whether rate-limit headers say that nothing remains.
pub(super) fn is_used_up(headers: &HeaderMap) -> bool {
    let none_left =
        |name: &HeaderName| headers.get_all(name).iter().any(|v| v.to_str().is_ok_and(|t| is_none(t.trim())));
    FIELDS.iter().any(|(left, _)| none_left(left)) || used_up(headers).next().is_some()
}

/// The reset times of windows in which nothing remains, as written.
fn used_up(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let text = |name: &HeaderName| headers.get(name).and_then(|v| v.to_str().ok()).map(str::trim);
    let pairs = FIELDS.iter().filter_map(move |(left, reset)| Some((text(left)?, text(reset)?)));
    let fields = headers.get_all(&FIELD).iter().filter_map(|v| v.to_str().ok()).flat_map(policies);
    pairs.chain(fields).filter(|(left, _)| is_none(left)).map(|(_, reset)| reset)
}

/// Remaining requests and reset time, from the single field of draft-ietf-httpapi-ratelimit-headers: `"name";r=0;t=3`
/// for each policy, or the older form `limit=10, remaining=0, reset=3`.
fn policies(text: &str) -> Vec<(&str, &str)> {
    let parts: Vec<&str> = if text.contains(';') { text.split(',').collect() } else { vec![text] };
    parts
        .into_iter()
        .filter_map(|part| Some((parameter(part, ["remaining", "r"])?, parameter(part, ["reset", "t"])?)))
        .collect()
}

fn parameter<'t>(policy: &'t str, names: [&str; 2]) -> Option<&'t str> {
    let mut pairs = policy.split([';', ',']).filter_map(|pair| pair.split_once('='));
    pairs.find(|(name, _)| names.contains(&name.trim())).map(|(_, value)| value.trim())
}

/// Seconds, Unix time in seconds or milliseconds, or a date.
fn reset_wait(text: &str, headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let at = match decimal(text) {
        Some(seconds) if seconds < SECONDS_MAX => return Some(Duration::from_secs(seconds.ceil() as u64)),
        Some(unix) if unix < UNIX_MAX => UNIX_EPOCH + Duration::from_secs_f64(unix),
        Some(unix) if unix < UNIX_MAX * 1000.0 => UNIX_EPOCH + Duration::from_secs_f64(unix / 1000.0),
        Some(_) => return None,
        None => date(text)?,
    };
    at.duration_since(server_time(headers, now)).ok()
}

/// Whether nothing is left; some systems count below zero.
fn is_none(left: &str) -> bool {
    decimal(left.strip_prefix('-').unwrap_or(left)).is_some_and(|n| n == 0.0 || left.starts_with('-'))
}

fn decimal(text: &str) -> Option<f64> {
    let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    plain.then(|| text.parse().ok()).flatten()
}

/// A date in HTTP or ISO 8601 format.
fn date(text: &str) -> Option<SystemTime> {
    let http = || httpdate::parse_http_date(&text.replace("UTC", "GMT")).ok();
    let iso = || text.parse::<jiff::Timestamp>().or_else(|_| format!("{text}Z").parse()).ok().map(SystemTime::from);
    http().or_else(iso)
}

/// Dates are relative to the server's own clock.
fn server_time(headers: &HeaderMap, now: SystemTime) -> SystemTime {
    headers.get(DATE).and_then(|v| v.to_str().ok()).and_then(|v| httpdate::parse_http_date(v).ok()).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use http::{HeaderMap, HeaderName, HeaderValue};

    use super::{announced_wait, asked_wait};

    const DATE: &str = "Mon, 23 Nov 2026 10:00:00 GMT";

    fn headers(fields: &[(&'static str, &str)]) -> HeaderMap {
        fields.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())).fold(
            HeaderMap::new(),
            |mut map, (name, value)| {
                map.append(name, value);
                map
            },
        )
    }

    #[test]
    fn requested_waits_are_read_in_every_form() {
        let wait = |values: &[&str]| {
            let fields: Vec<(&str, &str)> =
                std::iter::once(("date", DATE)).chain(values.iter().map(|v| ("retry-after", *v))).collect();
            asked_wait(&headers(&fields), UNIX_EPOCH).map(|d| d.as_secs())
        };
        assert_eq!(wait(&["7"]), Some(7));
        assert_eq!(wait(&["1.5"]), Some(2));
        assert_eq!(wait(&["3", "12"]), Some(12));
        assert_eq!(wait(&["3, 12"]), Some(12));
        assert_eq!(wait(&["Mon, 23 Nov 2026 10:00:09 GMT"]), Some(9));
        assert_eq!(wait(&["2026-11-23T10:00:09Z"]), Some(9));
        for garbage in ["0", "-1", "soon", "", "Mon, 23 Nov 2026 09:00:00 GMT"] {
            assert_eq!(wait(&[garbage]), None, "{garbage}");
        }
    }

    #[test]
    fn an_exhausted_window_names_the_start_of_the_next() {
        let unix = 1_795_428_000; // DATE
        let now = UNIX_EPOCH + Duration::from_secs(unix);
        let wait = |left: &str, reset: &str| {
            announced_wait(&headers(&[("x-ratelimit-remaining", left), ("x-ratelimit-reset", reset)]), now)
                .map(|d| d.as_millis())
        };
        assert_eq!(wait("0", "30"), Some(30_000));
        assert_eq!(wait("0", "2.25"), Some(3_000));
        assert_eq!(wait("0", &(unix + 5).to_string()), Some(5_000));
        assert_eq!(wait("0", &format!("{}250", unix + 5)), Some(5_250));
        assert_eq!(wait("0", "2026-11-23T10:00:30Z"), Some(30_000));
        assert_eq!(wait("3", "30"), None);
        for garbage in ["soon", "99999999999999999999", "", "0"] {
            assert_eq!(wait("0", garbage), None, "{garbage}");
        }
        let policies = headers(&[("ratelimit", "\"burst\";r=0;t=3, \"day\";r=0;t=90, \"other\";r=5;t=900")]);
        assert_eq!(announced_wait(&policies, now), Some(Duration::from_secs(90)));
        assert_eq!(
            announced_wait(&headers(&[("ratelimit", "limit=10, remaining=0, reset=3")]), now),
            Some(Duration::from_secs(3))
        );
    }
}
