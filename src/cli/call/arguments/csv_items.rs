//! Items from a table: `--items @FILE.csv`. The header names the fields, a dotted name is a nested field, an empty cell omits its field, and values are
//! typed by the schema of their field. Pure.

use csv::{ReaderBuilder, StringRecord};
use serde_json::Value;

use super::typed_value::{quoted, typed_by};
use crate::Items;
use crate::cli::screen::terminal_text::count;
use crate::definition::{Operation, Send};
use crate::error::{Error, ErrorKind, Fault, Place, Result};
use crate::json_text::put_object;

/// A parsed table, with the positions of its rows.
pub(crate) struct CsvTable {
    text: String,
    file: String,
    /// The path of each column's field.
    paths: Vec<Vec<String>>,
    /// Rows that have values, each with its byte offset.
    rows: Vec<(StringRecord, usize)>,
}

/// How the columns form an object.
enum ItemShape {
    Column(usize),
    Object(Vec<(String, ItemShape)>),
}

impl CsvTable {
    /// Reads a table.
    ///
    /// # Errors
    /// `invalid_items` with all invalid rows and names, each with its line and column.
    pub(crate) fn read(operation: &Operation, file: &str, text: String) -> Result<CsvTable> {
        let mut table = CsvTable { text, file: file.to_owned(), paths: Vec::new(), rows: Vec::new() };
        let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(table.text.as_bytes());
        let mut all = Vec::new();
        let mut record = StringRecord::new();
        loop {
            let at = usize::try_from(reader.position().byte()).unwrap_or(usize::MAX);
            let more = reader.read_record(&mut record);
            match more.map_err(|e| Error::new(ErrorKind::InvalidItems, format!("{file} is not valid CSV: {e}")))? {
                true => all.push((record.clone(), at)),
                false => break,
            }
        }
        // The reader skips empty lines before a row.
        for (_, at) in &mut all {
            let rest = table.text.get(*at..).unwrap_or_default();
            *at += rest.len() - rest.trim_start_matches(['\r', '\n']).len();
        }
        let mut all = all.into_iter();
        let Some((header, start)) = all.next() else {
            return Err(Error::new(ErrorKind::InvalidItems, format!("{file} is empty"))
                .at(table.place(0, 0))
                .advise("the first row names the fields; each further row is an item"));
        };
        let mut faults = table.header(operation, &header, start);
        table.rows = all.collect();
        match table.open_quote(table.rows.last().map_or(start, |(_, at)| *at)) {
            // The rest of the file is then one value.
            Some(open) => faults.push(open),
            None => faults.extend(table.uneven(header.len())),
        }
        if !faults.is_empty() {
            return Err(Error::from_faults(ErrorKind::InvalidItems, &format!("{file} has faults"), faults));
        }
        table.rows.retain(|(row, _)| row.iter().any(|cell| !cell.is_empty()));
        Ok(table)
    }

