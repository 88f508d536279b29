//! Makes one row of each element of a list within a row.

use serde_json::value::RawValue;

use super::fields::{RowName, put_with_field, type_of, values_at};
use super::join::check_room;
use super::plan::{EmptyList, FieldPath, FlattenPlan, ParentFields};
use super::{RowOutput, RowStream, Workspace};
use crate::error::Result;
use crate::json_pointer::index_in;
use crate::json_text::{fields_of, put_list, put_object};

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
/// `invalid_items` when there is no list at the path, or when the row has the new field already; and those of `each`.
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
    let elements: Vec<&str> = match (elements.is_empty(), plan.empty) {
        (true, EmptyList::Drop) => return Ok(()),
        (true, EmptyList::Keep) => vec!["null"],
        (false, EmptyList::Drop | EmptyList::Keep) => elements.into_iter().map(RawValue::get).collect(),
    };
    let Some(field) = &plan.field else { return elements.into_iter().try_for_each(each) };
    let parent = parent_of(row, plan);
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
