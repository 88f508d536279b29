//! The environment of a trial: a folder, servers that end with it, and the `opnode` that runs in it.

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use serde_json::Value;

use crate::cleanup::{self, Program};

/// Maximum time to start a server, and for one command of opnode.
const PATIENCE: Duration = Duration::from_secs(120);

/// A port for a server that is started later. Each is returned once, outside of the range for outgoing connections.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = 20_000 + (std::process::id() % 100) as u16 * 100;
    loop {
        let port = first + NEXT.fetch_add(1, Ordering::SeqCst) % 5_000;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// A folder with the definitions of a server and the connections of a trial.
pub struct Setup {
    // The servers end before their folder is removed.
    servers: Vec<Program>,
    folder: tempfile::TempDir,
}

/// The output of a command.
#[derive(Debug)]
pub struct CommandOutput {
    pub stdout: String,
    pub stderr: String,
    pub code: i32,
}

impl Setup {
    /// Uses the definitions of `tests/servers/NAME/`; without them, opnode's own.
    pub fn new(name: &str) -> Setup {
        let folder = cleanup::folder();
        let definitions = folder.path().join("definitions/operations").join(name);
        for file in
            ["connector.yaml", "operations.yaml"].map(|file| source(name).join(file)).iter().filter(|f| f.is_file())
        {
            std::fs::create_dir_all(&definitions).unwrap();
            std::fs::copy(file, definitions.join(file.file_name().unwrap())).unwrap();
        }
        Setup { folder, servers: Vec::new() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The folder as text for a server's settings.
    pub fn folder(&self) -> String {
        self.folder.path().display().to_string()
    }

    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    /// The lines of a server's log that match `keep`.
    pub fn lines(&self, name: &str, keep: impl Fn(&str) -> bool) -> Vec<String> {
        let text = std::fs::read_to_string(self.path(name)).unwrap_or_default();
        text.lines().filter(|line| keep(line)).map(str::to_owned).collect()
    }

    /// The content of a JSON file; null if it does not exist.
    pub fn json(&self, name: &str) -> Value {
        std::fs::read(self.path(name)).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
    }

    /// Writes the connections of the trial: the YAML below `connections:`.
    pub fn connections(&self, yaml: &str) {
        self.write("connections.yaml", &format!("version: 1\nconnections:\n{yaml}"));
    }

    /// Starts a server and waits until it accepts connections.
    pub fn serve(&mut self, mut command: Command, port: u16) {
        let log = std::fs::File::create(self.path(&format!("server-{port}.log"))).unwrap();
        command.current_dir(self.folder.path()).stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        let mut program = Program::start(&mut command).unwrap();
        let start = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let ended = program.status();
            if ended.is_some() || start.elapsed() > PATIENCE {
                let said = std::fs::read_to_string(self.path(&format!("server-{port}.log"))).unwrap_or_default();
                panic!("the server is not there ({ended:?}): {said}");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        self.servers.push(program);
    }

    /// The first server.
    pub fn server(&self) -> &Program {
        &self.servers[0]
    }

    /// The command for opnode with these arguments, in the folder and with an empty environment.
    pub fn command(&self, line: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_opnode"));
        command
            .args(line)
            .current_dir(self.folder.path())
            .env_clear()
            .envs([("HOME", self.folder.path()), ("SSL_CERT_FILE", &self.path("ca.pem"))])
            .env("OPNODE_TOKENS", "tokens.json")
            // Do not use the keyring of the user.
            .env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere")
            .stdin(Stdio::null());
        if self.path("definitions").is_dir() {
            command.env("OPNODE_DEFINITIONS", "definitions");
        }
        command
    }

    pub fn run(&self, line: &[&str]) -> CommandOutput {
        told(self.command(line))
    }

    /// Creates a certificate authority that opnode trusts in this folder, and a server certificate for 127.0.0.1 and
    /// 0.0.0.0, which is this machine too.
    pub fn certify(&self) {
        let authority_key = KeyPair::generate().unwrap();
        let mut authority = CertificateParams::new(Vec::new()).unwrap();
        authority.distinguished_name.push(DnType::CommonName, "opnode servers authority");
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        self.write("ca.pem", &authority.self_signed(&authority_key).unwrap().pem());
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(["127.0.0.1", "0.0.0.0"].map(str::to_owned)).unwrap();
        self.write("server.pem", &params.signed_by(&key, &Issuer::new(authority, authority_key)).unwrap().pem());
        self.write("server.key", &key.serialize_pem());
    }
}

/// Runs a command to its end; one that hangs is ended.
pub fn told(mut command: Command) -> CommandOutput {
    let (mut out, mut err) = (tempfile::tempfile().unwrap(), tempfile::tempfile().unwrap());
    let mut program =
        Program::start(command.stdout(out.try_clone().unwrap()).stderr(err.try_clone().unwrap())).unwrap();
    let status = program.ended(PATIENCE).and_then(|status| status.code()).unwrap_or(-1);
    CommandOutput { stdout: text(&mut out), stderr: text(&mut err), code: status }
}

fn text(file: &mut std::fs::File) -> String {
    use std::io::{Read, Seek};
    let mut bytes = Vec::new();
    file.rewind().and_then(|()| file.read_to_end(&mut bytes)).unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}

impl CommandOutput {
    /// The items on standard output.
    pub fn items(&self) -> Vec<Value> {
        self.stdout.lines().map(|line| serde_json::from_str(line).unwrap_or(Value::Null)).collect()
    }

    /// Fails unless the command ended with this exit code.
    pub fn ended(self, code: i32) -> Result<CommandOutput, String> {
        if self.code == code {
            Ok(self)
        } else {
            Err(format!("exit {} in place of {code}\n{}\n{}", self.code, self.stdout, self.stderr))
        }
    }

    /// Fails if standard error lacks one of these texts.
    pub fn has_stderr(self, texts: &[&str]) -> Result<CommandOutput, String> {
        match texts.iter().find(|text| !self.stderr.contains(*text)) {
            Some(text) => Err(format!("it does not say {text:?}:\n{}", self.stderr)),
            None => Ok(self),
        }
    }
}

/// The folder of a server's files in the repository.
pub fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/servers").join(name)
}

/// The field `id` of each item, in order.
pub fn ids(told: &CommandOutput) -> Vec<u64> {
    told.items().iter().map(|item| item["id"].as_u64().unwrap_or_default()).collect()
}

/// Fails if the two differ.
pub fn same<T: PartialEq + std::fmt::Debug>(what: &str, found: T, expected: T) -> Result<(), String> {
    if found == expected { Ok(()) } else { Err(format!("{what}: {found:?} in place of {expected:?}")) }
}
