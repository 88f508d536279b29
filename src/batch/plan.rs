//! The plan of a run: every request that is known in advance; for an unfinished run, what is left of it. Sends nothing.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::event::{StepName, shown_id};
use super::fingerprints::fingerprint;
use super::local_plan::LocalWork;
use super::row_source::ItemSource;
use super::run::{RunOptions, run_values};
use super::run_plan::{Batch, MatrixJob, Step};
use super::step::decide::{Move, decide};
use super::step::{Elements, Inputs};
use crate::call::Request;
use crate::definition::Method;
use crate::error::{Error, Result};
use crate::expression::{Expr, Scope, Shape};
use crate::item::Items;
use crate::request::PlannedRequest;
use crate::row_file::files_of;
use crate::run_store::{
    Asked, FolderView, JobStart, RunOutline, RunState, StepPlace, StepState, load_watermarks, seconds, starts,
};

/// Requests of one step that are kept; all are counted, and the hash covers all.
const SHOWN_MAX: usize = 100;

/// The requests of a run, as far as they are known.
#[derive(Clone, Debug, Serialize)]
pub struct BatchPlan {
    /// The batch's name.
    pub name: String,
    /// How the jobs start, in the order of the matrix.
    pub jobs: Vec<JobPlan>,
    /// The steps in order, job by job.
    pub steps: Vec<StepPlan>,
    /// A digest of the whole plan.
    pub hash: String,
}

/// How a job starts.
#[derive(Clone, Debug, Serialize)]
pub struct JobPlan {
    /// The connection of the matrix; `main` without one.
    pub job: String,
    /// The id of the run that it resumes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resumes: Option<String>,
    /// When that run started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started: Option<String>,
    /// Number of its steps that are done.
    pub steps_done: u64,
}

/// The requests of a step.
#[derive(Clone, Debug, Serialize)]
pub struct StepPlan {
    /// The step.
    #[serde(flatten)]
    pub name: StepName,
    /// Its method.
    pub method: Method,
    /// OperationId.
    pub operation: String,
    /// The connection.
    pub connection: String,
    /// Verb and path.
    pub request_line: String,
    /// For a step that sends no requests: what it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub local: Option<String>,
    /// Parts that depend on earlier steps and are known later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub depends: Option<String>,
    /// Whether `when` is false.
    pub skipped: bool,
    /// For a step that an earlier run has done: the number of its rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub done_rows: Option<u64>,
    /// For a step that an earlier run has begun: the number of items or elements that it has done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub goes_on_after: Option<u64>,
    /// Whether each request is the first of several pages.
    pub paged: bool,
    /// The number of requests that are known.
    pub count: u64,
    /// The first of them, credentials masked.
    pub requests: Vec<PlannedRequest>,
    /// A digest of all of them.
    pub digest: String,
}

/// A job as it is planned.
struct JobLook<'p> {
    number: usize,
    job: &'p MatrixJob,
    outline: RunOutline,
    start: JobStart,
    view: Option<FolderView>,
}

impl JobLook<'_> {
    /// The state that the run goes on from.
    fn state(&self) -> Option<&RunState> {
        self.view.as_ref().filter(|_| self.start.reason().is_none()).map(|view| &view.state)
    }

    fn known(&self, step: &Step) -> StepState {
        self.state().map(|state| state.step(&step.key(self.job))).unwrap_or_default()
    }

    /// Whether failed items are sent again.
    fn retries(&self) -> bool {
        let is_left = |state: &RunState| state.ended || state.again || !self.outline.is_done(state);
        self.start == JobStart::Resume && self.state().is_some_and(is_left)
    }

    /// Whether an earlier run has done a step.
    fn is_done(&self, step: &Step) -> bool {
        let known = self.known(step);
        let again = self.retries() && !known.failed.is_empty();
        self.start == JobStart::Leave || (known.done && !again)
    }
}

