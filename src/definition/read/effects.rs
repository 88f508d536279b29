//! Checks combinations of keys. Every accepted key has an effect: a key without effect beside another is refused at its
//! place. Pure.

use serde_json::Value;

use crate::authoring::{Checker, Json, Pointer, Text, TextPart};
use crate::definition::auth::Auth;
use crate::definition::connector::Connector;
use crate::definition::file::{ItemsFile, MethodFile, OperationFile, ResponseFile, ResultFile, SendFile};
use crate::definition::login::Csrf;
use crate::definition::operation::Operation;
use crate::definition::option_rule::Location;
use crate::definition::placed::RequestPlace;
use crate::definition::rules::{ItemRule, Send};
use crate::error::did_you_mean;
use crate::json_pointer::escape;

/// Checks a written operation against the checked model.
pub(in crate::definition) fn check(c: &mut Checker<'_>, at: &str, file: &OperationFile, operation: &Operation) {
    let is_query = file.method == MethodFile::Query;
    keys(c, at, file, operation, is_query);
    response(c, &format!("{at}/response"), &file.response, is_query);
    if let Some(items) = &file.items {
        item_keys(c, &format!("{at}/items"), items, operation);
    }
    body_options(c, at, operation);
    headers(c, at, file, operation);
    key_header(c, at, operation);
    if let Some(base) = &operation.base_url {
        address(c, &format!("{at}/base_url"), base);
        properties(c, &format!("{at}/base_url"), base, &operation.connector);
    }
}

/// The header of an idempotency key is set by opnode: a value of the caller or the definition would be overwritten.
fn key_header(c: &mut Checker<'_>, at: &str, operation: &Operation) {
    let Some(key) = &operation.idempotency_key else { return };
    let own = |name: &str| name.eq_ignore_ascii_case(key.as_str());
    for option in operation.options.iter().filter(|o| o.location == Location::Header && own(&o.name)) {
        c.fault(
            &format!("{at}/options/{}", escape(&option.name)),
            format!("the header {key} is used for the idempotency key"),
            None,
        );
    }
    for (name, _) in operation.headers.iter().filter(|(name, _)| name == key) {
        c.fault(&format!("{at}/headers/{name}"), format!("the header {key} is used for the idempotency key"), None);
    }
}

