//! The values that an expression can read: the documented names only.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::lookup::{LookupKey, scan};
use crate::error::Result;
use crate::secret::Redactor;

/// The top-level names.
pub(crate) const NAMES: [&str; 10] =
    ["vars", "inputs", "env", "connection", "steps", "item", "index", "parent", "watermark", "run"];

/// The values that an expression can read at one point of a run. All values are JSON text.
#[derive(Clone, Default)]
pub(crate) struct Scope {
    /// Names that are constant within a job: vars, inputs, env, connection, run.
    pub(crate) fixed: Arc<BTreeMap<&'static str, Fields>>,
    pub(crate) steps: Arc<BTreeMap<String, StepView>>,
    pub(crate) item: Option<Arc<str>>,
    /// The element of `for` while `item` is one of its rows.
    pub(crate) parent: Option<Arc<str>>,
    pub(crate) index: Option<u64>,
    pub(crate) watermark: Option<Arc<str>>,
}

impl Scope {
    /// A text without the values of environment variables, which may be secrets.
    pub(super) fn masked(&self, text: &str) -> String {
        let texts = self.fixed.get("env").into_iter().flat_map(|env| env.values());
        let values: Vec<String> = texts.filter_map(|json| serde_json::from_str(json).ok()).collect();
        Redactor::new(values.iter().map(String::as_str)).mask(text).into_owned()
    }
}

/// Names and their JSON.
pub(crate) type Fields = Arc<BTreeMap<String, Arc<str>>>;

/// An earlier step, for expressions. Values are JSON text.
#[derive(Clone)]
pub(crate) struct StepView {
    pub(crate) rows: Arc<dyn RowSource>,
    pub(crate) receipt: Arc<str>,
    /// Values that its operation keeps beside the rows.
    pub(crate) kept: Fields,
    /// ExprText.
    pub(crate) status: Arc<str>,
    /// Null, or an object with kind and message.
    pub(crate) error: Arc<str>,
    /// An object.
    pub(crate) counts: Arc<str>,
}

impl Default for StepView {
    fn default() -> StepView {
        let null = || Arc::from("null");
        let (receipt, status, error, counts) = (null(), null(), null(), null());
        StepView { rows: Arc::new(NoRows), receipt, kept: Fields::default(), status, error, counts }
    }
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

    /// The first row whose value at a path is the key.
    fn lookup(&self, path: &[String], key: &LookupKey) -> Result<Option<Arc<str>>> {
        Ok(self.lookup_all(path, key, 1)?.pop())
    }

    /// The rows whose value at a path is the key, at most this many. This reads all rows; a source with an index reads only
    /// those.
    fn lookup_all(&self, path: &[String], key: &LookupKey, most: usize) -> Result<Vec<Arc<str>>> {
        scan(self.rows_again()?, path, key, most)
    }
}

/// Rows one after the other, each as JSON text.
pub(crate) type RowIter = Box<dyn Iterator<Item = Result<Arc<str>>> + Send>;

/// The rows of a step that has none.
#[derive(Debug)]
struct NoRows;

impl RowSource for NoRows {
    fn count(&self) -> u64 {
        0
    }

    fn row(&self, _number: u64) -> Result<Option<Arc<str>>> {
        Ok(None)
    }

    fn rows(&self) -> Result<RowIter> {
        Ok(Box::new(std::iter::empty()))
    }

    fn rows_again(&self) -> Result<RowIter> {
        self.rows()
    }
}

impl StepView {
    /// One of its values that are single texts of JSON.
    pub(super) fn text(&self, name: &str) -> Option<&Arc<str>> {
        match name {
            "receipt" => Some(&self.receipt),
            "status" => Some(&self.status),
            "error" => Some(&self.error),
            "counts" => Some(&self.counts),
            _ => None,
        }
    }
}

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
            [root, step, name, rest @ ..] if root == "steps" => {
                self.steps.get(step).and_then(|view| view.text(name)).map(|text| (text, rest))
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
    pub(super) fn changing(&self, name: &str) -> Option<&Arc<str>> {
        match name {
            "item" => self.item.as_ref(),
            "parent" => self.parent.as_ref(),
            "watermark" => self.watermark.as_ref(),
            _ => None,
        }
    }
}
