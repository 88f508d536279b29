//! The items of a list result: one list as it is, several lists, maps of records by key, and records within elements.
//! Pure.

use std::collections::HashSet;

use super::faults::{again, ambiguous};
use super::held::HeldParts;
use super::item_text::{ItemText, fields, put_with};
use super::key_tree::{Catch, FoundItems, keep, kind};
use super::model::PageLimits;
use crate::authoring::Pointer;
use crate::definition::{Operation, ReplyFormat, ResponseRule};
use crate::error::{Error, ErrorKind, Result};
use crate::item::{Item, Items, Span};
use crate::json_text::text_of;
use crate::reply::scan::{Scan, ScanFault};

/// What was found at the places of the items.
#[derive(Default)]
pub(super) struct FoundLists<'o> {
    /// All of it as one: a list if every place is as declared.
    pub(super) found: FoundItems,
    /// The place that is not as declared, and what is there.
    pub(super) wrong: Option<(&'o Pointer, FoundItems)>,
    /// The lists, each with its place; empty for one list that is taken as it is.
    lists: Vec<(&'o Pointer, Span)>,
}

/// Finds the lists of an operation in a body that was read.
pub(super) fn find<'o>(operation: &'o Operation, held: &HeldParts, catch: &Catch, text: &str) -> FoundLists<'o> {
    let rule = &operation.response;
    let is_xml = matches!(rule.format, ReplyFormat::Xml);
    let mut all = FoundLists { found: FoundItems::Absent, ..FoundLists::default() };
    for (index, place) in rule.items.at.iter().enumerate() {
        let is_plain = rule.items.plain().is_some();
        let span = if is_plain { catch.raw } else { held.list(catch, index) };
        let raw = span.and_then(|(from, to)| text.get(from as usize..to as usize)).unwrap_or_default();
        let found = match (kind(raw), &rule.items.key) {
            // In XML, a list without elements is not written, and one of a single element looks like that element.
            (FoundItems::Absent, _) if is_xml && is_container(held.above(catch, text, index)) => FoundItems::Null,
            (FoundItems::Object | FoundItems::Scalar, None) if is_xml => FoundItems::List,
            (FoundItems::Object, Some(_)) => FoundItems::List,
            // Some systems write an empty map as an empty list; an empty XML element is an empty text.
            (FoundItems::List, Some(_)) if is_empty_list(raw) => FoundItems::Null,
            (FoundItems::Scalar, Some(_)) if is_xml && raw == "\"\"" => FoundItems::Null,
            (FoundItems::List, Some(_)) => FoundItems::Scalar,
            (found, _) => found,
        };
        match found {
            FoundItems::List => {
                let is_as_it_is = is_plain && raw.starts_with('[');
                all.lists.extend(span.filter(|_| !is_as_it_is).map(|span| (place, span)));
                all.found = FoundItems::List;
            }
            FoundItems::Absent if rule.optional => {}
            FoundItems::Null if all.found == FoundItems::Absent => all.found = FoundItems::Null,
            FoundItems::Null => {}
            FoundItems::Absent | FoundItems::Object | FoundItems::Scalar => {
                return FoundLists { found, wrong: Some((place, kind(raw))), lists: Vec::new() };
            }
        }
    }
    all
}

/// Whether an XML element may contain elements.
fn is_container(raw: Option<&str>) -> bool {
    raw.is_some_and(|raw| raw.starts_with('{') || raw == "\"\"")
}

fn is_empty_list(raw: &str) -> bool {
    raw.get(1..raw.len().saturating_sub(1)).is_some_and(|inner| inner.trim().is_empty())
}

