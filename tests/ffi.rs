//! The C interface as C hosts use it: each `CASE(name)` of `tests/ffi/*.c` is a test that a C program runs against the
//! shared library, a scripted server and the sandbox. It must exit with 0 and print nothing. Further tests cover the
//! header with every compiler, the exported symbols, the ABI and packaging.
//!
//! The suite runs plainly, with the sanitizers, and in part in valgrind. Tests whose programs are missing are skipped
//! and listed.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use libtest_mimic::{Arguments, Failed, Trial};
use opnode::Catalog;
use opnode::sandbox::{Sandbox, SandboxOptions};

#[path = "ffi/abi.rs"]
mod abi;
mod c_library;
#[expect(dead_code, reason = "only a part of it is used here")]
mod cleanup;
#[path = "ffi/contract.rs"]
mod contract;
#[path = "ffi/package.rs"]
mod package;
#[expect(dead_code, unused_imports, reason = "only a part of it is used here")]
mod server;
#[path = "ffi/shop.rs"]
mod shop;

use cleanup::Program;
use server::Server;

/// The folders and addresses of the tests.
pub struct Setup {
    pub root: PathBuf,
    /// The folder with the shared library.
    pub library: PathBuf,
    /// A folder for built programs.
    pub work: PathBuf,
    shop: Server,
    sandbox: String,
}

fn main() {
    let mut arguments = Arguments::from_args();
    // The tests mostly wait.
    arguments.test_threads = arguments.test_threads.or(Some(4));
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).to_owned();
    let library = if arguments.list { c_library::built() } else { c_library::build() };
    let work = c_library::built().join("ffi-suite");
    std::fs::create_dir_all(&work).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let sandbox = runtime.block_on(Sandbox::start(Arc::new(Catalog::builtin()), SandboxOptions::default())).unwrap();
    let setup = Arc::new(Setup { root, library, work, shop: shop::start(), sandbox: sandbox_spec(&sandbox) });
    let mut trials = suites(&setup);
    trials.extend(contract::trials(&setup));
    trials.extend(package::trials(&setup));
    let conclusion = libtest_mimic::run(&arguments, trials);
    drop(sandbox);
    conclusion.exit();
}

/// A connection to a connector of the sandbox with renewed tokens.
fn sandbox_spec(sandbox: &Sandbox) -> String {
    let spec = sandbox.connection("connectwise-home").unwrap();
    let fields = serde_json::json!({
        "connector": spec.connector, "account": spec.account, "values": spec.values, "reroute": spec.reroute, "allow_http": spec.allow_http, "name": "home",
    });
    fields.to_string()
}

/// The C sources of the suite.
fn sources(setup: &Setup) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> =
        std::fs::read_dir(setup.root.join("tests/ffi")).unwrap().map(|e| e.unwrap().path()).collect();
    found.retain(|p| p.extension().is_some_and(|e| e == "c"));
    found.sort();
    found
}

/// The names of all cases.
fn cases(setup: &Setup) -> Vec<String> {
    let texts = sources(setup).into_iter().map(|p| std::fs::read_to_string(p).unwrap());
    let name =
        |line: &str| line.strip_prefix("CASE(").and_then(|rest| rest.split_once(')')).map(|(name, _)| name.to_owned());
    texts.flat_map(|text| text.lines().filter_map(name).collect::<Vec<_>>()).collect()
}

/// Cases that need what valgrind lacks: speed, a fork that ends with _exit, more than 500 threads, the program's own
/// signal masks.
const NOT_IN_VALGRIND: &[&str] = &["stress", "ten_thousand", "fork", "big_answer", "engine_threads", "signals_"];

/// Sanitizers and valgrind reserve terabytes of memory, which one case would search. Their allocators keep locks over a
/// fork, so the child hangs if another thread was allocating.
const NOT_WITH_SANITIZERS: &[&str] = &["closed_connections_leave_no_secret", "fork_"];

fn suites(setup: &Arc<Setup>) -> Vec<Trial> {
    let full = std::env::var_os("OPNODE_FULL").is_some();
    let plain = Arc::new(OnceLock::new());
    let checked = Arc::new(OnceLock::new());
    let sanitizers = compiles(setup, &["-fsanitize=address,undefined"]);
    let mut trials = Vec::new();
    for case in cases(setup) {
        let (here, program, name) = (Arc::clone(setup), Arc::clone(&plain), case.clone());
        trials.push(Trial::test(case.clone(), move || {
            run_case(&here, build(&here, &program, "suite", &[])?, &name, &[])
        }));
        if NOT_WITH_SANITIZERS.iter().any(|part| case.starts_with(part)) {
            continue;
        }
        let (here, program, name) = (Arc::clone(setup), Arc::clone(&checked), case.clone());
        let flags = &["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g"];
        let trial = Trial::test(format!("sanitized::{case}"), move || {
            run_case(&here, build(&here, &program, "suite-sanitized", flags)?, &name, &[])
        });
        trials.push(needs(trial, &[("the sanitizers of cc", sanitizers)]));
        let slow = NOT_IN_VALGRIND.iter().any(|part| case.contains(part));
        if !slow {
            let (here, program, name) = (Arc::clone(setup), Arc::clone(&plain), case.clone());
            let trial = Trial::test(format!("valgrind::{case}"), move || {
                let valgrind = [
                    "valgrind",
                    "-q",
                    "--error-exitcode=9",
                    "--leak-check=full",
                    "--errors-for-leak-kinds=definite,possible",
                ];
                let quiet = ["--show-leak-kinds=definite,possible", "--num-callers=30"];
                let suppressions = format!("--suppressions={}", here.root.join("tests/ffi/valgrind.supp").display());
                let words: Vec<&str> = valgrind.into_iter().chain(quiet).chain([suppressions.as_str()]).collect();
                run_case(&here, build(&here, &program, "suite", &[])?, &name, &words)
            });
            trials.push(needs(trial, &[("valgrind", has("valgrind")), ("OPNODE_FULL=1", full || is_quick(&case))]));
        }
    }
    trials
}

