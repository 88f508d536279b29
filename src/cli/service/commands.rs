//! Commands of opnode itself that the page starts as processes of their own: what they say and do is what they say and do
//! in a terminal.

use std::ffi::OsString;
use std::io::Write as _;
use std::process::{Command, Stdio};

use serde::Serialize;
use serde_json::Value;

use super::Service;
use crate::cli::args::GlobalArgs;
use crate::error::{Error, ErrorKind, Result, io_text};

/// The end of a command.
#[derive(Debug, Serialize)]
pub(in crate::cli) struct CommandEnd {
    exit_code: i32,
    /// What it printed, notes included.
    pub(super) output: String,
    /// Its errors, as everywhere.
    errors: Vec<Value>,
}

impl CommandEnd {
    pub(super) fn is_success(&self) -> bool {
        self.exit_code == 0
    }
}

impl Service {
    /// Runs a command with the global flags of this process; `input` is its standard input.
    ///
    /// # Errors
    /// `internal` when the program cannot be started.
    pub(super) async fn command(&self, arguments: Vec<OsString>, input: Option<String>) -> Result<CommandEnd> {
        let failed =
            |e: &std::io::Error| Error::new(ErrorKind::Internal, format!("opnode cannot be started: {}", io_text(e)));
        let mut command = Command::new(&self.program);
        command.args(arguments).args(global(&self.app.global)).args(["--error-format", "json"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let work = tokio::task::spawn_blocking(move || {
            let mut child = command.spawn()?;
            if let Some(mut stdin) = child.stdin.take() {
                // A command that reads nothing closes its end.
                let _unread = input.map(|text| stdin.write_all(text.as_bytes()));
            }
            child.wait_with_output()
        });
        let output = work.await.map_err(|e| Error::new(ErrorKind::Internal, format!("the command ended: {e}")))?;
        let output = output.map_err(|e| failed(&e))?;
        let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
        let mut errors = Vec::new();
        for line in String::from_utf8_lossy(&output.stderr).lines() {
            match serde_json::from_str::<Value>(line) {
                Ok(error) if error.get("kind").is_some() => errors.push(error),
                Ok(note) => text.extend([note.get("message").and_then(Value::as_str).unwrap_or(line), "\n"]),
                Err(_) => text.extend([line, "\n"]),
            }
        }
        Ok(CommandEnd { exit_code: output.status.code().unwrap_or(-1), output: text, errors })
    }
}

/// The global flags that a command needs to see the same files.
fn global(args: &GlobalArgs) -> Vec<OsString> {
    let GlobalArgs { definitions, connections, tokens, ca, only_ca, certificate, key, proxy, .. } = args;
    let mut flags: Vec<OsString> = Vec::new();
    let mut add = |name: &str, value: &std::ffi::OsStr| flags.extend([name.into(), value.to_owned()]);
    definitions.iter().for_each(|folder| add("--definitions", folder.as_os_str()));
    let files = [
        ("--connections", connections),
        ("--tokens", tokens),
        ("--ca", ca),
        ("--certificate", certificate),
        ("--key", key),
    ];
    for (name, path) in files {
        path.iter().for_each(|path| add(name, path.as_os_str()));
    }
    proxy.iter().for_each(|proxy| add("--proxy", proxy.as_ref()));
    if *only_ca {
        flags.push("--only-ca".into());
    }
    flags
}
