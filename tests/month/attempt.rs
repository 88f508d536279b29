//! One start of the batch: within this process, or in a child process that can be killed and whose disk can be full.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use opnode::ErrorKind;
use opnode::batch::{Batch, Report, RunOptions};
use serde_json::{Value, json};

use super::batch::{self, Shape};
use super::clock::MovableClock;
use super::system::System;
use super::wire::{Moment, Wire};
use crate::cleanup::Program;
use crate::shim::{self, Fault, When};

/// Maximum real time of a start.
const PATIENCE: Duration = Duration::from_secs(120);
/// The variable that makes this program the child of a month.
pub const CHILD: &str = "MONTH_CHILD";

/// Where the batch runs, and with which file.
pub struct Place {
    pub folder: PathBuf,
    pub shape: Shape,
    pub clock: Arc<MovableClock>,
    pub system: Arc<Mutex<System>>,
    pub socket: PathBuf,
    pub shim: Option<PathBuf>,
}

/// A start.
#[derive(Clone, Debug, Default)]
pub struct Start {
    pub seed: u64,
    pub edition: u64,
    pub comment: u64,
    pub accept_changes: bool,
    pub moment: Option<(u32, Moment)>,
    /// A fault of a child process.
    pub fault: Option<Fault>,
    pub is_child: bool,
    /// Whether a second one is tried at the same time.
    pub is_twice: bool,
}

/// The end of a start.
#[derive(Clone, Debug, Default)]
pub struct Ended {
    pub was_killed: bool,
    pub finished: bool,
    /// The kind and the text of its error.
    pub error: Option<(String, String)>,
    /// Jobs: name, id of the run, whether it was resumed and is finished.
    pub jobs: Vec<(String, String, bool, bool)>,
    /// The errors of all steps, if it ran in this process.
    pub errors: Vec<String>,
    /// What is wrong with opnode itself.
    pub fault: Option<String>,
}

impl Ended {
    fn killed() -> Ended {
        Ended { was_killed: true, ..Ended::default() }
    }

    fn refused(error: &opnode::Error) -> Ended {
        Ended { error: Some((error.kind().to_string(), error.message.clone())), ..Ended::default() }
    }

    fn of(report: &Report) -> Ended {
        let error = report.check().err().map(|e| (e.kind().to_string(), e.message.clone()));
        let jobs = report.jobs.iter().map(|job| (job.job.clone(), job.run.clone(), job.resumed, job.finished));
        let errors = report.steps.iter().filter_map(|step| step.error.as_ref()).map(ToString::to_string).collect();
        Ended { finished: report.finished, error, jobs: jobs.collect(), errors, ..Ended::default() }
    }

    pub fn kind(&self) -> &str {
        match &self.error {
            _ if self.was_killed => "killed",
            Some((kind, _)) => kind,
            None => "ok",
        }
    }
}

