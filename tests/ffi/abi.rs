//! Compares the binary interface with its baseline. abidw reads debug information, which the library of the other tests
//! lacks, so these trials build their own with `OPNODE_ABI=1` or `OPNODE_FULL=1`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, OnceLock};

use libtest_mimic::{Failed, Trial};

use crate::c_library::{built, cargo};
use crate::{Setup, has, needs, run};

static LIBRARY: OnceLock<Result<PathBuf, String>> = OnceLock::new();

pub fn trials(setup: &Arc<Setup>) -> Vec<Trial> {
    let wanted = ["OPNODE_ABI", "OPNODE_FULL"].iter().any(|name| std::env::var_os(name).is_some());
    let things = [("abidw", has("abidw")), ("abidiff", has("abidiff")), ("OPNODE_ABI=1", wanted)];
    let test = |name: &str, check: fn(&Setup, &Path) -> Result<(), String>| {
        let here = Arc::clone(setup);
        let trial = Trial::test(format!("contract::{name}"), move || {
            let library = LIBRARY.get_or_init(build).clone()?;
            check(&here, &library).map_err(Failed::from)
        });
        needs(trial, &things)
    };
    vec![test("abi", abi), test("abi_notices_a_changed_argument", abi_notices_a_changed_argument)]
}

/// The library alone, built as in `docs/embedding.md` with all debug information; with less, abidw misses changed
/// arguments.
fn build() -> Result<PathBuf, String> {
    let folder = built();
    let mut command = cargo();
    command.args(["rustc", "--quiet", "--lib", "--crate-type", "cdylib", "--features", "wipe", "--target-dir"]);
    command.arg(folder.parent().unwrap());
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    run(command.args(["--", "-C", "debuginfo=2"])).map(|_| folder.join("libopnode.so"))
}

/// The library's interface according to abidw: the units of this crate with declarations. `UPDATE=1` writes the
/// baseline.
fn interface(library: &Path) -> Result<String, String> {
    let mut abidw = Command::new("abidw");
    let text = run(abidw.args(["--no-corpus-path", "--no-comp-dir-path", "--no-show-locs"]).arg(library))?;
    let (head, units) = text.split_once("  <abi-instr ").ok_or("abidw found no debug information")?;
    let own = |unit: &&str| unit.starts_with("address-size='64' path='src/") && unit.lines().count() > 2;
    let kept: Vec<String> =
        units.split("  <abi-instr ").filter(own).map(|unit| format!("  <abi-instr {unit}")).collect();
    let whole = format!("{head}{}", kept.join(""));
    Ok(if whole.contains("</abi-corpus>") { whole } else { whole + "</abi-corpus>\n" })
}

fn abi(setup: &Setup, library: &Path) -> Result<(), String> {
    let text = interface(library)?;
    let baseline = setup.root.join("tests/ffi/baseline.abi");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&baseline, &text).unwrap();
    }
    // Functions may be added, but not removed.
    run(Command::new("abidiff").arg("--no-added-syms").arg(baseline).arg(library)).map(|_| ())
}

/// Checks the comparison itself: it fails when the type of one argument in the baseline is changed.
fn abi_notices_a_changed_argument(setup: &Setup, library: &Path) -> Result<(), String> {
    let text = std::fs::read_to_string(setup.root.join("tests/ffi/baseline.abi")).map_err(|e| e.to_string())?;
    let type_of = |name: &str| {
        let line = text.lines().find(|l| l.contains("<type-decl") && l.contains(&format!("name='{name}'")));
        line.and_then(|l| l.split("id='").nth(1)).and_then(|l| l.split_once('\'')).map(|(id, _)| id.to_owned())
    };
    let (wide, narrow) = (type_of("u64").ok_or("no u64")?, type_of("u32").ok_or("no u32")?);
    let at = text.find("<function-decl name='opnode_op_start'").ok_or("no opnode_op_start")?;
    let (before, after) = text.split_at(at);
    let broken = format!(
        "{before}{}",
        after.replacen(&format!("type-id='{wide}' name='tag'"), &format!("type-id='{narrow}' name='tag'"), 1)
    );
    if broken == text {
        return Err("the baseline does not say what type `tag` has".to_owned());
    }
    let file = setup.work.join("broken.abi");
    std::fs::write(&file, broken).unwrap();
    match run(Command::new("abidiff").arg("--no-added-syms").arg(file).arg(library)) {
        Ok(_) => Err("a changed argument was not noticed".to_owned()),
        Err(told) if told.contains("opnode_op_start") => Ok(()),
        Err(told) => Err(told),
    }
}
