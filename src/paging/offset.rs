//! `offset`: skip and limit. Pure. Moves by the rows that came, not by those asked for: a server may lower the page size.

use super::{Step, View};
use crate::page::Page;
use crate::receipt::StopReason;
use crate::request::Cursor;

pub(super) fn at(parameter: &str, offset: u64) -> Cursor {
    Cursor { query: vec![(parameter.to_owned(), offset.to_string())], ..Cursor::default() }
}

pub(super) fn next(parameter: &str, view: &View<'_>) -> Step {
    if view.page.items.is_empty() {
        return Step::Stop(StopReason::EmptyPage);
    }
    if view.total_reached() {
        return Step::Stop(StopReason::TotalReached);
    }
    Step::More(at(parameter, view.rows))
}

/// Further offsets up to the announced total, in steps of a full page.
pub(super) fn ahead(parameter: &str, rows: u64, page: &Page, step: u64, count: usize) -> Vec<Cursor> {
    let (Some(total), true) = (page.total, step > 0) else { return Vec::new() };
    (1..)
        .map(|k| rows.saturating_add(step.saturating_mul(k)))
        .take_while(|offset| *offset < total)
        .take(count)
        .map(|offset| at(parameter, offset))
        .collect()
}
