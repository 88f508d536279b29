//! The outcomes of a write as rows, one for each item: for places with `rows: outcomes`.

use super::context::stopped;
use super::item_source::Inputs;
use super::upsert::WrittenItems;
use crate::batch::run_plan::Step;
use crate::error::Result;
use crate::expression::Scope;
use crate::json_text::put_object;
use crate::run_store::{Extent, Marks, RunStore, StepPlace, StepState};
use crate::send::Cancel;

/// Rows between two looks at whether the run must stop.
const ROWS_PER_CHECK: u64 = 4096;

/// What the outcomes are made from.
pub(in crate::batch) struct OutcomeSource<'s> {
    pub(in crate::batch) store: &'s std::sync::Arc<dyn RunStore>,
    pub(in crate::batch) step: &'s Step,
    pub(in crate::batch) scope: &'s Scope,
    pub(in crate::batch) state: &'s StepState,
    pub(in crate::batch) place: StepPlace,
    pub(in crate::batch) stop: &'s Cancel,
}

/// Writes a row with `index`, `outcome`, `item`, `record` and `error` for each item. Returns where they are.
///
/// # Errors
/// `state` when the disk fails; those of expressions.
pub(in crate::batch) fn outcome_rows(from: &OutcomeSource<'_>) -> Result<(StepPlace, Marks)> {
    let place = from.place.of_outcomes();
    from.store.clear(&place)?;
    let mut rows = from.store.writer(&place, Extent::default(), true)?;
    let mut marks = Marks::default();
    let failures = from.store.failed_items(&from.place)?;
    let mut written = WrittenItems::of(from.store, &from.place, from.state)?;
    let mut inputs = match &from.step.items {
        Some(source) => Some(Inputs::open(source, from.step, from.scope)?.edited(from.state, 0)),
        None => None,
    };
    for index in 0_u64.. {
        let item = match &mut inputs {
            Some(inputs) => match inputs.next_input()? {
                Some((_, made)) => made.unwrap_or_else(|(element, _)| element),
                None => break,
            },
            // A write without items is one request.
            None if index == 0 => "null".to_owned(),
            None => break,
        };
        let (outcome, record) = written.next("ok")?;
        let error = failures.get(&(0, index)).and_then(|content| content.error.clone());
        let (number, outcome) = (index.to_string(), format!("\"{outcome}\""));
        let mut out = String::new();
        let fields = [
            ("index", number.as_str()),
            ("outcome", outcome.as_str()),
            ("item", item.as_str()),
            ("record", record.as_deref().unwrap_or("null")),
            ("error", error.as_deref().unwrap_or("null")),
        ];
        put_object(&mut out, fields, |out, raw| out.push_str(raw));
        rows.push(&out);
        if index.is_multiple_of(ROWS_PER_CHECK) {
            rows.flush()?;
            marks.note(rows.measure().extent());
            if from.stop.is_cancelled() {
                return Err(stopped());
            }
        }
    }
    rows.flush()?;
    marks.note(rows.measure().extent());
    Ok((place, marks))
}
