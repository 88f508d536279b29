//! Tests of types, and comparisons as tests.

use std::cmp::Ordering;

use super::super::compare::{contains, equal, order};
use super::super::number::is_integer_text;
use super::super::value::ExprValue;
use super::call::ToolCall;
use crate::error::Result;

fn is(found: bool) -> Result<ExprValue> {
    Ok(ExprValue::Bool(found))
}

pub(super) fn defined(call: &ToolCall<'_>) -> Result<ExprValue> {
    is(!matches!(call.value, ExprValue::Absent))
}

pub(super) fn undefined(call: &ToolCall<'_>) -> Result<ExprValue> {
    is(matches!(call.value, ExprValue::Absent))
}

pub(super) fn none(call: &ToolCall<'_>) -> Result<ExprValue> {
    is(call.value.is_null())
}

pub(super) fn boolean(call: &ToolCall<'_>) -> Result<ExprValue> {
    is(matches!(call.value, ExprValue::Bool(_)))
}

pub(super) fn is_true(call: &ToolCall<'_>) -> Result<ExprValue> {
    is(matches!(call.value, ExprValue::Bool(true)))
}

pub(super) fn is_false(call: &ToolCall<'_>) -> Result<ExprValue> {
    is(matches!(call.value, ExprValue::Bool(false)))
}

pub(super) fn number(call: &ToolCall<'_>) -> Result<ExprValue> {
    is(matches!(call.value, ExprValue::Number(_)))
}

/// A number written as an integer, such as `2` and not `2.0`.
pub(super) fn integer(call: &ToolCall<'_>) -> Result<ExprValue> {
    is(matches!(call.value, ExprValue::Number(part) if is_integer_text(part.as_str())))
}

pub(super) fn float(call: &ToolCall<'_>) -> Result<ExprValue> {
    is(matches!(call.value, ExprValue::Number(part) if !is_integer_text(part.as_str())))
}

pub(super) fn string(call: &ToolCall<'_>) -> Result<ExprValue> {
    is(matches!(call.value, ExprValue::Text(_)))
}

pub(super) fn mapping(call: &ToolCall<'_>) -> Result<ExprValue> {
    is(matches!(call.value, ExprValue::Map(_)))
}

pub(super) fn sequence(call: &ToolCall<'_>) -> Result<ExprValue> {
    is(matches!(call.value, ExprValue::List(_)))
}

/// What `length` and `in` take.
pub(super) fn iterable(call: &ToolCall<'_>) -> Result<ExprValue> {
    is(matches!(call.value, ExprValue::List(_) | ExprValue::Map(_) | ExprValue::Text(_)))
}

pub(super) fn time(call: &ToolCall<'_>) -> Result<ExprValue> {
    is(matches!(call.value, ExprValue::Time(_)))
}

pub(super) fn date(call: &ToolCall<'_>) -> Result<ExprValue> {
    is(matches!(call.value, ExprValue::Date(_)))
}

pub(super) fn empty(call: &ToolCall<'_>) -> Result<ExprValue> {
    is(match call.value {
        ExprValue::Absent | ExprValue::Null => true,
        ExprValue::Text(text) => text.as_str().is_empty(),
        ExprValue::List(list) => list.elements(call.work)?.next().transpose()?.is_none(),
        ExprValue::Map(map) => map.fields(call.work)?.is_empty(),
        _ => return Err(call.mistyped("text, a list or an object")),
    })
}

fn labels<'c>(call: &ToolCall<'c>) -> [&'c str; 2] {
    [call.label, "its argument"]
}

pub(super) fn eq(call: &ToolCall<'_>) -> Result<ExprValue> {
    is(equal(call.value, call.needed(0), labels(call), call.work)?)
}

pub(super) fn ne(call: &ToolCall<'_>) -> Result<ExprValue> {
    is(!equal(call.value, call.needed(0), labels(call), call.work)?)
}

fn ordered(call: &ToolCall<'_>, test: fn(Ordering) -> bool) -> Result<ExprValue> {
    is(test(order(call.value, call.needed(0), labels(call), call.work)?))
}

pub(super) fn lt(call: &ToolCall<'_>) -> Result<ExprValue> {
    ordered(call, Ordering::is_lt)
}

pub(super) fn le(call: &ToolCall<'_>) -> Result<ExprValue> {
    ordered(call, Ordering::is_le)
}

pub(super) fn gt(call: &ToolCall<'_>) -> Result<ExprValue> {
    ordered(call, Ordering::is_gt)
}

pub(super) fn ge(call: &ToolCall<'_>) -> Result<ExprValue> {
    ordered(call, Ordering::is_ge)
}

pub(super) fn within(call: &ToolCall<'_>) -> Result<ExprValue> {
    is(contains(call.needed(0), call.value, labels(call), call.work)?)
}
