//! The packaged library: pkg-config and CMake find what `packaging/build-c-library` installs, and programs run with it.
//! Only with `OPNODE_FULL=1`, because the release build is slow.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, OnceLock};

use libtest_mimic::{Failed, Trial};

use crate::c_library::{built, without_cargo_variables};
use crate::{Setup, has, needs, run};

static PREFIX: OnceLock<Result<PathBuf, String>> = OnceLock::new();

const PROGRAM: &str = r#"#include <opnode.h>
#include <stdio.h>
int main(void) {
  opnode_engine *engine = NULL;
  int32_t made = opnode_engine_new(OPNODE_ABI_VERSION, NULL, 0, NULL, &engine, NULL);
  int32_t over = opnode_engine_shutdown(engine, -1), freed = opnode_engine_free(engine);
  printf("%s %d %d %d\n", opnode_version(), (int)made, (int)over, (int)freed);
  return 0;
}
"#;

pub fn trials(setup: &Arc<Setup>) -> Vec<Trial> {
    let full = std::env::var_os("OPNODE_FULL").is_some();
    let mut trials = Vec::new();
    let mut test = |name: &str, tools: &[&'static str], check: fn(&Setup, &Path) -> Result<(), String>| {
        let here = Arc::clone(setup);
        let mut things: Vec<(&str, bool)> = tools.iter().map(|tool| (*tool, has(tool))).collect();
        things.push(("OPNODE_FULL=1", full));
        let trial = Trial::test(format!("package::{name}"), move || {
            let prefix = PREFIX.get_or_init(|| package(&here)).clone()?;
            check(&here, &prefix).map_err(Failed::from)
        });
        trials.push(needs(trial, &things));
    };
    test("shared_library", &["nm", "readelf"], shared_library);
    test("static_library", &["cc"], static_library);
    test("pkg_config", &["pkg-config"], pkg_config);
    test("cmake", &["cmake"], cmake);
    trials
}

fn package(setup: &Setup) -> Result<PathBuf, String> {
    let prefix = setup.work.join("prefix");
    let mut script = Command::new(setup.root.join("packaging/build-c-library"));
    without_cargo_variables(&mut script);
    run(script.arg(&prefix).env("CARGO_TARGET_DIR", built().parent().unwrap())).map(|_| prefix)
}

fn shared_library(setup: &Setup, prefix: &Path) -> Result<(), String> {
    let library = prefix.join("lib/libopnode.so");
    let dynamic = run(Command::new("readelf").args(["-d", "--wide"]).arg(&library))?;
    let has = |part: &str| if dynamic.contains(part) { Ok(()) } else { Err(format!("no {part} in\n{dynamic}")) };
    has("soname: [libopnode.so.0.1]")?;
    has("NODELETE")?;
    let symbols = run(Command::new("nm").args(["-D", "--defined-only"]).arg(&library))?;
    let mut exported: Vec<&str> = symbols.lines().filter_map(|l| l.split_whitespace().last()).collect();
    exported.sort_unstable();
    let listed = std::fs::read_to_string(setup.root.join("tests/ffi/symbols.txt")).unwrap();
    if listed.lines().ne(exported.iter().copied()) {
        return Err(format!("it exports\n{}", exported.join("\n")));
    }
    match run(Command::new("nm").arg(&library)) {
        Ok(text) if !text.trim().is_empty() => Err("it is not stripped".to_owned()),
        _ => Ok(()),
    }
}

fn program(setup: &Setup, name: &str) -> PathBuf {
    let folder = setup.work.join(name);
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("program.c"), PROGRAM).unwrap();
    folder
}

fn runs(program: &Path, prefix: &Path) -> Result<(), String> {
    let said = run(Command::new(program).env("LD_LIBRARY_PATH", prefix.join("lib")))?;
    let expected = format!("{} 0 0 0\n", env!("CARGO_PKG_VERSION"));
    if said == expected { Ok(()) } else { Err(said) }
}

fn flags(prefix: &Path, more: &[&str]) -> Result<Vec<String>, String> {
    let mut command = Command::new("pkg-config");
    let text = run(command
        .args(["--cflags", "--libs"])
        .args(more)
        .arg("opnode")
        .env("PKG_CONFIG_PATH", prefix.join("lib/pkgconfig")))?;
    Ok(text.split_whitespace().map(str::to_owned).collect())
}

fn pkg_config(setup: &Setup, prefix: &Path) -> Result<(), String> {
    let folder = program(setup, "pkg-config");
    let made = folder.join("program");
    run(Command::new("cc").arg(folder.join("program.c")).arg("-o").arg(&made).args(flags(prefix, &[])?))?;
    runs(&made, prefix)
}

fn static_library(setup: &Setup, prefix: &Path) -> Result<(), String> {
    let folder = program(setup, "static");
    let made = folder.join("program");
    let text = std::fs::read_to_string(prefix.join("lib/pkgconfig/opnode.pc")).map_err(|e| e.to_string())?;
    let native = text.lines().find_map(|l| l.strip_prefix("Libs.private: ")).ok_or("no Libs.private")?;
    let mut cc = Command::new("cc");
    cc.arg(folder.join("program.c")).arg("-I").arg(prefix.join("include")).arg(prefix.join("lib/libopnode.a"));
    run(cc.args(native.split_whitespace()).arg("-o").arg(&made))?;
    runs(&made, Path::new("/nowhere"))
}

fn cmake(setup: &Setup, prefix: &Path) -> Result<(), String> {
    let folder = program(setup, "cmake");
    let lists = "cmake_minimum_required(VERSION 3.16)\nproject(host C)\nfind_package(opnode 0.1 REQUIRED)\nadd_executable(program program.c)\n\
                 target_link_libraries(program opnode::opnode)\nadd_executable(still program.c)\ntarget_link_libraries(still opnode::static)\n";
    std::fs::write(folder.join("CMakeLists.txt"), lists).unwrap();
    let build = folder.join("build");
    run(Command::new("cmake")
        .arg("-S")
        .arg(&folder)
        .arg("-B")
        .arg(&build)
        .arg(format!("-DCMAKE_PREFIX_PATH={}", prefix.display())))?;
    run(Command::new("cmake").arg("--build").arg(&build))?;
    runs(&build.join("program"), prefix)?;
    runs(&build.join("still"), Path::new("/nowhere"))
}
