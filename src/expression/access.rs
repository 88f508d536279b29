//! Fields, elements and slices of values.

use std::rc::Rc;

use super::number::small;
use super::times;
use super::value::{ElementIter, ExprValue, List, mistyped};
use super::work::{EvaluationWork, is_general, short, wrong};
use crate::error::Result;

/// A field. A field of null or of an absent value is absent; with `is_safe` so is one of a value without fields.
/// `label` is the expression that gave the value.
pub(super) fn field(
    value: &ExprValue,
    name: &str,
    is_safe: bool,
    label: &str,
    work: &Rc<EvaluationWork>,
) -> Result<ExprValue> {
    match value {
        ExprValue::Map(map) => map.field(name, work),
        ExprValue::Absent | ExprValue::Null => Ok(ExprValue::Absent),
        ExprValue::List(_) | ExprValue::Text(_) if small(name).is_some() => {
            element(value, small(name).unwrap_or_default(), label, work)
        }
        ExprValue::Time(_) | ExprValue::Date(_) => times::part(value, name).ok_or_else(|| {
            wrong(format!("{} is {} and has no `{}`", short(label), value.shown(), short(name)))
                .advise(format!("it has {}", times::PARTS))
        }),
        _ if is_safe => Ok(ExprValue::Absent),
        _ => {
            let error = wrong(format!("{} is {} and has no field `{}`", short(label), value.shown(), short(name)));
            match is_general(label) {
                true => Err(error),
                false => Err(error.advise("write ?. before the field if the value has none in some records")),
            }
        }
    }
}

/// A value at a path of names.
pub(super) fn at_path(value: &ExprValue, path: &[String], label: &str, work: &Rc<EvaluationWork>) -> Result<ExprValue> {
    let Some((first, rest)) = path.split_first() else { return Ok(value.clone()) };
    let mut found = field(value, first, false, label, work)?;
    for (depth, name) in rest.iter().enumerate() {
        let label = || format!("`{}` of {label}", path.get(..=depth).unwrap_or_default().join("."));
        found = match &found {
            ExprValue::Map(map) => map.field(name, work)?,
            other => field(other, name, false, &label(), work)?,
        };
    }
    Ok(found)
}

/// The names of a path such as `a.b.0`.
pub(super) fn path_of(text: &str) -> Vec<String> {
    text.split('.').map(str::to_owned).collect()
}

/// `value[key]`.
pub(super) fn index(
    value: &ExprValue,
    key: &ExprValue,
    labels: [&str; 2],
    is_safe: bool,
    work: &Rc<EvaluationWork>,
) -> Result<ExprValue> {
    let [label, key_label] = labels;
    match (value, key) {
        (ExprValue::Absent | ExprValue::Null, _) => Ok(ExprValue::Absent),
        (value, ExprValue::Text(name)) => field(value, &name.as_str(), is_safe, label, work),
        (ExprValue::Map(map), ExprValue::Number(part)) => map.field(part.as_str(), work),
        (value, ExprValue::Number(part)) => match small(part.as_str()) {
            Some(number) => element(value, number, label, work),
            None => Err(mistyped("[ ]", "a name or a whole number", key_label, key)),
        },
        (_, key) => Err(mistyped("[ ]", "a name or a whole number", key_label, key)),
    }
}

fn element(value: &ExprValue, number: i64, label: &str, work: &Rc<EvaluationWork>) -> Result<ExprValue> {
    match value {
        ExprValue::List(list) => list.at(number, work),
        ExprValue::Text(text) => {
            let text = text.as_str();
            work.text(text.len())?;
            let found = match usize::try_from(number) {
                Ok(number) => text.chars().nth(number),
                Err(_) => text.chars().nth_back(usize::try_from(number.unsigned_abs() - 1).unwrap_or(usize::MAX)),
            };
            Ok(found.map_or(ExprValue::Absent, |c| ExprValue::text(c.encode_utf8(&mut [0; 4]))))
        }
        other => Err(wrong(format!("{} is {} and has no elements", short(label), other.shown()))),
    }
}

/// The limits of a slice.
#[derive(Clone, Copy)]
pub(super) struct Bounds {
    pub(super) from: Option<i64>,
    pub(super) to: Option<i64>,
    pub(super) step: i64,
}

impl Bounds {
    /// The numbers from and to, for a list of this length.
    fn within(self, length: usize) -> (usize, usize) {
        let at = |bound: i64| match usize::try_from(bound) {
            Ok(bound) => bound.min(length),
            Err(_) => length.saturating_sub(usize::try_from(bound.unsigned_abs()).unwrap_or(usize::MAX)),
        };
        (self.from.map_or(0, at), self.to.map_or(length, at))
    }

    fn is_forward(self) -> bool {
        self.step > 0 && self.from.is_none_or(|from| from >= 0) && self.to.is_none_or(|to| to >= 0)
    }
}

/// `value[from:to:step]` of a list or a text.
pub(super) fn slice(value: &ExprValue, bounds: Bounds, label: &str, work: &Rc<EvaluationWork>) -> Result<ExprValue> {
    match value {
        ExprValue::Text(text) => {
            work.text(text.as_str().len().saturating_mul(4))?;
            let chars: Vec<char> = text.as_str().chars().collect();
            Ok(ExprValue::text(&picked(&chars, bounds)?.into_iter().collect::<String>()))
        }
        ExprValue::List(list) if bounds.is_forward() => {
            let (list, work) = (list.clone(), Rc::clone(work));
            Ok(ExprValue::lazy(move || forward(&list, bounds, &work)))
        }
        ExprValue::List(list) => Ok(ExprValue::list(picked(&list.held(work)?, bounds)?)),
        other => Err(mistyped("a slice", "a list or text", label, other)),
    }
}

fn forward(list: &List, bounds: Bounds, work: &Rc<EvaluationWork>) -> Result<ElementIter> {
    let size = |bound: i64| usize::try_from(bound).unwrap_or_default();
    let from = bounds.from.map_or(0, size);
    let count = bounds.to.map_or(usize::MAX, |to| size(to).saturating_sub(from));
    let step = size(bounds.step).max(1);
    Ok(Box::new(list.elements(work)?.skip(from).take(count).step_by(step)))
}

fn picked<T: Clone>(all: &[T], bounds: Bounds) -> Result<Vec<T>> {
    let (from, to) = match bounds.step {
        0 => return Err(wrong("the step of a slice is 0")),
        step if step > 0 => bounds.within(all.len()),
        // From the end: the first element that is kept is the one after `to`.
        _ => Bounds { from: bounds.to.map(after), to: bounds.from.map(after), ..bounds }.within(all.len()),
    };
    let kept = all.get(from..to).unwrap_or_default();
    let step = usize::try_from(bounds.step.unsigned_abs()).unwrap_or(usize::MAX);
    Ok(match bounds.step > 0 {
        true => kept.iter().step_by(step).cloned().collect(),
        false => kept.iter().rev().step_by(step).cloned().collect(),
    })
}

/// The limit on the other side of an element; that of the last one is past every list.
fn after(bound: i64) -> i64 {
    if bound == -1 { i64::MAX } else { bound.saturating_add(1) }
}
