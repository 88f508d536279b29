//! Saves the rows of a step that is done: every file is complete beside its place, then all get their rows.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::job_run::JobRun;
use super::run_values;
use super::stored_rows::{RunRows, StoredRows, base_scope, of_user};
use super::table_step::load_table;
use crate::batch::event::{Event, PartitionReport};
use crate::batch::run_plan::{Phase, Step};
use crate::batch::save::{
    AppendedFile, FormWriter, PackedSink, PartFiles, PartsInput, PathTemplate, Protected, SavePlace, SaveTarget, fill,
    folder_of, target, write_parts,
};
use crate::batch::save_plan::Save;
use crate::batch::step::{OutcomeSource, outcome_rows};
use crate::error::{Error, ErrorKind, Result};
use crate::expression::Scope;
use crate::output::Form;
use crate::row_work::Workspace;
use crate::run_store::{Addition, Fact, RowReader, StepState};
use crate::sink::FileSink;
use crate::table_file::write_table_file;

/// Files of a partition whose rows are reported one by one.
const FILES_SHOWN: usize = 100;

/// Where rows were saved.
#[derive(Default)]
pub(super) struct SavedFiles {
    pub(super) paths: Vec<String>,
    pub(super) partitions: Vec<PartitionReport>,
}

/// Rows that are complete beside their place.
enum PreparedFile {
    Whole(FileSink),
    Added(AppendedFile),
    Parts(PartFiles),
}

/// A place, with what is prepared for it. Standard output is not prepared.
struct Prepared<'s> {
    save: &'s Save,
    target: SaveTarget,
    file: Option<PreparedFile>,
}

/// The files that an earlier process has saved.
pub(super) fn saved_before(job_run: &JobRun<'_>, step: &Step) -> SavedFiles {
    let (scope, folder) = (base_scope(job_run), &job_run.context.plan.folder);
    let paths = step.save.iter().filter_map(|save| shown(save, &target(save, &scope, folder).ok()?));
    SavedFiles { paths: paths.collect(), partitions: Vec::new() }
}

/// A place in reports.
fn shown(save: &Save, target: &SaveTarget) -> Option<String> {
    match &target.place {
        SavePlace::Stdout => None,
        SavePlace::File(path) => Some(path.display().to_string()),
        SavePlace::Parts(_) => Some(save.written_path()),
        SavePlace::Table(table) => Some(table.to_string()),
    }
}

/// Saves the rows in all places of the step, and records it.
///
/// # Errors
/// `state` when the disk fails or a file has changed; `definition` for a file that must not be written; those of the
/// rows.
pub(super) async fn save_step(job_run: &JobRun<'_>, (step, scope): (&Step, &Scope), key: String) -> Result<SavedFiles> {
    let context = job_run.context;
    let state = context.ledger.state().step(&key);
    let outcomes = outcomes(job_run, (step, scope), &state)?;
    let saving = Saving::new(job_run, step, (&state, outcomes));
    let mut prepared = Vec::new();
    let mut notes = Vec::new();
    for save in &step.save {
        let (file, note) = saving.prepare(save).map_err(of_user)?;
        prepared.push(file);
        notes.extend(note);
    }
    saving.seal(&mut prepared).map_err(of_user)?;
    for note in notes {
        context.tell(Event::Note { message: format!("{}: {note}", job_run.name(step)) }).await;
    }
    for (number, file) in prepared.iter().enumerate() {
        if let SavePlace::Table(table) = &file.target.place {
            let rows = saving.saved(file.save);
            load_table(job_run, (step, number, file.save), (table, &state, rows)).await.map_err(of_user)?;
        }
    }
    prepared.iter().filter(|file| file.target.place == SavePlace::Stdout).try_for_each(|file| saving.stdout(file))?;
    let files: Vec<_> = prepared.iter().filter_map(Prepared::fact).collect();
    if !files.is_empty() {
        context.ledger.commit(vec![Fact::Adding { step: key.clone(), files }], Vec::new()).await?;
    }
    let saved = appear(prepared).map_err(of_user)?;
    for path in &saved.paths {
        context.tell(Event::Saved { step: job_run.name(step), path: path.clone() }).await;
    }
    context.ledger.commit(vec![Fact::Saved { step: key }], Vec::new()).await?;
    Ok(saved)
}

/// The outcomes of the items, if a place gets them.
fn outcomes(job_run: &JobRun<'_>, (step, scope): (&Step, &Scope), state: &StepState) -> Result<Option<StoredRows>> {
    if step.save.iter().all(|save| !save.outcomes) {
        return Ok(None);
    }
    let context = job_run.context;
    let (place, stop) = (job_run.place(step), &context.ledger.stop);
    let from = OutcomeSource { store: &context.store, step, scope, state, place, stop };
    let (place, marks) = outcome_rows(&from)?;
    Ok(Some(StoredRows { place, marks }))
}

