//! Literal parts of a step: checked as they will be sent.

use serde_json::Value;

use super::row_fields;
use crate::authoring::Checker;
use crate::batch::file::{StepFile, UnknownFieldsFile};
use crate::definition::{Method, Operation};
use crate::error::Fault;
use crate::item::Items;
use crate::options::Options;
use crate::write::look;

/// Unknown fields.
pub(super) fn tell(c: &mut Checker<'_>, place: &str, unknown: Vec<Fault>) {
    for fault in unknown {
        let field = fault.place.field.unwrap_or_default();
        c.fault(&format!("{place}{field}"), fault.message, Some(row_fields::OTHERWISE.into()));
    }
}

pub(super) fn takes_nothing(operation: &Operation) -> bool {
    operation.items.is_none() && !operation.options.iter().any(|o| operation.item_may_fill(o))
}

/// Literal items are checked as they will be sent.
pub(super) fn literal_items(c: &mut Checker<'_>, at: &str, file: &StepFile, operation: &Operation) {
    let (Some(items), None) = (&file.items, &file.map) else { return };
    if items.0.contains("${{") || operation.method == Method::Query || takes_nothing(operation) {
        return;
    }
    let Ok(list) = Items::from_array(items.0.as_str()) else { return };
    // Values of a template are checked with its options.
    let named = operation.options.iter().filter(|o| file.template.is_some() || file.options.contains_key(&o.name));
    let mut given = Options::default();
    named.for_each(|o| given.insert(o.name.clone(), Value::Null));
    let at = format!("{at}/items");
    match look(operation, &given, Some(&list)) {
        Ok((faults, unknown)) => {
            for fault in faults {
                c.fault(&format!("{at}/{}{}", fault.index, fault.pointer), fault.message, None);
            }
            if file.unknown_fields == UnknownFieldsFile::Refuse {
                tell(c, &at, unknown);
            }
        }
        Err(error) => {
            let field = error.place.as_ref().and_then(|p| p.field.as_deref()).unwrap_or_default();
            c.fault(&format!("{at}{field}"), error.message.clone(), None);
        }
    }
}
