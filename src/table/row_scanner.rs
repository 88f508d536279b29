//! Finds the values of a row's columns in its text, in one pass and without a tree of values. A row is valid JSON on one
//! line.

use std::collections::HashMap;

use super::cell::{CellRules, Cells, UnfitCell};
use super::value_kind::ValueKind;
use crate::output::VALUE;

/// A span of the row.
type Span = (usize, usize);
/// Deeper objects stay JSON.
const DEPTH_MAX: usize = 32;

/// Where a column's value is in a row, and what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ColumnPlace {
    pub(crate) path: Vec<String>,
    pub(crate) kind: ValueKind,
}

/// What is done with fields that are no columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OtherFields {
    /// They are left out.
    Ignored,
    /// They are found, each as one value.
    Found,
    /// They are found; those in objects on their own.
    FoundInObjects,
}

/// A name with what is below it.
#[derive(Debug, Default)]
struct NameNode {
    names: Vec<String>,
    children: Vec<Child>,
    numbers: HashMap<String, usize, foldhash::fast::FixedState>,
}

#[derive(Debug, Default)]
struct Child {
    /// Whether the value is neither a column nor an unknown field.
    is_passed: bool,
    column: Option<usize>,
    below: Option<NameNode>,
}

/// Finds the values of columns.
#[derive(Debug)]
pub(crate) struct RowScanner {
    root: NameNode,
    kinds: Vec<ValueKind>,
    others: OtherFields,
    spans: Vec<Option<Span>>,
    /// Fields that are no columns.
    unknown: Vec<(Vec<String>, Span)>,
    /// Whether one of them has a value.
    has_unknown: bool,
    /// Whether they are only noticed, and not kept.
    only_notices: bool,
    path: Vec<String>,
}

/// A value that does not fit its column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unfitting {
    pub(crate) column: usize,
    pub(crate) why: UnfitCell,
    pub(crate) raw: String,
}

impl RowScanner {
    pub(crate) fn new(columns: &[ColumnPlace], others: OtherFields) -> RowScanner {
        let mut root = NameNode::default();
        for (number, column) in columns.iter().enumerate() {
            root.add(&column.path, Some(number));
        }
        RowScanner {
            root,
            kinds: columns.iter().map(|column| column.kind).collect(),
            others,
            spans: vec![None; columns.len()],
            unknown: Vec::new(),
            has_unknown: false,
            only_notices: false,
            path: Vec::new(),
        }
    }

    /// Passes these fields, which are neither columns nor unknown.
    pub(crate) fn passing<'p>(mut self, paths: impl IntoIterator<Item = &'p [String]>) -> RowScanner {
        paths.into_iter().for_each(|path| self.root.add(path, None));
        self
    }

    /// Only notices whether there are unknown fields with a value.
    pub(crate) fn noticing(mut self) -> RowScanner {
        self.only_notices = true;
        self
    }

    /// Finds the values in a row.
    pub(crate) fn scan(&mut self, row: &str) {
        self.spans.iter_mut().for_each(|span| *span = None);
        self.unknown.clear();
        self.has_unknown = false;
        let mut scan = RowScan {
            row,
            bytes: row.as_bytes(),
            at: 0,
            spans: &mut self.spans,
            unknown: (!self.only_notices).then_some(&mut self.unknown),
            has_unknown: &mut self.has_unknown,
            path: &mut self.path,
            others: self.others,
        };
        scan.space();
        match scan.byte() {
            Some(b'{') => scan.object(Some(&self.root)),
            _ => scan.field(self.root.find(VALUE, &mut 0), VALUE),
        }
    }

    /// The fields of the last row that are no columns, with their raw values.
    pub(crate) fn unknown<'r>(&'r self, row: &'r str) -> impl Iterator<Item = (&'r [String], &'r str)> {
        self.unknown.iter().map(|(path, span)| (path.as_slice(), row.get(span.0..span.1).unwrap_or_default()))
    }

    /// Whether one of these fields has a value that is not null.
    pub(crate) fn has_unknown(&self) -> bool {
        self.has_unknown
    }

    /// The raw value of a column in the last row.
    pub(crate) fn raw<'r>(&self, row: &'r str, column: usize) -> Option<&'r str> {
        let span = self.spans.get(column).copied().flatten()?;
        row.get(span.0..span.1)
    }

    /// The values of the last row as cells. Those that do not fit are passed to `unfit`.
    pub(crate) fn fill(&self, row: &str, cells: &mut Cells, rules: &CellRules, unfit: &mut dyn FnMut(Unfitting)) {
        cells.clear();
        for (column, (span, kind)) in self.spans.iter().zip(&self.kinds).enumerate() {
            if let Err(why) = cells.push(row, *span, *kind, rules) {
                unfit(Unfitting { column, why, raw: self.raw(row, column).unwrap_or_default().to_owned() });
            }
        }
    }
}

