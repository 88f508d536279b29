//! `watermarks.json`: the watermarks of ended jobs, with the batch and run that stored them. Users may edit or remove
//! it between runs; during a run it must match what the run knows.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::archive::file_name;
use super::disk;
use crate::error::{Advice, Error, ErrorKind, Place, Result};
use crate::run_store::extent::Sum;
use crate::run_store::outline::{JobOutline, RunOutline};
use crate::run_store::seen::SeenRow;
use crate::run_store::state::RunState;
use crate::run_store::watermark::Watermarks;

/// The version that this build writes. Version 1 contained only the watermarks.
const VERSION: u32 = 2;

/// The content of the file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct KeptBody {
    version: u32,
    /// The batch and the run that stored the file.
    batch: String,
    run: String,
    /// The digest of the file at the start of this run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    begun_with: Option<Sum>,
    /// Jobs of this run whose watermarks are stored.
    #[serde(rename = "legs")]
    jobs: BTreeSet<String>,
    marks: Watermarks,
    /// The files with the rows that were passed on at or after each watermark.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    seen: BTreeMap<String, SeenFile>,
}

/// A file with rows that were passed on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct SeenFile {
    file: String,
    sum: Sum,
}

#[derive(Serialize, Deserialize)]
struct KeptContent {
    #[serde(flatten)]
    body: KeptBody,
    #[serde(default)]
    sum: Option<Sum>,
}

impl KeptBody {
    fn sum(&self) -> Sum {
        Sum::of(&serde_json::to_vec(self).unwrap_or_default())
    }
}

/// The watermarks that were read, and those added since.
#[derive(Clone, Debug)]
pub(crate) struct KeptMarks {
    path: PathBuf,
    /// The digest of the file; `None` without a file.
    pub(crate) fingerprint: Option<Sum>,
    body: KeptBody,
    /// Whether the file is unchanged since a run stored it.
    intact: bool,
}

/// Reads the file.
///
/// # Errors
/// `state` when it cannot be read or is damaged. Reading from the beginning instead would write everything again.
pub(crate) fn load(root: &Path) -> Result<KeptMarks> {
    let path = root.join("watermarks.json");
    let Some(text) = disk::read_bytes(&path)? else {
        return Ok(KeptMarks { path, fingerprint: None, body: KeptBody::default(), intact: true });
    };
    let (body, intact) = parse(&path, &text)?;
    Ok(KeptMarks { path, fingerprint: Some(Sum::of(&text)), body, intact })
}

fn parse(path: &Path, text: &[u8]) -> Result<(KeptBody, bool)> {
    #[derive(Deserialize)]
    struct MarksVersion {
        version: u32,
    }
    let damaged = |e: serde_json::Error| {
        let shown = path.display().to_string();
        let place = Place {
            file: Some(shown.clone()),
            line: Some(e.line() as u64),
            column: Some(e.column() as u64),
            field: None,
        };
        Error::new(ErrorKind::State, format!("{shown} is damaged: {e}"))
            .at(place)
            .advise("restore it, or remove it to read everything again")
    };
    match serde_json::from_slice::<MarksVersion>(text) {
        Ok(MarksVersion { version }) if version > VERSION => {
            let message = format!("{} has version {version}, this build reads {VERSION}", path.display());
            Err(Error::new(ErrorKind::State, message).advise("run it with the newer opnode"))
        }
        Ok(_) => {
            let KeptContent { body, sum } = serde_json::from_slice(text).map_err(damaged)?;
            let intact = sum == Some(body.sum());
            Ok((body, intact))
        }
        // Version 1: a map of watermarks. Their keys contain a `/`, so none is named `version`.
        Err(_) => {
            serde_json::from_slice(text).map(|marks| (KeptBody { marks, ..KeptBody::default() }, true)).map_err(damaged)
        }
    }
}

impl KeptMarks {
    pub(crate) fn marks(&self) -> &Watermarks {
        &self.body.marks
    }

