//! Definitions as JSON for hosts and machines: the same for the command line and for C. Pure.
//!
//! ```
//! use opnode::{Catalog, describe};
//!
//! let mut catalog = Catalog::empty();
//! catalog.add_folder("examples/definitions".as_ref())?;
//! let details = describe::details(&*catalog.operation(None, "createTicket")?);
//! assert_eq!(details["method"], "mutate");
//! assert_eq!(details["items"]["schema"]["required"][0], "summary");
//! assert_eq!(details["response"]["record"]["sample"]["priority"], "normal");
//!
//! let form = describe::connector(&*catalog.connector("acme-desk")?);
//! assert_eq!(form["connection"][2]["secret"], true);
//! # Ok::<(), opnode::Error>(())
//! ```

use serde_json::{Value, json};

use crate::connection::needs_account;
use crate::definition::{
    Connector, Hit, Operation, OperationSummary, OptionRule, Record, RecordField, RecordUses, Template, ValueSource,
    Why, record_fields,
};

/// A connector with its connection form.
#[must_use]
pub fn connector(connector: &Connector) -> Value {
    json!({
        "connector": connector.name, "title": connector.title, "description": connector.description, "docs": connector.docs,
        "account": needs_account(connector, |_| false), "connection": connector.properties,
    })
}

/// An operation in a listing.
#[must_use]
pub fn operation(operation: &Operation) -> Value {
    summary(&OperationSummary::from(operation))
}

/// The same of what a listing knows of it.
#[must_use]
pub fn summary(summary: &OperationSummary) -> Value {
    json!({
        "operation": summary.id, "connector": &*summary.connector, "method": summary.method, "title": summary.title,
        "description": summary.description, "request": summary.request, "deprecated": summary.deprecated,
    })
}

/// An operation that a search has found: as [`summary`], with `score`, the reasons in `why`, the words that it does not
/// have in `missing`, and the `templates` that fit.
#[must_use]
pub fn found_operation(hit: &Hit<OperationSummary>) -> Value {
    with_reasons(summary(&hit.entry), hit)
}

/// A template that a search has found: as [`template`], with the same.
#[must_use]
pub fn found_template(hit: &Hit<Template>) -> Value {
    with_reasons(template(&hit.entry), hit)
}

fn with_reasons<T>(mut value: Value, hit: &Hit<T>) -> Value {
    let why = |why: &Why| json!({ "word": why.word, "found": why.found, "in": why.place.name(), "name": why.name, "as": why.likeness.name() });
    if let Some(map) = value.as_object_mut() {
        map.insert("score".into(), json!((f64::from(hit.score) * 10.0).round() / 10.0));
        map.insert("why".into(), hit.why.iter().map(why).collect());
        map.insert("missing".into(), json!(hit.missing));
        if !map.contains_key("template") {
            map.insert("templates".into(), json!(hit.templates));
        }
    }
    value
}

/// A template in a listing.
#[must_use]
pub fn template(template: &Template) -> Value {
    json!({
        "template": template.name, "connector": template.operation.connector.name, "method": template.operation.method,
        "title": template.title, "summary": template.summary, "operation": template.operation.id, "tags": template.tags, "ask": template.ask,
    })
}

/// An option. `values` names the query that returns its choices, and where an item has the value and its name.
fn option(rule: &OptionRule) -> Value {
    let place = serde_json::to_value(rule.location).unwrap_or_default();
    let mut option = json!({ "name": rule.name, "required": rule.required, "in": place, "schema": rule.schema });
    let Some(map) = option.as_object_mut() else { return option };
    if rule.secret {
        map.insert("secret".into(), true.into());
    }
    if let Some(source) = &rule.values {
        map.insert("values".into(), values(source));
    }
    option
}

fn values(source: &ValueSource) -> Value {
    let options: serde_json::Map<_, _> =
        source.options.iter().map(|(name, json)| (name.clone(), json.to_value())).collect();
    let label = source.label.as_ref().map(ToString::to_string);
    json!({ "operation": source.operation, "value": source.value.to_string(), "label": label, "options": options })
}

/// All details of one operation.
#[must_use]
pub fn details(operation: &Operation) -> Value {
    let options: Vec<Value> = operation.options.iter().map(option).collect();
    let items = operation
        .items
        .as_ref()
        .map(|rule| json!({ "required": rule.required, "schema": rule.schema, "sample": rule.sample }));
    let record =
        operation.record().map(|r| json!({ "name": r.name, "title": r.title, "schema": r.schema, "sample": r.sample }));
    let mut response = json!({ "result": operation.response.result, "record": record });
    let kept: Vec<&str> = operation.kept_names().collect();
    if let (false, Some(response)) = (kept.is_empty(), response.as_object_mut()) {
        response.insert("keep".into(), json!(kept));
    }
    json!({
        "operation": operation.id, "connector": operation.connector.name, "title": operation.title, "description": operation.description,
        "method": operation.method, "request": operation.request_line(), "paged": operation.is_paged(),
        "forward_only": operation.can_walk_forward_only(), "options": options, "items": items,
        "response": response,
    })
}

/// A record: its fields, the operations that read, create, change and delete it, and the records that it refers to and
/// that refer to it.
#[must_use]
pub fn record(connector: &str, record: &Record, uses: &RecordUses) -> Value {
    let fields = record_fields(record);
    let ids =
        |operations: &[OperationSummary]| operations.iter().map(|o| Value::from(o.id.as_str())).collect::<Vec<_>>();
    let refers: Vec<Value> =
        direct_references(&fields).map(|(field, record)| json!({ "field": field, "record": record })).collect();
    json!({
        "record": record.name, "connector": connector, "title": record.title,
        "fields": fields.iter().map(record_field).collect::<Vec<_>>(),
        "read": ids(&uses.read), "created": ids(&uses.created), "changed": ids(&uses.changed), "deleted": ids(&uses.deleted),
        "refers": refers, "referred": uses.referred, "sample": record.sample,
    })
}

/// The fields of a record that are other records, each with the name of that; not the fields within them.
pub fn direct_references(fields: &[RecordField]) -> impl Iterator<Item = (&str, &str)> {
    // Fields follow the one that they are within.
    let mut above: Option<&str> = None;
    fields.iter().filter_map(move |field| {
        let is_within = |above: &str| field.path.strip_prefix(above).is_some_and(|rest| rest.starts_with('/'));
        if above.is_some_and(is_within) {
            return None;
        }
        let record = field.record.as_deref()?;
        above = Some(&field.path);
        Some((field.path.as_str(), record))
    })
}

/// A field of a record in a listing; `values` as those of an option.
#[must_use]
pub fn record_field(field: &RecordField) -> Value {
    let mut shown = json!({
        "path": field.path, "required": field.required, "schema": field.schema, "record": field.record, "cycle": field.is_cycle,
    });
    if let (Some(source), Some(map)) = (&field.values, shown.as_object_mut()) {
        map.insert("values".into(), values(source));
    }
    shown
}