    /// Reads the field names. Returns their faults.
    fn header(&mut self, operation: &Operation, header: &StringRecord, start: usize) -> Vec<Fault> {
        let mut faults = Vec::new();
        let fault = |column: usize, message: String, advice: &'static str| Fault {
            place: self.place(start, column),
            message,
            advice: Some(advice.into()),
        };
        if let Some(name) = header.get(0).filter(|name| header.len() == 1 && name.contains([';', '\t'])) {
            let message = format!("the header has only one field, `{}`", name.escape_debug());
            faults.push(fault(0, message, "separate names and values with commas"));
            return faults;
        }
        let mut shape = ItemShape::Object(Vec::new());
        let mut paths = Vec::new();
        for (column, name) in header.iter().enumerate() {
            let path = path_of(operation, name.trim());
            if path.iter().any(String::is_empty) {
                let message = if name.trim().is_empty() {
                    format!("column {} has no name", column + 1)
                } else {
                    format!("`{name}` has an empty part")
                };
                faults.push(fault(
                    column,
                    message,
                    "the first row needs a field name for each column, such as id or company.id",
                ));
            } else if !shape.insert(&path, column) {
                let message = format!("the field `{name}` is a duplicate, or another column is a nested field of it");
                faults.push(fault(column, message, "use one column for each field"));
            }
            paths.push(path);
        }
        self.paths = paths;
        faults
    }

    /// An unclosed quote in the last row.
    fn open_quote(&self, start: usize) -> Option<Fault> {
        let row = RowText::of(self.text.get(start..)?);
        row.is_open.then(|| Fault {
            place: self.place(start, row.starts.len() - 1),
            message: "unclosed quote".to_owned(),
            advice: Some("double a quote inside a quoted value".into()),
        })
    }

    /// Rows that have more or fewer values than the header has names.
    fn uneven(&self, columns: usize) -> Vec<Fault> {
        let mut faults: Vec<Fault> = Vec::new();
        for (row, start) in self.rows.iter().filter(|(row, _)| row.len() != columns) {
            let (values, fields) = (count(row.len() as u64, "value"), count(columns as u64, "field"));
            let (message, column) = match row.len() < columns {
                true => (format!("this row has {values}, but the header has {fields}"), 0),
                false => (format!("this row has {values}, but the header has only {fields}"), columns),
            };
            let advice = Some("quote values that contain a comma".into());
            faults.push(Fault { place: self.place(*start, column), message, advice });
        }
        faults
    }

    /// The items.
    pub(crate) fn items(&self, operation: &Operation) -> Result<Items> {
        let mut shape = ItemShape::Object(Vec::new());
        let mut schemas = Vec::new();
        for (column, path) in self.paths.iter().enumerate() {
            shape.insert(path, column);
            schemas.push(schema_of(operation, path));
        }
        let mut text = String::from("[");
        for (index, (row, _)) in self.rows.iter().enumerate() {
            if index > 0 {
                text.push(',');
            }
            let cell = |column: usize| {
                let cell = row.get(column).filter(|cell| !cell.is_empty())?;
                Some(schemas.get(column).map_or_else(|| quoted(cell), |schema| typed_cell(schema, cell)))
            };
            text.push_str(&shape.json(&cell).unwrap_or_else(|| "{}".to_owned()));
        }
        text.push(']');
        Items::from_array(text)
    }

    /// Adds line and column to a place with the pointer of a field, such as `/3/company/id`.
    pub(crate) fn locate(&self, place: &mut Place) {
        let Some(pointer) = place.field.as_deref() else { return };
        let mut tokens = pointer.split('/').skip(1).map(crate::json_pointer::unescape);
        let Some(row) = tokens.next().and_then(|n| self.rows.get(n.parse::<usize>().ok()?)) else { return };
        let path: Vec<String> = tokens.collect();
        let is_meant = |own: &&Vec<String>| !path.is_empty() && (own.starts_with(&path) || path.starts_with(own));
        let column = self.paths.iter().position(|own| is_meant(&own)).unwrap_or(0);
        let found = self.place(row.1, column);
        (place.line, place.column) = (found.line, found.column);
    }

    /// The place of a column in the row at a byte offset.
    fn place(&self, start: usize, column: usize) -> Place {
        let before = self.text.get(..start).unwrap_or_default();
        let row = self.text.get(start..).unwrap_or_default();
        let to = RowText::of(row).starts.get(column).and_then(|at| row.get(..*at)).unwrap_or_default();
        let line_start = |text: &str| text.rfind('\n').map_or(0, |at| at + 1);
        let in_line = to.get(line_start(to)..).unwrap_or_default().chars().count();
        let lines = before.matches('\n').count() + to.matches('\n').count();
        Place {
            file: Some(self.file.clone()),
            line: Some(lines as u64 + 1),
            column: Some(in_line as u64 + 1),
            field: None,
        }
    }
}

/// The positions of the values in the text of a row (RFC 4180).
struct RowText {
    /// Byte offset of each value.
    starts: Vec<usize>,
    /// Whether the text ends inside quotes.
    is_open: bool,
}

