//! Files that a step must not write over: those that the batch reads, those of other steps, and those of the run.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::place::target;
use super::template::PathTemplate;
use crate::batch::local_plan::LocalWork;
use crate::batch::run_plan::Step;
use crate::error::{Error, ErrorKind, Result};
use crate::expression::Scope;
use crate::real_path::real_path;
use crate::row_file::{FilePattern, files_of};

/// Files that a step must not write over, without links.
#[derive(Default)]
pub(in crate::batch) struct Protected {
    inputs: BTreeSet<PathBuf>,
    run_folder: Option<PathBuf>,
    loaded: Vec<LoadedPaths>,
    outputs: Vec<(String, PathTemplate)>,
}

/// What a step loads.
struct LoadedPaths {
    step: String,
    files: BTreeSet<PathBuf>,
    pattern: Option<FilePattern>,
}

impl Protected {
    /// The batch's own files, without links.
    pub(in crate::batch) fn of_inputs(inputs: BTreeSet<PathBuf>) -> Protected {
        Protected { inputs, ..Protected::default() }
    }

    /// The folder of the run.
    pub(in crate::batch) fn add_run_folder(&mut self, root: &Path) {
        self.run_folder = Some(real_path(root));
    }

    /// The files that a step loads, as far as they are known before it runs; and those that it has loaded.
    pub(in crate::batch) fn add_loaded(&mut self, step: &Step, scope: &Scope, folder: &Path, known: &[PathBuf]) {
        let Some(LocalWork::Load(plan)) = &step.local else { return };
        let from = plan.from.plain(scope).ok().filter(|from| from != "-");
        let found = from.as_ref().and_then(|from| files_of(from, folder).ok()).unwrap_or_default();
        let files = found.iter().chain(known).map(|path| real_path(path)).collect();
        let pattern = from.and_then(|from| FilePattern::of(&from, folder));
        self.loaded.push(LoadedPaths { step: step.id.clone(), files, pattern });
    }

    /// The files of another step.
    pub(in crate::batch) fn add_output(&mut self, step: &Step, scope: &Scope, folder: &Path) {
        for save in &step.save {
            let template = target(save, scope, folder).ok().and_then(|target| target.template());
            self.outputs.extend(template.map(|template| (step.id.clone(), template.real())));
        }
    }

    /// Refuses a file that must not be written.
    ///
    /// # Errors
    /// `usage` for a file of the run; `definition` for the others.
    pub(in crate::batch) fn check(&self, path: &Path) -> Result<()> {
        let (real, shown) = (real_path(path), path.display());
        let wrong = |message: String| Err(Error::new(ErrorKind::Definition, message).advise("save to another file"));
        if self.run_folder.as_ref().is_some_and(|root| real.starts_with(root)) {
            let message = format!("{shown} is in the folder of the run");
            return Err(Error::new(ErrorKind::Usage, message).advise("save to a file outside of this folder"));
        }
        if is_one_of(&self.inputs, &real) {
            return wrong(format!("{shown} is an input file of this batch"));
        }
        let reads = |loaded: &&LoadedPaths| {
            loaded.pattern.as_ref().is_some_and(|pattern| pattern.matches(&real)) || is_one_of(&loaded.files, &real)
        };
        if let Some(loaded) = self.loaded.iter().find(reads) {
            return wrong(format!("the step `{}` loads {shown}", loaded.step));
        }
        let own = PathTemplate::fixed(real);
        match self.outputs.iter().find(|(_, output)| output.may_be(&own)) {
            Some((step, _)) => wrong(format!("the step `{step}` also writes {shown}")),
            None => Ok(()),
        }
    }
}

/// Whether a path without links is one of these files, also by another name of the same file.
fn is_one_of(known: &BTreeSet<PathBuf>, path: &Path) -> bool {
    if known.contains(path) {
        return true;
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        // Most files have one name.
        let Some(own) = std::fs::metadata(path).ok().filter(|own| own.nlink() > 1) else { return false };
        let is_own = |there: std::fs::Metadata| (there.dev(), there.ino()) == (own.dev(), own.ino());
        known.iter().any(|known| std::fs::metadata(known).is_ok_and(is_own))
    }
    #[cfg(not(unix))]
    false
}
