//! The values of an evaluation. Numbers and texts from JSON keep their bytes; lists may be lazy.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use indexmap::IndexMap;
use jiff::civil::Date;
use jiff::{Span, Zoned};

use super::json::{JsonList, Part, decoded, field};
use super::scope::{Fields, RowSource, StepView};
use super::work::{EvaluationWork, READ_ELEMENT, short, wrong};
use crate::digits::Decimal;
use crate::error::{Error, Result};
use crate::json_text::fields_of;

/// Maximum depth of one value. Items are not deeper.
pub(super) const DEPTH_MAX: usize = 128;

/// A value of an expression.
#[derive(Clone, Debug)]
pub(super) enum ExprValue {
    /// A field that a record does not have, or an element after the end of a list. Moved on, it is null.
    Absent,
    Null,
    Bool(bool),
    /// A JSON number by its text.
    Number(Part),
    Text(ExprText),
    List(List),
    Map(Map),
    Time(Box<Zoned>),
    Date(Date),
    Duration(Box<Span>),
}

/// A text: as JSON with its quotes and escapes, or plain.
#[derive(Clone, Debug)]
pub(super) struct ExprText {
    part: Part,
    is_json: bool,
}

impl ExprText {
    pub(super) fn plain(part: Part) -> ExprText {
        ExprText { part, is_json: false }
    }

    pub(super) fn as_str(&self) -> Cow<'_, str> {
        if self.is_json { decoded(self.part.as_str()) } else { Cow::Borrowed(self.part.as_str()) }
    }

    /// Its bytes as JSON, if it comes from JSON.
    pub(super) fn raw(&self) -> Option<&str> {
        self.is_json.then(|| self.part.as_str())
    }
}

#[derive(Clone)]
pub(super) enum List {
    Json(Part),
    Held(Rc<Vec<ExprValue>>),
    /// Computed when it is read, and each time anew.
    Lazy(Rc<dyn Sequence>),
}

impl fmt::Debug for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }
}

/// ElementIter one after the other.
pub(super) type ElementIter = Box<dyn Iterator<Item = Result<ExprValue>>>;

/// A lazy list.
pub(super) trait Sequence {
    fn elements(&self) -> Result<ElementIter>;

    /// Its length, if it is known without reading.
    fn length(&self) -> Option<u64> {
        None
    }

    /// One element, if it can be found without reading those before it.
    fn at(&self, _number: u64) -> Option<Result<ExprValue>> {
        None
    }

    /// The rows behind it, if it is all rows of a step.
    fn rows(&self) -> Option<&Arc<dyn RowSource>> {
        None
    }
}

/// A list that a function computes.
struct Computed<F>(F);

impl<F: Fn() -> Result<ElementIter>> Sequence for Computed<F> {
    fn elements(&self) -> Result<ElementIter> {
        (self.0)()
    }
}

#[derive(Clone)]
pub(super) enum Map {
    Json(Part),
    Held(Rc<IndexMap<String, ExprValue>>),
    /// Names with their JSON.
    Named(Fields),
    Steps(Arc<BTreeMap<String, StepView>>),
    Step(StepView),
}

impl fmt::Debug for Map {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }
}

impl ExprValue {
    /// JSON text as a value.
    pub(super) fn of_json(part: Part) -> ExprValue {
        let text = part.as_str().trim();
        let part = if text.len() == part.as_str().len() { part.clone() } else { part.part(text) };
        match text.as_bytes().first() {
            Some(b'{') => ExprValue::Map(Map::Json(part)),
            Some(b'[') => ExprValue::List(List::Json(part)),
            Some(b'"') => ExprValue::Text(ExprText { part, is_json: true }),
            Some(b't') => ExprValue::Bool(true),
            Some(b'f') => ExprValue::Bool(false),
            Some(b'n') | None => ExprValue::Null,
            Some(_) => ExprValue::Number(part),
        }
    }

    /// The same, and counts the bytes of a single value.
    fn read(part: Part, work: &EvaluationWork) -> Result<ExprValue> {
        let value = ExprValue::of_json(part);
        match &value {
            ExprValue::Text(text) => work.read(text.part.as_str().len())?,
            ExprValue::Number(part) => work.read(part.as_str().len())?,
            _ => work.read(READ_ELEMENT)?,
        }
        Ok(value)
    }

