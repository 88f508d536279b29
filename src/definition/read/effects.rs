//! Checks combinations of keys. Every accepted key has an effect: a key without effect beside another is refused at its
//! place. Pure.

use serde_json::Value;

use super::refuse::refuse;
use super::{reply_effects, request_effects};
use crate::authoring::{Checker, Json, Text, TextPart};
use crate::definition::connector::Connector;
use crate::definition::file::{MethodFile, OperationFile, PagingFile, PagingUseFile, ResponseFile, ResultFile};
use crate::definition::method::Method;
use crate::definition::operation::Operation;
use crate::definition::option_rule::Location;
use crate::definition::rules::{ItemRule, Send};
use crate::error::did_you_mean;
use crate::json_pointer::escape;

/// Checks a written operation, with the keys of the set that its reply uses, against the checked model.
pub(in crate::definition) fn check(
    c: &mut Checker<'_>,
    at: &str,
    (file, reply): (&OperationFile, &ResponseFile),
    operation: &Operation,
) {
    let is_query = file.method == MethodFile::Query;
    keys(c, at, file, operation, is_query);
    response(c, &format!("{at}/response"), reply, is_query);
    reply_effects::check(c, &format!("{at}/response"), reply, operation, is_query);
    request_effects::check(c, at, file, operation);
    if let (Some(rule), Some(sample)) = (&operation.items, file.items.as_ref().and_then(|i| i.sample.as_ref())) {
        sample_fits(c, &format!("{at}/items"), operation, rule, sample);
    }
    key_header(c, at, operation);
    absent(c, at, file, operation);
    if let Some(base) = &operation.base_url {
        address(c, &format!("{at}/base_url"), base, CONSTANT_QUERY);
        properties(c, &format!("{at}/base_url"), base, &operation.connector);
    }
}

/// The header of an idempotency key is set by opnode: a value of the caller or the definition would be overwritten.
fn key_header(c: &mut Checker<'_>, at: &str, operation: &Operation) {
    let Some(key) = &operation.idempotency_key else { return };
    let own = |name: &str| name.eq_ignore_ascii_case(key.as_str());
    for option in operation.options.iter().filter(|o| o.location == Location::Header && own(o.wire_name())) {
        c.fault(
            &format!("{at}/options/{}", escape(&option.name)),
            format!("the header {key} is used for the idempotency key"),
            None,
        );
    }
    for (name, _) in operation.fixed.headers.iter().filter(|(name, _)| name == key) {
        let map = if c.has_key(at, "headers") { "headers" } else { "fixed/header" };
        c.fault(&format!("{at}/{map}/{name}"), format!("the header {key} is used for the idempotency key"), None);
    }
}

/// Names of options that the operation does not have, and rules and keys for other methods.
fn absent(c: &mut Checker<'_>, at: &str, file: &OperationFile, operation: &Operation) {
    let own = |name: &String| operation.option(name).is_some();
    let named: Vec<(String, &String)> = match &file.paging {
        Some(PagingUseFile::Own(paging)) => match &**paging {
            PagingFile::Offset { with, .. } => {
                with.iter().map(|(name, _)| (format!("{at}/paging/with/{}", escape(name)), name)).collect()
            }
            PagingFile::Keyset(keyset) => {
                let all = keyset.unless.iter().enumerate();
                all.map(|(i, name)| (format!("{at}/paging/keyset/unless/{i}"), name)).collect()
            }
            PagingFile::None
            | PagingFile::Unknown
            | PagingFile::Link { .. }
            | PagingFile::Number { .. }
            | PagingFile::Cursor { .. }
            | PagingFile::NextUrl { .. } => Vec::new(),
        },
        Some(PagingUseFile::Set(_)) | None => Vec::new(),
    };
    for (place, name) in named.into_iter().filter(|(_, name)| !own(name)) {
        let hint = did_you_mean(name, operation.options.iter().map(|o| o.name.as_str()));
        let advice = "declare it under `options`; a constant parameter belongs to `fixed`";
        c.fault(&place, format!("the operation has no option `{name}`{hint}"), Some(advice.into()));
    }
    for (i, rule) in file.rules.iter().enumerate() {
        if rule.when.method.is_some_and(|method| method != file.method) {
            let message = "the operation has another method, so this rule never applies";
            c.fault(&format!("{at}/rules/{i}/when/method"), message, None);
        }
    }
    for option in operation.options.iter().filter(|o| o.per_item && operation.method == Method::Query) {
        if c.has_key(&format!("{at}/options"), &option.name) {
            let place = format!("{at}/options/{}/per_item", escape(&option.name));
            c.fault(&place, "`per_item` is for writes: a query has no items", None);
        }
    }
}

