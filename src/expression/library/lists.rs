//! Filters of lists that change their order or their form.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::rc::Rc;

use indexmap::IndexMap;

use super::super::access::{at_path, path_of};
use super::super::compare::sorting;
use super::super::value::{DEPTH_MAX, ElementIter, ExprValue, List, canonical};
use super::super::work::{EvaluationWork, wrong};
use super::call::ToolCall;
use crate::error::{Error, Result};

/// The elements of a list, the characters of a text, the names of an object.
pub(super) fn list(call: &ToolCall<'_>) -> Result<ExprValue> {
    match call.value {
        ExprValue::List(_) => Ok(call.value.clone()),
        ExprValue::Map(map) => {
            Ok(ExprValue::list(map.fields(call.work)?.keys().map(|name| ExprValue::text(name)).collect()))
        }
        ExprValue::Text(text) => {
            let char = |c: char| {
                call.work.hold(c.len_utf8())?;
                Ok(ExprValue::text(c.encode_utf8(&mut [0; 4])))
            };
            Ok(ExprValue::list(text.as_str().chars().map(char).collect::<Result<_>>()?))
        }
        _ => Err(call.mistyped("a list, an object or text")),
    }
}

pub(super) fn length(call: &ToolCall<'_>) -> Result<ExprValue> {
    let length = match call.value {
        ExprValue::List(list) => list.length(call.work)?,
        ExprValue::Map(map) => map.fields(call.work)?.len() as u64,
        ExprValue::Text(text) => {
            let text = text.as_str();
            call.work.text(text.len())?;
            text.chars().count() as u64
        }
        _ => return Err(call.mistyped("a list, an object or text")),
    };
    Ok(ExprValue::number(&length.to_string()))
}

pub(super) fn first(call: &ToolCall<'_>) -> Result<ExprValue> {
    match call.value {
        ExprValue::Text(text) => {
            Ok(text.as_str().chars().next().map_or(ExprValue::Absent, |c| ExprValue::text(c.encode_utf8(&mut [0; 4]))))
        }
        _ => call.list()?.at(0, call.work),
    }
}

pub(super) fn last(call: &ToolCall<'_>) -> Result<ExprValue> {
    let list = match call.value {
        ExprValue::Text(text) => {
            let last = text.as_str().chars().next_back();
            return Ok(last.map_or(ExprValue::Absent, |c| ExprValue::text(c.encode_utf8(&mut [0; 4]))));
        }
        _ => call.list()?,
    };
    // A list without a known length is read once.
    match list {
        List::Lazy(lazy) if lazy.length().is_none() => lazy.elements()?.try_fold(ExprValue::Absent, |_, value| value),
        List::Lazy(_) | List::Held(_) | List::Json(_) => list.at(-1, call.work),
    }
}

pub(super) fn reverse(call: &ToolCall<'_>) -> Result<ExprValue> {
    if let ExprValue::Text(text) = call.value {
        return call.made(&text.as_str().chars().rev().collect::<String>());
    }
    let mut list = Vec::clone(&*call.list()?.held(call.work)?);
    list.reverse();
    Ok(ExprValue::list(list))
}

/// Lists within the list are replaced by their elements.
pub(super) fn flatten(call: &ToolCall<'_>) -> Result<ExprValue> {
    let mut list = call.list()?.clone();
    for _ in 0..call.count_or(0, 1)?.min(DEPTH_MAX) {
        list = flat(list, call.work);
    }
    Ok(ExprValue::List(list))
}

fn flat(list: List, work: &Rc<EvaluationWork>) -> List {
    let work = Rc::clone(work);
    List::lazy(move || {
        let inner = Rc::clone(&work);
        let parts = list.elements(&work)?.map(move |value| match value {
            Ok(ExprValue::List(list)) => list.elements(&inner),
            other => Ok(Box::new(std::iter::once(other)) as ElementIter),
        });
        Ok(Box::new(parts.flat_map(|part| part.unwrap_or_else(|error| Box::new(std::iter::once(Err(error)))))))
    })
}

/// Lists of one element of each; as many as the shortest has.
pub(super) fn zip(call: &ToolCall<'_>) -> Result<ExprValue> {
    let mut all = vec![call.list()?.elements(call.work)?];
    for value in call.args.all() {
        match value {
            ExprValue::List(list) => all.push(list.elements(call.work)?),
            other => return Err(wrong(format!("`zip` needs lists: its argument is {}", other.shown()))),
        }
    }
    let mut zipped = Vec::new();
    loop {
        let mut row = Vec::with_capacity(all.len());
        for list in &mut all {
            match list.next() {
                Some(value) => row.push(value?.detached()),
                None => return Ok(ExprValue::list(zipped)),
            }
        }
        call.work.hold(row.iter().map(ExprValue::held_bytes).sum())?;
        zipped.push(ExprValue::list(row));
    }
}

