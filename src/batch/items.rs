//! Items of kept runs that failed or are in doubt: settled by a person, or sent again.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use async_trait::async_trait;
use tokio::sync::Mutex;

use super::run::run_values;
use super::run_plan::{Batch, Step};
use super::step::{Elements, Inputs};
use crate::call::{CallOptions, Request};
use crate::definition::Method;
use crate::error::{Error, ErrorKind, Result};
use crate::expression::Scope;
use crate::item::Items;
use crate::options::Options;
use crate::receipt::{Outcome, OutcomeStatus};
use crate::run_store::{
    Extent, Fact, FailedItem, FolderView, ItemOrigin, ItemsLedger, LeftItem, RunKey, StepPlace, now, seconds,
};
use crate::send::{Cancel, Gate, JobHandle};

/// An item that is sent again, and what became of it.
#[derive(Debug)]
pub struct Resent {
    /// The item.
    pub item: LeftItem,
    /// Its outcome.
    pub outcome: Outcome,
}

/// Settles items: they are not listed any more, and nothing is sent. The note of the person who does it stays with the
/// run. Returns how many. `wall` is the current time.
///
/// # Errors
/// `state` when another process holds their run, or writing fails.
pub async fn settle_items(
    folder: &Path,
    items: &[LeftItem],
    note: Option<&str>,
    host: &str,
    wall: SystemTime,
) -> Result<usize> {
    let (at, note) = (seconds(wall), note.map(str::to_owned));
    let fact = move |step: String, item: &LeftItem| {
        let (element, index, note) = (item.element, item.index, note.clone());
        Fact::Settled { step, element, index, at, note }
    };
    record(folder, items, &fact, (host, wall)).await
}

/// Lets items whose outcome is unknown be sent again when their run is resumed: they count as failed from now on.
/// Returns how many.
///
/// # Errors
/// As for [`settle_items`].
pub async fn release_items(folder: &Path, items: &[LeftItem], host: &str, wall: SystemTime) -> Result<usize> {
    let fact = |step: String, item: &LeftItem| Fact::Released { step, element: item.element, index: item.index };
    record(folder, items, &fact, (host, wall)).await
}

/// Replaces an item, as JSON: it is sent so when its run is resumed, or when it is sent again.
///
/// # Errors
/// As for [`settle_items`].
pub async fn edit_item(folder: &Path, item: &LeftItem, text: &str, host: &str, wall: SystemTime) -> Result<()> {
    let fact = |step: String, item: &LeftItem| {
        let (element, index, item) = (item.element, item.index, text.to_owned());
        Fact::Edited { step, element, index, item }
    };
    record(folder, std::slice::from_ref(item), &fact, (host, wall)).await.map(drop)
}

/// Records a fact about each of these items.
async fn record(
    folder: &Path,
    items: &[LeftItem],
    fact: &(dyn Fn(String, &LeftItem) -> Fact + Sync),
    (host, wall): (&str, SystemTime),
) -> Result<usize> {
    for (run, own) in by_run(items) {
        let Some(mut ledger) = ItemsLedger::open(folder, run, host, now(wall))? else {
            return Err(no_run(run));
        };
        for item in own {
            let (place, step) = place_of(item);
            ledger.note(&place, fact(step, item));
        }
        ledger.commit().await?;
        ledger.finish()?;
    }
    Ok(items.len())
}

/// Items by run.
pub(super) fn by_run(items: &[LeftItem]) -> BTreeMap<RunKey<'_>, Vec<&LeftItem>> {
    let mut found: BTreeMap<RunKey<'_>, Vec<&LeftItem>> = BTreeMap::new();
    for item in items {
        let key = RunKey { batch: &item.batch, run: &item.run, job: &item.job };
        found.entry(key).or_default().push(item);
    }
    found
}

pub(super) fn no_run(key: RunKey<'_>) -> Error {
    let RunKey { batch, run, job } = key;
    Error::new(ErrorKind::State, format!("the run {run} of {batch}, {job}, is not there any more"))
}

pub(super) fn place_of(item: &LeftItem) -> (StepPlace, String) {
    let place = StepPlace { job: item.job.clone(), step: item.step.clone() };
    let key = format!("{}/{}", item.job, item.step);
    (place, key)
}

fn method_of(item: &LeftItem) -> Method {
    if item.method == "delete" { Method::Delete } else { Method::Mutate }
}

impl Batch {
    /// Sends items of archived runs again, one by one, with the options and the idempotency key of their first call.
    /// `edited` replaces the item, if there is only one. Each outcome is recorded before the next item is sent.
    ///
    /// # Errors
    /// `state` when another process holds their run, or writing fails; `usage` when an item cannot be sent again by
    /// itself. A refused item is an outcome, not an error.
    pub async fn resend(
        &self,
        state: Option<&Path>,
        items: &[LeftItem],
        edited: Option<&str>,
        (host, cancel): (&str, &Cancel),
    ) -> Result<Vec<Resent>> {
        let folder = self.runs_folder(state);
        let since = now(self.effects.clock().wall());
        let mut found = Vec::new();
        for (run, own) in by_run(items) {
            let opened = ItemsLedger::open(&folder, run, host, since.clone())?.ok_or_else(|| no_run(run))?;
            let ledger = Arc::new(Mutex::new(opened));
            for item in own {
                if cancel.is_cancelled() {
                    break;
                }
                let outcome = self.resend_one(&folder, &ledger, item, edited, cancel).await?;
                found.push(Resent { item: item.clone(), outcome });
            }
            if let Some(ledger) = Arc::into_inner(ledger) {
                ledger.into_inner().finish()?;
            }
        }
        Ok(found)
    }

