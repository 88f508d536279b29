//! Filters of objects, and `default`.

use indexmap::IndexMap;

use super::super::access::field;
use super::super::compare::sorting;
use super::super::value::ExprValue;
use super::super::work::wrong;
use super::super::write::plain;
use super::call::ToolCall;
use super::lists::sorted;
use crate::error::Result;

/// Replaces null and absent values; with `true` also empty text.
pub(super) fn default(call: &ToolCall<'_>) -> Result<ExprValue> {
    let is_replaced = match call.value {
        ExprValue::Null | ExprValue::Absent => true,
        ExprValue::Text(text) => call.flag(1)? && text.as_str().is_empty(),
        _ => false,
    };
    Ok(if is_replaced { call.needed(0) } else { call.value }.clone())
}

pub(super) fn attr(call: &ToolCall<'_>) -> Result<ExprValue> {
    field(call.value, &call.text_or(0, "")?, false, call.label, call.work)
}

fn pairs(call: &ToolCall<'_>) -> Result<Vec<ExprValue>> {
    let pair = |(name, value): (&String, &ExprValue)| {
        call.work.hold(name.len())?;
        Ok(ExprValue::list(vec![ExprValue::text(name), value.clone()]))
    };
    call.map()?.fields(call.work)?.iter().map(pair).collect()
}

pub(super) fn items(call: &ToolCall<'_>) -> Result<ExprValue> {
    Ok(ExprValue::list(pairs(call)?))
}

/// The items by name; `by='value'` by value.
pub(super) fn dictsort(call: &ToolCall<'_>) -> Result<ExprValue> {
    let at = match call.text_or(0, "key")?.as_ref() {
        "key" => 0,
        "value" => 1,
        _ => return Err(wrong("`dictsort` sorts by 'key' or 'value'")),
    };
    let key = |pair: &ExprValue| match pair {
        ExprValue::List(list) => list.at(at, call.work),
        _ => Ok(ExprValue::Absent),
    };
    let all = pairs(call)?.into_iter().map(|pair| Ok((vec![key(&pair)?], pair))).collect::<Result<_>>()?;
    let is_reversed = call.flag(1)?;
    sorted(call, all, |a, b| sorting(a, b, false, call.work), &[is_reversed])
}

pub(super) fn keys(call: &ToolCall<'_>) -> Result<ExprValue> {
    Ok(ExprValue::list(call.map()?.fields(call.work)?.keys().map(|name| ExprValue::text(name)).collect()))
}

pub(super) fn values(call: &ToolCall<'_>) -> Result<ExprValue> {
    Ok(ExprValue::list(call.map()?.fields(call.work)?.values().cloned().collect()))
}

/// The fields of both; those of the argument count.
pub(super) fn merge(call: &ToolCall<'_>) -> Result<ExprValue> {
    let mut all = IndexMap::clone(&*call.map()?.fields(call.work)?);
    for (name, value) in call.map_arg(0)?.fields(call.work)?.iter() {
        call.work.hold(name.len())?;
        all.insert(name.clone(), value.clone());
    }
    Ok(ExprValue::map(all))
}

fn names(call: &ToolCall<'_>) -> Result<Vec<String>> {
    call.args.all().map(|name| plain(name, "a name", "its argument").map(String::from)).collect()
}

pub(super) fn without(call: &ToolCall<'_>) -> Result<ExprValue> {
    let names = names(call)?;
    let mut all = IndexMap::clone(&*call.map()?.fields(call.work)?);
    all.retain(|name, _| !names.contains(name));
    Ok(ExprValue::map(all))
}

/// These fields in this order; one that is absent is left out.
pub(super) fn pick(call: &ToolCall<'_>) -> Result<ExprValue> {
    let map = call.map()?;
    let mut picked = IndexMap::new();
    for name in names(call)? {
        match map.field(&name, call.work)? {
            ExprValue::Absent => {}
            value => drop(picked.insert(name, value)),
        }
    }
    Ok(ExprValue::map(picked))
}

pub(super) fn dict(call: &ToolCall<'_>) -> Result<ExprValue> {
    let mut all = match call.arg(0) {
        None => IndexMap::new(),
        Some(_) => IndexMap::clone(&*call.map_arg(0)?.fields(call.work)?),
    };
    for (name, value) in &call.args.named {
        all.insert(name.clone(), value.clone());
    }
    Ok(ExprValue::map(all))
}
