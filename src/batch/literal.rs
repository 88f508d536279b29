//! What stands in a step without expressions: checked as it will be sent.

use serde_json::Value;

use super::file::{StepFile, UnknownFieldsFile};
use super::row_fields;
use crate::authoring::Checker;
use crate::definition::{Method, Operation};
use crate::error::{Fault, Place};
use crate::item::Items;
use crate::options::Options;
use crate::write::check_items;

/// Fields that are not known.
pub(super) fn tell(c: &mut Checker<'_>, place: &str, unknown: Vec<Fault>) {
    for fault in unknown {
        let field = fault.place.field.unwrap_or_default();
        c.fault(&format!("{place}{field}"), fault.message, Some(row_fields::OTHERWISE.to_owned()));
    }
}

pub(super) fn takes_nothing(operation: &Operation) -> bool {
    operation.items.is_none() && !operation.options.iter().any(|o| operation.item_may_fill(o))
}

/// Items that are written out are checked as they will be sent.
pub(super) fn literal_items(c: &mut Checker<'_>, at: &str, file: &StepFile, operation: &Operation) {
    let (Some(items), None) = (&file.items, &file.map) else { return };
    if items.0.contains("${{") || operation.method == Method::Query || takes_nothing(operation) {
        return;
    }
    let Ok(list) = Items::from_array(items.0.as_str()) else { return };
    // What a template gives is looked at with its options.
    let named = operation
        .options
        .iter()
        .filter(|o| file.template.is_some() || file.options.0.iter().any(|(name, _)| *name == o.name));
    let mut given = Options::default();
    named.for_each(|o| given.insert(o.name.clone(), Value::Null));
    let error = match check_items(operation, &given, Some(&list)) {
        Ok(unknown) if file.unknown_fields == UnknownFieldsFile::Refuse => {
            return tell(c, &format!("{at}/items"), unknown);
        }
        Ok(_) => return,
        Err(error) => error,
    };
    let mut told = |place: Option<&Place>, message: &str| {
        let message = message.rsplit_once("do not fit: ").map_or(message, |(_, m)| m);
        let message = message.strip_prefix("item ").and_then(|m| m.split_once(": ")).map_or(message, |(_, m)| m);
        let field = place.and_then(|p| p.field.as_deref()).unwrap_or_default();
        c.fault(&format!("{at}/items{field}"), message.to_owned(), None);
    };
    if error.faults.is_empty() {
        told(error.place.as_ref(), &error.message);
    }
    error.faults.iter().for_each(|f| told(Some(&f.place), &f.message));
}
