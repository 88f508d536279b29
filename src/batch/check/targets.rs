//! Checks the output files of a batch.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::context::CheckContext;
use crate::authoring::Checker;
use crate::batch::run::{run_values, save};
use crate::batch::run_plan::Step;
use crate::error::{Advice, Error};
use crate::real_path::{plain, real_path};

/// The output files: each must be writable, in a known format, and none is written twice. Returns how many faults the
/// disk caused. `inputs` are the batch's own files, which must not be overwritten.
pub(in crate::batch) fn targets(
    c: &mut Checker<'_>,
    steps: &[(String, Step)],
    context: &CheckContext<'_>,
    (folder, inputs): (&Path, &[&Path]),
    name: &str,
) -> usize {
    let inputs: Vec<PathBuf> = inputs.iter().map(|path| real_path(path)).collect();
    let mut refused = 0;
    let mut taken: BTreeMap<PathBuf, (String, String)> = BTreeMap::new();
    let mut told = BTreeSet::new();
    for (place, step) in steps {
        let Some(save) = &step.save else { continue };
        let at = format!("{place}/save");
        for job in context.jobs {
            let scope = run_values::scope((context.vars, context.inputs), context.env, job, "RUN", name);
            let fault = match save::target(save, &scope, folder) {
                Err(error) => Some((error.message.clone(), error.advice.clone())),
                Ok(save::SavePlace::Stdout(_)) if context.has_stdout => None,
                Ok(save::SavePlace::Stdout(_)) => {
                    let message = "this host does not provide standard output".to_owned();
                    Some((message, Some(Advice::from("save to a file"))))
                }
                Ok(save::SavePlace::File(path, _)) => {
                    let is_input = inputs.contains(&real_path(&path));
                    let other = taken.insert(plain(&path), (step.id.clone(), job.name.clone()));
                    match other {
                        _ if is_input => Some((format!("{} is an input file of this batch", path.display()), None)),
                        Some((id, _)) if id != step.id => {
                            Some((format!("the step `{id}` also writes {}", path.display()), None))
                        }
                        Some((_, other)) => Some((
                            format!("{} would be written for both {other} and {}", path.display(), job.name),
                            Some(Advice::from("put ${{ connection.name }} into the path")),
                        )),
                        None => {
                            let refusal = save::writable(&path).err();
                            refused += usize::from(refusal.is_some());
                            refusal.map(|e: Error| (e.message.clone(), e.advice.clone()))
                        }
                    }
                }
            };
            if let Some((message, advice)) = fault.filter(|(message, _)| told.insert((place, message.clone()))) {
                c.fault(&at, message, advice);
            }
        }
    }
    refused
}
