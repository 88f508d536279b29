//! Reads items and paging values from a JSON body, in one pass over its bytes. Pure.
//!
//! The pointers that an operation needs form a small tree over the body's keys; everything else is checked and skipped.

use http::{HeaderMap, StatusCode};
use serde::de::IgnoredAny;
use serde_json::Value;

use super::faults::{again, ambiguous, too_deep, too_many};
use super::held::HeldParts;
use super::key_tree::{Catch, FoundItems, KeyTree, Reader, keep};
use super::lists::{self, FoundLists};
use super::model::{PageLimits, count};
use super::{Around, Page, Unfit, attach, report};
use crate::authoring::{Pointer, Source};
use crate::definition::{Meaning, Operation, ReplyRule, ResultShape};
use crate::error::{Error, ErrorKind, Result};
use crate::item::{Items, Span};
use crate::json_error::JsonError;
use crate::json_text::{one_line, value_of};
use crate::reply::FoundRows;
use crate::reply::scan::{Scan, ScanFault};

/// `rows` is the list that was found while the text arrived.
pub(super) fn read(
    operation: &Operation,
    text: String,
    rows: FoundRows,
    limits: PageLimits,
    head: ReplyHead<'_>,
    page: &mut Page,
) -> Result<(), Unfit> {
    let rule = &operation.response;
    let wants = wanted(operation, head);
    let root = Pointer::default();
    let is_list = rule.result == ResultShape::List;
    let target = if rule.result == ResultShape::Report { Some(&root) } else { rule.items.plain() };
    let mut tree = KeyTree::new(target, is_list, &wants);
    let held = HeldParts::of(operation, &mut tree);
    let (mut catch, has_lines) =
        Reader::run(&text, &tree, rows, limits.items).map_err(|fault| refuse(fault, &text, limits.items))?;
    let text = if has_lines { one_line(text) } else { text };
    check_signals(operation, &wants, &catch)?;
    let signals = std::mem::take(&mut catch.signals).into_iter();
    page.signals = signals.filter_map(|(i, v)| wants.get(i).map(|p| ((*p).clone(), v))).collect();
    page.failures = held.failures(&catch, &text).map(failures).unwrap_or_default();
    let lists = if is_list { lists::find(operation, &held, &catch, &text) } else { FoundLists::default() };
    // A body of `null` is empty, wherever the list is declared.
    let found = match () {
        () if is_list && text.trim() == "null" => FoundItems::Null,
        () if is_list => lists.found,
        () => catch.items,
    };
    let missing = matches!(found, FoundItems::Absent | FoundItems::Null);
    let beside = !page.failures.is_empty() && rule.parts.as_ref().is_some_and(|parts| parts.errors.is_some());
    let whole = || value_of(&text).unwrap_or_default();
    match ruled(operation, head, page) {
        Some(rule) if rule.then == Meaning::Empty => return Ok(()),
        Some(rule) if rule.then == Meaning::Ok => {}
        Some(rule) => return Err(Unfit::Ruled(Box::new(rule.clone()), whole())),
        None if denied(operation, page)? => return Err(Unfit::Denied(whole())),
        None => {}
    }
    if missing && !beside && !page.failures.is_empty() {
        return Err(Unfit::Denied(whole()));
    }
    page.blank = text.trim() == "null";
    page.is_list = found == FoundItems::List;
    held.keep(rule, &catch, &text, &mut page.kept);
    let related = held.related(&catch, &text);
    let raw = catch.raw;
    page.items = match (rule.result, found) {
        (_, FoundItems::Null) => Items::default(),
        (_, FoundItems::Absent) if beside || rule.optional || rule.result == ResultShape::None => Items::default(),
        (ResultShape::List, FoundItems::List) => lists.items(rule, text, catch.spans, limits).map_err(Unfit::Shape)?,
        (ResultShape::Object | ResultShape::None | ResultShape::File | ResultShape::Text, FoundItems::Object) => {
            spans_of(text, raw)
        }
        (ResultShape::Object | ResultShape::None | ResultShape::File | ResultShape::Text, FoundItems::Scalar) => {
            wrapped(&text, raw, "value")
        }
        (ResultShape::Object | ResultShape::None | ResultShape::File | ResultShape::Text, FoundItems::List) => {
            elements(text, raw, limits.items).map_err(Unfit::Shape)?
        }
        (ResultShape::Count, FoundItems::Scalar) => counted(&text, raw)
            .ok_or_else(|| Unfit::Shape(contradiction(operation, rule.items.at.first(), rule.result, found)))?,
        (ResultShape::Report, FoundItems::Object | FoundItems::List) => {
            let (columns, rows) = held.report(&catch, &text);
            report::items(rule, columns, rows, limits).map_err(Unfit::Shape)?
        }
        (declared, found) => {
            let (place, found) = lists.wrong.map_or((rule.items.at.first(), found), |(at, found)| (Some(at), found));
            return Err(Unfit::Shape(contradiction(operation, place, declared, found)));
        }
    };
    if !rule.attach.is_empty() {
        page.items = attach::attach(rule, &related, &page.items, limits, &mut page.unattached).map_err(Unfit::Shape)?;
    }
    Ok(())
}

