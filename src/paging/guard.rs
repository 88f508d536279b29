//! What ends a walk that a server would let run for ever: seen cursors, the same page again, too many empty pages. Pure.

use std::collections::HashSet;

use super::View;
use crate::error::{Error, ErrorKind, Result};
use crate::item::Items;
use crate::request::Cursor;

/// Empty pages in a row that a server may send before the walk is given up (AIP-158 allows some).
const EMPTY_MAX: u32 = 3;

#[derive(Default)]
pub(super) struct Guard {
    seen: HashSet<Cursor>,
    urls: HashSet<String>,
    empty: u32,
    before: Option<Items>,
}

impl Guard {
    /// Refuses a page that is the one before again: delivering it would double its records.
    pub(super) fn page(&mut self, items: &Items, asked: Option<u32>) -> Result<()> {
        if items.is_empty() {
            return Ok(());
        }
        if self.before.as_ref().is_some_and(|before| same_page(before, items, asked)) {
            return Err(no_progress("the server sends the same page again under a new cursor"));
        }
        self.before = Some(items.clone());
        Ok(())
    }

    /// Admits the next cursor, or refuses it because the walk would not get on.
    pub(super) fn admit(&mut self, next: &Cursor, view: &View<'_>) -> Result<()> {
        self.urls.insert(view.url.to_owned());
        self.seen.insert(view.cursor.clone());
        if self.seen.contains(next) || next.url.as_ref().is_some_and(|url| self.urls.contains(url)) {
            return Err(no_progress("the server names a page that was already fetched"));
        }
        self.empty = if view.page.items.is_empty() { self.empty + 1 } else { 0 };
        if self.empty > EMPTY_MAX {
            return Err(no_progress(&format!("the server sent {} pages without rows in a row and still names a next one", self.empty)));
        }
        Ok(())
    }
}

/// Equal pages mean a loop only when rows can be told apart: records asked for without their ids may well repeat. A lone row that comes
/// again, although more were asked for, is one too.
fn same_page(a: &Items, b: &Items, asked: Option<u32>) -> bool {
    let telling = a.len() > 1 || asked.is_some_and(|asked| asked > 1);
    if a.len() != b.len() || !telling || !a.iter().eq(b.iter()) {
        return false;
    }
    let distinct: HashSet<&str> = a.iter().map(|i| i.as_str()).collect();
    distinct.len() == a.len()
}

fn no_progress(why: &str) -> Error {
    Error::new(ErrorKind::NoProgress, format!("the walk does not get on: {why}"))
        .advise("what was delivered so far is right; the rest cannot be reached this way: narrow the query, or tell the vendor")
}