impl FoundLists<'_> {
    /// The items; `spans` are those of a list that is taken as it is.
    pub(super) fn items(
        &self,
        rule: &ResponseRule,
        text: String,
        mut spans: Vec<Span>,
        limits: PageLimits,
    ) -> Result<Items> {
        let places = &rule.items;
        if self.lists.is_empty() {
            return Ok(Items::of_array(text, spans));
        }
        let value = places.value.as_ref();
        if places.key.is_none() && places.tag.is_none() {
            for (place, span) in &self.lists {
                let mut missing = false;
                let read = elements(&text, *span, |from, to| match within(&text, from, to, value) {
                    Some((from, to)) => keep(&mut spans, from, to, limits.items),
                    None => {
                        missing = true;
                        Err(ScanFault::Count)
                    }
                });
                match value.filter(|_| missing) {
                    Some(value) => return Err(without(place, value)),
                    None => read.map_err(|fault| again("a list", fault, limits.items))?,
                }
            }
            return Ok(Items::from_spans(text, spans));
        }
        let mut out = ItemText::new(limits);
        for (place, span) in &self.lists {
            let tag = places.tag.as_deref().zip(place.tokens().last().map(|token| text_of(token)));
            let tag: Vec<(&str, &str)> = tag.iter().map(|(name, token)| (*name, token.as_str())).collect();
            match places.key.as_deref() {
                Some(key) => map(&mut out, (&text, *span), (place, value), key, &tag)?,
                None => tagged(&mut out, (&text, *span), (place, value), &tag)?,
            }
        }
        Ok(out.finish())
    }
}

/// The elements of a list, or a single value as the only element.
fn elements(
    text: &str,
    (from, to): Span,
    mut each: impl FnMut(usize, usize) -> Result<(), ScanFault>,
) -> Result<(), ScanFault> {
    let (from, to) = (from as usize, to as usize);
    match text.as_bytes().get(from) {
        Some(b'[') => Scan::new(text).elements(from, each).map(|_| ()),
        _ => each(from, to),
    }
}

/// The part of an element that is the record.
fn within(text: &str, from: usize, to: usize, value: Option<&Pointer>) -> Option<(usize, usize)> {
    let Some(value) = value else { return Some((from, to)) };
    let element = text.get(from..to)?;
    let record = Item::new(element).raw(value.tokens())?;
    let start = from + (record.as_ptr().addr() - element.as_ptr().addr());
    Some((start, start + record.len()))
}

/// An element without its record.
fn without(place: &Pointer, value: &Pointer) -> Error {
    Error::new(ErrorKind::BadResponse, format!("an element of `{place}` in the reply has no `{value}`"))
}

/// A place in the reply, and the record in each of its elements.
type Place<'p> = (&'p Pointer, Option<&'p Pointer>);

fn record<'t>(element: &'t str, (place, value): Place<'_>) -> Result<&'t str> {
    let Some(value) = value else { return Ok(element) };
    Item::new(element).raw(value.tokens()).ok_or_else(|| without(place, value))
}

fn tagged(out: &mut ItemText, (text, span): (&str, Span), place: Place<'_>, tag: &[(&str, &str)]) -> Result<()> {
    let mut failed = None;
    let read = elements(text, span, |from, to| {
        let element = text.get(from..to).unwrap_or_default();
        record(element, place).and_then(|item| out.add(|out| put_with(out, item, &[], tag))).map_err(|error| {
            failed = Some(error);
            ScanFault::Count
        })
    });
    failed.map_or_else(|| read.map_err(|fault| again("a list", fault, usize::MAX)), Err)
}

/// The records of a map.
fn map(
    out: &mut ItemText,
    (text, (from, to)): (&str, Span),
    place: Place<'_>,
    key: &str,
    tag: &[(&str, &str)],
) -> Result<()> {
    let object = text.get(from as usize..to as usize).unwrap_or_default();
    let mut seen = HashSet::new();
    let mut failed = None;
    let read = fields(object, |name, element| {
        let id = text_of(&name);
        let added = match seen.insert(name.clone()) {
            true => record(element, place).and_then(|item| out.add(|out| put_with(out, item, &[(key, &id)], tag))),
            false => Err(ambiguous(&name)),
        };
        added.map_err(|error| {
            failed = Some(error);
            ScanFault::Count
        })
    });
    failed.map_or_else(|| read.map_err(|fault| again("a map", fault, usize::MAX)), Err)
}
