//! The values of a body that are kept as text while its items are read: failures, lists, a report's parts, related
//! records and kept values. Pure.

use super::key_tree::{Catch, KeyTree};
use crate::authoring::{Pointer, Source};
use crate::definition::{ColumnRule, Operation, ReplyFormat, ResponseRule, ResultShape};
use crate::item::Span;
use crate::receipt::Kept;

/// Where the tree keeps each of them.
#[derive(Default)]
pub(super) struct HeldParts {
    next: usize,
    failures: Option<usize>,
    /// For each list that is not read as it is: the list, and what contains it.
    lists: Vec<(Option<usize>, Option<usize>)>,
    columns: Option<usize>,
    rows: Option<usize>,
    related: Vec<usize>,
    keep: Vec<Option<usize>>,
}

impl HeldParts {
    /// Adds the list of failures to the tree.
    pub(super) fn failures_of(operation: &Operation, tree: &mut KeyTree) -> HeldParts {
        let mut held = HeldParts::default();
        let parts = operation.response.parts.as_ref().and_then(|p| p.errors.as_ref()).map(|e| &e.each);
        let details = operation.connector.errors.details.as_ref().map(|d| &d.list);
        held.failures = parts.or(details).map(|list| held.hold(tree, list));
        held
    }

    /// Adds the values that an operation needs to the tree.
    pub(super) fn of(operation: &Operation, tree: &mut KeyTree) -> HeldParts {
        let rule = &operation.response;
        let mut held = HeldParts::failures_of(operation, tree);
        if rule.result == ResultShape::List {
            held.hold_lists(rule, tree);
        }
        if rule.result == ResultShape::Report {
            if let ColumnRule::At { list, .. } = &rule.columns {
                held.columns = Some(held.hold(tree, list));
            }
            held.rows = Some(held.hold(tree, &rule.rows));
        }
        held.related = rule.attach.iter().map(|attach| held.hold(tree, &attach.from)).collect();
        let keep = rule.keep.iter().map(|(_, source)| match source {
            Source::Body(pointer) => Some(held.hold(tree, pointer)),
            Source::Header(_) => None,
        });
        held.keep = keep.collect();
        held
    }

    /// An XML list without elements is absent, so what contains it is needed too.
    fn hold_lists(&mut self, rule: &ResponseRule, tree: &mut KeyTree) {
        let (is_plain, is_xml) = (rule.items.plain().is_some(), matches!(rule.format, ReplyFormat::Xml));
        if is_plain && !is_xml {
            return;
        }
        for pointer in &rule.items.at {
            let list = (!is_plain).then(|| self.hold(tree, pointer));
            let above = pointer.above().filter(|_| is_xml).map(|above| self.hold(tree, &above));
            self.lists.push((list, above));
        }
    }

    fn hold(&mut self, tree: &mut KeyTree, pointer: &Pointer) -> usize {
        self.next += 1;
        tree.hold(pointer, self.next)
    }

    pub(super) fn failures<'t>(&self, catch: &Catch, text: &'t str) -> Option<&'t str> {
        catch.held(text, self.failures?)
    }

    /// The span of a list.
    pub(super) fn list(&self, catch: &Catch, index: usize) -> Option<Span> {
        catch.held_span(self.lists.get(index)?.0?)
    }

    /// The text of what contains a list.
    pub(super) fn above<'t>(&self, catch: &Catch, text: &'t str, index: usize) -> Option<&'t str> {
        catch.held(text, self.lists.get(index)?.1?)
    }

    /// The columns and rows of a report.
    pub(super) fn report<'t>(&self, catch: &Catch, text: &'t str) -> (Option<&'t str>, Option<&'t str>) {
        let held = |slot: Option<usize>| slot.and_then(|slot| catch.held(text, slot));
        (held(self.columns), held(self.rows))
    }

    /// The lists of related records.
    pub(super) fn related(&self, catch: &Catch, text: &str) -> Vec<Option<String>> {
        self.related.iter().map(|slot| catch.held(text, *slot).map(str::to_owned)).collect()
    }

    /// The values of the body that are kept.
    pub(super) fn keep(&self, rule: &ResponseRule, catch: &Catch, text: &str, kept: &mut Kept) {
        for ((name, _), slot) in rule.keep.iter().zip(&self.keep) {
            if let Some(value) = slot.and_then(|slot| catch.held(text, slot)).filter(|value| *value != "null") {
                kept.put(name, value);
            }
        }
    }
}
