//! Builds the fault injector `tests/faults/shim.c` once, configures it, and reads its log.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cleanup::Program;

/// Kinds of counted calls.
pub const KINDS: [&str; 8] = ["open", "write", "sync", "rename", "truncate", "unlink", "mkdir", "send"];

/// When the process is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    Before,
    /// After half of the bytes were written.
    Half,
    After,
    /// After the call; everything that was not synced is lost.
    PowerCut,
}

/// A fault of a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    Kill(When, u64),
    /// The n-th call of a kind fails once; with `short`, half of the bytes are written first.
    Fail {
        kind: String,
        number: u64,
        errno: &'static str,
    },
}

impl Fault {
    /// The environment variable that configures it.
    pub fn variable(&self) -> (&'static str, String) {
        match self {
            Fault::Kill(when, number) => {
                let when = match when {
                    When::Before => "before",
                    When::Half => "half",
                    When::After | When::PowerCut => "after",
                };
                ("FAULTS_KILL", format!("{when}:{number}"))
            }
            Fault::Fail { kind, number, errno } => ("FAULTS_FAIL", format!("{kind}:{number}:{errno}")),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, value) = self.variable();
        write!(f, "{name}={value}")
    }
}

/// A counted call.
#[derive(Clone, Debug)]
pub struct Call {
    pub number: u64,
    pub kind: String,
    /// Its number within its kind.
    pub own: u64,
    pub path: PathBuf,
}

/// Reads the log of a process.
pub fn calls(log: &Path) -> Vec<Call> {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    text.lines()
        .filter_map(|line| {
            let mut words = line.splitn(4, ' ');
            Some(Call {
                number: words.next()?.parse().ok()?,
                kind: words.next()?.to_owned(),
                own: words.next()?.parse().ok()?,
                path: words.next()?.into(),
            })
        })
        .filter(|call| call.number > 0)
        .collect()
}

/// Truncates the files of a killed process to what it had synced, as a power cut may. File names survive.
pub fn cut_power(log: &Path) {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let mut safe: BTreeMap<&str, u64> = BTreeMap::new();
    let mut moved = None;
    for line in text.lines() {
        let words: Vec<&str> = line.splitn(4, ' ').collect();
        let ["0", event, length, path] = words[..] else { continue };
        let length = length.parse().unwrap_or(0);
        match event {
            // Older content is durable: the test has already truncated it.
            "opened" => drop(safe.entry(path).and_modify(|safe| *safe = length.min(*safe)).or_insert(length)),
            "synced" => drop(safe.insert(path, length)),
            "cut" => drop(safe.entry(path).and_modify(|safe| *safe = length.min(*safe))),
            "gone" => moved = safe.remove(path),
            // A rename does not change what is durable.
            _ => drop(moved.take().map(|length| safe.insert(path, length))),
        }
    }
    for (path, length) in safe {
        let Ok(file) = std::fs::File::options().write(true).open(path) else { continue };
        if file.metadata().unwrap().len() > length {
            file.set_len(length).unwrap();
        }
    }
}

/// Builds it into a folder.
///
/// # Errors
/// The reason why it cannot be used on this machine.
pub fn build(folder: &Path) -> Result<PathBuf, String> {
    if !cfg!(target_os = "linux") {
        return Err("LD_PRELOAD as it is used here is Linux's".into());
    }
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faults/shim.c");
    let target = folder.join("shim.so");
    let built = Program::output(
        Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).arg(&target).arg(source).arg("-ldl"),
    );
    match built {
        Err(e) => Err(format!("there is no `cc`: {e}")),
        Ok(output) if !output.status.success() => {
            Err(format!("`cc` fails: {}", String::from_utf8_lossy(&output.stderr)))
        }
        Ok(_) => Ok(target),
    }
}