fn options(start: &Start) -> RunOptions {
    RunOptions { accept_changes: start.accept_changes, host: "night".to_owned(), ..RunOptions::default() }
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

impl Place {
    pub fn run(&self, start: &Start) -> Ended {
        if start.is_child { self.run_child(start) } else { self.run_here(start) }
    }

    pub fn batch(&self, start: &Start) -> Arc<Batch> {
        let wire = Arc::new(Wire::here(&self.system, &self.clock, start.seed));
        let text = batch::text(self.shape, start.edition, start.comment);
        batch::load(&self.folder, &text, &wire, &self.clock).unwrap_or_else(|e| panic!("{e} {:?}", e.faults))
    }

    fn run_here(&self, start: &Start) -> Ended {
        let wire = Arc::new(Wire::here(&self.system, &self.clock, start.seed));
        run(&self.folder, (self.shape, start), &wire, &self.clock)
    }

    fn run_child(&self, start: &Start) -> Ended {
        let log = self.folder.join("calls.log");
        let _none_before_the_first = std::fs::remove_file(&log);
        let mut programs = vec![self.child(start, &log)];
        if start.is_twice {
            programs.push(self.child(start, &log));
        }
        let mut ends: Vec<Ended> = programs.into_iter().map(|program| self.end_of(program)).collect();
        if start.fault == Some(Fault::Kill(When::PowerCut, kill_number(start))) && ends[0].was_killed {
            shim::cut_power(&log);
        }
        let last = self.system.lock().unwrap().last;
        self.clock.move_to(last);
        // Of two, the one that ran counts.
        ends.sort_by_key(|end| end.jobs.is_empty());
        let mut end = ends.remove(0);
        for other in ends {
            let is_refused = other.error.as_ref().is_some_and(|(kind, text)| {
                kind == &ErrorKind::State.to_string() && text.contains("is running this batch")
            });
            if !other.was_killed && !is_refused && other.jobs.is_empty() {
                end.fault = Some(format!("of two starts at once, the second ended with {:?}", other.error));
            }
        }
        end
    }

    fn child(&self, start: &Start, log: &Path) -> Program {
        let wrong = self.clock.wrong();
        let passed = self.clock.passed_ms();
        let Start { seed, edition, comment, accept_changes, .. } = start;
        let told =
            json!([self.folder, self.shape.bits(), self.socket, passed, wrong, seed, edition, comment, accept_changes]);
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.env(CHILD, told.to_string()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        if let Some(shim) = &self.shim {
            let watch = self.folder.canonicalize().unwrap().join(".opnode");
            command.env("LD_PRELOAD", shim).env("FAULTS_WATCH", watch).env("FAULTS_LOG", log);
            command.envs(start.fault.as_ref().map(Fault::variable));
        }
        Program::start(&mut command).unwrap()
    }

    fn end_of(&self, program: Program) -> Ended {
        let output = program.into_output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let Some(line) = text.lines().find(|line| line.starts_with('{')) else {
            let errors = String::from_utf8_lossy(&output.stderr).into_owned();
            let fault =
                (output.status.code().is_some()).then(|| format!("a child ended with {}: {errors}", output.status));
            return Ended { fault, ..Ended::killed() };
        };
        let told: Value = serde_json::from_str(line).unwrap();
        self.clock.move_to(told["passed"].as_u64().unwrap_or_default());
        Ended {
            was_killed: false,
            errors: Vec::new(),
            finished: told["finished"] == true,
            error: serde_json::from_value(told["error"].clone()).unwrap(),
            jobs: serde_json::from_value(told["jobs"].clone()).unwrap(),
            fault: serde_json::from_value(told["fault"].clone()).unwrap(),
        }
    }
}

fn kill_number(start: &Start) -> u64 {
    match start.fault {
        Some(Fault::Kill(_, number)) => number,
        _ => 0,
    }
}

/// Runs the batch to its end, or to the moment in which it is killed.
fn run(folder: &Path, (shape, start): (Shape, &Start), wire: &Arc<Wire>, clock: &Arc<MovableClock>) -> Ended {
    if let Some((number, moment)) = start.moment {
        wire.at(number, moment);
    }
    let text = batch::text(shape, start.edition, start.comment);
    let batch = match batch::load(folder, &text, wire, clock) {
        Ok(batch) => batch,
        Err(error) => return Ended::refused(&error),
    };
    block_on(async {
        let run = match Arc::clone(&batch).run(options(start)) {
            Ok(run) => run,
            Err(error) => return Ended::refused(&error),
        };
        let mut fault = None;
        if start.is_twice && !start.is_child {
            match Arc::clone(&batch).run(options(start)) {
                Err(error) if error.kind() == ErrorKind::State && error.message.contains("running this batch") => {}
                Err(error) => fault = Some(format!("a second start ended with {error}")),
                Ok(_) => fault = Some("a second start was accepted".to_owned()),
            }
        }
        let ended = tokio::select! {
            biased;
            () = wire.killed.notified() => Ended::killed(),
            report = tokio::time::timeout(PATIENCE, run.finish(|_| Ok(()))) => match report {
                Ok(report) => Ended::of(&report),
                Err(_) => Ended { fault: Some("it does not end".to_owned()), ..Ended::killed() },
            },
        };
        Ended { fault: fault.or(ended.fault.clone()), ..ended }
    })
}

/// A start in a child process, which tells its end on standard output.
pub fn be_child(told: &str) {
    let (folder, bits, socket, passed, wrong, seed, edition, comment, accept_changes): (
        PathBuf,
        String,
        PathBuf,
        u64,
        i64,
        u64,
        u64,
        u64,
        bool,
    ) = serde_json::from_str(told).unwrap();
    let clock = Arc::new(MovableClock::new(passed, wrong, seed));
    let wire = Arc::new(Wire::there(&socket, &clock, seed));
    let start = Start { seed, edition, comment, accept_changes, is_child: true, ..Start::default() };
    fastrand::seed(seed);
    let ended = run(&folder, (Shape::parse(&bits), &start), &wire, &clock);
    let line = json!({
        "passed": clock.passed_ms(), "finished": ended.finished, "error": ended.error, "jobs": ended.jobs, "fault": ended.fault,
    });
    println!("{line}");
}