/// What all places of a step are saved with.
struct Saving<'s> {
    job_run: &'s JobRun<'s>,
    step: &'s Step,
    state: &'s StepState,
    records: StoredRows,
    outcomes: Option<StoredRows>,
    scope: Scope,
    protected: Protected,
}

impl<'s> Saving<'s> {
    fn new(
        job_run: &'s JobRun<'s>,
        step: &'s Step,
        (state, outcomes): (&'s StepState, Option<StoredRows>),
    ) -> Saving<'s> {
        let scope = base_scope(job_run);
        let protected = if step.save.is_empty() { Protected::default() } else { protected(job_run, step) };
        let records = StoredRows { place: job_run.place(step), marks: state.marks.clone() };
        Saving { job_run, step, state, records, outcomes, scope, protected }
    }

    /// The rows that go to a place.
    fn saved(&self, save: &Save) -> &StoredRows {
        self.outcomes.as_ref().filter(|_| save.outcomes).unwrap_or(&self.records)
    }

    fn rows(&self, save: &Save) -> Result<Box<dyn RowReader>> {
        let StoredRows { place, marks } = self.saved(save);
        let rows = self.job_run.context.store.rows(place, marks.all().into())?;
        Ok(Box::new(RunRows(rows)))
    }

    fn check_stop(&self) -> Result<()> {
        self.job_run.context.check_stop()
    }

    /// Writes the rows beside the place. Returns a note for the user, if any.
    fn prepare(&self, save: &'s Save) -> Result<(Prepared<'s>, Option<String>)> {
        let target = target(save, &self.scope, &self.job_run.context.plan.folder)?;
        let (file, note) = match &target.place {
            SavePlace::Stdout => (None, None),
            SavePlace::Table(_) => {
                if let Some(path) = target.probe() {
                    self.protected.check(&path)?;
                    folder_of(&path)?;
                }
                (None, None)
            }
            SavePlace::File(path) if save.append => {
                self.protected.check(path)?;
                match self.added(save, &target, path)? {
                    Some((file, form)) => (Some(PreparedFile::Added(file)), note(&form)),
                    None => (None, None),
                }
            }
            SavePlace::File(path) => {
                self.protected.check(path)?;
                let (file, note) = self.whole(save, &target, path)?;
                (Some(PreparedFile::Whole(file)), note)
            }
            SavePlace::Parts(template) => {
                let files = self.parts(save, &target, template)?;
                let omitted = omitted(&files.omitted);
                let notes: Vec<String> = files.notes.iter().cloned().chain(omitted).collect();
                (Some(PreparedFile::Parts(files)), joined(notes))
            }
        };
        Ok((Prepared { save, target, file }, note))
    }

    fn whole(&self, save: &Save, target: &SaveTarget, path: &Path) -> Result<(FileSink, Option<String>)> {
        folder_of(path)?;
        let mut sink = PackedSink::new(FileSink::begin(path, false)?, target.packing)?;
        let mut out = |bytes: &[u8]| sink.write(bytes);
        let check = || self.check_stop();
        let note = match save.file_format(target.format) {
            Some(format) => {
                let form = save.load.as_ref().map(|load| load.form.clone()).unwrap_or_default();
                joined(write_table_file(&format, &form, &|| self.rows(save), &mut out, &check)?)
            }
            None => {
                let writer = FormWriter::new(save, target.format, false);
                note(&fill(&mut *self.rows(save)?, 0, writer, &mut out, &check)?)
            }
        };
        Ok((sink.close()?, note))
    }

    /// `None` if all rows are in the file already.
    fn added(&self, save: &Save, target: &SaveTarget, path: &Path) -> Result<Option<(AppendedFile, Form)>> {
        let count = self.saved(save).marks.last().rows;
        let real = crate::real_path::real_path(path).display().to_string();
        let known = self.state.additions.get(&real);
        // A closing step that runs again reports a new end.
        let is_over = |known: &&Addition| self.step.phase != Phase::Main && known.is_whole && known.is_outdated;
        let known = known.filter(|known| !is_over(known));
        if known.is_some_and(|known| known.is_current() && known.rows.rows == count) {
            return Ok(None);
        }
        let mut rows = self.rows(save)?;
        let place = (path, save, target.format);
        AppendedFile::prepare(&mut *rows, place, (known, count), &|| self.check_stop()).map(Some)
    }

    fn parts(&self, save: &Save, target: &SaveTarget, template: &PathTemplate) -> Result<PartFiles> {
        let check = || self.check_stop();
        let (folder, name) = (self.job_run.context.store.work_folder(), self.job_run.place(self.step));
        let name = format!("{}.{}.save", name.job, name.step).replace('/', ".");
        let work = Workspace::new(&folder, &name, &check)?;
        let input = PartsInput {
            save,
            format: target.format,
            packing: target.packing,
            template,
            scope: &self.scope,
            protected: &self.protected,
            work: &work,
            check: &check,
        };
        write_parts(self.rows(save)?, &input)
    }

