//! An upsert as the steps that it consists of: items, records that are found, what to do, creates, changes, the result.

use super::here::{CheckedStep, StepHere};
use crate::authoring::values::NamesPart;
use crate::authoring::{Checker, Json};
use crate::batch::file::{StepFile, VerifyFile};
use crate::batch::local_file::{KeyPart, SendWord, TransformFile, UpsertCallFile, UpsertFile};
use crate::batch::local_plan::{Action, ComparePlan, LocalWork, TransformPlan, UpsertedPlan};
use crate::batch::row_source::ItemSource;
use crate::batch::run_plan::{Step, StepLimits};
use crate::definition::Fields;
use crate::error::Error;
use crate::row_work::{FieldPath, JoinKind, JoinPair, JoinPlan, JoinSides, SeveralMatches, WorkPlan};

/// Between the id of an upsert and the name of one of its parts; ids of files do not contain it.
pub(super) const PART: &str = "__";

/// One part of an upsert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UpsertPart {
    /// A step as in a file.
    Plain,
    /// What to do with each item.
    Plan,
    /// The result.
    Result,
}

/// The parts of an upsert, each with its place in the file of the upsert.
pub(super) fn expanded(step: &StepFile, upsert: &UpsertFile) -> Vec<(String, StepFile, UpsertPart)> {
    let id = |part: &str| format!("{}{PART}{part}", step.id);
    let rows = |part: &str| Json(serde_json::Value::from(format!("${{{{ steps.{}.items }}}}", id(part))).to_string());
    let part = |part: &str| StepFile {
        connection: step.connection.clone(),
        when: step.when.clone(),
        retry: step.retry.clone(),
        timeout: step.timeout.clone(),
        wait_up_to: step.wait_up_to.clone(),
        on_error: step.on_error,
        on_unknown: step.on_unknown,
        unknown_fields: step.unknown_fields,
        after: step.after.clone(),
        ..StepFile::empty(id(part))
    };
    let local = |name: &str| StepFile {
        connection: None,
        retry: None,
        wait_up_to: None,
        on_unknown: crate::batch::file::OnUnknownFile::default(),
        unknown_fields: crate::batch::file::UnknownFieldsFile::default(),
        ..part(name)
    };
    let from = step.items.clone().unwrap_or_else(|| Json("[]".to_owned()));
    let items = StepFile {
        transform: Some(TransformFile { from, actions: Vec::new() }),
        keep: step.keep.clone(),
        map: step.map.clone(),
        ..local("items")
    };
    let uses_item = looks_up_each(upsert);
    let found = StepFile {
        query: Some(upsert.find.query.clone()),
        options: upsert.find.options.clone(),
        each: uses_item.then(|| rows("items")),
        parallel: if uses_item { step.parallel } else { 1 },
        ..part("found")
    };
    let write = |name: &str, call: &UpsertCallFile| StepFile {
        mutate: Some(call.mutate.clone()),
        options: call.options.clone(),
        items: Some(rows("plan")),
        keep: Some(text(&format!("${{{{ item.outcome == '{name}' }}}}"))),
        map: Some(text("${{ item.send }}")),
        verify: step
            .verify
            .clone()
            .and_then(|verify| if name == "create" { Some(verify) } else { of_changes(verify, upsert) }),
        ..part(name)
    };
    let mut parts = vec![
        (String::new(), items, UpsertPart::Plain),
        ("/upsert/find".to_owned(), found, UpsertPart::Plain),
        ("/upsert".to_owned(), local("plan"), UpsertPart::Plan),
    ];
    for (name, call) in [("create", &upsert.create), ("update", &upsert.update)] {
        parts.extend(call.iter().map(|call| (format!("/upsert/{name}"), write(name, call), UpsertPart::Plain)));
    }
    let result = StepFile { save: step.save.clone(), upsert: Some(upsert.clone()), ..local("result") };
    parts.push((String::new(), StepFile { id: step.id.clone(), ..result }, UpsertPart::Result));
    parts
}

/// Whether the look-up runs once for each item.
fn looks_up_each(upsert: &UpsertFile) -> bool {
    upsert.find.options.values().any(|value| value.0.contains("item"))
}

/// How changes are verified: by the fields that name a record. What is sent has no others, so that a query with values of
/// the item cannot be used.
fn of_changes(verify: VerifyFile, upsert: &UpsertFile) -> Option<VerifyFile> {
    let uses_item = verify.options.values().any(|value| value.0.contains("item"));
    let key = upsert.id.clone().unwrap_or_else(|| NamesPart::One("id".to_owned()));
    (!uses_item).then(|| VerifyFile { key, ..verify })
}

fn text(text: &str) -> Json {
    Json(serde_json::Value::from(text).to_string())
}

