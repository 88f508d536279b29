//! Checks the output files of a batch.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::context::CheckContext;
use crate::authoring::Checker;
use crate::batch::run::run_values;
use crate::batch::run_plan::{MatrixJob, Step};
use crate::batch::save::{PathTemplate, Protected, SavePlace, SaveTarget, header_fault, target, writable};
use crate::batch::save_plan::Save;
use crate::error::{Advice, Error, Result};
use crate::expression::Scope;
use crate::table::LoadMode;

/// The output files that were checked before, without links.
type Taken = Vec<(PathTemplate, String, String)>;

/// A fault of an output file; and whether the disk is the reason.
type TargetFault = (String, Option<Advice>, bool);

/// What all output files are checked with.
struct Targets<'t> {
    protected: Protected,
    folder: &'t Path,
    has_stdout: bool,
    taken: Taken,
    /// Tables, with the steps and jobs that fill them, and whether each replaces rows of others.
    tables: Vec<(String, String, String, bool)>,
}

/// The output files: each must be writable, in a known format, and none is written twice. Returns how many faults the
/// disk caused. `inputs` are the batch's own files without links, which must not be overwritten.
pub(in crate::batch) fn targets(
    c: &mut Checker<'_>,
    steps: &[(String, Step)],
    context: &CheckContext<'_>,
    (folder, inputs): (&Path, &BTreeSet<PathBuf>),
    name: &str,
) -> usize {
    if steps.iter().all(|(_, step)| step.save.is_empty()) {
        return 0;
    }
    let scope = |job: &MatrixJob| run_values::scope((context.vars, context.inputs), context.env, job, "RUN", name);
    let mut protected = Protected::of_inputs(inputs.clone());
    for job in context.jobs {
        let scope = scope(job);
        steps.iter().for_each(|(_, step)| protected.add_loaded(step, &scope, folder, &[]));
    }
    let mut all = Targets { protected, folder, has_stdout: context.has_stdout, taken: Vec::new(), tables: Vec::new() };
    let (mut refused, mut told) = (0, BTreeSet::new());
    for (place, step) in steps {
        for (index, save) in step.save.iter().enumerate() {
            let at = if step.save.len() > 1 { format!("{place}/save/{index}") } else { format!("{place}/save") };
            for job in context.jobs {
                let fault = all.fault(step, save, job, &scope(job));
                if let Some((message, advice, is_of_disk)) = fault
                    && told.insert((at.clone(), message.clone()))
                {
                    refused += usize::from(is_of_disk);
                    c.fault(&at, message, advice);
                }
            }
        }
    }
    refused
}

fn said(error: &Error) -> TargetFault {
    (error.message.clone(), error.advice.clone(), false)
}

impl Targets<'_> {
    fn fault(&mut self, step: &Step, save: &Save, job: &MatrixJob, scope: &Scope) -> Option<TargetFault> {
        let target = match target(save, scope, self.folder) {
            Ok(target) => target,
            Err(error) => return Some(said(&error)),
        };
        if let SavePlace::Table(table) = &target.place {
            let is_input = target.probe().and_then(|path| self.protected.check(&path).err());
            let fault = is_input.as_ref().map(said).or_else(|| self.shared(step, save, job, &table.to_string()));
            let refused = || target.probe().map(|path| writable(&path))?.err();
            return fault.or_else(|| refused().map(|error| (error.message.clone(), error.advice.clone(), true)));
        }
        let Some(probe) = target.probe() else {
            let message = "this host does not provide standard output".to_owned();
            return (!self.has_stdout).then(|| (message, Some(Advice::from("save to a file")), false));
        };
        let is_input = match &target.place {
            SavePlace::File(path) => self.protected.check(path).err().map(|error| said(&error)),
            SavePlace::Parts(_) | SavePlace::Stdout | SavePlace::Table(_) => None,
        };
        let fault = is_input.or_else(|| self.taken(step, save, job, &target));
        fault.or_else(|| {
            let refusal = writable(&probe).and_then(|()| continued(save, &target));
            match refusal {
                Err(error) => Some((error.message.clone(), error.advice.clone(), true)),
                Ok(why) => why.map(|why| {
                    let message = format!("rows cannot be added to {}: {why}", probe.display());
                    (message, Some("set `columns` to those of the file, or save to another file".into()), false)
                }),
            }
        })
    }

    /// Whether rows in a table would be deleted by those of another step, or of the same for another connection.
    fn shared(&mut self, step: &Step, save: &Save, job: &MatrixJob, table: &str) -> Option<TargetFault> {
        let mode = save.load.as_ref().map(|load| load.mode).unwrap_or_default();
        let replaces = !matches!(mode, LoadMode::Append | LoadMode::Upsert);
        let other = self.tables.iter().find(|(known, _, _, other)| known == table && (replaces || *other));
        let fault = other.map(|(_, id, other, _)| {
            if *id != step.id {
                let message = format!("the step `{id}` also fills {table}, and `{}` replaces rows", mode.name());
                (message, Some(Advice::from("give each step a table of its own, or use `mode: upsert`")), false)
            } else if *other == job.name {
                (format!("{table} is filled twice, and `{}` replaces rows", mode.name()), None, false)
            } else {
                let message = format!(
                    "{table} would be filled for both {other} and {}, and one replaces the other's rows",
                    job.name
                );
                (message, Some(Advice::from("put ${{ connection.name }} into the name of the table")), false)
            }
        });
        self.tables.push((table.to_owned(), step.id.clone(), job.name.clone(), replaces));
        fault
    }

    /// Whether another step, or the same for another connection, writes the file.
    fn taken(&mut self, step: &Step, save: &Save, job: &MatrixJob, target: &SaveTarget) -> Option<TargetFault> {
        let own = target.template()?.real();
        let shown = match &target.place {
            SavePlace::File(path) => path.display().to_string(),
            SavePlace::Parts(_) | SavePlace::Stdout | SavePlace::Table(_) => save.written_path(),
        };
        let other = self.taken.iter().find(|(other, ..)| other.may_be(&own));
        let fault = other.map(|(_, id, other)| {
            if *id != step.id {
                let advice = target.is_partitioned().then(|| Advice::from("put each step's files in its own folder"));
                (format!("the step `{id}` also writes {shown}"), advice, false)
            } else if *other == job.name {
                (format!("{shown} is written twice"), None, false)
            } else {
                let advice = Advice::from("put ${{ connection.name }} into the path");
                (format!("{shown} would be written for both {other} and {}", job.name), Some(advice), false)
            }
        });
        self.taken.push((own, step.id.clone(), job.name.clone()));
        fault
    }
}

/// Why rows cannot be added to a file that exists, as far as its columns are chosen.
fn continued(save: &Save, target: &SaveTarget) -> Result<Option<String>> {
    match &target.place {
        SavePlace::File(path) if save.append && !save.table.columns.is_empty() => {
            header_fault(path, save, target.format, &save.table.titles(target.format))
        }
        SavePlace::File(_) | SavePlace::Parts(_) | SavePlace::Stdout | SavePlace::Table(_) => Ok(None),
    }
}