fn keys(c: &mut Checker<'_>, at: &str, file: &OperationFile, operation: &Operation, is_query: bool) {
    let pages_a_write = !is_query && file.paging.is_some() && operation.paging.is_paged();
    let cannot_walk = operation.connector.forward_only.is_none() || !operation.paging.is_paged();
    let key = file.idempotency_key.is_some();
    refuse(
        c,
        at,
        &[
            ("paging", pages_a_write, "`paging` is for queries: a write is not paged"),
            (
                "idempotency_key",
                is_query && key,
                "`idempotency_key` is for writes: a query can be repeated without one",
            ),
            (
                "idempotent",
                !is_query && key && file.idempotent == Some(false),
                "`idempotency_key` says that it can be repeated",
            ),
            (
                "forward_only",
                file.forward_only.is_some() && cannot_walk,
                "`forward_only` has no effect: the connector has none, or this operation is not paged",
            ),
        ],
    );
}

fn response(c: &mut Checker<'_>, at: &str, file: &ResponseFile, is_query: bool) {
    let Some(shape) = file.result else { return };
    let whole = matches!(shape, ResultFile::File | ResultFile::Text);
    let report = shape == ResultFile::Report;
    refuse(
        c,
        at,
        &[
            ("columns", file.columns.is_some() && !report, "`columns` is for `result: report`"),
            ("rows", file.rows.is_some() && !report, "`rows` is for `result: report`"),
            ("items", file.items.is_some() && whole, "`items` has no effect: a file or text result is the whole reply"),
            (
                "items",
                file.items.is_some() && report,
                "`items` has no effect: a report is read by `columns` and `rows`",
            ),
            (
                "optional",
                file.optional && (whole || report || shape == ResultFile::None),
                "`optional` is for a list, an object or a count: other results may be absent anyway",
            ),
            (
                "record",
                file.record.is_some() && shape == ResultFile::None,
                "`record` has no effect: `result: none` returns nothing",
            ),
            ("parts", file.parts.is_some() && is_query, "`parts` is for writes: a query sends no items"),
            (
                "redirect",
                file.redirect.is_some() && is_query,
                "`redirect` is for writes: redirects of queries are followed",
            ),
            (
                "total",
                file.total.is_some() && (!is_query || shape != ResultFile::List),
                "`total` is for lists that a query reads",
            ),
        ],
    );
    for (i, code) in file.empty.iter().enumerate().filter(|(_, code)| file.ok.contains(*code)) {
        c.fault(&format!("{at}/empty/{i}"), format!("{code} is listed under `ok` too"), None);
    }
    for (key, statuses) in [("ok", &file.ok), ("empty", &file.empty)] {
        for (i, code) in statuses.iter().enumerate() {
            status(c, &format!("{at}/{key}/{i}"), *code, is_query);
        }
    }
}

/// A status that counts as success; redirects are handled before.
fn status(c: &mut Checker<'_>, at: &str, code: u16, is_query: bool) {
    match code {
        304 | 200..=299 | 400..=599 => {}
        300..=399 if is_query => c.fault(
            at,
            format!("`{code}` is a redirect, which is handled before this rule"),
            Some("remove it: redirects of queries are followed within the connection's origins".into()),
        ),
        300..=399 => c.fault(
            at,
            format!("`{code}` is a redirect, which is handled before this rule"),
            Some("write `redirect: ok` under `response` if a redirect means that the write is done".into()),
        ),
        _ => c.fault(at, format!("`{code}` is not a status of a final reply"), None),
    }
}

/// A sample that its own schema refuses could not be sent.
fn sample_fits(c: &mut Checker<'_>, at: &str, operation: &Operation, rule: &ItemRule, sample: &Json) {
    let mut value = sample.to_value();
    if let (Send::JsonPatch(_), Value::Object(fields)) = (rule.send, &mut value) {
        // In a patch, null removes a field.
        fields.retain(|_, v| !v.is_null());
    }
    for finding in operation.check_item(rule, &value).unwrap_or_default() {
        let message = format!("the sample does not fit its own schema: {}", finding.message);
        c.fault(&format!("{at}/sample{}", finding.pointer), message, None);
    }
}

/// Placeholders that are not properties of the connection.
pub(super) fn properties(c: &mut Checker<'_>, at: &str, text: &Text, connector: &Connector) {
    for name in text.names().filter(|n| connector.property(n).is_none()) {
        let hint = did_you_mean(name, connector.properties.iter().map(|p| p.name.as_str()));
        c.fault(at, format!("`{{{name}}}` is not a property of the connection{hint}"), None);
    }
}

/// How a constant query parameter is written.
pub(super) const CONSTANT_QUERY: &str = "fixed: { query: { api-version: \"2024-01-01\" } }";

/// Paths are appended to a base address, so nothing may follow its path.
pub(super) fn address(c: &mut Checker<'_>, at: &str, text: &Text, constant: &str) {
    let literal = |part: &TextPart| matches!(part, TextPart::Literal(text) if text.contains(['?', '#']));
    if text.parts().iter().any(literal) {
        c.fault(
            at,
            "a base address cannot have a query or a fragment: paths are appended to it",
            Some(format!("write a constant query parameter as `{constant}`").into()),
        );
    }
}
