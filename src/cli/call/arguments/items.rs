//! Items from the command line: an array, NDJSON or one object, laid over a template's. Digits and order of the fields stay.

use std::collections::BTreeSet;

use serde_json::value::RawValue;

use super::options::ItemField;
use super::text::{ArgumentText, input};
use crate::definition::{Operation, Template};
use crate::error::{Error, ErrorKind, Place, Result};
use crate::item::{Items, fields_of, put_list, put_object};

/// The items of a call.
pub(crate) struct TypedItems {
    pub(crate) items: Items,
    /// Names of fields that every typed item has, where there is a template; `None` when the items are its own.
    typed: Option<BTreeSet<String>>,
}

impl TypedItems {
    /// Whether the caller gave this field of every item (or the items at all).
    pub(crate) fn covers(&self, field: Option<&str>) -> bool {
        match (&self.typed, field) {
            (None, _) => false,
            (Some(_), None) => true,
            (Some(typed), Some(field)) => typed.contains(field),
        }
    }
}

/// Where the items of a call come from.
pub(crate) struct ItemSources<'a> {
    pub(crate) template: Option<&'a Template>,
    /// `--items`
    pub(crate) argument: Option<&'a str>,
    /// `--set items.0.title=…`
    pub(crate) fields: &'a [ItemField],
    /// The values of an automatic template are samples, which are not sent unless somebody says so.
    pub(crate) use_sample: bool,
}

/// The items of a call and the file that they came from, when they did.
pub(crate) fn given(operation: &Operation, sources: &ItemSources<'_>) -> Result<(Option<TypedItems>, Option<String>)> {
    let own = sources.template.filter(|t| !t.items.is_empty());
    let base = own.filter(|t| !t.is_automatic || sources.use_sample).map(|t| t.items.as_slice());
    let (items, file) = match (sources.argument, base) {
        (Some(argument), _) => {
            let input = input("--items", argument, ErrorKind::InvalidItems)?;
            let file = input.file.clone();
            (read(input).map_err(|e| e.with(|d| d.operation = Some(operation.id.clone())))?, file)
        }
        (None, _) if sources.fields.is_empty() => {
            let items = own.map(Template::items).transpose()?;
            return Ok((items.map(|items| TypedItems { items, typed: None }), None));
        }
        // Several items have no one that the others are laid over.
        (None, Some([_, _, ..])) => (own.map(Template::items).transpose()?.unwrap_or_default(), None),
        (None, _) => (Items::default(), None),
    };
    let items = set(items, sources.fields)?;
    let typed = sources.template.map(|_| match sources.argument {
        None if matches!(base, Some([_, _, ..])) => set_everywhere(&items, sources.fields),
        _ => shared_fields(&items),
    });
    let items = match base {
        Some([base]) => lay_over(&base.0, &items)?,
        _ => items,
    };
    Ok((Some(TypedItems { items, typed }), file))
}

/// The items with single fields set; a number behind the last adds an item.
fn set(items: Items, fields: &[ItemField]) -> Result<Items> {
    if fields.is_empty() {
        return Ok(items);
    }
    let mut all: Vec<String> = items.iter().map(|item| item.as_str().to_owned()).collect();
    for field in fields {
        let name = format!("items.{}.{}", field.index, field.path.join("."));
        if field.index == all.len() {
            all.push("{}".to_owned());
        }
        let Some(item) = all.get_mut(field.index) else {
            return Err(Error::new(ErrorKind::Usage, format!("--set {name}: the next item is items.{}", all.len()))
                .advise("items are numbered from 0, without gaps"));
        };
        *item = put(item, &field.path, &field.value).ok_or_else(|| {
            Error::new(ErrorKind::InvalidItems, format!("--set {name}: something that has no fields stands there"))
        })?;
    }
    Items::from_array(format!("[{}]", all.join(",")))
}

