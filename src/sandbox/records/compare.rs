//! Comparison of values: order of scalars, times, wildcards. Pure.

use std::cmp::Ordering;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::tree::Tree;

/// A scalar for comparison.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::sandbox) enum Scalar {
    Null,
    Flag(bool),
    /// The number as written, so that no digit is lost.
    Number(String),
    Text(String),
}

impl Scalar {
    /// `None` for lists and objects.
    pub(in crate::sandbox) fn of(tree: &Tree) -> Option<Scalar> {
        let Tree::Leaf(text) = tree else { return None };
        Some(match text.as_bytes().first() {
            Some(b'n') | None => Scalar::Null,
            Some(b't') => Scalar::Flag(true),
            Some(b'f') => Scalar::Flag(false),
            Some(b'"') => Scalar::Text(tree.plain().unwrap_or_default()),
            Some(_) => Scalar::Number(text.clone()),
        })
    }

    const fn rank(&self) -> u8 {
        match self {
            Scalar::Null => 0,
            Scalar::Flag(_) => 1,
            Scalar::Number(_) => 2,
            Scalar::Text(_) => 3,
        }
    }

    /// The sort order: null, booleans, numbers, texts; texts first without regard to case.
    pub(in crate::sandbox) fn order(&self, other: &Scalar) -> Ordering {
        match (self, other) {
            (Scalar::Flag(a), Scalar::Flag(b)) => a.cmp(b),
            (Scalar::Number(a), Scalar::Number(b)) => numbers(a, b),
            (Scalar::Text(a), Scalar::Text(b)) => a.to_lowercase().cmp(&b.to_lowercase()).then_with(|| a.cmp(b)),
            (a, b) => a.rank().cmp(&b.rank()),
        }
    }
}

/// The order of two numbers in text form.
pub(in crate::sandbox) fn numbers(a: &str, b: &str) -> Ordering {
    if let (Ok(a), Ok(b)) = (a.parse::<i128>(), b.parse::<i128>()) {
        return a.cmp(&b);
    }
    let float = |text: &str| text.parse::<f64>().unwrap_or_default();
    float(a).total_cmp(&float(b))
}

/// Whether a text matches a pattern in which `*` matches any characters. Linear except for the search of each piece.
pub(in crate::sandbox) fn fits(pattern: &str, text: &str) -> bool {
    let mut pieces = pattern.split('*');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut pieces: Vec<&str> = pieces.collect();
    let Some(last) = pieces.pop() else { return rest.is_empty() };
    for piece in pieces {
        match rest.find(piece) {
            Some(at) => rest = rest.get(at + piece.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// A date with optional time (RFC 3339, the offset optional) as milliseconds since 1970; without an offset it is UTC.
pub(in crate::sandbox) fn instant(text: &str) -> Option<i64> {
    let text = text.trim();
    // A number of eight digits is not a date.
    text.get(4..).filter(|rest| rest.starts_with('-'))?;
    let with_offset = || text.parse::<Timestamp>().ok();
    let in_utc = || text.parse::<DateTime>().ok()?.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
    with_offset().or_else(in_utc).map(Timestamp::as_millisecond)
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use super::{fits, instant, numbers};

    #[test]
    fn instants() {
        assert_eq!(instant("1970-01-01"), Some(0));
        assert_eq!(instant("2016-08-20T18:04:26Z"), Some(1_471_716_266_000));
        assert_eq!(instant("2016-08-20T20:04:26.25+02:00"), Some(1_471_716_266_250));
        assert_eq!(instant("2024-02-29T00:00"), Some(1_709_164_800_000));
        for bad in [
            "",
            "2016",
            "2016-13-01",
            "2016-1-01",
            "2016-01-01T25:00",
            "2016-01-01T1:00",
            "2016-01-01T10:00+2",
            "x-y-z",
            "2016-01-01T10:00é",
        ] {
            assert_eq!(instant(bad), None, "{bad}");
        }
    }

    #[test]
    fn wildcards() {
        for (pattern, text, expected) in [
            ("a*", "abc", true),
            ("*c", "abc", true),
            ("*b*", "abc", true),
            ("a*c*e", "abcde", true),
            ("abc", "abcd", false),
            ("a*a", "a", false),
            ("*", "", true),
            ("", "", true),
            ("*x*", "abc", false),
            ("**é*", "né", true),
        ] {
            assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn numbers_beyond_64_bits() {
        assert_eq!(numbers("18446744073709551616", "18446744073709551617"), Ordering::Less);
        assert_eq!(numbers("1.50", "1.5"), Ordering::Equal);
        assert_eq!(numbers("1e3", "999"), Ordering::Greater);
    }
}
