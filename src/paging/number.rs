//! `number`: pages that are counted. Pure.

use serde_json::Value;

use super::{Step, View};
use crate::definition::{End, Source};
use crate::error::{Error, ErrorKind, Result};
use crate::page::Page;
use crate::receipt::StopReason;
use crate::request::Cursor;

pub(super) fn at(parameter: &str, number: u64) -> Cursor {
    Cursor { query: vec![(parameter.to_owned(), number.to_string())], ..Cursor::default() }
}

pub(super) fn next(parameter: &str, end: Option<&End>, view: &View<'_>) -> Result<Step> {
    let current = current(parameter, view.cursor)?;
    let on = || Step::More(at(parameter, current.saturating_add(1)));
    Ok(match end {
        Some(End::NextPage(source)) => match view.page.signal(source) {
            None | Some(Value::Null | Value::Bool(false)) => Step::Stop(StopReason::NoNext),
            Some(value) => Step::More(at(parameter, whole(source, &value)?)),
        },
        Some(End::HasMore(source)) => match view.page.signal(source) {
            None | Some(Value::Null | Value::Bool(false)) => Step::Stop(StopReason::HasMoreFalse),
            Some(_) => on(),
        },
        Some(End::TotalPages(source)) => match view.page.signal(source) {
            Some(value) if current < whole(source, &value)? => on(),
            Some(_) => Step::Stop(StopReason::LastPage),
            None => by_rows(view, on),
        },
        None => by_rows(view, on),
    })
}

/// Without a word from the server, only a page without rows ends: a short one may be the server's own page size.
fn by_rows(view: &View<'_>, on: impl Fn() -> Step) -> Step {
    if view.page.items.is_empty() {
        return Step::Stop(StopReason::EmptyPage);
    }
    if view.total_reached() {
        return Step::Stop(StopReason::TotalReached);
    }
    on()
}

pub(super) fn ahead(parameter: &str, source: &Source, page: &Page, next: &Cursor, count: usize) -> Vec<Cursor> {
    let last = page.signal(source).and_then(|v| whole(source, &v).ok());
    let (Some(last), Ok(first)) = (last, current(parameter, next)) else { return Vec::new() };
    first.checked_add(1).into_iter().flat_map(|from| from..=last).take(count).map(|n| at(parameter, n)).collect()
}

/// Without a count of pages, the announced total tells how many full pages are left.
pub(super) fn ahead_by_total(parameter: &str, rows: u64, size: u64, page: &Page, next: &Cursor, count: usize) -> Vec<Cursor> {
    let (Some(total), Ok(first), true) = (page.total, current(parameter, next), size > 0) else { return Vec::new() };
    let left = total.saturating_sub(rows).div_ceil(size);
    (first.saturating_add(1)..first.saturating_add(left)).take(count).map(|n| at(parameter, n)).collect()
}

fn current(parameter: &str, cursor: &Cursor) -> Result<u64> {
    let found = cursor.query.iter().find(|(name, _)| name == parameter).and_then(|(_, value)| value.parse().ok());
    found.ok_or_else(|| Error::new(ErrorKind::Internal, "a numbered walk lost its page number"))
}

/// A whole number, also as text, as some servers send it.
fn whole(source: &Source, value: &Value) -> Result<u64> {
    let number = value.as_u64().or_else(|| value.as_str().and_then(|t| t.trim().parse().ok()));
    number.ok_or_else(|| Error::new(ErrorKind::BadResponse, format!("{source} should be a page number, but is {value}")))
}
