//! Batches that are steps of others: loads their files with what they take over from the outer one, and starts them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;

use super::check::{InnerBatches, KnownConnections};
use super::config::{BatchConfig, OuterBatch};
use super::effects::{InnerCall, InnerRun};
use super::event::{Event, Report};
use super::include::read_there;
use super::inputs::BatchInput;
use super::local_plan::{InnerPlan, LocalWork};
use super::run::{Run, RunOptions};
use super::run_plan::{Batch, RunPlan};
use crate::authoring::Json;
use crate::error::{Error, ErrorKind, Result};
use crate::real_path::real_path;
use crate::run_store::is_part;

/// Maximum number of batches within batches.
const DEPTH_MAX: usize = 8;

/// Loads the batches of the steps of a file.
#[derive(Clone)]
pub(super) struct InnerLoader {
    config: BatchConfig,
    /// The connections of the outer batch, for files that name none.
    known: KnownConnections,
    /// The folder of the outer file.
    folder: PathBuf,
    /// The files from the outermost batch to this one.
    chain: Vec<PathBuf>,
}

impl InnerBatches for InnerLoader {
    fn path(&self, file: &str) -> PathBuf {
        self.folder.join(file)
    }

    fn inputs(&self, path: &Path) -> Result<Vec<BatchInput>> {
        if self.chain.contains(&real_path(path)) {
            return Err(Error::new(ErrorKind::Definition, format!("{} would run itself", path.display())));
        }
        if self.chain.len() > DEPTH_MAX {
            let message = format!("more than {DEPTH_MAX} batches run each other");
            return Err(Error::new(ErrorKind::Definition, message));
        }
        Batch::inputs(path)
    }

    fn load(&self, path: &Path, inputs: Vec<(String, Json)>, connection: Option<&str>) -> Result<Batch> {
        self.load_within(path, inputs, connection).map(|(batch, _)| batch)
    }
}

impl InnerLoader {
    fn load_within(
        &self,
        path: &Path,
        inputs: Vec<(String, Json)>,
        connection: Option<&str>,
    ) -> Result<(Batch, InnerLoader)> {
        let config = BatchConfig { inputs, vars: Vec::new(), ..self.config.clone() };
        let within = OuterBatch {
            known: Some(self.known.clone()),
            connection: connection.map(str::to_owned),
            chain: self.chain.clone(),
        };
        Batch::parse_within(path, &read_there(path)?, &config, &within)
    }

    /// For the steps of the file at `path`.
    pub(super) fn new(path: &Path, config: &BatchConfig, known: &KnownConnections, within: &OuterBatch) -> InnerLoader {
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        let chain = within.chain.iter().cloned().chain([real_path(path)]).collect();
        InnerLoader { config: config.clone(), known: known.clone(), folder, chain }
    }

    /// Starts the batch of a step, or continues it.
    pub(super) fn start(&self, call: InnerCall<'_>) -> Result<Box<dyn InnerRun>> {
        let connection = call.plan.connections.get(call.job).cloned().flatten();
        let mut batch = self.load(&call.plan.path, call.inputs, connection.as_deref())?;
        if call.plan.meanings.get(call.job) != Some(&batch.meaning()) {
            let message = format!("{} has changed since the run began", call.plan.path.display());
            return Err(Error::new(ErrorKind::State, message).advise("start the batch again with --fresh"));
        }
        batch.place_within(call.name, call.time_left);
        let options = RunOptions {
            state: Some(call.runs.to_owned()),
            cancel: call.cancel,
            host: call.host.to_owned(),
            accept_changes: call.accept_changes,
            ..RunOptions::default()
        };
        Ok(Box::new(Arc::new(batch).run_part(options, call.run)?))
    }
}

/// The values with which a run began, by its name.
pub type RunInputs<'r> = &'r dyn Fn(&str) -> Vec<(String, Json)>;

impl Batch {
    /// The batch of a step of a file, or of a step of that one and so on, by the name of its runs.
    ///
    /// # Errors
    /// Those of [`Batch::load`]; `usage` when no step runs it.
    pub fn load_part(path: &Path, config: &BatchConfig, name: &str, inputs: RunInputs<'_>) -> Result<Batch> {
        let (mut batch, mut loader) = Batch::parse_within(path, &read_there(path)?, config, &OuterBatch::default())?;
        while batch.plan.name != name {
            let found = batch.plan.part(name).ok_or_else(|| {
                Error::new(ErrorKind::Usage, format!("{} runs no batch {name} any more", path.display()))
                    .advise("settle its items once you have looked at the records")
            })?;
            let (own, inner, number) = found;
            let connection = inner.connections.get(number).cloned().flatten();
            let loaded = loader.load_within(&inner.path, inputs(&own), connection.as_deref())?;
            (batch, loader) = loaded;
            batch.place_within(own, None);
        }
        Ok(batch)
    }
}

impl RunPlan {
    /// The step that runs the batch of this name, or one of which it is a part: its name, the step, and the job.
    fn part(&self, name: &str) -> Option<(String, InnerPlan, usize)> {
        let inner = self.steps.iter().filter_map(|step| match &step.local {
            Some(LocalWork::Inner(inner)) => Some((step, inner)),
            Some(_) | None => None,
        });
        let all = inner.flat_map(|(step, inner)| {
            let jobs = self.jobs.iter().enumerate();
            jobs.map(move |(number, job)| (inner.run_name(&self.name, &step.id, &job.name), inner.clone(), number))
        });
        // The longest name: a step may have the name of another one and more.
        all.filter(|(own, _, _)| is_part(name, own)).max_by_key(|(own, _, _)| own.len())
    }
}

#[async_trait]
impl InnerRun for Run {
    async fn next(&mut self) -> Option<Event> {
        Run::next(self).await
    }

    async fn finish(self: Box<Self>, step: Option<&str>, pass: &mut (dyn for<'r> FnMut(&'r str) + Send)) -> Report {
        self.finish_part(step, pass).await
    }
}
