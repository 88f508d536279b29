//! Known fields of a step's rows and of the items that expressions read: unknown field names are faults of the file.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use serde_json::Value;

use crate::authoring::Checker;
use crate::batch::row_source::ItemSource;
use crate::batch::run_plan::Step;
use crate::batch::save_plan::Save;
use crate::definition::{Fields, Method, Operation};
use crate::error::nearest;
use crate::expression::{Expr, Shape};
use crate::json_pointer::escape;

/// The values that a step's expressions read.
#[derive(Clone, Default)]
pub(super) struct Sources {
    pub(super) item: Fields,
    pub(super) parent: Fields,
    /// Rows of earlier steps.
    pub(super) steps: Rc<BTreeMap<String, Fields>>,
}

impl Sources {
    /// The fields of a source's elements.
    pub(super) fn of_source(&self, source: Option<&ItemSource>) -> Fields {
        match source {
            Some(ItemSource::Step(id)) => self.steps.get(id).cloned().unwrap_or_default(),
            Some(ItemSource::Combinations(parts)) => {
                let known = parts.iter().map(|(name, part)| (name.clone(), self.of_source(Some(part)))).collect();
                Fields::Object { known: Arc::new(known), is_whole: true }
            }
            Some(ItemSource::Shape(shape)) => match self.of_shape(shape) {
                Fields::List(element) => *element,
                other => other,
            },
            None => Fields::Any,
        }
    }

    /// The fields of a value with expressions.
    pub(super) fn of_shape(&self, shape: &Shape) -> Fields {
        match shape {
            Shape::Fixed(json) => crate::json_text::value_of(json).map(|value| of_value(&value)).unwrap_or_default(),
            Shape::Text(_) => Fields::Plain,
            Shape::List(list) => {
                let element = list.iter().map(|shape| self.of_shape(shape)).reduce(Fields::and).unwrap_or_default();
                Fields::List(Box::new(element))
            }
            Shape::Map(map) => {
                let known = Arc::new(map.iter().map(|(name, shape)| (name.clone(), self.of_shape(shape))).collect());
                Fields::Object { known, is_whole: true }
            }
            Shape::Value(expr) => match expr.path().and_then(|path| self.find(path)) {
                Some((fields, rest)) => fields.part(rest),
                None => self.handed_on(expr),
            },
        }
    }

    /// The fields of the rows that an expression selects from.
    fn handed_on(&self, expr: &Expr) -> Fields {
        let rows = |id: &String| self.steps.get(id).cloned().unwrap_or_default();
        let all = expr.handed_on().unwrap_or_default();
        // If nothing is known of one kind of rows, nothing is known of all.
        if all.iter().any(|id| rows(id) == Fields::Any) {
            return Fields::Any;
        }
        all.iter().map(rows).reduce(Fields::and).map_or(Fields::Any, |element| Fields::List(Box::new(element)))
    }

    /// The start of a path, and the rest of it.
    fn find<'p>(&self, path: &'p [String]) -> Option<(Fields, &'p [String])> {
        match path {
            [root, rest @ ..] if root == "item" => Some((self.item.clone(), rest)),
            [root, rest @ ..] if root == "parent" => Some((self.parent.clone(), rest)),
            [root, id, items, rest @ ..] if root == "steps" && items == "items" => {
                Some((Fields::List(Box::new(self.steps.get(id)?.clone())), rest))
            }
            _ => None,
        }
    }

    /// Faults of an expression's paths.
    pub(super) fn check(&self, c: &mut Checker<'_>, at: &str, expr: &Expr) {
        let mut told = Vec::new();
        for path in expr.paths() {
            let Some(unknown) = self.find(path).and_then(|(fields, rest)| fields.unknown(rest, ".")) else { continue };
            if told.contains(&unknown) {
                continue;
            }
            let root =
                if path.first().is_some_and(|root| root == "steps") { "the rows of the step have" } else { "it has" };
            let message = format!("`{}`: {root} no field `{}`{}", expr.source(), unknown.path, unknown.hint());
            c.fault(at, message, Some(OTHERWISE.into()));
            told.push(unknown);
        }
    }
}

/// Advice for a field that the definition does not know.
pub(super) const OTHERWISE: &str = "if the system has this field, set `unknown_fields: warn` in the step";