impl Batch {
    /// The plan of a run with these options: a new run, or what is left of an unfinished one.
    ///
    /// # Errors
    /// Those of [`Session::plan`](crate::Session::plan) for a step; `state` when the
    /// watermarks or an unfinished run cannot be read; `invalid_options` when an expression has no value.
    pub fn plan(&self, options: &RunOptions) -> Result<BatchPlan> {
        let root = self.run_folder(options.state.as_deref());
        let looks = self.looks(&root, options)?;
        let mut steps = Vec::new();
        for look in &looks {
            if let Some(view) = look.view.as_ref().filter(|_| look.start == JobStart::Resume && !options.accept_changes)
            {
                view.info.refuse_changes(&look.outline.fingerprints)?;
            }
            let watermarks = load_watermarks(&look.job.folder(&root))?;
            for (number, step) in self.plan.steps.iter().enumerate() {
                let mut scope = self.scope_of(look, number, step);
                scope.watermark =
                    step.watermark.as_ref().map(|w| w.begin(watermarks.marks().get(&step.key(look.job))).into());
                steps.push(self.plan_step(look, step, &scope).map_err(|e| named(e, look.job, step))?);
            }
        }
        let jobs = looks.iter().map(|look| JobPlan {
            job: look.job.name.clone(),
            resumes: look.state().map(|state| state.run.clone()),
            started: look.state().and(look.view.as_ref()).map(|view| view.info.started.clone()),
            steps_done: self.plan.steps.iter().filter(|step| look.is_done(step)).count() as u64,
        });
        let jobs = jobs.collect();
        let mut plan = BatchPlan { name: self.plan.name.clone(), jobs, steps, hash: String::new() };
        // Also what depends on rows that are not read yet: steps, values, definitions, connections.
        plan.hash = fingerprint(&serde_json::to_string(&(&plan, &self.plan.fingerprints)).unwrap_or_default());
        Ok(plan)
    }