/// The part that decides, or the one that reports.
pub(super) fn made_step(
    c: &mut Checker<'_>,
    here: &StepHere<'_>,
    file: &StepFile,
    (upsert, part): (&UpsertFile, UpsertPart),
    limits: StepLimits,
) -> CheckedStep {
    let owner = file.id.strip_suffix("__plan").unwrap_or(&file.id);
    let id = |part: &str| format!("{owner}{PART}{part}");
    let mut needed = vec!["items", "found"];
    if part == UpsertPart::Result {
        needed = vec!["plan"];
        needed.extend(looks_up_each(upsert).then_some("found"));
        needed.extend(upsert.create.is_some().then_some("create"));
        needed.extend(upsert.update.is_some().then_some("update"));
        check(c, here, upsert, file);
    }
    let local = match part {
        UpsertPart::Plan => LocalWork::Transform(plan(here, upsert, (id("items"), id("found")))),
        UpsertPart::Result | UpsertPart::Plain => LocalWork::Upserted(UpsertedPlan {
            plan: id("plan"),
            looked_up: looks_up_each(upsert).then(|| id("found")),
            create: upsert.create.as_ref().map(|_| id("create")),
            update: upsert.update.as_ref().map(|_| id("update")),
        }),
    };
    let needs = needed.iter().filter_map(|part| here.ids.position(&id(part))).collect();
    let save = here.save_of(c, file);
    let step = Step { needs, save, limits, ..Step::local(file, local, here.phase) };
    (Some((step, None)), Fields::Any)
}

/// What an upsert lacks.
fn check(c: &mut Checker<'_>, here: &StepHere<'_>, upsert: &UpsertFile, file: &StepFile) {
    let at = format!("{}/upsert", here.at);
    if upsert.create.is_none() && upsert.update.is_none() {
        let advice = "give it `create`, `update`, or both";
        c.fault(&at, format!("the upsert `{}` writes nothing", file.id), Some(advice.into()));
    }
    if pairs(&upsert.key).is_empty() {
        c.fault(&format!("{at}/key"), "a record needs a key", None);
    }
    let known = |call: &UpsertCallFile| here.context.catalog.operation(None, &call.mutate);
    if upsert.send == Some(SendWord::Changes)
        && upsert
            .update
            .as_ref()
            .is_some_and(|call| known(call).is_ok_and(|operation| operation.request_line().starts_with("PUT")))
    {
        let advice = "a PUT replaces the record: leave out `send`, or write `send: whole`";
        c.fault(&format!("{at}/send"), "the update would remove the fields that do not differ", Some(advice.into()));
    }
}

fn pairs(key: &KeyPart) -> Vec<(String, String)> {
    match key {
        KeyPart::Names(names) => names.names().iter().map(|name| (name.clone(), name.clone())).collect(),
        KeyPart::Pairs(pairs) => pairs.iter().map(|(item, record)| (item.clone(), record.clone())).collect(),
    }
}

fn plan(here: &StepHere<'_>, upsert: &UpsertFile, (items, found): (String, String)) -> TransformPlan {
    let key = pairs(&upsert.key);
    let within = |path: &str| {
        let inner = FieldPath::of(path);
        FieldPath::from(std::iter::once("item".to_owned()).chain(inner.names().iter().cloned()).collect::<Vec<_>>())
    };
    let on = key.iter().map(|(item, record)| JoinPair { left: within(item), right: FieldPath::of(record) });
    let join = JoinPlan {
        on: on.collect(),
        kind: JoinKind::All,
        field: Some("found".to_owned()),
        several: SeveralMatches::Error,
        sides: JoinSides::Records,
    };
    // Two items with one key would be two records, or change one twice.
    let on = key.iter().map(|(item, _)| JoinPair { left: within(item), right: FieldPath::of(item) });
    let twins = JoinPlan { on: on.collect(), field: Some("twin".to_owned()), sides: JoinSides::Items, ..join.clone() };
    let is_put = |call: &UpsertCallFile| -> Result<bool, Error> {
        Ok(here.context.catalog.operation(None, &call.mutate)?.request_line().starts_with("PUT"))
    };
    let is_whole = match upsert.send {
        Some(SendWord::Whole) => true,
        Some(SendWord::Changes) => false,
        None => upsert.update.as_ref().is_some_and(|call| is_put(call).unwrap_or_default()),
    };
    let id = upsert.id.as_ref().map_or_else(|| vec!["id".to_owned()], |names| names.names().to_vec());
    let compare = ComparePlan {
        key: key.iter().map(|(item, _)| FieldPath::of(item)).collect(),
        id,
        is_whole,
        creates: upsert.create.is_some(),
        updates: upsert.update.is_some(),
    };
    let looked_up = looks_up_each(upsert).then(|| found.clone());
    let actions = vec![
        Action::Wrap("item".to_owned()),
        Action::Join(WorkPlan::Join(twins), ItemSource::Step(items.clone())),
        Action::Join(WorkPlan::Join(join), ItemSource::Step(found)),
        Action::Compare(compare),
    ];
    TransformPlan { from: ItemSource::Step(items), actions, looked_up }
}

/// Keys that an upsert has no use for.
pub(super) fn refuse_keys(c: &mut Checker<'_>, at: &str, file: &StepFile) {
    for (key, given) in file.keys_of_calls() {
        let is_used = matches!(
            key,
            "connection" | "items" | "parallel" | "verify" | "on_unknown" | "unknown_fields" | "retry" | "wait_up_to"
        );
        if given && !is_used {
            c.fault(&format!("{at}/{key}"), format!("`{key}` has no effect in an upsert"), None);
        }
    }
    if file.items.is_none() {
        let advice = "give it `items`, such as ${{ steps.ID.items }}";
        c.fault(at, format!("the upsert `{}` has no items", file.id), Some(advice.into()));
    }
}
