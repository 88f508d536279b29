//! Each folder `tests/cli/<case>/` is a test: `cmd` is run by a shell with the built `opnode` first in its path,
//! against a mock system on loopback; `stdout`, `stderr` and `exit` are the expected output. `UPDATE=1` rewrites them;
//! a new case needs no Rust. A case whose file `needs` names a missing program is skipped and listed.
//!
//! The shell finds in its folder: the files of the case, `connections.yaml` with the connections `depot`, `away`,
//! `one-by-one` and `office`, and `definitions/`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use libtest_mimic::{Arguments, Failed, Trial};

#[expect(dead_code, reason = "this test uses only a part of it")]
mod cleanup;
#[path = "cli/depot.rs"]
mod depot;

use cleanup::Program;

fn main() {
    let mut arguments = Arguments::from_args();
    // Most of the time is waiting.
    arguments.test_threads = arguments.test_threads.or(Some(4));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let server = runtime.block_on(depot::start());
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli");
    let mut cases: Vec<PathBuf> =
        std::fs::read_dir(&root).unwrap().map(|e| e.unwrap().path()).filter(|p| p.join("cmd").is_file()).collect();
    cases.sort();
    let trials = cases
        .into_iter()
        .map(|case| {
            let (root, server) = (root.clone(), server.uri());
            let name = case.file_name().unwrap().to_string_lossy().into_owned();
            let missing = missing_tools(&case);
            let ignored = !missing.is_empty();
            let kind = missing.iter().fold(String::new(), |text, tool| format!("{text}needs {tool} "));
            Trial::test(name, move || run(&root, &case, &server).map_err(Failed::from))
                .with_kind(kind.trim_end())
                .with_ignored_flag(ignored)
        })
        .collect();
    let conclusion = libtest_mimic::run(&arguments, trials);
    drop(server);
    conclusion.exit();
}

/// The missing entries of the case's file `needs`: programs, features of the build as `feature:NAME`, builds without
/// sheets as `without:xlsx`, and the library of DuckDB, which the variable DUCKDB_LIBRARY names. `.ci/run` has all of them, with several builds.
fn missing_tools(case: &Path) -> Vec<String> {
    let needs = std::fs::read_to_string(case.join("needs")).unwrap_or_default();
    let there = |tool: &str| {
        if let Some(feature) = tool.strip_prefix("feature:") {
            let built = [
                ("adbc", cfg!(feature = "adbc")),
                ("keyring", cfg!(feature = "keyring")),
                ("parquet", cfg!(feature = "parquet")),
                ("postgres", cfg!(feature = "postgres")),
                ("sqlite", cfg!(feature = "sqlite")),
                ("xlsx", cfg!(feature = "xlsx")),
                ("xml", cfg!(feature = "xml")),
                ("zstd", cfg!(feature = "zstd")),
            ];
            return built.contains(&(feature, true));
        }
        if tool == "duckdb" {
            return std::env::var_os("DUCKDB_LIBRARY").is_some();
        }
        if tool == "without:xlsx" {
            return !cfg!(feature = "xlsx");
        }
        std::env::split_paths(&std::env::var_os("PATH").unwrap()).any(|folder| folder.join(tool).is_file())
    };
    needs.split_whitespace().filter(|tool| !there(tool)).map(str::to_owned).collect()
}

/// Maximum time of a case.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The output of a case.
struct Outcome {
    stdout: String,
    stderr: String,
    exit: String,
}

fn run(root: &Path, case: &Path, server: &str) -> Result<(), String> {
    let folder = cleanup::folder();
    prepare(root, case, server, folder.path());
    let binary = Path::new(env!("CARGO_BIN_EXE_opnode")).parent().unwrap().to_owned();
    let path =
        std::env::join_paths(std::iter::once(binary).chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())))
            .unwrap();
    let told = cleanup::folder();
    let to = |name: &str| std::fs::File::create(told.path().join(name)).unwrap();
    let mut command = Command::new("sh");
    command
        .arg(case.join("cmd"))
        .current_dir(folder.path())
        .env_clear()
        .envs([("HOME", folder.path().as_os_str()), ("PATH", path.as_os_str()), ("LC_ALL", "C.UTF-8".as_ref())])
        .envs([
            ("OPNODE_DEFINITIONS", "definitions"),
            ("DEPOT_KEY", "key-of-the-depot"),
            ("SERVER", server),
            ("COLUMNS", "100"),
        ])
        // A mock system with two accounts; it writes its port and its revoked tokens to the case's folder.
        .env("SHOP", Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hosts/shop.py"))
        // An API that opnode knows nothing of; it writes its port to the case's folder.
        .env("LIBRARY", root.join("library.py"))
        .env("DUCKDB_LIBRARY", std::env::var_os("DUCKDB_LIBRARY").unwrap_or_default())
        .env("EXAMPLES", Path::new(env!("CARGO_MANIFEST_DIR")).join("examples"))
        // Do not use the keyring of the user.
        .env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere")
        .stdin(Stdio::null())
        .stdout(to("stdout"))
        .stderr(to("stderr"));
    let mut program = Program::start(&mut command).map_err(|e| e.to_string())?;
    let status = program.ended(TIMEOUT);
    // Ends all child processes.
    drop(program);
    let text = |name: &str| {
        steady(&String::from_utf8_lossy(&std::fs::read(told.path().join(name)).unwrap()), server, folder.path())
    };
    let (stdout, stderr) = (text("stdout"), text("stderr"));
    let Some(status) = status else {
        return Err(format!("it did not end within {} s; until then:\n{stdout}\n{stderr}", TIMEOUT.as_secs()));
    };
    let exit = status.code().map_or_else(|| "signal".to_owned(), |code| code.to_string());
    compare(case, &Outcome { stdout, stderr, exit: format!("{exit}\n") })
}

