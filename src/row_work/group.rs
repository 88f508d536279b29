//! The values that an aggregate computes from the rows of one group. Pure.

use std::cmp::Ordering;
use std::num::NonZeroU64;
use std::str::FromStr;

use bigdecimal::{BigDecimal, RoundingMode};

use super::fields::{RowName, type_of};
use super::key::put_key;
use super::plan::{AggregateFunction, AggregateValue, FieldPath};
use crate::error::{Error, ErrorKind, Result};

/// The most digits of a number that is added, and the largest exponent.
const DIGITS_MAX: usize = 400;

/// The most elements of a list that has no `limit`.
const LIST_MAX: u64 = 1000;

/// Digits of an average.
const AVERAGE_DIGITS: NonZeroU64 = NonZeroU64::MIN.saturating_add(33);

/// A value while the rows of its group are read.
#[derive(Debug)]
pub(super) enum Accumulator {
    Count(u64),
    /// Of `sum` and `avg`; how many numbers, and the largest number of decimal places.
    Sum {
        sum: BigDecimal,
        count: u64,
        places: i64,
    },
    /// Of `min` and `max`: the key and the text of the best value.
    Best(Option<(Vec<u8>, String)>),
    Text(Option<String>),
    List {
        text: String,
        count: u64,
        bytes_max: usize,
    },
}

impl Accumulator {
    /// Without any row. A list may have `bytes_max` bytes.
    pub(super) fn new(value: &AggregateValue, bytes_max: usize) -> Accumulator {
        match value.function {
            AggregateFunction::Count | AggregateFunction::CountDistinct => Accumulator::Count(0),
            AggregateFunction::Sum | AggregateFunction::Avg => {
                Accumulator::Sum { sum: BigDecimal::from(0), count: 0, places: 0 }
            }
            AggregateFunction::Min | AggregateFunction::Max => Accumulator::Best(None),
            AggregateFunction::First | AggregateFunction::Last => Accumulator::Text(None),
            AggregateFunction::List => Accumulator::List { text: String::from("["), count: 0, bytes_max },
        }
    }

    /// Adds a row's value; `None` for null.
    ///
    /// # Errors
    /// `invalid_items` when the value has the wrong type; `limit` for a list or number that is too long.
    pub(super) fn add(&mut self, json: Option<&str>, value: &AggregateValue, name: RowName) -> Result<()> {
        match self {
            Accumulator::Count(count) => *count += u64::from(json.is_some()),
            Accumulator::Sum { sum, count, places } => {
                if let Some(json) = json {
                    let number = exact(json, path_of(value), name)?;
                    *places = (*places).max(number.fractional_digit_count());
                    *count += 1;
                    *sum += number;
                }
            }
            Accumulator::Best(best) => {
                if let Some(json) = json {
                    let wanted =
                        if value.function == AggregateFunction::Min { Ordering::Less } else { Ordering::Greater };
                    compare(best, json, wanted, path_of(value), name)?;
                }
            }
            Accumulator::Text(text) => {
                if text.is_none() || value.function == AggregateFunction::Last {
                    *text = Some(json.unwrap_or("null").to_owned());
                }
            }
            Accumulator::List { text, count, bytes_max } => {
                let json = json.unwrap_or("null");
                let limit = value.limit.unwrap_or(LIST_MAX);
                if *count >= limit || text.len() + json.len() > *bytes_max {
                    return Err(too_long(value, limit, *bytes_max, name));
                }
                if *count > 0 {
                    text.push(',');
                }
                text.push_str(json);
                *count += 1;
            }
        }
        Ok(())
    }

    /// The result as JSON.
    pub(super) fn into_json(self, function: AggregateFunction) -> String {
        match self {
            Accumulator::Count(count) => count.to_string(),
            Accumulator::Sum { count: 0, .. } if function == AggregateFunction::Avg => "null".to_owned(),
            Accumulator::Sum { sum, count, .. } if function == AggregateFunction::Avg => {
                let exact = sum / BigDecimal::from(count);
                exact.with_precision_round(AVERAGE_DIGITS, RoundingMode::HalfEven).normalized().to_plain_string()
            }
            Accumulator::Sum { sum, places, .. } => sum.with_scale(places).to_plain_string(),
            Accumulator::Best(best) => best.map_or("null".to_owned(), |(_, text)| text),
            Accumulator::Text(text) => text.unwrap_or("null".to_owned()),
            Accumulator::List { text, .. } => text + "]",
        }
    }
}

fn path_of(value: &AggregateValue) -> FieldPath {
    value.path.clone().unwrap_or_default()
}

/// Keeps the value if it is smaller, or greater, than the best one; equal values keep the first.
fn compare(
    best: &mut Option<(Vec<u8>, String)>,
    json: &str,
    wanted: Ordering,
    path: FieldPath,
    name: RowName,
) -> Result<()> {
    let mut key = Vec::new();
    put_key(&mut key, json).map_err(|why| name.misfit(&path, why).advise("filter such rows out first"))?;
    let is_better = match best {
        Some((_, text)) if type_of(text) != type_of(json) => {
            let why = format!("is {}, but an earlier row has {} there", type_of(json), type_of(text));
            return Err(name
                .misfit(&path, why)
                .advise("convert the field with `map` first, so that all have one type"));
        }
        Some((best, _)) => key.cmp(best) == wanted,
        None => true,
    };
    if is_better {
        *best = Some((key, json.to_owned()));
    }
    Ok(())
}

/// A number with all its digits.
fn exact(json: &str, path: FieldPath, name: RowName) -> Result<BigDecimal> {
    if !matches!(json.as_bytes().first(), Some(b'-' | b'0'..=b'9')) {
        let why = format!("is {}, and only numbers are added", type_of(json));
        return Err(name.misfit(&path, why).advise("convert the field with `map` first, or filter such rows out"));
    }
    let exponent = json.split_once(['e', 'E']).map_or(Ok(0), |(_, exponent)| exponent.parse::<i64>());
    let is_short = json.len() <= DIGITS_MAX && exponent.is_ok_and(|e| e.unsigned_abs() <= DIGITS_MAX as u64);
    let number = if is_short { BigDecimal::from_str(json).ok() } else { None };
    number.ok_or_else(|| {
        let why = format!("{name} has a number with more than {DIGITS_MAX} digits in the field {}", path.pointer());
        Error::new(ErrorKind::Limit, why).advise("filter such rows out first")
    })
}

fn too_long(value: &AggregateValue, limit: u64, bytes_max: usize, name: RowName) -> Error {
    let why = format!(
        "the list `{}` has more than {limit} elements or {bytes_max} bytes in one group, at {name}",
        value.name
    );
    Error::new(ErrorKind::Limit, why).advise("raise `limit` of the value, or group by more fields")
}
