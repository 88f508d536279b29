//! The columns of a table: names, nested fields, types, and the object that a row becomes. Pure.

use serde_json::Value;

use super::options::{CellType, EmptyCell, ReadOptions};
use super::typed_value::{at_path, typed_cell};
use crate::error::{Error, ErrorKind, Fault, Result};
use crate::json_text::put_text;

/// A name of a header and the field that it means.
pub(crate) struct ColumnName<'n> {
    pub(crate) name: &'n str,
    /// The names of the field, from the outermost.
    pub(crate) path: &'n [String],
}

/// A fault of a header.
pub(crate) struct HeaderFault {
    /// From 0.
    pub(crate) column: usize,
    pub(crate) message: String,
    pub(crate) advice: &'static str,
}

/// A name as a path, divided at `nested`, unless the schema has a field with the whole name.
pub(crate) fn column_path(name: &str, nested: Option<char>, schema: Option<&Value>) -> Vec<String> {
    let has_whole = schema.and_then(|schema| schema.get("properties")?.get(name)).is_some();
    match nested.filter(|_| !has_whole) {
        Some(between) => name.split(between).map(str::to_owned).collect(),
        None => vec![name.to_owned()],
    }
}

/// The fault of a header with one name that contains another delimiter.
pub(crate) fn single_field(names: &[&str]) -> Option<HeaderFault> {
    let [name] = names else { return None };
    name.contains([';', '\t']).then(|| HeaderFault {
        column: 0,
        message: format!("the header has only one field, `{}`", name.escape_debug()),
        advice: "separate names and values with commas",
    })
}

/// The largest number of columns: that of a sheet.
pub(super) const COLUMNS_MAX: usize = 16_384;

/// Names that are missing, incomplete, or there twice.
pub(crate) fn header_faults(columns: &[ColumnName<'_>]) -> Vec<HeaderFault> {
    if columns.len() > COLUMNS_MAX {
        let message = format!("the table has {} columns, and at most {COLUMNS_MAX} are read", columns.len());
        return vec![HeaderFault { column: COLUMNS_MAX, message, advice: "check the delimiter and the quotes" }];
    }
    let mut faults = Vec::new();
    let mut shape = ItemShape::default();
    for (column, ColumnName { name, path }) in columns.iter().enumerate() {
        if path.iter().any(String::is_empty) {
            let message = match name.trim().is_empty() {
                true => format!("column {} has no name", column + 1),
                false => format!("`{name}` has an empty part"),
            };
            let advice = "the first row needs a field name for each column, such as id or company.id";
            faults.push(HeaderFault { column, message, advice });
        } else if !shape.insert(path, column) {
            let message = format!("the field `{name}` is a duplicate, or another column is a nested field of it");
            faults.push(HeaderFault { column, message, advice: "use one column for each field" });
        }
    }
    faults
}

/// What is wrong with a row that has another number of cells than the header, and the column where it starts.
pub(crate) fn uneven(cells: usize, fields: usize) -> (String, usize) {
    let (values, names) = (counted(cells, "value"), counted(fields, "field"));
    match cells < fields {
        true => (format!("this row has {values}, but the header has {names}"), 0),
        false => (format!("this row has {values}, but the header has only {names}"), fields),
    }
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// How columns form an object.
pub(crate) enum ItemShape {
    Column(usize),
    Object(Vec<(String, ItemShape)>),
}

impl Default for ItemShape {
    fn default() -> ItemShape {
        ItemShape::Object(Vec::new())
    }
}

impl ItemShape {
    /// Adds a column. Returns `false` if its path conflicts with another column.
    pub(crate) fn insert(&mut self, path: &[String], column: usize) -> bool {
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
                let mut shape = ItemShape::default();
                let is_new = shape.insert(rest, column);
                fields.push((name.clone(), shape));
                is_new
            }
        }
    }

    /// Writes a row as JSON; `cell` writes the value of a column. Returns `false`, and writes nothing, if the row has no
    /// value.
    pub(crate) fn put(&self, out: &mut String, cell: &mut dyn FnMut(usize, &mut String) -> bool) -> bool {
        let fields = match self {
            ItemShape::Column(column) => return cell(*column, out),
            ItemShape::Object(fields) => fields,
        };
        let start = out.len();
        out.push('{');
        let mut has_value = false;
        for (name, shape) in fields {
            let before = out.len();
            if has_value {
                out.push(',');
            }
            put_text(out, name);
            out.push(':');
            match shape.put(out, cell) {
                true => has_value = true,
                false => out.truncate(before),
            }
        }
        match has_value {
            true => out.push('}'),
            false => out.truncate(start),
        }
        has_value
    }
}