fn prepare(root: &Path, case: &Path, server: &str, folder: &Path) {
    let connection = |site: &str, limits: &str| {
        format!(
            "    connector: depot\n    siteUrl: {site}\n    user: robot\n    apiKey: {{ env: DEPOT_KEY }}\n    limits: {{ {limits} }}\n"
        )
    };
    let connections = format!(
        "version: 1\nconnections:\n  depot:\n{}  away:\n{}  one-by-one:\n{}  office:\n    connector: office\n    account: contoso\n    siteUrl: {server}\n    clientId: opnode\n",
        connection(server, "attempts: 1"),
        connection("http://127.0.0.1:9", "attempts: 1"),
        connection(server, "concurrency: 1"),
    );
    std::fs::write(folder.join("connections.yaml"), connections).unwrap();
    cleanup::copy(&root.join("definitions"), &folder.join("definitions"));
    // Batch cases also use shelves, which record requests, and the script `shelf`.
    if case.file_name().is_some_and(|name| name.to_string_lossy().starts_with("batch-")) {
        cleanup::copy(&root.join("batch"), folder);
    }
    if case.join("files").is_dir() {
        cleanup::copy(&case.join("files"), folder);
    }
}

/// Replaces values that differ between runs: addresses, folders, times.
fn steady(text: &str, server: &str, folder: &Path) -> String {
    let text = text.replace(server, "{server}").replace(&folder.display().to_string(), "{dir}");
    let text = digits_after(&text, "127.0.0.1:", "PORT");
    let text = ["elapsed_ms\":", "elapsed_ms\": ", "wait_ms\":", "wait_ms\": "]
        .iter()
        .fold(text, |text, key| digits_after(&text, key, "0"));
    let text: String = text.split_inclusive('\n').map(times).collect();
    seeds(&moments(&text))
}

/// Replaces digests of initial tokens, which depend on the port of the server.
fn seeds(text: &str) -> String {
    let mut parts = text.split('|');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = part.bytes().take_while(u8::is_ascii_hexdigit).count();
        out.push('|');
        out.push_str(if digits == 24 { "{seed}" } else { &part[..digits] });
        out.push_str(&part[digits..]);
    }
    out
}

/// Replaces times of this run and the ids made from them. Earlier years are data.
fn moments(text: &str) -> String {
    const SHAPES: [(&str, &str); 2] = [("0000-00-00T00:00:00Z", "{time}"), ("00000000T000000Z-xxxx", "{run}")];
    let fits = |text: &[u8], shape: &str| {
        let alike = |(c, s): (u8, u8)| match s {
            b'0' => c.is_ascii_digit(),
            b'x' => c.is_ascii_hexdigit(),
            _ => c == s,
        };
        text.len() >= shape.len()
            && text.iter().copied().zip(shape.bytes()).all(alike)
            && text.starts_with(b"202")
            && text[3] >= b'4'
    };
    let (mut out, mut rest) = (String::new(), text);
    while let Some(c) = rest.chars().next() {
        let (length, shown) = match SHAPES.iter().find(|(shape, _)| fits(rest.as_bytes(), shape)) {
            Some((shape, name)) => (shape.len(), *name),
            None => (c.len_utf8(), &rest[..c.len_utf8()]),
        };
        out.push_str(shown);
        rest = &rest[length..];
    }
    out
}

/// Replaces the digits after each `key` by `instead`.
fn digits_after(text: &str, key: &str, instead: &str) -> String {
    let mut parts = text.split(key);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.trim_start_matches(|c: char| c.is_ascii_digit());
        out.push_str(key);
        out.push_str(if rest.len() < part.len() { instead } else { "" });
        out.push_str(rest);
    }
    out
}

/// `12 ms` and `0.3 s` as `N ms` and `N s`.
fn times(line: &str) -> String {
    let words: Vec<&str> = line.split(' ').collect();
    let unit = |word: Option<&&str>| word.is_some_and(|w| matches!(w.trim_end_matches([')', '\n']), "ms" | "s"));
    let is_number = |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_digit() || c == '.');
    let steady =
        words.iter().enumerate().map(|(i, word)| if is_number(word) && unit(words.get(i + 1)) { "N" } else { *word });
    steady.collect::<Vec<_>>().join(" ")
}

fn compare(case: &Path, outcome: &Outcome) -> Result<(), String> {
    let mut faults = Vec::new();
    for (name, actual) in [("stdout", &outcome.stdout), ("stderr", &outcome.stderr), ("exit", &outcome.exit)] {
        let file = case.join(name);
        if std::env::var_os("UPDATE").is_some() {
            if actual.is_empty() {
                let _absent = std::fs::remove_file(&file);
            } else {
                std::fs::write(&file, actual).unwrap();
            }
            continue;
        }
        let expected = std::fs::read_to_string(&file).unwrap_or_default();
        if expected != *actual {
            faults.push(format!("--- {name} expected\n{expected}--- {name} actual\n{actual}"));
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(faults.join("\n")) }
}
