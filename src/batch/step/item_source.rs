//! Elements and items, one by one: an earlier step's rows from disk, or a value in memory.

use std::collections::BTreeMap;

use crate::batch::row_source::ItemSource;
use crate::batch::run_plan::Step;
use crate::definition::Method;
use crate::error::{Error, ErrorKind, Result};
use crate::expression::{RowIter, Scope};
use crate::json_text::put_object;
use crate::run_store::StepState;

/// The elements of a source, with their numbers from 0.
pub(in crate::batch) struct Elements {
    source: StepItems,
    next: u64,
}

enum StepItems {
    Rows(RowIter),
    List(std::vec::IntoIter<String>),
    Combinations(Combinations),
}

/// Each combination of the elements of several lists; the last list changes fastest.
struct Combinations {
    names: Vec<String>,
    lists: Vec<Vec<String>>,
    /// The position in each list; `None` at the end.
    at: Option<Vec<usize>>,
}

impl Combinations {
    fn open(parts: &[(String, ItemSource)], scope: &Scope) -> Result<Combinations> {
        let list = |part: &ItemSource| Elements::open(part, scope)?.map(|e| e.map(|(_, json)| json)).collect();
        let lists = parts.iter().map(|(_, part)| list(part)).collect::<Result<Vec<Vec<String>>>>()?;
        let is_some = !lists.is_empty() && lists.iter().all(|list| !list.is_empty());
        let at = is_some.then(|| vec![0; lists.len()]);
        Ok(Combinations { names: parts.iter().map(|(name, _)| name.clone()).collect(), lists, at })
    }
}

impl Iterator for Combinations {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        let at = self.at.as_mut()?;
        let mut json = String::new();
        let values = self.lists.iter().zip(&*at).filter_map(|(list, at)| list.get(*at));
        put_object(&mut json, self.names.iter().map(String::as_str).zip(values), |json, value| json.push_str(value));
        for (at, list) in at.iter_mut().zip(&self.lists).rev() {
            *at += 1;
            if *at < list.len() {
                return Some(json);
            }
            *at = 0;
        }
        self.at = None;
        Some(json)
    }
}

impl Elements {
    /// Opens a source.
    ///
    /// # Errors
    /// `state` when an earlier step's rows cannot be read; `invalid_items` when a value is not a list.
    pub(in crate::batch) fn open(source: &ItemSource, scope: &Scope) -> Result<Elements> {
        let source = match source {
            ItemSource::Step(id) => match scope.steps.get(id) {
                Some(view) => StepItems::Rows(view.rows.rows()?),
                None => return Err(Error::new(ErrorKind::Internal, format!("the step {id} has no rows to read"))),
            },
            ItemSource::Combinations(parts) => StepItems::Combinations(Combinations::open(parts, scope)?),
            ItemSource::Shape(shape) => StepItems::List(list(&shape.needed(scope)?)?.into_iter()),
        };
        Ok(Elements { source, next: 0 })
    }

    /// The next element.
    pub(in crate::batch) fn next_element(&mut self) -> Result<Option<(u64, String)>> {
        let text = match &mut self.source {
            StepItems::Rows(rows) => rows.next().transpose()?.map(|row| row.to_string()),
            StepItems::List(list) => list.next(),
            StepItems::Combinations(all) => all.next(),
        };
        Ok(text.map(|text| {
            let number = self.next;
            self.next += 1;
            (number, text)
        }))
    }
}

impl Iterator for Elements {
    type Item = Result<(u64, String)>;
    fn next(&mut self) -> Option<Self::Item> {
        self.next_element().transpose()
    }
}

/// The elements of a JSON list; an object is a list of one.
fn list(json: &str) -> Result<Vec<String>> {
    if json.starts_with('{') {
        return Ok(vec![json.to_owned()]);
    }
    let list: Vec<&serde_json::value::RawValue> = serde_json::from_str(json).map_err(|_| {
        Error::new(
            ErrorKind::InvalidItems,
            format!("expected a list, found {}", json.chars().take(60).collect::<String>()),
        )
    })?;
    Ok(list.into_iter().map(|raw| raw.get().to_owned()).collect())
}