fn of_value(value: &Value) -> Fields {
    match value {
        Value::Array(list) => Fields::List(Box::new(Fields::of_values(list))),
        other => Fields::of_values([other]),
    }
}

/// Faults of the fields that `map` sets for a write; `has` says which options are given.
pub(super) fn check_map(c: &mut Checker<'_>, at: &str, operation: &Operation, map: &Shape, has: impl Fn(&str) -> bool) {
    if operation.method == Method::Query {
        return;
    }
    let fields: Vec<String> = match map {
        Shape::Map(fields) => fields.iter().map(|(name, _)| name.clone()).collect(),
        Shape::Fixed(json) => {
            crate::json_text::fields_of(json).unwrap_or_default().into_iter().map(|(name, _)| name).collect()
        }
        Shape::List(_) | Shape::Text(_) | Shape::Value(_) => return,
    };
    for option in operation.options.iter().filter(|o| o.required && operation.item_may_fill(o) && !has(&o.name)) {
        let names = || fields.iter().map(String::as_str);
        if names().all(|name| name != option.name) {
            let near = nearest(&option.name, names()).map(|n| format!("; is `{n}` meant?")).unwrap_or_default();
            c.fault(at, format!("`{}` is missing; it identifies the record{near}", option.name), None);
        }
    }
    if operation.items.is_none() {
        return;
    }
    let mut path = Vec::new();
    unknown_in(c, at, operation, map, &mut path);
}

fn unknown_in(c: &mut Checker<'_>, at: &str, operation: &Operation, shape: &Shape, path: &mut Vec<String>) {
    let names: Vec<(String, Option<&Shape>)> = match shape {
        Shape::Map(map) => map.iter().map(|(name, shape)| (name.clone(), Some(shape))).collect(),
        Shape::Fixed(json) => {
            crate::json_text::fields_of(json).unwrap_or_default().into_iter().map(|(name, _)| (name, None)).collect()
        }
        Shape::List(_) | Shape::Text(_) | Shape::Value(_) => return,
    };
    for (name, inner) in names {
        let at = format!("{at}/{}", escape(&name));
        path.push(name);
        if let Some(unknown) = operation.item_fields().unknown(path, "/") {
            let message = format!("{} has no field `{}`{}", operation.id, unknown.path, unknown.hint());
            c.fault(&at, message, Some(OTHERWISE.into()));
        } else if let Some(inner) = inner {
            unknown_in(c, &at, operation, inner, path);
        }
        path.pop();
    }
}

/// Faults of columns that no row has.
pub(super) fn check_columns(c: &mut Checker<'_>, at: &str, columns: &[String], rows: &Fields) {
    for (index, column) in columns.iter().enumerate() {
        let path = crate::json_pointer::path_of(column);
        if let Some(unknown) = rows.unknown(&path, "/") {
            let message = format!("no row has a field `{}`{}", unknown.path, unknown.hint());
            c.fault(&format!("{at}/{index}"), message, Some(OTHERWISE.into()));
        }
    }
}

/// Requests only the fields of the columns, if nothing else reads the rows.
pub(super) fn push_columns_down(steps: &mut [(usize, Step, Option<Arc<Operation>>)]) {
    let needed: BTreeSet<usize> = steps.iter().flat_map(|(_, step, _)| step.needs.iter().copied()).collect();
    for (number, step, operation) in steps {
        let Some(operation) = operation else { continue };
        let is_read = step.method != Method::Query || needed.contains(number);
        let is_whole = |save: &Save| save.table.columns.is_empty() || save.is_partitioned();
        if is_read || step.save.is_empty() || step.save.iter().any(is_whole) {
            continue;
        }
        let is_looked_at = step.keep.is_some() || step.map.is_some() || step.watermark.is_some();
        let columns: Vec<String> = step.save.iter().flat_map(|save| save.table.columns.iter().cloned()).collect();
        let chosen = operation.chosen(operation.record_fields(), &columns, step.forward_only);
        if let (Some((name, json)), Shape::Map(options), false) = (chosen, &mut step.options, is_looked_at)
            && options.iter().all(|(given, _)| *given != name)
        {
            options.push((name, Shape::Fixed(json)));
        }
    }
}
