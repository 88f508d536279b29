//! Reads items and paging values from a JSON body, in one pass over its bytes. Pure.
//!
//! The pointers that an operation needs form a small tree over the body's keys; everything else is checked and skipped.

use http::{HeaderMap, StatusCode};
use serde::de::IgnoredAny;
use serde_json::Value;
use serde_json::value::RawValue;

use super::{Around, Page, Unfit};
use crate::authoring::{Pointer, Source};
use crate::definition::{Meaning, Operation, ReplyRule, ResultShape};
use crate::error::{Error, ErrorKind, Result};
use crate::item::{Items, Span};
use crate::json_error::JsonError;
use crate::json_text::one_line;
use crate::reply::FoundRows;
use crate::reply::scan::{JSON_DEPTH, Scan, ScanFault};

/// The value found at a pointer in the reply.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum FoundItems {
    #[default]
    Absent,
    Null,
    List,
    Object,
    Scalar,
}

impl FoundItems {
    const fn words(self) -> &'static str {
        match self {
            FoundItems::Absent => "nothing",
            FoundItems::Null => "null",
            FoundItems::List => "a list",
            FoundItems::Object => "a single object",
            FoundItems::Scalar => "a single value",
        }
    }
}

#[derive(Default)]
struct Catch {
    items: FoundItems,
    spans: Vec<Span>,
    raw: Option<Span>,
    signals: Vec<(usize, Value)>,
    /// A signal that exists but cannot be read.
    unusable: Option<usize>,
    twice: Option<String>,
    /// A list that is kept unchanged.
    kept: Option<Span>,
}

/// `rows` is the list that was found while the text arrived.
pub(super) fn read(
    operation: &Operation,
    text: String,
    rows: FoundRows,
    items_max: usize,
    head: (StatusCode, &HeaderMap),
    page: &mut Page,
) -> Result<(), Unfit> {
    let rule = &operation.response;
    let errors = &operation.connector.errors;
    let mut wants: Vec<&Pointer> = super::model::told(operation).filter_map(body).collect();
    wants.extend(errors.success.as_ref().map(|s| &s.at));
    let fits = |rule: &&ReplyRule| rule.fits_head(operation.method, head.0, head.1);
    wants.extend(operation.reply_rules().filter(fits).flat_map(ReplyRule::places));
    let report = rule.result == ResultShape::Report;
    let target = if report { Pointer::default() } else { rule.items.clone() };
    let mut tree = KeyTree::new(&target, rule.result == ResultShape::List, &wants);
    let part_errors = rule.parts.as_ref().and_then(|p| p.errors.as_ref()).map(|e| &e.each);
    if let Some(list) = part_errors.or(errors.details.as_ref().map(|d| &d.list)) {
        tree.at(list).kept = true;
    }
    let (catch, has_lines) =
        Reader::run(&text, &tree, rows, items_max).map_err(|fault| refuse(fault, &text, items_max))?;
    let Catch { items: found, spans, raw, signals, unusable, twice, kept } = catch;
    if let Some(pointer) = unusable.and_then(|i| wants.get(i)).filter(|p| !is_hint(operation, p)) {
        let message = format!("`{pointer}` in the reply controls the paging, but is not readable text");
        return Err(Unfit::Shape(Error::new(ErrorKind::BadResponse, message)));
    }
    if let Some(key) = twice {
        let message = format!("the reply contains the key `{key}` twice, so its value is ambiguous");
        return Err(Unfit::Shape(Error::new(ErrorKind::BadResponse, message)));
    }
    page.signals = signals.into_iter().filter_map(|(i, v)| wants.get(i).map(|p| ((*p).clone(), v))).collect();
    let kept = kept.and_then(|(from, to)| text.get(from as usize..to as usize));
    page.failures = kept.map(failures).unwrap_or_default();
    // A body of `null` is empty, wherever the list is declared.
    let found = if rule.result == ResultShape::List && text.trim() == "null" { FoundItems::Null } else { found };
    let missing = matches!(found, FoundItems::Absent | FoundItems::Null);
    let beside = part_errors.is_some() && !page.failures.is_empty();
    let whole = || crate::json_text::value_of(&text).unwrap_or_default();
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
    let text = if has_lines { one_line(text) } else { text };
    page.blank = text.trim() == "null";
    page.is_list = found == FoundItems::List;
    page.items = match (rule.result, found) {
        (ResultShape::List, FoundItems::List) => Items::of_array(text, spans),
        (_, FoundItems::Null) => Items::default(),
        (_, FoundItems::Absent) if beside || rule.optional || rule.result == ResultShape::None => Items::default(),
        (ResultShape::Object | ResultShape::None | ResultShape::File | ResultShape::Text, FoundItems::Object) => {
            spans_of(text, raw)
        }
        (ResultShape::Object | ResultShape::None | ResultShape::File | ResultShape::Text, FoundItems::Scalar) => {
            wrapped(&text, raw, "value")
        }
        (ResultShape::Object | ResultShape::None | ResultShape::File | ResultShape::Text, FoundItems::List) => {
            elements(text, raw, items_max).map_err(Unfit::Shape)?
        }
        (ResultShape::Count, FoundItems::Scalar) => wrapped(&text, raw, "count"),
        (ResultShape::Report, FoundItems::Object) => table(operation, &text, items_max).map_err(Unfit::Shape)?,
        (declared, found) => return Err(Unfit::Shape(contradiction(operation, declared, found))),
    };
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
fn ruled<'o>(
    operation: &'o Operation,
    (status, headers): (StatusCode, &HeaderMap),
    page: &Page,
) -> Option<&'o ReplyRule> {
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