/// State of the scan within a value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum CsvScan {
    Start,
    Plain,
    Quoted,
    /// After a quote in a quoted value: it closes the value, or is the first of a doubled quote.
    Closed,
}

impl RowText {
    /// Scans the first row of a text.
    fn of(text: &str) -> RowText {
        let mut starts = vec![0];
        let mut scan = CsvScan::Start;
        for (at, byte) in text.bytes().enumerate() {
            scan = match (scan, byte) {
                (CsvScan::Start | CsvScan::Closed, b'"') => CsvScan::Quoted,
                (CsvScan::Quoted, b'"') => CsvScan::Closed,
                (CsvScan::Quoted, _) => CsvScan::Quoted,
                (_, b'\n') => break,
                (_, b',') => {
                    starts.push(at + 1);
                    CsvScan::Start
                }
                (_, _) => CsvScan::Plain,
            };
        }
        RowText { starts, is_open: scan == CsvScan::Quoted }
    }
}

/// A dotted name as a path, unless the items have a field with that name.
fn path_of(operation: &Operation, name: &str) -> Vec<String> {
    let whole = [name.to_owned()];
    let properties = operation.items.as_ref().and_then(|rule| rule.schema.get("properties"));
    if properties.and_then(|properties| properties.get(name)).is_some() {
        return whole.to_vec();
    }
    name.split('.').map(str::to_owned).collect()
}

/// The schema of a field; a patch removes a field whose value is null.
fn schema_of(operation: &Operation, path: &[String]) -> Value {
    let mut schema = super::options::field_schema(operation, path);
    let is_patch = operation.items.as_ref().is_some_and(|rule| matches!(rule.send, Send::JsonPatch(_)));
    if let Some(kind @ Value::String(_)) = schema.as_object_mut().filter(|_| is_patch).and_then(|s| s.get_mut("type")) {
        *kind = Value::Array(vec![kind.take(), Value::from("null")]);
    }
    schema
}

/// A cell as JSON. Accepts TRUE and FALSE, as spreadsheets write them.
fn typed_cell(schema: &Value, cell: &str) -> String {
    let json = typed_by(schema, cell);
    let word = cell.trim().to_ascii_lowercase();
    if json.starts_with('"') && matches!(word.as_str(), "true" | "false") {
        let flag = typed_by(schema, &word);
        return if flag.starts_with('"') { json } else { flag };
    }
    json
}

impl ItemShape {
    /// Adds a column. Returns `false` if its path conflicts with another column.
    fn insert(&mut self, path: &[String], column: usize) -> bool {
        let (ItemShape::Object(fields), Some((name, rest))) = (self, path.split_first()) else { return false };
        let found = fields.iter_mut().find(|(own, _)| own == name).map(|(_, shape)| shape);
        match (found, rest.is_empty()) {
            (Some(_), true) => false,
            (Some(shape), false) => shape.insert(rest, column),
            (None, true) => {
                fields.push((name.clone(), ItemShape::Column(column)));
                true
            }
            (None, false) => {
                let mut shape = ItemShape::Object(Vec::new());
                let is_new = shape.insert(rest, column);
                fields.push((name.clone(), shape));
                is_new
            }
        }
    }

