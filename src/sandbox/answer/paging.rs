//! Cuts one page from a list, with the values that announce the next one, as the connector's paging definition says.
//! Pure.
//!
//! The server's side of `crate::paging`. It shares no code with it, so that each tests the other.

use http::header::LINK;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::sent::{SentValues, captured};
use crate::authoring::{Pointer, Source, Target};
use crate::definition::{EndRule, Flag, Keyset, Operation, Paging, Style, TokenRule, Total};
use crate::sandbox::http::{Refusal, SandboxCall};
use crate::sandbox::records::{Scalar, Tree, numbers};

/// The name of the link parameter if the definition gives none.
const OWN: &str = "cursor";
/// Page size if neither the caller nor the definition gives one.
const SIZE: u64 = 100;

/// One page.
#[derive(Debug, Default)]
pub(super) struct SandboxPage<'r> {
    pub(super) rows: Vec<&'r Tree>,
    pub(super) headers: HeaderMap,
    /// Values in the body besides the rows.
    pub(super) signals: Vec<(Pointer, Tree)>,
}

/// The names of the paging parameters of an operation.
pub(super) fn names(operation: &Operation) -> Vec<&str> {
    let mut names = operation.paging.reserved();
    names.extend(operation.paging.size.as_ref().map(|s| s.at.name()));
    match &operation.paging.style {
        Style::Offset { with, .. } => names.extend(with.iter().map(|(name, _)| name.as_str())),
        Style::NextUrl { .. } | Style::Link { last: None, .. } => names.push(OWN),
        Style::None | Style::Link { .. } | Style::Number { .. } | Style::Cursor { .. } | Style::Keyset(_) => {}
    }
    if let Some(forward) = &operation.forward_only {
        names.extend(forward.reserved());
        names.extend(forward.size.as_ref().map(|s| s.at.name()));
    }
    names
}

/// The list that pages are cut from.
pub(super) struct PageRows<'r> {
    pub(super) rows: Vec<&'r Tree>,
    /// Whether the list changes between pages.
    pub(super) moves: bool,
}

/// Cuts the requested page. `size_default` precedes the definition's own default, which is the size that clients
/// request.
pub(super) fn cut<'r>(
    operation: &Operation,
    sent: &SentValues<'_>,
    list: PageRows<'r>,
    size_default: Option<u32>,
) -> Result<SandboxPage<'r>, Refusal> {
    let PageRows { rows, moves } = list;
    let window = Window { operation, sent, size: size(operation, sent, size_default)?, rows, moves };
    if let Some(keyset) = forward_only(operation, sent.call)? {
        return window.keyset(keyset, true).map(|(page, _)| page);
    }
    let total = window.total();
    let (mut page, more) = match &operation.paging.style {
        Style::None => (SandboxPage { rows: window.rows, ..SandboxPage::default() }, false),
        Style::Link { last, .. } => window.link(last.as_ref().map(Target::name))?,
        Style::Number { page, start, end } => window.number(page, *start, end.as_ref())?,
        Style::Offset { offset, start, .. } => window.offset(offset, *start)?,
        Style::Cursor { token, send } => window.cursor(token, send)?,
        Style::NextUrl { token, .. } => window.next_url(token)?,
        Style::Keyset(keyset) => window.keyset(keyset, false)?,
    };
    if let Some(Flag { at, .. }) = &operation.paging.more {
        let said = operation.paging.more.as_ref().map(|flag| Tree::value(&flag.said(more)));
        page.put_signal(at, said);
    }
    if let Some(Total { at: at @ Source::Header(_), .. }) = &operation.response.total {
        page.put_signal(at, Some(Tree::number(total)));
    }
    Ok(page)
}

/// The keyset paging, if the caller's headers select it.
fn forward_only<'o>(operation: &'o Operation, call: &SandboxCall) -> Result<Option<&'o Keyset>, Refusal> {
    let asked =
        |k: &&Keyset| !k.headers.is_empty() && k.headers.iter().all(|(name, value)| call.header(name) == Some(value));
    let Some(keyset) = operation.connector.forward_only.as_ref().and_then(keyset_of).filter(asked) else {
        return Ok(None);
    };
    if operation.forward_only.is_none() {
        let names: Vec<&str> = keyset.headers.iter().map(|(name, _)| name.as_str()).collect();
        return Err(
            Refusal::invalid(format!("{} is not available on this list", names.join(", "))).at("", "InvalidHeader")
        );
    }
    if let Some(name) = keyset.unless.iter().find(|name| call.parameter(name).is_some()) {
        return Err(Refusal::invalid(format!("`{name}` cannot be used with this kind of paging"))
            .at(name.as_str(), "InvalidParameter"));
    }
    Ok(operation.forward_only.as_ref().and_then(keyset_of))
}

