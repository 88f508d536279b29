//! Reads the needed parts of a JSON body in one pass over its bytes: a small tree of keys says where they are, and
//! everything else is checked and skipped. Pure.

use serde_json::Value;

use crate::authoring::Pointer;
use crate::item::Span;
use crate::json_pointer::{index_in, is_index};
use crate::reply::FoundRows;
use crate::reply::scan::{Scan, ScanFault};

/// The value found at a pointer in the reply.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum FoundItems {
    #[default]
    Absent,
    Null,
    List,
    Object,
    Scalar,
}

impl FoundItems {
    pub(super) const fn words(self) -> &'static str {
        match self {
            FoundItems::Absent => "nothing",
            FoundItems::Null => "null",
            FoundItems::List => "a list",
            FoundItems::Object => "a single object",
            FoundItems::Scalar => "a single value",
        }
    }
}

/// What was found.
#[derive(Default)]
pub(super) struct Catch {
    pub(super) items: FoundItems,
    pub(super) spans: Vec<Span>,
    pub(super) raw: Option<Span>,
    pub(super) signals: Vec<(usize, Value)>,
    /// A signal that exists but cannot be read.
    pub(super) unusable: Option<usize>,
    pub(super) twice: Option<String>,
    /// Values that are kept as text, with their numbers.
    held: Vec<(usize, Span)>,
}

impl Catch {
    /// The text of a value that is kept.
    pub(super) fn held<'t>(&self, text: &'t str, slot: usize) -> Option<&'t str> {
        let (from, to) = self.held_span(slot)?;
        text.get(from as usize..to as usize)
    }

    pub(super) fn held_span(&self, slot: usize) -> Option<Span> {
        self.held.iter().rfind(|(other, _)| *other == slot).map(|(_, span)| *span)
    }
}

/// The needed parts of a reply, as a tree over its keys.
#[derive(Default)]
pub(super) struct KeyTree {
    /// The items are here; whether they are split.
    items: Option<bool>,
    signal: Option<usize>,
    /// The value is kept as text, under this number.
    held: Option<usize>,
    children: Vec<(String, KeyTree)>,
}

impl KeyTree {
    /// The tree for signals, and the items if they are read as they are; `list` says whether they are split.
    pub(super) fn new(items: Option<&Pointer>, list: bool, signals: &[&Pointer]) -> KeyTree {
        let mut root = KeyTree::default();
        if let Some(items) = items {
            root.at(items).items = Some(list);
        }
        for (i, pointer) in signals.iter().enumerate() {
            root.at(pointer).signal = Some(i);
        }
        root
    }

    /// Keeps the value at a pointer under a number; the number, or an earlier one for the same place.
    pub(super) fn hold(&mut self, pointer: &Pointer, slot: usize) -> usize {
        *self.at(pointer).held.get_or_insert(slot)
    }

    fn at(&mut self, pointer: &Pointer) -> &mut KeyTree {
        let mut node = self;
        for token in pointer.tokens() {
            let known = node.children.iter().position(|(t, _)| t == token);
            let index = known.unwrap_or(node.children.len());
            if known.is_none() {
                node.children.push((token.clone(), KeyTree::default()));
            }
            // The index was found or pushed just above.
            #[expect(clippy::indexing_slicing, reason = "found or pushed just above")]
            {
                node = &mut node.children[index].1;
            }
        }
        node
    }

    /// The parts of a list that are needed, by index, also counted from its end.
    fn elements(&self) -> impl Iterator<Item = (&str, &KeyTree)> {
        self.children.iter().filter(|(token, _)| is_index(token)).map(|(token, child)| (token.as_str(), child))
    }
}

/// Reads a reply along the tree of needed parts; everything else is checked and skipped.
pub(super) struct Reader<'t> {
    text: &'t str,
    scan: Scan<'t>,
    catch: Catch,
    rows: FoundRows,
    items_max: usize,
}

impl<'t> Reader<'t> {
    /// Reads a whole text; returns whether it has line breaks.
    pub(super) fn run(
        text: &'t str,
        tree: &KeyTree,
        rows: FoundRows,
        items_max: usize,
    ) -> Result<(Catch, bool), ScanFault> {
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
                let end =
                    if noted { self.scan.elements_from(rows.at, more)? } else { self.scan.elements(start, more)? };
                self.within_items(node)?;
                end
            }
            b'{' if !node.children.is_empty() => self.object(start, node)?,
            b'[' if node.elements().next().is_some() => self.array(start, node)?,
            _ => self.scan.value(start)?,
        };
        let raw = self.text.get(start..end).unwrap_or_default();
        if node.items.is_some() {
            self.catch.items = kind(raw);
            self.catch.raw = Some((start as u32, end as u32));
        }
        if let Some(slot) = node.held {
            self.catch.held.push((slot, (start as u32, end as u32)));
        }
        if let Some(signal) = node.signal {
            match signal_value(raw) {
                Some(value) => self.catch.signals.push((signal, value)),
                None => self.catch.unusable = Some(signal),
            }
        }
        Ok(end)
    }

    /// Needed parts of single items.
    fn within_items(&mut self, node: &KeyTree) -> Result<(), ScanFault> {
        for (token, child) in node.elements() {
            let index = index_in(token, self.catch.spans.len());
            if let Some((from, _)) = index.and_then(|index| self.catch.spans.get(index)).copied() {
                self.place(from as usize, child)?;
            }
        }
        Ok(())
    }

    /// A list of which single elements are needed, by their index.
    fn array(&mut self, start: usize, node: &KeyTree) -> Result<usize, ScanFault> {
        let mut starts = Vec::new();
        let end = self.scan.elements(start, |from, _| {
            starts.push(from);
            Ok(())
        })?;
        for (token, child) in node.elements() {
            if let Some(from) = index_in(token, starts.len()).and_then(|index| starts.get(index)) {
                self.place(*from, child)?;
            }
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

/// What a JSON text is.
pub(super) fn kind(raw: &str) -> FoundItems {
    match raw.as_bytes().first() {
        None => FoundItems::Absent,
        Some(b'{') => FoundItems::Object,
        Some(b'[') => FoundItems::List,
        Some(b'n') => FoundItems::Null,
        Some(_) => FoundItems::Scalar,
    }
}
/// Adds an element, within the limit.
pub(super) fn keep(spans: &mut Vec<Span>, from: usize, to: usize, max: usize) -> Result<(), ScanFault> {
    if spans.len() >= max {
        return Err(ScanFault::Count);
    }
    spans.push((from as u32, to as u32));
    Ok(())
}
