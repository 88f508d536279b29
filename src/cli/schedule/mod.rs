//! `schedule`: prints what a scheduler needs to run a batch: a systemd timer, a crontab line, a Kubernetes CronJob.

mod cron;
mod job;
mod kubernetes;
mod systemd;
mod when;

use std::path::Path;

use job::{Job, Times};

use super::app::App;
use super::args::{ScheduleArgs, ScheduleForm};
use super::messages;
use super::new_files;
use crate::batch::{Batch, BatchHead, BatchInput, ResumePolicy};
use crate::cli::batch::age_text;
use crate::error::{Error, ErrorKind, Result};

/// Prints or writes it.
pub(crate) fn run(app: &App, args: &ScheduleArgs) -> Result<()> {
    let head = BatchHead::read(&args.file)?;
    let times = times(args)?;
    let job = Job::new(app, args, &head.name, times)?;
    if let Times::Cron(when) = &job.times {
        warn(app, when, head.resume);
    }
    warn_of_inputs(app, args, &job)?;
    let files = files(&job, args.form);
    match &args.output {
        Some(folder) => write(app, folder, &files),
        None => messages::print(&files.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>().join("\n")),
    }
}

fn times(args: &ScheduleArgs) -> Result<Times> {
    match (&args.every, &args.on_calendar) {
        (Some(every), _) => when::parse(every).map(|when| Times::Cron(Box::new(when))),
        (None, Some(calendar)) => {
            let wrong = |why: &str| Error::new(ErrorKind::Usage, format!("--on-calendar {why}"));
            if calendar.trim().is_empty() || calendar.chars().any(char::is_control) {
                return Err(wrong("is not a time").advise("`systemd-analyze calendar TEXT` explains and checks one"));
            }
            match args.form {
                ScheduleForm::Systemd => Ok(Times::Calendar(calendar.trim().to_owned())),
                ScheduleForm::All | ScheduleForm::Cron | ScheduleForm::Kubernetes => {
                    Err(wrong("is understood by systemd only")
                        .advise("add --as systemd, or write the time with --every"))
                }
            }
        }
        (None, None) => Err(Error::new(ErrorKind::Usage, "when does the batch run?").advise(
            "--every 02:00, --every 'mon-fri 02:00', --every 15m, --every '0 2 * * 1-5', or --on-calendar for systemd",
        )),
    }
}

/// A run that is resumed for longer than the time between two starts.
fn warn(app: &App, when: &when::When, resume: ResumePolicy) {
    let Some(gap) = when.gap() else { return };
    let gap_text = age_text(gap.as_secs());
    let window = match resume {
        ResumePolicy::Never => return,
        ResumePolicy::Within(window) if window <= gap => return,
        ResumePolicy::Within(window) => format!("for {}", age_text(window.as_secs())),
        ResumePolicy::Always => "whatever its age".to_owned(),
    };
    app.screen.warn(&format!(
        "an interrupted run is resumed {window}, and a start comes every {gap_text}: several starts may go on with one old run; `run: {{ resume: {{ within: {}m }} }}` in the batch file ends that",
        gap.as_secs() / 60
    ));
}

/// Inputs without which each start fails.
fn warn_of_inputs(app: &App, args: &ScheduleArgs, job: &Job) -> Result<()> {
    let is_missing = |input: &BatchInput| input.default.is_none() && !job.given.contains(&input.name);
    let missing: Vec<String> = Batch::inputs(&args.file)?.into_iter().filter(is_missing).map(|i| i.name).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let flags: Vec<String> = missing.iter().map(|name| format!("--input {name}=VALUE")).collect();
    let (noun, verb) = if missing.len() == 1 { ("input", "has") } else { ("inputs", "have") };
    app.screen.warn(&format!(
        "each start fails, because the {noun} {} {verb} no value: add `-- {}`, or a `default` in {}",
        missing.join(", "),
        flags.join(" "),
        args.file.display()
    ));
    Ok(())
}

/// The files, each with its name.
fn files(job: &Job, form: ScheduleForm) -> Vec<(String, String)> {
    let is = |own: ScheduleForm| form == own || form == ScheduleForm::All;
    let unit = &job.unit;
    let mut files = Vec::new();
    if is(ScheduleForm::Systemd) {
        files.push((format!("{unit}.service"), systemd::service(job)));
        files.push((format!("{unit}.timer"), systemd::timer(job)));
    }
    if let Times::Cron(when) = &job.times {
        files.extend(is(ScheduleForm::Cron).then(|| (format!("{unit}.cron"), cron::crontab(job, when))));
        files.extend(is(ScheduleForm::Kubernetes).then(|| (format!("{unit}.yaml"), kubernetes::manifest(job, when))));
    }
    files
}

fn write(app: &App, folder: &Path, files: &[(String, String)]) -> Result<()> {
    for (name, text) in files {
        let path = folder.join(name);
        new_files::replace(&path, text)?;
        app.screen.note(&format!("wrote {}", path.display()));
    }
    Ok(())
}
