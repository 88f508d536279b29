//! The form of a table for the rows of a step: its columns with their types, from the record of the operation, and how
//! the rows get into it.

use serde_json::Value;

use super::row_fields::{OTHERWISE, check_columns};
use super::save::SavedRecord;
use crate::authoring::Checker;
use crate::authoring::values::NamesPart;
use crate::batch::save_file::SaveFile;
use crate::batch::save_plan::TableSave;
use crate::definition::{Fields, Operation};
use crate::json_pointer::{escape, path_of};
use crate::table::{DeclaredColumn, LoadMode, Nested, TableAddress, TableForm, ValueKind, key_columns};

/// Deeper objects of a record are columns of JSON.
const DEPTH_MAX: usize = 4;
/// The key of a record, unless another is named.
const ID: &str = "id";

/// The form of a table for the rows. Nothing for a place that is known to be none.
pub(super) fn table_save(
    c: &mut Checker<'_>,
    at: &str,
    file: &SaveFile,
    (record, declared, is_checked): (&SavedRecord<'_>, &[String], bool),
) -> Option<TableSave> {
    let given: Vec<String> =
        file.table_keys().into_iter().filter(|(_, is_given)| *is_given).map(|(key, _)| key.to_owned()).collect();
    let is_file = !TableAddress::is_one(&file.to) && !file.to.starts_with("${{");
    if is_file && given.is_empty() {
        return None;
    }
    let nested = file.nested.unwrap_or_default();
    let schema = record.operation.filter(|_| record.map.is_none()).and_then(Operation::record);
    let schema = schema.and_then(|record| serde_json::from_str::<Value>(&record.schema.0).ok()).unwrap_or_default();
    let declaration = Declaration { schema: &schema, nested };
    let columns = match file.columns.as_slice() {
        [] => declared.iter().flat_map(|name| declaration.columns(name)).collect(),
        chosen => chosen.iter().map(|name| declaration.chosen(path_of(name))).collect(),
    };
    let kinds = file.types.iter().map(|(name, kind)| (name.clone(), *kind)).collect();
    if is_checked {
        let names: Vec<String> = file.types.keys().cloned().collect();
        for name in &names {
            check_name(c, &format!("{at}/types/{}", escape(name)), name, record.fields);
        }
    }
    let mode = file.mode.unwrap_or_default();
    let key = key(c, at, file, (record, is_checked));
    let form = TableForm { declared: columns, is_chosen: !file.columns.is_empty(), nested, kinds };
    if let Some(missing) = key.iter().find(|name| form.is_chosen && !form.has(name)) {
        c.fault(&format!("{at}/columns"), format!("the key `{missing}` is not among the columns"), None);
    }
    let evolve = file.evolve.unwrap_or_default();
    Some(TableSave { mode, key, evolve, form, given, is_partial: record.is_partial })
}

/// The columns that identify a row.
fn key(c: &mut Checker<'_>, at: &str, file: &SaveFile, (record, is_checked): (&SavedRecord<'_>, bool)) -> Vec<String> {
    let mode = file.mode.unwrap_or_default();
    let names = match &file.key {
        Some(NamesPart::One(name)) => vec![name.clone()],
        Some(NamesPart::Several(names)) => names.clone(),
        None if mode.is_keyed() => {
            let has_id = record.fields.unknown(&[ID.to_owned()], "/").is_none();
            if !has_id {
                let message = format!("`mode: {}` finds rows by a key, and the rows have no field `{ID}`", mode.name());
                c.fault(at, message, Some("name the fields that identify a row in `key`".into()));
            }
            vec![ID.to_owned()]
        }
        None => Vec::new(),
    };
    if file.key.is_some() {
        if names.is_empty() {
            c.fault(&format!("{at}/key"), "the list names no field", None);
        }
        if mode == LoadMode::Append {
            let advice = "use `mode: upsert`, or leave `key` out";
            c.fault(&format!("{at}/key"), "`append` adds all rows, whatever their keys", Some(advice.into()));
        }
        if is_checked {
            check_columns(c, &format!("{at}/key"), &names, record.fields);
        }
    }
    key_columns(&names.iter().map(|name| path_of(name)).collect::<Vec<_>>())
}

fn check_name(c: &mut Checker<'_>, at: &str, name: &str, rows: &Fields) {
    // The name of a column, or the path of its field.
    let path = if name.contains("__") { return } else { path_of(name) };
    if let Some(unknown) = rows.unknown(&path, "/") {
        let message = format!("no row has a field `{}`{}", unknown.path, unknown.hint());
        c.fault(at, message, Some(OTHERWISE.into()));
    }
}

/// What a record declares.
struct Declaration<'d> {
    schema: &'d Value,
    nested: Nested,
}

impl<'d> Declaration<'d> {
    /// The columns of a field.
    fn columns(&self, name: &str) -> Vec<DeclaredColumn> {
        let property = self.schema.get("properties").and_then(|properties| properties.get(name));
        let mut columns = Vec::new();
        self.add(&mut columns, vec![name.to_owned()], property);
        columns
    }

    fn add(&self, columns: &mut Vec<DeclaredColumn>, path: Vec<String>, schema: Option<&'d Value>) {
        let fields = schema.map(|schema| self.resolved(schema)).and_then(|schema| schema.get("properties"));
        let fields = fields.and_then(Value::as_object).filter(|_| self.nested == Nested::Flatten);
        match fields {
            Some(fields) if path.len() < DEPTH_MAX && !fields.is_empty() => {
                for (name, schema) in fields {
                    let inner = path.iter().cloned().chain([name.clone()]).collect();
                    self.add(columns, inner, Some(schema));
                }
            }
            _ => columns.push(self.column(path, schema)),
        }
    }

    /// A column that was chosen by its path.
    fn chosen(&self, path: Vec<String>) -> DeclaredColumn {
        let found = path.iter().try_fold(self.schema, |schema, name| {
            self.resolved(schema).get("properties").and_then(|properties| properties.get(name))
        });
        self.column(path, found)
    }

    fn column(&self, path: Vec<String>, schema: Option<&'d Value>) -> DeclaredColumn {
        let own = schema.map(|schema| self.resolved(schema));
        let about = schema.into_iter().chain(own).find_map(|schema| schema.get("description"));
        DeclaredColumn {
            path,
            kind: own.and_then(ValueKind::of_schema),
            about: about.and_then(Value::as_str).map(str::to_owned),
        }
    }

    /// The schema that a reference means.
    fn resolved(&self, schema: &'d Value) -> &'d Value {
        let mut schema = schema;
        for _ in 0..DEPTH_MAX {
            let pointer = schema.get("$ref").and_then(Value::as_str).and_then(|text| text.strip_prefix('#'));
            match pointer.and_then(|pointer| self.schema.pointer(pointer)) {
                Some(found) => schema = found,
                None => break,
            }
        }
        schema
    }
}