    /// Checks the file for a new run of this batch. Returns a note for the user.
    ///
    /// # Errors
    /// `state` when another batch stored it.
    pub(crate) fn check_new(&self, batch: &str) -> Result<Option<String>> {
        let KeptBody { version, batch: stored, run, .. } = &self.body;
        if *version > 0 && stored != batch {
            return Err(self.foreign(&format!("the batch {stored} stored it, but this batch is {batch}"), format!("restore the file of {batch}, or remove it to read everything again; to use this one for {batch}, write that name into it").into()));
        }
        let edited =
            || format!("{} was edited after the run {run} stored it; the edited values are used", self.path.display());
        Ok((!self.intact).then(edited))
    }

    /// Checks the file for an unfinished run.
    ///
    /// # Errors
    /// `state` when it matches neither the start of the run nor what the run has stored since.
    pub(crate) fn check_resumed(&self, outline: &RunOutline, state: &RunState) -> Result<()> {
        let noted = outline.jobs.iter().filter(|job| state.jobs.contains(&job.name) && marked(job, state));
        let noted: BTreeSet<&str> = noted.map(|job| job.name.as_str()).collect();
        let refuse = |why: &str| Err(self.foreign(why, disk::DAMAGED_ADVICE));
        if self.fingerprint == state.watermarks {
            return match noted.first() {
                Some(job) => refuse(&format!(
                    "it is in the state before the run {}, which has since stored the watermarks of {job}",
                    state.run
                )),
                None => Ok(()),
            };
        }
        let KeptBody { batch: name, run, begun_with, jobs, .. } = &self.body;
        if self.fingerprint.is_none() || (name, run) != (&outline.name, &state.run) || *begun_with != state.watermarks {
            return refuse(&format!("it is not the one that the run {} started with or stored", state.run));
        }
        if !self.intact {
            return refuse(&format!("it has changed since the run {} stored it", state.run));
        }
        if let Some(job) = noted.iter().find(|job| !jobs.contains(**job)) {
            return refuse(&format!("it is older than the journal: the watermarks of {job} are missing"));
        }
        // A kill between the two writes leaves watermarks of a job that the journal does not record as done. All
        // earlier facts are there: those of the main steps.
        let beyond = outline.jobs.iter().find(|job| {
            let is_stored = || {
                job.steps.iter().filter(|step| step.is_main).all(|step| {
                    let known = state.step(&step.key);
                    known.done && known.saved
                })
            };
            jobs.contains(&job.name) && !state.jobs.contains(&job.name) && !is_stored()
        });
        match beyond {
            Some(job) => refuse(&format!(
                "it contains the watermarks of {}, but the journal does not record that this was done",
                job.name
            )),
            None => Ok(()),
        }
    }

    /// Makes this run, or its retry of failed items, the owner of the file.
    pub(crate) fn adopt(&mut self, outline: &RunOutline, state: &RunState) {
        // What this run has stored stays; any other content is what it started with.
        if self.body.run != state.run
            || self.body.begun_with != state.watermarks
            || self.fingerprint == state.watermarks
        {
            self.body.jobs.clear();
        }
        self.body = KeptBody {
            version: VERSION,
            batch: outline.name.clone(),
            run: state.run.clone(),
            begun_with: state.watermarks,
            ..std::mem::take(&mut self.body)
        };
    }

    /// The rows that were passed on at or after a watermark. None if the watermark was edited since: everything after it
    /// is wanted again.
    ///
    /// # Errors
    /// `state` when they cannot be read, or are damaged.
    pub(crate) fn seen(&self, key: &str) -> Result<Vec<SeenRow>> {
        let Some(named) = self.body.seen.get(key).filter(|_| self.intact) else { return Ok(Vec::new()) };
        let path = self.path.with_file_name(&named.file);
        let damaged = || {
            let shown = path.display().to_string();
            Error::new(ErrorKind::State, format!("{shown} is damaged: it is not the file that watermarks.json names"))
                .at(Place { file: Some(shown), ..Place::default() })
                .advise("restore it, or edit the watermark to read again from there")
        };
        let text = disk::read_bytes(&path)?.filter(|text| Sum::of(text) == named.sum).ok_or_else(damaged)?;
        let rows = text.split(|b| *b == b'\n').filter(|line| !line.is_empty()).map(serde_json::from_slice);
        rows.collect::<std::result::Result<_, _>>().map_err(|_| damaged())
    }

