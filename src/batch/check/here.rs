//! Where a step is in its file, and what all kinds of steps have: limits, and steps that come before.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use super::context::CheckContext;
use super::names::{self, StepIds};
use super::row_fields::Sources;
use super::save::saves;
use super::saved_record::SavedRecord;
use crate::authoring::Checker;
use crate::authoring::duration::duration;
use crate::batch::file::{RetryFile, StepFile, UnknownFieldsFile};
use crate::batch::run_plan::{Phase, Step, StepLimits};
use crate::batch::save_plan::Save;
use crate::definition::{Fields, Operation};

/// Where a step is, and what is known of the steps before it.
pub(super) struct StepHere<'h> {
    pub(super) at: &'h str,
    pub(super) number: usize,
    pub(super) phase: Phase,
    pub(super) ids: &'h StepIds<'h>,
    pub(super) rows: &'h Rc<BTreeMap<String, Fields>>,
    pub(super) kept: &'h names::KeptNames,
    pub(super) context: &'h CheckContext<'h>,
}

/// The step if it is valid, with its operation if it calls one; and the fields of its rows.
pub(super) type CheckedStep = (Option<(Step, Option<Arc<Operation>>)>, Fields);

impl StepHere<'_> {
    /// Where the rows of a part of an upsert are saved.
    pub(super) fn save_of(&self, c: &mut Checker<'_>, file: &StepFile) -> Vec<Save> {
        let (mut needs, mut awaits) = (BTreeSet::new(), BTreeSet::new());
        let mut names = self.names(file, &mut needs, &mut awaits);
        let record =
            SavedRecord { fields: &Fields::Any, map: None, operation: None, is_partial: false, has_outcomes: false };
        saves(c, self.at, file, &record, &mut names)
    }

    /// The names that a step's expressions can use.
    pub(super) fn names<'n>(
        &'n self,
        file: &StepFile,
        needs: &'n mut BTreeSet<usize>,
        awaits: &'n mut BTreeSet<usize>,
    ) -> names::StepNames<'n, 'n> {
        names::StepNames {
            ids: self.ids,
            kept: self.kept,
            number: self.number,
            context: self.context,
            needs,
            awaits,
            sources: Sources { steps: Rc::clone(self.rows), ..Sources::default() },
            known_fields: file.unknown_fields == UnknownFieldsFile::Refuse,
        }
    }
}

/// The limits that a step or `run` states.
pub(in crate::batch) struct StatedLimits<'f> {
    pub(in crate::batch) retry: Option<&'f RetryFile>,
    pub(in crate::batch) timeout: Option<&'f String>,
    pub(in crate::batch) wait_up_to: Option<&'f String>,
}

impl StatedLimits<'_> {
    /// The limits; `otherwise` has those that are not stated, but for `timeout`, which each has of its own.
    pub(in crate::batch) fn check(&self, c: &mut Checker<'_>, at: &str, otherwise: StepLimits) -> StepLimits {
        let mut time =
            |key: &str, text: Option<&String>| text.and_then(|text| c.accept(&format!("{at}/{key}"), duration(text)));
        let (timeout, wait) = (time("timeout", self.timeout), time("wait_up_to", self.wait_up_to));
        if timeout.is_some_and(|timeout| timeout.is_zero()) {
            c.fault(&format!("{at}/timeout"), "nothing can be done in no time", None);
        }
        let attempts = self.retry.map(|retry| retry.attempts);
        if attempts == Some(0) {
            c.fault(&format!("{at}/retry/attempts"), "a request needs at least one attempt", None);
        }
        StepLimits {
            attempts: attempts.or(otherwise.attempts),
            timeout,
            wait_up_to: wait.unwrap_or(otherwise.wait_up_to),
        }
    }
}

/// The limits of a step; those of the run are its defaults.
pub(super) fn limits(c: &mut Checker<'_>, at: &str, file: &StepFile, context: &CheckContext<'_>) -> StepLimits {
    if file.parallel == 0 {
        c.fault(&format!("{at}/parallel"), "at least one element must run", None);
    }
    let (retry, timeout, wait_up_to) = (file.retry.as_ref(), file.timeout.as_ref(), file.wait_up_to.as_ref());
    StatedLimits { retry, timeout, wait_up_to }.check(c, at, context.limits)
}

/// The steps that the step waits for.
pub(super) fn after(
    c: &mut Checker<'_>,
    at: &str,
    file: &StepFile,
    ids: &StepIds<'_>,
    number: usize,
    needs: &mut BTreeSet<usize>,
) {
    for (index, id) in file.after.iter().enumerate() {
        match ids.position(id) {
            Some(found) if found < number => {
                needs.insert(found);
            }
            Some(_) => c.fault(
                &format!("{at}/after/{index}"),
                format!("the step `{id}` comes later"),
                Some("a step can use only steps above it".into()),
            ),
            None => {
                let hint = ids.hint(id, number);
                c.fault(&format!("{at}/after/{index}"), format!("there is no step `{id}`{hint}"), None);
            }
        }
    }
}