    pub(super) fn text(text: &str) -> ExprValue {
        ExprValue::Text(ExprText { part: Part::made(text), is_json: false })
    }

    pub(super) fn number(text: &str) -> ExprValue {
        ExprValue::Number(Part::made(text))
    }

    pub(super) fn list(list: Vec<ExprValue>) -> ExprValue {
        ExprValue::List(List::Held(Rc::new(list)))
    }

    pub(super) fn map(map: IndexMap<String, ExprValue>) -> ExprValue {
        ExprValue::Map(Map::Held(Rc::new(map)))
    }

    pub(super) fn lazy(elements: impl Fn() -> Result<ElementIter> + 'static) -> ExprValue {
        ExprValue::List(List::lazy(elements))
    }

    pub(super) fn is_null(&self) -> bool {
        matches!(self, ExprValue::Null | ExprValue::Absent)
    }

    /// The name of its type.
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            ExprValue::Absent => "absent",
            ExprValue::Null => "null",
            ExprValue::Bool(_) => "boolean",
            ExprValue::Number(_) => "number",
            ExprValue::Text(_) => "text",
            ExprValue::List(_) => "list",
            ExprValue::Map(_) => "object",
            ExprValue::Time(_) => "time",
            ExprValue::Date(_) => "date",
            ExprValue::Duration(_) => "duration",
        }
    }

    /// Type and value, for a message.
    pub(super) fn shown(&self) -> String {
        match self {
            ExprValue::Absent => "absent".to_owned(),
            ExprValue::Null => "null".to_owned(),
            ExprValue::Bool(true) => "true".to_owned(),
            ExprValue::Bool(false) => "false".to_owned(),
            ExprValue::Number(part) => short(part.as_str()),
            ExprValue::Text(text) => format!("text \"{}\"", short(&text.as_str())),
            ExprValue::List(_) => "a list".to_owned(),
            ExprValue::Map(_) => "an object".to_owned(),
            ExprValue::Time(time) => format!("the time {}", time.timestamp()),
            ExprValue::Date(date) => format!("the date {date}"),
            ExprValue::Duration(span) => format!("the duration {span}"),
        }
    }

    /// Bytes that it holds in memory besides shared text.
    pub(super) fn held_bytes(&self) -> usize {
        match self {
            ExprValue::Number(part) | ExprValue::List(List::Json(part)) | ExprValue::Map(Map::Json(part)) => {
                part.as_str().len()
            }
            ExprValue::Text(text) => text.part.as_str().len(),
            _ => 0,
        }
    }

    /// The same without the rest of the row that it is a part of.
    pub(super) fn detached(self) -> ExprValue {
        match self {
            ExprValue::Number(part) => ExprValue::Number(part.detached()),
            ExprValue::Text(text) => ExprValue::Text(ExprText { part: text.part.detached(), ..text }),
            ExprValue::List(List::Json(part)) => ExprValue::List(List::Json(part.detached())),
            ExprValue::Map(Map::Json(part)) => ExprValue::Map(Map::Json(part.detached())),
            other => other,
        }
    }
}

/// The advice for null and absent values.
pub(super) const OR_DEFAULT: &str =
    "add | default(…) for another value, write ?. before a field that may be missing, or test it with `is none`";

/// An error for a value of the wrong type. `label` is the expression that gave the value.
pub(super) fn mistyped(what: &str, needs: &str, label: &str, value: &ExprValue) -> Error {
    let (label, shown) = (short(label), value.shown());
    let error = match label == shown {
        true => wrong(format!("{what} needs {needs}, not {shown}")),
        false => wrong(format!("{what} needs {needs}: {label} is {shown}")),
    };
    if value.is_null() { error.advise(OR_DEFAULT) } else { error }
}

impl List {
    pub(super) fn lazy(elements: impl Fn() -> Result<ElementIter> + 'static) -> List {
        List::Lazy(Rc::new(Computed(elements)))
    }

