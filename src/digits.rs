//! JSON numbers by their text: compared exactly, at any length. Pure.

use std::cmp::Ordering;

/// A number by its digits: 0.d₁d₂d₃… × 10^`exponent`, without zeros at either end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Decimal {
    negative: bool,
    digits: Vec<u8>,
    exponent: i64,
}

/// Larger exponents are reduced to this one: such numbers are larger or smaller than any they are compared with.
const EXPONENT_MAX: i64 = i64::MAX / 4;

impl Decimal {
    /// Reads a JSON number; `None` for any other text.
    pub(crate) fn of(text: &str) -> Option<Decimal> {
        let text = text.trim();
        if !is_number(text) {
            return None;
        }
        let (negative, rest) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (mantissa, power) = rest.split_once(['e', 'E']).unwrap_or((rest, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let power = match power.parse::<i64>() {
            Ok(power) => power.clamp(-EXPONENT_MAX, EXPONENT_MAX),
            Err(_) if power.starts_with('-') => -EXPONENT_MAX,
            Err(_) => EXPONENT_MAX,
        };
        let all: Vec<u8> = whole.bytes().chain(fraction.bytes()).collect();
        let leading = all.iter().take_while(|d| **d == b'0').count();
        let trailing = all.iter().skip(leading).rev().take_while(|d| **d == b'0').count();
        let digits: Vec<u8> = all.iter().copied().skip(leading).take(all.len() - leading - trailing).collect();
        if digits.is_empty() {
            return Some(Decimal { negative: false, digits, exponent: 0 });
        }
        Some(Decimal { negative, digits, exponent: power + whole.len() as i64 - leading as i64 })
    }

    /// Appends bytes whose order is the order of the numbers, and that are equal for equal numbers. No number's bytes are
    /// the start of another's.
    #[cfg(feature = "batch")]
    pub(crate) fn put_ordered(&self, out: &mut Vec<u8>) {
        let flip = if self.negative { 0xff } else { 0 };
        if self.digits.is_empty() {
            out.push(1);
            return;
        }
        out.push(if self.negative { 0 } else { 2 });
        let exponent = (self.exponent ^ i64::MIN).to_be_bytes();
        out.extend(exponent.iter().chain(&self.digits).chain(&[0]).map(|byte| byte ^ flip));
    }

    /// Whether it is an integer: `1e2` and `100.0` are.
    pub(crate) fn is_whole(&self) -> bool {
        self.exponent >= self.digits.len() as i64
    }

    /// Whether it is a multiple of another; `None` if that needs longer arithmetic.
    pub(crate) fn is_multiple_of(&self, other: &Decimal) -> Option<bool> {
        let last = |d: &Decimal| d.exponent - d.digits.len() as i64;
        let mut unit: u64 = std::str::from_utf8(&other.digits).ok()?.parse().ok().filter(|n| *n > 0)?;
        let shift = last(self) - last(other);
        if shift < 0 {
            unit = 10_u64.checked_pow(u32::try_from(-shift).ok()?)?.checked_mul(unit)?;
        }
        let unit = u128::from(unit);
        let rest = self.digits.iter().fold(0, |rest, digit| (rest * 10 + u128::from(digit - b'0')) % unit);
        Some((rest * power_of_ten(shift.max(0) as u64, unit)).is_multiple_of(unit))
    }
}

/// 10^`power` modulo `unit`, which is below 2^64.
fn power_of_ten(mut power: u64, unit: u128) -> u128 {
    let (mut result, mut base) = (1 % unit, 10 % unit);
    while power > 0 {
        if power % 2 == 1 {
            result = result * base % unit;
        }
        base = base * base % unit;
        power /= 2;
    }
    result
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Decimal) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Decimal) -> Ordering {
        let sign = |d: &Decimal| if d.digits.is_empty() { 0 } else { 1 - 2 * i8::from(d.negative) };
        let size = || self.exponent.cmp(&other.exponent).then_with(|| self.digits.cmp(&other.digits));
        sign(self).cmp(&sign(other)).then_with(|| if self.negative { size().reverse() } else { size() })
    }
}

impl std::fmt::Display for Decimal {
    /// Equal numbers give the same text.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let digits = std::str::from_utf8(&self.digits).unwrap_or_default();
        write!(f, "{}0.{digits}e{}", if self.negative { "-" } else { "" }, self.exponent)
    }
}

/// Whether a text is a JSON number (RFC 8259, section 6).
pub(crate) fn is_number(text: &str) -> bool {
    fn digits(text: &str) -> Option<&str> {
        let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
        (rest.len() < text.len()).then_some(rest)
    }
    let rest = text.strip_prefix('-').unwrap_or(text);
    let Some(mut rest) = rest.strip_prefix('0').or_else(|| digits(rest)) else { return false };
    if let Some(fraction) = rest.strip_prefix('.') {
        let Some(tail) = digits(fraction) else { return false };
        rest = tail;
    }
    if let Some(exponent) = rest.strip_prefix(['e', 'E']) {
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        let Some(tail) = digits(exponent) else { return false };
        rest = tail;
    }
    rest.is_empty()
}

