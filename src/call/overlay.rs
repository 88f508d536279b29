//! Resolves a call: merges the caller's options and items with a template's. The only place for this rule. Pure.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::value::RawValue;

use crate::definition::{Operation, Template};
use crate::error::{Place, Result};
use crate::item::Items;
use crate::json_text::{fields_of, put_list, put_object};
use crate::options::Options;

/// The caller's values.
#[derive(Debug)]
pub struct CallerValues<'a> {
    /// Options; each replaces the template's.
    pub options: &'a Options,
    /// Items. With a template of one item, each is merged with that one, field by field.
    pub items: Option<&'a Items>,
    /// Send the template's sample values where it asks the caller for values.
    pub use_sample: bool,
    /// The fields that the caller gave in every item, if the items do not show it: they are the template's items with
    /// fields set in them.
    pub covered: Option<BTreeSet<String>>,
}

/// A resolved call.
#[derive(Debug)]
pub struct ResolvedCall {
    /// The operation.
    pub operation: Arc<Operation>,
    /// All options.
    pub options: Options,
    /// All items.
    pub items: Option<Items>,
    /// The values that the template asks for and the caller did not give, as JSON Pointers below `/options` and
    /// `/items`.
    pub left: Vec<String>,
}

/// Merges the caller's values with a template, if there is one.
///
/// # Errors
/// `invalid_items` when the items cannot be merged with the template's.
pub fn resolve(
    operation: Arc<Operation>,
    template: Option<&Template>,
    given: &CallerValues<'_>,
) -> Result<ResolvedCall> {
    let Some(template) = template else {
        let (options, items) = (given.options.clone(), given.items.cloned());
        return Ok(ResolvedCall { operation, options, items, left: Vec::new() });
    };
    let own = (!template.items.is_empty()).then_some(template);
    let is_base = |t: &&Template| !t.is_automatic || given.use_sample;
    let items = match (given.items, own.filter(is_base).map(|t| t.items.as_slice())) {
        (Some(items), Some([base])) if given.covered.is_none() => Some(over_each(&base.0, items)?),
        (Some(items), _) => Some(items.clone()),
        (None, _) => own.map(Template::items).transpose()?,
    };
    let covered = given.covered.clone().or_else(|| given.items.map(shared_fields));
    let has_field = |name: &str| covered.as_ref().is_some_and(|fields| fields.contains(name));
    let fills = |name: &str| operation.option(name).is_some_and(|o| operation.item_may_fill(o)) && has_field(name);
    let mut options = template.to_options();
    // A field in every item overrides the template's option.
    let kept: Vec<String> = options.values().keys().filter(|name| !fills(name)).cloned().collect();
    options = options.only(kept.iter().map(String::as_str));
    options.extend(given.options);
    let left = if given.use_sample {
        Vec::new()
    } else {
        template.left(
            |name| given.options.contains(name) || fills(name),
            |field| covered.is_some() && field.is_none_or(has_field),
        )
    };
    Ok(ResolvedCall { operation, options, items, left })
}

/// Fields that all items have.
fn shared_fields(items: &Items) -> BTreeSet<String> {
    let names =
        |text: &str| fields_of(text).unwrap_or_default().into_iter().map(|(name, _)| name).collect::<BTreeSet<_>>();
    let mut all = items.iter().map(|item| names(item.as_str()));
    let first = all.next().unwrap_or_default();
    all.fold(first, |shared, next| shared.intersection(&next).cloned().collect())
}

/// Each item merged with the template's one: its fields override those of the template. A value that is not an object
/// is used alone.
fn over_each(base: &str, items: &Items) -> Result<Items> {
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
    put_object(text, kept.chain(over).map(|(name, value)| (name.as_str(), value)), |text, value| {
        text.push_str(value.get())
    });
}

#[cfg(test)]
mod tests {
    use super::{over_each, shared_fields};
    use crate::item::Items;

    #[test]
    fn items_override_the_template() {
        let items = Items::from_array(r#"[{"b": 1.50, "c": null}, [1]]"#).unwrap();
        let merged = over_each(r#"{"a":"x","b":2}"#, &items).unwrap();
        assert_eq!(merged.to_json(), r#"[{"a":"x","b":1.50,"c":null},[1]]"#);
        assert!(shared_fields(&items).is_empty());
    }
}
