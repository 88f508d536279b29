//! The head of a batch file: what a scheduler needs to know. Neither connections nor secrets are needed.

use std::path::Path;

use super::file::BatchFile;
use super::include::{self, read_named};
use super::load::{name, resume};
use crate::authoring::{Checker, Format, explain, version};
use crate::error::Result;
use crate::run_store::ResumePolicy;

/// What a batch file says about its runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchHead {
    /// Its name.
    pub name: String,
    /// Whether an unfinished run is resumed.
    pub resume: ResumePolicy,
}

impl BatchHead {
    /// Reads a batch file; its steps and connections are not checked.
    ///
    /// # Errors
    /// `definition` when its format is wrong; `state` when it cannot be read.
    pub fn read(path: &Path) -> Result<BatchHead> {
        let (doc, _) = include::whole(path, &read_named(path)?)?;
        let file: BatchFile = doc.read().map_err(|e| explain(Format::Batch, &doc, &[], &e))?;
        let mut c = Checker::new(&doc);
        version(&mut c, Format::Batch, file.version);
        let head = BatchHead {
            name: name(&mut c, path, file.name.as_deref()),
            resume: resume(&mut c, file.run.resume.as_ref()),
        };
        c.finish("the batch file is invalid", Some(head))
    }
}
