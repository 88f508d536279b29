//! A server of PostgreSQL for tests: its own, in a temporary folder, stopped when the last test that uses it ends.

use std::fs::File;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use url::Url;

use super::Postgres;
use crate::error::Result;
use crate::secret::Secret;

/// The password of the user `opnode`.
pub(in crate::table) const PASSWORD: &str = "mellon-7Qx";

/// A running server.
pub(in crate::table) struct TestServer {
    folder: TempDir,
    programs: PathBuf,
    port: u16,
    /// The user that runs it, if this process is root.
    user: Option<(u32, u32)>,
    process: Mutex<Child>,
}

impl TestServer {
    /// The server that tests share; nothing if the programs are not installed.
    pub(in crate::table) fn shared() -> Option<Arc<TestServer>> {
        static SHARED: Mutex<Weak<TestServer>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(server) = shared.upgrade() {
            return Some(server);
        }
        let server = Arc::new(TestServer::start()?);
        *shared = Arc::downgrade(&server);
        Some(server)
    }

    /// A server of one's own.
    pub(in crate::table) fn start() -> Option<TestServer> {
        let Some(programs) = programs() else {
            let required = std::env::var_os("POSTGRES_REQUIRED").is_some_and(|value| value == "1");
            assert!(!required, "initdb and postgres are not installed");
            eprintln!("skipped: initdb and postgres are not installed");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        let is_root = folder.path().metadata().unwrap().uid() == 0;
        let user = is_root.then(|| id("postgres").or(id("nobody")).expect("a user that is not root"));
        let data = folder.path().join("data");
        std::fs::create_dir(&data).unwrap();
        std::fs::set_permissions(&data, PermissionsExt::from_mode(0o700)).unwrap();
        std::fs::write(folder.path().join("password"), PASSWORD).unwrap();
        certificates(folder.path());
        if let Some((user, group)) = user {
            for name in [".", "data", "password", "server.key", "server.crt"] {
                chown(folder.path().join(name), Some(user), Some(group)).unwrap();
            }
        }
        let mut initdb = command(&programs, "initdb", user);
        initdb.arg("-D").arg(&data).args(["-U", "opnode", "-E", "UTF8", "--locale=C", "-N"]);
        initdb.args(["--auth-local=trust", "--auth-host=scram-sha-256"]);
        initdb.arg(format!("--pwfile={}", folder.path().join("password").display()));
        let done = initdb.output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let process = run(folder.path(), &programs, port, user);
        let own = TestServer { folder, programs, port, user, process: Mutex::new(process) };
        own.wait();
        Some(own)
    }

    fn wait(&self) {
        let until = Instant::now() + Duration::from_secs(60);
        while let Err(error) = self.open() {
            let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            assert!(Instant::now() < until, "{error}\n{log}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Ends all its processes at once, as a crash would, and starts it again.
    pub(in crate::table) fn crash(&self) {
        let mut process = self.process.lock().unwrap_or_else(PoisonError::into_inner);
        stop(&mut process, Signal::QUIT);
        *process = run(self.folder.path(), &self.programs, self.port, self.user);
        drop(process);
        self.wait();
    }

    /// The address of its socket.
    pub(in crate::table) fn url(&self, user: &str) -> Url {
        let folder = self.folder.path().display();
        Url::parse(&format!("postgres:///postgres?host={folder}&port={}&user={user}", self.port)).unwrap()
    }

    /// The address of its port, by a name of the host.
    pub(in crate::table) fn url_of_host(&self, host: &str, query: &str) -> Url {
        Url::parse(&format!("postgres://opnode@{host}:{}/postgres?{query}", self.port)).unwrap()
    }

    /// The authority of its certificate, which is for the name localhost.
    pub(in crate::table) fn authority(&self) -> PathBuf {
        self.folder.path().join("ca.crt")
    }

    /// A connection by the user who may do everything.
    pub(in crate::table) fn open(&self) -> Result<Postgres> {
        Postgres::open(&self.url("opnode"), None)
    }

    /// A connection by its port, with the password.
    pub(in crate::table) fn open_host(&self, host: &str, query: &str) -> Result<Postgres> {
        Postgres::open(&self.url_of_host(host, query), Some(&Secret::new(PASSWORD)))
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        let mut process = self.process.lock().unwrap_or_else(PoisonError::into_inner);
        stop(&mut process, Signal::INT);
    }
}

fn stop(process: &mut Child, signal: Signal) {
    let _it_may_have_ended = Pid::from_raw(process.id() as i32).map(|pid| kill_process(pid, signal));
    let _it_is_a_child = process.wait();
}

/// Where the programs are.
fn programs() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let debian = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    folders.extend(debian.map(|entry| entry.path().join("bin")));
    folders.into_iter().find(|folder| folder.join("initdb").exists() && folder.join("postgres").exists())
}

/// The numbers of a user and its group.
fn id(name: &str) -> Option<(u32, u32)> {
    let text = std::fs::read_to_string("/etc/passwd").ok()?;
    let mut fields = text.lines().find(|line| line.split(':').next() == Some(name))?.split(':').skip(2);
    Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}

fn command(programs: &Path, name: &str, user: Option<(u32, u32)>) -> Command {
    let mut command = Command::new(programs.join(name));
    command.env("LC_ALL", "C").env_remove("PGDATA").stdin(Stdio::null()).current_dir("/");
    if let Some((user, group)) = user {
        command.uid(user).gid(group);
    }
    command
}

fn run(folder: &Path, programs: &Path, port: u16, user: Option<(u32, u32)>) -> Child {
    let log = File::options().create(true).append(true).open(folder.join("log")).unwrap();
    let mut postgres = command(programs, "postgres", user);
    postgres.arg("-D").arg(folder.join("data")).arg("-k").arg(folder).arg("-p").arg(port.to_string());
    let (key, certificate) = (folder.join("server.key"), folder.join("server.crt"));
    for setting in [
        "listen_addresses=127.0.0.1",
        "fsync=off",
        "max_connections=60",
        "shared_buffers=32MB",
        "ssl=on",
        &format!("ssl_key_file={}", key.display()),
        &format!("ssl_cert_file={}", certificate.display()),
    ] {
        postgres.arg("-c").arg(setting);
    }
    postgres.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap()
}

/// An authority, and a certificate of it for localhost.
fn certificates(folder: &Path) {
    let key = KeyPair::generate().unwrap();
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    std::fs::write(folder.join("ca.crt"), authority.self_signed(&key).unwrap().pem()).unwrap();
    let issuer = Issuer::new(authority, key);
    let own = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(["localhost".to_owned()]).unwrap().signed_by(&own, &issuer).unwrap();
    std::fs::write(folder.join("server.crt"), certificate.pem()).unwrap();
    std::fs::write(folder.join("server.key"), own.serialize_pem()).unwrap();
    std::fs::set_permissions(folder.join("server.key"), PermissionsExt::from_mode(0o600)).unwrap();
}