/// The body of a reply in JSON where another format is declared, if it reports a failure.
pub(super) fn failure(operation: &Operation, text: &str, head: ReplyHead<'_>) -> Option<Value> {
    let wants = wanted(operation, head);
    let mut tree = KeyTree::new(None, false, &wants);
    let held = HeldParts::failures_of(operation, &mut tree);
    let (mut catch, _) = Reader::run(text, &tree, FoundRows::default(), usize::MAX).ok()?;
    let signals = std::mem::take(&mut catch.signals).into_iter();
    let signals = signals.filter_map(|(i, v)| wants.get(i).map(|p| ((*p).clone(), v))).collect();
    let page = Page { signals, ..Page::default() };
    let listed = held.failures(&catch, text).map(failures).is_some_and(|list| !list.is_empty());
    let is_bad = match ruled(operation, head, &page) {
        Some(rule) => !matches!(rule.then, Meaning::Ok | Meaning::Empty),
        None => denied(operation, &page).is_ok_and(|denied| denied),
    };
    (listed || is_bad).then(|| value_of(text).unwrap_or_default())
}

/// The places of the values that paging and the success rules need.
fn wanted<'o>(operation: &'o Operation, (status, headers): ReplyHead<'_>) -> Vec<&'o Pointer> {
    let errors = &operation.connector.errors;
    let mut wants: Vec<&Pointer> = super::model::told(operation).filter_map(body).collect();
    wants.extend(errors.success.as_ref().map(|s| &s.at));
    let fitting = operation.reply_rules().filter(|rule| rule.fits_head(operation.method, status, headers));
    wants.extend(fitting.flat_map(ReplyRule::places));
    wants
}

/// What a rule sees of a reply before its body.
pub(super) type ReplyHead<'r> = (StatusCode, &'r HeaderMap);

fn check_signals(operation: &Operation, wants: &[&Pointer], catch: &Catch) -> Result<(), Unfit> {
    if let Some(pointer) = catch.unusable.and_then(|i| wants.get(i)).filter(|p| !is_hint(operation, p)) {
        let message = format!("`{pointer}` in the reply controls the paging, but is not readable text");
        return Err(Unfit::Shape(Error::new(ErrorKind::BadResponse, message)));
    }
    if let Some(key) = &catch.twice {
        return Err(Unfit::Shape(ambiguous(key)));
    }
    Ok(())
}

/// The failures in a reply: a list of them, or one value that is not empty.
fn failures(raw: &str) -> Items {
    match raw {
        list if list.starts_with('[') => Items::from_array(list).unwrap_or_default(),
        "null" | "false" | "{}" | "\"\"" | "0" => Items::default(),
        other => Items::one(one_line(other.to_owned())),
    }
}

fn body(source: &Source) -> Option<&Pointer> {
    match source {
        Source::Body(pointer) => Some(pointer),
        Source::Header(_) => None,
    }
}

/// The rule that decides the meaning of a reply.
fn ruled<'o>(operation: &'o Operation, (status, headers): ReplyHead<'_>, page: &Page) -> Option<&'o ReplyRule> {
    let said = |pointer: &Pointer| page.signals.iter().find(|(p, _)| p == pointer).map(|(_, value)| value);
    let mut fitting = operation.reply_rules().filter(|rule| rule.fits_head(operation.method, status, headers));
    fitting.find(|rule| rule.fits_body(said))
}

/// A body that is blank has no flag either; rules that need none were applied before.
pub(super) fn judge_blank(operation: &Operation) -> Result<(), Unfit> {
    if denied(operation, &Page::default())? { Err(Unfit::Denied(Value::Null)) } else { Ok(()) }
}

