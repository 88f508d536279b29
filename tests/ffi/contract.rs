//! The header is the contract: it compiles everywhere, matches the Rust side, and the library exports its functions and
//! nothing else.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use libtest_mimic::{Failed, Trial};
use opnode::ErrorKind;

use crate::abi;
use crate::cleanup::Program;
use crate::{Setup, has, needs, run};

pub fn trials(setup: &Arc<Setup>) -> Vec<Trial> {
    let mut trials = headers(setup);
    let mut test = |name: &str, tools: &[&'static str], check: fn(&Setup) -> Result<(), String>| {
        let here = Arc::clone(setup);
        let tools: Vec<(&str, bool)> = tools.iter().map(|tool| (*tool, has(tool))).collect();
        trials
            .push(needs(Trial::test(format!("contract::{name}"), move || check(&here).map_err(Failed::from)), &tools));
    };
    test("exported_symbols", &["nm"], exported_symbols);
    test("macros_are_the_error_kinds", &[], macros_are_the_error_kinds);
    test("prototypes_are_the_rust_functions", &[], prototypes_are_the_rust_functions);
    test("a_hook_that_throws_ends_the_process", &["c++"], a_hook_that_throws_ends_the_process);
    trials.extend(abi::trials(setup));
    trials
}

/// For each compiler and language.
fn headers(setup: &Arc<Setup>) -> Vec<Trial> {
    let languages = [
        ("c", &["c99", "c11", "c17"][..], &["cc", "gcc", "clang"][..]),
        ("c++", &["c++11", "c++17", "c++20"], &["g++", "clang++"]),
    ];
    let mut trials = Vec::new();
    for (language, standards, compilers) in languages {
        for (standard, compiler) in standards.iter().flat_map(|s| compilers.iter().map(move |c| (*s, *c))) {
            let here = Arc::clone(setup);
            let trial = Trial::test(format!("header::{compiler}::{standard}"), move || {
                let mut command = Command::new(compiler);
                command.args([
                    "-x",
                    language,
                    &format!("-std={standard}"),
                    "-Wall",
                    "-Wextra",
                    "-pedantic",
                    "-Werror",
                    "-fsyntax-only",
                ]);
                command.arg("-I").arg(here.root.join("include")).arg(here.root.join("tests/ffi/signatures.c"));
                run(&mut command).map(|_| ()).map_err(Failed::from)
            });
            trials.push(needs(trial, &[(compiler, has(compiler))]));
        }
    }
    trials
}

fn header(setup: &Setup) -> String {
    std::fs::read_to_string(setup.root.join("include/opnode.h")).unwrap()
}

fn library(setup: &Setup) -> PathBuf {
    setup.library.join("libopnode.so")
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, left: &T, right: &T) -> Result<(), String> {
    if left == right { Ok(()) } else { Err(format!("{what}\n{left:#?}\n{right:#?}")) }
}

/// The library and the stored list contain the functions of the header and nothing else.
fn exported_symbols(setup: &Setup) -> Result<(), String> {
    let all = run(Command::new("nm").args(["-D", "--defined-only"]).arg(library(setup)))?;
    let mut exported: Vec<String> =
        all.lines().filter_map(|l| l.split_whitespace().last()).map(str::to_owned).collect();
    exported.sort();
    let file = setup.root.join("tests/ffi/symbols.txt");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&file, exported.join("\n") + "\n").unwrap();
    }
    let listed: Vec<String> = std::fs::read_to_string(&file).unwrap_or_default().lines().map(str::to_owned).collect();
    same("tests/ffi/symbols.txt and the library differ", &listed, &exported)?;
    let declared: Vec<String> = prototypes(&header(setup)).into_keys().collect();
    same("the header and the library differ", &declared, &exported)
}

/// Every kind of error has its number in the header, and every number there is a kind.
fn macros_are_the_error_kinds(setup: &Setup) -> Result<(), String> {
    let text = header(setup);
    let mut declared = BTreeMap::new();
    for line in text.lines().filter_map(|l| l.strip_prefix("#define OPNODE_E_")) {
        let (name, rest) = line.split_once(' ').ok_or(line)?;
        let number = rest.strip_prefix('(').and_then(|r| r.split_once(')')).ok_or(line)?.0;
        declared.insert(name.to_lowercase(), number.parse::<i32>().map_err(|e| format!("{line}: {e}"))?);
    }
    // The statuses of the C interface itself.
    let mut wanted = BTreeMap::from(
        [("handle", -90), ("abi", -91), ("forked", -92), ("misuse", -93)]
            .map(|(name, number)| (name.to_owned(), number)),
    );
    wanted.extend(ErrorKind::ALL.iter().map(|kind| (kind.name().to_owned(), -kind.number())));
    same("the header's numbers and those of the error kinds differ", &declared, &wanted)
}

/// The types of a function's arguments and its result.
type Types = Vec<String>;

