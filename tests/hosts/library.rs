//! The shared library, built as `docs/embedding.md` says, into the folder where the tests lie.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Builds it; gives its folder.
pub fn build() -> PathBuf {
    let folder = Path::new(env!("CARGO_BIN_EXE_opnode")).parent().unwrap();
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .args(["rustc", "--lib", "--crate-type", "cdylib", "--target-dir"])
        .arg(folder.parent().unwrap())
        .current_dir(env!("CARGO_MANIFEST_DIR"));
    // What cargo tells its tests about this package would make build scripts of others run again.
    for (name, _) in std::env::vars_os().filter(|(name, _)| is_about_this_package(&name.to_string_lossy())) {
        cargo.env_remove(name);
    }
    if folder.ends_with("release") {
        cargo.arg("--release");
    }
    let built = cargo.output().unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    folder.to_owned()
}

fn is_about_this_package(name: &str) -> bool {
    name == "OUT_DIR"
        || ["CARGO_PKG_", "CARGO_BIN_", "CARGO_MANIFEST_", "CARGO_CRATE_", "CARGO_PRIMARY_"]
            .iter()
            .any(|start| name.starts_with(start))
}