    /// Several files are all on disk before the first gets its name.
    fn seal(&self, prepared: &mut [Prepared<'_>]) -> Result<()> {
        if prepared.len() < 2 {
            return Ok(());
        }
        let mut files = prepared.iter_mut().filter_map(|prepared| prepared.file.as_mut());
        files.try_for_each(|file| match file {
            PreparedFile::Whole(sink) => sink.seal(),
            PreparedFile::Added(_) | PreparedFile::Parts(_) => Ok(()),
        })
    }

    /// Output on standard output cannot be undone: it is written to its end.
    fn stdout(&self, prepared: &Prepared<'_>) -> Result<()> {
        let mut sink = self.job_run.context.effects.stdout()?;
        let writer = FormWriter::new(prepared.save, prepared.target.format, false);
        let mut rows = self.rows(prepared.save)?;
        fill(&mut *rows, 0, writer, &mut |bytes| sink.put(bytes), &|| Ok(()))?;
        sink.commit()
    }
}

impl Prepared<'_> {
    fn fact(&self) -> Option<crate::run_store::AddedRows> {
        match &self.file {
            Some(PreparedFile::Added(file)) => Some(file.fact()),
            Some(PreparedFile::Whole(_) | PreparedFile::Parts(_)) | None => None,
        }
    }
}

/// All places get their rows: first the files to which rows are added, because this may fail for lack of space.
fn appear(mut prepared: Vec<Prepared<'_>>) -> Result<SavedFiles> {
    let mut saved = SavedFiles::default();
    for prepared in &mut prepared {
        saved.paths.extend(shown(prepared.save, &prepared.target));
        prepared.file = match prepared.file.take() {
            Some(PreparedFile::Added(file)) => file.add().map(|()| None)?,
            other => other,
        };
    }
    for Prepared { save, file, .. } in prepared {
        match file {
            Some(PreparedFile::Whole(sink)) => sink.finish()?,
            Some(PreparedFile::Parts(files)) => {
                saved.partitions.push(partition(save.written_path(), files.appear()?));
            }
            Some(PreparedFile::Added(_)) | None => {}
        }
    }
    Ok(saved)
}

fn partition(path: String, rows: BTreeMap<PathBuf, u64>) -> PartitionReport {
    let files = rows.len() as u64;
    let shown = rows.into_iter().take(FILES_SHOWN).map(|(path, rows)| (path.display().to_string(), rows));
    PartitionReport { path, files, rows: shown.collect() }
}

/// What the step must not write over.
fn protected(job_run: &JobRun<'_>, own: &Step) -> Protected {
    let (context, plan) = (job_run.context, &job_run.context.plan);
    let mut protected = Protected::of_inputs(plan.own_files.clone());
    protected.add_run_folder(&context.root);
    for job in &plan.jobs {
        let scope = run_values::scope(
            (&plan.vars, &plan.inputs),
            context.effects.environment(),
            job,
            &context.info.run,
            &plan.name,
        );
        for step in &plan.steps {
            let is_own_job = job.name == context.job().name;
            let known = if is_own_job { context.ledger.state().step(&step.key(job)).files } else { Vec::new() };
            let known: Vec<PathBuf> = known.into_iter().map(|file| PathBuf::from(file.path)).collect();
            protected.add_loaded(step, &scope, &plan.folder, &known);
            if !is_own_job || step.id != own.id {
                protected.add_output(step, &scope, &plan.folder);
            }
        }
    }
    protected
}

/// Several notes as one.
fn joined(notes: Vec<String>) -> Option<String> {
    (!notes.is_empty()).then(|| notes.join("; "))
}

fn note(form: &Form) -> Option<String> {
    form.omitted().and_then(omitted)
}

fn omitted(names: &std::collections::BTreeSet<String>) -> Option<String> {
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    (!names.is_empty()).then(|| {
        let names = names.join(", ");
        format!("the table omits {names}, which neither the definition nor its first rows have; name all of them in `columns`")
    })
}

/// A place within the folder of the run.
///
/// # Errors
/// `usage`, with the step.
pub(super) fn refuse_run_folder(step: &Step, scope: &Scope, folder: &Path, root: &Path) -> Result<()> {
    let mut protected = Protected::default();
    protected.add_run_folder(root);
    for save in &step.save {
        // Other faults are told where the file is written.
        let Some(path) = target(save, scope, folder).ok().and_then(|target| target.probe()) else { continue };
        if let Err(error) = protected.check(&path)
            && error.kind() == ErrorKind::Usage
        {
            return Err(of_step(step, error));
        }
    }
    Ok(())
}

fn of_step(step: &Step, error: Error) -> Error {
    error.with(|d| d.message = format!("{}: {}", step.id, d.message))
}
