//! Filters of numbers, and conversions to numbers and booleans.

use super::super::number::{self, Rounding};
use super::super::value::ExprValue;
use super::super::work::{short, wrong};
use super::call::ToolCall;
use crate::error::Result;

pub(super) fn abs(call: &ToolCall<'_>) -> Result<ExprValue> {
    let text = call.number()?;
    Ok(if text.starts_with('-') { ExprValue::number(&number::negative(text)) } else { call.value.clone() })
}

pub(super) fn round(call: &ToolCall<'_>) -> Result<ExprValue> {
    let rounding = match call.text_or(1, "common")?.as_ref() {
        "common" => Rounding::HalfUp,
        "ceil" => Rounding::Up,
        "floor" => Rounding::Down,
        other => {
            return Err(
                wrong(format!("`round` has no method `{}`", short(other))).advise("write common, ceil or floor")
            );
        }
    };
    Ok(ExprValue::number(&number::round(call.number()?, call.whole_or(0, 0)?, rounding)?))
}

/// The number in a text; the second argument replaces what is no number.
fn converted(call: &ToolCall<'_>, make: impl Fn(&str) -> Result<Option<String>>) -> Result<ExprValue> {
    let made = match call.value {
        ExprValue::Number(part) => make(part.as_str())?,
        ExprValue::Text(text) => match number::of_text(&text.as_str()) {
            Some(number) => make(&number)?,
            None => None,
        },
        ExprValue::Bool(is_true) => Some(if *is_true { "1" } else { "0" }.to_owned()),
        _ if call.arg(0).is_some() => None,
        _ => return Err(call.mistyped("a number or text")),
    };
    match (made, call.arg(0)) {
        (Some(number), _) => Ok(ExprValue::number(&number)),
        (None, Some(default)) => Ok(default.clone()),
        (None, None) => {
            let what = if call.name == "int" { "a whole number" } else { "a number" };
            Err(call
                .mistyped(&format!("{what} or text with one"))
                .advise(format!("write | {}(0) for another value instead", call.name)))
        }
    }
}

/// A whole number: digits after the point are cut from numbers, and refused in texts.
pub(super) fn int(call: &ToolCall<'_>) -> Result<ExprValue> {
    let is_text = matches!(call.value, ExprValue::Text(_));
    converted(call, |number| {
        let whole = number::whole(number)?;
        let is_cut = is_text && number::compare(&whole, number).is_ne();
        Ok(if is_cut { None } else { Some(whole) })
    })
}

pub(super) fn number(call: &ToolCall<'_>) -> Result<ExprValue> {
    converted(call, |number| Ok(Some(number.to_owned())))
}

pub(super) fn bool(call: &ToolCall<'_>) -> Result<ExprValue> {
    let found = match call.value {
        ExprValue::Bool(_) => return Ok(call.value.clone()),
        ExprValue::Number(part) => match number::small(part.as_str()) {
            Some(0) => Some(false),
            Some(1) => Some(true),
            _ => None,
        },
        ExprValue::Text(text) => match text.as_str().trim().to_lowercase().as_str() {
            "true" | "yes" | "on" | "1" => Some(true),
            "false" | "no" | "off" | "0" => Some(false),
            _ => None,
        },
        _ => None,
    };
    found.map(ExprValue::Bool).ok_or_else(|| call.mistyped("true, false, yes, no, on, off, 1 or 0"))
}

fn is_whole(call: &ToolCall<'_>) -> Result<crate::digits::Decimal> {
    let text = call.number()?;
    crate::digits::Decimal::of(text)
        .filter(crate::digits::Decimal::is_whole)
        .ok_or_else(|| call.mistyped("a whole number"))
}

fn is_multiple(call: &ToolCall<'_>, of: &str) -> Result<bool> {
    let value = is_whole(call)?;
    let unit = crate::digits::Decimal::of(of).filter(|unit| unit.is_whole());
    if number::compare(of, "0").is_eq() {
        return Err(wrong(format!("`{}`: division by 0", call.name)));
    }
    let found = unit.and_then(|unit| value.is_multiple_of(&unit));
    found.ok_or_else(|| wrong(format!("`{}` needs a whole number of at most 18 digits, not {}", call.name, short(of))))
}

pub(super) fn even(call: &ToolCall<'_>) -> Result<ExprValue> {
    is_multiple(call, "2").map(ExprValue::Bool)
}

pub(super) fn odd(call: &ToolCall<'_>) -> Result<ExprValue> {
    is_multiple(call, "2").map(|is_even| ExprValue::Bool(!is_even))
}

pub(super) fn divisibleby(call: &ToolCall<'_>) -> Result<ExprValue> {
    is_multiple(call, call.number_arg(0)?).map(ExprValue::Bool)
}
