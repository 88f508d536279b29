//! ExprComparison of values: equality, order, and what `in` looks into. Different types are not compared.

use std::cmp::Ordering;
use std::rc::Rc;

use jiff::SpanRelativeTo;

use super::number;
use super::value::{DEPTH_MAX, ExprValue, List, Map, canonical, mistyped, too_deep};
use super::work::{EvaluationWork, is_general, operand, short, wrong};
use crate::error::{Error, Result};

/// Whether two values are equal: numbers by value, texts by characters, lists and objects by content. Null and absent
/// are equal to each other only. `labels` are the two expressions, for a message about different types.
pub(super) fn equal(a: &ExprValue, b: &ExprValue, labels: [&str; 2], work: &Rc<EvaluationWork>) -> Result<bool> {
    match same(a, b, work)? {
        Some(is_equal) => Ok(is_equal),
        None => Err(different(a, b, labels)),
    }
}

/// The same; `None` for different types.
pub(super) fn same(a: &ExprValue, b: &ExprValue, work: &Rc<EvaluationWork>) -> Result<Option<bool>> {
    Ok(Some(match (a, b) {
        (a, b) if a.is_null() || b.is_null() => a.is_null() && b.is_null(),
        (ExprValue::Bool(a), ExprValue::Bool(b)) => a == b,
        (ExprValue::Number(a), ExprValue::Number(b)) => {
            let (a, b) = (a.as_str(), b.as_str());
            if a != b && (number::small(a).is_none() || number::small(b).is_none()) {
                work.elements(3)?;
            }
            a == b || number::compare(a, b) == Ordering::Equal
        }
        (ExprValue::Text(a), ExprValue::Text(b)) => {
            let (a, b) = (a.as_str(), b.as_str());
            work.text(a.len().min(b.len()))?;
            a == b
        }
        (ExprValue::List(a), ExprValue::List(b)) => equal_lists(a, b, work, 0)?,
        (ExprValue::Map(a), ExprValue::Map(b)) => equal_maps(a, b, work, 0)?,
        (ExprValue::Time(_), ExprValue::Time(_))
        | (ExprValue::Date(_), ExprValue::Date(_))
        | (ExprValue::Duration(_), ExprValue::Duration(_)) => order_alike(a, b, work)? == Some(Ordering::Equal),
        _ => return Ok(None),
    }))
}

/// Within lists and objects, values of different types are not equal.
fn equal_within(a: &ExprValue, b: &ExprValue, work: &Rc<EvaluationWork>, depth: usize) -> Result<bool> {
    if depth > DEPTH_MAX {
        return Err(too_deep());
    }
    match (a, b) {
        (ExprValue::List(a), ExprValue::List(b)) => equal_lists(a, b, work, depth),
        (ExprValue::Map(a), ExprValue::Map(b)) => equal_maps(a, b, work, depth),
        (a, b) => Ok(same(a, b, work)? == Some(true)),
    }
}

fn equal_lists(a: &List, b: &List, work: &Rc<EvaluationWork>, depth: usize) -> Result<bool> {
    let (mut a, mut b) = (a.elements(work)?, b.elements(work)?);
    loop {
        match (a.next().transpose()?, b.next().transpose()?) {
            (None, None) => return Ok(true),
            (Some(a), Some(b)) if equal_within(&a, &b, work, depth + 1)? => {}
            _ => return Ok(false),
        }
    }
}

