//! Makes one row of each element of a list within a row.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::fields::{RowName, put_with_field, type_of, values_at};
use super::join::check_room;
use super::plan::{EmptyList, FieldPath, FlattenPlan, ParentFields};
use super::{RowOutput, RowStream, Workspace};
use crate::error::Result;
use crate::json_pointer::index_in;
use crate::json_text::{fields_of, put_list, put_object};

/// What to do about a name that the element and the kept fields have.
pub(crate) const BOTH: &str = "leave it out of `keep`, or set `as` to the name of a field that gets the element";

/// Passes the rows to `each`, in order of the rows and of their elements.
///
/// # Errors
/// As for [`flatten_row`], and those of the rows and of the workspace's `check`.
pub(crate) fn flatten(
    rows: &mut RowStream<'_>,
    plan: &FlattenPlan,
    work: &Workspace,
    each: &mut RowOutput<'_>,
) -> Result<()> {
    plan.check()?;
    for (number, row) in (1..).zip(rows) {
        work.tick()?;
        flatten_row(&row?, number, plan, each)?;
    }
    Ok(())
}

/// Passes one row for each element of the row's list to `each`. `number` is that of the row, from 1, for errors.
///
/// # Errors
/// `invalid_items` when there is no list at the path, or when the row has the new field already; without a new field,
/// when an element is no object, or has a name that is kept of the row; and those of `each`.
pub(crate) fn flatten_row(row: &str, number: u64, plan: &FlattenPlan, each: &mut RowOutput<'_>) -> Result<()> {
    let name = RowName::row(number);
    let list = values_at(row, &[&plan.path], name)?.first().copied().flatten().unwrap_or("null");
    let elements: Vec<&RawValue> = match list.as_bytes().first() {
        Some(b'[') => serde_json::from_str(list).unwrap_or_default(),
        Some(b'n') => Vec::new(),
        Some(_) | None => {
            let why = format!("is {}, not a list", type_of(list));
            return Err(name.misfit(&plan.path, why).advise("name the path of a list, or filter such rows out first"));
        }
    };
    let is_empty = elements.is_empty();
    let elements: Vec<&str> = match (is_empty, plan.empty) {
        (true, EmptyList::Drop) => return Ok(()),
        (true, EmptyList::Keep) => vec!["null"],
        (false, EmptyList::Drop | EmptyList::Keep) => elements.into_iter().map(RawValue::get).collect(),
    };
    let parent = parent_of(row, plan);
    let Some(field) = &plan.field else {
        return match is_empty {
            true => each(&parent),
            false => (0..).zip(elements).try_for_each(|at| each(&merged(&parent, at, plan, name)?)),
        };
    };
    let path = FieldPath::from(vec![field.clone()]);
    check_room(&parent, values_at(&parent, &[&path], name)?.first().copied().flatten(), &path, name)?;
    let mut out = String::new();
    for element in elements {
        out.clear();
        put_with_field(&mut out, &parent, field, element);
        each(&out)?;
    }
    Ok(())
}

/// The fields that are kept of the row, and those of the element.
fn merged<'e>(
    parent: &str,
    (index, element): (usize, &'e str),
    plan: &FlattenPlan,
    name: RowName,
) -> Result<Cow<'e, str>> {
    let Some(own) = fields_of(element) else {
        let why = format!("has {} as element {index}, and only an object can be a row", type_of(element));
        return Err(name.misfit(&plan.path, why).advise("set `as` to the name of a field that gets the element"));
    };
    let kept = fields_of(parent).unwrap_or_default();
    if kept.is_empty() {
        return Ok(Cow::Borrowed(element));
    }
    if let Some((both, _)) = own.iter().find(|(name, _)| kept.iter().any(|(kept, _)| kept == name)) {
        let why = format!("has the field `{both}` in element {index}, and `keep` has it too");
        return Err(name.misfit(&plan.path, why).advise(BOTH));
    }
    let mut out = String::new();
    let fields = kept.iter().chain(&own).map(|(name, raw)| (&**name, raw.get()));
    put_object(&mut out, fields, |out, raw| out.push_str(raw));
    Ok(Cow::Owned(out))
}

/// What is kept of the row.
fn parent_of(row: &str, plan: &FlattenPlan) -> String {
    let mut out = String::new();
    match &plan.parent {
        ParentFields::All => put_without(&mut out, row, plan.path.names()),
        ParentFields::None => out.push_str("{}"),
        ParentFields::Only(names) => {
            let mut rest = String::new();
            put_without(&mut rest, row, plan.path.names());
            let fields = fields_of(&rest).unwrap_or_default();
            let kept = fields.iter().filter(|(name, _)| names.contains(name));
            put_object(&mut out, kept.map(|(name, raw)| (&**name, raw.get())), |out, raw| out.push_str(raw));
        }
    }
    out
}

/// Writes a value without what is at a path within it.
fn put_without(out: &mut String, json: &str, path: &[String]) {
    let [first, rest @ ..] = path else { return out.push_str(json) };
    let put = |out: &mut String, (is_on_path, raw): (bool, &str)| match is_on_path {
        true => put_without(out, raw, rest),
        false => out.push_str(raw),
    };
    if let Some(fields) = fields_of(json) {
        let left = fields.iter().map(|(name, raw)| (&**name, (name == first, raw.get())));
        put_object(out, left.filter(|(_, (is_on_path, _))| !is_on_path || !rest.is_empty()), put);
        return;
    }
    match serde_json::from_str::<Vec<&RawValue>>(json) {
        Ok(list) => {
            let index = index_in(first, list.len());
            let left = list.iter().enumerate().map(|(at, raw)| (Some(at) == index, raw.get()));
            put_list(out, left.filter(|(is_on_path, _)| !is_on_path || !rest.is_empty()), put);
        }
        Err(_) => out.push_str(json),
    }
}
