//! Checks the steps: names, operations, literal options, expressions, targets. Reports all faults at once.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::context::{CheckContext, find};
use super::expressions::{expression, shape, source};
use super::inner;
use super::literal::{literal_items, takes_nothing};
use super::local;
use super::names::{self, StepIds};
use super::options::{options, template_items};
use super::row_fields::{self, Sources};
use super::save::{SavedRecord, path, saves};
use super::upsert::{self, Part};
use super::verify;
use crate::authoring::Checker;
use crate::authoring::duration::duration;
use crate::batch::file::{BatchFile, StepFile, UnknownFieldsFile, WatermarkFile};
use crate::batch::local_file::{LoadPart, UpsertFile};
use crate::batch::local_plan::LocalWork;
use crate::batch::run_plan::{CalledOperation, ItemSource, Phase, Step, StepLimits, Watermark};
use crate::batch::save_plan::Save;
use crate::batch::webhook;
use crate::definition::{Fields, Method, Operation, ResultShape, Template};
use crate::error::{Advice, Result, did_you_mean};
use crate::expression::Shape;
use crate::run_store::Mark;

/// Checks all steps. A fault in one does not hide faults in the next. Returns the valid ones with their places in the
/// file.
pub(in crate::batch) fn steps(
    c: &mut Checker<'_>,
    file: &BatchFile,
    context: &CheckContext<'_>,
) -> Vec<(String, Step)> {
    let all = placed_steps(file);
    let ids = StepIds::new(all.iter().map(|placed| placed.file.id.as_str()));
    let mut steps = Vec::new();
    let (mut rows, mut kept) = (Rc::default(), BTreeMap::new());
    for (number, placed) in all.iter().enumerate() {
        let PlacedStep { at, phase, file: step, part } = placed;
        check_id(c, placed, number, &ids);
        let here = StepHere { at, number, phase: *phase, ids: &ids, rows: &rows, kept: &kept, context };
        let (checked, gives) = match (part, &step.upsert) {
            (Some((upsert, part)), _) if *part != Part::Plain => {
                let limits = limits(c, at, step, context);
                upsert::made_step(c, &here, step, (upsert, *part), limits)
            }
            (None, Some(_)) => (None, Fields::Any),
            _ if step.http.is_some() => http_step(c, &here, step),
            _ if is_local(step) => local_step(c, &here, step),
            _ => call_step(c, &here, step),
        };
        if let Some((_, operation)) = &checked {
            let names = operation.as_ref().map(|o| o.kept_names().map(str::to_owned).collect());
            kept.insert(step.id.clone(), names.unwrap_or_default());
        }
        // No other reference to the rows exists now, so they are not copied.
        Rc::make_mut(&mut rows).insert(step.id.clone(), gives);
        steps.extend(checked.map(|(step, operation)| (number, step, operation)));
    }
    row_fields::push_columns_down(&mut steps);
    let place = |number: usize| all.get(number).map(|placed| placed.at.clone()).unwrap_or_default();
    let steps: Vec<(String, Step)> = steps.into_iter().map(|(number, step, _)| (place(number), step)).collect();
    let lists = [("steps", &file.steps), ("on_failure", &file.on_failure), ("finally", &file.finally)];
    for (key, list) in lists {
        for (at, step) in list.iter().enumerate().filter(|(_, step)| step.upsert.is_some()) {
            upsert::refuse_keys(c, &format!("/{key}/{at}"), step);
        }
    }
    steps
}

/// A step in the order in which it runs.
struct PlacedStep<'f> {
    at: String,
    phase: Phase,
    file: Cow<'f, StepFile>,
    /// The upsert of which it is a part.
    part: Option<(&'f UpsertFile, Part)>,
}

