//! What a test of a batch needs besides a run: results outside of its folder, and watermarks before and after the run.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::event::StepName;
use super::run::run_values;
use super::run_plan::{Batch, MatrixJob, Step};
use super::save;
use crate::authoring::Json;
use crate::error::{Error, ErrorKind, Result, did_you_mean};
use crate::expression::Scope;
use crate::real_path::real_path;
use crate::run_store::{Mark, Watermarks, load_watermarks};
use crate::sink::failed;

impl Batch {
    /// The results that would be written outside of the batch file's folder, each with its step.
    ///
    /// # Errors
    /// `definition` when the expression of a path fails, or the path names no file.
    pub fn results_outside(&self) -> Result<Vec<(StepName, PathBuf)>> {
        let root = real_path(&self.plan.folder);
        let mut outside = Vec::new();
        for (job, step) in self.each() {
            let scope = self.path_scope(job);
            let saved = step.save.iter().map(|to| save::target(to, &scope, &self.plan.folder));
            let saved: Vec<PathBuf> =
                saved.filter_map(|target| target.map(|t| t.probe()).transpose()).collect::<Result<_>>()?;
            let files = step.files.as_ref().map(|to| to.plain(&scope)).transpose()?;
            let files = files.map(|folder| self.plan.folder.join(folder));
            let found = saved.into_iter().chain(files).filter(|path| !real_path(path).starts_with(&root));
            outside.extend(found.map(|path| (step_name(job, step), path)));
        }
        Ok(outside)
    }

    /// The watermarks that are stored in a folder of run folders, by step.
    ///
    /// # Errors
    /// `state` when they cannot be read.
    pub fn watermarks(&self, state: &Path) -> Result<BTreeMap<String, Json>> {
        let mut found = BTreeMap::new();
        for (job, step) in self.each().filter(|(_, step)| step.watermark.is_some()) {
            let kept = load_watermarks(&job.folder(&self.run_folder(Some(state))))?;
            if let Some(mark) = kept.marks().get(&step.key(job)) {
                found.insert(step_name(job, step).to_string(), Json(mark.json()));
            }
        }
        Ok(found)
    }

    /// Stores watermarks, as an earlier run would, in a folder of run folders that has none. A step of a matrix is named
    /// `CONNECTION/STEP`, or `STEP` for all connections.
    ///
    /// # Errors
    /// `definition` when there is no such step, or the value is no watermark; `state` when the disk fails.
    pub fn put_watermarks<'v>(
        &self,
        state: &Path,
        marks: impl IntoIterator<Item = (&'v String, &'v Json)>,
    ) -> Result<()> {
        let mut by_folder: BTreeMap<PathBuf, Watermarks> = BTreeMap::new();
        for (name, value) in marks {
            let mark = Mark::parse(&value.0).ok_or_else(|| {
                Error::new(ErrorKind::Definition, format!("the watermark of `{name}` must be text or a number"))
            })?;
            let is_named = |job: &MatrixJob, step: &Step| step.id == *name || step_name(job, step).to_string() == *name;
            let marked = || self.each().filter(|(_, step)| step.watermark.is_some());
            let named: Vec<_> = marked().filter(|(job, step)| is_named(job, step)).collect();
            if named.is_empty() {
                let hint = did_you_mean(name, marked().map(|(_, step)| step.id.as_str()));
                let message = format!("no step with a watermark is called `{name}`{hint}");
                return Err(Error::new(ErrorKind::Definition, message));
            }
            for (job, step) in named {
                let folder = job.folder(&self.run_folder(Some(state)));
                by_folder.entry(folder).or_default().insert(step.key(job), mark.clone());
            }
        }
        for (folder, marks) in by_folder {
            let path = folder.join("watermarks.json");
            let text = serde_json::to_vec(&marks).map_err(|e| Error::new(ErrorKind::Internal, e.to_string()))?;
            let written = std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(&path, text));
            written.map_err(|e| failed("written", &path, &e))?;
        }
        Ok(())
    }

    fn each(&self) -> impl Iterator<Item = (&MatrixJob, &Step)> {
        self.plan.jobs.iter().flat_map(|job| self.plan.steps.iter().map(move |step| (job, step)))
    }

    fn path_scope(&self, job: &MatrixJob) -> Scope {
        let values = (&self.plan.vars, &self.plan.inputs);
        run_values::scope(values, self.effects.environment(), job, "RUN", &self.plan.name)
    }
}

fn step_name(job: &MatrixJob, step: &Step) -> StepName {
    StepName { job: job.name.clone(), step: step.id.clone() }
}