    /// Stores the watermarks of a job durably, and the rows that were passed on at or after each.
    ///
    /// # Errors
    /// `state` when writing fails.
    pub(crate) fn store(&mut self, job: &str, marks: Watermarks, seen: BTreeMap<String, Vec<SeenRow>>) -> Result<()> {
        let old: Vec<String> = seen.keys().filter_map(|key| self.body.seen.get(key)).map(|f| f.file.clone()).collect();
        for (key, rows) in seen {
            let mut text = String::new();
            for row in rows {
                text.push_str(&serde_json::to_string(&row).unwrap_or_default());
                text.push('\n');
            }
            let file = format!("seen.{}.{}.ndjson", file_name(&key), self.body.run);
            disk::replace(&self.path.with_file_name(&file), text.as_bytes())?;
            self.body.seen.insert(key, SeenFile { file, sum: Sum::of(text.as_bytes()) });
        }
        self.body.marks.extend(marks);
        self.body.jobs.insert(job.to_owned());
        let content = KeptContent { body: self.body.clone(), sum: Some(self.body.sum()) };
        disk::replace(&self.path, &serde_json::to_vec_pretty(&content).unwrap_or_default())?;
        let is_named = |file: &String| self.body.seen.values().any(|named| named.file == *file);
        for file in old.into_iter().filter(|file| !is_named(file)) {
            let _only_uses_space = std::fs::remove_file(self.path.with_file_name(file));
        }
        Ok(())
    }

    fn foreign(&self, why: &str, way_out: Advice) -> Error {
        let shown = self.path.display().to_string();
        Error::new(ErrorKind::State, format!("{shown} does not belong to this run: {why}"))
            .at(Place { file: Some(shown), ..Place::default() })
            .advise(way_out)
    }
}

/// Whether a job has watermarks to store.
fn marked(job: &JobOutline, state: &RunState) -> bool {
    job.steps.iter().any(|step| step.is_marked && state.steps.get(&step.key).is_some_and(|s| s.mark.is_some()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::load;
    use crate::definition::Method;
    use crate::receipt::Usage;
    use crate::run_store::extent::Extent;
    use crate::run_store::fact::Fact;
    use crate::run_store::outline::{JobOutline, RunOutline, StepOutline};
    use crate::run_store::state::RunState;
    use crate::run_store::store::ItemOrigin;
    use crate::run_store::watermark::Mark;

    fn step(id: &str, is_main: bool) -> StepOutline {
        let (connection, operation, secret_options) = (String::new(), String::new(), Vec::new());
        let origin = ItemOrigin { connection, method: Method::Query, operation, secret_options, in_for: false };
        StepOutline { id: id.into(), key: format!("main/{id}"), is_marked: is_main, is_main, origin }
    }

    fn done(state: &mut RunState, id: &str) {
        let key = format!("main/{id}");
        state.apply(&Fact::Done {
            step: key.clone(),
            skipped: false,
            items_in: 0,
            extent: Extent::default(),
            tally: Usage::default(),
            receipt: serde_json::Value::Null,
            inputs: BTreeMap::new(),
        });
        state.apply(&Fact::Saved { step: key });
    }

    /// Watermarks are stored after the main steps; closing steps, and the fact that the job is done, come later.
    #[test]
    fn a_kill_before_the_closing_steps_is_no_damage() {
        let folder = tempfile::tempdir().unwrap();
        let job = JobOutline { name: "main".into(), steps: vec![step("list", true), step("end", false)] };
        let outline = RunOutline { name: "nightly".into(), jobs: vec![job], ..RunOutline::default() };
        let mut state = RunState::begun("r".into(), None, 0);
        let mut kept = load(folder.path()).unwrap();
        kept.adopt(&outline, &state);
        let marks = [("main/list".to_owned(), Mark::parse("1").unwrap())].into_iter().collect();
        kept.store("main", marks, BTreeMap::new()).unwrap();
        let stored = load(folder.path()).unwrap();
        let wrong = stored.check_resumed(&outline, &state).unwrap_err();
        assert!(wrong.message.contains("does not record that this was done"), "{wrong}");
        done(&mut state, "list");
        stored.check_resumed(&outline, &state).unwrap();
    }
}
