//! Builds the shared library for tests of C hosts, and provides a clean `cargo` command.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Builds the library and returns its folder. After `cargo test` without a name it exists already.
pub fn build() -> PathBuf {
    let folder = built();
    let mut cargo = cargo();
    cargo.args(["build", "--quiet", "--example", "opnode", "--target-dir"]).arg(folder.parent().unwrap());
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    let done = cargo.output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    folder.join("examples")
}

/// The output folder of the tests' profile.
pub fn built() -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_opnode")).parent().unwrap().to_owned()
}

/// Cargo without the variables that it sets for tests: with them, some build scripts would run again each time.
pub fn cargo() -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(env!("CARGO_MANIFEST_DIR"));
    without_cargo_variables(&mut cargo);
    cargo
}

/// Removes the variables that cargo sets for tests.
pub fn without_cargo_variables(command: &mut Command) {
    let told = |name: &str| {
        ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_", "CARGO_PRIMARY_"]
            .iter()
            .any(|p| name.starts_with(p))
    };
    for (name, _) in std::env::vars().filter(|(name, _)| name == "OUT_DIR" || told(name)) {
        command.env_remove(name);
    }
}
