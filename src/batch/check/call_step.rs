//! Steps that call an operation of a connector.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::context::{CheckContext, find};
use super::expressions::{expression, shape, source};
use super::here::{CheckedStep, StepHere, after, limits};
use super::literal::{literal_items, takes_nothing};
use super::options::{options, template_items};
use super::save::{path, saves};
use super::saved_record::SavedRecord;
use super::{names, row_fields, verify};
use crate::authoring::Checker;
use crate::authoring::duration::duration;
use crate::batch::file::{StepFile, UnknownFieldsFile, WatermarkFile};
use crate::batch::run_plan::{CalledOperation, Step, Watermark};
use crate::definition::{Fields, Method, Operation, ResultShape, Template};
use crate::error::{Advice, Result, did_you_mean};
use crate::expression::Shape;
use crate::run_store::Mark;

/// A step that calls an operation.
pub(super) fn call_step(c: &mut Checker<'_>, here: &StepHere<'_>, file: &StepFile) -> CheckedStep {
    let StepHere { at, number, ids, context, .. } = *here;
    let (template, operation) = operation(c, at, file, context).unzip();
    let template = template.flatten();
    let method = operation.as_ref().map_or(Method::Query, |o| o.method);
    let known_fields = file.unknown_fields == UnknownFieldsFile::Refuse;
    let (mut needs, mut awaits) = (BTreeSet::new(), BTreeSet::new());
    let mut names = here.names(file, &mut needs, &mut awaits);
    let is_query = method == Method::Query;
    let (loops, has_watermark) = (file.each.is_some(), file.watermark.is_some());
    let plain = names::Allowed { item: loops, parent: false, watermark: has_watermark };
    let of_items = names::Allowed { item: true, parent: loops && is_query, watermark: false };
    let nothing = names::Allowed::default();

    let each = file.each.as_ref().and_then(|value| source(c, &format!("{at}/for"), value, &mut names, nothing));
    names.sources.item = names.sources.of_source(each.as_ref());
    let (options, literal) = options(c, at, file, template.as_ref(), operation.as_deref(), (&mut names, plain));
    let own_items = file.items.as_ref();
    let template_items = template.as_ref().filter(|t| own_items.is_none() && !t.items.is_empty()).map(template_items);
    let items = own_items
        .or(template_items.as_ref())
        .and_then(|value| source(c, &format!("{at}/items"), value, &mut names, plain));
    let record = operation.as_deref().map(|o| o.returned_fields(&literal)).unwrap_or_default();
    let passing = if is_query { record.clone() } else { names.sources.of_source(items.as_ref()) };
    names.sources.parent = std::mem::replace(&mut names.sources.item, passing);
    let keep = file.keep.as_ref().and_then(|value| expression(c, &format!("{at}/where"), value, &mut names, of_items));
    let map = file.map.as_ref().map(|value| shape(c, &format!("{at}/map"), &value.0, &mut names, of_items));
    let gives = match &map {
        Some(map) if is_query => names.sources.of_shape(map),
        Some(_) | None => record.clone(),
    };
    names.sources.item = Fields::Any;
    let when = file.when.as_ref().and_then(|value| expression(c, &format!("{at}/when"), value, &mut names, nothing));
    after(c, at, file, ids, number, names.needs);
    let watermark = file.watermark.as_ref().and_then(|w| {
        watermark(c, &format!("{at}/watermark"), w, known_fields.then_some(&record), operation.as_deref())
    });
    let saved = SavedRecord::of((&gives, map.as_ref()), operation.as_deref(), file);
    let save = saves(c, at, file, &saved, &mut names);
    let files = file.files.as_ref().and_then(|to| path(c, &format!("{at}/files"), to, &mut names, nothing));
    let Some(operation) = operation else { return (None, gives) };
    if let Some(map) = map.as_ref().filter(|_| known_fields) {
        let has = |name: &str| matches!(&options, Shape::Map(all) if all.iter().any(|(n, _)| n == name));
        row_fields::check_map(c, &format!("{at}/map"), &operation, map, has);
    }
    let verify =
        file.verify.as_ref().and_then(|v| verify::verify(c, &format!("{at}/verify"), v, &operation, &mut names));
    places(c, at, file, &operation, template_items.is_some());
    literal_items(c, at, file, &operation);
    let connections = connections(c, at, file, &operation, context);
    let step = Step {
        connections,
        options,
        items,
        each,
        keep,
        map,
        when,
        needs,
        awaits,
        parallel: usize::from(file.parallel.max(1)),
        limit: file.limit,
        forward_only: file.forward_only,
        known_fields,
        watermark,
        save,
        files,
        verify,
        limits: limits(c, at, file, context),
        ..Step::new(file, (method, CalledOperation::of(&operation)), here.phase)
    };
    (Some((step, Some(operation))), gives)
}

