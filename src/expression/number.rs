//! Exact arithmetic on numbers by their text. `+`, `-` and `*` are exact decimals; `/` and `**` have 34 digits.

use std::cmp::Ordering;
use std::num::NonZeroU64;
use std::str::FromStr;

use bigdecimal::num_bigint::{BigInt, Sign};
use bigdecimal::{BigDecimal, RoundingMode, Zero};

use super::work::{short, wrong};
use crate::digits::Decimal;
use crate::error::Result;

/// Digits of a quotient or a power.
const DIGITS: u64 = 34;

/// Maximum digits of a number that arithmetic reads or produces, written without an exponent.
const DIGITS_MAX: u64 = 1000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    DivideWhole,
    Remainder,
    Power,
}

impl Arithmetic {
    pub(super) fn mark(self) -> &'static str {
        match self {
            Arithmetic::Add => "+",
            Arithmetic::Subtract => "-",
            Arithmetic::Multiply => "*",
            Arithmetic::Divide => "/",
            Arithmetic::DivideWhole => "//",
            Arithmetic::Remainder => "%",
            Arithmetic::Power => "**",
        }
    }
}

/// A short whole number.
pub(super) fn small(text: &str) -> Option<i64> {
    if text.len() > 18 { None } else { text.parse().ok() }
}

/// Two numbers by their size, at any length.
pub(super) fn compare(a: &str, b: &str) -> Ordering {
    match (small(a), small(b)) {
        (Some(a), Some(b)) => a.cmp(&b),
        _ => Decimal::of(a).cmp(&Decimal::of(b)),
    }
}

/// A number for arithmetic.
pub(super) fn decimal(text: &str) -> Result<BigDecimal> {
    let number = if text.len() as u64 > DIGITS_MAX * 2 { None } else { BigDecimal::from_str(text).ok() };
    number.filter(|number| size(number) <= DIGITS_MAX).ok_or_else(|| too_long(&short(text)))
}

/// Its digits when written without an exponent.
fn size(number: &BigDecimal) -> u64 {
    let scale = number.fractional_digit_count();
    let digits = number.digits();
    if scale < 0 { digits.saturating_add(scale.unsigned_abs()) } else { digits.max(scale.unsigned_abs()) }
}

fn too_long(what: &str) -> crate::error::Error {
    wrong(format!("{what} has more digits than the limit number_digits ({DIGITS_MAX} digits of a calculation)"))
        .advise("numbers of any length can be passed on and compared, but not calculated with")
}

/// The text of a result, without an exponent.
pub(super) fn written(number: &BigDecimal) -> Result<String> {
    if size(number) > DIGITS_MAX {
        return Err(too_long("the result"));
    }
    if number.is_zero() {
        // Its digits would be those of its scale.
        let places = usize::try_from(number.fractional_digit_count()).unwrap_or_default();
        return Ok(if places > 0 { format!("0.{}", "0".repeat(places)) } else { "0".to_owned() });
    }
    Ok(number.to_plain_string())
}

/// The result of an operator.
pub(super) fn calculate(operator: Arithmetic, a: &str, b: &str) -> Result<String> {
    if let (Some(a), Some(b)) = (small(a), small(b)) {
        let result = match operator {
            Arithmetic::Add => a.checked_add(b),
            Arithmetic::Subtract => a.checked_sub(b),
            Arithmetic::Multiply => a.checked_mul(b),
            Arithmetic::Remainder if b > 0 => Some(a.rem_euclid(b)),
            Arithmetic::DivideWhole if b > 0 => Some(a.div_euclid(b)),
            Arithmetic::Divide if b > 0 && a % b == 0 => Some(a / b),
            Arithmetic::Divide | Arithmetic::DivideWhole | Arithmetic::Remainder | Arithmetic::Power => None,
        };
        if let Some(result) = result {
            return Ok(result.to_string());
        }
    }
    let (a, b) = (decimal(a)?, decimal(b)?);
    let result = match operator {
        Arithmetic::Add => plus(&a, &b),
        Arithmetic::Subtract => plus(&a, &-b),
        Arithmetic::Multiply => times(&a, &b),
        Arithmetic::Divide => divide(&a, &b)?,
        Arithmetic::DivideWhole => floor_quotient(&a, &b)?,
        Arithmetic::Remainder => plus(&a, &-times(&floor_quotient(&a, &b)?, &b)),
        Arithmetic::Power => power(&a, &b)?,
    };
    written(&result)
}

/// A sum with as many decimal places as the longer operand, whatever their values.
pub(super) fn plus(a: &BigDecimal, b: &BigDecimal) -> BigDecimal {
    let scale = a.fractional_digit_count().max(b.fractional_digit_count());
    let ((a, _), (b, _)) =
        (a.with_scale(scale).into_bigint_and_exponent(), b.with_scale(scale).into_bigint_and_exponent());
    BigDecimal::new(a + b, scale)
}

/// A product with the decimal places of both operands.
fn times(a: &BigDecimal, b: &BigDecimal) -> BigDecimal {
    let ((a, a_scale), (b, b_scale)) = (a.as_bigint_and_exponent(), b.as_bigint_and_exponent());
    BigDecimal::new(a * b, a_scale + b_scale)
}

