//! `query … --output FILE` for an operation that returns a file: FILE is that file, written while it arrives.

use std::path::Path;

use super::prepare::PreparedCall;
use super::progress::CallProgress;
use crate::cli::app::App;
use crate::cli::args::OutputArgs;
use crate::cli::output::ReceiptFile;
use crate::cli::screen::terminal_text;
use crate::cli::signals::Signals;
use crate::definition::ResultShape;
use crate::error::{Error, ErrorKind, Place, Result};
use crate::{FileTarget, Running};

/// The path of the file, if the output is one.
pub(super) fn file_of<'a>(call: &PreparedCall, output: &'a OutputArgs) -> Option<&'a Path> {
    let is_file = call.operation.response.result == ResultShape::File;
    let is_plain = output.format.is_none() && output.files.is_none() && output.columns.is_empty();
    output.output.as_deref().filter(|path| is_file && is_plain && path.as_os_str() != "-")
}

/// Runs the call. Returns the exit code.
pub(super) async fn run(app: &App, call: &PreparedCall, path: &Path, receipt: Option<&Path>) -> Result<u8> {
    check_place(path)?;
    let Running::Read(mut walk) = call.begin_into(Some(FileTarget::File(path.to_owned())))? else {
        return Err(Error::new(ErrorKind::Internal, "a query gave outcomes"));
    };
    let screen = app.screen;
    let signals = Signals::listen(&call.cancel);
    let receipt = ReceiptFile::open(receipt)?;
    let mut progress = CallProgress::new(screen, &call.operation.id, &call.job);
    let mut bytes = None;
    let ended = loop {
        match progress.watch(walk.next()).await {
            None => break Ok(()),
            Some(Err(error)) => break Err(error),
            Some(Ok(page)) if page.items.is_empty() => {}
            Some(Ok(page)) => bytes = Some(page.bytes),
        }
    };
    progress.finish();
    let facts = walk.receipt().clone();
    let written = receipt.write(screen, &facts, ended.as_ref().err());
    if let Err(error) = ended {
        let interrupted = signals.exit_code().filter(|_| error.kind() == ErrorKind::Cancelled);
        return interrupted.ok_or(error);
    }
    facts.notes.iter().for_each(|note| screen.warn(note));
    match bytes {
        Some(bytes) => screen.note(&format!("{} in {}", terminal_text::count(bytes, "byte"), path.display())),
        None => screen.warn("the system has no such file, so none was written"),
    }
    written.map(|()| 0)
}

/// Refuses a path that cannot become a file, before anything is sent.
fn check_place(path: &Path) -> Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let why = match (folder.is_dir(), path.metadata()) {
        (false, _) => "its folder does not exist",
        (true, Ok(found)) if !found.is_file() => "it is not a regular file",
        (true, _) => return Ok(()),
    };
    let shown = path.display().to_string();
    Err(Error::new(ErrorKind::State, format!("{shown} cannot be written: {why}"))
        .at(Place { file: Some(shown), ..Place::default() }))
}