/// All steps in the order in which they run, with their places; an upsert is several steps.
fn placed_steps(file: &BatchFile) -> Vec<PlacedStep<'_>> {
    let lists = [
        ("steps", Phase::Main, &file.steps),
        ("on_failure", Phase::OnFailure, &file.on_failure),
        ("finally", Phase::Finally, &file.finally),
    ];
    let mut placed = Vec::new();
    for (key, phase, list) in lists {
        for (index, step) in list.iter().enumerate() {
            let at = format!("/{key}/{index}");
            match &step.upsert {
                None => placed.push(PlacedStep { at, phase, file: Cow::Borrowed(step), part: None }),
                Some(upsert) => {
                    let parts = upsert::expanded(step, upsert);
                    placed.extend(parts.into_iter().map(|(inner, file, part)| PlacedStep {
                        at: format!("{at}{inner}"),
                        phase,
                        file: Cow::Owned(file),
                        part: Some((upsert, part)),
                    }));
                }
            }
        }
    }
    placed
}

fn check_id(c: &mut Checker<'_>, placed: &PlacedStep<'_>, number: usize, ids: &StepIds<'_>) {
    let (Some(id), at) = (ids.get(number), &placed.at) else { return };
    if placed.file.include.is_some() {
        c.fault(&format!("{at}/include"), "an entry with `include` has no other keys", None);
    }
    if id.is_empty() {
        c.fault(at, "a step needs an `id`", Some("add `id: NAME`".into()));
        return;
    }
    if placed.part.is_some_and(|(_, part)| part != Part::Result) && id.contains(upsert::PART) {
        return;
    }
    if id.contains(upsert::PART) {
        c.fault(&format!("{at}/id"), format!("`{id}` is not a valid id: two `_` are for parts of an upsert"), None);
    }
    let plain = id.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !plain {
        let better: String = id.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        let advice = (!better.is_empty() && better != id).then(|| Advice::from(format!("such as {better}")));
        c.fault(&format!("{at}/id"), format!("`{id}` is not a valid id: use letters, digits and _"), advice);
    }
    if ids.position(id).is_some_and(|first| first < number) {
        c.fault(&format!("{at}/id"), format!("`{id}` is already the id of an earlier step"), None);
    }
}

/// Where a step is, and what is known of the steps before it.
pub(super) struct StepHere<'h> {
    pub(super) at: &'h str,
    number: usize,
    pub(super) phase: Phase,
    pub(super) ids: &'h StepIds<'h>,
    rows: &'h Rc<BTreeMap<String, Fields>>,
    kept: &'h names::KeptNames,
    pub(super) context: &'h CheckContext<'h>,
}

/// The step if it is valid, with its operation if it calls one; and the fields of its rows.
pub(super) type CheckedStep = (Option<(Step, Option<Arc<Operation>>)>, Fields);

/// Whether a step sends no requests.
fn is_local(file: &StepFile) -> bool {
    file.load.is_some() || file.transform.is_some() || file.batch.is_some()
}

