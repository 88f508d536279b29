//! JSON numbers as integers with a fixed scale. Pure.

/// The digits of decimal columns, and how many of them are behind the point.
pub(crate) const DECIMAL: (u8, i8) = (38, 9);

/// A JSON number × 10⁹; nothing if that is no integer, or has more than 38 digits.
pub(crate) fn scaled(raw: &str) -> Option<i128> {
    let (most, scale) = DECIMAL;
    let (negative, rest) = raw.strip_prefix('-').map_or((false, raw), |rest| (true, rest));
    let (mantissa, power) = rest.split_once(['e', 'E']).unwrap_or((rest, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = format!("{whole}{fraction}");
    let digits = all.trim_end_matches('0');
    let zeros = (all.len() - digits.len()) as i64;
    let digits = digits.trim_start_matches('0');
    if digits.is_empty() {
        return Some(0);
    }
    let shift = power.parse::<i64>().ok()?.checked_add(zeros)?.checked_sub(fraction.len() as i64)?;
    let shift = usize::try_from(shift.checked_add(i64::from(scale))?).ok()?;
    if digits.len().checked_add(shift)? > usize::from(most) {
        return None;
    }
    let number = digits.parse::<i128>().ok()?.checked_mul(10_i128.checked_pow(u32::try_from(shift).ok()?)?)?;
    Some(if negative { -number } else { number })
}

#[cfg(test)]
mod tests {
    use super::scaled;

    #[test]
    fn numbers_are_exact_or_nothing() {
        for (raw, number) in [
            ("0", Some(0)),
            ("-0.0e99999999999999999999", Some(0)),
            ("1.10", Some(1_100_000_000)),
            ("-1e-9", Some(-1)),
            ("1.0000000000", Some(1_000_000_000)),
            ("120e-10", Some(12)),
            ("1E+2", Some(100_000_000_000)),
            ("1e-10", None),
            ("1e-12", None),
            ("99999999999999999999999999999.999999999", Some(10_i128.pow(38) - 1)),
            ("100000000000000000000000000000", None),
            ("123456789012345678901234567890", None),
            ("1e400", None),
            ("1e99999999999999999999", None),
        ] {
            assert_eq!(scaled(raw), number, "{raw}");
        }
    }
}