    /// Its elements.
    pub(super) fn elements(&self, work: &Rc<EvaluationWork>) -> Result<ElementIter> {
        let work = Rc::clone(work);
        match self {
            List::Json(part) => {
                // The position is kept as a part, because an iterator cannot borrow from itself.
                let (part, mut rest) = (part.clone(), part.part(JsonList::new(part.as_str()).rest()));
                Ok(Box::new(std::iter::from_fn(move || {
                    let mut list = JsonList::of_rest(rest.as_str());
                    let value = part.part(list.next()?);
                    let next = part.part(list.rest());
                    rest = next;
                    Some(work.step().and_then(|()| ExprValue::read(value, &work)))
                })))
            }
            List::Held(list) => {
                let list = Rc::clone(list);
                let mut at = 0;
                Ok(Box::new(std::iter::from_fn(move || {
                    let value = list.get(at)?.clone();
                    at += 1;
                    Some(work.element().map(|()| value))
                })))
            }
            List::Lazy(lazy) => lazy.elements(),
        }
    }

    /// All elements in memory.
    pub(super) fn held(&self, work: &Rc<EvaluationWork>) -> Result<Rc<Vec<ExprValue>>> {
        if let List::Held(list) = self {
            work.elements(list.len())?;
            return Ok(Rc::clone(list));
        }
        let mut list = Vec::new();
        for value in self.elements(work)? {
            let value = value?.detached();
            work.hold(value.held_bytes())?;
            list.push(value);
        }
        Ok(Rc::new(list))
    }

    /// Its length.
    pub(super) fn length(&self, work: &Rc<EvaluationWork>) -> Result<u64> {
        match self {
            List::Held(list) => Ok(list.len() as u64),
            List::Lazy(lazy) => match lazy.length() {
                Some(length) => Ok(length),
                None => lazy.elements()?.try_fold(0, |count, value| value.map(|_| count + 1)),
            },
            List::Json(_) => self.elements(work)?.try_fold(0, |count, value| value.map(|_| count + 1)),
        }
    }

    /// An element; negative numbers count from the end.
    pub(super) fn at(&self, number: i64, work: &Rc<EvaluationWork>) -> Result<ExprValue> {
        let number = match u64::try_from(number) {
            Ok(number) => number,
            Err(_) => match self.length(work)?.checked_add_signed(number) {
                Some(number) => number,
                None => return Ok(ExprValue::Absent),
            },
        };
        let index = usize::try_from(number).unwrap_or(usize::MAX);
        match self {
            List::Held(list) => Ok(list.get(index).cloned().unwrap_or(ExprValue::Absent)),
            List::Lazy(lazy) => match lazy.at(number) {
                Some(found) => found,
                None => lazy.elements()?.nth(index).unwrap_or(Ok(ExprValue::Absent)),
            },
            List::Json(_) => self.elements(work)?.nth(index).unwrap_or(Ok(ExprValue::Absent)),
        }
    }
}

impl Map {
    /// A field; absent if there is none.
    pub(super) fn field(&self, name: &str, work: &Rc<EvaluationWork>) -> Result<ExprValue> {
        let json = |text: &Arc<str>| ExprValue::read(Part::whole(Arc::clone(text)), work);
        let found = match self {
            Map::Json(part) => field(part.as_str(), name).map(|text| ExprValue::read(part.part(text), work)),
            Map::Held(map) => map.get(name).cloned().map(Ok),
            Map::Named(fields) => fields.get(name).map(json),
            Map::Steps(steps) => steps.get(name).map(|step| Ok(ExprValue::Map(Map::Step(step.clone())))),
            Map::Step(step) => match name {
                "items" => {
                    let rows = RowSequence { rows: Arc::clone(&step.rows), work: Rc::clone(work) };
                    Some(Ok(ExprValue::List(List::Lazy(Rc::new(rows)))))
                }
                "count" => Some(Ok(ExprValue::number(&step.rows.count().to_string()))),
                "kept" => Some(Ok(ExprValue::Map(Map::Named(Arc::clone(&step.kept))))),
                name => step.text(name).map(json),
            },
        };
        found.unwrap_or(Ok(ExprValue::Absent))
    }

    /// All fields, in order; of duplicate names the last counts.
    pub(super) fn fields(&self, work: &Rc<EvaluationWork>) -> Result<Rc<IndexMap<String, ExprValue>>> {
        let mut map = IndexMap::new();
        match self {
            Map::Held(map) => {
                work.elements(map.len())?;
                return Ok(Rc::clone(map));
            }
            Map::Json(part) => {
                work.text(part.as_str().len())?;
                for (name, raw) in fields_of(part.as_str()).unwrap_or_default() {
                    work.element()?;
                    work.read(name.len().saturating_add(READ_ELEMENT))?;
                    map.insert(name, ExprValue::read(part.part(raw.get()), work)?);
                }
            }
            Map::Named(fields) => {
                for name in fields.keys() {
                    map.insert(name.clone(), self.field(name, work)?);
                }
            }
            Map::Steps(_) | Map::Step(_) => {
                return Err(wrong("a step is not a value").advise("write steps.ID.items or steps.ID.count"));
            }
        }
        Ok(Rc::new(map))
    }

