//! Steps that work on the rows of earlier steps. Memory is bounded: what does not fit is in temporary files.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::context::{Task, stopped};
use super::item_source::{Elements, shaped};
use super::upsert::compare;
use crate::batch::event::StepCounts;
use crate::batch::local_plan::{Action, TransformPlan};
use crate::batch::run_plan::Step;
use crate::error::{Error, ErrorKind, Result};
use crate::expression::Scope;
use crate::json_text::put_object;
use crate::private_file;
use crate::receipt::Usage;
use crate::row_work::{WorkInput, WorkPlan, Workspace, flatten_row};
use crate::run_store::RowWriter;
use crate::send::Cancel;
use crate::sink::failed;

/// Works on all rows. An interrupted step begins again.
///
/// # Errors
/// `invalid_items` with the number of a row that does not fit; errors of expressions; `state` when the disk fails.
pub(in crate::batch) async fn run(task: &Task<'_>, plan: &TransformPlan) -> Result<()> {
    let began = task.clock().now();
    let store = &task.context.store;
    store.clear(&task.place)?;
    let rows = store.writer(&task.place, crate::run_store::Extent::default(), true)?;
    let counts = Arc::new(AtomicU64::new(0));
    let work = TransformWork {
        step: task.step.clone(),
        look_ups: LookUps::of(task, plan),
        plan: plan.clone(),
        scope: task.scope.clone(),
        folder: store.work_folder(),
        name: task.key.replace('/', "."),
        read: Arc::clone(&counts),
        stop: task.context.ledger.stop.clone(),
    };
    let mut working = tokio::task::spawn_blocking(move || work.run(rows));
    let ended = loop {
        tokio::select! {
            ended = &mut working => break ended,
            () = task.clock().sleep(Duration::from_millis(200)) => {
                let items_in = counts.load(Ordering::Relaxed);
                task.progress(StepCounts { items_in, ..StepCounts::default() }, None).await;
            }
        }
    };
    let lost = |e| Error::new(ErrorKind::Internal, format!("the work on rows ended: {e}"));
    let rows = ended.map_err(lost)??;
    let elapsed_ms = task.clock().now().saturating_sub(began).as_millis() as u64;
    let items_in = counts.load(Ordering::Relaxed);
    let receipt = |rows| serde_json::json!({ "items": rows, "items_in": items_in });
    task.done(rows, Some(items_in), Usage { elapsed_ms, ..Usage::default() }, receipt).await
}

/// The work, apart from the run: it blocks its thread.
struct TransformWork {
    step: Step,
    plan: TransformPlan,
    look_ups: LookUps,
    scope: Scope,
    folder: PathBuf,
    name: String,
    /// Rows that were read.
    read: Arc<AtomicU64>,
    stop: Cancel,
}

/// How the look-ups of the rows have ended.
struct LookUps {
    /// Rows that could not be looked up: what to do with them is not known.
    failed: BTreeSet<u64>,
    /// Rows that a retry has looked up, in this order. They come last, because the rows before have been used already.
    later: Vec<u64>,
}

impl LookUps {
    fn of(task: &Task<'_>, plan: &TransformPlan) -> LookUps {
        let known =
            plan.looked_up.as_ref().map(|id| task.context.ledger.state().step(&format!("{}/{id}", task.job.name)));
        let known = known.unwrap_or_default();
        LookUps { failed: known.elements_left_out().collect(), later: known.recovered }
    }

    /// The rows in their order, without those that could not be looked up.
    fn in_order<'s>(&'s self, rows: Stream<'s>) -> Stream<'s> {
        if self.failed.is_empty() && self.later.is_empty() {
            return rows;
        }
        let mut kept: BTreeMap<u64, Arc<str>> = BTreeMap::new();
        let mut rows = numbered(rows);
        let mut later = self.later.iter();
        Box::new(std::iter::from_fn(move || {
            for row in rows.by_ref() {
                match row {
                    Ok((number, row)) if self.later.contains(&number) => drop(kept.insert(number, row)),
                    Ok((number, _)) if self.failed.contains(&number) => {}
                    other => return Some(other.map(|(_, row)| row)),
                }
            }
            later.by_ref().find_map(|number| kept.remove(number)).map(Ok)
        }))
    }
}

/// Rows one after the other.
type Stream<'s> = Box<dyn Iterator<Item = Result<Arc<str>>> + 's>;

impl TransformWork {
    fn run(&self, mut rows: Box<dyn RowWriter>) -> Result<Box<dyn RowWriter>> {
        private_file::folder(&self.folder).map_err(|e| failed("made", &self.folder, &e))?;
        let mut kept: Option<TransformStage> = None;
        let mut left = self.plan.actions.as_slice();
        loop {
            let (light, heavy) = split(left);
            let source = match &kept {
                Some(stage) => stage.rows()?,
                None => self.source()?,
            };
            let stream = self.light(source, light);
            let Some((action, rest)) = heavy else {
                self.write(stream, &mut *rows)?;
                return Ok(rows);
            };
            let number = self.plan.actions.len() - rest.len();
            let mut stage = TransformStage::begin(&self.folder, &format!("{}.{number}", self.name))?;
            self.heavy(stream, action, number, &mut |row| stage.push(row))?;
            kept = Some(stage.finish()?);
            left = rest;
        }
    }

    fn check(&self) -> Result<()> {
        if self.stop.is_cancelled() { Err(stopped()) } else { Ok(()) }
    }

