//! Lists of rows as tables of their own: each element is a row, with the key of its row and its position in the list.

use super::load::load;
use super::mode::LoadMode;
use super::names::{OWNER, POSITION};
use super::order::{LoadOrder, LoadReport, OpenRows};
use super::row_scanner::{ColumnPlace, OtherFields, RowScanner};
use super::shape::{DeclaredColumn, ListTable, TableForm, column_name};
use super::value_kind::ValueKind;
use crate::error::{Error, ErrorKind, Result};
use crate::json_text::put_text;
use crate::run_store::{Measure, RowReader};

/// Before the name of a column with the key of the row.
const PARENT: &str = "_parent_";

/// Loads rows, then the lists that have a table of their own.
///
/// # Errors
/// As [`load`]; `invalid_items` for a value that is no list.
pub(crate) fn load_all(
    database: &mut dyn super::database::Database,
    order: &LoadOrder,
    rows: &OpenRows<'_>,
    check: &dyn Fn(u64) -> Result<()>,
) -> Result<LoadReport> {
    // A value that is no list is found before anything is changed.
    let mut lists = Vec::new();
    for list in &order.form.lists {
        let mut measure = Measure::default();
        let mut all = Elements::new(rows()?, order, list);
        while let Some(row) = all.next_row()? {
            measure.add_row(row);
        }
        lists.push((list, LoadOrder { extent: measure.extent(), ..of_list(order, list) }));
    }
    let mut report = load(database, order, rows, check)?;
    for (list, own) in lists {
        let elements = || -> Result<Box<dyn RowReader>> { Ok(Box::new(Elements::new(rows()?, order, list))) };
        let done = report.rows;
        report.notes.extend(load(database, &own, &elements, &|rows| check(done + rows))?.notes);
    }
    Ok(report)
}

/// The load of the elements of a list.
fn of_list(order: &LoadOrder, list: &ListTable) -> LoadOrder {
    let name = format!("{}__{}", order.table.name, column_name(&list.path));
    let declared =
        |name: String, kind, about: &str| DeclaredColumn { path: vec![name], kind, about: Some(about.into()) };
    let kind_of = |name: &String| order.form.named(name).and_then(|column| column.kind);
    let keys =
        order.key.iter().map(|name| declared(format!("{PARENT}{name}"), kind_of(name), "Key of the row with the list"));
    let position = declared(POSITION.to_owned(), Some(ValueKind::Integer), "Position in the list, from 0");
    let declared = keys.chain([position]).chain(list.elements.iter().cloned()).collect();
    let form = TableForm { declared, is_chosen: false, lists: Vec::new(), ..order.form.clone() };
    let parent = order.key.iter().map(|name| format!("{PARENT}{name}")).collect();
    LoadOrder { table: order.table.beside(name), key: Vec::new(), parent, form, ..order.clone() }
}

/// The elements of a list of rows, as rows.
struct Elements {
    rows: Box<dyn RowReader>,
    scanner: RowScanner,
    keys: Vec<String>,
    list: String,
    table: String,
    is_merged: bool,
    /// The number of rows so far.
    number: u64,
    /// Elements that wait, the next one last.
    waiting: Vec<String>,
    current: String,
}

impl Elements {
    fn new(rows: Box<dyn RowReader>, order: &LoadOrder, list: &ListTable) -> Elements {
        let place = |path: Vec<String>| ColumnPlace { path, kind: ValueKind::Json };
        let path_of =
            |name: &String| order.form.named(name).map_or_else(|| vec![name.clone()], |column| column.path.clone());
        let places: Vec<ColumnPlace> =
            std::iter::once(list.path.clone()).chain(order.key.iter().map(path_of)).map(place).collect();
        Elements {
            rows,
            scanner: RowScanner::new(&places, OtherFields::Ignored),
            keys: order.key.clone(),
            list: list.path.join("/"),
            table: order.table.to_string(),
            is_merged: matches!(order.mode, LoadMode::Upsert | LoadMode::Mirror),
            number: 0,
            waiting: Vec::new(),
            current: String::new(),
        }
    }

    /// Reads the next row, and makes rows of its elements.
    fn advance(&mut self) -> Result<bool> {
        let Some(row) = self.rows.next_row()? else { return Ok(false) };
        self.number += 1;
        self.scanner.scan(row);
        let raw = self.scanner.raw(row, 0).filter(|raw| *raw != "null").unwrap_or("[]");
        let elements: Vec<&serde_json::value::RawValue> = serde_json::from_str(raw).map_err(|_| {
            let message = format!("{}: row {}: {} is no list", self.table, self.number, self.list);
            Error::new(ErrorKind::InvalidItems, message).advise("correct the value, or leave it out of `lists`")
        })?;
        let mut owner = String::new();
        for (at, name) in self.keys.iter().enumerate() {
            owner.push(',');
            put_text(&mut owner, &format!("{PARENT}{name}"));
            owner.push(':');
            owner.push_str(self.scanner.raw(row, at + 1).unwrap_or("null"));
        }
        if self.is_merged {
            owner.push_str(&format!(",\"{OWNER}\":{}", self.number));
        }
        for (position, element) in elements.iter().enumerate().rev() {
            let inner = element.get().strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
            let fields = match inner.map(str::trim) {
                Some("") => String::new(),
                Some(fields) => format!("{fields},"),
                None => format!("\"value\":{},", element.get()),
            };
            // The last of equal names counts, and these are opnode's.
            self.waiting.push(format!("{{{fields}\"{POSITION}\":{position}{owner}}}"));
        }
        if self.is_merged {
            // A row whose list is empty now has no elements any more.
            self.waiting.push(format!("{{\"{POSITION}\":null{owner}}}"));
        }
        Ok(true)
    }
}

impl RowReader for Elements {
    fn next_row(&mut self) -> Result<Option<&str>> {
        loop {
            if let Some(row) = self.waiting.pop() {
                self.current = row;
                return Ok(Some(&self.current));
            }
            if !self.advance()? {
                return Ok(None);
            }
        }
    }
}
