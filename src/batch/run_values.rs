//! The values of expressions in a run: those that stay the same over a job, and the rows of its earlier steps.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use super::run_plan::MatrixJob;
use crate::error::Result;
use crate::expression::{Fields, RowIter, RowSource, Scope};
use crate::run_store::extent::Extent;
use crate::run_store::rows::Rows;

/// The scope of a job before any step.
pub(crate) fn scope(
    vars: &BTreeMap<String, String>,
    env: &BTreeMap<String, String>,
    job: &MatrixJob,
    run: &str,
    name: &str,
) -> Scope {
    let text = |text: &str| Arc::from(serde_json::Value::from(text).to_string());
    let named = |fields: &[(&str, Option<&str>)]| -> Fields {
        Arc::new(fields.iter().map(|(name, value)| ((*name).to_owned(), value.map_or("null".into(), text))).collect())
    };
    // When a run began is in its id, so that a resumed run has the same.
    let started = run.split_once('-').map_or(run, |(time, _)| time);
    let fixed = BTreeMap::from([
        ("vars", Arc::new(vars.iter().map(|(name, json)| (name.clone(), json.as_str().into())).collect())),
        ("env", Arc::new(env.iter().map(|(name, value)| (name.clone(), text(value))).collect())),
        ("connection", named(&[("name", job.connection.as_deref()), ("connector", job.connector.as_deref())])),
        ("run", named(&[("id", Some(run)), ("name", Some(name)), ("started", Some(started))])),
    ]);
    Scope { fixed: Arc::new(fixed), ..Scope::default() }
}

/// The rows of a step that is done.
#[derive(Debug)]
pub(crate) struct StepRows {
    pub(crate) spool: PathBuf,
    /// What the journal knows of them.
    pub(crate) marks: Arc<[Extent]>,
    pub(crate) count: u64,
    /// Bytes that expressions have compared with that. They may read them once for each item.
    pub(crate) known: Arc<AtomicU64>,
}

impl StepRows {
    fn open(&self) -> Result<Rows> {
        Rows::open_known(&self.spool, Arc::clone(&self.marks), Arc::clone(&self.known))
    }
}

fn all(mut rows: Rows) -> RowIter {
    Box::new(std::iter::from_fn(move || rows.next_row().map(|row| row.map(str::to_owned)).transpose()))
}

impl RowSource for StepRows {
    fn count(&self) -> u64 {
        self.count
    }

    fn row(&self, number: u64) -> Result<Option<String>> {
        let mut rows = self.open()?;
        for _ in 0..number {
            if rows.skip_row()? == 0 {
                return Ok(None);
            }
        }
        Ok(rows.next_row()?.map(str::to_owned))
    }

    fn rows(&self) -> Result<RowIter> {
        Rows::open(&self.spool, Arc::clone(&self.marks)).map(all)
    }

    fn rows_again(&self) -> Result<RowIter> {
        self.open().map(all)
    }
}