/// The value of a cell.
#[derive(Clone, Copy)]
pub(super) enum CellValue<'c> {
    Text(&'c str),
    /// A number or a flag, as JSON.
    #[cfg_attr(not(feature = "xlsx"), expect(dead_code, reason = "only cells of sheets have types"))]
    Plain(&'c str),
}

/// A column with its type.
struct TypedColumn {
    name: String,
    /// From `types`.
    own: Option<CellType>,
    /// `null` if the column has no type.
    schema: Value,
}

/// The columns of a table that is read.
pub(super) struct TableColumns {
    columns: Vec<TypedColumn>,
    shape: ItemShape,
    empty: EmptyCell,
}

/// A cell that does not fit the type of its column.
pub(super) struct CellMisfit {
    pub(super) column: usize,
    pub(super) message: String,
}

impl TableColumns {
    /// From the names of the columns. Faults have a column from 0.
    pub(super) fn new(names: &[&str], options: &ReadOptions) -> Result<TableColumns, Vec<HeaderFault>> {
        let schema = options.schema.as_ref().map(|schema| schema.source());
        let paths: Vec<Vec<String>> =
            names.iter().map(|name| column_path(name.trim(), options.nested, schema)).collect();
        let named: Vec<ColumnName<'_>> =
            names.iter().zip(&paths).map(|(name, path)| ColumnName { name: name.trim(), path }).collect();
        let faults = header_faults(&named);
        if !faults.is_empty() {
            return Err(faults);
        }
        let mut shape = ItemShape::default();
        let typed = |(column, (name, path)): (usize, (&&str, &Vec<String>))| {
            shape.insert(path, column);
            let own = options.types.get(name.trim()).copied();
            let from_schema = || schema.and_then(|schema| at_path(schema, path)).cloned().unwrap_or_default();
            let schema = own.map_or_else(from_schema, CellType::schema);
            TypedColumn { name: name.trim().to_owned(), own, schema }
        };
        let columns = names.iter().zip(&paths).enumerate().map(typed).collect();
        Ok(TableColumns { columns, shape, empty: options.empty })
    }

    /// Refuses types of columns that the table does not have.
    ///
    /// # Errors
    /// `invalid_options` with the nearest name.
    pub(super) fn check_types(&self, options: &ReadOptions, file: &str) -> Result<()> {
        let is_known = |name: &&String| self.columns.iter().any(|column| column.name == **name);
        let Some(name) = options.types.keys().find(|name| !is_known(name)) else { return Ok(()) };
        let hint = crate::error::did_you_mean(name, self.columns.iter().map(|column| column.name.as_str()));
        let message = format!("{file} has no column `{name}`, which `types` names{hint}");
        let place = crate::error::Place { file: Some(file.to_owned()), ..Default::default() };
        Err(Error::new(ErrorKind::InvalidOptions, message).at(place).advise("use the names of the header in `types`"))
    }

    pub(super) fn len(&self) -> usize {
        self.columns.len()
    }

    /// Writes a row; `cell` gives the value of a column. Returns `false` if it has no value.
    ///
    /// # Errors
    /// The first cell that does not fit.
    pub(super) fn put<'c>(
        &self,
        out: &mut String,
        cell: impl Fn(usize) -> Option<CellValue<'c>>,
    ) -> Result<bool, CellMisfit> {
        let mut misfit = None;
        let mut put = |column: usize, out: &mut String| {
            let Some(rule) = self.columns.get(column) else { return false };
            match cell(column).filter(|cell| !matches!(cell, CellValue::Text(""))) {
                None => return self.put_empty(out),
                Some(value) => {
                    if let Err(message) = rule.put(out, value) {
                        misfit.get_or_insert(CellMisfit { column, message });
                    }
                }
            }
            true
        };
        let has_value = self.shape.put(out, &mut put);
        match misfit {
            Some(misfit) => Err(misfit),
            None => Ok(has_value),
        }
    }

    fn put_empty(&self, out: &mut String) -> bool {
        match self.empty {
            EmptyCell::Absent => return false,
            EmptyCell::Null => out.push_str("null"),
            EmptyCell::Text => out.push_str("\"\""),
        }
        true
    }
}