    /// Checks an edited item against its operation; sends nothing. An item without an operation was in flight when its
    /// run was killed: the run that sends it checks it.
    ///
    /// # Errors
    /// `invalid_items` with each fault.
    pub fn check_edited(&self, item: &LeftItem, edited: &str) -> Result<()> {
        let Some(raw) = item.options.as_ref().filter(|_| !item.operation.is_empty()) else { return Ok(()) };
        let Ok(options) = Options::read(raw.get()) else { return Ok(()) };
        let request = Request::new(method_of(item), item.operation.clone(), &options);
        let with = CallOptions { known_fields: self.refuses_unknown_fields(item), ..CallOptions::default() };
        let writes = self.effects.call_in_parts(&item.connection, &request, &with)?;
        writes.check(&Items::from_array(format!("[{edited}]"))?)
    }

    /// Whether the step of an item accepts only fields that its operation has.
    fn refuses_unknown_fields(&self, item: &LeftItem) -> bool {
        self.plan.steps.iter().any(|step| step.id == item.step && step.known_fields)
    }

    async fn resend_one(
        &self,
        folder: &Path,
        ledger: &Arc<Mutex<ItemsLedger>>,
        item: &LeftItem,
        edited: Option<&str>,
        cancel: &Cancel,
    ) -> Result<Outcome> {
        let (place, step) = place_of(item);
        let (text, options) = self.content(folder, item, edited)?;
        let method = method_of(item);
        let gate =
            ItemGate { ledger: Arc::clone(ledger), place: place.clone(), step: step.clone(), element: item.element };
        let with = CallOptions {
            gate: Some(Arc::new(gate) as Arc<dyn Gate>),
            key: Some(format!("{}/{step}/{}", item.run, item.element)),
            cancel: cancel.clone(),
            known_fields: edited.is_some() && self.refuses_unknown_fields(item),
            ..CallOptions::default()
        };
        let request = Request::new(method, item.operation.clone(), &options);
        let mut writes = self.effects.call_in_parts(&item.connection, &request, &with)?;
        writes.add(item.index, text.as_deref().map(|text| Items::from_array(format!("[{text}]"))).transpose()?)?;
        if let Some(edited) = edited {
            let (element, index, item) = (item.element, item.index, edited.to_owned());
            ledger.lock().await.record(&place, Fact::Edited { step: step.clone(), element, index, item }).await?;
        }
        let none = || Error::new(ErrorKind::Internal, "an item has no outcome");
        let outcome = writes.next().await.ok_or_else(none)?;
        let mut ledger = ledger.lock().await;
        if let Some(error) = &outcome.error {
            let origin = ItemOrigin {
                connection: item.connection.clone(),
                method,
                operation: item.operation.clone(),
                secret_options: item.secret_options.clone(),
                in_for: item.in_for,
            };
            let failed = FailedItem {
                element: item.element,
                index: item.index,
                status: outcome.status,
                item: text.as_deref(),
                options: Some(&options),
                error,
                at: seconds(self.effects.clock().wall()),
            };
            ledger.push(&place, origin, &failed)?;
        }
        if outcome.status != OutcomeStatus::Skipped {
            let known = ledger.state.step(&step);
            let (extent, tally): (Extent, _) = (known.extent(), known.tally);
            let fact =
                Fact::Outcome { step, element: item.element, index: item.index, status: outcome.status, extent, tally };
            ledger.record(&place, fact).await?;
        }
        Ok(outcome)
    }

    /// The item and the options of its call. What was in flight when a process was killed is made again from the rows
    /// of its run, if the step is still the same.
    fn content(&self, folder: &Path, item: &LeftItem, edited: Option<&str>) -> Result<(Option<String>, Options)> {
        let unable = |why: String| {
            Err(Error::new(
                ErrorKind::Usage,
                format!("item {} of {} cannot be sent again by itself: {why}", item.index, item.step),
            )
            .advise("settle it once you have looked at the record, or run the batch again"))
        };
        if item.method == "query" {
            return unable("it is an element that could not be read".to_owned());
        }
        if !item.secret_options.is_empty() {
            return unable(format!("{} is secret and was not stored", item.secret_options.join(", ")));
        }
        let stored = item.options.as_ref().map(|raw| Options::read(raw.get())).transpose();
        let options = stored.map_err(|e| Error::new(ErrorKind::State, format!("its options cannot be read: {e}")))?;
        if let Some(text) = edited.map(str::to_owned).or_else(|| item.item.as_ref().map(|raw| raw.get().to_owned())) {
            return Ok((Some(text), options.unwrap_or_default()));
        }
        match self.made_again(folder, item)? {
            Some(found) => Ok(found),
            None => unable(
                "its content was not recorded, and the rows or the step that it was made from have changed".to_owned(),
            ),
        }
    }

