//! Runs one case: the batch in a temporary folder, with the clock, files and server of the case.

use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::found::{RunResults, found};
use super::server::TestServer;
use super::suite::{START, Suite, connections_of, start};
use super::world::{KeptOutput, SentRequests, TestClock};
use crate::batch::{Batch, BatchCaseFile, BatchConfig, CaseInputPart, ExpectedFile, RunOptions};
use crate::cli::app::App;
use crate::cli::batch::sandbox_connections;
use crate::cli::new_files;
use crate::error::{Error, ErrorKind, Result};
use crate::{Engine, EngineConfig};

/// What a case did.
pub(super) struct CaseRun {
    pub(super) found: ExpectedFile,
    /// Requests without a recorded reply.
    pub(super) missed: Vec<String>,
    pub(super) unused: usize,
}

/// The folders of a run; both are removed with the temporary folder.
struct Folders {
    work: PathBuf,
    state: PathBuf,
}

/// Runs it.
///
/// # Errors
/// Those of the batch file and of the case; what goes wrong in the run is a part of what was found.
pub(super) async fn run_case(app: &App, suite: &Suite, (name, case): (&str, &BatchCaseFile)) -> Result<CaseRun> {
    let key = if case.exchanges.is_some() { "exchanges" } else { "sandbox" };
    let place = |key: &str| suite.tests.place(&format!("/cases/{}/{key}", crate::json_pointer::escape(name)));
    let temporary = tempfile::Builder::new().prefix("opnode-test-").tempdir();
    let temporary = temporary.map_err(|e| new_files::failed(&std::env::temp_dir(), "written", &e))?;
    // Its real path: that is how messages name its files.
    let root = std::fs::canonicalize(temporary.path()).unwrap_or_else(|_| temporary.path().to_owned());
    let folders = Folders { work: root.join("work"), state: root.join("state") };
    let inputs = put_files(suite, case, &folders.work).map_err(|e| e.at(place("files")))?;
    let server = TestServer::open(suite, case, app.shared_catalog()?).map_err(|e| e.at(place(key)))?;
    let sent = Arc::new(SentRequests::default());
    let begin = start(case.at.as_deref().unwrap_or(START)).map_err(|why| Error::new(ErrorKind::Definition, why))?;
    let engine = Engine::new(EngineConfig {
        transport: Some(server.transport()),
        clock: Some(Arc::new(TestClock::at(begin))),
        tokens: server.tokens(),
        ..EngineConfig::new(app.catalog()?)
    });
    let engine = Arc::new(engine.watched(Arc::clone(&sent) as Arc<dyn crate::exchanges::Watch>));
    let output = KeptOutput::default();
    let config = BatchConfig { stdout: Some(output.opener()), ..config(app, suite, case, (&server, engine)) };
    let batch = Arc::new(open(suite, &folders, &config)?);
    batch.put_watermarks(&folders.state, &case.watermarks).map_err(|e| e.at(place("watermarks")))?;
    let options = RunOptions { state: Some(folders.state.clone()), host: "test".to_owned(), ..RunOptions::default() };
    let mut run = Arc::clone(&batch).run(options)?;
    while run.next().await.is_some() {}
    let report = run.finish(|_| Ok(())).await;
    let results = RunResults {
        batch: &batch,
        report: &report,
        requests: sent.all(),
        stdout: output.bytes(),
        state: &folders.state,
        work: (&folders.work, &inputs),
    };
    let (missed, unused) = server.missed();
    Ok(CaseRun { found: found(&results)?, missed, unused })
}

/// Writes the files of the case; returns them with their content.
fn put_files(suite: &Suite, case: &BatchCaseFile, work: &Path) -> Result<Vec<(PathBuf, Vec<u8>)>> {
    std::fs::create_dir_all(work).map_err(|e| new_files::failed(work, "written", &e))?;
    let mut written = Vec::new();
    for (name, given) in &case.files {
        let bytes = match given {
            CaseInputPart::Text(text) => text.text.clone().into_bytes(),
            CaseInputPart::Path(path) => {
                let from = suite.folder.join(path);
                std::fs::read(&from).map_err(|e| new_files::failed(&from, "read", &e))?
            }
        };
        let path = work.join(name);
        let folder = path.parent().unwrap_or(work);
        let put = std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&path, &bytes));
        put.map_err(|e| new_files::failed(&path, "written", &e))?;
        written.push((path, bytes));
    }
    Ok(written)
}

fn config(app: &App, suite: &Suite, case: &BatchCaseFile, (server, engine): (&TestServer, Arc<Engine>)) -> BatchConfig {
    let env = case.env.clone();
    let pairs = |values: &crate::definition::Ordered<crate::definition::Json>| {
        values.iter().map(|(name, value)| (name.clone(), value.clone())).collect()
    };
    let stdin = case.stdin.clone().unwrap_or_default();
    let mut config = BatchConfig::new(Arc::clone(&engine));
    config.connections_instead = app.global.connections.clone().or_else(|| connections_of(&suite.batch, &suite.text));
    config.otherwise = Some(sandbox_connections(engine.catalog(), &suite.batch));
    config.inputs = pairs(&case.inputs);
    config.vars = pairs(&case.vars);
    config.env = Arc::new(move |name| env.get(name).cloned());
    config.stdin = Some(Arc::new(move || Box::new(Cursor::new(stdin.clone()))));
    config.resolve = server.resolve(&case.env);
    config
}

/// The batch, whose folder is the temporary one.
fn open(suite: &Suite, folders: &Folders, config: &BatchConfig) -> Result<Batch> {
    let name = suite.batch.file_name().unwrap_or_default();
    let path = folders.work.join(name);
    let real = suite.batch.display().to_string();
    let batch = Batch::parse(&path, &suite.text, config).map_err(|e| renamed(e, &path, &real))?;
    if let Some((step, path)) = batch.results_outside()?.first() {
        let shown = path.strip_prefix(&folders.work).unwrap_or(path).display();
        let message = format!("{step}: {shown} is outside of the folder of the batch file");
        return Err(Error::new(ErrorKind::Definition, message).advise(
            "a test writes no file of yours: use a relative path, or a variable that the case overrides with `vars`",
        ));
    }
    Ok(batch)
}

/// The same error with the place in the file that the user has.
fn renamed(error: Error, from: &Path, to: &str) -> Error {
    let from = from.display().to_string();
    error.with(|details| {
        let places = details.place.iter_mut().chain(details.faults.iter_mut().map(|fault| &mut fault.place));
        places.filter(|place| place.file.as_deref() == Some(&from)).for_each(|place| place.file = Some(to.to_owned()));
        details.message = details.message.replace(&from, to);
    })
}