/// A quotient of 34 digits, or as many as its whole part has. An exact one keeps the scale of the operands.
pub(super) fn divide(a: &BigDecimal, b: &BigDecimal) -> Result<BigDecimal> {
    if b.is_zero() {
        return Err(wrong("division by 0"));
    }
    let digits = DIGITS.max(size(a).saturating_add(1).saturating_sub(size(b)));
    let ((top, top_scale), (bottom, bottom_scale)) = (a.as_bigint_and_exponent(), b.as_bigint_and_exponent());
    let more = digits.saturating_add(2 + b.digits()).saturating_sub(a.digits());
    let top = top * BigInt::from(10).pow(u32::try_from(more).unwrap_or(u32::MAX));
    let (quotient, rest) = (&top / &bottom, &top % &bottom);
    // One more digit tells whether something follows, for rounding.
    let tail = if rest.sign() == Sign::NoSign { 0 } else { 1 };
    let tail = if top.sign() == bottom.sign() { tail } else { -tail };
    let scale = top_scale - bottom_scale + i64::try_from(more).unwrap_or(i64::MAX);
    let plain = rounded(&BigDecimal::new(quotient * 10 + tail, scale + 1), digits).normalized();
    let least = (top_scale - bottom_scale).max(0);
    Ok(if plain.fractional_digit_count() < least { plain.with_scale(least) } else { plain })
}

fn rounded(number: &BigDecimal, digits: u64) -> BigDecimal {
    if number.digits() <= digits {
        return number.clone();
    }
    number.with_precision_round(NonZeroU64::new(digits).unwrap_or(NonZeroU64::MIN), RoundingMode::HalfEven)
}

/// The largest whole number that is not above the quotient.
fn floor_quotient(a: &BigDecimal, b: &BigDecimal) -> Result<BigDecimal> {
    if b.is_zero() {
        return Err(wrong("division by 0"));
    }
    // Both as whole numbers of one unit; exact at any length.
    let scale = a.fractional_digit_count().max(b.fractional_digit_count()).max(0);
    let ((a, _), (b, _)) =
        (a.with_scale(scale).into_bigint_and_exponent(), b.with_scale(scale).into_bigint_and_exponent());
    let (quotient, rest) = (&a / &b, &a % &b);
    let is_below = rest.sign() != Sign::NoSign && rest.sign() != b.sign();
    Ok(BigDecimal::from(if is_below { quotient - 1 } else { quotient }))
}

fn power(base: &BigDecimal, exponent: &BigDecimal) -> Result<BigDecimal> {
    let Some(exponent) = small(&exponent.normalized().to_plain_string()) else {
        return Err(wrong("the exponent of ** must be a whole number"));
    };
    if base.is_zero() && exponent < 0 {
        return Err(wrong("division by 0"));
    }
    // Long exponents of 0, 1 and -1 do not take long.
    let is_short = base.is_zero() || base.abs() == 1;
    let count = if is_short && exponent.abs() > 2 { exponent.abs() % 2 + 2 } else { exponent.abs() };
    if size(base).saturating_mul(count.unsigned_abs()) > DIGITS_MAX * 4 {
        return Err(too_long("the result of **"));
    }
    let mut result = BigDecimal::from(1);
    for _ in 0..count {
        result = times(&result, base);
    }
    if exponent < 0 {
        return divide(&BigDecimal::from(1), &result);
    }
    Ok(if base.is_integer() { result } else { rounded(&result, DIGITS) })
}

/// How a number is rounded.
#[derive(Clone, Copy)]
pub(super) enum Rounding {
    HalfUp,
    Up,
    Down,
}

/// At most this many decimal places.
pub(super) fn round(text: &str, places: i64, rounding: Rounding) -> Result<String> {
    let number = decimal(text)?;
    let mode = match rounding {
        Rounding::HalfUp => RoundingMode::HalfUp,
        Rounding::Up => RoundingMode::Ceiling,
        Rounding::Down => RoundingMode::Floor,
    };
    if places.unsigned_abs() > DIGITS_MAX {
        return Err(too_long("the result"));
    }
    if number.fractional_digit_count() <= places {
        return written(&number);
    }
    written(&number.with_scale_round(places, mode))
}

/// Exactly this many decimal places.
pub(super) fn fixed(text: &str, places: u32) -> Result<String> {
    if u64::from(places) > DIGITS_MAX {
        return Err(too_long("the result"));
    }
    written(&decimal(text)?.with_scale_round(i64::from(places), RoundingMode::HalfUp))
}

/// Its whole part.
pub(super) fn whole(text: &str) -> Result<String> {
    if is_integer_text(text) {
        return Ok(text.to_owned());
    }
    written(&decimal(text)?.with_scale_round(0, RoundingMode::Down))
}

/// A number in the notation of an integer, at any length.
pub(super) fn is_integer_text(text: &str) -> bool {
    text.strip_prefix('-').unwrap_or(text).bytes().all(|b| b.is_ascii_digit())
}

/// A number with the sign changed, at any length.
pub(super) fn negative(text: &str) -> String {
    match text.strip_prefix('-') {
        Some(rest) => rest.to_owned(),
        None if text.bytes().all(|b| matches!(b, b'0' | b'.')) => text.to_owned(),
        None => format!("-{text}"),
    }
}

/// The number in a text, in JSON's notation or with a leading `+`, zeros or without digits before the point.
pub(super) fn of_text(text: &str) -> Option<String> {
    let text = text.trim();
    if crate::digits::is_number(text) {
        return Some(text.to_owned());
    }
    let (sign, rest) = text.strip_prefix('-').map_or(("", text.strip_prefix('+').unwrap_or(text)), |rest| ("-", rest));
    if !rest.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    let plain = rest.trim_start_matches('0');
    let plain = if plain.starts_with(|c: char| c.is_ascii_digit()) { plain.to_owned() } else { format!("0{plain}") };
    let number = format!("{sign}{plain}");
    crate::digits::is_number(&number).then_some(number)
}
