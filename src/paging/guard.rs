//! Stops endless walks: repeated cursors, repeated pages, too many empty pages. Pure.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use super::view::View;
use crate::error::{Error, ErrorKind, Result};
use crate::item::{Item, Items};
use crate::request::Cursor;

/// Maximum number of empty pages in a row (AIP-158 allows some), if the number of pages is not known.
const EMPTY_MAX: u32 = 3;
/// The same, if an announced total bounds the walk; the total may be far too large.
const EMPTY_BELOW_TOTAL_MAX: u32 = 1000;

#[derive(Default)]
pub(super) struct Guard {
    /// Each cursor and its page.
    seen: HashMap<Cursor, u64>,
    urls: HashMap<String, u64>,
    empty: u32,
    before: Option<Print>,
    /// Fingerprints of the pages whose rows are distinct.
    prints: HashSet<u64>,
}

/// Bytes of a page that are kept to compare it with the next one.
const KEPT_MAX: usize = 64 << 10;

/// The fingerprint of a page: the length of every row, and the rows themselves as far as there is room, from both ends.
#[derive(PartialEq, Eq)]
struct Print {
    lengths: Vec<u32>,
    kept: String,
    /// Hashes of the rows, if a page may overlap the previous one.
    rows: Vec<u64>,
}

impl Print {
    fn of(items: &Items, hashed: bool) -> Print {
        let lengths = items.iter().map(|i| i.as_str().len() as u32).collect();
        let mut kept = String::new();
        let (mut first, mut last) = (0, items.len());
        while first < last && kept.len() < KEPT_MAX {
            last -= 1;
            let ends = [Some(first), Some(last).filter(|last| *last > first)];
            ends.into_iter()
                .flatten()
                .filter_map(|index| items.get(index))
                .for_each(|item| kept.push_str(item.as_str()));
            first += 1;
        }
        Print { lengths, kept, rows: if hashed { items.iter().map(hash).collect() } else { Vec::new() } }
    }
}

impl Print {
    fn hash(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (&self.lengths, &self.kept).hash(&mut hasher);
        hasher.finish()
    }
}

fn hash(item: Item<'_>) -> u64 {
    let mut hasher = DefaultHasher::new();
    item.as_str().hash(&mut hasher);
    hasher.finish()
}

/// What bounds the number of empty pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bound {
    None,
    Total,
    Pages,
}

impl Guard {
    /// Refuses a page that repeats an earlier one: delivering it would duplicate its records. Returns whether it
    /// overlaps the previous one, which is checked for paging `by_offset`; otherwise it is kept for the comparison with
    /// the next one.
    pub(super) fn page(&mut self, items: &Items, asked: Option<u32>, by_offset: bool) -> Result<bool> {
        if items.is_empty() {
            return Ok(false);
        }
        let print = Print::of(items, by_offset);
        if self.prints.contains(&print.hash()) && can_be_told(items, asked) {
            return Err(no_progress("the server sent the same page again for a new cursor"));
        }
        let overlaps = by_offset && self.overlaps(items);
        if !overlaps {
            self.keep(print);
        }
        Ok(overlaps)
    }

    /// Keeps a page without a check.
    pub(super) fn remember(&mut self, items: &Items, by_offset: bool) {
        if !items.is_empty() {
            self.keep(Print::of(items, by_offset));
        }
    }

    fn keep(&mut self, print: Print) {
        self.prints.insert(print.hash());
        self.before = Some(print);
    }

    /// Whether a page starts with a record of the previous one, as far as records are distinct.
    fn overlaps(&self, items: &Items) -> bool {
        let (Some(before), Some(first)) = (&self.before, items.get(0)) else { return false };
        before.rows.len() > 1
            && before.rows.contains(&hash(first))
            && before.rows.iter().collect::<HashSet<_>>().len() == before.rows.len()
    }

    /// Accepts the next cursor, or refuses it because paging would not end.
    pub(super) fn admit(&mut self, next: &Cursor, view: &View<'_>, bound: Bound) -> Result<()> {
        self.urls.insert(view.url.to_owned(), view.number);
        self.seen.insert(view.cursor.clone(), view.number);
        let known = self.seen.get(next).or_else(|| next.url.as_ref().and_then(|url| self.urls.get(url)));
        if let Some(page) = known {
            let what =
                format!("page {} links back to page {page}, which was already fetched: {}", view.number, named(next));
            return Err(no_progress(&what));
        }
        self.empty = if view.page.items.is_empty() { self.empty + 1 } else { 0 };
        let most = match bound {
            Bound::None => EMPTY_MAX,
            Bound::Total => EMPTY_BELOW_TOTAL_MAX,
            // Each of them was announced, and the number of pages has its own limit.
            Bound::Pages => u32::MAX,
        };
        if self.empty > most {
            return Err(no_progress(&format!(
                "the server sent {} empty pages in a row and still names a next one, {}",
                self.empty,
                named(next)
            )));
        }
        Ok(())
    }
}

/// A cursor for a message. It must be last: the caller masks the message and then truncates it.
fn named(cursor: &Cursor) -> String {
    let pairs = || cursor.pairs().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&");
    format!("`{}`", cursor.url.clone().unwrap_or_else(pairs))
}

/// Equal pages mean a loop only if rows are distinct: records without their ids may well be equal. A repeated single
/// row is a loop too, unless one row per page was requested.
fn can_be_told(items: &Items, asked: Option<u32>) -> bool {
    let telling = items.len() > 1 || asked != Some(1);
    let distinct: HashSet<&str> = items.iter().map(|i| i.as_str()).collect();
    telling && distinct.len() == items.len()
}

pub(super) fn no_progress(why: &str) -> Error {
    Error::new(ErrorKind::NoProgress, format!("paging stopped: {why}"))
        .advise("the items delivered so far are valid; narrow the query to reach the rest, or report it to the vendor")
}