    /// The jobs, and how each would start now.
    fn looks<'p>(&'p self, root: &Path, options: &RunOptions) -> Result<Vec<JobLook<'p>>> {
        let jobs = self.plan.jobs.iter().enumerate();
        let views = jobs.clone().map(|(_, job)| FolderView::read(&job.folder(root)));
        let views = views.collect::<Result<Vec<Option<FolderView>>>>()?;
        let outlines: Vec<RunOutline> = jobs.clone().map(|(number, _)| self.plan.outline(number)).collect();
        let asked = Asked {
            policy: options.resume.unwrap_or(self.plan.resume),
            fresh: options.fresh,
            retry_failed: options.retry_failed,
            part_of: None,
        };
        let states: Vec<_> = outlines.iter().zip(views.iter().map(|view| view.as_ref().map(|v| &v.state))).collect();
        let starts = starts(&states, asked, seconds(self.effects.clock().wall()))?;
        let look = |((((number, job), view), start), outline)| JobLook { number, job, outline, start, view };
        Ok(jobs.zip(views).zip(starts).zip(outlines).map(look).collect())
    }

    /// The scope of a step, with the rows of the steps that are done.
    fn scope_of(&self, look: &JobLook<'_>, number: usize, step: &Step) -> Scope {
        let plan = &self.plan;
        let run = look.state().map_or("RUN", |state| state.run.as_str());
        let mut scope =
            run_values::scope((&plan.vars, &plan.inputs), self.effects.environment(), look.job, run, &plan.name);
        let Some(view) = look.view.as_ref().filter(|_| look.state().is_some()) else { return scope };
        let needed = plan.steps.iter().take(number).enumerate().filter(|(n, _)| step.needs.contains(n));
        let done = needed.filter(|(_, needed)| look.is_done(needed)).map(|(_, needed)| {
            let place = StepPlace { job: look.job.name.clone(), step: needed.id.clone() };
            (needed.id.clone(), run_values::step_view(view.rows(), place, &look.known(needed), None))
        });
        scope.steps = std::sync::Arc::new(done.collect());
        scope
    }

    fn plan_step(&self, look: &JobLook<'_>, step: &Step, scope: &Scope) -> Result<StepPlan> {
        let known = look.known(step);
        let is_done = look.is_done(step);
        let begun = known.counts().ok + known.counts().failed + known.counts().unknown;
        let begun = if step.method == Method::Query { known.items } else { begun };
        let mut plan = StepPlan {
            name: StepName { job: look.job.name.clone(), step: step.id.clone() },
            method: step.method,
            operation: step.operation.id.clone(),
            request_line: step.operation.request_line.clone(),
            local: step.local.as_ref().map(LocalWork::describe),
            depends: self.depends(look, step),
            skipped: false,
            done_rows: is_done.then(|| known.extent().rows),
            goes_on_after: (!is_done && begun > 0).then_some(begun),
            paged: step.method == Method::Query && step.operation.is_paged,
            count: 0,
            requests: Vec::new(),
            digest: String::new(),
            connection: step.connections.get(look.number).cloned().unwrap_or_default(),
        };
        if is_done {
            return Ok(plan);
        }
        if let Some(when) = step.when.as_ref().filter(|when| !self.is_unknown(look, step, when)) {
            plan.skipped = !when.truth(scope)?;
        }
        if let Some(local) = &step.local {
            plan.digest = fingerprint(&files_now(local, scope, &self.plan.folder));
            return Ok(plan);
        }
        // Where a walk goes on is a matter of its pages.
        let is_within_walk = step.method == Method::Query && known.walk.is_some();
        if plan.skipped || plan.depends.is_some() || is_within_walk {
            return Ok(plan);
        }
        let planned = PlannedStep { batch: self, step, known: &known, retries: look.retries() };
        match &step.each {
            None => planned.requests(&mut plan, 0, scope)?,
            Some(source) => {
                for element in Elements::open(source, scope)? {
                    let (number, item) = element?;
                    if number >= known.element || known.failed.iter().any(|(own, _)| *own == number) {
                        planned.requests(&mut plan, number, &scope.with_item(&item, number))?;
                    }
                }
            }
        }
        Ok(plan)
    }

    /// Whether an expression reads steps that are not done.
    fn is_unknown(&self, look: &JobLook<'_>, step: &Step, expr: &Expr) -> bool {
        reads_steps(expr) && !self.is_input_known(look, step)
    }

    /// Whether all steps that a step uses are done.
    fn is_input_known(&self, look: &JobLook<'_>, step: &Step) -> bool {
        let mut needed = step.needs.iter().chain(&step.awaits).filter_map(|number| self.plan.steps.get(*number));
        step.awaits.is_empty() && needed.all(|needed| look.is_done(needed))
    }

    /// The parts of a step that are known only after earlier steps, as text.
    fn depends(&self, look: &JobLook<'_>, step: &Step) -> Option<String> {
        if self.is_input_known(look, step) { None } else { depends(step) }
    }
}

/// Digests of the files that a step loads, as they are now. Files that are not there yet have none.
fn files_now(local: &LocalWork, scope: &Scope, folder: &Path) -> String {
    let LocalWork::Load(load) = local else { return String::new() };
    let files = load.from.plain(scope).and_then(|from| files_of(&from, folder)).unwrap_or_default();
    let digest = |path: &PathBuf| {
        let (mut file, mut hash, mut part) = (File::open(path)?, Sha256::new(), vec![0; 1 << 16]);
        loop {
            match file.read(&mut part)? {
                0 => return Ok::<_, std::io::Error>(crate::secret::hex(&hash.finalize(), 12)),
                length => hash.update(part.get(..length).unwrap_or_default()),
            }
        }
    };
    let now = |path: &PathBuf| {
        let name = path.strip_prefix(folder).unwrap_or(path).display().to_string();
        format!("{name} {}\n", digest(path).unwrap_or_default())
    };
    files.iter().map(now).collect()
}