/// A step that sends no requests.
fn local_step(c: &mut Checker<'_>, here: &StepHere<'_>, file: &StepFile) -> CheckedStep {
    let StepHere { at, number, ids, .. } = *here;
    let (mut needs, mut awaits) = (BTreeSet::new(), BTreeSet::new());
    let mut names = here.names(file, &mut needs, &mut awaits);
    let of_row = names::Allowed { item: true, ..names::Allowed::default() };
    let nothing = names::Allowed::default();
    let before = c.faults.len();
    let (local, mut gives) = match (&file.load, &file.transform, &file.batch) {
        (Some(LoadPart::Left(left)), None, None) => (local::left(c, &format!("{at}/load"), left), Fields::Any),
        (Some(load), None, None) => {
            (local::load(c, &format!("{at}/load"), load, &mut names).map(LocalWork::Load), Fields::Any)
        }
        (None, None, Some(part)) => {
            let connections = inner::connections(file, here.context);
            (inner::inner(c, &format!("{at}/batch"), part, &mut names, &connections).map(LocalWork::Inner), Fields::Any)
        }
        (None, Some(transform), None) => match local::transform(
            c,
            &format!("{at}/transform"),
            (transform, file.id.contains(upsert::PART)),
            &mut names,
        ) {
            Some((plan, fields)) => (Some(LocalWork::Transform(plan)), fields),
            None => (None, Fields::Any),
        },
        (_, _, _) => {
            c.fault(at, format!("the step `{}` does two things", file.id), Some("split it into two steps".into()));
            (None, Fields::Any)
        }
    };
    for (key, given) in file.keys_of_calls() {
        if given && !(key == "connection" && file.batch.is_some()) {
            c.fault(&format!("{at}/{key}"), format!("`{key}` is for a step that calls an operation"), None);
        }
    }
    names.sources.item = gives.clone();
    let keep = file.keep.as_ref().and_then(|value| expression(c, &format!("{at}/where"), value, &mut names, of_row));
    let map = file.map.as_ref().map(|value| shape(c, &format!("{at}/map"), &value.0, &mut names, of_row));
    if let Some(map) = &map {
        gives = names.sources.of_shape(map);
    }
    names.sources.item = Fields::Any;
    let when = file.when.as_ref().and_then(|value| expression(c, &format!("{at}/when"), value, &mut names, nothing));
    after(c, at, file, ids, number, names.needs);
    let record = SavedRecord { fields: &gives, map: map.as_ref(), operation: None };
    let save = saves(c, at, file, &record, &mut names);
    let limits = limits(c, at, file, here.context);
    let Some(local) = local.filter(|_| c.faults.len() == before) else { return (None, gives) };
    let step = Step {
        id: file.id.clone(),
        method: Method::Query,
        operation: CalledOperation::none(&local),
        local: Some(local),
        connections: Vec::new(),
        options: Shape::Map(Vec::new()),
        items: None,
        each: None,
        keep,
        map,
        when,
        phase: here.phase,
        needs,
        awaits,
        parallel: 1,
        limit: None,
        forward_only: false,
        known_fields: true,
        watermark: None,
        save,
        files: None,
        verify: None,
        limits,
        on_error: file.on_error,
        on_unknown: file.on_unknown,
    };
    (Some((step, None)), gives)
}

/// A step that posts to an address.
fn http_step(c: &mut Checker<'_>, here: &StepHere<'_>, file: &StepFile) -> CheckedStep {
    let StepHere { at, number, ids, .. } = *here;
    let Some(http) = &file.http else { return (None, Fields::Any) };
    let (mut needs, mut awaits) = (BTreeSet::new(), BTreeSet::new());
    let mut names = here.names(file, &mut needs, &mut awaits);
    let (loops, nothing) = (file.each.is_some(), names::Allowed::default());
    let of_element = names::Allowed { item: loops, ..nothing };
    let before = c.faults.len();
    for (key, given) in file.keys_of_calls() {
        if given && !matches!(key, "for" | "parallel" | "on_unknown" | "retry" | "wait_up_to") {
            c.fault(&format!("{at}/{key}"), format!("`{key}` has no effect in an http step"), None);
        }
    }
    for (key, given) in [("where", file.keep.is_some()), ("map", file.map.is_some()), ("save", file.save.is_some())] {
        if given {
            c.fault(&format!("{at}/{key}"), format!("`{key}` has no effect in an http step"), None);
        }
    }
    let each = file.each.as_ref().and_then(|value| source(c, &format!("{at}/for"), value, &mut names, nothing));
    names.sources.item = names.sources.of_source(each.as_ref());
    let body = shape(c, &format!("{at}/http/body"), &http.body.0, &mut names, of_element);
    names.sources.item = Fields::Any;
    let when = file.when.as_ref().and_then(|value| expression(c, &format!("{at}/when"), value, &mut names, nothing));
    after(c, at, file, ids, number, names.needs);
    let limits = limits(c, at, file, here.context);
    if c.faults.len() > before {
        return (None, Fields::Any);
    }
    let step = Step {
        id: file.id.clone(),
        method: Method::Mutate,
        operation: webhook::operation(),
        local: None,
        connections: vec![webhook::connection_name(&file.id); here.context.jobs.len()],
        options: Shape::Map(Vec::new()),
        items: Some(ItemSource::Shape(Shape::List(vec![body]))),
        each,
        keep: None,
        map: None,
        when,
        phase: here.phase,
        needs,
        awaits,
        parallel: usize::from(file.parallel.max(1)),
        limit: None,
        forward_only: false,
        known_fields: false,
        watermark: None,
        save: Vec::new(),
        files: None,
        verify: None,
        limits,
        on_error: file.on_error,
        on_unknown: file.on_unknown,
    };
    (Some((step, None)), Fields::Any)
}