/// `record` is the record in which names are looked up, if known.
fn watermark(
    c: &mut Checker<'_>,
    at: &str,
    file: &WatermarkFile,
    record: Option<&Fields>,
    operation: Option<&Operation>,
) -> Option<Watermark> {
    let place = format!("{at}/pointer");
    if !matches!(file.start.to_value(), Value::String(_) | Value::Number(_)) {
        c.fault(&format!("{at}/start"), "a watermark must be text or a number", None);
    }
    let start = file.start.0.clone();
    let pointer = match (&file.pointer, &file.kept) {
        (Some(pointer), None) => c.pointer(&place, pointer)?,
        (None, Some(name)) => {
            if let Some(operation) = operation {
                kept_name(c, &format!("{at}/kept"), operation, name);
            }
            for (key, given) in [("lag", file.lag.is_some()), ("key", file.key.is_some())] {
                if given {
                    c.fault(&format!("{at}/{key}"), format!("`{key}` is for a watermark with `pointer`"), None);
                }
            }
            return Some(Watermark { pointer: None, kept: Some(name.clone()), start, lag: Duration::ZERO, key: None });
        }
        (None, None) | (Some(_), Some(_)) => {
            c.fault(at, "a watermark needs either `pointer` or `kept`", None);
            return None;
        }
    };
    let key = file.key.as_ref().and_then(|key| c.pointer(&format!("{at}/key"), key));
    for (place, pointer) in [(place, Some(&pointer)), (format!("{at}/key"), key.as_ref())] {
        let unknown = pointer.and_then(|pointer| record?.unknown(pointer.tokens(), "/"));
        if let Some(unknown) = unknown {
            let message = format!("the record has no field `/{}`{}", unknown.path, unknown.hint());
            c.fault(&place, message, Some(row_fields::OTHERWISE.into()));
        }
    }
    let lag = file.lag.as_ref().and_then(|lag| c.accept(&format!("{at}/lag"), duration(lag))).unwrap_or_default();
    if !lag.is_zero() && !matches!(Mark::parse(&start), Some(Mark::Time { .. })) {
        let advice = "write `start` as a time, such as 2026-01-01T00:00:00Z, or leave out `lag`";
        c.fault(&format!("{at}/lag"), "`lag` is for times, and `start` is none", Some(advice.into()));
    }
    Some(Watermark { pointer: Some(pointer), kept: None, start, lag, key })
}

/// A value that an operation must keep.
fn kept_name(c: &mut Checker<'_>, at: &str, operation: &Operation, name: &str) {
    let known: Vec<&str> = operation.kept_names().collect();
    if !known.contains(&name) {
        let message = format!("{} keeps no `{name}`{}", operation.id, did_you_mean(name, known.iter().copied()));
        let advice = match known.is_empty() {
            true => "its definition can keep values of the reply: `response: { keep: { NAME: POINTER } }`".to_owned(),
            false => format!("it keeps {}", known.join(", ")),
        };
        c.fault(at, message, Some(advice.into()));
    }
}

type FoundOperation = (Option<Template>, Arc<Operation>);

/// The step's one operation, by its id or through a template.
fn operation(c: &mut Checker<'_>, at: &str, file: &StepFile, context: &CheckContext<'_>) -> Option<FoundOperation> {
    let said =
        [("query", &file.query), ("mutate", &file.mutate), ("delete", &file.delete), ("template", &file.template)];
    let said: Vec<(&str, &String)> = said.iter().filter_map(|(key, value)| value.as_ref().map(|v| (*key, v))).collect();
    let (key, name) = match said.as_slice() {
        [(key, name)] => (*key, name.as_str()),
        [] => {
            c.fault(
                at,
                format!("the step `{}` names no operation", file.id),
                Some("give it one of query, mutate, delete and template".into()),
            );
            return None;
        }
        [_, (second, _), ..] => {
            c.fault(
                &format!("{at}/{second}"),
                format!("the step `{}` names more than one operation", file.id),
                Some("split it into two steps".into()),
            );
            return None;
        }
    };
    let place = format!("{at}/{key}");
    let connector = connector_of(file, context);
    let look = |connector: Option<&str>| -> Result<FoundOperation> {
        if key == "template" {
            return context.catalog.template(connector, name).map(|t| (Some(t.clone()), t.operation));
        }
        context.catalog.operation(connector, name).map(|o| (None, o))
    };
    // The connection does not decide for a step of another connector.
    let found = look(connector.as_deref()).or_else(|first| look(None).map_err(|_| first));
    let found = match found {
        Ok(found) => found,
        Err(error) => {
            c.fault(&place, error.message.clone(), error.advice.clone());
            return None;
        }
    };
    let own = found.1.method;
    if key != "template" && own.to_string() != key {
        c.fault(
            &place,
            format!("{} is used with {own}, not {key}", found.1.id),
            Some(format!("write {own}: {name}").into()),
        );
        return None;
    }
    Some(found)
}