impl NameNode {
    fn add(&mut self, path: &[String], column: Option<usize>) {
        let Some((first, rest)) = path.split_first() else { return };
        let number = self.numbers.get(first).copied().unwrap_or_else(|| {
            self.numbers.insert(first.clone(), self.children.len());
            self.names.push(first.clone());
            self.children.push(Child::default());
            self.children.len() - 1
        });
        let Some(child) = self.children.get_mut(number) else { return };
        match rest {
            [] => (child.column, child.is_passed) = (column, column.is_none()),
            rest => child.below.get_or_insert_default().add(rest, column),
        }
    }

    /// The child of a name. `guess` is the position after that of the last field: rows have their fields in one order.
    fn find(&self, name: &str, guess: &mut usize) -> Option<&Child> {
        let number = match self.names.get(*guess) {
            Some(guessed) if guessed == name => *guess,
            _ => self.numbers.get(name).copied()?,
        };
        *guess = number + 1;
        self.children.get(number)
    }
}

struct RowScan<'s> {
    row: &'s str,
    bytes: &'s [u8],
    at: usize,
    spans: &'s mut [Option<Span>],
    unknown: Option<&'s mut Vec<(Vec<String>, Span)>>,
    has_unknown: &'s mut bool,
    path: &'s mut Vec<String>,
    others: OtherFields,
}

