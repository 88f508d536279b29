//! A run folder that this process has locked: whether its run is resumed is not decided yet.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::archive::{ArchivedRun, FAILED, SPOOL, set_aside};
use super::disk::{self, damaged};
use super::failures::Failures;
use super::held;
use super::info::RunInfo;
use super::journal::{Journal, Recovered};
use super::kept::{self, KeptMarks};
use super::recall::recall;
use super::run_folder::Folder;
use super::step_files::failures_file;
use super::tail::Proof;
use crate::error::{Advice, Error, ErrorKind, Place, Result};
use crate::receipt::OutcomeStatus;
use crate::run_store::fact::{Fact, JOURNAL_VERSION};
use crate::run_store::outline::RunOutline;
use crate::run_store::policy::{JobStart, Reason};
use crate::run_store::state::RunState;
use crate::run_store::store::{FailedItem, FailureWriter, RunStore, StepPlace};

/// Why the outcome of an item is unknown that was in flight when its run was killed.
pub(crate) const KILLED: &str =
    "the run was killed while this item was in flight: it is not known whether it took effect";
const KILLED_ADVICE: &str = "check the record before sending it again";

/// A started or resumed run with its store.
pub(crate) struct Opened {
    pub(crate) store: Arc<dyn RunStore>,
    pub(crate) info: RunInfo,
    /// What was done before.
    pub(crate) state: RunState,
    /// An unfinished run that this one replaces.
    pub(crate) archived: Option<ArchivedRun>,
    /// Notes for the user about the start.
    pub(crate) notes: Vec<String>,
}

/// A locked folder.
pub(crate) struct LockedFolder {
    root: PathBuf,
    lock: File,
    /// Its run, if it has one.
    found: Result<(Recovered, RunState)>,
}

/// What a new run starts with.
pub(crate) struct NewRun<'n> {
    pub(crate) outline: &'n RunOutline,
    pub(crate) info: RunInfo,
    /// Resumes although the batch or its definitions have changed.
    pub(crate) accept_changes: bool,
    /// Unix time in seconds.
    pub(crate) now: u64,
}

impl LockedFolder {
    /// Creates and locks a folder. `since` is the current time, for other processes that want the lock.
    ///
    /// # Errors
    /// `state` when another process holds the folder, or the disk refuses.
    pub(crate) fn hold(root: &Path, host: &str, since: String) -> Result<LockedFolder> {
        disk::folder(root)?;
        for inner in [SPOOL, FAILED, "past"] {
            disk::not_a_link(&root.join(inner))?;
        }
        let lock = held::hold(root, host, since)?;
        let found = recall(&root.join("journal"));
        Ok(LockedFolder { root: root.to_owned(), lock, found })
    }

    /// The state of its run; `None` without one.
    ///
    /// # Errors
    /// `state` when it is damaged.
    pub(crate) fn state(&self) -> Result<Option<&RunState>> {
        let (found, state) = self.found.as_ref().map_err(Clone::clone)?;
        if found.facts == 0 {
            // Rows are stored only once the journal has its first line.
            return match self.root.join(SPOOL).exists() {
                true => Err(damaged(&self.root.join("journal"), "it is empty, but the run has rows")),
                false => Ok(None),
            };
        }
        Ok(Some(state))
    }

    /// Begins or resumes a run.
    ///
    /// # Errors
    /// `state` when the disk refuses, the files do not belong together, or the inputs of the run have changed.
    pub(crate) fn start(self, start: JobStart, new: NewRun<'_>) -> Result<Opened> {
        let kept = kept::load(&self.root)?;
        match start {
            JobStart::New(reason) => self.begin(reason, new, kept),
            JobStart::Resume | JobStart::Leave => self.resume(start, new, kept),
        }
    }

    fn begin(self, reason: Reason, new: NewRun<'_>, mut kept: KeptMarks) -> Result<Opened> {
        let NewRun { outline, info, now, .. } = new;
        // The watermarks are checked before anything is moved.
        let notes: Vec<String> = kept.check_new(&outline.name)?.into_iter().collect();
        let archived = self.archive(reason, outline, now)?;
        info.write(&self.root)?;
        let journal = Journal::begin(&self.root.join("journal"), &info.run, kept.fingerprint, now)?;
        let state = RunState::begun(info.run.clone(), kept.fingerprint, now);
        kept.adopt(outline, &state);
        let store = Arc::new(Folder::new(&self.root, journal, kept, self.lock));
        Ok(Opened { store, info, state, archived, notes })
    }

