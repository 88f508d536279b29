//! `run`: checks and runs a batch file, and prints its report.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;

use super::progress::BatchScreen;
use super::sandbox_connections::sandbox_connections;
use super::{junit, plan};
use crate::authoring::duration::duration;
use crate::batch::{Batch, BatchConfig, Report, ResumePolicy, RunOptions};
use crate::cli::app::App;
use crate::cli::args::{RecordArgs, RunArgs};
use crate::cli::catalog::snippet::shell;
use crate::cli::connections::file::{default_file, secrets};
use crate::cli::connections::route::{faults, start_sandbox};
use crate::cli::errors::worded;
use crate::cli::messages;
use crate::cli::output::{OldPartial, OutputPlace, standard_output};
use crate::cli::signals::Signals;
use crate::definition::Json;
use crate::error::{Advice, Error, ErrorKind, Result};
use crate::sandbox::Sandbox;
use crate::{Cancel, Engine};

/// Runs the command. Returns the exit code.
pub(crate) async fn run(app: &App, args: &RunArgs) -> Result<u8> {
    let record = RecordArgs { record: args.record.clone(), replay: None };
    let engine = Arc::new(app.engine_of(app.parts(args.sandbox, &record)?)?);
    let sandbox = if args.sandbox {
        Some(Arc::new(start_sandbox(engine.catalog(), 0, faults(args.faults.as_deref())?).await?))
    } else {
        None
    };
    let config = config(app, args, &engine, sandbox.clone())?;
    let batch = Arc::new(Batch::load(&args.file, &config)?);
    let cancel = Cancel::default();
    let options = RunOptions {
        state: state(args, &batch)?,
        fresh: args.fresh,
        resume: args.resume.as_deref().map(resume_policy).transpose()?,
        accept_changes: args.accept_changes,
        retry_failed: args.retry_failed,
        only: args.only.clone(),
        until: args.until.clone(),
        cancel: cancel.clone(),
        signal: Arc::default(),
        host: host(),
    };
    if args.plan {
        return plan::print(&batch.plan(&options)?);
    }
    if let Some(expected) = &args.plan_hash {
        let plan = batch.plan(&options)?;
        if plan.hash != *expected {
            return Err(Error::new(ErrorKind::Usage, format!("the plan has changed: its hash is {}", plan.hash))
                .advise("review it with --plan, and pass its hash"));
        }
    }
    let open = |path: Option<&Path>| {
        let opened = path.map(|path| OutputPlace::open(Some(path), OldPartial::Overwrite)).transpose();
        // If another process runs the batch, that error is more useful.
        opened.map_err(|e| batch.check_free(options.state.as_deref()).err().unwrap_or(e))
    };
    let (report_file, junit_file) = (open(args.report.as_deref())?, open(args.junit.as_deref())?);
    let mut run = Arc::clone(&batch).run(options.clone())?;
    let signals = Signals::store(&cancel, Arc::clone(&options.signal));
    let mut shown = BatchScreen::new(app.screen, &batch);
    while let Some(event) = shown.watch(run.next()).await {
        shown.show(&event);
    }
    let (mut concluded, mut written) = (None, Ok(()));
    let report = run
        .finish(|report| {
            let printed = with_worded_errors(report, args);
            shown.close(&printed);
            written = write_report(report_file, &printed)
                .and_then(|()| write_whole(junit_file, junit::of_report(&printed).as_bytes()));
            if written.is_ok() {
                concluded = Some((conclude(app, args, &printed, &signals), report.finished));
            }
            written.clone()
        })
        .await;
    // Recording the end of the run may fail after everything else was printed.
    let unrecorded = report.error.filter(|_| !report.finished && concluded.is_some_and(|(_, finished)| finished));
    written.map_err(|e| {
        e.advise("the report is also in the run folder; run it again to write the report and finish the run, without sending anything again")
    })?;
    let code = concluded.map_or(0, |(code, _)| code);
    match unrecorded {
        Some(error) => Err(error),
        // Also if items or accounts failed: the plan is of what is left.
        None if args.until.is_some() && signals.exit_code().is_none() && code != ErrorKind::State.exit_code() => {
            plan::print(&batch.plan(&RunOptions { fresh: false, ..options })?).map(|of_plan| code.max(of_plan))
        }
        None => Ok(code),
    }
}