impl StepHere<'_> {
    /// Where the rows of a part of an upsert are saved.
    pub(super) fn save_of(&self, c: &mut Checker<'_>, file: &StepFile) -> Vec<Save> {
        let (mut needs, mut awaits) = (BTreeSet::new(), BTreeSet::new());
        let mut names = self.names(file, &mut needs, &mut awaits);
        let record = SavedRecord { fields: &Fields::Any, map: None, operation: None };
        saves(c, self.at, file, &record, &mut names)
    }

    /// The names that a step's expressions can use.
    fn names<'n>(
        &'n self,
        file: &StepFile,
        needs: &'n mut BTreeSet<usize>,
        awaits: &'n mut BTreeSet<usize>,
    ) -> names::StepNames<'n, 'n> {
        names::StepNames {
            ids: self.ids,
            kept: self.kept,
            number: self.number,
            context: self.context,
            needs,
            awaits,
            sources: Sources { steps: Rc::clone(self.rows), ..Sources::default() },
            known_fields: file.unknown_fields == UnknownFieldsFile::Refuse,
        }
    }
}

/// A step that calls an operation.
fn call_step(c: &mut Checker<'_>, here: &StepHere<'_>, file: &StepFile) -> CheckedStep {
    let StepHere { at, number, ids, context, .. } = *here;
    let (template, operation) = operation(c, at, file, context).map_or((None, None), |(t, o)| (t, Some(o)));
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
    let saved = SavedRecord { fields: &gives, map: map.as_ref().filter(|_| is_query), operation: operation.as_deref() };
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
        id: file.id.clone(),
        method,
        operation: CalledOperation::of(&operation),
        local: None,
        connections,
        options,
        items,
        each,
        keep,
        map,
        when,
        phase: here.phase,
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
        on_error: file.on_error,
        on_unknown: file.on_unknown,
    };
    (Some((step, Some(operation))), gives)
}

/// The limits of a step; those of the run are its defaults.
fn limits(c: &mut Checker<'_>, at: &str, file: &StepFile, context: &CheckContext<'_>) -> StepLimits {
    let mut time =
        |key: &str, text: Option<&String>| text.and_then(|text| c.accept(&format!("{at}/{key}"), duration(text)));
    let (timeout, wait) = (time("timeout", file.timeout.as_ref()), time("wait_up_to", file.wait_up_to.as_ref()));
    if file.retry.as_ref().is_some_and(|retry| retry.attempts == 0) {
        c.fault(&format!("{at}/retry/attempts"), "a request needs at least one attempt", None);
    }
    let attempts = file.retry.as_ref().map(|retry| retry.attempts);
    let run = context.limits;
    StepLimits { attempts: attempts.or(run.attempts), timeout, wait_up_to: wait.unwrap_or(run.wait_up_to) }
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

type Found = (Option<Template>, Arc<Operation>);

/// The step's one operation, by its id or through a template.
fn operation(c: &mut Checker<'_>, at: &str, file: &StepFile, context: &CheckContext<'_>) -> Option<Found> {
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
    let look = |connector: Option<&str>| -> Result<Found> {
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

fn after(
    c: &mut Checker<'_>,
    at: &str,
    file: &StepFile,
    ids: &StepIds<'_>,
    number: usize,
    needs: &mut BTreeSet<usize>,
) {
    for (index, id) in file.after.iter().enumerate() {
        match ids.position(id) {
            Some(found) if found < number => {
                needs.insert(found);
            }
            Some(_) => c.fault(
                &format!("{at}/after/{index}"),
                format!("the step `{id}` comes later"),
                Some("a step can use only steps above it".into()),
            ),
            None => {
                let hint = ids.hint(id, number);
                c.fault(&format!("{at}/after/{index}"), format!("there is no step `{id}`{hint}"), None);
            }
        }
    }
}
