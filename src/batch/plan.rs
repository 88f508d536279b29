//! The plan of a run: every request that is known in advance. Sends nothing.

use std::path::Path;

use serde::Serialize;

use super::event::StepName;
use super::load::fingerprint;
use super::run::run_values;
use super::run_plan::{Batch, ItemSource, MatrixJob, Step};
use super::step::{Elements, Inputs};
use crate::call::Request;
use crate::definition::Method;
use crate::error::{Error, Result};
use crate::expression::{Expr, Scope, Shape};
use crate::item::Items;
use crate::request::PlannedRequest;
use crate::run_store::{Mark, load_watermarks};

/// The requests of a run, as far as they are known.
#[derive(Clone, Debug, Serialize)]
pub struct BatchPlan {
    /// The batch's name.
    pub name: String,
    /// The steps in order, job by job.
    pub steps: Vec<StepPlan>,
    /// A digest of the whole plan.
    pub hash: String,
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
    /// Parts that depend on earlier steps and are known later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub depends: Option<String>,
    /// Whether `when` is false.
    pub skipped: bool,
    /// Whether each request is the first of several pages.
    pub paged: bool,
    /// The requests, credentials masked.
    pub requests: Vec<PlannedRequest>,
}

impl Batch {
    /// The plan of a run. `state` is the folder of runs, which has the watermarks.
    ///
    /// # Errors
    /// Those of [`Session::plan`](crate::Session::plan) for a step; `state` when the
    /// watermarks cannot be read; `invalid_options` when an expression has no value.
    pub fn plan(&self, state: Option<&Path>) -> Result<BatchPlan> {
        let watermarks = load_watermarks(&self.run_folder(state))?;
        let mut steps = Vec::new();
        let plan = &self.plan;
        for (number, job) in plan.jobs.iter().enumerate() {
            for step in &plan.steps {
                let mut scope = run_values::scope(&plan.vars, self.effects.environment(), job, "RUN", &plan.name);
                scope.watermark = step.watermark.as_ref().map(|w| {
                    let kept = watermarks.marks().get(&step.key(job)).map(Mark::json);
                    kept.unwrap_or_else(|| w.start.clone()).into()
                });
                steps.push(self.plan_step(number, job, step, &scope).map_err(|e| named(e, job, step))?);
            }
        }
        let mut plan = BatchPlan { name: plan.name.clone(), steps, hash: String::new() };
        plan.hash = fingerprint(&serde_json::to_string(&plan).unwrap_or_default());
        Ok(plan)
    }

    fn plan_step(&self, number: usize, job: &MatrixJob, step: &Step, scope: &Scope) -> Result<StepPlan> {
        let connection = step.connections.get(number).cloned().unwrap_or_default();
        let mut plan = StepPlan {
            name: StepName { job: job.name.clone(), step: step.id.clone() },
            method: step.method,
            operation: step.operation.id.clone(),
            request_line: step.operation.request_line.clone(),
            depends: depends(step),
            skipped: false,
            paged: step.method == Method::Query && step.operation.is_paged,
            requests: Vec::new(),
            connection,
        };
        if let Some(when) = step.when.as_ref().filter(|w| !reads_steps(w)) {
            plan.skipped = !when.truth(scope)?;
        }
        if plan.skipped || plan.depends.is_some() {
            return Ok(plan);
        }
        match &step.each {
            None => plan.requests = self.requests(&plan.connection, step, scope)?,
            Some(source) => {
                for element in Elements::open(source, scope)? {
                    let (number, item) = element?;
                    plan.requests.extend(self.requests(&plan.connection, step, &scope.with_item(&item, number))?);
                }
            }
        }
        Ok(plan)
    }

    fn requests(&self, connection: &str, step: &Step, scope: &Scope) -> Result<Vec<PlannedRequest>> {
        let options = super::step::options(step, scope)?;
        let items = match &step.items {
            None => None,
            Some(source) => {
                let items: Result<Vec<String>> =
                    Inputs::open(source, step, scope)?.map(|i| i.map(|(_, item)| item)).collect();
                Some(Items::from_array(format!("[{}]", items?.join(",")))?)
            }
        };
        let request = Request {
            items,
            limit: step.limit,
            forward_only: step.forward_only,
            ..Request::new(step.method, step.operation.id.clone(), options)
        };
        self.effects.plan(connection, &request)
    }
}

fn named(error: Error, job: &MatrixJob, step: &Step) -> Error {
    let name = StepName { job: job.name.clone(), step: step.id.clone() };
    error.with(|d| d.message = format!("the step {name}: {}", d.message))
}

fn reads_steps(expr: &Expr) -> bool {
    expr.paths().iter().any(|path| path.first().is_some_and(|root| root == "steps"))
}

/// The parts of a step that are known only after earlier steps, as text.
fn depends(step: &Step) -> Option<String> {
    let in_shape = |shape: &Shape| shape.expressions().iter().any(|(_, e)| reads_steps(e));
    let in_source = |source: &ItemSource| match source {
        ItemSource::Step(_) => true,
        ItemSource::Shape(shape) => in_shape(shape),
    };
    let source = |source: &ItemSource| match source {
        ItemSource::Step(id) => format!("rows of {id}"),
        ItemSource::Shape(_) => "elements from earlier steps".to_owned(),
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