/// Lists of so many elements; the last one is filled.
pub(super) fn batch(call: &ToolCall<'_>) -> Result<ExprValue> {
    let size = call.count_or(0, 0)?;
    if size == 0 {
        return Err(wrong("`batch` needs a number from 1"));
    }
    let (mut all, mut current) = (Vec::new(), Vec::new());
    for value in call.list()?.elements(call.work)? {
        let value = value?.detached();
        call.work.hold(value.held_bytes())?;
        current.push(value);
        if current.len() == size {
            all.push(ExprValue::list(std::mem::take(&mut current)));
        }
    }
    if let Some(fill) = call.arg(1).filter(|_| !current.is_empty()) {
        for _ in current.len()..size {
            call.work.hold(0)?;
            current.push(fill.clone());
        }
    }
    if !current.is_empty() {
        all.push(ExprValue::list(current));
    }
    Ok(ExprValue::list(all))
}

/// Values with their keys in order. `is_reversed` is for each key; null and absent keys are last either way.
pub(super) fn sorted(
    call: &ToolCall<'_>,
    mut all: Vec<(Vec<ExprValue>, ExprValue)>,
    compare: impl Fn(&ExprValue, &ExprValue) -> Result<Ordering>,
    is_reversed: &[bool],
) -> Result<ExprValue> {
    let mut error: Option<Error> = None;
    all.sort_by(|(a, _), (b, _)| {
        if error.is_some() {
            return Ordering::Equal;
        }
        for ((a, b), is_reversed) in a.iter().zip(b).zip(is_reversed) {
            let order = match (a.is_null(), b.is_null()) {
                (false, false) => call.work.step().and_then(|()| compare(a, b)),
                (a, b) => Ok(if *is_reversed { b.cmp(&a) } else { a.cmp(&b) }),
            };
            match order {
                Ok(Ordering::Equal) => {}
                Ok(order) => return if *is_reversed { order.reverse() } else { order },
                Err(e) => {
                    error = Some(e);
                    return Ordering::Equal;
                }
            }
        }
        Ordering::Equal
    });
    match error {
        Some(error) => Err(error.with(|d| d.message = format!("`{}` of {}: {}", call.name, call.label, d.message))),
        None => Ok(ExprValue::list(all.into_iter().map(|(_, value)| value).collect())),
    }
}

/// By one or several paths, such as `'company.name,-id'`; a minus reverses.
pub(super) fn sort(call: &ToolCall<'_>) -> Result<ExprValue> {
    let (is_reversed, is_case_sensitive) = (call.flag(1)?, call.flag(2)?);
    let names = call.text_arg(0)?.unwrap_or_default();
    let mut paths = Vec::new();
    let mut directions = Vec::new();
    for name in names.split(',').map(str::trim) {
        let path = name.strip_prefix('-').unwrap_or(name);
        directions.push(is_reversed != name.starts_with('-'));
        paths.push(if path.is_empty() { Vec::new() } else { path_of(path) });
    }
    let label = call.element_label();
    let all = call.list()?.held(call.work)?;
    let key = |value: &ExprValue| {
        let keys: Result<Vec<_>> = paths
            .iter()
            .map(|path| {
                let key = at_path(value, path, &label, call.work)?;
                call.work.hold(0).map(|()| key)
            })
            .collect();
        Ok((keys?, value.clone()))
    };
    let all = all.iter().map(key).collect::<Result<_>>()?;
    sorted(call, all, |a, b| sorting(a, b, is_case_sensitive, call.work), &directions)
}

/// The first of equal elements, or of those with an equal value at a path.
pub(super) fn unique(call: &ToolCall<'_>) -> Result<ExprValue> {
    let path = call.path_arg(0)?.unwrap_or_default();
    let label = call.element_label();
    let (mut seen, mut kept) = (HashSet::new(), Vec::new());
    for value in call.list()?.elements(call.work)? {
        let value = value?;
        let key = canonical(&at_path(&value, &path, &label, call.work)?, call.work)?;
        call.work.step()?;
        if !seen.contains(&key) {
            call.work.hold(key.len().saturating_add(value.held_bytes()))?;
            seen.insert(key);
            kept.push(value.detached());
        }
    }
    Ok(ExprValue::list(kept))
}

/// Objects with `key` and `items`, in the order in which the keys appear.
pub(super) fn groupby(call: &ToolCall<'_>) -> Result<ExprValue> {
    let path = call.path_arg(0)?.unwrap_or_default();
    let label = call.element_label();
    let mut groups: IndexMap<String, (ExprValue, Vec<ExprValue>)> = IndexMap::new();
    for value in call.list()?.elements(call.work)? {
        let value = value?;
        let key = match (at_path(&value, &path, &label, call.work)?, call.arg(1)) {
            (key, Some(default)) if key.is_null() => default.clone(),
            (key, _) => key.detached(),
        };
        let value = value.detached();
        let name = canonical(&key, call.work)?;
        call.work.step()?;
        call.work.hold(name.len().saturating_add(value.held_bytes()))?;
        groups.entry(name).or_insert_with(|| (key, Vec::new())).1.push(value);
    }
    let group = |(key, items): (ExprValue, Vec<ExprValue>)| {
        ExprValue::map([("key".to_owned(), key), ("items".to_owned(), ExprValue::list(items))].into_iter().collect())
    };
    Ok(ExprValue::list(groups.into_values().map(group).collect()))
}