fn keyset_of(paging: &Paging) -> Option<&Keyset> {
    match &paging.style {
        Style::Keyset(keyset) => Some(keyset),
        Style::None
        | Style::Link { .. }
        | Style::Number { .. }
        | Style::Offset { .. }
        | Style::Cursor { .. }
        | Style::NextUrl { .. } => None,
    }
}

/// The requested page size; larger sizes are silently reduced, as servers do.
fn size(operation: &Operation, sent: &SentValues<'_>, size_default: Option<u32>) -> Result<u64, Refusal> {
    let Some(rule) = &operation.paging.size else { return Ok(size_default.map_or(SIZE, u64::from)) };
    let most = rule.max.map_or(u64::MAX, u64::from);
    let given = sent.value(&rule.at).map(|text| match &rule.value {
        None => text.into_owned(),
        Some(around) => {
            let found = captured(around, &text).and_then(|found| found.into_iter().next());
            found.map_or_else(|| text.into_owned(), |(_, value)| value)
        }
    });
    match given {
        None => Ok(u64::from(size_default.unwrap_or(rule.default)).min(most).max(1)),
        Some(text) => at_least(rule.at.name(), &text, 1).map(|n| n.min(most)),
    }
}

fn at_least(name: &str, text: &str, least: u64) -> Result<u64, Refusal> {
    let refuse = || {
        Refusal::invalid(format!("`{name}` must be a whole number from {least}, not `{text}`"))
            .at(name, "InvalidParameter")
    };
    text.parse().ok().filter(|n| *n >= least).ok_or_else(refuse)
}