    /// The rows that it works on.
    fn source(&self) -> Result<Stream<'_>> {
        let elements = Elements::open(&self.plan.from, &self.scope)?;
        Ok(self.look_ups.in_order(Box::new(elements.map(|element| {
            let count = self.read.fetch_add(1, Ordering::Relaxed);
            if count.is_multiple_of(4096) {
                self.check()?;
            }
            element.map(|(_, row)| Arc::from(row))
        }))))
    }

    /// Actions that need only one row at a time.
    fn light<'s>(&'s self, mut rows: Stream<'s>, actions: &'s [Action]) -> Stream<'s> {
        for action in actions {
            rows = match action {
                Action::Filter(keep) => Box::new(numbered(rows).filter_map(move |row| {
                    let kept = row.and_then(|(number, row)| {
                        let scope = self.scope.with_item(&row, number);
                        keep.truth(&scope).map(|kept| kept.then_some(row)).map_err(|e| at_row(e, "filter", number))
                    });
                    kept.transpose()
                })),
                Action::Map(map) => Box::new(numbered(rows).map(move |row| {
                    row.and_then(|(number, row)| {
                        let scope = self.scope.with_item(&row, number);
                        map.json(&scope).map(Arc::from).map_err(|e| at_row(e, "map", number))
                    })
                })),
                Action::Wrap(name) => Box::new(rows.map(move |row| {
                    row.map(|row| {
                        let mut out = String::new();
                        put_object(&mut out, [(name.as_str(), &*row)], |out, row| out.push_str(row));
                        Arc::from(out)
                    })
                })),
                Action::Compare(plan) => Box::new(
                    numbered(rows)
                        .map(move |row| row.and_then(|(number, row)| compare(plan, &row, number).map(Arc::from))),
                ),
                Action::Work(WorkPlan::Flatten(plan)) => Box::new(numbered(rows).flat_map(move |row| {
                    let mut found: Vec<Result<Arc<str>>> = Vec::new();
                    let flat = row.and_then(|(number, row)| {
                        flatten_row(&row, number + 1, plan, &mut |row| {
                            found.push(Ok(Arc::from(row)));
                            Ok(())
                        })
                    });
                    found.extend(flat.err().map(Err));
                    found
                })),
                Action::Work(_) | Action::Join(..) => rows,
            };
        }
        rows
    }

    /// An action that needs all rows.
    fn heavy(
        &self,
        mut rows: Stream<'_>,
        action: &Action,
        number: usize,
        each: &mut dyn FnMut(&str) -> Result<()>,
    ) -> Result<()> {
        let (name, check) = (format!("{}.work{number}", self.name), || self.check());
        let work = Workspace::new(&self.folder, &name, &check)?;
        match action {
            Action::Work(plan) => plan.run(WorkInput { rows: &mut rows, right: None }, &work, each),
            Action::Join(plan, with) => {
                let mut right: Stream<'_> =
                    Box::new(Elements::open(with, &self.scope)?.map(|e| e.map(|(_, row)| Arc::from(row))));
                plan.run(WorkInput { rows: &mut rows, right: Some(&mut right) }, &work, each)
            }
            Action::Filter(_) | Action::Map(_) | Action::Wrap(_) | Action::Compare(_) => Ok(()),
        }
    }

    /// The rows of the step, after `where` and `map`.
    fn write(&self, stream: Stream<'_>, rows: &mut dyn RowWriter) -> Result<()> {
        for (number, row) in (0..).zip(stream) {
            if let Some(row) = shaped(&self.step, &self.scope, &row?, number)? {
                rows.push(&row);
            }
            if number.is_multiple_of(1024) {
                rows.flush()?;
            }
        }
        rows.flush()
    }
}

/// The actions up to the first that needs all rows; that one, and the rest.
fn split(actions: &[Action]) -> (&[Action], Option<(&Action, &[Action])>) {
    let is_light = |action: &Action| match action {
        Action::Filter(_) | Action::Map(_) | Action::Wrap(_) | Action::Compare(_) => true,
        Action::Work(WorkPlan::Flatten(_)) => true,
        Action::Work(_) | Action::Join(..) => false,
    };
    let at = actions.iter().position(|action| !is_light(action)).unwrap_or(actions.len());
    let (light, rest) = actions.split_at(at);
    (light, rest.split_first())
}

fn numbered<'s>(rows: Stream<'s>) -> impl Iterator<Item = Result<(u64, Arc<str>)>> + 's {
    (0..).zip(rows).map(|(number, row)| row.map(|row| (number, row)))
}

fn at_row(error: Error, what: &str, number: u64) -> Error {
    error.with(|d| d.message = format!("`{what}` at row {number}: {}", d.message))
}

/// Rows between two actions, in a temporary file.
struct TransformStage {
    path: PathBuf,
    file: Option<BufWriter<File>>,
}

impl TransformStage {
    fn begin(folder: &Path, name: &str) -> Result<TransformStage> {
        let path = folder.join(format!("{name}.rows"));
        let file = private_file::begin(&path, true).map_err(|e| failed("written", &path, &e))?;
        Ok(TransformStage { path, file: Some(BufWriter::with_capacity(256 << 10, file)) })
    }

    fn push(&mut self, row: &str) -> Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        file.write_all(row.as_bytes())
            .and_then(|()| file.write_all(b"\n"))
            .map_err(|e| failed("written", &self.path, &e))
    }

    fn finish(mut self) -> Result<TransformStage> {
        if let Some(mut file) = self.file.take() {
            file.flush().map_err(|e| failed("written", &self.path, &e))?;
        }
        Ok(self)
    }

    fn rows(&self) -> Result<Stream<'static>> {
        let path = self.path.clone();
        let file = File::open(&path).map_err(|e| failed("read", &path, &e))?;
        let lines = BufReader::with_capacity(256 << 10, file).lines();
        Ok(Box::new(lines.map(move |line| line.map(Arc::from).map_err(|e| failed("read", &path, &e)))))
    }
}

impl Drop for TransformStage {
    fn drop(&mut self) {
        let _only_uses_space = std::fs::remove_file(&self.path);
    }
}
