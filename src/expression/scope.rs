//! What an expression sees: the documented names and nothing else.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use minijinja::Value;
use minijinja::value::{Enumerator, Object, ObjectRepr};

use super::budget::{self, Weight};
use super::record::Record;
use crate::error::Error;
use crate::run_store::extent::Extent;
use crate::run_store::rows::Rows;

/// The names at the top.
pub(crate) const NAMES: [&str; 9] =
    ["vars", "env", "connection", "steps", "item", "index", "parent", "watermark", "run"];

/// What an expression may read at one point of a run.
#[derive(Clone, Default)]
pub(crate) struct Scope {
    /// Values that stay the same over a job: vars, env, connection, run.
    pub(crate) fixed: Arc<BTreeMap<&'static str, Value>>,
    /// The JSON of `vars`.
    pub(crate) vars: Arc<BTreeMap<String, String>>,
    pub(crate) steps: Arc<BTreeMap<String, Arc<StepView>>>,
    pub(crate) item: Option<Arc<str>>,
    /// The element of `for` while `item` is one of its rows.
    pub(crate) parent: Option<Arc<str>>,
    pub(crate) index: Option<u64>,
    pub(crate) watermark: Option<Arc<str>>,
    /// Why the items of an earlier step could not be read meanwhile.
    pub(crate) trouble: Arc<OnceLock<Error>>,
}

/// An earlier step as expressions see it.
#[derive(Debug)]
pub(crate) struct StepView {
    pub(crate) spool: PathBuf,
    /// What the journal knows of its rows.
    pub(crate) marks: Arc<[Extent]>,
    /// Bytes of the spool that expressions have compared with that. They may read it once for each item.
    pub(crate) known: Arc<AtomicU64>,
    pub(crate) count: u64,
    pub(crate) receipt: Value,
}

impl Scope {
    /// The same with an item of its own.
    pub(crate) fn with_item(&self, item: &str, index: u64) -> Scope {
        Scope { item: Some(Arc::from(item)), index: Some(index), ..self.clone() }
    }

    /// JSON text of a name whose value is at hand as text.
    pub(crate) fn raw(&self, name: &str) -> Option<&str> {
        self.shared(name).map(AsRef::as_ref)
    }

    /// JSON text of what a path of names leads to from here, and the names that are left; `None` where it is not at hand as text.
    pub(crate) fn text<'p>(&self, path: &'p [String]) -> Option<(Cow<'_, str>, &'p [String])> {
        match path {
            [root, name, rest @ ..] if root == "vars" => Some((self.vars.get(name)?.into(), rest)),
            [root, step, items, index, rest @ ..] if root == "steps" && items == "items" => {
                let items =
                    SpooledItems { view: Arc::clone(self.steps.get(step)?), trouble: Arc::clone(&self.trouble) };
                let mut rows = items.rows();
                rows.pass(index.parse().ok()?);
                Some((rows.line()?.into(), rest))
            }
            [root, rest @ ..] => Some((self.raw(root)?.into(), rest)),
            [] => None,
        }
    }

    fn shared(&self, name: &str) -> Option<&Arc<str>> {
        match name {
            "item" => self.item.as_ref(),
            "parent" => self.parent.as_ref(),
            "watermark" => self.watermark.as_ref(),
            _ => None,
        }
    }

    /// As a value of the expression language.
    pub(crate) fn to_value(&self) -> Value {
        Value::from_object(Root(self.clone()))
    }

    /// What went wrong while the last evaluation read items.
    pub(crate) fn trouble(&self) -> Option<Error> {
        self.trouble.get().cloned()
    }
}

/// JSON of the engine's own as a value.
pub(crate) fn value_of(json: &str) -> Value {
    serde_json::from_str(json).unwrap_or_else(|_| Value::from(json))
}

/// Names and their JSON as one object of the expression language, read as an expression names them.
pub(crate) fn object(fields: &BTreeMap<String, String>) -> Value {
    let fields: Vec<String> =
        fields.iter().map(|(name, json)| format!("{}:{json}", serde_json::Value::from(name.as_str()))).collect();
    Record::wrap(&Arc::from(format!("{{{}}}", fields.join(","))))
}

struct Root(Scope);

impl std::fmt::Debug for Root {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("scope")
    }
}

impl Object for Root {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let scope = &self.0;
        match key.as_str()? {
            "index" => scope.index.map(Value::from),
            "steps" => Some(Value::from_object(Steps(scope.clone()))),
            name => match scope.shared(name) {
                Some(json) => Some(Record::wrap(json)),
                None => scope.fixed.get(name).filter(|value| Weight::of(value).and_then(|w| w.pay(1)).is_ok()).cloned(),
            },
        }
    }
}

struct Steps(Scope);

impl std::fmt::Debug for Steps {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.steps.keys()).finish()
    }
}

impl Object for Steps {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let view = self.0.steps.get(key.as_str()?)?;
        let items = Value::from_object(SpooledItems { view: Arc::clone(view), trouble: Arc::clone(&self.0.trouble) });
        Some(Value::from_pairs([
            ("items", items),
            ("count", Value::from(view.count)),
            ("receipt", view.receipt.clone()),
        ]))
    }
}

/// A step's items, read from disk as they are asked for.
#[derive(Debug)]
pub(crate) struct SpooledItems {
    view: Arc<StepView>,
    trouble: Arc<OnceLock<Error>>,
}

