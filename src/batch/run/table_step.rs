//! Loads the rows of a step into a table of a database, on a thread of its own. A load that breaks off with the
//! connection is repeated: it goes on behind what is committed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::job_run::JobRun;
use super::stored_rows::{RunRows, StoredRows, base_scope};
use crate::batch::effects::DatabasePlace;
use crate::batch::event::Event;
use crate::batch::run_plan::{Phase, Step};
use crate::batch::save::{SavePlace, target};
use crate::batch::save_plan::Save;
use crate::batch::step::stopped;
use crate::error::{Error, ErrorKind, FileOwner, Result};
use crate::run_store::{RowReader, StepState};
use crate::table::{LoadOrder, LoadReport, LoadSource, TableAddress, load_all, open, reach};

/// Waits before a load is tried again.
const WAITS: [Duration; 4] =
    [Duration::from_secs(1), Duration::from_secs(5), Duration::from_secs(15), Duration::from_secs(30)];
/// Between two reports of progress.
const TICK: Duration = Duration::from_millis(500);

/// Opens the databases of a step before its first request. One that does not answer may do so when there are rows.
///
/// # Errors
/// Those of the databases, such as a password that is wrong.
pub(super) async fn check_tables(job_run: &JobRun<'_>, step: &Step) -> Result<()> {
    let context = job_run.context;
    let scope = base_scope(job_run);
    for (number, save) in step.save.iter().enumerate() {
        let Ok(SavePlace::Table(address)) = target(save, &scope, &context.plan.folder).map(|target| target.place)
        else {
            continue;
        };
        let password = context.effects.password(&step.id, DatabasePlace::Save(number), &address);
        let opened = tokio::task::spawn_blocking(move || reach(&address.database, password.as_ref())).await;
        match opened.map_err(|e| Error::new(ErrorKind::Internal, format!("a database cannot be opened: {e}")))? {
            Err(error) if error.kind() != ErrorKind::Network => return Err(error.of_files(FileOwner::User)),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

/// Loads the rows; each is in the table once, also if the run was interrupted. Tells what the user should know.
///
/// # Errors
/// Those of [`load`].
pub(super) async fn load_table(
    job_run: &JobRun<'_>,
    (step, number, save): (&Step, usize, &Save),
    (address, state, saved): (&TableAddress, &StepState, &StoredRows),
) -> Result<()> {
    let context = job_run.context;
    let order = order(job_run, (step, save), (address, state, saved))?;
    let password = context.effects.password(&step.id, DatabasePlace::Save(number), address);
    let name = job_run.name(step);
    let table = address.to_string();
    for wait in WAITS.into_iter().map(Some).chain([None]) {
        let (store, place, marks) = (context.store.clone(), saved.place.clone(), Arc::from(saved.marks.all()));
        let (stop, done) = (context.ledger.stop.clone(), Arc::new(AtomicU64::new(0)));
        let (order, database, password) = (order.clone(), address.database.clone(), password.clone());
        let total = order.extent.rows;
        let told = done.clone();
        let mut work = tokio::task::spawn_blocking(move || -> Result<LoadReport> {
            let mut database = open(&database, password.as_ref())?;
            let rows = || -> Result<Box<dyn RowReader>> {
                let rows = store.rows(&place, Arc::clone(&marks)).map_err(|e| e.of_files(FileOwner::Run))?;
                Ok(Box::new(RunRows(rows)))
            };
            load_all(&mut *database, &order, &rows, &|rows| {
                told.store(rows, Ordering::Relaxed);
                if stop.is_cancelled() { Err(stopped()) } else { Ok(()) }
            })
        });
        let ended = loop {
            if let Ok(ended) = tokio::time::timeout(TICK, &mut work).await {
                break ended;
            }
            let rows = done.load(Ordering::Relaxed);
            context.tell(Event::Loading { step: name.clone(), table: table.clone(), rows, total }).await;
        };
        let panicked = |e| Error::new(ErrorKind::Internal, format!("the load of {table} has ended: {e}"));
        let error = match ended.map_err(panicked)? {
            Ok(report) => {
                for note in report.notes {
                    context.tell(Event::Note { message: format!("{name}: {note}") }).await;
                }
                return Ok(());
            }
            Err(error) => error,
        };
        let Some(wait) = wait.filter(|_| error.kind() == ErrorKind::Network && !context.ledger.stop.is_cancelled())
        else {
            return Err(error);
        };
        let left: Duration = WAITS.into_iter().skip_while(|other| *other != wait).sum();
        let (next_ms, left_ms) = (wait.as_millis() as u64, left.as_millis() as u64);
        let connection = address.database.to_string();
        context.tell(Event::Outage { step: name.clone(), connection, error, next_ms, left_ms }).await;
        context.effects.clock().sleep(wait).await;
        context.check_stop()?;
    }
    Err(Error::new(ErrorKind::Internal, format!("{table} was not loaded")))
}

/// Whether the rows are all that there are: the end of each list was seen, also of those that the step has used.
fn is_complete(job_run: &JobRun<'_>, step: &Step) -> bool {
    let context = job_run.context;
    let state = context.ledger.state().step(&step.key(job_run.job()));
    // A step without requests has what its sources have.
    let has_end = state.receipt.get("complete").and_then(serde_json::Value::as_bool).unwrap_or(step.local.is_some());
    let is_whole = has_end && step.watermark.is_none() && state.failed.is_empty() && state.unknown.is_empty();
    let source = |number: &usize| context.plan.steps.get(*number).is_some_and(|source| is_complete(job_run, source));
    is_whole && step.needs.iter().all(source)
}

fn order(
    job_run: &JobRun<'_>,
    (step, save): (&Step, &Save),
    (address, state, saved): (&TableAddress, &StepState, &StoredRows),
) -> Result<LoadOrder> {
    let (context, plan) = (job_run.context, save.load.clone().unwrap_or_default());
    let info = &context.info;
    let source = LoadSource {
        run: info.run.clone(),
        origin: format!("{}/{}", info.host, info.pid),
        batch: context.plan.name.clone(),
        job: job_run.job().name.clone(),
        step: step.id.clone(),
        attempt: state.resets,
    };
    Ok(LoadOrder {
        table: address.named()?.clone(),
        mode: plan.mode,
        key: plan.key,
        parent: Vec::new(),
        evolve: plan.evolve,
        form: plan.form,
        source,
        extent: saved.marks.last(),
        is_complete: is_complete(job_run, step),
        // The rows of a closing step report an end of the run; those before it have reported another.
        replaces_earlier: step.phase == Phase::Main,
        may_change: save.outcomes,
    })
}
