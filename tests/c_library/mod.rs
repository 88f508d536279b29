//! The shared library for tests of C hosts, and cargo as a test may call it.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Builds the library; gives its folder. After `cargo test` without a name it is there already.
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

/// The folder of what is built in the profile of the tests.
pub fn built() -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_opnode")).parent().unwrap().to_owned()
}

/// Without what cargo tells a test of its own package: build scripts that look at it would run anew each time, for the tests and for the library.
pub fn cargo() -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(env!("CARGO_MANIFEST_DIR"));
    untold(&mut cargo);
    cargo
}

/// Takes back what cargo tells a test of its own package.
pub fn untold(command: &mut Command) {
    let told = |name: &str| {
        ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_", "CARGO_PRIMARY_"]
            .iter()
            .any(|p| name.starts_with(p))
    };
    for (name, _) in std::env::vars().filter(|(name, _)| name == "OUT_DIR" || told(name)) {
        command.env_remove(name);
    }
}