impl Object for SpooledItems {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Seq
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let mut rows = self.rows();
        rows.pass(key.as_usize()?);
        rows.next()
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        // An iterator of the language is shared between threads.
        let rows = Mutex::new(self.rows());
        Enumerator::Iter(Box::new(std::iter::from_fn(move || {
            rows.lock().unwrap_or_else(PoisonError::into_inner).next()
        })))
    }

    fn enumerator_len(self: &Arc<Self>) -> Option<usize> {
        usize::try_from(self.view.count).ok()
    }
}

impl SpooledItems {
    pub(crate) fn count(&self) -> u64 {
        self.view.count
    }

    fn rows(&self) -> Reader {
        let view = &self.view;
        let mut reader = Reader { rows: None, trouble: Arc::clone(&self.trouble) };
        match Rows::open_known(&view.spool, Arc::clone(&view.marks), Arc::clone(&view.known)) {
            Ok(rows) => reader.rows = Some(rows),
            Err(e) => reader.note(e),
        }
        reader
    }
}

/// Rows that are passed over cost this part of what reading them costs.
const PASSED: u64 = 16;

/// Rows of a step one after the other. The expression language has no errors of files: one that happens is kept aside, and fails the
/// evaluation afterwards.
struct Reader {
    rows: Option<Rows>,
    trouble: Arc<OnceLock<Error>>,
}

impl Reader {
    fn note(&mut self, error: Error) {
        let _first_counts = self.trouble.set(error);
        self.rows = None;
    }

    fn pass(&mut self, count: usize) {
        for _ in 0..count {
            let Some(rows) = &mut self.rows else { return };
            match rows.skip_row() {
                Ok(0) => self.rows = None,
                Ok(length) if budget::bytes(budget::size(length).div_ceil(PASSED)).is_ok() => {}
                Ok(_) => self.rows = None,
                Err(e) => self.note(e),
            }
        }
    }

    fn line(&mut self) -> Option<String> {
        match self.rows.as_mut()?.next_row() {
            Ok(row) => {
                let row = row?;
                budget::elements(1).and_then(|()| budget::bytes(budget::size(row.len() + 1))).ok()?;
                Some(row.to_owned())
            }
            Err(e) => {
                self.note(e);
                None
            }
        }
    }
}

impl Iterator for Reader {
    type Item = Value;

    fn next(&mut self) -> Option<Value> {
        self.line().map(|line| Record::wrap(&Arc::from(line)))
    }
}

#[cfg(test)]
mod tests {
    use super::Scope;
    use crate::expression::expr::{Expr, Shape};

    fn evaluate(source: &str, item: &str) -> String {
        let scope = Scope::default().with_item(item, 7);
        Expr::parse(source).unwrap_or_else(|e| panic!("{e:?}")).json(&scope).unwrap_or_else(|e| e.to_string())
    }

    #[test]
    fn items_keep_their_bytes_and_miss_nothing() {
        let item = r#"{"id": 12345678901234567890123, "price": 1.10, "name": "Ä", "none": null, "a": {"b": [1, 2]}}"#;
        for (source, expected) in [
            ("item", item),
            ("item.id", "12345678901234567890123"),
            ("item.price", "1.10"),
            ("item.a.b[1]", "2"),
            ("item.missing.deeper", "null"),
            ("item.missing is none", "true"),
            ("item.none is none", "true"),
            ("item.name is none", "false"),
            ("item.missing.deeper is none", "true"),
            ("item.a.missing | default('x', true)", "\"x\""),
            ("item.a.b | length + index", "9"),
            ("item.name == 'Ä' and index > 6", "true"),
            ("item.a.b | join('-')", "\"1-2\""),
        ] {
            assert_eq!(evaluate(source, item), expected, "{source}");
        }
    }

    #[test]
    fn numbers_beyond_arithmetic_are_errors() {
        let item = r#"{"id": 18446744073709551617, "same": 18446744073709551617, "next": 18446744073709551618, "long": 1234567890123456789012345678901234567890, "far": 1e400}"#;
        for (source, expected) in [
            ("item.id + 1", "18446744073709551618"),
            ("item.id == item.same", "true"),
            ("item.id == item.next", "false"),
            ("item.id < item.next", "true"),
            ("'id-' ~ item.id", "\"id-18446744073709551617\""),
            ("{'id': item.id}", "{\"id\":18446744073709551617}"),
            ("[item] | map(attribute='id') | list", "[18446744073709551617]"),
            ("item.id | default(0)", "18446744073709551617"),
            ("item.far", "1e400"),
            ("item.long", "1234567890123456789012345678901234567890"),
        ] {
            assert_eq!(evaluate(source, item), expected, "{source}");
        }
        for source in [
            "item.long + 1",
            "item.far > 5",
            "'id-' ~ item.long",
            "item.long | default(0)",
            "[item] | tojson",
            "{'id': item.long}",
        ] {
            let told = evaluate(source, item);
            assert!(told.contains("a number that expressions cannot hold"), "{source}: {told}");
        }
    }

    #[test]
    fn text_has_no_room_for_null() {
        let scope = Scope::default().with_item(r#"{"id": 7}"#, 0);
        let text = |t: &str| Shape::text(t).unwrap_or_else(|e| panic!("{e:?}")).json(&scope);
        assert_eq!(text("id=${{ item.id }} and").unwrap(), "\"id=7 and\"");
        assert!(text("id=${{ item.company.id }}").unwrap_err().message.contains("is null"));
    }
}