fn index(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

struct Window<'a, 'r> {
    operation: &'a Operation,
    sent: &'a SentValues<'a>,
    size: u64,
    rows: Vec<&'r Tree>,
    moves: bool,
}

impl<'r> Window<'_, 'r> {
    fn total(&self) -> u64 {
        self.rows.len() as u64
    }

    /// The number of pages; an empty list has one.
    fn pages(&self) -> u64 {
        self.total().div_ceil(self.size).max(1)
    }

    /// The rows from an offset, and whether there are more.
    fn from(&self, offset: u64) -> (SandboxPage<'r>, bool) {
        let length = self.total().saturating_sub(offset).min(self.size);
        let rows = self
            .rows
            .iter()
            .copied()
            .cycle()
            .skip(index(offset.saturating_add(self.turn(offset))))
            .take(index(length))
            .collect();
        (SandboxPage { rows, ..SandboxPage::default() }, offset.saturating_add(self.size) < self.total())
    }

    /// The number of positions by which a changing list is rotated when it is read from an offset. With each page, its
    /// last row moves to its front, so a page begins with the row that ended the previous one, and the last rows are on
    /// no page. The rotation depends only on the request, so repeated requests get the same page.
    fn turn(&self, offset: u64) -> u64 {
        let total = self.total().max(1);
        if self.moves { total - offset.div_ceil(self.size) % total } else { 0 }
    }

    fn link(&self, name: Option<&str>) -> Result<(SandboxPage<'r>, bool), Refusal> {
        let parameter = name.unwrap_or(OWN);
        let number = self.sent.call.parameter(parameter).map_or(Ok(1), |text| at_least(parameter, text, 1))?;
        let last = self.pages();
        let (mut page, more) = self.from((number - 1).saturating_mul(self.size));
        let mut links = Vec::new();
        let mut link = |rel: &str, number: u64| {
            links.push(format!(
                "<{}>; rel=\"{rel}\"",
                self.sent.call.address(&[parameter], &[(parameter, number.to_string())])
            ));
        };
        if more {
            link("next", number + 1);
        }
        if number > 1 && number <= last {
            link("prev", number - 1);
        }
        if number > 1 {
            link("first", 1);
        }
        // Only a definition that names the parameter declares that the system links to its last page.
        if more && name.is_some() {
            link("last", last);
        }
        if !links.is_empty() {
            insert(&mut page.headers, LINK, &links.join(", "));
        }
        Ok((page, more))
    }

    /// A number at a place, at least `least`, which is also the default.
    fn counted(&self, target: &Target, least: u64) -> Result<u64, Refusal> {
        self.sent.value(target).map_or(Ok(least), |text| at_least(target.name(), &text, least))
    }

    fn number(&self, page: &Target, start: u64, end: Option<&EndRule>) -> Result<(SandboxPage<'r>, bool), Refusal> {
        let number = self.counted(page, start)?;
        let (mut page, more) = self.from((number - start).saturating_mul(self.size));
        match end {
            Some(EndRule::TotalPages(source)) => page.put_signal(source, Some(Tree::number(self.pages()))),
            Some(EndRule::NextPage(token)) => page.put_signal(&token.at, more.then(|| Tree::number(number + 1))),
            None => {}
        }
        Ok((page, more))
    }

    fn offset(&self, offset: &Target, start: u64) -> Result<(SandboxPage<'r>, bool), Refusal> {
        Ok(self.from(self.counted(offset, start)? - start))
    }

    fn cursor(&self, token: &TokenRule, send: &Target) -> Result<(SandboxPage<'r>, bool), Refusal> {
        let offset = self.sent.value(send).map_or(Ok(0), |text| read_token(send.name(), &text))?;
        let (mut page, more) = self.from(offset);
        page.put_signal(&token.at, more.then(|| Tree::text(&write_token(offset + self.size))));
        Ok((page, more))
    }

    fn next_url(&self, token: &TokenRule) -> Result<(SandboxPage<'r>, bool), Refusal> {
        let offset = self.sent.call.parameter(OWN).map_or(Ok(0), |text| read_token(OWN, text))?;
        let (mut page, more) = self.from(offset);
        let next = || Tree::text(&self.sent.call.address(&[OWN], &[(OWN, write_token(offset + self.size))]));
        page.put_signal(&token.at, more.then(next));
        Ok((page, more))
    }

    /// The rows after a key, in key order. With `links`, the Link header names the next page; on the last page it is
    /// empty.
    fn keyset(mut self, keyset: &Keyset, links: bool) -> Result<(SandboxPage<'r>, bool), Refusal> {
        let key = |row: &Tree| row.at(keyset.from.tokens()).and_then(Scalar::of).unwrap_or(Scalar::Null);
        self.rows.sort_by(|a, b| key(a).order(&key(b)));
        if let Some(after) = self.sent.value(&keyset.after) {
            self.rows.retain(|row| is_after(&key(row), &after));
        }
        let (mut page, more) = self.from(0);
        if links {
            let last = page.rows.last().filter(|_| more).and_then(|row| row.at(keyset.from.tokens()));
            let target = last.and_then(Tree::plain).map(|key| {
                let mut without = self.operation.paging.reserved();
                without.push(keyset.after.name());
                self.sent.call.address(&without, &[(keyset.after.name(), key)])
            });
            insert(&mut page.headers, LINK, &target.map_or_else(String::new, |t| format!("<{t}>; rel=\"next\"")));
        }
        Ok((page, more))
    }
}

impl SandboxPage<'_> {
    /// Puts a value where the definition reads it. `None` is null in a body and absent in the headers.
    fn put_signal(&mut self, source: &Source, value: Option<Tree>) {
        match (source, value) {
            (Source::Body(pointer), value) => self.signals.push((pointer.clone(), value.unwrap_or_else(Tree::null))),
            (Source::Header(name), Some(value)) => {
                insert(&mut self.headers, name.clone(), &value.plain().unwrap_or_default())
            }
            (Source::Header(_), None) => {}
        }
    }
}

fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
        headers.insert(name, value);
    }
}

fn is_after(key: &Scalar, after: &str) -> bool {
    match key {
        Scalar::Number(number) if after.parse::<f64>().is_ok() => numbers(number, after).is_gt(),
        Scalar::Number(text) | Scalar::Text(text) => text.as_str() > after,
        Scalar::Null | Scalar::Flag(_) => false,
    }
}

/// A cursor is opaque to clients; here it contains an offset.
fn write_token(offset: u64) -> String {
    format!("after-{offset}")
}

fn read_token(name: &str, text: &str) -> Result<u64, Refusal> {
    let offset = text.strip_prefix("after-").and_then(|n| n.parse().ok());
    offset
        .ok_or_else(|| Refusal::invalid(format!("`{text}` is not a cursor of this list")).at(name, "InvalidParameter"))
}