/// The items of a write: filtered by `where` and transformed by `map`. Numbered in the order of sending.
pub(in crate::batch) struct Inputs<'s> {
    elements: Elements,
    step: &'s Step,
    scope: Scope,
    next: u64,
    /// Items that a person has replaced, by index.
    edited: BTreeMap<u64, String>,
}

impl<'s> Inputs<'s> {
    pub(in crate::batch) fn open(source: &ItemSource, step: &'s Step, scope: &Scope) -> Result<Inputs<'s>> {
        let elements = Elements::open(source, scope)?;
        Ok(Inputs { elements, step, scope: scope.clone(), next: 0, edited: BTreeMap::new() })
    }

    /// The same, with the items that a person has replaced.
    pub(in crate::batch) fn edited(mut self, known: &StepState, element: u64) -> Inputs<'s> {
        let own = known.edited.range((element, 0)..=(element, u64::MAX));
        self.edited = own.map(|((_, index), item)| (*index, item.clone())).collect();
        self
    }

    /// The next item, or the element that gives no valid item.
    ///
    /// # Errors
    /// `state` when an earlier step's rows cannot be read.
    pub(super) fn next_input(&mut self) -> Result<Option<ItemResult>> {
        while let Some((number, element)) = self.elements.next_element()? {
            let made = match shaped(self.step, &self.scope, &element, number) {
                Ok(None) => continue,
                Ok(Some(item)) => Ok(item),
                // The element is at fault; any other error is not caused by an item.
                Err(error) if error.kind() == ErrorKind::InvalidOptions => Err((element, error)),
                Err(error) => return Err(error),
            };
            let index = self.next;
            self.next += 1;
            let made = self.edited.get(&index).cloned().map_or(made, Ok);
            return Ok(Some((index, made)));
        }
        Ok(None)
    }
}

/// An item with its index; or the element that gives no item, with the reason.
type ItemResult = (u64, Result<String, (String, Error)>);

impl Iterator for Inputs<'_> {
    type Item = Result<(u64, String)>;
    fn next(&mut self) -> Option<Self::Item> {
        let whole = |(index, made): ItemResult| made.map(|item| (index, item)).map_err(|(_, error)| error);
        self.next_input().transpose().map(|input| input.and_then(whole))
    }
}

/// An item after `where` and `map`; `None` if it is filtered out.
///
/// # Errors
/// Errors of the expressions, with the item's number.
pub(super) fn shaped(step: &Step, scope: &Scope, item: &str, number: u64) -> Result<Option<String>> {
    shaped_as(step, scope, (item, number), &|| format!("item {number}"))
}

/// The same for an item that messages call by another name.
///
/// # Errors
/// Errors of the expressions, with this name.
pub(super) fn shaped_as(
    step: &Step,
    scope: &Scope,
    (item, number): (&str, u64),
    name: &dyn Fn() -> String,
) -> Result<Option<String>> {
    if step.keep.is_none() && step.map.is_none() {
        return Ok(Some(item.to_owned()));
    }
    let scope = scope.with_item(item, number);
    let numbered = |key: &'static str| {
        move |e: Error| {
            let message = format!("`{key}` at {}: {}", name(), e.message);
            e.with(|d| d.message = message)
        }
    };
    if let Some(keep) = &step.keep
        && !keep.truth(&scope).map_err(numbered("where"))?
    {
        return Ok(None);
    }
    match &step.map {
        // A query may return null; a write must not send it by accident.
        Some(map) if step.method == Method::Query => map.json(&scope).map(Some).map_err(numbered("map")),
        Some(map) => map.needed(&scope).map(Some).map_err(numbered("map")),
        None => Ok(Some(item.to_owned())),
    }
}
