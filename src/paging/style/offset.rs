//! `offset`: skip and limit. Pure.
//!
//! A server may return fewer rows than requested because it lowers the size, or because it omits rows after counting
//! them. By default, a full page shows that the size is respected; until then the offset advances by the received rows.

use crate::authoring::Target;
use crate::definition::Advance;
use crate::page::Page;
use crate::paging::counter::{self, at};
use crate::paging::step::PagingStep;
use crate::paging::view::View;
use crate::request::Cursor;

pub(in crate::paging) fn next(parameter: &Target, advance: Option<Advance>, view: &View<'_>) -> PagingStep {
    view.by_rows(|| {
        PagingStep::More(at(parameter, counter::offset(parameter, view.cursor).saturating_add(step(advance, view))))
    })
}

/// By how much a page advances the offset.
pub(in crate::paging) fn step(advance: Option<Advance>, view: &View<'_>) -> u64 {
    let rows = view.page.items.len() as u64;
    let asked = view.asked.map_or(rows, u64::from);
    match advance {
        Some(Advance::Requested) => asked,
        Some(Advance::Received) => rows,
        None if view.ledger.full => asked,
        None => rows,
    }
}

/// Further offsets up to the announced total, in steps of a full page.
pub(in crate::paging) fn ahead(
    parameter: &Target,
    page: &Page,
    (start, step): (u64, u64),
    (next, count): (&Cursor, usize),
) -> Vec<Cursor> {
    let (Some(total), true) = (page.total, step > 0) else { return Vec::new() };
    let from = counter::offset(parameter, next);
    (1..)
        .map(|k| from.saturating_add(step.saturating_mul(k)))
        .take_while(|offset| offset.saturating_sub(start) < total)
        .take(count)
        .map(|offset| at(parameter, offset))
        .collect()
}