/// The connector of the step's connection, if known.
fn connector_of(file: &StepFile, context: &CheckContext<'_>) -> Option<String> {
    let named = file.connection.as_deref().and_then(|name| context.known.get(name)).map(|k| k.connector.clone());
    named.or_else(|| context.jobs.first().and_then(|l| l.connector.clone()))
}

/// The connection of each job.
fn connections(
    c: &mut Checker<'_>,
    at: &str,
    file: &StepFile,
    operation: &Operation,
    context: &CheckContext<'_>,
) -> Vec<String> {
    let connector = operation.connector.name.as_str();
    if let Some(name) = &file.connection {
        let place = format!("{at}/connection");
        let is_unread = context.is_doubtful && context.known.names().next().is_none();
        match if is_unread { None } else { find(c, &place, name, context.known) } {
            Some(found) if found.connector == connector => {}
            Some(found) => c.fault(
                &place,
                format!(
                    "the connection `{name}` is for {}, but {} is an operation of {connector}",
                    found.connector, operation.id
                ),
                None,
            ),
            None => {}
        }
        return vec![name.clone(); context.jobs.len()];
    }
    let own =
        context.connection.and_then(|name| context.known.get(name).filter(|k| k.connector == connector).map(|_| name));
    let all: Vec<&str> = context.known.of(connector).collect();
    let only = if let [one] = all.as_slice() { Some(*one) } else { None };
    let mut missing = false;
    let chosen = context.jobs.iter().filter_map(|job| {
        let jobs = job.connection.as_deref().filter(|_| job.connector.as_deref() == Some(connector));
        let name = jobs.or(own).or(only);
        missing |= name.is_none();
        name.map(str::to_owned)
    });
    let chosen: Vec<String> = chosen.collect();
    if missing && !context.is_doubtful {
        let message = match all.as_slice() {
            [] => format!("there is no connection to {connector} for {}", operation.id),
            several => format!("several connections match {}: {}", operation.id, several.join(", ")),
        };
        let advice = match all.is_empty() {
            true => Advice::WriteConnection(Some(connector.to_owned())),
            false => "choose one with `connection: NAME`".into(),
        };
        c.fault(at, message, Some(advice));
    }
    chosen
}

/// Keys without effect in a step of this kind are faults: users would expect an effect.
fn places(c: &mut Checker<'_>, at: &str, file: &StepFile, operation: &Operation, has_template_items: bool) {
    let is_query = operation.method == Method::Query;
    let has_items = file.items.is_some() || has_template_items;
    let mut refuse = |key: &str, given: bool, message: &str| {
        if given {
            c.fault(&format!("{at}/{key}"), message.to_owned(), None);
        }
    };
    refuse("items", is_query && file.items.is_some(), "a query takes no items");
    refuse("items", !is_query && file.items.is_some() && takes_nothing(operation), "this operation takes no items");
    refuse("where", !is_query && file.keep.is_some() && !has_items, "`where` filters `items`, but the step has none");
    refuse("map", !is_query && file.map.is_some() && !has_items, "`map` transforms `items`, but the step has none");
    refuse("limit", !is_query && file.limit.is_some(), "`limit` is for queries");
    refuse("watermark", !is_query && file.watermark.is_some(), "`watermark` is for queries");
    refuse(
        "limit",
        file.limit.is_some() && file.watermark.is_some(),
        "with a `watermark`, the rows after the limit would never be read: leave out `limit`",
    );
    refuse(
        "watermark/kept",
        file.each.is_some() && file.watermark.as_ref().is_some_and(|w| w.kept.is_some()),
        "each element of `for` has its own kept value, but a step has one watermark",
    );
    refuse(
        "forward_only",
        file.forward_only && !operation.can_walk_forward_only(),
        "this operation does not support `forward_only`",
    );
    refuse(
        "files",
        file.files.is_some() && operation.response.result != ResultShape::File,
        "`files` is for an operation that returns a file",
    );
    refuse("verify", is_query && file.verify.is_some(), "`verify` is for writes");
    refuse("parallel", file.parallel > 1 && file.each.is_none(), "`parallel` is for steps with `for`");
    let needs_items = operation.items.as_ref().is_some_and(|r| r.required);
    if !is_query && needs_items && !has_items {
        c.fault(
            at,
            format!("{} needs items: the records to send", operation.id),
            Some("give `items`, such as ${{ steps.ID.items }}".into()),
        );
    }
}