/// The JSON with a value at a path; objects on the way are made. `None` where something else stands in the way.
fn put(json: &str, path: &[String], value: &str) -> Option<String> {
    let Some((name, rest)) = path.split_first() else { return Some(value.to_owned()) };
    if let (Ok(mut list), Ok(index)) = (serde_json::from_str::<Vec<&RawValue>>(json), name.parse::<usize>()) {
        let inner =
            if index == list.len() { put("null", rest, value)? } else { put(list.get(index)?.get(), rest, value)? };
        let inner = RawValue::from_string(inner).ok()?;
        if index == list.len() {
            list.push(&inner)
        } else {
            *list.get_mut(index)? = &inner
        };
        let mut text = String::new();
        put_list(&mut text, list.iter(), |text, raw| text.push_str(raw.get()));
        return Some(text);
    }
    let fields = if json == "null" { Vec::new() } else { fields_of(json)? };
    let before = fields.iter().find(|(n, _)| n == name).map_or("null", |(_, raw)| raw.get());
    let inner = put(before, rest, value)?;
    let kept = fields.iter().map(|(n, raw)| (n.as_str(), if n == name { inner.as_str() } else { raw.get() }));
    let added = fields.iter().all(|(n, _)| n != name).then_some((name.as_str(), inner.as_str()));
    let mut text = String::new();
    put_object(&mut text, kept.chain(added), |text, raw| text.push_str(raw));
    Some(text)
}

/// Fields that were set in each of the items.
fn set_everywhere(items: &Items, fields: &[ItemField]) -> BTreeSet<String> {
    let is_set = |index: usize, name: &String| fields.iter().any(|f| f.index == index && f.path.first() == Some(name));
    let names = fields.iter().filter_map(|f| f.path.first());
    names.filter(|name| (0..items.len()).all(|index| is_set(index, name))).cloned().collect()
}

fn read(input: ArgumentText) -> Result<Items> {
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
    let names =
        |text: &str| fields_of(text).unwrap_or_default().into_iter().map(|(name, _)| name).collect::<BTreeSet<_>>();
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
    put_object(text, kept.chain(over).map(|(name, value)| (name.as_str(), value)), |text, value| {
        text.push_str(value.get())
    });
}

#[cfg(test)]
mod tests {
    use super::{lay_over, shared_fields};
    use crate::item::Items;

    #[test]
    fn single_fields_are_put_into_json() {
        for (json, path, value, expected) in [
            ("{}", "title", "\"x\"", Some(r#"{"title":"x"}"#)),
            (r#"{"a":1.50,"b":{"c":1}}"#, "b.d", "2", Some(r#"{"a":1.50,"b":{"c":1,"d":2}}"#)),
            (r#"{"a":1.50}"#, "a", "1.10", Some(r#"{"a":1.10}"#)),
            (r#"{"l":[{"x":1},2]}"#, "l.0.x", "3", Some(r#"{"l":[{"x":3},2]}"#)),
            (r#"{"l":[1]}"#, "l.1", "2", Some(r#"{"l":[1,2]}"#)),
            (r#"{"l":[1]}"#, "l.3", "2", None),
            (r#"{"a":1}"#, "a.b", "2", None),
            ("{}", "a.b.c", "true", Some(r#"{"a":{"b":{"c":true}}}"#)),
        ] {
            let path: Vec<String> = path.split('.').map(str::to_owned).collect();
            assert_eq!(super::put(json, &path, value).as_deref(), expected, "{json} {path:?}");
        }
    }

    #[test]
    fn items_are_laid_over_the_template() {
        let items = Items::from_array(r#"[{"b": 1.50, "c": null}, [1]]"#).unwrap();
        let merged = lay_over(r#"{"a":"x","b":2}"#, &items).unwrap();
        assert_eq!(merged.to_json(), r#"[{"a":"x","b":1.50,"c":null},[1]]"#);
        assert!(shared_fields(&items).is_empty());
    }
}
