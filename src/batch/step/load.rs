//! Steps that read rows from files. A resumed run goes on at its position in them.

use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use super::context::Task;
use super::item_source::shaped_as;
use crate::batch::effects::DatabasePlace;
use crate::batch::event::{Event, StepCounts};
use crate::batch::file::OnErrorFile;
use crate::batch::local_plan::LoadPlan;
use crate::error::{Error, ErrorKind, FileOwner, Place, Result, io_text};
use crate::receipt::{OutcomeStatus, Usage};
use crate::row_file::{ReadOptions, RowFile, RowFinding, RowFormat, RowPosition, RowSchema, files_of};
use crate::run_store::{Extent, Fact, FailedItem, FailureWriter, LoadedFile, RowWriter, StepState};
use crate::table::{RowsStream, TableAddress};

/// Maximum time and bytes between checkpoints.
const CHECKPOINT: (Duration, u64) = (Duration::from_millis(250), 8 << 20);
/// Rows between two looks at the clock.
const ROWS_PER_LOOK: u64 = 256;

/// A step that loads.
struct Loading<'t, 'r> {
    task: &'t Task<'r>,
    rows: Box<dyn RowWriter>,
    failures: Box<dyn FailureWriter>,
    state: StepState,
    schema: Option<Arc<RowSchema>>,
    /// The number of the current file, and the position in it.
    at: (u64, RowPosition),
    items: u64,
    failed: u64,
    began: Duration,
    saved: (Duration, u64),
    /// Outcomes of rows that failed since the last checkpoint.
    outcomes: Vec<Fact>,
    unsaved: crate::run_store::Before,
}

/// Reads until nothing is left.
///
/// # Errors
/// `invalid_items` for a row that does not fit; `state` when a file cannot be read, or has changed since the run began
/// to read it.
pub(in crate::batch) async fn run(task: &Task<'_>, plan: &LoadPlan) -> Result<()> {
    let mut state = task.state();
    let is_database = TableAddress::is_one(&plan.from.plain(&task.scope)?);
    if is_database && !state.done && (state.items > 0 || state.extent().rows > 0) {
        task.context.ledger.commit(vec![Fact::Reset { step: task.key.clone() }], Vec::new()).await?;
        task.context.store.clear(&task.place)?;
        state = task.state();
    }
    let now = task.clock().now();
    let (options, schema) = plan.options.reader()?;
    let mut loading = Loading {
        rows: task.context.store.writer(&task.place, state.extent(), true)?,
        failures: task.context.store.failures(&task.place, task.origin()),
        schema,
        at: state.loaded.clone().unwrap_or_default(),
        items: state.items,
        failed: state.failed.len() as u64,
        began: now,
        saved: (now, state.extent().bytes),
        outcomes: Vec::new(),
        unsaved: Vec::new(),
        state,
        task,
    };
    let ended = loading.all(plan, &options).await;
    let before = loading.saved_rows()?;
    let mut facts = loading.facts();
    if ended.is_ok() {
        facts.push(loading.done());
    }
    let kept = task.context.ledger.commit(facts, before).await;
    ended.and(kept)
}

impl Loading<'_, '_> {
    async fn all(&mut self, plan: &LoadPlan, options: &ReadOptions) -> Result<()> {
        let from = plan.from.plain(&self.task.scope)?;
        if self.state.done {
            return self.again(&from).await;
        }
        if from == "-" {
            return self.stream(plan, options).await;
        }
        if TableAddress::is_one(&from) {
            return self.database(plan, (&from, options)).await;
        }
        let files = files_of(&from, &self.task.context.plan.folder).map_err(|e| e.of_files(FileOwner::User))?;
        let found = files.iter().map(found).collect::<Result<Vec<LoadedFile>>>()?;
        if self.state.files.is_empty() || self.items == 0 {
            // No row was read yet: the files may be others now.
            self.at = <(u64, RowPosition)>::default();
            let fact = self.loaded(found.clone());
            self.task.context.ledger.note(vec![fact], Vec::new());
        } else {
            compare(&self.state.files, &found)?;
        }
        let first = usize::try_from(self.at.0).unwrap_or(usize::MAX);
        for (number, path) in files.iter().enumerate().skip(first) {
            let position = if number == first { std::mem::take(&mut self.at.1) } else { RowPosition::default() };
            self.at = (number as u64, position);
            let format = plan.format.map_or_else(|| RowFormat::of_file(path), Ok)?;
            let file = RowFile::open(path, format, options, &self.at.1)?;
            self.file(file, &path.display().to_string()).await?;
        }
        // Rows of two versions of a file belong to neither.
        compare(&found, &files.iter().map(self::found).collect::<Result<Vec<LoadedFile>>>()?)
    }

