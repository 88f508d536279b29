//! The watermark of a step while it reads: the largest value, and the rows that were passed on.

use std::sync::Arc;

use super::context::Task;
use crate::error::{Error, ErrorKind, Result, did_you_mean};
use crate::item::Item;
use crate::json_text::fields_of;
use crate::run_store::{Before, Extent, Mark, Measure, RowWriter, SeenRow, SeenRows, StepState, larger_mark};

/// The watermark of a running step.
pub(super) struct Marking {
    pointer: Vec<String>,
    key: Option<Vec<String>>,
    pub(super) mark: Mark,
    seen: SeenRows,
    /// The rows that this run has passed on.
    passed: Box<dyn RowWriter>,
    /// Rows that were read, and those without a value.
    rows: u64,
    without: u64,
    /// The nearest name in the first row without a value.
    hint: Option<String>,
}

/// A state to which it can go back.
#[derive(Clone)]
pub(super) struct MarkingPlace {
    mark: Mark,
    passed: Measure,
    added: usize,
}

impl Marking {
    /// The watermark of a step, if it is a value of its rows.
    ///
    /// # Errors
    /// `state` when the rows of earlier runs cannot be read.
    pub(super) fn begin(task: &Task<'_>, state: &StepState) -> Result<Option<Marking>> {
        let Some((rule, pointer)) = task.step.watermark.as_ref().and_then(|rule| Some((rule, rule.pointer.as_ref()?)))
        else {
            return Ok(None);
        };
        let store = &task.context.store;
        let kept = store.watermarks().get(&task.key).cloned();
        let wrong = || Error::new(ErrorKind::Internal, "the start of a watermark is neither text nor number");
        let mark = state.mark.clone().or(kept).or_else(|| Mark::parse(&rule.start)).ok_or_else(wrong)?;
        let place = task.place.of_seen();
        let mut earlier = store.seen(&task.key)?;
        let mut own = store.rows(&place, Arc::from([state.seen]));
        // Rows after the recorded ones are removed by the writer.
        if own.is_err() {
            drop(store.writer(&place, state.seen, true)?);
            own = store.rows(&place, Arc::from([state.seen]));
        }
        let mut own = own?;
        while let Some(row) = own.next_row()? {
            earlier.extend(serde_json::from_str::<SeenRow>(row).ok());
        }
        Ok(Some(Marking {
            pointer: pointer.tokens().to_vec(),
            key: rule.key.as_ref().map(|key| key.tokens().to_vec()),
            mark,
            seen: SeenRows::new(earlier.into_iter()),
            passed: store.writer(&place, state.seen, true)?,
            rows: state.items,
            without: 0,
            hint: None,
        }))
    }

    /// Raises the mark to a row's value. Returns whether the row was not passed on before.
    ///
    /// # Errors
    /// `bad_response` when the value cannot be compared with the mark.
    pub(super) fn is_new(&mut self, item: Item<'_>) -> Result<bool> {
        self.rows += 1;
        let row = match larger_mark(&mut self.mark, item, &self.pointer)? {
            Some(value) => SeenRow::of(item, &value, self.key.as_deref()),
            None => {
                self.without += 1;
                self.hint.get_or_insert_with(|| hint(item, &self.pointer));
                SeenRow::without_mark(item)
            }
        };
        let is_new = self.seen.add(row);
        if is_new {
            self.passed.push(&serde_json::to_string(&row).unwrap_or_default());
        }
        Ok(is_new)
    }

    /// Whether the rows have a value: if none has, the pointer leads nowhere. Returns a note for the user.
    ///
    /// # Errors
    /// `bad_response` when no row has one.
    pub(super) fn check(&self) -> Result<Option<String>> {
        let pointer = format!("/{}", self.pointer.join("/"));
        match self.without {
            0 => Ok(None),
            without if without == self.rows => {
                let hint = self.hint.as_deref().unwrap_or_default();
                let message = format!("no row has a value at {pointer}, so the watermark cannot move{hint}");
                Err(Error::new(ErrorKind::BadResponse, message)
                    .advise("set the watermark's `pointer` to a field of the rows"))
            }
            without => {
                Ok(Some(format!("{without} of {} rows have no value at {pointer} for the watermark", self.rows)))
            }
        }
    }

    pub(super) fn flush(&mut self) -> Result<()> {
        self.passed.flush()
    }

    pub(super) fn unsaved(&mut self) -> Before {
        self.passed.unsaved()
    }

    pub(super) fn extent(&self) -> Extent {
        self.passed.measure().extent()
    }

    pub(super) fn place(&self) -> MarkingPlace {
        MarkingPlace { mark: self.mark.clone(), passed: self.passed.measure().clone(), added: self.seen.added() }
    }

    pub(super) fn rewind(&mut self, place: MarkingPlace) -> Result<()> {
        self.mark = place.mark;
        self.seen.rewind(place.added);
        self.passed.rewind(place.passed)
    }
}

/// The nearest field to a pointer's last one.
fn hint(item: Item<'_>, pointer: &[String]) -> String {
    let Some((last, above)) = pointer.split_last() else { return String::new() };
    let parent = if above.is_empty() { Some(item.as_str()) } else { item.raw(above) };
    let names = parent.and_then(fields_of).unwrap_or_default();
    did_you_mean(last, names.iter().map(|(name, _)| name.as_str()))
}