/// The configuration of the batch: connections, secrets, variables.
pub(crate) fn config(
    app: &App,
    args: &RunArgs,
    engine: &Arc<Engine>,
    sandbox: Option<Arc<Sandbox>>,
) -> Result<BatchConfig> {
    let mut config = BatchConfig::new(Arc::clone(engine));
    config.connections_instead = app.named_connections();
    config.connections = default_file();
    config.env = Arc::new(|name| std::env::var(name).ok());
    config.stdin = Some(Arc::new(|| Box::new(std::io::stdin())));
    config.stdout = Some(standard_output());
    config.inputs = args.input.iter().map(|pair| input(pair)).collect::<Result<_>>()?;
    config.vars = args.var.iter().map(|pair| var(pair)).collect::<Result<_>>()?;
    if let Some(sandbox) = sandbox {
        config.otherwise = Some(sandbox_connections(engine.catalog(), &args.file));
        config.resolve = Arc::new(move |_, name, connection| {
            let spec = match connection.connector.as_str() {
                // Nothing leaves the machine.
                crate::batch::HTTP => crate::ConnectionSpec {
                    connector: crate::batch::HTTP.to_owned(),
                    values: BTreeMap::from([("url".to_owned(), sandbox.post_address())]),
                    ..crate::ConnectionSpec::default()
                },
                connector => sandbox.connection(connector)?,
            };
            Ok(crate::ConnectionSpec { name: Some(name.to_owned()), ..spec })
        });
    } else {
        let secrets = secrets();
        config.resolve = Arc::new(move |folder, name, connection| secrets.fetch(folder, name, connection, |_| None));
    }
    Ok(config)
}

/// The folder for the state of runs. Records of a sandbox end with the process, so an earlier run in a sandbox is
/// removed, unless the caller chose the folder.
fn state(args: &RunArgs, batch: &Batch) -> Result<Option<PathBuf>> {
    if !args.sandbox {
        return Ok(args.state.clone());
    }
    let folder = args.state.as_ref().map_or_else(|| sandbox_state(&args.file), |state| state.join("sandbox"));
    let own = batch.run_folder(Some(&folder));
    if own.exists() && !args.plan && !args.retry_failed && args.state.is_none() {
        let gone = std::fs::remove_dir_all(&own);
        gone.map_err(|e| {
            Error::new(ErrorKind::State, format!("{} cannot be removed: {}", own.display(), crate::error::io_text(&e)))
        })?;
    }
    Ok(Some(folder))
}

/// The folder for the state of runs in the sandbox: apart from runs over real systems, which would be resumed or ended
/// otherwise.
pub(crate) fn sandbox_state(file: &Path) -> PathBuf {
    beside(file).join("sandbox")
}

/// The folder with the state of a file's runs.
fn beside(file: &Path) -> PathBuf {
    file.parent().unwrap_or(Path::new("")).join(".opnode")
}

/// A text; its type decides how it is read.
fn input(pair: &str) -> Result<(String, Json)> {
    let wrong = || {
        Error::new(ErrorKind::Usage, format!("--input {pair} is not NAME=VALUE"))
            .advise("write it as --input day=2026-01-31")
    };
    let (name, text) = pair.split_once('=').filter(|(name, _)| !name.is_empty()).ok_or_else(wrong)?;
    Ok((name.to_owned(), Json(Value::from(text).to_string())))
}

fn var(pair: &str) -> Result<(String, Json)> {
    let wrong =
        || Error::new(ErrorKind::Usage, format!("--var {pair} is not NAME=VALUE")).advise("write it as --var board=1");
    let (name, text) = pair.split_once('=').filter(|(name, _)| !name.is_empty()).ok_or_else(wrong)?;
    let is_json = crate::json_text::value_of(text.trim()).is_ok();
    Ok((name.to_owned(), Json(if is_json { text.trim().to_owned() } else { Value::from(text).to_string() })))
}

