//! Items from a table of text: `--items @FILE.csv`, `@FILE.tsv`. The header names the fields, a dotted name is a nested field, an empty cell omits its field, and values are
//! typed by the schema of their field. Pure.

use csv::{ReaderBuilder, StringRecord};
use serde_json::Value;

use crate::Items;
use crate::definition::{Operation, Send};
use crate::error::{Error, ErrorKind, Fault, Place, Result};
use crate::row_file::{
    ColumnName, CsvMarks, HeaderFault, ItemShape, RowText, column_path, header_faults, single_field, typed_cell, uneven,
};

/// A parsed table, with the positions of its rows.
pub(crate) struct CsvTable {
    text: String,
    file: String,
    marks: CsvMarks,
    /// The path of each column's field.
    paths: Vec<Vec<String>>,
    /// Rows that have values, each with its byte offset.
    rows: Vec<(StringRecord, usize)>,
}

impl CsvTable {
    /// Reads a table.
    ///
    /// # Errors
    /// `invalid_items` with all invalid rows and names, each with its line and column.
    pub(crate) fn read(operation: &Operation, file: &str, text: String) -> Result<CsvTable> {
        let delimiter = if file.to_ascii_lowercase().ends_with(".tsv") { b'\t' } else { b',' };
        let marks = CsvMarks { delimiter, ..CsvMarks::USUAL };
        let mut table = CsvTable { text, file: file.to_owned(), marks, paths: Vec::new(), rows: Vec::new() };
        let mut reader = ReaderBuilder::new()
            .delimiter(delimiter)
            .has_headers(false)
            .flexible(true)
            .from_reader(table.text.as_bytes());
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
        let names: Vec<&str> = header.iter().collect();
        let fault = |HeaderFault { column, message, advice }: HeaderFault| Fault {
            place: self.place(start, column),
            message,
            advice: Some(advice.into()),
        };
        if let Some(single) = single_field(&names).filter(|_| self.marks == CsvMarks::USUAL) {
            return vec![fault(single)];
        }
        let schema = operation.items.as_ref().map(|rule| &rule.schema);
        let paths: Vec<Vec<String>> = names.iter().map(|name| column_path(name.trim(), Some('.'), schema)).collect();
        let named: Vec<ColumnName<'_>> =
            names.iter().zip(&paths).map(|(name, path)| ColumnName { name, path }).collect();
        let faults = header_faults(&named).into_iter().map(fault).collect();
        self.paths = paths;
        faults
    }

    /// An unclosed quote in the last row.
    fn open_quote(&self, start: usize) -> Option<Fault> {
        let row = RowText::of(self.text.get(start..)?, self.marks);
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
            let (message, column) = uneven(row.len(), columns);
            let advice = Some("quote values that contain a comma".into());
            faults.push(Fault { place: self.place(*start, column), message, advice });
        }
        faults
    }

    /// The items.
    pub(crate) fn items(&self, operation: &Operation) -> Result<Items> {
        let mut shape = ItemShape::default();
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
            let mut cell = |column: usize, out: &mut String| {
                let found = row.get(column).filter(|cell| !cell.is_empty()).zip(schemas.get(column));
                found.inspect(|(cell, schema)| out.push_str(&typed_cell(schema, cell))).is_some()
            };
            if !shape.put(&mut text, &mut cell) {
                text.push_str("{}");
            }
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
        let to = RowText::of(row, self.marks).starts.get(column).and_then(|at| row.get(..*at)).unwrap_or_default();
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

/// The schema of a field; a patch removes a field whose value is null.
fn schema_of(operation: &Operation, path: &[String]) -> Value {
    let mut schema = super::options::field_schema(operation, path);
    if operation.items.as_ref().is_some_and(|rule| matches!(rule.send, Send::JsonPatch(_))) {
        super::options::allow_null(&mut schema);
    }
    schema
}

#[cfg(test)]
mod tests {
    use super::CsvTable;
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
}