/// Reports each given key that has no effect.
fn refuse(c: &mut Checker<'_>, at: &str, keys: &[(&str, bool, &str)]) {
    for (key, _, message) in keys.iter().filter(|(_, given, _)| *given) {
        c.fault(&format!("{at}/{key}"), *message, None);
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
    let shape = file.result;
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

fn item_keys(c: &mut Checker<'_>, at: &str, file: &ItemsFile, operation: &Operation) {
    let form = matches!(file.send, SendFile::Multipart);
    let each = matches!(file.send, SendFile::Each);
    let no_names = operation.path.names().next().is_none();
    refuse(
        c,
        at,
        &[
            (
                "wrap",
                form && file.wrap.as_ref().is_some_and(|w| !w.is_empty()),
                "`wrap` has no effect: a form has no envelope",
            ),
            ("drop_path_fields", file.drop_path_fields && !each, "`drop_path_fields` is for `send: each`"),
            ("drop_path_fields", file.drop_path_fields && each && no_names, "the path has no fields to drop"),
        ],
    );
    if let (Some(rule), Some(sample)) = (&operation.items, &file.sample) {
        sample_fits(c, at, operation, rule, sample);
    }
}

/// A sample that its own schema refuses could not be sent.
fn sample_fits(c: &mut Checker<'_>, at: &str, operation: &Operation, rule: &ItemRule, sample: &Json) {
    let mut value = sample.to_value();
    if let (Send::JsonPatch, Value::Object(fields)) = (rule.send, &mut value) {
        // In a patch, null removes a field.
        fields.retain(|_, v| !v.is_null());
    }
    for finding in operation.check_item(rule, &value).unwrap_or_default() {
        let message = format!("the sample does not fit its own schema: {}", finding.message);
        c.fault(&format!("{at}/sample{}", finding.pointer), message, None);
    }
}

/// Options in the body are put beside the items, so the body must be an object around them.
fn body_options(c: &mut Checker<'_>, at: &str, operation: &Operation) {
    let Some(rule) = &operation.items else { return };
    let wrap = rule.wrap.as_ref().map(Pointer::tokens).unwrap_or_default();
    let around = match rule.send {
        Send::Each | Send::All | Send::Chunk(_) => wrap.first(),
        Send::JsonPatch | Send::Multipart => None,
    };
    for option in operation.options.iter().filter(|o| o.location == Location::Body) {
        let place = option_place(c, at, &option.name);
        match (around, rule.send) {
            (Some(taken), _) if *taken == option.name => {
                c.fault(&place, format!("`{taken}` holds the items (`wrap`), so no option can use it"), None);
            }
            (Some(_), _) => {}
            (None, Send::Each | Send::All | Send::Chunk(_)) => c.fault(
                &place,
                format!("`{}` is sent in the body, but the body is the items themselves", option.name),
                Some("give `items` a `wrap`, such as `wrap: /records`, if the body is an object around them; otherwise make it a field of the items, or send it in the query or a header".into()),
            ),
            (None, Send::JsonPatch | Send::Multipart) => c.fault(
                &place,
                format!("`{}` is sent in the body, but a patch or a form contains only the items", option.name),
                Some("make it a field of the items, or send it in the query or a header".into()),
            ),
        }
    }
}

/// The place of an option, or of the sets that contain it.
fn option_place(c: &Checker<'_>, at: &str, name: &str) -> String {
    if c.has_key(&format!("{at}/options"), name) {
        format!("{at}/options/{}", escape(name))
    } else {
        format!("{at}/use")
    }
}

fn headers(c: &mut Checker<'_>, at: &str, file: &OperationFile, operation: &Operation) {
    let connector = &operation.connector;
    let mut own_media = false;
    for (name, value) in &file.headers {
        let place = format!("{at}/headers/{}", escape(name));
        let Ok(text) = Text::parse(value) else { continue };
        for unknown in text.names().filter(|n| connector.property(n).is_none()) {
            if operation.option(unknown).is_some() {
                let advice = format!(
                    "declare the option as `{name}: {{ in: header }}`: an option in a header has the header's name"
                );
                c.fault(
                    &place,
                    format!("`{{{unknown}}}` is an option, and a header takes properties of the connection"),
                    Some(advice.into()),
                );
            } else {
                let hint = did_you_mean(unknown, connector.properties.iter().map(|p| p.name.as_str()));
                c.fault(&place, format!("`{{{unknown}}}` is not a property of the connection{hint}"), None);
            }
        }
        if !operation.anonymous {
            signature(c, &place, name, &connector.auth, connector.csrf.as_ref());
        }
        if name.eq_ignore_ascii_case("content-type") {
            own_media = true;
            media(c, &place, &text, operation);
        }
    }
    if !operation.anonymous {
        for option in operation.options.iter().filter(|o| o.location == Location::Header) {
            let place = option_place(c, at, &option.name);
            signature(c, &place, &option.name, &connector.auth, connector.csrf.as_ref());
        }
        for option in operation.options.iter().filter(|o| o.location == Location::Query) {
            let place = option_place(c, at, &option.name);
            query_signature(c, &place, &option.name, &connector.auth);
        }
    }
    let inherited = connector.headers.iter().find(|(name, _)| !own_media && *name == http::header::CONTENT_TYPE);
    if let Some((_, text)) = inherited {
        media(c, &format!("{at}/items"), text, operation);
    }
}

/// The credentials are added to a request last, and would overwrite a header.
pub(super) fn signature(c: &mut Checker<'_>, at: &str, name: &str, auth: &Auth, csrf: Option<&Csrf>) {
    let is_own =
        |place: &RequestPlace| matches!(place, RequestPlace::Header(own) if name.eq_ignore_ascii_case(own.as_str()));
    if auth.places().iter().any(is_own) {
        c.fault(at, format!("the header {name} carries the credentials of `auth`, so it cannot be set"), None);
    } else if csrf.is_some_and(|csrf| is_own(&csrf.send.place)) {
        c.fault(at, format!("the header {name} carries the token of `csrf`, so it cannot be set"), None);
    }
}

/// The same for a query parameter.
fn query_signature(c: &mut Checker<'_>, at: &str, name: &str, auth: &Auth) {
    if auth.places().iter().any(|place| matches!(place, RequestPlace::Query(own) if own == name)) {
        c.fault(at, format!("the query parameter {name} carries the credentials of `auth`, so it cannot be set"), None);
    }
}

/// The Content-Type must fit the body.
fn media(c: &mut Checker<'_>, at: &str, text: &Text, operation: &Operation) {
    let shown = text.to_string();
    let kind = shown.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let has_options = operation.options.iter().any(|o| o.location == Location::Body);
    match operation.items.as_ref().map(|rule| rule.send) {
        Some(Send::Multipart) => c.fault(
            at,
            format!("the Content-Type `{shown}` contradicts the form that is sent"),
            Some("leave the header out here: opnode sends multipart/form-data with its boundary".into()),
        ),
        None if !has_options => {}
        _ if kind == "application/json" || kind.ends_with("+json") || kind.contains('{') => {}
        _ => c.fault(
            at,
            format!("the Content-Type `{shown}` contradicts the body, which is JSON"),
            Some("leave the header out, or write application/json or a type that ends in +json".into()),
        ),
    }
}

/// Placeholders that are not properties of the connection.
pub(super) fn properties(c: &mut Checker<'_>, at: &str, text: &Text, connector: &Connector) {
    for name in text.names().filter(|n| connector.property(n).is_none()) {
        let hint = did_you_mean(name, connector.properties.iter().map(|p| p.name.as_str()));
        c.fault(at, format!("`{{{name}}}` is not a property of the connection{hint}"), None);
    }
}

/// Paths are appended to a base address, so nothing may follow its path.
pub(super) fn address(c: &mut Checker<'_>, at: &str, text: &Text) {
    let literal = |part: &TextPart| matches!(part, TextPart::Literal(text) if text.contains(['?', '#']));
    if text.parts().iter().any(literal) {
        c.fault(
            at,
            "a base address cannot have a query or a fragment: paths are appended to it",
            Some("declare query parameters as options, such as `api-version: { enum: [\"2024-01-01\"] }` under `options`, and name it under `required`".into()),
        );
    }
}