impl TypedColumn {
    /// Writes a value with the type of the column; `Err` says why it does not fit.
    fn put(&self, out: &mut String, value: CellValue<'_>) -> Result<(), String> {
        let (CellValue::Text(text) | CellValue::Plain(text)) = value;
        match (value, &self.schema) {
            (CellValue::Text(text), Value::Null) => put_text(out, text),
            (CellValue::Plain(json), Value::Null) => out.push_str(json),
            (_, schema) => {
                let json = typed_cell(schema, text);
                if let Some(own) = self.own.filter(|own| !own.fits(&json, text)) {
                    let shown: String = text.chars().take(40).collect();
                    let shown = shown.escape_debug();
                    return Err(format!("`{}` must be {}, not `{shown}`", self.name, own.words()));
                }
                out.push_str(&json);
            }
        }
        Ok(())
    }
}

impl CellType {
    fn schema(self) -> Value {
        let kind: &[&str] = match self {
            CellType::Text | CellType::Date | CellType::DateTime => &["string"],
            CellType::Integer => &["integer"],
            CellType::Number => &["number"],
            CellType::Boolean => &["boolean"],
            CellType::Json => &["object", "array"],
        };
        serde_json::json!({ "type": kind })
    }

    /// Whether a converted cell has the type.
    fn fits(self, json: &str, text: &str) -> bool {
        match self {
            CellType::Text => true,
            CellType::Integer | CellType::Number | CellType::Boolean => !json.starts_with('"'),
            // Text between commas is no JSON.
            CellType::Json => {
                text.trim_start().starts_with(['{', '[']) && !json.starts_with('"') && json == text.trim()
            }
            CellType::Date => text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok(),
            CellType::DateTime => {
                text.contains(['T', 't', ' '])
                    && (text.parse::<jiff::Timestamp>().is_ok() || text.parse::<jiff::civil::DateTime>().is_ok())
            }
        }
    }

    fn words(self) -> &'static str {
        match self {
            CellType::Text => "text",
            CellType::Integer => "a whole number",
            CellType::Number => "a number",
            CellType::Boolean => "true or false",
            CellType::Date => "a day such as 2026-01-31",
            CellType::DateTime => "a time such as 2026-01-31T12:00:00Z",
            CellType::Json => "a list or an object as JSON",
        }
    }
}

/// The faults of a header as one error; `place` gives the place of a column.
pub(super) fn header_error(
    file: &str,
    faults: Vec<HeaderFault>,
    place: impl Fn(usize) -> crate::error::Place,
) -> Error {
    let fault = |f: HeaderFault| Fault { place: place(f.column), message: f.message, advice: Some(f.advice.into()) };
    let faults = faults.into_iter().map(fault).collect();
    Error::from_faults(ErrorKind::InvalidItems, &format!("the header of {file} has faults"), faults)
}