/// A step whose requests are computed.
struct PlannedStep<'p> {
    batch: &'p Batch,
    step: &'p Step,
    known: &'p StepState,
    retries: bool,
}

impl PlannedStep<'_> {
    /// The requests of an element that are left.
    fn requests(&self, plan: &mut StepPlan, element: u64, scope: &Scope) -> Result<()> {
        let options = super::step::options(self.step, scope)?;
        let Some(source) = &self.step.items else {
            return self.add(plan, Request { ..self.request(&options) });
        };
        let most = self.step.operation.items_per_call();
        let mut part: Vec<String> = Vec::new();
        for input in Inputs::open(source, self.step, scope)?.edited(self.known, element) {
            let (index, item) = input?;
            if decide(self.step, self.retries, self.known, element, index) != Move::Send {
                continue;
            }
            part.push(item);
            if part.len() >= most {
                self.add_part(plan, &options, &mut part)?;
            }
        }
        self.add_part(plan, &options, &mut part)
    }

    fn request(&self, options: &crate::options::Options) -> Request {
        Request {
            limit: self.step.limit,
            forward_only: self.step.forward_only,
            ..Request::new(self.step.method, self.step.operation.id.clone(), options)
        }
    }

    fn add_part(&self, plan: &mut StepPlan, options: &crate::options::Options, part: &mut Vec<String>) -> Result<()> {
        if part.is_empty() {
            return Ok(());
        }
        let items = Items::from_array(format!("[{}]", std::mem::take(part).join(",")))?;
        self.add(plan, Request { items: Some(items), ..self.request(options) })
    }

    fn add(&self, plan: &mut StepPlan, request: Request) -> Result<()> {
        for request in self.batch.effects.plan(&plan.connection, &request)? {
            plan.count += 1;
            let text = serde_json::to_string(&request).unwrap_or_default();
            plan.digest = fingerprint(&(std::mem::take(&mut plan.digest) + &text));
            if plan.requests.len() < SHOWN_MAX {
                plan.requests.push(request);
            }
        }
        Ok(())
    }
}

fn named(error: Error, job: &MatrixJob, step: &Step) -> Error {
    let name = StepName { job: job.name.clone(), step: step.id.clone() };
    error.with(|d| d.message = format!("the step {name}: {}", d.message))
}

fn reads_steps(expr: &Expr) -> bool {
    expr.paths().iter().any(|path| path.first().is_some_and(|root| root == "steps"))
}

/// Whether a source reads earlier steps.
fn in_source(source: &ItemSource) -> bool {
    match source {
        ItemSource::Step(_) => true,
        ItemSource::Shape(shape) => in_shape(shape),
        ItemSource::Combinations(parts) => parts.iter().any(|(_, part)| in_source(part)),
    }
}

fn in_shape(shape: &Shape) -> bool {
    shape.expressions().iter().any(|(_, e)| reads_steps(e))
}

/// The parts of a step that are known only after earlier steps, as text.
fn depends(step: &Step) -> Option<String> {
    let source = |source: &ItemSource| match source {
        ItemSource::Step(id) => format!("rows of {}", shown_id(id)),
        ItemSource::Shape(_) | ItemSource::Combinations(_) => "elements from earlier steps".to_owned(),
    };
    if let Some(each) = step.each.as_ref().filter(|f| in_source(f)) {
        return Some(format!("once for each of the {}", source(each)));
    }
    if let Some(items) = step.items.as_ref().filter(|f| in_source(f)) {
        return Some(format!("with the {}", source(items)));
    }
    let others = in_shape(&step.options)
        || step.keep.as_ref().filter(|_| step.items.is_some()).is_some_and(reads_steps)
        || step.map.as_ref().filter(|_| step.items.is_some()).is_some_and(in_shape)
        || step.when.as_ref().is_some_and(reads_steps);
    others.then(|| "with values from earlier steps".to_owned())
}
