//! Runs the cases of test files, and compares or writes what they did.

use super::compare::differences;
use super::normal::normal;
use super::run_case::{CaseRun, run_case};
use super::suite::Suite;
use crate::batch::BatchCaseFile;
use crate::cli::app::App;
use crate::cli::recording::{CaseVerdict, TestTable};
use crate::cli::screen::terminal_text::count;
use crate::error::{Error, ErrorKind, Result, did_you_mean};

/// Runs the cases of all files, or those with these names.
///
/// # Errors
/// `usage` when a named case does not exist.
pub(crate) async fn run(
    app: &App,
    suites: &[Suite],
    (names, update): (&[String], bool),
    table: &mut TestTable,
) -> Result<()> {
    let all = || suites.iter().flat_map(|suite| suite.tests.file.cases.keys());
    if let Some(missing) = names.iter().find(|name| !all().any(|own| own == *name)) {
        suites.iter().for_each(Suite::withdraw);
        let hint = did_you_mean(missing, all().map(String::as_str));
        let known = all().map(String::as_str).collect::<Vec<_>>().join(", ");
        return Err(Error::new(ErrorKind::Usage, format!("there is no case `{missing}`{hint}"))
            .advise(format!("the cases are {known}")));
    }
    for suite in suites {
        let failed = table.failed();
        let done = run_suite(app, suite, (names, update), table).await;
        if done.is_err() || table.failed() > failed {
            suite.withdraw();
        }
        done?;
    }
    Ok(())
}

async fn run_suite(app: &App, suite: &Suite, (names, update): (&[String], bool), table: &mut TestTable) -> Result<()> {
    for path in suite.strays() {
        app.screen.warn(&format!("{} belongs to no case: remove it", path.display()));
    }
    let is_named = |name: &String| names.is_empty() || names.contains(name);
    for (name, case) in suite.tests.file.cases.iter().filter(|(name, _)| is_named(name)) {
        let verdict = match run_case(app, suite, (name, case)).await {
            Ok(done) => judge(suite, (name, case), done, update)?,
            Err(error) => CaseVerdict::Failed(error_lines(&error)),
        };
        table.add(format!("{}/{name}", suite.name), verdict);
    }
    Ok(())
}

/// Compares what a case did with what is expected of it, or writes it.
fn judge(suite: &Suite, (name, case): (&str, &BatchCaseFile), done: CaseRun, update: bool) -> Result<CaseVerdict> {
    let CaseRun { mut found, missed, unused } = done;
    normal(&mut found, &case.ignore);
    let mut lines: Vec<String> = missed.iter().map(|line| format!("no recorded reply to {line}")).collect();
    let stored = match &case.expect {
        Some(_) => None,
        None => suite.expected(name)?,
    };
    let is_stored = case.expect.is_none();
    let Some(mut expected) = case.expect.clone().or(stored) else {
        let path = suite.stored(name).display().to_string();
        if update && lines.is_empty() {
            return suite.store(name, &found).map(|()| CaseVerdict::Written);
        }
        lines.push(format!("nothing is expected yet: --update writes {path}; or write `expect` into the case"));
        return Ok(CaseVerdict::Failed(lines.join("\n") + "\n"));
    };
    normal(&mut expected, &case.ignore);
    lines.extend(differences(&expected, &found, is_stored));
    if lines.is_empty() {
        let note =
            if unused == 0 { String::new() } else { format!("({} unused)", count(unused as u64, "recorded exchange")) };
        return Ok(CaseVerdict::Passed(note));
    }
    if update && is_stored && missed.is_empty() {
        return suite.store(name, &found).map(|()| CaseVerdict::Written);
    }
    if update && !is_stored {
        lines.push(format!("--update does not change `expect` in {}", suite.file.display()));
    }
    Ok(CaseVerdict::Failed(lines.join("\n") + "\n"))
}

/// The faults of an error, each on a line, with its advice.
fn error_lines(error: &Error) -> String {
    let mut lines: Vec<String> = match error.faults.as_slice() {
        [] | [_] => vec![match &error.place {
            Some(place) if place.line.is_some() => format!("{place}: {}", error.message),
            _ => error.message.clone(),
        }],
        faults => faults.iter().map(|fault| format!("{}: {}", fault.place, fault.message)).collect(),
    };
    let worded = crate::cli::errors::worded(error);
    lines.extend(worded.advice.iter().map(|advice| format!("help: {advice}")));
    lines.join("\n") + "\n"
}