    /// A retry of failed rows reads nothing: later steps have used the others. A note says so if the files have changed.
    async fn again(&mut self, from: &str) -> Result<()> {
        if from == "-" || TableAddress::is_one(from) {
            return Ok(());
        }
        let found = files_of(from, &self.task.context.plan.folder)
            .and_then(|files| files.iter().map(found).collect::<Result<Vec<LoadedFile>>>());
        if let Err(change) = found.and_then(|found| compare(&self.state.files, &found)) {
            let message = format!("{}; the rows were read before, and are not read again", change.message);
            self.task.note(message).await;
        }
        Ok(())
    }

    /// Standard input has only one reading: rows that are stored are not read again.
    async fn stream(&mut self, plan: &LoadPlan, options: &ReadOptions) -> Result<()> {
        if self.at.1.row > 0 {
            let message = "standard input was read in part when the run was interrupted";
            let error = Error::new(ErrorKind::State, message).advise("run it with --fresh and the same input");
            return Err(error.of_files(FileOwner::User));
        }
        let format = plan.format.unwrap_or(RowFormat::Ndjson);
        let input = self.task.context.effects.stdin()?;
        let file = RowFile::read(input, "standard input", format, options, &RowPosition::default())?;
        self.file(file, "standard input").await
    }

    /// A database may have other rows now: a run that was interrupted has begun anew.
    async fn database(&mut self, plan: &LoadPlan, (from, options): (&str, &ReadOptions)) -> Result<()> {
        let address = TableAddress::parse(from, &self.task.context.plan.folder)?;
        let name = address.to_string();
        let password = self.task.context.effects.password(&self.task.step.id, DatabasePlace::Load, &address);
        let stream = RowsStream::begin(address, password, plan.sql.clone());
        let file = RowFile::read(stream, &name, RowFormat::Ndjson, options, &RowPosition::default())?;
        self.file(file, &name).await
    }

    async fn file(&mut self, mut file: RowFile, name: &str) -> Result<()> {
        loop {
            let next = file.next_row().map(|row| row.map(str::to_owned));
            let row = match next {
                Ok(None) => break,
                Ok(Some(row)) => Ok(row),
                Err(error) if file.is_broken() => {
                    self.at.1 = file.position();
                    return Err(error);
                }
                Err(error) => Err(error),
            };
            let number = self.items;
            self.items += 1;
            let checked = row.and_then(|row| self.checked(row, name, &file));
            let made = checked.map_err(|e| (None, e)).and_then(|row| {
                let shaped = shaped_as(self.task.step, &self.task.scope, (&row, number), &|| file.row_name(name));
                shaped.map_err(|error| (Some(row.clone()), placed(error, name, file.line())))
            });
            match made {
                Ok(Some(row)) => self.rows.push(&row),
                Ok(None) => {}
                Err((row, error)) => {
                    if let Err(error) = self.bad(number, row.as_deref(), error).await {
                        // A resumed run goes on with this row.
                        (self.items, self.at.1) = (number, file.before().clone());
                        return Err(error);
                    }
                }
            }
            if self.items.is_multiple_of(ROWS_PER_LOOK) {
                self.at.1 = file.position();
                self.look().await?;
            }
        }
        self.at.1 = file.position();
        self.rows.flush()
    }

    fn checked(&self, row: String, name: &str, file: &RowFile) -> Result<String> {
        let Some(schema) = &self.schema else { return Ok(row) };
        let findings = schema.check(&row);
        RowFinding::error(findings, &file.row_name(name), (name, file.line())).map_or(Ok(row), Err)
    }

    /// A row that does not fit: with `continue` it is kept among the failed items.
    async fn bad(&mut self, number: u64, row: Option<&str>, error: Error) -> Result<()> {
        let is_of_row = matches!(error.kind(), ErrorKind::InvalidItems | ErrorKind::InvalidOptions | ErrorKind::Limit);
        if self.task.step.on_error == OnErrorFile::Stop || !is_of_row {
            return Err(error);
        }
        let failed = FailedItem {
            element: 0,
            index: number,
            status: OutcomeStatus::Failed,
            item: row,
            options: None,
            error: &error,
            at: self.task.now(),
        };
        self.unsaved.extend(self.failures.push(&failed)?);
        self.failed += 1;
        self.rows.flush()?;
        self.outcomes.push(Fact::Outcome {
            step: self.task.key.clone(),
            element: 0,
            index: number,
            status: OutcomeStatus::Failed,
            extent: self.extent(),
            tally: self.usage(),
        });
        let step = self.task.name();
        let event = Event::ItemFailed { step, index: number, status: OutcomeStatus::Failed, error };
        self.task.context.tell(event).await;
        Ok(())
    }

