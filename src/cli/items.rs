//! Items from the command line: an array, NDJSON or one object, laid over a template's. Digits and order of the fields stay.

use std::collections::BTreeSet;

use serde_json::value::RawValue;

use super::input::{Input, input};
use crate::definition::{Operation, Template};
use crate::error::{Error, ErrorKind, Place, Result};
use crate::item::{Items, fields_of, put_list, put_object};

/// The items of a call.
pub(crate) struct Given {
    pub(crate) items: Items,
    /// Names of fields that every typed item has, where there is a template; `None` when the items are its own.
    typed: Option<BTreeSet<String>>,
}

impl Given {
    /// Whether the caller gave this field of every item (or the items at all).
    pub(crate) fn covers(&self, field: Option<&str>) -> bool {
        match (&self.typed, field) {
            (None, _) => false,
            (Some(_), None) => true,
            (Some(typed), Some(field)) => typed.contains(field),
        }
    }
}

/// The items of a call and the file that they came from, when they did.
pub(crate) fn given(operation: &Operation, template: Option<&Template>, argument: Option<&str>) -> Result<(Option<Given>, Option<String>)> {
    let own = template.filter(|t| !t.items.is_empty());
    let Some(argument) = argument else {
        let items = own.map(Template::items).transpose()?;
        return Ok((items.map(|items| Given { items, typed: None }), None));
    };
    let input = input("--items", argument, ErrorKind::InvalidItems)?;
    let file = input.file.clone();
    let items = read(input).map_err(|e| e.with(|d| d.operation = Some(operation.id.clone())))?;
    let typed = template.map(|_| shared_fields(&items));
    let items = match own.map(|t| t.items.as_slice()) {
        Some([base]) => lay_over(&base.0, &items)?,
        _ => items,
    };
    Ok((Some(Given { items, typed }), file))
}

fn read(input: Input) -> Result<Items> {
    let text = input.text.trim();
    if text.is_empty() && input.file.is_none() {
        return Err(Error::new(ErrorKind::InvalidItems, "--items is empty").advise("give [] to send nothing"));
    }
    let placed = |e: Error| match input.file {
        Some(file) => e.with(|d| d.place.get_or_insert_default().file = Some(file)),
        None => e,
    };
    // One object, maybe over several lines, is one item.
    if text.starts_with('{') && serde_json::from_str::<&RawValue>(text).is_ok() {
        return Items::from_array(format!("[{text}]")).map_err(placed);
    }
    Items::from_ndjson(input.text).map_err(placed)
}

/// Fields that all items have.
fn shared_fields(items: &Items) -> BTreeSet<String> {
    let names = |text: &str| fields_of(text).unwrap_or_default().into_iter().map(|(name, _)| name).collect::<BTreeSet<_>>();
    let mut all = items.iter().map(|item| names(item.as_str()));
    let first = all.next().unwrap_or_default();
    all.fold(first, |shared, next| shared.intersection(&next).cloned().collect())
}

/// Each item over the template's one: its fields win, the template's others stay. What is no object stands alone.
fn lay_over(base: &str, items: &Items) -> Result<Items> {
    let Some(base) = fields_of(base) else { return Ok(items.clone()) };
    let mut text = String::new();
    put_list(&mut text, items.iter(), |text, item| match fields_of(item.as_str()) {
        Some(over) => put_merged(text, &base, &over),
        None => text.push_str(item.as_str()),
    });
    Items::from_array(text).map_err(|e| e.at(Place::field("/items")))
}

fn put_merged(text: &mut String, base: &[(String, &RawValue)], over: &[(String, &RawValue)]) {
    let kept = base.iter().filter(|(name, _)| over.iter().all(|(n, _)| n != name));
    put_object(text, kept.chain(over).map(|(name, value)| (name.as_str(), value)), |text, value| text.push_str(value.get()));
}

#[cfg(test)]
mod tests {
    use super::{lay_over, shared_fields};
    use crate::item::Items;

    #[test]
    fn items_are_laid_over_the_template() {
        let items = Items::from_array(r#"[{"b": 1.50, "c": null}, [1]]"#).unwrap();
        let merged = lay_over(r#"{"a":"x","b":2}"#, &items).unwrap();
        assert_eq!(merged.to_json(), r#"[{"a":"x","b":1.50,"c":null},[1]]"#);
        assert!(shared_fields(&items).is_empty());
    }
}
