//! The form of a table for the rows of a step: its columns with their types, from the record of the operation, and how
//! the rows get into it.

use super::row_fields::{OTHERWISE, check_columns};
use super::saved_record::SavedRecord;
use crate::authoring::Checker;
use crate::authoring::values::NamesPart;
use crate::batch::save_file::{SaveFile, SaveFormat, SavedRows};
use crate::batch::save_plan::TableSave;
use crate::definition::Fields;
use crate::json_pointer::{escape, path_of};
use crate::table::{ID, LoadMode, RecordForm, TableAddress, key_columns};

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
    let format = file.format.or_else(|| SaveFormat::of_name(file.to.as_ref()));
    if is_file && given.is_empty() && (file.to == "-" || format.is_some_and(SaveFormat::is_text)) {
        return None;
    }
    let nested = file.nested.unwrap_or_default();
    let of_outcomes;
    let (form, declared) = if file.rows == Some(SavedRows::Outcomes) {
        let (form, names) = RecordForm::of_outcomes(nested);
        of_outcomes = names;
        (form, of_outcomes.as_slice())
    } else {
        (RecordForm::of(record.operation.filter(|_| record.map.is_none()), nested), declared)
    };
    let kinds = file.types.iter().map(|(name, kind)| (name.clone(), *kind)).collect();
    if is_checked {
        let names: Vec<String> = file.types.keys().cloned().collect();
        for name in &names {
            check_name(c, &format!("{at}/types/{}", escape(name)), name, record.fields);
        }
    }
    let mode = file.mode.unwrap_or_default();
    let key = if is_file { Vec::new() } else { key(c, at, file, (record, is_checked)) };
    let lists = file.lists.as_ref().map(NamesPart::names).unwrap_or_default();
    if is_checked {
        check_columns(c, &format!("{at}/lists"), lists, record.fields);
    }
    if mode == LoadMode::History && !lists.is_empty() {
        let advice = "leave `lists` out: then lists are JSON";
        c.fault(&format!("{at}/lists"), "`history` has no tables of lists", Some(advice.into()));
    }
    let form = form.table(declared, (&file.columns, lists), kinds);
    if let Some(missing) = key.iter().find(|name| form.is_chosen && form.named(name).is_none()) {
        c.fault(&format!("{at}/columns"), format!("the key `{missing}` is not among the columns"), None);
    }
    let sheet = file.sheet.clone();
    Some(TableSave { mode, key, evolve: file.evolve, form, sheet, given, is_partial: record.is_partial })
}

/// The columns that identify a row.
fn key(c: &mut Checker<'_>, at: &str, file: &SaveFile, (record, is_checked): (&SavedRecord<'_>, bool)) -> Vec<String> {
    let mode = file.mode.unwrap_or_default();
    let names = match &file.key {
        Some(names) => names.names().to_vec(),
        None if mode.is_keyed() || file.lists.is_some() => {
            let has_id = record.fields.unknown(&[ID.to_owned()], "/").is_none();
            if !has_id {
                let message = match mode.is_keyed() {
                    true => format!("`mode: {}` finds rows by a key, and the rows have no field `{ID}`", mode.name()),
                    false => format!("`lists` need the key of their rows, and the rows have no field `{ID}`"),
                };
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
        if mode == LoadMode::Append && file.lists.is_none() {
            let advice = "use `mode: upsert`, or leave `key` out";
            c.fault(&format!("{at}/key"), "`append` adds all rows, whatever their keys", Some(advice.into()));
        }
        if is_checked {
            check_columns(c, &format!("{at}/key"), &names, record.fields);
        }
    }
    key_columns(&names)
}

fn check_name(c: &mut Checker<'_>, at: &str, name: &str, rows: &Fields) {
    // The name of a column, or the path of its field.
    let path = if name.contains("__") { return } else { path_of(name) };
    if let Some(unknown) = rows.unknown(&path, "/") {
        let message = format!("no row has a field `{}`{}", unknown.path, unknown.hint());
        c.fault(at, message, Some(OTHERWISE.into()));
    }
}
