//! The world of a trial: a folder with a batch, the built binary that runs it, and the records that the server created.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::Value;

use crate::cleanup::{self, Program};
use crate::server::{MADE, Worlds};
use crate::shim::{self, Call, Fault, When};

const CONNECTOR: &str = "
version: 1
connector: stock
title: Stock
connection: { url: { format: uri } }
base_url: '{url}'
auth: none
paging: { link: { size: { query: size, default: 2 } } }
errors: { message: /message }
probe: listItems
";

const OPERATIONS: &str = "
version: 1
operations:
  listItems: { title: L, method: query, request: GET /items, options: { since: {} }, response: { result: list } }
  listDetails: { title: D, method: query, request: 'GET /items/{id}/details', options: { id: {} }, response: { result: list } }
  makeRecord: { title: M, method: mutate, request: POST /records, items: { send: each }, response: { result: object } }
";

const BATCH: &str = r#"version: 1
name: matrix
connections: connections.yaml
connection: stock
steps:
  - id: list
    query: listItems
    options: { since: "${{ watermark }}" }
    watermark: { pointer: /stamp, start: "2020-01-01T00:00:00Z" }
    save: out/list.ndjson
  - id: details
    for: ${{ steps.list.items }}
    query: listDetails
    options: { id: "${{ item.id }}" }
    map: { item: "${{ parent.id }}", part: "${{ item.part }}", note: "${{ item.note }}" }
    parallel: 4
    on_error: continue
    save: out/details.csv
  - id: make
    mutate: makeRecord
    items: ${{ steps.list.items }}
    where: ${{ item.id <= 32 }}
    map: { key: "k-${{ item.id }}" }
    on_error: continue
    save:
      - out/made.ndjson
      - { to: out/all.csv, append: true, columns: [key, id] }
finally:
  - id: end
    transform: { from: "${{ [{ 'ended': true }] }}", do: [{ filter: "${{ true }}" }] }
"#;

/// The file to which rows are added, before the run.
pub const ALL: &str = "key,id\nk-0,old\n";

/// Maximum time of a run.
const PATIENCE: Duration = Duration::from_secs(60);
/// Maximum number of times that a run is resumed.
const RESUMES_MAX: usize = 12;

/// The settings shared by all trials.
pub struct Setting {
    pub server: String,
    pub worlds: Worlds,
    pub shim: PathBuf,
}

/// The folder of one trial.
pub struct World<'s> {
    setting: &'s Setting,
    folder: tempfile::TempDir,
    name: String,
}

/// The end of a process.
#[derive(Debug)]
pub struct Ended {
    /// `None` when it was killed.
    pub exit: Option<i32>,
    pub stderr: String,
    pub calls: Vec<Call>,
}

/// The results of an ended run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    pub list: String,
    pub details: String,
    pub made: String,
    /// The rows of `made`, and older ones.
    pub all: String,
    pub watermarks: String,
    /// Items that failed, by step; and those with unknown outcomes.
    pub failed: BTreeMap<String, BTreeSet<String>>,
    pub unknown: BTreeSet<String>,
    /// The counts of both in the report.
    pub counts: BTreeMap<String, (u64, u64)>,
}

impl<'s> World<'s> {
    pub fn new(setting: &'s Setting) -> World<'s> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let name = format!("w{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        // The trials sync often, which costs nothing in memory.
        let folder = cleanup::folder_in_memory();
        let operations = folder.path().join("definitions/operations/stock");
        std::fs::create_dir_all(&operations).unwrap();
        std::fs::write(operations.join("connector.yaml"), CONNECTOR.trim_start()).unwrap();
        std::fs::write(operations.join("stock.yaml"), OPERATIONS.trim_start()).unwrap();
        std::fs::create_dir(folder.path().join("out")).unwrap();
        std::fs::write(folder.path().join("batch.yaml"), BATCH).unwrap();
        std::fs::write(folder.path().join("out/all.csv"), ALL).unwrap();
        let url = format!("{}/{name}", setting.server);
        let connections = format!(
            "version: 1\nconnections:\n  stock:\n    connector: stock\n    url: {url}\n    limits: {{ attempts: 1 }}\n"
        );
        std::fs::write(folder.path().join("connections.yaml"), connections).unwrap();
        World { setting, folder, name }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        // The canonical path, as in the log of calls.
        self.folder.path().canonicalize().unwrap().join(name)
    }

    /// A file of the run folder.
    pub fn state(&self, name: &str) -> PathBuf {
        self.path("state/matrix").join(name)
    }

    /// Runs the batch once.
    pub fn run(&self, fault: Option<&Fault>, more: &[&str]) -> Result<Ended, String> {
        let report: &[&str] = if more.contains(&"--report") { &[] } else { &["--report", "report.json"] };
        self.opnode(fault, &[&["run", "batch.yaml", "--state", "state"], report, more].concat())
    }

    /// Runs the program once.
    pub fn opnode(&self, fault: Option<&Fault>, args: &[&str]) -> Result<Ended, String> {
        let log = self.path("calls.log");
        let _none_before_the_first = std::fs::remove_file(&log);
        let watch = format!("{}:{}", self.path("state").display(), self.path("out").display());
        let mut command = Command::new(env!("CARGO_BIN_EXE_opnode"));
        command
            .args(args)
            .current_dir(self.folder.path())
            .env_clear()
            .envs([("HOME", self.folder.path().as_os_str()), ("OPNODE_DEFINITIONS", "definitions".as_ref())])
            .envs([
                ("LD_PRELOAD", self.setting.shim.as_os_str()),
                ("FAULTS_LOG", log.as_os_str()),
                ("FAULTS_WATCH", watch.as_ref()),
            ])
            .env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere")
            .envs(fault.map(Fault::variable))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(self.path("stderr")).unwrap());
        let mut program = Program::start(&mut command).map_err(|e| e.to_string())?;
        let status =
            program.ended(PATIENCE).ok_or_else(|| format!("it did not end within {} s", PATIENCE.as_secs()))?;
        let stderr = String::from_utf8_lossy(&std::fs::read(self.path("stderr")).unwrap()).into_owned();
        match (status.code(), status.signal()) {
            (None, signal) if signal != Some(9) => Err(format!("it ended by signal {signal:?}: {stderr}")),
            (exit, _) => {
                if let (None, Some(Fault::Kill(When::PowerCut, _))) = (exit, fault) {
                    shim::cut_power(&log);
                }
                Ok(Ended { exit, stderr, calls: shim::calls(&log) })
            }
        }
    }