    /// Whether a field is there.
    pub(super) fn has(&self, name: &str) -> bool {
        match self {
            Map::Json(part) => field(part.as_str(), name).is_some(),
            Map::Held(map) => map.contains_key(name),
            Map::Named(fields) => fields.contains_key(name),
            Map::Steps(steps) => steps.contains_key(name),
            Map::Step(step) => matches!(name, "items" | "count" | "kept") || step.text(name).is_some(),
        }
    }
}

/// A step's rows, read on demand. A row that is passed costs work only; what an expression reads of it counts as read.
struct RowSequence {
    rows: Arc<dyn RowSource>,
    work: Rc<EvaluationWork>,
}

/// Bytes counted for a skipped row.
const PASSED: u64 = 32;

impl Sequence for RowSequence {
    fn elements(&self) -> Result<ElementIter> {
        let work = Rc::clone(&self.work);
        let rows = self.rows.rows_again()?;
        Ok(Box::new(rows.map(move |row| {
            let row = row?;
            work.element()?;
            work.text(row.len())?;
            Ok(ExprValue::of_json(Part::whole(row)))
        })))
    }

    fn length(&self) -> Option<u64> {
        Some(self.rows.count())
    }

    fn at(&self, number: u64) -> Option<Result<ExprValue>> {
        let passed = usize::try_from(number.saturating_mul(PASSED)).unwrap_or(usize::MAX);
        if number >= self.rows.count() {
            return Some(Ok(ExprValue::Absent));
        }
        let row = self.work.read(passed).and_then(|()| self.rows.row(number));
        Some(row.map(|row| row.map_or(ExprValue::Absent, |row| ExprValue::of_json(Part::whole(row)))))
    }

    fn rows(&self) -> Option<&Arc<dyn RowSource>> {
        Some(&self.rows)
    }
}

/// The canonical text of a value: equal values have equal texts, and values of different types never do.
pub(super) fn canonical(value: &ExprValue, work: &Rc<EvaluationWork>) -> Result<String> {
    let mut out = String::new();
    put_canonical(value, work, 0, &mut out)?;
    Ok(out)
}

fn put_canonical(value: &ExprValue, work: &Rc<EvaluationWork>, depth: usize, out: &mut String) -> Result<()> {
    if depth > DEPTH_MAX {
        return Err(too_deep());
    }
    work.text(value.held_bytes())?;
    match value {
        ExprValue::Absent | ExprValue::Null => out.push('n'),
        ExprValue::Bool(is_true) => out.push(if *is_true { 't' } else { 'f' }),
        ExprValue::Number(part) => match Decimal::of(part.as_str()) {
            Some(number) => out.push_str(&number.to_string()),
            None => out.push_str(part.as_str()),
        },
        ExprValue::Text(text) => crate::json_text::put_text(out, &text.as_str()),
        ExprValue::List(list) => {
            out.push('[');
            for value in list.elements(work)? {
                put_canonical(&value?, work, depth + 1, out)?;
                out.push(',');
            }
            out.push(']');
        }
        ExprValue::Map(map) => {
            let fields = map.fields(work)?;
            let mut names: Vec<_> = fields.iter().collect();
            names.sort_by_key(|(name, _)| name.as_str());
            out.push('{');
            for (name, value) in names {
                crate::json_text::put_text(out, name);
                put_canonical(value, work, depth + 1, out)?;
                out.push(',');
            }
            out.push('}');
        }
        ExprValue::Time(time) => out.push_str(&format!("T{}", time.timestamp())),
        ExprValue::Date(date) => out.push_str(&format!("D{date}")),
        ExprValue::Duration(span) => out.push_str(&format!("P{span}")),
    }
    work.fits(out.len())
}

pub(super) fn too_deep() -> Error {
    wrong("it reads a value that is nested deeper than an item may be").advise("pass it on unchanged")
}