fn resume_policy(text: &str) -> Result<ResumePolicy> {
    match text {
        "never" => Ok(ResumePolicy::Never),
        "always" => Ok(ResumePolicy::Always),
        age => duration(age).map(ResumePolicy::Within).map_err(|why| {
            Error::new(ErrorKind::Usage, format!("--resume: {why}")).advise("write never, always, or an age such as 6h")
        }),
    }
}

pub(crate) fn host() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok().or_else(|| std::env::var("COMPUTERNAME").ok());
    name.map_or_else(|| "this machine".to_owned(), |name| name.trim().to_owned())
}

/// The report with the words of the command line in its advice. A run that starts over sends no items again.
fn with_worded_errors(report: &Report, args: &RunArgs) -> Report {
    let mut report = report.clone();
    for error in report.steps.iter_mut().filter_map(|step| step.error.as_mut()).chain(&mut report.error) {
        if starts_over(args) && error.advice == Some(Advice::RetryFailed) {
            let folder = sandbox_state(&args.file).display().to_string();
            *error = error.clone().advise(format!("`opnode items list --state {}` shows them", shell(&folder)));
        }
        *error = worded(error);
    }
    report
}

/// Whether the next start begins anew, whatever is left: the records of the sandbox end with its process.
fn starts_over(args: &RunArgs) -> bool {
    args.sandbox && args.state.is_none()
}

fn write_report(file: Option<OutputPlace>, report: &Report) -> Result<()> {
    let mut text =
        serde_json::to_vec_pretty(report).map_err(|e| Error::new(ErrorKind::Internal, format!("the report: {e}")))?;
    text.push(b'\n');
    write_whole(file, &text)
}

fn write_whole(file: Option<OutputPlace>, text: &[u8]) -> Result<()> {
    let Some(mut file) = file else { return Ok(()) };
    file.write(text)?;
    file.finish()
}

/// The error of a step, with advice to correct the batch file.
fn in_batch(error: &Error, file: &Path) -> Error {
    let is_of_file = matches!(error.kind(), ErrorKind::InvalidOptions | ErrorKind::InvalidItems);
    match is_of_file && error.advice.is_none() {
        true => error.clone().advise(format!("correct the step in {}", file.display())),
        false => error.clone(),
    }
}

/// Prints the errors of all steps. Returns the exit code of the worst.
fn conclude(app: &App, args: &RunArgs, report: &Report, signals: &Signals) -> u8 {
    let Err(worst) = report.check() else { return 0 };
    let stopped = signals.exit_code().filter(|_| worst.kind() == ErrorKind::Cancelled);
    for error in report.steps.iter().filter_map(|s| s.error.as_ref()).filter(|e| e.kind() != ErrorKind::Cancelled) {
        app.screen.error(&in_batch(error, &args.file));
    }
    match (&report.error, stopped) {
        (_, Some(code)) => {
            app.screen.warn(if starts_over(args) { "interrupted" } else { "interrupted; run it again to resume" });
            return code;
        }
        (Some(error), None) => app.screen.error(error),
        (None, None) => {}
    }
    worst.kind().exit_code()
}

/// After the help of `run FILE`: the inputs of the file.
pub(crate) fn print_inputs(typed: &[OsString]) {
    let words = || typed.iter().skip_while(|word| *word != "run").skip(1);
    let file = words().map(Path::new).find(|path| path.is_file());
    let Some(inputs) = file.and_then(|file| Batch::inputs(file).ok()).filter(|inputs| !inputs.is_empty()) else {
        return;
    };
    let mut text = format!("\nInputs of {}:\n", file.unwrap_or(Path::new("")).display());
    for input in inputs {
        let mut about: Vec<String> = input.title.into_iter().collect();
        about.extend((!input.choices.is_empty()).then(|| format!("one of {}", input.choices.join(", "))));
        about.push(input.default.map_or_else(|| "required".to_owned(), |json| format!("[default: {json}]")));
        text.push_str(&format!("  --input {}=<{}>  {}\n", input.name, input.kind, about.join("; ")));
    }
    let _reader_gone = messages::print(&text);
}
