//! Checks combinations of keys under `response:`: format, items, report, kept and attached values. Pure.

use super::refuse::refuse;
use crate::authoring::{Checker, Source};
use crate::definition::file::{FormFile, FoundItemsFile, ResponseFile, ResultFile};
use crate::definition::operation::Operation;
use crate::definition::rules::ResultShape;
use crate::json_pointer::escape;

pub(super) fn check(c: &mut Checker<'_>, at: &str, file: &ResponseFile, operation: &Operation, is_query: bool) {
    let Some(shape) = file.result else { return };
    let is_list = shape == ResultFile::List;
    let whole = matches!(shape, ResultFile::File | ResultFile::Text);
    let has_format = file.format != FormFile::Json;
    let rows = matches!(file.format, FormFile::Csv | FormFile::Ndjson);
    let several = !is_list && operation.response.items.plain().is_none();
    let keys = matches!(&file.items, Some(FoundItemsFile::At(at)) if at.key.is_some() || at.tag.is_some() || at.value.is_some());
    let root = operation.response.items.plain().is_some_and(|place| place.tokens().is_empty());
    let joins = is_list || shape == ResultFile::Object;
    refuse(
        c,
        at,
        &[
            ("format", has_format && whole, "`format` has no effect: a file or text result is the whole reply"),
            (
                "format",
                has_format && shape == ResultFile::None,
                "`format` has no effect: `result: none` returns nothing",
            ),
            (
                "format",
                rows && !is_list && !whole && shape != ResultFile::None,
                "a body of rows is read with `result: list`",
            ),
            ("items", rows && file.items.is_some(), "`items` has no effect: each row of the body is an item"),
            ("optional", rows && file.optional, "`optional` has no effect: a body without rows has no items"),
            ("parts", file.parts.is_some() && has_format && rows, "`parts` is for JSON and XML"),
            (
                "format",
                file.format == FormFile::Xml && is_list && file.items.is_none() && file.parts.is_none(),
                "a list in XML needs `items`, such as /root/element",
            ),
            ("items", several && keys, "`key`, `tag` and `value` are for `result: list`"),
            ("items", several && !keys, "several lists are read with `result: list`"),
            ("attach", !file.attach.is_empty() && !joins, "`attach` is for a list or an object"),
            (
                "attach",
                !file.attach.is_empty() && rows,
                "`attach` is for JSON and XML: a body of rows has no other list",
            ),
            (
                "attach",
                !file.attach.is_empty() && is_list && root && !rows,
                "`attach` needs `items`: the whole body is the list, and has no other list",
            ),
            ("attach", !file.attach.is_empty() && !is_query, "`attach` is for queries"),
            ("keep", !file.keep.is_empty() && !is_query, "`keep` is for queries"),
        ],
    );
    if !operation.response.format.has_pointers() || whole {
        no_pointers(c, at, operation, whole);
    }
}

/// A body of rows has no place for a value beside the items.
fn no_pointers(c: &mut Checker<'_>, at: &str, operation: &Operation, whole: bool) {
    let rule = &operation.response;
    let name = match rule.result {
        ResultShape::File => "a file",
        ResultShape::Text => "a text",
        ResultShape::List | ResultShape::Object | ResultShape::Count | ResultShape::None | ResultShape::Report => {
            rule.format.name()
        }
    };
    for (kept, source) in &rule.keep {
        if let Source::Body(pointer) = source {
            let message = format!("{name} has no place `{pointer}`; only a header can be kept");
            c.fault(&format!("{at}/keep/{}", escape(kept)), message, None);
        }
    }
    if whole {
        return;
    }
    let total = rule.total.as_ref().map(|total| &total.at);
    let walks = std::iter::once(&operation.paging).chain(&operation.forward_only);
    for source in walks.flat_map(|paging| paging.steering()).chain(total) {
        if let Source::Body(pointer) = source {
            c.fault(
                &format!("{at}/format"),
                format!("paging reads `{pointer}` in the reply, which {name} does not have"),
                Some("give this operation its own `paging`, by headers or numbers, or `paging: none`".into()),
            );
        }
    }
}
