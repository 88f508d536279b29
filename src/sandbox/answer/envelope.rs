//! Builds reply bodies as the operation declares them: envelope, totals, success flag, and bodies from the declared
//! shape alone. Pure.

use http::StatusCode;
use http::header::CONTENT_DISPOSITION;

use super::forms;
use super::paging::{self, PageRows, SandboxPage};
use super::sent::SentValues;
use crate::authoring::{Pointer, Source};
use crate::definition::{Operation, PartMeans, PartRule, ResultShape, Total};
use crate::sandbox::http::{Refusal, ReplyContent, SandboxReply};
use crate::sandbox::records::Tree;

/// A reply with one record, or without a body if the operation returns none.
pub(super) fn record(operation: &Operation, usual: StatusCode, record: Tree) -> SandboxReply {
    let status = status(operation, usual);
    let body = match operation.response.result {
        ResultShape::List => Tree::List(vec![record]),
        ResultShape::None => return SandboxReply::blank(status),
        ResultShape::Object | ResultShape::Count | ResultShape::File | ResultShape::Report | ResultShape::Text => {
            record
        }
    };
    forms::reply(operation, status, &wrap(operation, body, Vec::new(), Some(1)))
}

/// A reply with a page of a list. `total` counts the rows of all pages.
pub(super) fn page(
    operation: &Operation,
    page: SandboxPage<'_>,
    total: usize,
    choose: impl Fn(&Tree) -> Tree,
) -> SandboxReply {
    let rows = Tree::List(page.rows.iter().map(|row| choose(row)).collect());
    let body = wrap(operation, rows, page.signals, Some(total));
    let mut reply = forms::reply(operation, status(operation, StatusCode::OK), &body);
    reply.headers.extend(page.headers);
    reply
}

/// A record of a collection as the record of an operation that has fewer or other fields.
pub(super) fn excerpt(operation: &Operation, row: &Tree) -> Tree {
    match operation.record() {
        Some(record) => overlay(&Tree::of(&record.sample), row),
        None => row.clone(),
    }
}

/// A reply with an unpaged list.
pub(super) fn list(operation: &Operation, rows: Tree) -> SandboxReply {
    forms::reply(operation, status(operation, StatusCode::OK), &wrap(operation, rows, Vec::new(), None))
}

/// A reply with a count of records.
pub(super) fn count(operation: &Operation, count: usize) -> SandboxReply {
    let body = wrap(operation, Tree::number(count as u64), Vec::new(), None);
    forms::reply(operation, status(operation, StatusCode::OK), &body)
}

/// The usual status, or the operation's own if it does not allow the usual one.
fn status(operation: &Operation, usual: StatusCode) -> StatusCode {
    let ok = &operation.response.ok;
    if ok.is_empty() || ok.contains(&usual.as_u16()) {
        return usual;
    }
    ok.first().and_then(|code| StatusCode::from_u16(*code).ok()).unwrap_or(usual)
}

/// Puts the items and the paging values where the operation reads them.
fn wrap(operation: &Operation, items: Tree, signals: Vec<(Pointer, Tree)>, total: Option<usize>) -> Tree {
    let rule = &operation.response;
    if rule.items.plain().is_some_and(|place| place.tokens().is_empty()) && rule.attach.is_empty() {
        return items;
    }
    let mut body = Tree::object();
    forms::put_items(rule, &mut body, items);
    for (pointer, value) in signals {
        body.put(&pointer, value);
    }
    if let (Some(Total { at: Source::Body(pointer), .. }), Some(total)) = (&rule.total, total) {
        body.put(pointer, Tree::number(total as u64));
    }
    if let Some(success) = &operation.connector.errors.success {
        body.put(&success.at, Tree::value(&success.said(true)));
    }
    body
}

/// A reply for an operation without a rule in sandbox.yaml: its declared shape, filled from the record's sample and the
/// sent items.
pub(super) fn by_shape(
    operation: &Operation,
    sent: &SentValues<'_>,
    items: &[Tree],
    size_default: Option<u32>,
) -> Result<SandboxReply, Refusal> {
    let sample = sample(operation, items);
    let usual = status(operation, StatusCode::OK);
    Ok(match operation.response.result {
        ResultShape::None => SandboxReply::blank(status(operation, StatusCode::NO_CONTENT)),
        ResultShape::Count => count(operation, 1),
        ResultShape::Object => record(operation, StatusCode::OK, sample),
        ResultShape::List => match &operation.response.parts {
            Some(parts) => list(operation, reports(parts, items)),
            None => {
                let filled: Vec<Tree> = items.iter().map(|item| overlay(&sample, item)).collect();
                let rows: Vec<&Tree> = if filled.is_empty() { vec![&sample] } else { filled.iter().collect() };
                let total = rows.len();
                page(
                    operation,
                    paging::cut(operation, sent, PageRows { rows, moves: false }, size_default)?,
                    total,
                    Tree::clone,
                )
            }
        },
        ResultShape::Report => forms::reply(operation, usual, &forms::report(&operation.response, &sample)),
        ResultShape::Text => SandboxReply::text(usual, &format!("sandbox: {}\n", operation.title)),
        ResultShape::File => {
            let mut reply = SandboxReply {
                content: ReplyContent::Bytes("application/pdf", PDF.as_bytes().to_vec()),
                ..SandboxReply::blank(usual)
            };
            reply.set(CONTENT_DISPOSITION, &format!("attachment; filename=\"{}.pdf\"", operation.id));
            reply
        }
    })
}

/// A minimal PDF that readers accept.
const PDF: &str = "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n\
    3 0 obj<</Type/SandboxPage/Parent 2 0 R/MediaBox[0 0 595 842]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n";

/// The record's sample with the sent fields; without a record, an item that the operation would accept.
fn sample(operation: &Operation, items: &[Tree]) -> Tree {
    let declared = operation.record().map(|record| Tree::of(&record.sample));
    let given = items.first().filter(|item| matches!(item, Tree::Object(_)));
    match (declared, given) {
        (Some(sample), Some(item)) => overlay(&sample, item),
        (Some(sample), None) => sample,
        (None, Some(item)) => item.clone(),
        (None, None) => {
            let sent = operation.items.as_ref().and_then(|rule| rule.sample.as_ref());
            sent.map(Tree::of).filter(|t| matches!(t, Tree::Object(_))).unwrap_or_else(Tree::object)
        }
    }
}

fn overlay(sample: &Tree, item: &Tree) -> Tree {
    match sample {
        Tree::Object(fields) => Tree::Object(
            fields.iter().map(|(name, value)| (name.clone(), item.get(name).unwrap_or(value).clone())).collect(),
        ),
        Tree::Leaf(_) | Tree::List(_) => sample.clone(),
    }
}

/// One success report for each part of a bulk write.
fn reports(rule: &PartRule, items: &[Tree]) -> Tree {
    let report = |(index, item): (usize, &Tree)| {
        let mut part = Tree::object();
        if let Some(ok) = &rule.ok {
            part.put(&ok.at, Tree::value(&ok.said(true)));
        }
        match &rule.means {
            PartMeans::Index(pointer) => part.put(pointer, Tree::number(index as u64)),
            PartMeans::Key { part: own, item: theirs } => {
                let key = if matches!(item, Tree::Leaf(_)) { Some(item) } else { item.at(theirs.tokens()) };
                if let Some(key) = key {
                    part.put(own, key.clone());
                }
            }
            PartMeans::Place => {}
        }
        if let Some(pointer) = &rule.data {
            part.put(pointer, item.clone());
        }
        part
    };
    Tree::List(items.iter().enumerate().map(report).collect())
}
