//! The values of expressions in a run: those of the job, and the rows of its earlier steps.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::batch::event::{StepReport, StepStatus};
use crate::batch::run_plan::MatrixJob;
use crate::error::Result;
use crate::expression::{Fields, LookupKey, RowIter, RowSource, Scope, StepView, scan};
use crate::lock::lock;
use crate::run_store::{Extent, RowIndex, RowReader, RowStore, SharedRows, StepPlace, StepState};

/// The scope of a job before any step.
pub(in crate::batch) fn scope(
    (vars, inputs): (&BTreeMap<String, String>, &BTreeMap<String, String>),
    env: &BTreeMap<String, String>,
    job: &MatrixJob,
    run: &str,
    name: &str,
) -> Scope {
    let text = |text: &str| Arc::from(serde_json::Value::from(text).to_string());
    let named = |fields: &[(&str, Option<&str>)]| -> Fields {
        Arc::new(fields.iter().map(|(name, value)| ((*name).to_owned(), value.map_or("null".into(), text))).collect())
    };
    // The start time is part of the run's id, so that a resumed run has the same.
    let started = started(run);
    let fixed = BTreeMap::from([
        ("vars", Arc::new(vars.iter().map(|(name, json)| (name.clone(), json.as_str().into())).collect())),
        ("inputs", Arc::new(inputs.iter().map(|(name, json)| (name.clone(), json.as_str().into())).collect())),
        ("env", Arc::new(env.iter().map(|(name, value)| (name.clone(), text(value))).collect())),
        ("connection", named(&[("name", job.connection.as_deref()), ("connector", job.connector.as_deref())])),
        ("run", named(&[("id", Some(run)), ("name", Some(name)), ("started", Some(&started))])),
    ]);
    Scope { fixed: Arc::new(fixed), ..Scope::default() }
}

/// How a step has ended, for expressions: JSON text.
struct StepEnding {
    status: Arc<str>,
    error: Arc<str>,
    counts: Arc<str>,
}

impl StepEnding {
    fn of(report: Option<&StepReport>) -> StepEnding {
        let status = report.map_or(StepStatus::NotStarted, |report| report.status);
        let error = report.and_then(|report| report.error.as_ref());
        let error = error.map_or(Value::Null, |e| json!({ "kind": e.kind().to_string(), "message": e.message }));
        let counts = report.map(|report| report.counts).unwrap_or_default();
        let counts = json!({
            "items_in": counts.items_in, "items_out": counts.items_out,
            "failed": counts.failed, "unknown": counts.unknown,
        });
        let text = |value: Value| Arc::from(value.to_string());
        StepEnding { status: text(status.name().into()), error: text(error), counts: text(counts) }
    }
}

/// An earlier step, for expressions: its rows, and how it ended if that is known.
pub(in crate::batch) fn step_view(
    store: Arc<dyn RowStore>,
    place: StepPlace,
    known: &StepState,
    report: Option<&StepReport>,
) -> StepView {
    let rows = StepRows::new(store, place, known.marks.all().into());
    let kept = known.kept.iter().map(|(name, json)| (name.clone(), json.as_str().into())).collect();
    let StepEnding { status, error, counts } = StepEnding::of(report);
    let receipt = known.receipt.to_string().into();
    StepView { rows: Arc::new(rows), receipt, kept: Arc::new(kept), status, error, counts }
}

/// The time in the id of a run, in ISO 8601. A plan has no run: its placeholder keeps the hash of the plan stable.
fn started(run: &str) -> String {
    let time = run.split_once('-').and_then(|(time, _)| time.parse::<jiff::Timestamp>().ok());
    time.unwrap_or(jiff::Timestamp::UNIX_EPOCH).to_string()
}

/// An index; `None` if the store has none.
type Indexed = Option<Arc<dyn RowIndex>>;

/// The rows of a step that is done.
struct StepRows {
    store: Arc<dyn RowStore>,
    place: StepPlace,
    /// The recorded facts about them.
    marks: Arc<[Extent]>,
    count: u64,
    /// Expressions may read them once per item.
    shared: Arc<dyn SharedRows>,
    /// Indexes by the path of their key; built when they are first used.
    indexes: Mutex<BTreeMap<Vec<String>, Indexed>>,
}

impl StepRows {
    fn new(store: Arc<dyn RowStore>, place: StepPlace, marks: Arc<[Extent]>) -> StepRows {
        let (count, shared) = (marks.last().map_or(0, |last| last.rows), store.shared_rows(&place, Arc::clone(&marks)));
        StepRows { store, place, marks, count, shared, indexes: Mutex::default() }
    }

    /// The index by a path.
    fn index(&self, path: &[String]) -> Result<Indexed> {
        let mut indexes = lock(&self.indexes);
        if let Some(index) = indexes.get(path) {
            return Ok(index.clone());
        }
        let index = self.store.index(&self.place, Arc::clone(&self.marks), path)?;
        indexes.insert(path.to_vec(), index.clone());
        Ok(index)
    }
}

impl std::fmt::Debug for StepRows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StepRows").field("place", &self.place).field("count", &self.count).finish_non_exhaustive()
    }
}

fn all(mut rows: Box<dyn RowReader>) -> RowIter {
    Box::new(std::iter::from_fn(move || rows.next_row().map(|row| row.map(Arc::from)).transpose()))
}

impl RowSource for StepRows {
    fn count(&self) -> u64 {
        self.count
    }

    fn row(&self, number: u64) -> Result<Option<Arc<str>>> {
        let mut rows = self.shared.open()?;
        for _ in 0..number {
            if rows.skip_row()? == 0 {
                return Ok(None);
            }
        }
        Ok(rows.next_row()?.map(Arc::from))
    }

    fn rows(&self) -> Result<RowIter> {
        self.store.rows(&self.place, Arc::clone(&self.marks)).map(all)
    }

    fn rows_again(&self) -> Result<RowIter> {
        self.shared.open().map(all)
    }

    fn lookup_all(&self, path: &[String], key: &LookupKey, most: usize) -> Result<Vec<Arc<str>>> {
        let Some(index) = self.index(path)? else { return scan(self.rows_again()?, path, key, most) };
        let found = index.find(&key.json(), most)?;
        if !found.is_empty() {
            return Ok(found);
        }
        // If all keys are of the other type, that is a mistake, not an absence.
        let samples = index.samples()?;
        let keys: Vec<LookupKey> = samples.iter().flatten().filter_map(|row| LookupKey::of_row(row, path)).collect();
        match keys.first() {
            Some(own) if keys.iter().all(|own| !own.is_like(key)) => Err(key.mismatch(path, own)),
            _ => Ok(found),
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_start_of_a_run_is_a_time() {
        assert_eq!(super::started("20261130T020304Z-0a1b"), "2026-11-30T02:03:04Z");
        assert_eq!(super::started("RUN"), "1970-01-01T00:00:00Z");
    }
}
