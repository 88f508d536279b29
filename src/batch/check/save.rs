//! Checks the places of a step's rows, as far as they are known without the format.

use super::expressions::shape;
use super::names::{Allowed, StepNames};
use super::row_fields;
use super::save_table::table_save;
use super::saved_record::SavedRecord;
use crate::authoring::Checker;
use crate::batch::file::StepFile;
use crate::batch::save_file::{SaveFile, SavePart, SavePlacePart, SavedRows};
use crate::batch::save_plan::{Save, SaveTable};
use crate::definition::Fields;
use crate::expression::Shape;
use crate::table::record_names;

/// The places that a step names; those with a fault are left out.
pub(super) fn saves(
    c: &mut Checker<'_>,
    at: &str,
    file: &StepFile,
    record: &SavedRecord<'_>,
    names: &mut StepNames<'_, '_>,
) -> Vec<Save> {
    let declared = declared(record);
    let known = (record, declared.as_slice());
    let places = file.save.as_ref().map(SavePart::places);
    if places.as_ref().is_some_and(Vec::is_empty) {
        c.fault(&format!("{at}/save"), "the list names no file", None);
    }
    let each = places.unwrap_or_default().into_iter();
    each.filter_map(|(below, part)| save(c, &format!("{at}/save{below}"), &part, known, names)).collect()
}

fn save(
    c: &mut Checker<'_>,
    at: &str,
    part: &SavePlacePart,
    (record, declared): (&SavedRecord<'_>, &[String]),
    names: &mut StepNames<'_, '_>,
) -> Option<Save> {
    let whole;
    let (file, place) = match part {
        SavePlacePart::Path(to) => {
            whole = SaveFile::of(to.clone());
            (&whole, at.to_owned())
        }
        SavePlacePart::File(file) => (&**file, format!("{at}/to")),
    };
    let of_outcomes;
    let (record, declared) = if file.rows == Some(SavedRows::Outcomes) {
        if !record.has_outcomes {
            let advice = "save them of a `mutate` or `delete` without `for`; an `upsert` has such rows of its own";
            c.fault(&format!("{at}/rows"), "this step has no outcomes", Some(advice.into()));
        }
        of_outcomes = SavedRecord { fields: &Fields::Any, map: None, operation: None, ..*record };
        (&of_outcomes, &[][..])
    } else {
        (record, declared)
    };
    let before = std::mem::replace(&mut names.sources.item, record.fields.clone());
    let to = path(c, &place, &file.to, names, Allowed { item: true, ..Allowed::default() });
    names.sources.item = before;
    if names.known_fields {
        row_fields::check_columns(c, &format!("{at}/columns"), &file.columns, record.fields);
    }
    let told = c.faults.len();
    let delimiter = file.delimiter.as_ref().and_then(|text| {
        let fits = |byte: &u8| byte.is_ascii() && !byte.is_ascii_alphanumeric() && !b"\"\r\n\0".contains(byte);
        let found = text.bytes().next().filter(|byte| text.len() == 1 && fits(byte));
        if found.is_none() {
            let advice = "such as \";\" or \"|\"; for tabs, use `format: tsv`";
            c.fault(
                &format!("{at}/delimiter"),
                "a delimiter is one ASCII character, no letter, digit or quote",
                Some(advice.into()),
            );
        }
        found
    });
    let table = SaveTable {
        columns: file.columns.clone(),
        declared: if file.columns.is_empty() { declared.to_vec() } else { Vec::new() },
        delimiter,
        bom: file.bom,
        line_ends: file.line_ends,
        guard: file.guard,
    };
    let load = table_save(c, at, file, (record, declared, names.known_fields));
    let is_valid = c.faults.len() == told;
    to.filter(|_| is_valid).map(|to| Save {
        to,
        format: file.format,
        append: file.append,
        outcomes: file.rows == Some(SavedRows::Outcomes),
        table,
        load,
    })
}

/// A path, which is the same whatever other steps read; `None` if it has a fault.
pub(super) fn path(
    c: &mut Checker<'_>,
    place: &str,
    text: &str,
    names: &mut StepNames<'_, '_>,
    allowed: Allowed,
) -> Option<Shape> {
    let json = serde_json::Value::from(text).to_string();
    let (before, told) = ((names.needs.clone(), names.awaits.clone()), c.faults.len());
    let path = shape(c, place, &json, names, allowed);
    if (&*names.needs, &*names.awaits) != (&before.0, &before.1) {
        c.fault(place, "a path cannot use the results of steps", Some("use vars, env, connection or run".into()));
    }
    // A path with a fault is not resolved.
    (c.faults.len() == told).then_some(path)
}

/// The names of the fields that rows are declared to have, in the order of `map` or of the record.
fn declared(record: &SavedRecord<'_>) -> Vec<String> {
    let Fields::Object { known, .. } = record.fields else { return Vec::new() };
    let mut names: Vec<String> = match (record.map, record.operation.filter(|operation| operation.record().is_some())) {
        (Some(Shape::Map(map)), _) => map.iter().map(|(name, _)| name.clone()).collect(),
        // Their order is that of the rows.
        (Some(_), _) | (None, None) => return Vec::new(),
        (None, Some(operation)) => record_names(operation),
    };
    names.extend(known.keys().cloned());
    let mut once = std::collections::BTreeSet::new();
    names.retain(|name| known.contains_key(name) && once.insert(name.clone()));
    names
}