fn equal_maps(a: &Map, b: &Map, work: &Rc<EvaluationWork>, depth: usize) -> Result<bool> {
    let (a, b) = (a.fields(work)?, b.fields(work)?);
    if a.len() != b.len() {
        return Ok(false);
    }
    for (name, value) in a.iter() {
        let Some(other) = b.get(name) else { return Ok(false) };
        if !equal_within(value, other, work, depth + 1)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The order of two values of one type.
pub(super) fn order(a: &ExprValue, b: &ExprValue, labels: [&str; 2], work: &Rc<EvaluationWork>) -> Result<Ordering> {
    if let Some(order) = order_alike(a, b, work)? {
        return Ok(order);
    }
    let [left, right] = labels;
    match (a, b) {
        (a, _) if a.is_null() => Err(mistyped("a comparison", "a value", left, a)),
        (_, b) if b.is_null() => Err(mistyped("a comparison", "a value", right, b)),
        _ => Err(different(a, b, labels)),
    }
}

fn order_alike(a: &ExprValue, b: &ExprValue, work: &Rc<EvaluationWork>) -> Result<Option<Ordering>> {
    Ok(Some(match (a, b) {
        (ExprValue::Number(a), ExprValue::Number(b)) => number::compare(a.as_str(), b.as_str()),
        (ExprValue::Text(a), ExprValue::Text(b)) => {
            let (a, b) = (a.as_str(), b.as_str());
            work.text(a.len().min(b.len()))?;
            a.cmp(&b)
        }
        (ExprValue::Time(a), ExprValue::Time(b)) => a.timestamp().cmp(&b.timestamp()),
        (ExprValue::Date(a), ExprValue::Date(b)) => a.cmp(b),
        (ExprValue::Duration(a), ExprValue::Duration(b)) => a
            .compare((&**b, SpanRelativeTo::days_are_24_hours()))
            .map_err(|e| wrong(format!("the durations cannot be compared: {e}")))?,
        _ => return Ok(None),
    }))
}

/// The error for values of different types.
fn different(a: &ExprValue, b: &ExprValue, labels: [&str; 2]) -> Error {
    let [left, right] = labels;
    if a.type_name() == b.type_name() {
        return wrong(format!("a {} has no order: {} is {}", a.type_name(), short(left), a.shown()));
    }
    let why = format!(
        "cannot compare {} with {}: {} is {}, {} is {}",
        a.type_name(),
        b.type_name(),
        short(left),
        a.shown(),
        short(right),
        b.shown()
    );
    let error = wrong(why);
    match conversion(a, b, labels) {
        Some(advice) => error.advise(format!("write {advice}")),
        None => error,
    }
}

/// The conversion that makes two values comparable.
fn conversion(a: &ExprValue, b: &ExprValue, labels: [&str; 2]) -> Option<String> {
    let is_written = labels.map(|label| !is_general(label));
    let [left, right] = labels.map(operand);
    let of = |is_left: bool, filter: &str| Some(format!("{} | {filter}", if is_left { &left } else { &right }));
    match (a, b, is_written) {
        (ExprValue::Number(_), ExprValue::Text(_), [_, true]) => of(false, "number"),
        (ExprValue::Number(_), ExprValue::Text(_), [true, _]) => of(true, "string"),
        (ExprValue::Text(_), ExprValue::Number(_), [true, _]) => of(true, "number"),
        (ExprValue::Text(_), ExprValue::Number(_), [_, true]) => of(false, "string"),
        (ExprValue::Time(_), ExprValue::Text(_), [_, true]) => of(false, "time"),
        (ExprValue::Text(_), ExprValue::Time(_), [true, _]) => of(true, "time"),
        (ExprValue::Date(_), ExprValue::Text(_) | ExprValue::Time(_), [_, true]) => of(false, "date"),
        (ExprValue::Text(_) | ExprValue::Time(_), ExprValue::Date(_), [true, _]) => of(true, "date"),
        (ExprValue::Duration(_), ExprValue::Text(_), [_, true]) => of(false, "duration"),
        (ExprValue::Text(_), ExprValue::Duration(_), [true, _]) => of(true, "duration"),
        (ExprValue::Bool(_), _, [_, true]) => of(false, "bool"),
        (_, ExprValue::Bool(_), [true, _]) => of(true, "bool"),
        _ => None,
    }
}

/// Whether a list has an equal element, an object a field of this name, a text this part.
pub(super) fn contains(
    within: &ExprValue,
    value: &ExprValue,
    labels: [&str; 2],
    work: &Rc<EvaluationWork>,
) -> Result<bool> {
    let [left, right] = labels;
    if value.is_null() {
        return Err(mistyped("`in`", "a value", left, value));
    }
    match (within, value) {
        (ExprValue::List(list), value) => list_contains(list, value, labels, work),
        (ExprValue::Map(map), ExprValue::Text(name)) => {
            work.step()?;
            Ok(map.has(&name.as_str()))
        }
        (ExprValue::Text(text), ExprValue::Text(part)) => {
            work.text(text.as_str().len())?;
            Ok(text.as_str().contains(part.as_str().as_ref()))
        }
        (ExprValue::Map(_) | ExprValue::Text(_), value) => {
            Err(mistyped("`in` within text or an object", "text", left, value))
        }
        (within, _) => Err(mistyped("`in`", "a list, an object or text", right, within)),
    }
}

/// ElementIter of other types are passed over, but if no element has the type, the comparison is meant to be another.
fn list_contains(list: &List, value: &ExprValue, labels: [&str; 2], work: &Rc<EvaluationWork>) -> Result<bool> {
    let mut other = None;
    let mut is_like = false;
    for element in list.elements(work)? {
        let element = element?;
        match same(value, &element, work)? {
            Some(true) => return Ok(true),
            // Null is of no type.
            Some(false) => is_like |= !element.is_null(),
            None => other = other.or(Some(element)),
        }
    }
    match other {
        Some(element) if !is_like => {
            let [left, right] = labels;
            Err(different(value, &element, [left, &format!("an element of {}", short(right))]))
        }
        _ => Ok(false),
    }
}

/// The order of sorting: null and absent values last, texts without regard to case first.
pub(super) fn sorting(
    a: &ExprValue,
    b: &ExprValue,
    is_case_sensitive: bool,
    work: &Rc<EvaluationWork>,
) -> Result<Ordering> {
    let labels = ["an element", "another one"];
    match (a, b) {
        (ExprValue::Text(x), ExprValue::Text(y)) if !is_case_sensitive => {
            let (x, y) = (x.as_str(), y.as_str());
            work.text(x.len().min(y.len()))?;
            let lower = x.chars().flat_map(char::to_lowercase).cmp(y.chars().flat_map(char::to_lowercase));
            Ok(lower.then_with(|| x.cmp(&y)))
        }
        (ExprValue::Bool(a), ExprValue::Bool(b)) => Ok(a.cmp(b)),
        (ExprValue::List(_), ExprValue::List(_)) => {
            let (a, b) = (canonical(a, work)?, canonical(b, work)?);
            Ok(a.cmp(&b))
        }
        (a, b) => order(a, b, labels, work),
    }
}