/// The functions of the header with the equivalent Rust types.
fn prototypes(text: &str) -> BTreeMap<String, Types> {
    let code = without_comments(text);
    let code: String = code.lines().filter(|l| !l.starts_with('#')).collect::<Vec<_>>().join(" ");
    let mut found = BTreeMap::new();
    for statement in code.split(';').map(str::trim) {
        let Some((head, arguments)) = statement.trim_end_matches(')').split_once('(') else { continue };
        let Some(at) = head.find("opnode_").filter(|_| !head.contains("typedef") && !head.contains('{')) else {
            continue;
        };
        let mut types: Types = arguments.split(',').filter(|a| a.trim() != "void").map(c_type).collect();
        types.push(c_type(&format!("{} result", head[..at].trim_start_matches("extern \"C\" {").trim())));
        found.insert(head[at..].trim().to_owned(), types);
    }
    found
}

fn without_comments(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("/*") {
        out.push_str(before);
        rest = after.split_once("*/").map_or("", |(_, behind)| behind);
    }
    out + rest
}

/// The Rust type of a C argument.
fn c_type(argument: &str) -> String {
    let spaced = argument.replace('*', " * ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let (_name, words) = words.split_last().unwrap();
    let stars = words.iter().filter(|w| **w == "*").count();
    let constant = words.contains(&"const");
    let base = words.iter().find(|w| !matches!(**w, "*" | "const")).unwrap();
    let inner = match *base {
        "int32_t" => "i32",
        "uint32_t" => "u32",
        "int64_t" => "i64",
        "uint64_t" => "u64",
        "size_t" => "usize",
        "char" => "c_char",
        "opnode_progress" => "Progress",
        "opnode_hooks" => "Hooks",
        "opnode_engine" | "opnode_conn" | "opnode_op" | "opnode_buf" | "opnode_error" => "c_void",
        other => panic!("the header has the type {other}"),
    };
    let pointer = if constant { "*const " } else { "*mut " };
    match stars {
        0 => inner.to_owned(),
        1 => format!("{pointer}{inner}"),
        _ => format!("*mut {pointer}{inner}"),
    }
}

/// The exported functions according to the Rust source.
fn rust_functions(text: &str) -> BTreeMap<String, Types> {
    let mut found = BTreeMap::new();
    for part in text.split("extern \"C\" fn ").skip(1) {
        let (name, rest) = part.split_once('(').unwrap();
        let (arguments, rest) = rest.split_once(')').unwrap();
        let argument_type =
            |a: &str| a.split_once(':').map(|(_, t)| t.trim().replace("Out<c_void>", "*mut *mut c_void"));
        let mut types: Types = arguments.split(',').filter_map(argument_type).collect();
        let result = rest.split_once('{').unwrap().0.trim().trim_start_matches("->").trim();
        types.push(result.to_owned());
        found.insert(name.to_owned(), types);
    }
    found
}

fn prototypes_are_the_rust_functions(setup: &Setup) -> Result<(), String> {
    let files = std::fs::read_dir(setup.root.join("src/ffi/exports"))
        .unwrap()
        .map(|e| std::fs::read_to_string(e.unwrap().path()).unwrap());
    let files: Vec<String> = files.collect();
    let rust: BTreeMap<String, Types> = files.iter().flat_map(|text| rust_functions(text)).collect();
    let declared = prototypes(&header(setup));
    same("31 functions", &declared.len(), &31)?;
    for (name, types) in &declared {
        same(name, &Some(types), &rust.get(name))?;
    }
    same("the numbers of functions", &declared.len(), &rust.len())
}

/// If any hook throws on any thread, even with a handler in the host: SIGABRT, and opnode prints the reason.
fn a_hook_that_throws_ends_the_process(setup: &Setup) -> Result<(), String> {
    let program = setup.work.join("throwing");
    let mut compiler = Command::new("c++");
    compiler.args(["-std=c++11", "-Wall", "-Wextra", "-Werror"]).arg("-I").arg(setup.root.join("include"));
    compiler.arg(setup.root.join("tests/ffi/throwing.cpp")).arg("-L").arg(&setup.library).args([
        "-lopnode",
        "-lpthread",
        "-o",
    ]);
    run(compiler.arg(&program).arg(format!("-Wl,-rpath,{}", setup.library.display())))?;
    let host = |hook: &str| {
        let mut command = Command::new(&program);
        command.arg(hook).current_dir(&setup.work).env("SHOP_DEFINITIONS", setup.root.join("tests/ffi/definitions"));
        Program::output(&mut command).unwrap()
    };
    same("none throws", &host("none").status.code(), &Some(0))?;
    for hook in ["ready", "progress", "event", "drop", "drop-at-once", "thread-exit"] {
        let ended = host(hook);
        let told = String::from_utf8_lossy(&ended.stderr);
        same(hook, &(ended.status.signal(), told.lines().count()), &(Some(6), 1))
            .map_err(|e| format!("{e}\n{told}"))?;
        if !told.starts_with("opnode: a callback of the host threw or unwound") {
            return Err(format!("{hook}: {told}"));
        }
    }
    Ok(())
}