    /// Whether the run has ended, according to the journal.
    pub fn has_ended(&self) -> bool {
        let journal = std::fs::read(self.state("journal")).unwrap_or_default();
        let whole = journal.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
        String::from_utf8_lossy(&journal[..whole])
            .lines()
            .last()
            .is_some_and(|line| line.contains(r#"{"fact":"ended""#))
    }

    /// Runs with these faults in turn, then without faults until the run has ended. Returns how often it was resumed.
    pub fn run_to_the_end(&self, faults: &[Fault]) -> Result<usize, String> {
        for resumes in 0..RESUMES_MAX {
            let ended = self.run(faults.get(resumes), &[])?;
            if self.has_ended() {
                return Ok(resumes);
            }
            if faults.get(resumes).is_none() {
                return Err(format!(
                    "without any fault it ended with {:?} and is not finished: {}",
                    ended.exit, ended.stderr
                ));
            }
        }
        Err("it never came to its end".into())
    }

    /// The results of the run.
    pub fn left(&self) -> Result<Left, String> {
        let read = |path: &Path| std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()));
        let report: Value =
            serde_json::from_str(&read(&self.state("report.json"))?).map_err(|e| format!("report.json: {e}"))?;
        let (mut failed, mut unknown, mut counts) = (BTreeMap::new(), BTreeSet::new(), BTreeMap::new());
        for step in report["steps"].as_array().into_iter().flatten() {
            let id = step["step"].as_str().unwrap_or_default().to_owned();
            counts.insert(id.clone(), (step["failed"].as_u64().unwrap_or(0), step["unknown"].as_u64().unwrap_or(0)));
            let Some(file) = step["failures"].as_str() else { continue };
            for line in read(&self.path(file))?.lines() {
                let line: Value = serde_json::from_str(line).map_err(|e| format!("{file}: {e}: {line}"))?;
                let key = line["item"]["key"].as_str().map_or_else(|| line["element"].to_string(), str::to_owned);
                let set = if line["status"] == "unknown" {
                    &mut unknown
                } else {
                    failed.entry(id.clone()).or_insert_with(BTreeSet::new)
                };
                if !set.insert(key.clone()) {
                    return Err(format!("{file} names {key} twice"));
                }
            }
        }
        if report["finished"] != true {
            return Err(format!("the run is not finished: {report}"));
        }
        Ok(Left {
            list: read(&self.path("out/list.ndjson"))?,
            details: read(&self.path("out/details.csv"))?,
            made: read(&self.path("out/made.ndjson"))?,
            all: read(&self.path("out/all.csv"))?,
            watermarks: self.watermarks()?,
            failed,
            unknown,
            counts,
        })
    }

    /// The watermarks of `watermarks.json`, without who stored them.
    pub fn watermarks(&self) -> Result<String, String> {
        let path = self.state("watermarks.json");
        let text = std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        serde_json::from_str::<Value>(&text)
            .map(|kept| kept["marks"].to_string())
            .map_err(|e| format!("watermarks.json: {e}"))
    }

    /// Makes the server refuse nothing from now on.
    pub fn accept_all(&self) {
        self.setting.worlds.accept_all(&self.name);
    }

    /// How often each record was created.
    pub fn records(&self) -> BTreeMap<String, u64> {
        self.setting.worlds.made(&self.name)
    }

    /// The same, after the server has handled the requests of a killed run.
    pub fn records_at_rest(&self) -> BTreeMap<String, u64> {
        let mut last = self.records();
        loop {
            std::thread::sleep(std::time::Duration::from_millis(300));
            let now = self.records();
            if now == last {
                return now;
            }
            last = now;
        }
    }

    /// Files that are neither results nor state of the run; there must be none.
    pub fn leftover_files(&self) -> Vec<PathBuf> {
        let entries = |name: &str| std::fs::read_dir(self.path(name)).into_iter().flatten().flatten().map(|e| e.path());
        let known = ["list.ndjson", "details.csv", "made.ndjson", "all.csv"];
        entries("out").filter(|p| !known.iter().any(|k| p.ends_with(k))).collect()
    }
}

/// Keys of all records to create.
pub fn wanted() -> BTreeSet<String> {
    (1..=MADE).map(crate::server::key_of).collect()
}
