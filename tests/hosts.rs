//! Builds the hosts of `examples/hosts/` and runs them against the sandbox as a user would; each prints the text of
//! `tests/hosts/expected`. A host is skipped and listed if its language is not installed. `UPDATE=1` rewrites the text
//! from the host in C.
//!
//! NODE_PATH is where koffi is searched for.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, OnceLock};

use libtest_mimic::{Arguments, Failed, Trial};

mod c_library;
#[expect(dead_code, reason = "only a part of it is used here")]
mod cleanup;
#[path = "hosts/failing.rs"]
mod failing;
#[path = "hosts/guide.rs"]
mod guide;
#[path = "hosts/sandbox.rs"]
mod sandbox;
#[expect(dead_code, unused_imports, reason = "only a part of it is used here")]
mod server;
#[path = "hosts/special.rs"]
mod special;

use cleanup::Program;
use sandbox::Sandbox;

/// The requirements of a language: a command that succeeds if they are installed.
const CC: &str = "command -v cc";
const CXX: &str = "command -v c++";
const PYTHON: &str = "python3 -c 'import asyncio, ctypes, sys; assert sys.version_info >= (3, 10)'";
const MONO: &str = "command -v mcs && command -v mono";
const NODE: &str = "node -e 'require(\"koffi\")'";
const JAVA: &str = "command -v javac && test -f /usr/share/java/jna.jar";
const GO: &str = "command -v go && command -v cc";

/// A host: its name, its requirements, and the commands to build and run it. [`Setup::shell`] sets the shell's
/// variables.
struct Host(&'static str, &'static str, &'static str, &'static str);

const STRICT: &str = "-Wall -Wextra -pedantic -Werror";

const HOSTS: [Host; 8] = [
    Host(
        "c",
        CC,
        "cc -std=c99 $STRICT -I$ROOT/include $HOSTS/c/host.c -o $OUT/host-c -L$FOLDER -lopnode -Wl,-rpath,$FOLDER",
        "exec $OUT/host-c",
    ),
    Host(
        "cpp",
        CXX,
        "c++ -std=c++11 $STRICT -I$ROOT/include $HOSTS/cpp/host.cpp -o $OUT/host-cpp -L$FOLDER -lopnode -Wl,-rpath,$FOLDER",
        "exec $OUT/host-cpp",
    ),
    Host("python", PYTHON, "true", "exec python3 -u $HOSTS/python/host.py"),
    Host("python-asyncio", PYTHON, "true", "exec python3 -u $HOSTS/python/host_asyncio.py"),
    Host(
        "csharp",
        MONO,
        "mcs -out:$OUT/host.exe $HOSTS/csharp/Host.cs $HOSTS/csharp/Opnode.cs",
        "exec mono $OUT/host.exe",
    ),
    Host("node", NODE, "true", "exec node $HOSTS/node/host.js"),
    Host(
        "java",
        JAVA,
        "javac -cp /usr/share/java/jna.jar -d $OUT/classes $HOSTS/java/Opnode.java $HOSTS/java/Host.java",
        "exec java -cp /usr/share/java/jna.jar:$OUT/classes Host",
    ),
    Host(
        "go",
        GO,
        "cd $HOSTS/go && CGO_CFLAGS=-I$ROOT/include CGO_LDFLAGS=\"-L$FOLDER -lopnode -Wl,-rpath,$FOLDER\" go build -o $OUT/host-go .",
        "exec $OUT/host-go",
    ),
];

fn main() {
    let arguments = Arguments::from_args();
    let setup = Arc::new(Setup::default());
    let mut trials: Vec<Trial> =
        HOSTS.iter().map(|host| trial(&setup, host.0, host.1, move |setup| run(setup, host))).collect();
    trials.extend(HOSTS.iter().filter(|h| special::HEARS_CTRL_C.contains(&h.0)).map(|host| {
        trial(&setup, &format!("{}-hears-ctrl-c", host.0), host.1, move |setup| special::ctrl_c(setup, host.2, host.3))
    }));
    for (c, cpp) in failing::COMPILERS {
        trials.push(trial(&setup, &format!("c-fails-loudly-with-{c}"), &failing::needs(c), move |setup| {
            failing::c(setup, c)
        }));
        trials.push(trial(&setup, &format!("cpp-fails-loudly-with-{cpp}"), &failing::needs(cpp), move |setup| {
            failing::cpp(setup, cpp)
        }));
    }
    trials.push(trial(&setup, "python-forks-workers", PYTHON, failing::forks));
    trials.push(trial(&setup, "cpp-header-in-every-standard", CXX, special::standards));
    trials.push(trial(&setup, "python-keeps-rotated-tokens", PYTHON, special::rotated_tokens));
    trials.push(trial(&setup, "python-separates-accounts", PYTHON, special::accounts));
    trials.push(trial(&setup, "python-does-not-grow", PYTHON, special::many));
    trials.push(trial(&setup, "python-streams-items", PYTHON, special::stream));
    trials.push(trial(&setup, "csharp-frees-handles-by-garbage-collection", MONO, special::storm));
    trials.push(trial(&setup, "node-exits-while-an-operation-runs", NODE, special::exit));
    for (language, needs) in [("C", CC), ("Python", PYTHON), ("C#", MONO)] {
        trials
            .push(trial(&setup, &format!("guide-{language}"), needs, move |setup| guide::first_items(setup, language)));
    }
    trials.push(Trial::test("guide-shows-tested-code", || guide::code_is_that_of_the_examples().map_err(Failed::from)));
    let conclusion = libtest_mimic::run(&arguments, trials);
    // The sandbox ends here; exiting the process would leave it running.
    drop(setup);
    conclusion.exit();
}

