//! Runs every batch in `examples/batches/` against the sandbox and checks what its comments say.

use std::path::Path;
use std::process::{Command, Output};

use crate::cleanup::{self, Program};

fn folder() -> tempfile::TempDir {
    let folder = cleanup::folder();
    for entry in
        std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/batches")).unwrap().map(Result::unwrap)
    {
        std::fs::copy(entry.path(), folder.path().join(entry.file_name())).unwrap();
    }
    folder
}

fn opnode(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_opnode"));
    command
        .arg("run")
        .args(arguments)
        .arg("--sandbox")
        .current_dir(folder)
        .env("HOME", folder)
        .env_remove("OPNODE_DEFINITIONS");
    Program::output(&mut command).unwrap()
}

/// Runs a batch to its end; returns its report.
fn report(folder: &Path, arguments: &[&str], exit: i32) -> serde_json::Value {
    let output = opnode(folder, &[arguments, &["--report", "report.json", "-q"]].concat());
    assert_eq!(output.status.code(), Some(exit), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&std::fs::read(folder.join("report.json")).unwrap()).unwrap()
}

fn step(report: &serde_json::Value, leg: &str, step: &str) -> (String, u64, u64) {
    let found = report["steps"].as_array().unwrap().iter().find(|s| s["job"] == leg && s["step"] == step).unwrap();
    (
        found["status"].as_str().unwrap().to_owned(),
        found["items_in"].as_u64().unwrap(),
        found["items_out"].as_u64().unwrap(),
    )
}

/// The tests of the examples themselves, in the repository: they leave nothing behind.
#[test]
fn tests_of_examples_pass() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/batches");
    let before = std::fs::read_dir(&examples).unwrap().count();
    let mut command = Command::new(env!("CARGO_BIN_EXE_opnode"));
    command.arg("test").arg(&examples).env_remove("OPNODE_DEFINITIONS");
    let output = Program::output(&mut command).unwrap();
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && shown.contains("ok      upsert-organizations/a-refused-company"), "{shown}");
    assert_eq!(std::fs::read_dir(&examples).unwrap().count(), before);
}

fn lines(folder: &Path, file: &str) -> usize {
    std::fs::read_to_string(folder.join(file)).unwrap().lines().count()
}

#[test]
fn members_become_a_table() {
    let folder = folder();
    let report = report(folder.path(), &["nightly-members.yaml"], 0);
    let (_, _, members) = step(&report, "main", "members");
    let (_, looked_at, unprotected) = step(&report, "main", "unprotected");
    assert!(members > 25 && looked_at == members && unprotected > 0 && unprotected < members);
    assert_eq!(lines(folder.path(), "out/members.csv") as u64, members + 1);
    assert_eq!(lines(folder.path(), "out/without-second-factor.ndjson") as u64, unprotected);
}

#[test]
fn companies_without_an_organization_get_one() {
    let folder = folder();
    let report = report(folder.path(), &["companies-to-organizations.yaml"], 0);
    let (_, companies, missing) = step(&report, "main", "missing");
    assert!(missing > 0 && missing < companies);
    assert_eq!(step(&report, "main", "organizations"), ("done".to_owned(), missing, missing));
}

#[test]
fn callbacks_are_planned_then_listed_then_deleted() {
    let folder = folder();
    let plan = opnode(folder.path(), &["close-callbacks.yaml", "--plan"]);
    let plan = String::from_utf8(plan.stdout).unwrap();
    assert!(plan.contains("with the rows of silent") && plan.contains("plan-hash: "), "{plan}");
    let listed = report(folder.path(), &["close-callbacks.yaml", "--var", "close=false"], 0);
    assert_eq!(step(&listed, "main", "closed").0, "skipped");
    let closed = report(folder.path(), &["close-callbacks.yaml"], 0);
    let silent = step(&closed, "main", "silent").2;
    assert!(silent > 0);
    assert_eq!(step(&closed, "main", "closed"), ("done".to_owned(), silent, 0));
}

#[test]
fn a_site_that_fails_does_not_stop_the_others() {
    let folder = folder();
    let good = report(folder.path(), &["three-sites.yaml"], 0);
    assert!(good["finished"] == true && step(&good, "umbrella", "members").2 < step(&good, "acme", "members").2);
    let wrong = r#"conditions={"acme":"inactiveFlag=false","globex":"inactiveFlag=","umbrella":"id>0"}"#;
    let bad = report(folder.path(), &["three-sites.yaml", "--var", wrong], 5);
    assert_eq!(step(&bad, "globex", "members").0, "failed");
    assert!(["acme", "umbrella"].iter().all(|site| step(&bad, site, "members").0 == "done"));
    assert!(lines(folder.path(), "out/umbrella/members.csv") > 1 && bad["finished"] == false);
}

#[test]
fn the_second_run_reads_only_what_has_changed() {
    let folder = folder();
    let first = report(folder.path(), &["changed-members.yaml", "--state", "runs"], 0);
    let second = report(folder.path(), &["changed-members.yaml", "--state", "runs"], 0);
    assert!(step(&first, "main", "changed").1 > 0);
    assert_eq!(step(&second, "main", "changed").1, 0);
}