    /// The content of an item, as it was sent or would be.
    pub(super) fn content_of(&self, folder: &Path, item: &LeftItem) -> Result<Option<String>> {
        if let Some(raw) = &item.item {
            return Ok(Some(raw.get().to_owned()));
        }
        Ok(self.made_again(folder, item)?.and_then(|(text, _)| text))
    }

    /// The content of an item, from the rows of its run.
    fn made_again(&self, folder: &Path, item: &LeftItem) -> Result<Option<(Option<String>, Options)>> {
        let Some(scope) = self.scope_of_run(folder, item)? else { return Ok(None) };
        let Some(step) = self.plan.steps.iter().find(|step| step.id == item.step) else { return Ok(None) };
        made(step, &scope, item)
    }

    /// The scope of a job without the rows of its steps.
    pub(super) fn own_scope(&self, item: &LeftItem) -> Result<Scope> {
        let no_job = || Error::new(ErrorKind::Usage, format!("the batch has no job `{}` any more", item.job));
        let job = self.plan.jobs.iter().find(|job| job.name == item.job).ok_or_else(no_job)?;
        let (values, environment) = ((&self.plan.vars, &self.plan.inputs), self.effects.environment());
        Ok(run_values::scope(values, environment, job, &item.run, &self.plan.name))
    }

    /// The scope of an item's step in its run; `None` if the step has changed since.
    pub(super) fn scope_of_run(&self, folder: &Path, item: &LeftItem) -> Result<Option<Scope>> {
        let jobs = self.plan.jobs.iter().enumerate();
        let Some((number, job)) = jobs.into_iter().find(|(_, job)| job.name == item.job) else { return Ok(None) };
        let root = job.folder(&folder.join(&self.plan.name));
        let folder = if item.is_archived { root.join("past").join(&item.run) } else { root };
        let Some(view) = FolderView::read(&folder)? else { return Ok(None) };
        let print = format!("the step {}", item.step);
        let is_same =
            self.plan.fingerprints.get(number).and_then(|all| all.get(&print)) == view.info.fingerprints.get(&print);
        let Some(step) = self.plan.steps.iter().find(|step| step.id == item.step).filter(|_| is_same) else {
            return Ok(None);
        };
        let mut scope = self.own_scope(item)?;
        let needed = step.needs.iter().filter_map(|number| self.plan.steps.get(*number));
        let views = needed.map(|needed| {
            let place = StepPlace { job: job.name.clone(), step: needed.id.clone() };
            let known = view.state.step(&needed.key(job));
            (needed.id.clone(), run_values::step_view(view.rows(), place, &known, None))
        });
        scope.steps = Arc::new(views.collect());
        Ok(Some(scope))
    }

    /// The folder of the run folders of all batches.
    pub(super) fn runs_folder(&self, state: Option<&Path>) -> std::path::PathBuf {
        let own = self.run_folder(state);
        own.parent().map(Path::to_owned).unwrap_or_default()
    }
}

fn made(step: &Step, scope: &Scope, item: &LeftItem) -> Result<Option<(Option<String>, Options)>> {
    let scope = match &step.each {
        None => scope.clone(),
        Some(source) => {
            let found = Elements::open(source, scope)?.find(|e| e.as_ref().map_or(true, |(n, _)| *n == item.element));
            match found.transpose()? {
                Some((number, element)) => scope.with_item(&element, number),
                None => return Ok(None),
            }
        }
    };
    let options = super::step::options(step, &scope)?;
    let Some(source) = &step.items else { return Ok(Some((None, options))) };
    let found = Inputs::open(source, step, &scope)?.find(|i| i.as_ref().map_or(true, |(n, _)| *n == item.index));
    Ok(found.transpose()?.map(|(_, text)| (Some(text), options)))
}

/// Records durably that an item is about to be sent again.
struct ItemGate {
    ledger: Arc<Mutex<ItemsLedger>>,
    place: StepPlace,
    step: String,
    element: u64,
}

impl std::fmt::Debug for ItemGate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ItemGate({})", self.step)
    }
}

#[async_trait]
impl Gate for ItemGate {
    async fn before(&self, first: u64, count: u64) -> Result<()> {
        let fact = Fact::Intended { step: self.step.clone(), element: self.element, first, count };
        self.ledger.lock().await.record(&self.place, fact).await
    }

    async fn accepted(&self, first: u64, count: u64, job: &JobHandle) -> Result<()> {
        let (step, job) = (self.step.clone(), job.clone());
        let fact = Fact::Accepted { step, element: self.element, first, count, job };
        self.ledger.lock().await.record(&self.place, fact).await
    }
}