    /// Moves the earlier run aside, if there is one. Returns it if something of it was left to do, or it cannot be read.
    fn archive(&self, reason: Reason, outline: &RunOutline, now: u64) -> Result<Option<ArchivedRun>> {
        let state = self.found.as_ref().ok().map(|(_, state)| state);
        let has_run = |(found, _): &(Recovered, RunState)| found.facts > 0;
        if !self.found.as_ref().map_or(true, has_run) && !self.root.join(SPOOL).exists() {
            return Ok(None);
        }
        let info = RunInfo::look(&self.root).unwrap_or_default();
        let run =
            state.map(|state| state.run.clone()).filter(|run| !run.is_empty()).unwrap_or_else(|| info.run.clone());
        let run = if run.is_empty() { format!("unnamed-{:04x}", fastrand::u16(..)) } else { run };
        self.note_in_doubt(outline, now)?;
        let is_whole = reason == Reason::Fresh || state.is_none_or(|state| !state.ended || state.is_of_earlier_build());
        let folder = set_aside(&self.root, is_whole, &run)?;
        let steps = || state.iter().flat_map(|state| state.steps.values());
        let archived = ArchivedRun {
            run,
            started: info.started,
            steps_done: steps().filter(|step| step.done).count() as u64,
            has_ended: state.is_some_and(|state| state.ended),
            left: steps().map(|step| step.left() as u64).sum(),
            folder,
        };
        let is_over = state.is_some_and(RunState::is_over);
        Ok(Some(archived).filter(|_| reason != Reason::Finished && !is_over))
    }

    /// Lists the items that were in flight when the run was killed among those that did not succeed: an archived run is
    /// kept as long as it has such items.
    fn note_in_doubt(&self, outline: &RunOutline, at: u64) -> Result<()> {
        let Ok((_, state)) = &self.found else { return Ok(()) };
        for (job, step) in outline.jobs.iter().flat_map(|job| job.steps.iter().map(move |step| (job, step))) {
            let known = state.step(&step.key);
            let place = StepPlace { job: job.name.clone(), step: step.id.clone() };
            let mut failures = Failures::new(&failures_file(&self.root, &place), step.origin.clone());
            for (element, index) in known.items_in_doubt() {
                let error = Error::new(ErrorKind::UnknownOutcome, KILLED).advise(KILLED_ADVICE);
                let (item, options) = (None, None);
                let status = OutcomeStatus::Unknown;
                failures.push(&FailedItem { element, index, status, item, options, error: &error, at })?;
            }
        }
        Ok(())
    }

    /// Resumes a run. All checks precede all changes.
    fn resume(self, start: JobStart, new: NewRun<'_>, mut kept: KeptMarks) -> Result<Opened> {
        let NewRun { outline, info, accept_changes, now } = new;
        let root = &self.root;
        let (found, mut state) = self.found?;
        refuse_older(root, &found, state.ended)?;
        let mut before = RunInfo::read(root, &state.run)?;
        if !accept_changes {
            before.refuse_changes(&info.fingerprints)?;
        }
        let mut notes = Vec::new();
        match state.ended {
            // Users may have edited the watermarks since.
            true => notes.extend(kept.check_new(&outline.name)?),
            false => kept.check_resumed(outline, &state)?,
        }
        let path = root.join("journal");
        if found.torn {
            disk::cut(&path, found.length)?;
            notes.push("the last line of the journal was incomplete and has been removed".into());
        }
        if before.fingerprints != info.fingerprints {
            (before.fingerprints, before.inputs, before.vars) = (info.fingerprints, info.inputs, info.vars);
            before.write(root)?;
        }
        let journal = Journal::open(&path, Proof { run: state.run.clone(), lines: found.lines, last: found.last })?;
        if start == JobStart::Resume {
            let mut facts = vec![Fact::Begun { at: now }];
            // A killed run with all steps done has ended too; only the fact is missing.
            let is_done = outline.is_done(&state);
            if !state.ended && is_done && state.has_left() {
                facts.push(Fact::Ended { kind: None, at: now });
            }
            if state.ended || (is_done && state.has_left()) {
                facts.push(Fact::Again { watermarks: kept.fingerprint });
            }
            facts.iter().for_each(|fact| state.apply(fact));
            journal.note(facts, Vec::new());
        }
        kept.adopt(outline, &state);
        let store = Arc::new(Folder::new(root, journal, kept, self.lock));
        Ok(Opened { store, info: before, state, archived: None, notes })
    }
}

/// Returns an error for a journal of an earlier version: it has no digests of its rows.
fn refuse_older(root: &Path, found: &Recovered, ended: bool) -> Result<()> {
    if found.version >= JOURNAL_VERSION {
        return Ok(());
    }
    let which = RunInfo::look(root).map_or_else(|| "an earlier version".to_owned(), |info| info.opnode);
    let what = if ended { "the last run" } else { "the unfinished run" };
    let message = format!(
        "{what} was started by opnode {which}: its journal has version {}, and this build resumes version {}",
        found.version, JOURNAL_VERSION
    );
    let advice = match ended {
        true => Advice::from(
            "retry its failed items with the opnode that ran it; a new run needs no flag, and sends all items again",
        ),
        false => Advice::FinishWithEarlierVersion,
    };
    Err(Error::new(ErrorKind::State, message)
        .at(Place { file: Some(root.display().to_string()), ..Place::default() })
        .advise(advice))
}

/// Returns an error if a folder has an unfinished run of an earlier build.
///
/// # Errors
/// `state`, with the version that can finish it.
pub(crate) fn refuse_unfinished(root: &Path) -> Result<()> {
    let (found, state) = recall(&root.join("journal"))?;
    if found.facts == 0 || state.ended { Ok(()) } else { refuse_older(root, &found, false) }
}
