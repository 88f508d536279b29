//! Rebuilds the state of a run from its journal.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use super::disk::{self, damaged};
use super::journal::{Recovered, recover};
use super::tail;
use crate::error::Result;
use crate::run_store::state::RunState;

/// The state that results from the facts of a journal; empty without a journal.
///
/// # Errors
/// `state` when it cannot be read, is damaged, or does not match `journal.tail`.
pub(super) fn recall(path: &Path) -> Result<(Recovered, RunState)> {
    // The tail is read first: a run in progress writes the journal before it.
    let proof = tail::read(path)?;
    let mut state = RunState::default();
    let text: Box<dyn BufRead> = match File::open(path) {
        Ok(file) => Box::new(BufReader::with_capacity(256 << 10, file)),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Box::new(std::io::empty()),
        Err(e) => return Err(disk::failed("read", path, &e)),
    };
    let found = recover(path, text, proof.as_ref(), &mut |fact| state.apply(fact))?;
    // Without the tail, a run was killed after its first line, or while it was set aside.
    if proof.is_none() && found.lines > 1 && found.version > 1 && !state.ended {
        let beside = path.with_file_name(tail::NAME);
        return Err(damaged(
            &beside,
            &format!("it is missing or incomplete; it records how many lines {} must have", path.display()),
        ));
    }
    Ok((found, state))
}
