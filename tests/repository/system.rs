//! The systems of the examples: `opnode sandbox`, whose records stay between runs, with connections of all names that the
//! examples use.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::cleanup::{self, Program};

/// The secrets of the connections, as environment variables.
const SECRETS: [(&str, &str); 5] = [
    ("ACME_CW_KEY", "sandbox-private-key"),
    ("GLOBEX_CW_KEY", "sandbox-private-key"),
    ("UMBRELLA_CW_KEY", "sandbox-private-key"),
    ("JUMPCLOUD_KEY", "sandbox-api-key"),
    ("DESK_PASSWORD", "open sesame"),
];

/// A request that the sandbox has answered.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) verb: String,
    /// Path and query as received.
    pub(crate) path: String,
    pub(crate) status: u64,
}

/// The examples in a folder of their own, and the systems that they call.
pub(crate) struct System {
    root: tempfile::TempDir,
    _sandbox: Program,
    port: String,
}

impl System {
    pub(crate) fn start() -> System {
        let root = cleanup::folder();
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
        for folder in ["batches", "definitions"] {
            cleanup::copy(&examples.join(folder), &root.path().join(folder));
        }
        let mut command = Command::new(env!("CARGO_BIN_EXE_opnode"));
        command
            .args(["sandbox", "--definitions", "definitions"])
            .current_dir(root.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut sandbox = Program::start(&mut command).unwrap();
        let port = port_of(&mut sandbox);
        let system = System { root, _sandbox: sandbox, port };
        std::fs::write(system.path("connections.yaml"), system.connections()).unwrap();
        system
    }

    /// A file beside the examples.
    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.root.path().join("batches").join(file)
    }

    pub(crate) fn text(&self, file: &str) -> String {
        let path = self.path(file);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// Replaces a part of a file.
    pub(crate) fn edit(&self, file: &str, from: &str, to: &str) {
        let text = self.text(file);
        assert!(text.contains(from), "{file} has no {from}");
        std::fs::write(self.path(file), text.replace(from, to)).unwrap();
    }

    /// The rows of an NDJSON file.
    pub(crate) fn rows(&self, file: &str) -> Vec<Value> {
        self.text(file).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The lines of a CSV file.
    pub(crate) fn lines(&self, file: &str) -> Vec<String> {
        self.text(file).lines().map(str::to_owned).collect()
    }

    fn connections(&self) -> String {
        let mut text = "version: 1\nconnections:\n".to_owned();
        for name in ["acme", "globex", "umbrella"] {
            text.push_str(&format!(
                "  {name}: {{ connector: connectwise-manage, siteUrl: \"http://127.0.0.1:{}\", username: training+sandboxkey, clientId: 11111111-2222-3333-4444-555555555555, password: {{ env: {}_CW_KEY }}, limits: {{ page_size: 25 }} }}\n",
                self.port,
                name.to_uppercase()
            ));
        }
        text.push_str(&format!(
            "  directory: {{ connector: jumpcloud-msp, consoleUrl: \"http://127.0.0.1:{}\", providerId: 65a4f0c2e4b0a1b2c3d4e5f0, apiKey: {{ env: JUMPCLOUD_KEY }} }}\n",
            self.port
        ));
        text
    }

    /// The address of the sandbox.
    pub(crate) fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Runs opnode beside the examples; `variables` override those of the connections.
    pub(crate) fn opnode(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_opnode"));
        command
            .args(arguments)
            .current_dir(self.root.path().join("batches"))
            .env_clear()
            .env("HOME", self.root.path())
            .envs(SECRETS)
            .envs(variables.iter().copied());
        Program::output(&mut command).unwrap()
    }

    /// Runs opnode and expects this exit code; returns both outputs.
    pub(crate) fn ends(&self, arguments: &[&str], variables: &[(&str, &str)], exit: i32) -> (String, String) {
        let output = self.opnode(arguments, variables);
        let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        assert_eq!(output.status.code(), Some(exit), "{arguments:?}\n{out}\n{err}");
        (out, err)
    }

    /// Runs a batch to its end; returns its report.
    pub(crate) fn run(&self, arguments: &[&str], exit: i32) -> Report {
        self.run_with(arguments, &[], exit)
    }

    pub(crate) fn run_with(&self, arguments: &[&str], variables: &[(&str, &str)], exit: i32) -> Report {
        let all = [&["run"], arguments, &["--report", "report.json", "-q"]].concat();
        self.ends(&all, variables, exit);
        Report(serde_json::from_str(&self.text("report.json")).unwrap())
    }

    /// All records that a query gives.
    pub(crate) fn query(&self, operation: &str, options: &[&str]) -> Vec<Value> {
        let sets = options.iter().flat_map(|option| ["--set", option]);
        let all: Vec<&str> = ["query", operation, "--connection", "acme"].into_iter().chain(sets).collect();
        self.ends(&all, &[], 0).0.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// What has arrived at the sandbox.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        let mut stream = TcpStream::connect(format!("127.0.0.1:{}", self.port)).unwrap();
        stream.write_all(b"GET /__sandbox/log HTTP/1.0\r\nHost: sandbox\r\n\r\n").unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).unwrap();
        let list: Vec<Value> = serde_json::from_str(reply.split_once("\r\n\r\n").unwrap().1).unwrap();
        let text = |entry: &Value, field: &str| entry[field].as_str().unwrap_or_default().to_owned();
        let entry = |entry: &Value| Asked {
            verb: text(entry, "method"),
            path: text(entry, "path"),
            status: entry["status"].as_u64().unwrap_or_default(),
        };
        list.iter().map(entry).collect()
    }

    /// The requests of this verb whose path contains a text, since the first `from` requests.
    pub(crate) fn asked_since(&self, from: usize, verb: &str, path: &str) -> Vec<Asked> {
        self.asked().into_iter().skip(from).filter(|asked| asked.verb == verb && asked.path.contains(path)).collect()
    }
}

/// A report of a run.
pub(crate) struct Report(pub(crate) Value);

impl Report {
    pub(crate) fn of(&self, job: &str, step: &str) -> &Value {
        let all = self.0["steps"].as_array().unwrap();
        all.iter().find(|found| found["job"] == job && found["step"] == step).unwrap()
    }

    pub(crate) fn step(&self, step: &str) -> &Value {
        self.of("main", step)
    }
}

fn port_of(sandbox: &mut Program) -> String {
    let mut stdout = sandbox.stdout();
    let (mut text, mut buffer) = (String::new(), [0; 4096]);
    loop {
        let count = stdout.read(&mut buffer).unwrap();
        assert!(count > 0, "the sandbox ended: {text}");
        text.push_str(std::str::from_utf8(&buffer[..count]).unwrap());
        let line = text.split_once("http://127.0.0.1:").and_then(|(_, rest)| rest.split_once('\n'));
        if let Some((port, _)) = line {
            // Keeps the pipe open, so that the sandbox can write the rest.
            std::thread::spawn(move || std::io::copy(&mut stdout, &mut std::io::sink()));
            return port.chars().take_while(char::is_ascii_digit).collect();
        }
    }
}
