//! Removes the programs and folders of tests when they end, also after a failure or a kill.
//!
//! Each program leads a process group, which ends with its guard. A shell beside the tests reads the groups and folders
//! from a pipe. When the pipe closes because the tests have ended, it kills the remaining groups and removes the
//! remaining folders.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tempfile::TempDir;

/// A program that a test has started, with its child processes.
pub struct Program {
    child: Option<Child>,
    id: u32,
}

impl Program {
    /// Without a working directory of its own, it runs in the folder of all tests, which also contains its temporary
    /// files.
    ///
    /// # Errors
    /// If the program cannot be started.
    pub fn start(command: &mut Command) -> std::io::Result<Program> {
        if command.get_current_dir().is_none() {
            command.current_dir(&*FOLDERS);
        }
        command.env("TMPDIR", &*FOLDERS);
        let child = command.process_group(0).spawn()?;
        let id = child.id();
        note(&format!("+ {id}"));
        Ok(Program { child: Some(child), id })
    }

    /// Runs a program to its end.
    ///
    /// # Errors
    /// If the program cannot be started.
    pub fn output(command: &mut Command) -> std::io::Result<Output> {
        Program::start(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()))?.into_output()
    }

    /// Waits for the end; returns the program's output.
    ///
    /// # Errors
    /// If the pipes cannot be read.
    pub fn into_output(mut self) -> std::io::Result<Output> {
        self.child.take().unwrap().wait_with_output()
    }

    pub fn id(&self) -> u32 {
        self.id
    }

    pub fn stdout(&mut self) -> ChildStdout {
        self.child.as_mut().unwrap().stdout.take().unwrap()
    }

    /// Its exit status, if it has ended.
    pub fn status(&mut self) -> Option<ExitStatus> {
        self.child.as_mut().unwrap().try_wait().unwrap()
    }

    /// Waits for its end; kills it after this time and returns `None`.
    pub fn ended(&mut self, patience: Duration) -> Option<ExitStatus> {
        let start = Instant::now();
        loop {
            match self.status() {
                Some(status) => return Some(status),
                None if start.elapsed() > patience => {
                    self.kill();
                    return None;
                }
                None => std::thread::sleep(Duration::from_millis(5)),
            }
        }
    }

    /// Sends SIGINT, as Ctrl-C does, to the program alone.
    pub fn interrupt(&self) {
        self.signal(Signal::INT);
    }

    pub fn signal(&self, signal: Signal) {
        let _ended_already = Pid::from_raw(self.id.cast_signed()).map(|id| kill_process(id, signal));
    }

    fn kill(&mut self) {
        let _ended_already = Pid::from_raw(self.id.cast_signed()).map(|id| kill_process_group(id, Signal::KILL));
        let _reaped = self.child.as_mut().map(Child::wait);
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill();
        note(&format!("- {}", self.id));
    }
}

/// The folder of all folders of these tests.
static FOLDERS: LazyLock<PathBuf> = LazyLock::new(|| folders_in(&std::env::temp_dir()));

/// Creates a folder in the folder for temporary files.
pub fn folder() -> TempDir {
    tempfile::tempdir_in(&*FOLDERS).unwrap()
}

/// Creates a folder in memory if possible, for tests that sync often.
pub fn folder_in_memory() -> TempDir {
    static ALL: LazyLock<PathBuf> = LazyLock::new(|| {
        let memory = Path::new("/dev/shm");
        folders_in(if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() }.as_path())
    });
    tempfile::tempdir_in(&*ALL).unwrap()
}

/// Copies a folder, with the files that are there in the place of others.
pub fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// A folder for all folders of this process.
fn folders_in(place: &Path) -> PathBuf {
    let all = place.join(format!("opnode-tests-{}", std::process::id()));
    note(&format!("folder {}", all.display()));
    std::fs::create_dir_all(&all).unwrap();
    all
}

/// The shell that cleans up; each line that it reads is a group or folder.
const KEEPER: &str = r#"
groups= folder= memory=
while read -r word name; do
    case $word in
        +) groups="$groups $name" ;;
        -) left=; for group in $groups; do [ "$group" = "$name" ] || left="$left $group"; done; groups=$left ;;
        folder) if [ -z "$folder" ]; then folder=$name; else memory=$name; fi ;;
    esac
done
for group in $groups; do kill -KILL -- "-$group"; done
# One that was started in the moment in which the tests ended was not told of; it works in one of the folders.
for process in /proc/[0-9]*; do
    at=$(readlink "$process/cwd") || continue
    for all in "$folder" "$memory"; do
        case $at in "${all:-/none}"/*) kill -KILL "${process#/proc/}" ;; esac
    done
done
for all in "$folder" "$memory"; do [ -z "$all" ] || rm -rf -- "$all"; done
"#;

/// Registers a group or folder with the keeper; starts it on the first call.
fn note(line: &str) {
    static KEEPER_OF_THIS_PROCESS: LazyLock<Mutex<Child>> = LazyLock::new(|| {
        let mut keeper = Command::new("sh");
        // In its own group it survives Ctrl-C in a terminal.
        keeper.args(["-c", KEEPER]).process_group(0).current_dir("/");
        Mutex::new(keeper.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    });
    let mut keeper = KEEPER_OF_THIS_PROCESS.lock().unwrap_or_else(PoisonError::into_inner);
    // Without the keeper the guards still clean up.
    let _gone = keeper.stdin.as_mut().map(|pipe| pipe.write_all(format!("{line}\n").as_bytes()));
}