/// Whether JSON contains a number that may not fit into 64 bits: one with many digits, or with an exponent. Fast enough
/// for every item.
pub(crate) fn is_long(json: &str) -> bool {
    any_run(json, |run, _, power| power || run > 15)
}

/// Whether JSON contains a number in another notation than 64-bit integers: one of the former, or one with a point.
pub(crate) fn has_digits(json: &str) -> bool {
    any_run(json, |run, point, power| power || point || run > 15)
}

/// Scans the numbers of JSON: their length so far, whether they have a point or an exponent.
fn any_run(json: &str, wanted: impl Fn(usize, bool, bool) -> bool) -> bool {
    let (mut run, mut point, mut within_text, mut escaped) = (0_usize, false, false, false);
    for byte in json.bytes() {
        if within_text {
            within_text = escaped || byte != b'"';
            escaped = !escaped && byte == b'\\';
            continue;
        }
        match byte {
            b'0'..=b'9' | b'.' => {
                run += 1;
                point |= byte == b'.';
            }
            b'e' | b'E' if run > 0 => return wanted(run, point, true),
            other => {
                within_text = other == b'"';
                (run, point) = (0, false);
            }
        }
        if wanted(run, point, false) {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering::{Equal, Greater, Less};

    use super::{Decimal, is_long, is_number};

    fn of(text: &str) -> Decimal {
        Decimal::of(text).unwrap_or_else(|| panic!("{text} is no number"))
    }

    #[cfg(feature = "batch")]
    fn ordered(text: &str) -> Vec<u8> {
        let mut out = Vec::new();
        of(text).put_ordered(&mut out);
        out
    }

    #[test]
    fn numbers_are_compared_digit_for_digit() {
        for (a, order, b) in [
            ("18446744073709551617", Greater, "18446744073709551616"),
            ("1e2", Equal, "100.0"),
            ("-0", Equal, "0.00e7"),
            ("-1", Less, "0"),
            ("-12", Less, "-1.19"),
            ("-1.2", Less, "-1.19"),
            ("1.2", Greater, "1.19"),
            ("-0.12", Less, "-0.1"),
            ("-18446744073709551617", Less, "-18446744073709551616"),
            ("0.1000000000000000055", Greater, "0.1"),
            ("0.05", Less, "0.1"),
            ("1e400", Greater, "9e399"),
            ("1e99999999999999999999", Greater, "1e400"),
            ("1e-99999999999999999999", Greater, "0"),
            ("1e-400", Less, "1"),
        ] {
            assert_eq!(of(a).cmp(&of(b)), order, "{a} {b}");
            assert_eq!(of(b).cmp(&of(a)), order.reverse(), "{b} {a}");
            assert_eq!(of(a).to_string() == of(b).to_string(), order == Equal, "{a} {b}");
            #[cfg(feature = "batch")]
            assert_eq!(ordered(a).cmp(&ordered(b)), order, "{a} {b}");
        }
    }

    #[test]
    fn whole_numbers_and_multiples() {
        for (text, whole) in [
            ("1e2", true),
            ("100.0", true),
            ("1.5", false),
            ("12345678901234567890.5", false),
            ("1e-400", false),
            ("-0", true),
        ] {
            assert_eq!(of(text).is_whole(), whole, "{text}");
        }
        for (text, unit, expected) in [
            ("18446744073709551617", "2", Some(false)),
            ("18446744073709551618", "2", Some(true)),
            ("1.10", "0.01", Some(true)),
            ("1.105", "0.01", Some(false)),
            ("1e400", "3", Some(false)),
            ("1e400", "7e3", Some(false)),
            ("21e400", "7e3", Some(true)),
            ("0", "5", Some(true)),
            ("1e-30", "1", None),
        ] {
            assert_eq!(of(text).is_multiple_of(&of(unit)), expected, "{text} {unit}");
        }
    }

    #[test]
    fn numbers_are_distinguished_from_other_texts() {
        for (text, number) in [
            ("-0", true),
            ("1.10", true),
            ("1E+2", true),
            ("01", false),
            ("1.", false),
            (".5", false),
            ("+1", false),
            ("1e", false),
            ("", false),
            ("-", false),
            ("inf", false),
        ] {
            assert_eq!(is_number(text), number, "{text}");
            assert_eq!(Decimal::of(text).is_some(), number, "{text}");
        }
        for (json, long) in [
            (r#"{"a":"12345678901234567890","b":12}"#, false),
            (r#"["\"12345678901234567890"]"#, false),
            (r#"{"a":12345678901234567890}"#, true),
            ("[1e2]", true),
            ("[true,1.5]", false),
        ] {
            assert_eq!(is_long(json), long, "{json}");
        }
    }
}
