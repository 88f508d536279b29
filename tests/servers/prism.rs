//! prism as a validating mock for shipped packs whose system has an OpenAPI document: each operation is called with its
//! template, and the mock's validation errors are read. The documents are beside the repository, not in it.

use std::path::{Path, PathBuf};
use std::process::Command;

use libtest_mimic::Trial;

use crate::cleanup::Program;
use crate::django::PYTHON;
use crate::setup::{CommandOutput, Setup, free_port, source};

/// A pack with its document.
struct Pack {
    connector: &'static str,
    document: &'static str,
    /// Prefix of the document's paths, for a rerouted connection.
    base: &'static str,
    keep: &'static str,
    /// The connection's values.
    values: &'static str,
    /// Parts of request lines that the document describes wrongly.
    wrong: &'static [&'static str],
    /// Number of requests that must be valid.
    good: usize,
}

const HOME: Pack = Pack {
    connector: "connectwise-home",
    document: "seeds/000_e57f03ef455e6636.txt",
    base: "^/[^/]+(/iambff/v1|/api)",
    keep: "/",
    values: "    account: contoso\n    clientId: someone\n    refreshToken: first\n",
    wrong: &[],
    good: 16,
};

pub fn trials() -> Vec<Trial> {
    let there = "node -e 'require.resolve(\"@stoplight/prism-cli/package.json\")'";
    let needs = format!("{there} && test -f '{}'", document(&HOME).display());
    let mut trials =
        crate::trials("prism", &needs, vec![("every request of ConnectWise Home fits its document", || fits(&HOME))]);
    // The vendor's document is not in the repository.
    let needs = format!("{there} && {PYTHON} -c 'import yaml' && test -f \"$PSA_DOCUMENT\"");
    trials.extend(crate::trials(
        "prism",
        &needs,
        vec![("every operation of ConnectWise PSA fits the document that PSA_DOCUMENT names", every_operation_fits)],
    ));
    trials
}

fn python() -> String {
    std::env::var("SERVERS_PYTHON").unwrap_or_else(|_| "python3".to_owned())
}

/// Calls all operations with a batch for each module, which takes minutes; `prism/every.py` says what was refused.
fn every_operation_fits() -> Result<(), String> {
    let mut command = Command::new(python());
    command
        .arg(source("prism").join("every.py"))
        .arg(std::env::var_os("PSA_DOCUMENT").unwrap_or_default())
        .args(["--opnode", env!("CARGO_BIN_EXE_opnode")]);
    let told = Program::output(&mut command).map_err(|e| e.to_string())?;
    if told.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&told.stdout).into_owned()) }
}

fn document(pack: &Pack) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared").join(pack.document)
}

fn fits(pack: &Pack) -> Result<(), String> {
    let mut setup = Setup::new("prism");
    let port = free_port();
    let mut server = Command::new("node");
    server
        .arg(source("prism").join("server.js"))
        .args([port.to_string(), free_port().to_string()])
        .arg(document(pack))
        .args([pack.base, pack.keep]);
    setup.serve(server, port);
    let connection =
        format!("    connector: {}\n    reroute: http://127.0.0.1:{port}\n{}", pack.connector, pack.values);
    setup.connections(&format!("  mock:\n{connection}    limits: {{ attempts: 1 }}\n"));
    let operations = setup.run(&["operations"]).ended(0)?;
    let own = format!("{}/", pack.connector);
    for line in operations.stdout.lines().filter(|line| line.starts_with(&own)) {
        let mut words = line.split_whitespace();
        let (Some(name), Some(method)) = (words.next(), words.next()) else { continue };
        call(&setup, method, name)?;
    }
    judge(pack, &setup.lines(&format!("server-{port}.log"), |line| line.contains(" /")))
}

/// Calls an operation with its template; the mock's reply need not be readable. Open values are "1" or the sample item.
fn call(setup: &Setup, method: &str, name: &str) -> Result<(), String> {
    let mut line = vec![method.to_owned(), "--template".to_owned(), name.to_owned()];
    // Each error asks for one more value.
    for _ in 0..5 {
        let told = setup.run(&line.iter().map(String::as_str).collect::<Vec<_>>());
        let Some(open) = left_open(&told) else { return Ok(()) };
        match open.as_str() {
            items if items.starts_with("items") => line.push("--use-sample".to_owned()),
            _ => line.extend(["--set".to_owned(), format!("{open}=1")]),
        }
    }
    Err(format!("{name} is never satisfied"))
}

fn left_open(told: &CommandOutput) -> Option<String> {
    let rest = told.stderr.split_once(" needs values: ")?.1;
    rest.split([',', ' ', '\n']).next().map(str::to_owned)
}

fn judge(pack: &Pack, lines: &[String]) -> Result<(), String> {
    let good = lines.iter().filter(|line| line.ends_with(" good")).count();
    // Requests that the document does not contain are not judged.
    let judged =
        |line: &&String| line.contains("[\"") && !line.contains("not resolved") && !line.contains("no method matched");
    let bad: Vec<&String> =
        lines.iter().filter(judged).filter(|line| !pack.wrong.iter().any(|w| line.contains(w))).collect();
    if bad.is_empty() && good >= pack.good { Ok(()) } else { Err(format!("{good} good requests\n{bad:#?}")) }
}