    /// The JSON of a row; `None` if it has no value.
    fn json(&self, cell: &dyn Fn(usize) -> Option<String>) -> Option<String> {
        match self {
            ItemShape::Column(column) => cell(*column),
            ItemShape::Object(fields) => {
                let values: Vec<(&str, String)> =
                    fields.iter().filter_map(|(name, shape)| Some((name.as_str(), shape.json(cell)?))).collect();
                if values.is_empty() {
                    return None;
                }
                let mut text = String::new();
                put_object(&mut text, values, |text, value| text.push_str(&value));
                Some(text)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{CsvTable, RowText};
    use crate::definition::Catalog;
    use crate::error::Place;

    const OPERATIONS: &str = "version: 1\noperations:\n  add:\n    title: T\n    method: mutate\n    request: POST /t\n    items:\n      send: each\n      schema:\n        type: object\n        properties:\n          id: { type: integer }\n          price: { type: number }\n          open: { type: boolean }\n          note: { type: [string, 'null'] }\n          tags: { type: array, items: { type: integer } }\n          'a.b': { type: string }\n          of: { type: object, properties: { id: { type: integer }, name: { type: string } } }\n    response: { result: none }\n";
    const CONNECTOR: &str =
        "version: 1\nconnector: acme\ntitle: Acme\nconnection: {}\nbase_url: https://acme.example.com\nauth: none\n";

    fn read(text: &str) -> Result<(CsvTable, String), crate::error::Error> {
        let mut catalog = Catalog::empty();
        catalog.add("acme", "connector.yaml", CONNECTOR);
        catalog.add("acme", "t.yaml", OPERATIONS);
        let operation = catalog.operation(None, "add").unwrap();
        let table = CsvTable::read(&operation, "t.csv", text.to_owned())?;
        let items = table.items(&operation)?.to_json();
        Ok((table, items))
    }

    #[test]
    fn values_take_the_type_of_their_field() {
        for (text, items) in [
            ("id,price,open\n7,1.10,true\n", r#"[{"id":7,"price":1.10,"open":true}]"#),
            ("id,open,note\n007,FALSE,null\n", r#"[{"id":7,"open":false,"note":null}]"#),
            ("id,price\nx,1\n,2\n", r#"[{"id":"x","price":1},{"price":2}]"#),
            (
                "of.id,of.name,note\n1,12,12\n,,\n,true,a\n",
                r#"[{"of":{"id":1,"name":"12"},"note":"12"},{"of":{"name":"true"},"note":"a"}]"#,
            ),
            ("a.b,x.y.z,tags\n1,2,\"3,4\"\n", r#"[{"a.b":"1","x":{"y":{"z":"2"}},"tags":[3,4]}]"#),
            ("note\r\n\"a \"\"b\"\"\nc, d\"\r\n\r\ne\r\n", "[{\"note\":\"a \\\"b\\\"\\nc, d\"},{\"note\":\"e\"}]"),
            ("id\n", "[]"),
        ] {
            assert_eq!(read(text).unwrap().1, items, "{text}");
        }
    }

    #[test]
    fn faults_have_their_line_and_column() {
        for (text, line, column, says) in [
            ("", 1, 1, "is empty"),
            ("id,,note\n", 1, 4, "column 2 has no name"),
            ("id,of.,note\n", 1, 4, "empty part"),
            ("id,note,id\n", 1, 9, "is a duplicate"),
            ("of,of.id\n", 1, 4, "is a duplicate"),
            ("id;note\n1;2\n", 1, 1, "only one field"),
            ("id,note\n1,2\n3\n", 3, 1, "1 value,"),
            ("id,note\n\n1,\"a\nb\"\n3,4,5\n", 5, 5, "3 values"),
            ("id,note\n1,\"a\n", 2, 3, "unclosed quote"),
        ] {
            let error = read(text).err().unwrap();
            let place = error.place.clone().unwrap();
            assert!(error.message.contains(says), "{text}: {}", error.message);
            assert_eq!((place.line, place.column), (Some(line), Some(column)), "{text}");
        }
    }

    #[test]
    fn faults_of_items_are_located_in_the_table() {
        let (table, _) = read("note,of.id\n\"a\nb\",1\n,\nx,y\n").unwrap();
        for (pointer, line, column) in [("/0/of/id", 3, 4), ("/1/of", 5, 3), ("/1/id", 5, 1), ("/1", 5, 1)] {
            let mut place = Place::field(pointer);
            table.locate(&mut place);
            assert_eq!((place.line, place.column), (Some(line), Some(column)), "{pointer}");
        }
        let mut place = Place::field("/7/note");
        table.locate(&mut place);
        assert_eq!(place.line, None);
    }

    #[test]
    fn a_quote_inside_a_plain_value_is_text() {
        assert_eq!(RowText::of("5\" pipe,x\n").starts, [0, 8]);
        assert!(!RowText::of("5\" pipe,x\n").is_open);
    }
}