    /// From time to time: progress, a checkpoint, and whether the run must stop.
    async fn look(&mut self) -> Result<()> {
        self.task.check_stop()?;
        tokio::task::yield_now().await;
        self.rows.flush()?;
        let (now, bytes) = (self.task.clock().now(), self.rows.measure().bytes());
        if now.saturating_sub(self.saved.0) < CHECKPOINT.0 && bytes.saturating_sub(self.saved.1) < CHECKPOINT.1 {
            return Ok(());
        }
        self.saved = (now, bytes);
        let before = self.saved_rows()?;
        let facts = self.facts();
        self.task.context.ledger.commit(facts, before).await?;
        let counts = StepCounts {
            items_in: self.items,
            items_out: self.rows.measure().rows(),
            failed: self.failed,
            usage: self.usage(),
            ..StepCounts::default()
        };
        self.task.progress(counts, None).await;
        Ok(())
    }

    fn saved_rows(&mut self) -> Result<crate::run_store::Before> {
        self.rows.flush()?;
        let mut before = self.rows.unsaved();
        before.append(&mut self.unsaved);
        Ok(before)
    }

    fn facts(&mut self) -> Vec<Fact> {
        let mut facts = vec![self.loaded(Vec::new())];
        facts.append(&mut self.outcomes);
        facts
    }

    fn extent(&self) -> Extent {
        self.rows.measure().extent()
    }

    fn usage(&self) -> Usage {
        let elapsed = self.task.clock().now().saturating_sub(self.began).as_millis() as u64;
        Usage { elapsed_ms: self.state.tally.elapsed_ms + elapsed, ..Usage::default() }
    }

    fn loaded(&self, files: Vec<LoadedFile>) -> Fact {
        Fact::Loaded {
            step: self.task.key.clone(),
            file: self.at.0,
            position: self.at.1.clone(),
            files,
            extent: self.extent(),
            items: self.items,
            elapsed_ms: self.usage().elapsed_ms,
        }
    }

    fn done(&self) -> Fact {
        let receipt = serde_json::json!({ "items": self.items, "failed": self.failed, "complete": true });
        Fact::Done {
            step: self.task.key.clone(),
            skipped: false,
            items_in: self.items,
            extent: self.extent(),
            tally: self.usage(),
            receipt,
            inputs: self.task.context.inputs_of(self.task.step),
        }
    }
}

/// A file as it is now.
fn found(path: &PathBuf) -> Result<LoadedFile> {
    let data = std::fs::metadata(path).map_err(|e| unread(path, &e))?;
    Ok(LoadedFile { path: path.display().to_string(), bytes: data.len(), changed: changed(&data) })
}

fn changed(data: &Metadata) -> String {
    let time = data.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    time.map(|time| time.as_nanos().to_string()).unwrap_or_default()
}

fn unread(path: &Path, cause: &std::io::Error) -> Error {
    let shown = path.display().to_string();
    Error::new(ErrorKind::State, format!("{shown} cannot be read: {}", io_text(cause)))
        .at(Place { file: Some(shown), ..Place::default() })
        .advise("check that the file exists and that you may read it")
        .of_files(FileOwner::User)
}

/// An error of an expression, with the line of the row.
fn placed(error: Error, file: &str, line: u64) -> Error {
    error.at(Place { file: Some(file.to_owned()), line: Some(line), ..Place::default() })
}

/// Whether the files are those that the run began to read.
fn compare(before: &[LoadedFile], now: &[LoadedFile]) -> Result<()> {
    let gone = before.iter().find(|file| now.iter().all(|other| other.path != file.path));
    let new = now.iter().find(|file| before.iter().all(|other| other.path != file.path));
    let changed = before.iter().find(|file| now.iter().any(|other| other.path == file.path && other != *file));
    let why = match (gone, new, changed) {
        (Some(file), _, _) => format!("{} is gone", file.path),
        (_, Some(file), _) => format!("{} is new", file.path),
        (_, _, Some(file)) => format!("{} has changed", file.path),
        (None, None, None) => return Ok(()),
    };
    Err(Error::new(ErrorKind::State, format!("{why} since the run began to read the files"))
        .advise("restore the files, or run it with --fresh to read all of them again; --fresh also sends again what the run has sent")
        .of_files(FileOwner::User))
}