/// A test that is skipped when a requirement is missing.
fn trial(
    setup: &Arc<Setup>,
    name: &str,
    needs: &str,
    test: impl FnOnce(&Setup) -> Result<(), String> + Send + 'static,
) -> Trial {
    let there = Program::output(Command::new("sh").args(["-c", needs])).is_ok_and(|o| o.status.success());
    let setup = Arc::clone(setup);
    let kind = if there { String::new() } else { format!("needs {needs}") };
    Trial::test(name, move || test(&setup).map_err(Failed::from)).with_kind(kind).with_ignored_flag(!there)
}

/// What all tests share, created on first use.
#[derive(Default)]
pub(crate) struct Setup {
    library: OnceLock<PathBuf>,
    sandbox: OnceLock<Sandbox>,
    out: OnceLock<tempfile::TempDir>,
}

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

impl Setup {
    /// The folder with the library, which is built on first use.
    pub(crate) fn folder(&self) -> &Path {
        self.library.get_or_init(c_library::build)
    }

    pub(crate) fn sandbox(&self) -> &Sandbox {
        self.sandbox.get_or_init(Sandbox::start)
    }

    /// A folder for built programs.
    pub(crate) fn out(&self) -> &Path {
        self.out.get_or_init(cleanup::folder).path()
    }

    /// A shell command with the environment of the hosts and the folders that the commands use.
    pub(crate) fn shell(&self, line: &str, connection: &str) -> Command {
        std::fs::create_dir_all(self.out().join("classes")).unwrap();
        let mut command = Command::new("sh");
        command
            .args(["-c", line])
            .current_dir(self.out())
            .env("OPNODE_LIBRARY", self.folder().join(format!("libopnode{}", std::env::consts::DLL_SUFFIX)))
            .env("OPNODE_CONNECTION", connection)
            .envs([
                ("LD_LIBRARY_PATH", self.folder()),
                ("FOLDER", self.folder()),
                ("OUT", self.out()),
                ("ROOT", root()),
            ])
            .env("HOSTS", root().join("examples/hosts"))
            .env("STRICT", STRICT)
            // Python must not write into the examples.
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("PYTHONPATH", root().join("examples/hosts/python"))
            .env("GOFLAGS", "-mod=mod -buildvcs=false")
            .env("RUST_BACKTRACE", "0");
        command
    }

    /// Runs a command to its end; returns its output if it succeeded.
    pub(crate) fn run(&self, line: &str, connection: &str) -> Result<String, String> {
        // Ends a host that hangs, as a failure.
        let line = format!("exec timeout -k 5 120 sh -c '{}'", line.replace('\'', "'\\''"));
        let Output { status, stdout, stderr } = Program::output(&mut self.shell(&line, connection)).unwrap();
        let (out, err) = (String::from_utf8_lossy(&stdout).into_owned(), String::from_utf8_lossy(&stderr));
        if status.success() { Ok(out) } else { Err(format!("{line}\n{status}\n{out}\n{err}")) }
    }
}

/// Builds a host, runs it, and compares its output.
fn run(setup: &Setup, host: &Host) -> Result<(), String> {
    let Host(name, _, build, run) = host;
    setup.run(build, "")?;
    let actual = setup.run(run, setup.sandbox().connection("connectwise-manage"))?;
    let file = root().join("tests/hosts/expected");
    if std::env::var_os("UPDATE").is_some() && *name == "c" {
        std::fs::write(&file, &actual).unwrap();
    }
    let expected = std::fs::read_to_string(&file).unwrap_or_default();
    if actual == expected { Ok(()) } else { Err(format!("--- expected\n{expected}--- actual\n{actual}")) }
}