impl RowScan<'_> {
    fn byte(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.byte(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// The fields of the object that begins here.
    fn object(&mut self, node: Option<&NameNode>) {
        let mut guess = 0;
        self.at += 1;
        loop {
            self.space();
            match self.byte() {
                Some(b'"') => {}
                Some(b',') => {
                    self.at += 1;
                    continue;
                }
                _ => {
                    self.at += 1;
                    return;
                }
            }
            let start = self.at;
            self.text();
            let raw = self.row.get(start..self.at).unwrap_or_default();
            let inner = raw.get(1..raw.len().saturating_sub(1)).unwrap_or_default();
            let escaped: String;
            let name = match memchr::memchr(b'\\', inner.as_bytes()) {
                None => inner,
                Some(_) => {
                    escaped = serde_json::from_str(raw).unwrap_or_default();
                    escaped.as_str()
                }
            };
            self.space();
            self.at += 1;
            self.space();
            self.field(node.and_then(|node| node.find(name, &mut guess)), name);
        }
    }

    /// The value that begins here, of a field of this name.
    fn field(&mut self, child: Option<&Child>, name: &str) {
        if child.is_some_and(|child| child.is_passed) {
            self.value();
            return;
        }
        let (column, below) = child.map_or((None, None), |child| (child.column, child.below.as_ref()));
        let is_object = self.byte() == Some(b'{');
        let start = self.at;
        // An object whose fields are columns, or are found.
        let opens = is_object && column.is_none() && (below.is_some() || self.opens_others());
        if opens {
            self.path.push(name.to_owned());
            self.object(below);
            self.path.pop();
            return;
        }
        self.value();
        let span = (start, self.at);
        match column {
            Some(column) => {
                if let Some(place) = self.spans.get_mut(column) {
                    *place = Some(span);
                }
                if let Some(below) = below.filter(|_| is_object) {
                    // Columns below it are found as well.
                    let end = std::mem::replace(&mut self.at, start);
                    let others = std::mem::replace(&mut self.others, OtherFields::Ignored);
                    self.object(Some(below));
                    (self.at, self.others) = (end, others);
                }
            }
            None => {
                if self.others == OtherFields::Ignored {
                    return;
                }
                *self.has_unknown |= self.row.get(span.0..span.1) != Some("null");
                if let Some(unknown) = &mut self.unknown {
                    let mut path = self.path.clone();
                    path.push(name.to_owned());
                    unknown.push((path, span));
                }
            }
        }
    }

    fn opens_others(&self) -> bool {
        self.others == OtherFields::FoundInObjects && self.path.len() < DEPTH_MAX
    }

    /// Passes the value that begins here.
    fn value(&mut self) {
        match self.byte() {
            Some(b'"') => self.text(),
            Some(b'{' | b'[') => self.nested(),
            _ => {
                while let Some(byte) = self.byte() {
                    if matches!(byte, b',' | b'}' | b']' | b' ' | b'\t' | b'\n' | b'\r') {
                        break;
                    }
                    self.at += 1;
                }
            }
        }
    }

    fn nested(&mut self) {
        let mut depth = 0_usize;
        while let Some(byte) = self.byte() {
            match byte {
                b'"' => {
                    self.text();
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth -= 1,
                _ => {}
            }
            self.at += 1;
            if depth == 0 {
                return;
            }
        }
    }

    /// Passes the text that begins here.
    fn text(&mut self) {
        self.at += 1;
        while let Some(rest) = self.bytes.get(self.at..) {
            match memchr::memchr2(b'"', b'\\', rest) {
                Some(found) if rest.get(found) == Some(&b'"') => {
                    self.at += found + 1;
                    return;
                }
                Some(found) => self.at += found + 2,
                None => {
                    self.at = self.bytes.len();
                    return;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ColumnPlace, OtherFields, RowScanner};
    use crate::table::value_kind::ValueKind;

    fn scanner(paths: &[&str], others: OtherFields) -> RowScanner {
        let path = |text: &&str| text.split('/').map(str::to_owned).collect();
        let columns: Vec<ColumnPlace> =
            paths.iter().map(|text| ColumnPlace { path: path(text), kind: ValueKind::Json }).collect();
        RowScanner::new(&columns, others)
    }

    fn found(scanner: &mut RowScanner, row: &str) -> (Vec<Option<String>>, Vec<(String, String)>) {
        scanner.scan(row);
        let columns = scanner.spans.len();
        let raws = (0..columns).map(|column| scanner.raw(row, column).map(str::to_owned)).collect();
        let others = scanner.unknown(row).map(|(path, raw)| (path.join("/"), raw.to_owned())).collect();
        (raws, others)
    }

    fn texts(raws: &[Option<&str>]) -> Vec<Option<String>> {
        raws.iter().map(|raw| raw.map(str::to_owned)).collect()
    }

    #[test]
    fn values_are_found_whatever_their_order_and_form() {
        let row =
            r#" { "b" : "x\"},{" , "a\u0041" : [ {"b":1}, "]" ], "c": { "d": -1.5e3 , "e": null }, "f": {}, "b":2 } "#;
        let mut own = scanner(&["aA", "b", "c/d", "c/e", "z"], OtherFields::Found);
        let (raws, others) = found(&mut own, row);
        assert_eq!(raws, texts(&[Some(r#"[ {"b":1}, "]" ]"#), Some("2"), Some("-1.5e3"), Some("null"), None]));
        assert_eq!(others, [("f".to_owned(), "{}".to_owned())]);
        // The next row starts anew.
        assert_eq!(found(&mut own, "{}"), (texts(&[None, None, None, None, None]), Vec::new()));
        assert_eq!(found(&mut own, r#"{"b":[],"c":7}"#).1, [("c".to_owned(), "7".to_owned())]);
    }

    #[test]
    fn fields_of_objects_are_found_on_their_own_or_as_one() {
        let row = r#"{"a":{"x":{"y":1},"z":[{"q":1}],"n":null},"b":true,"e":{}}"#;
        let names = |others| {
            let (_, found) = found(&mut scanner(&[], others), row);
            found.into_iter().map(|(path, _)| path).collect::<Vec<_>>()
        };
        assert_eq!(names(OtherFields::Found), ["a", "b", "e"]);
        assert_eq!(names(OtherFields::FoundInObjects), ["a/x/y", "a/z", "a/n", "b"]);
        assert!(names(OtherFields::Ignored).is_empty());
        let (raws, _) = found(&mut scanner(&["a", "a/x/y"], OtherFields::Found), row);
        assert_eq!(raws, texts(&[Some(r#"{"x":{"y":1},"z":[{"q":1}],"n":null}"#), Some("1")]));
    }

    #[test]
    fn a_row_that_is_no_object_has_one_value() {
        assert_eq!(found(&mut scanner(&["value"], OtherFields::Found), "7").0, texts(&[Some("7")]));
        assert_eq!(found(&mut scanner(&[], OtherFields::Found), r#"["a"]"#).1.len(), 1);
    }
}
