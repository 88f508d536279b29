//! The values that an expression can read: the documented names only.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use minijinja::Value;
use minijinja::value::{Enumerator, Object, ObjectRepr};

use super::record::{self, RecordReading};
use crate::error::Result;

/// The top-level names.
pub(crate) const NAMES: [&str; 10] =
    ["vars", "inputs", "env", "connection", "steps", "item", "index", "parent", "watermark", "run"];

/// The values that an expression can read at one point of a run. All values are JSON text.
#[derive(Clone, Default)]
pub(crate) struct Scope {
    /// Names that are constant within a job: vars, env, connection, run.
    pub(crate) fixed: Arc<BTreeMap<&'static str, Fields>>,
    pub(crate) steps: Arc<BTreeMap<String, StepView>>,
    pub(crate) item: Option<Arc<str>>,
    /// The element of `for` while `item` is one of its rows.
    pub(crate) parent: Option<Arc<str>>,
    pub(crate) index: Option<u64>,
    pub(crate) watermark: Option<Arc<str>>,
}

/// Names and their JSON.
pub(crate) type Fields = Arc<BTreeMap<String, Arc<str>>>;

/// An earlier step, for expressions.
#[derive(Clone)]
pub(crate) struct StepView {
    pub(crate) rows: Arc<dyn RowSource>,
    pub(crate) receipt: Arc<str>,
    /// Values that its operation keeps beside the rows.
    pub(crate) kept: Fields,
    /// How it ended, as JSON: a text, null or an object with kind and message, and an object of numbers.
    pub(crate) status: Arc<str>,
    pub(crate) error: Arc<str>,
    pub(crate) counts: Arc<str>,
}

/// The rows of an earlier step, wherever they are stored.
pub(crate) trait RowSource: fmt::Debug + Send + Sync {
    /// Their number.
    fn count(&self) -> u64;

    /// One of them, by its number from 0.
    fn row(&self, number: u64) -> Result<Option<Arc<str>>>;

    /// All of them, for a single pass.
    fn rows(&self) -> Result<RowIter>;

    /// All of them, for a pass per item.
    fn rows_again(&self) -> Result<RowIter>;
}

/// Rows one after the other, each as JSON text.
pub(crate) type RowIter = Box<dyn Iterator<Item = Result<Arc<str>>> + Send>;

impl Scope {
    /// The same with another item.
    pub(crate) fn with_item(&self, item: &str, index: u64) -> Scope {
        Scope { item: Some(Arc::from(item)), index: Some(index), ..self.clone() }
    }

    /// JSON text at a path of names, and the remaining names; `None` if it is not available as text.
    pub(super) fn text<'p>(&self, path: &'p [String]) -> Result<Option<(Cow<'_, str>, &'p [String])>> {
        let found = match path {
            [root, step, items, index, rest @ ..] if root == "steps" && items == "items" => {
                let (Some(view), Ok(number)) = (self.steps.get(step), index.parse()) else { return Ok(None) };
                return Ok(view.rows.row(number)?.map(|row| (Cow::Owned(row.to_string()), rest)));
            }
            [root, step, kept, name, rest @ ..] if root == "steps" && kept == "kept" => {
                self.steps.get(step).and_then(|view| view.kept.get(name)).map(|text| (text, rest))
            }
            [root, name, rest @ ..] if self.fixed.contains_key(root.as_str()) => {
                self.fixed.get(root.as_str()).and_then(|fields| fields.get(name)).map(|text| (text, rest))
            }
            [root, rest @ ..] => self.changing(root).map(|text| (text, rest)),
            [] => None,
        };
        Ok(found.map(|(text, rest)| (Cow::Borrowed(text.as_ref()), rest)))
    }

    /// JSON of a name that changes from item to item.
    fn changing(&self, name: &str) -> Option<&Arc<str>> {
        match name {
            "item" => self.item.as_ref(),
            "parent" => self.parent.as_ref(),
            "watermark" => self.watermark.as_ref(),
            _ => None,
        }
    }

    /// As a value of the language, for one evaluation.
    pub(super) fn to_value(&self, reading: &Arc<RecordReading>) -> Value {
        let (scope, reading) = (self.clone(), Arc::clone(reading));
        Value::from_object(NameCollector(move |name: &str| match name {
            "index" => scope.index.map(Value::from),
            "steps" => Some(steps(Arc::clone(&scope.steps), Arc::clone(&reading))),
            name => match scope.changing(name) {
                Some(text) => Some(record::value(text, &reading)),
                None => scope.fixed.get(name).map(|all| fields(Arc::clone(all), Arc::clone(&reading))),
            },
        }))
    }
}

fn fields(fields: Fields, reading: Arc<RecordReading>) -> Value {
    Value::from_object(NameCollector(move |name: &str| fields.get(name).map(|text| record::value(text, &reading))))
}

fn steps(steps: Arc<BTreeMap<String, StepView>>, reading: Arc<RecordReading>) -> Value {
    let step = move |id: &str| {
        let view = steps.get(id)?.clone();
        let reading = Arc::clone(&reading);
        Some(Value::from_object(NameCollector(move |name: &str| match name {
            "items" => {
                Some(Value::from_object(ItemsValue { rows: Arc::clone(&view.rows), reading: Arc::clone(&reading) }))
            }
            "count" => Some(Value::from(view.rows.count())),
            "receipt" => Some(record::value(&view.receipt, &reading)),
            "status" => Some(record::value(&view.status, &reading)),
            "error" => Some(record::value(&view.error, &reading)),
            "counts" => Some(record::value(&view.counts, &reading)),
            "kept" => Some(fields(Arc::clone(&view.kept), Arc::clone(&reading))),
            _ => None,
        })))
    };
    Value::from_object(NameCollector(step))
}

/// Names whose values are created on demand.
struct NameCollector<F>(F);

impl<F> fmt::Debug for NameCollector<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("names")
    }
}

impl<F: Fn(&str) -> Option<Value> + Send + Sync + 'static> Object for NameCollector<F> {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        (self.0)(key.as_str()?)
    }
}

/// A step's rows, read on demand.
#[derive(Debug)]
struct ItemsValue {
    rows: Arc<dyn RowSource>,
    reading: Arc<RecordReading>,
}

/// Bytes counted for a skipped row.
const PASSED: u64 = 32;

impl ItemsValue {
    /// A row as a value; none if it cannot be read.
    fn value(&self, row: Result<Option<Arc<str>>>) -> Option<Value> {
        let row = row.map_err(|error| self.reading.note(error)).ok().flatten()?;
        self.reading.take(row.len()).then(|| record::value(&row, &self.reading))
    }
}

impl Object for ItemsValue {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Seq
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let number = u64::try_from(key.as_usize()?).ok()?;
        let passed = usize::try_from(number.saturating_mul(PASSED)).unwrap_or(usize::MAX);
        if number >= self.rows.count() || !self.reading.take(passed) {
            return None;
        }
        self.value(self.rows.row(number))
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        let (items, rows) = (Arc::clone(self), self.rows.rows_again());
        // An iterator of the language is shared between threads.
        let rows = Mutex::new(rows.unwrap_or_else(|error| Box::new(std::iter::once(Err(error)))));
        Enumerator::Iter(Box::new(std::iter::from_fn(move || {
            let row = rows.lock().unwrap_or_else(PoisonError::into_inner).next();
            items.value(row.transpose())
        })))
    }

    fn enumerator_len(self: &Arc<Self>) -> Option<usize> {
        usize::try_from(self.rows.count()).ok()
    }
}
