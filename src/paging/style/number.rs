//! `number`: paging by page number. Pure.

use crate::authoring::{Source, Target};
use crate::definition::EndRule;
use crate::error::Result;
use crate::page::Page;
use crate::paging::counter::{self, at, ordinal};
use crate::paging::signal;
use crate::paging::step::PagingStep;
use crate::paging::view::View;
use crate::receipt::{EndSeen, StopReason};
use crate::request::Cursor;

pub(in crate::paging) fn next(
    parameter: &Target,
    start: u64,
    end: Option<&EndRule>,
    view: &View<'_>,
) -> Result<PagingStep> {
    let current = counter::page(parameter, view.cursor)?;
    let on = || PagingStep::More(at(parameter, current.saturating_add(1)));
    if let Some(flag) = &view.paging.more {
        return Ok(match signal::flag(view.page, flag)? {
            Some(true) => on(),
            Some(false) => PagingStep::stop(StopReason::HasMoreFalse, EndSeen::Signal),
            None => view.silent(StopReason::HasMoreFalse, flag.absent_ends),
        });
    }
    Ok(match end {
        Some(EndRule::NextPage(token)) => match signal::token(view.page, token)? {
            Some(text) => PagingStep::More(at(parameter, signal::page_number(&token.at, &text)?)),
            None => view.no_next(token),
        },
        Some(EndRule::TotalPages(source)) => match signal::number(view.page, source)? {
            Some(pages) if ordinal(current, start) < pages => on(),
            // A page with rows shows that there are some.
            Some(0) if !view.page.items.is_empty() => view.by_rows(on),
            Some(_) => PagingStep::stop(StopReason::LastPage, EndSeen::Signal),
            None => view.by_rows(on),
        },
        None => view.by_rows(on),
    })
}

pub(in crate::paging) fn ahead(
    parameter: &Target,
    start: u64,
    source: &Source,
    page: &Page,
    (next, count): (&Cursor, usize),
) -> Vec<Cursor> {
    let pages = signal::number(page, source).ok().flatten();
    let (Some(pages), Ok(first)) = (pages, counter::page(parameter, next)) else { return Vec::new() };
    let last = pages.saturating_add(start).saturating_sub(1);
    first.checked_add(1).into_iter().flat_map(|from| from..=last).take(count).map(|n| at(parameter, n)).collect()
}

/// Without a number of pages, the announced total gives the number of remaining full pages.
pub(in crate::paging) fn ahead_by_total(
    parameter: &Target,
    rows: u64,
    size: u64,
    page: &Page,
    (next, count): (&Cursor, usize),
) -> Vec<Cursor> {
    let (Some(total), Ok(first), true) = (page.total, counter::page(parameter, next), size > 0) else {
        return Vec::new();
    };
    let left = total.saturating_sub(rows).div_ceil(size);
    (first.saturating_add(1)..first.saturating_add(left)).take(count).map(|n| at(parameter, n)).collect()
}