/// Whether a reply with a success status reports a failure, as the connector declares it.
fn denied(operation: &Operation, page: &Page) -> Result<bool, Unfit> {
    let rules = &operation.connector.errors;
    let said = |pointer: &Pointer| page.signals.iter().find(|(p, _)| p == pointer).map(|(_, value)| value);
    let Some(rule) = &rules.success else { return Ok(false) };
    match rule.judge(said(&rule.at)) {
        Some(good) => Ok(!good),
        None => Err(Unfit::Shape(
            Error::new(
                ErrorKind::BadResponse,
                format!("`{}`, which indicates success or failure, is missing in the reply", rule.at),
            )
            .advise("set in the definition what its absence means: `success: { at: …, absent: ok }`"),
        )),
    }
}

/// The error of a reply that cannot be read.
fn refuse(fault: ScanFault, text: &str, items_max: usize) -> Unfit {
    match fault {
        ScanFault::Depth => return Unfit::Unreadable(too_deep(), Around::default()),
        ScanFault::Count => return Unfit::Shape(too_many(items_max)),
        ScanFault::Syntax => {}
    }
    let (error, around) = match serde_json::from_str::<IgnoredAny>(text) {
        Err(e) => unreadable(&e, text),
        Ok(_) => (Error::new(ErrorKind::BadResponse, "the reply is not JSON"), Around::default()),
    };
    Unfit::Unreadable(error, around)
}

fn contradiction(operation: &Operation, place: Option<&Pointer>, declared: ResultShape, found: FoundItems) -> Error {
    let declared = match declared {
        ResultShape::List if operation.response.items.key.is_some() => "an object of records",
        ResultShape::List => "a list",
        ResultShape::Object => "an object",
        ResultShape::Count => "a count",
        ResultShape::None => "no body",
        ResultShape::File => "a file",
        ResultShape::Report => "a report",
        ResultShape::Text => "text",
    };
    let place = match place.filter(|pointer| !pointer.tokens().is_empty()) {
        Some(pointer) => format!("`{pointer}` in the reply"),
        None => "the reply".to_owned(),
    };
    Error::new(ErrorKind::BadResponse, format!("{place}: expected {declared}, found {}", found.words()))
        .advise(format!("if the vendor changed this reply, correct `response` of {} in its definition", operation.id))
}

fn spans_of(text: String, raw: Option<Span>) -> Items {
    Items::from_spans(text, raw.into_iter().collect())
}

/// A single value as an object with one key.
fn wrapped(text: &str, raw: Option<Span>, key: &str) -> Items {
    let value = raw.and_then(|(s, e)| text.get(s as usize..e as usize)).unwrap_or("null");
    Items::one(format!("{{\"{key}\":{value}}}"))
}

/// A number of records; some systems write it as a text.
fn counted(text: &str, raw: Option<Span>) -> Option<Items> {
    let value = raw.and_then(|(s, e)| text.get(s as usize..e as usize)).and_then(|raw| value_of(raw).ok())?;
    match (&value, count(&value)?) {
        // A number keeps its notation.
        (Value::Number(_), _) => Some(wrapped(text, raw, "count")),
        (_, n) => Some(Items::one(format!("{{\"count\":{n}}}"))),
    }
}

/// A list where one record was declared: its elements are the items (some servers return an array of one).
fn elements(text: String, raw: Option<Span>, items_max: usize) -> Result<Items> {
    let Some((start, _)) = raw else { return Ok(Items::default()) };
    let mut spans = Vec::new();
    let read = Scan::new(&text).elements(start as usize, |from, to| keep(&mut spans, from, to, items_max));
    read.map_err(|fault| again("a list", fault, items_max))?;
    Ok(Items::from_spans(text, spans))
}

/// Why a body is not JSON: the position, and the text there.
fn unreadable(error: &serde_json::Error, text: &str) -> (Error, Around) {
    let refused = |why: String, at: usize| {
        let message = format!("the reply is not JSON: {why}");
        (Error::new(ErrorKind::BadResponse, message), Around::new(text, at))
    };
    match JsonError::of(error, text) {
        JsonError::Deep => (too_deep(), Around::default()),
        JsonError::Ends => refused(format!("it ends too early, after {} bytes", text.len()), text.len()),
        JsonError::Surrogate(at) => refused(format!("half of a \\u escape pair at byte {at}"), at),
        JsonError::At(at) => refused(format!("unexpected text at byte {at}"), at),
    }
}

/// Whether a value is a total that is only a hint and may have any type.
fn is_hint(operation: &Operation, pointer: &Pointer) -> bool {
    operation.response.total.as_ref().is_some_and(|total| !total.exact && body(&total.at) == Some(pointer))
}
