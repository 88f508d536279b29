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
    before: Option<Print>,
}

/// Bytes of a page that are kept to tell it from the next one.
const KEPT_MAX: usize = 64 << 10;

/// What a page is known by: the length of every row, and the rows themselves as far as there is room, from both ends.
#[derive(PartialEq, Eq)]
struct Print {
    lengths: Vec<u32>,
    kept: String,
}

impl Print {
    fn of(items: &Items) -> Print {
        let lengths = items.iter().map(|i| i.as_str().len() as u32).collect();
        let mut kept = String::new();
        let (mut first, mut last) = (0, items.len());
        while first < last && kept.len() < KEPT_MAX {
            last -= 1;
            let ends = [Some(first), Some(last).filter(|last| *last > first)];
            ends.into_iter().flatten().filter_map(|index| items.get(index)).for_each(|item| kept.push_str(item.as_str()));
            first += 1;
        }
        Print { lengths, kept }
    }
}

impl Guard {
    /// Refuses a page that is the one before again: delivering it would double its records.
    pub(super) fn page(&mut self, items: &Items, asked: Option<u32>) -> Result<()> {
        if items.is_empty() {
            return Ok(());
        }
        let print = Some(Print::of(items));
        if self.before == print && can_be_told(items, asked) {
            return Err(no_progress("the server sends the same page again under a new cursor"));
        }
        self.before = print;
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
fn can_be_told(items: &Items, asked: Option<u32>) -> bool {
    let telling = items.len() > 1 || asked.is_some_and(|asked| asked > 1);
    let distinct: HashSet<&str> = items.iter().map(|i| i.as_str()).collect();
    telling && distinct.len() == items.len()
}

fn no_progress(why: &str) -> Error {
    Error::new(ErrorKind::NoProgress, format!("the walk does not get on: {why}"))
        .advise("what was delivered so far is right; the rest cannot be reached this way: narrow the query, or tell the vendor")
}