fn too_deep() -> Error {
    Error::new(ErrorKind::Limit, format!("the reply is nested deeper than the limit json_depth ({JSON_DEPTH})"))
        .advise("exclude the nested fields from the query; this limit is fixed")
}

fn too_many(max: usize) -> Error {
    Error::new(ErrorKind::Limit, format!("the reply contains more items than the limit page_items ({max})"))
        .advise("ask for smaller pages, or raise `limits: { page_items }` of the connection")
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

fn contradiction(operation: &Operation, declared: ResultShape, found: FoundItems) -> Error {
    let declared = match declared {
        ResultShape::List => "a list",
        ResultShape::Object => "an object",
        ResultShape::Count => "a count",
        ResultShape::None => "no body",
        ResultShape::File => "a file",
        ResultShape::Report => "a report",
        ResultShape::Text => "text",
    };
    let place = if operation.response.items.tokens().is_empty() {
        "the reply".to_owned()
    } else {
        format!("`{}` in the reply", operation.response.items)
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

/// A list where one record was declared: its elements are the items (some servers return an array of one).
fn elements(text: String, raw: Option<Span>, items_max: usize) -> Result<Items> {
    let Some((start, _)) = raw else { return Ok(Items::default()) };
    let mut spans = Vec::new();
    let read = Scan::new(&text).elements(start as usize, |from, to| keep(&mut spans, from, to, items_max));
    read.map_err(|fault| again("a list", fault, items_max))?;
    Ok(Items::from_spans(text, spans))
}

/// A part of a text that was read; it may contain too many items.
fn again(what: &str, fault: ScanFault, items_max: usize) -> Error {
    match fault {
        ScanFault::Count => too_many(items_max),
        ScanFault::Depth | ScanFault::Syntax => {
            Error::new(ErrorKind::Internal, format!("{what} cannot be read a second time"))
        }
    }
}

/// Adds an element, within the limit.
fn keep(spans: &mut Vec<Span>, from: usize, to: usize, max: usize) -> Result<(), ScanFault> {
    if spans.len() >= max {
        return Err(ScanFault::Count);
    }
    spans.push((from as u32, to as u32));
    Ok(())
}

/// A report: columns and rows become one object per row. Column definitions are names, or objects whose one key is the
/// name.
fn table(operation: &Operation, text: &str, items_max: usize) -> Result<Items> {
    let rule = &operation.response;
    let catch = |pointer: &Pointer| -> Result<Vec<&str>> {
        let tree = KeyTree::new(pointer, true, &[]);
        let (catch, _) = Reader::run(text, &tree, FoundRows::default(), items_max)
            .map_err(|fault| again("a report", fault, items_max))?;
        if catch.items != FoundItems::List {
            return Err(Error::new(
                ErrorKind::BadResponse,
                format!("`{pointer}` in the report: expected a list, found {}", catch.items.words()),
            ));
        }
        Ok(catch.spans.iter().filter_map(|&(s, e)| text.get(s as usize..e as usize)).collect())
    };
    let columns: Vec<String> = catch(&rule.columns)?.into_iter().map(column_name).collect();
    let mut out = String::new();
    let mut spans = Vec::new();
    for row in catch(&rule.rows)? {
        let cells: Vec<&RawValue> = serde_json::from_str(row)
            .map_err(|e| Error::new(ErrorKind::BadResponse, format!("a row of the report is not a list: {e}")))?;
        if cells.len() != columns.len() {
            return Err(Error::new(
                ErrorKind::BadResponse,
                format!("a row of the report has {} cells, but there are {} columns", cells.len(), columns.len()),
            ));
        }
        let start = out.len() as u32;
        let pairs: Vec<String> = columns
            .iter()
            .zip(cells)
            .map(|(name, cell)| format!("{}:{}", Value::from(name.as_str()), cell.get()))
            .collect();
        out.push_str(&format!("{{{}}}", pairs.join(",")));
        spans.push((start, out.len() as u32));
    }
    Ok(Items::from_spans(out, spans))
}

fn column_name(raw: &str) -> String {
    match serde_json::from_str(raw) {
        Ok(Value::String(name)) => name,
        Ok(Value::Object(map)) => map.keys().next().cloned().unwrap_or_default(),
        _ => raw.to_owned(),
    }
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

/// The needed parts of a reply, as a tree over its keys.
struct KeyTree {
    /// The items are here; whether they are split.
    items: Option<bool>,
    signal: Option<usize>,
    kept: bool,
    children: Vec<(String, KeyTree)>,
}

impl KeyTree {
    fn new(items: &Pointer, list: bool, signals: &[&Pointer]) -> KeyTree {
        let mut root = KeyTree { items: None, signal: None, kept: false, children: Vec::new() };
        root.at(items).items = Some(list);
        for (i, pointer) in signals.iter().enumerate() {
            root.at(pointer).signal = Some(i);
        }
        root
    }

    fn at(&mut self, pointer: &Pointer) -> &mut KeyTree {
        let mut node = self;
        for token in pointer.tokens() {
            let known = node.children.iter().position(|(t, _)| t == token);
            let index = known.unwrap_or(node.children.len());
            if known.is_none() {
                node.children
                    .push((token.clone(), KeyTree { items: None, signal: None, kept: false, children: Vec::new() }));
            }
            // The index was found or pushed just above.
            #[expect(clippy::indexing_slicing, reason = "found or pushed just above")]
            {
                node = &mut node.children[index].1;
            }
        }
        node
    }
}

/// Reads a reply along the tree of needed parts; everything else is checked and skipped.
struct Reader<'t> {
    text: &'t str,
    scan: Scan<'t>,
    catch: Catch,
    rows: FoundRows,
    items_max: usize,
}

impl<'t> Reader<'t> {
    /// Reads a whole text; returns whether it has line breaks.
    fn run(text: &'t str, tree: &KeyTree, rows: FoundRows, items_max: usize) -> Result<(Catch, bool), ScanFault> {
        let mut reader = Reader { text, scan: Scan::new(text), catch: Catch::default(), rows, items_max };
        let start = reader.scan.blank(0);
        let end = reader.place(start, tree)?;
        if !reader.scan.is_end(end) {
            return Err(ScanFault::Syntax);
        }
        Ok((reader.catch, reader.scan.has_lines))
    }

    /// One value: its needed parts, and itself.
    fn place(&mut self, start: usize, node: &KeyTree) -> Result<usize, ScanFault> {
        let end = match self.scan.byte(start) {
            b'[' if node.items == Some(true) => {
                // Prepared rows belong to a list at the root, and the root is the only list that is split then.
                let (rows, max) = (std::mem::take(&mut self.rows), self.items_max);
                if rows.spans.len() > max {
                    return Err(ScanFault::Count);
                }
                self.scan.has_lines |= rows.has_lines;
                let noted = !rows.spans.is_empty();
                self.catch.spans = rows.spans;
                let spans = &mut self.catch.spans;
                let more = |from, to| keep(spans, from, to, max);
                if noted { self.scan.elements_from(rows.at, more)? } else { self.scan.elements(start, more)? }
            }
            b'{' if !node.children.is_empty() => self.object(start, node)?,
            b'[' if node.children.iter().any(|(token, _)| is_index(token)) => self.array(start, node)?,
            _ => self.scan.value(start)?,
        };
        let raw = self.text.get(start..end).unwrap_or_default();
        if node.items.is_some() {
            self.catch.items = kind(raw);
            self.catch.raw = Some((start as u32, end as u32));
        }
        if node.kept {
            self.catch.kept = Some((start as u32, end as u32));
        }
        if let Some(signal) = node.signal {
            match signal_value(raw) {
                Some(value) => self.catch.signals.push((signal, value)),
                None => self.catch.unusable = Some(signal),
            }
        }
        Ok(end)
    }

    /// A list of which single elements are needed, by their index.
    fn array(&mut self, start: usize, node: &KeyTree) -> Result<usize, ScanFault> {
        let mut wanted = Vec::new();
        let mut index = 0_usize;
        let end = self.scan.elements(start, |from, _| {
            wanted.extend(
                node.children.iter().filter(|(token, _)| *token == index.to_string()).map(|(_, child)| (from, child)),
            );
            index += 1;
            Ok(())
        })?;
        for (from, child) in wanted {
            self.place(from, child)?;
        }
        Ok(end)
    }

    fn object(&mut self, start: usize, node: &KeyTree) -> Result<usize, ScanFault> {
        let mut seen = vec![false; node.children.len()];
        let mut at = self.scan.blank(start + 1);
        if self.scan.byte(at) == b'}' {
            return Ok(at + 1);
        }
        loop {
            let (end, value) = self.scan.key(at)?;
            let key = self.text.get(at..end).unwrap_or_default();
            let index = node.children.iter().position(|(name, _)| is_key(key, name));
            let end = match index.and_then(|i| node.children.get(i)) {
                Some((name, child)) => {
                    if let Some(before) = index.and_then(|i| seen.get_mut(i)) {
                        if *before {
                            self.catch.twice = Some(name.clone());
                        }
                        *before = true;
                    }
                    self.place(value, child)?
                }
                None => self.scan.value(value)?,
            };
            at = self.scan.blank(end);
            match self.scan.byte(at) {
                b',' => at = self.scan.blank(at + 1),
                b'}' => return Ok(at + 1),
                _ => return Err(ScanFault::Syntax),
            }
        }
    }
}

/// Whether a pointer token may be the index of a list (RFC 6901, section 4).
fn is_index(token: &str) -> bool {
    token == "0" || (!token.starts_with('0') && !token.is_empty() && token.bytes().all(|b| b.is_ascii_digit()))
}

/// Whether a key, in its quotes, is this name.
fn is_key(key: &str, name: &str) -> bool {
    let inner = key.get(1..key.len().saturating_sub(1)).unwrap_or_default();
    if inner.contains('\\') { serde_json::from_str::<String>(key).is_ok_and(|k| k == name) } else { inner == name }
}

/// Maximum bytes of a value that controls paging; no address is longer.
const SIGNAL_MAX: usize = 64 << 10;

/// A value that controls paging; `None` for one that cannot be read, which must not be taken for the end of the walk. A
/// number that would lose digits is kept as text, because it is sent back to the server.
fn signal_value(raw: &str) -> Option<Value> {
    match kind(raw) {
        FoundItems::List if is_empty(raw) => Some(Value::Array(Vec::new())),
        FoundItems::List => Some(Value::Array(vec![Value::Null])),
        FoundItems::Object if is_empty(raw) => Some(Value::Object(serde_json::Map::new())),
        FoundItems::Object => Some(serde_json::json!({"": null})),
        FoundItems::Absent | FoundItems::Null => Some(Value::Null),
        FoundItems::Scalar if raw.len() > SIGNAL_MAX => None,
        FoundItems::Scalar if raw.starts_with('"') => serde_json::from_str(raw).ok(),
        FoundItems::Scalar => {
            let exact = |value: &Value| value.to_string().as_str() == raw;
            Some(serde_json::from_str(raw).ok().filter(exact).unwrap_or_else(|| Value::from(raw)))
        }
    }
}

/// Whether a list or an object has no content.
fn is_empty(raw: &str) -> bool {
    raw.get(1..raw.len().saturating_sub(1)).is_none_or(|inner| inner.bytes().all(|b| b.is_ascii_whitespace()))
}

/// Whether a value is a total that is only a hint and may have any type.
fn is_hint(operation: &Operation, pointer: &Pointer) -> bool {
    operation.response.total.as_ref().is_some_and(|total| !total.exact && body(&total.at) == Some(pointer))
}

fn kind(raw: &str) -> FoundItems {
    match raw.as_bytes().first() {
        None => FoundItems::Absent,
        Some(b'{') => FoundItems::Object,
        Some(b'[') => FoundItems::List,
        Some(b'n') => FoundItems::Null,
        Some(_) => FoundItems::Scalar,
    }
}
