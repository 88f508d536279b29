//! Runs every command of the README: against the sandbox, or as a plan if it names a real connection.

use std::path::Path;
use std::process::{Command, Output};

use crate::cleanup::{self, Program};

const README: &str = include_str!("../../README.md");

/// The fenced blocks with their language.
fn blocks() -> Vec<(&'static str, &'static str)> {
    README.split("```").skip(1).step_by(2).map(|block| block.split_once('\n').unwrap()).collect()
}

fn run(folder: &Path, line: &str) -> Output {
    let line = line.split(" # ").next().unwrap();
    let line = line.strip_prefix("cargo run -- ").map_or_else(|| line.to_owned(), |rest| format!("opnode {rest}"));
    // The real system is not available, so the command only shows its plan.
    let line = if line.contains("--connection acme") { format!("{line} --plan") } else { line };
    let path = std::env::join_paths(
        std::iter::once(Path::new(env!("CARGO_BIN_EXE_opnode")).parent().unwrap().to_owned())
            .chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())),
    );
    let mut command = Command::new("sh");
    command
        .args(["-c", &line])
        .current_dir(folder)
        .env("PATH", path.unwrap())
        .env("HOME", folder)
        .env("ACME_CW_KEY", "private-key");
    Program::output(&mut command).unwrap()
}

#[test]
fn every_command_works() {
    let folder = cleanup::folder();
    let connections = blocks().into_iter().find(|(_, text)| text.contains("connections:")).unwrap().1;
    std::fs::write(folder.path().join("connections.yaml"), connections).unwrap();
    let batch = blocks().into_iter().find(|(_, text)| text.contains("name: nightly")).unwrap().1;
    std::fs::write(folder.path().join("nightly.yaml"), batch).unwrap();
    let mut count = 0;
    for line in blocks().into_iter().filter(|(language, _)| language.is_empty()).flat_map(|(_, text)| text.lines()) {
        // The first command runs this test; the last one has no plan.
        if line.is_empty() || line == "cargo test" || line == "opnode connection test acme" {
            continue;
        }
        let output = run(folder.path(), line);
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{line}\n{out}\n{err}");
        // `opnode run` reports on standard error.
        let shown = if line.starts_with("opnode run ") { err.trim() } else { out.trim() };
        assert!(
            !shown.is_empty() || !out.is_empty() || line.contains("delete") || line.contains(" > "),
            "{line} shows nothing"
        );
        assert!(!out.contains("private-key") && !err.contains("private-key"), "{line} shows a secret");
        count += 1;
    }
    assert!(count >= 9, "only {count} commands were found");
}

#[test]
fn the_first_command_shows_members_of_several_pages() {
    let folder = cleanup::folder();
    let line = README.lines().find(|l| l.starts_with("cargo run")).unwrap();
    let output = run(folder.path(), &format!("{line} --receipt receipt.json"));
    let receipt: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.path().join("receipt.json")).unwrap()).unwrap();
    assert!(receipt["pages"].as_u64().unwrap() > 2 && receipt["complete"] == true, "{receipt}");
    assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count() as u64, receipt["items"].as_u64().unwrap());
}

#[test]
fn the_operation_of_the_readme_is_right() {
    let folder = cleanup::folder();
    let area = folder.path().join("mine/operations/connectwise-manage");
    std::fs::create_dir_all(&area).unwrap();
    let operation = blocks().into_iter().find(|(_, text)| text.contains("getDeskQueues")).unwrap().1;
    std::fs::write(area.join("queues.yaml"), operation).unwrap();
    for line in [
        "opnode --definitions mine describe getDeskQueues",
        "opnode --definitions mine query getDeskQueues --sandbox",
        "opnode schema operations",
        "opnode check --definitions mine",
    ] {
        let output = run(folder.path(), line);
        assert!(output.status.success(), "{line}\n{}", String::from_utf8_lossy(&output.stderr));
    }
}
