//! The walk of a query step, or of one of its elements, from its options to its first page.

use std::sync::Arc;

use super::context::{Intent, Task, stopped};
use crate::call::{CallOptions, Request, Resume};
use crate::engine::Running;
use crate::error::{Error, ErrorKind, Result};
use crate::expression::Scope;
use crate::page::Page;
use crate::send::Gate;
use crate::walk::Walk;

/// A walk with its first page.
pub(super) struct Primed {
    pub(super) element: u64,
    pub(super) item: Option<String>,
    pub(super) scope: Scope,
    /// Pages of it that an earlier run has read.
    pub(super) pages: u64,
    pub(super) begun: Result<(Walk, Option<Result<Page>>)>,
}

/// Starts an element's walk and waits for its first page, so that several elements run at once.
pub(super) async fn prime(
    task: &Task<'_>,
    element: u64,
    item: Option<String>,
    resume: Option<crate::call::Resume>,
) -> Primed {
    let scope = match &item {
        Some(item) => task.scope.with_item(item, element),
        None => task.scope.clone(),
    };
    let begin = || -> Result<Walk> {
        task.check_stop()?;
        let options = super::call::options(task.step, &scope)?;
        let folder = task.step.files.as_ref().map(|files| files.plain(&scope)).transpose()?;
        let request = Request {
            files: folder.map(|folder| task.context.plan.folder.join(folder)),
            limit: task.step.limit,
            forward_only: task.step.forward_only,
            known_fields: task.step.known_fields,
            ..Request::new(task.step.method, task.step.operation.id.clone(), options)
        };
        let known = task.state();
        // A job that was accepted before the run was killed goes on.
        let of_job = || known.job_of_walk(element).map(|job| Resume { job: Some(job.clone()), ..Resume::default() });
        let intent = Intent::of(task, element, task.context.ledger.stop.clone());
        let resume = resume.or_else(of_job);
        let with = CallOptions {
            gate: Some(Arc::new(intent) as Arc<dyn Gate>),
            keep_jobs: true,
            // Later steps rely on a complete list; unknown fields are handled separately.
            strict: true,
            cancel: task.context.ledger.stop.clone(),
            attempts: task.step.limits.attempts,
            timeout: task.time_left(),
            resume,
            ..CallOptions::default()
        };
        match task.context.effects.call(task.connection, &request, &with)? {
            Running::Read(walk) => Ok(walk),
            Running::Write(_) => Err(Error::new(ErrorKind::Internal, "a query returned outcomes")),
        }
    };
    let mut pages = 0;
    let begun = match begin() {
        Ok(mut walk) => {
            pages = walk.receipt().pages;
            let first = walk.next().await;
            Ok((walk, first))
        }
        Err(error) => Err(error),
    };
    // Expressions on rows see the row as `item`, and the element as `parent`.
    let scope = Scope { parent: scope.item.clone(), item: None, index: None, ..scope };
    Primed {
        element,
        item,
        scope,
        pages,
        begun: begun.map_err(|e| if task.context.ledger.stop.is_cancelled() { stopped() } else { e }),
    }
}