/// Cases that always run in valgrind; the others run in full mode.
fn is_quick(case: &str) -> bool {
    ["read_all", "write_all", "hooks_drop_without_shutdown"].iter().any(|part| case.starts_with(part))
}

/// A test that is skipped when a tool is missing.
pub fn needs(trial: Trial, things: &[(&str, bool)]) -> Trial {
    let missing: Vec<String> =
        things.iter().filter(|(_, there)| !there).map(|(name, _)| format!("needs {name}")).collect();
    let ignored = !missing.is_empty();
    trial.with_kind(missing.join(" ")).with_ignored_flag(ignored)
}

/// Whether a program is installed.
pub fn has(tool: &str) -> bool {
    std::env::split_paths(&std::env::var_os("PATH").unwrap()).any(|folder| folder.join(tool).is_file())
}

fn compiles(setup: &Setup, flags: &[&str]) -> bool {
    let probe = setup.work.join("probe.c");
    std::fs::write(&probe, "int main(void) { return 0; }\n").unwrap();
    let output = Program::output(Command::new("cc").args(flags).arg(&probe).arg("-o").arg(setup.work.join("probe")));
    output.is_ok_and(|o| o.status.success())
}

/// Builds the suite once.
fn build(
    setup: &Setup,
    once: &OnceLock<Result<PathBuf, String>>,
    name: &str,
    flags: &[&str],
) -> Result<PathBuf, Failed> {
    let made = once.get_or_init(|| {
        let program = setup.work.join(name);
        let mut cc = Command::new("cc");
        cc.args(["-std=gnu11", "-O1", "-Wall", "-Wextra", "-Werror"])
            .args(flags)
            .arg("-I")
            .arg(setup.root.join("include"));
        cc.args(sources(setup)).arg("-L").arg(&setup.library).args(["-lopnode", "-lpthread", "-o"]).arg(&program);
        cc.arg(format!("-Wl,-rpath,{}", setup.library.display()));
        run(&mut cc).map(|_| program)
    });
    made.clone().map_err(Failed::from)
}

/// Runs a program; returns its output, or its error output if it failed.
pub fn run(command: &mut Command) -> Result<String, String> {
    let output = Program::output(command).map_err(|e| format!("{command:?}: {e}"))?;
    let (out, told) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if output.status.success() {
        Ok(out.into_owned())
    } else {
        Err(format!("{command:?}: {}\n{out}{told}", output.status))
    }
}

/// Maximum time of a case.
const PATIENCE: Duration = Duration::from_secs(180);

fn run_case(setup: &Setup, program: PathBuf, case: &str, within: &[&str]) -> Result<(), Failed> {
    let folder = cleanup::folder();
    let to = |name: &str| std::fs::File::create(folder.path().join(name)).unwrap();
    let words: Vec<&std::ffi::OsStr> =
        within.iter().map(AsRef::as_ref).chain([program.as_os_str(), case.as_ref()]).collect();
    let mut command = Command::new(words[0]);
    command
        .args(&words[1..])
        .current_dir(folder.path())
        // Cargo's own value names folders that may contain an older library.
        .env("LD_LIBRARY_PATH", &setup.library)
        .env("SHOP", setup.shop.url())
        .env("SANDBOX", &setup.sandbox)
        // The header's limit; without the optimizer, frames are four times as large.
        .env("STACK_KIB", if cfg!(debug_assertions) { "1024" } else { "256" })
        .env("SHOP_DEFINITIONS", setup.root.join("tests/ffi/definitions"))
        .env("LSAN_OPTIONS", "print_suppressions=0")
        .env("RUST_BACKTRACE", "0")
        .stdin(Stdio::null())
        .stdout(to("stdout"))
        .stderr(to("stderr"));
    let mut program = Program::start(&mut command).map_err(|e| e.to_string())?;
    let status = program.ended(PATIENCE);
    let said = ["stdout", "stderr"]
        .map(|name| String::from_utf8_lossy(&std::fs::read(folder.path().join(name)).unwrap()).into_owned());
    match status {
        Some(status) if status.success() && said.iter().all(String::is_empty) => Ok(()),
        Some(status) => Err(format!("{status}\n{}", said.join("")).into()),
        None => Err(format!("it did not end within {} s\n{}", PATIENCE.as_secs(), said.join("")).into()),
    }
}
