//! The documented programs in C and C++ with failing calls: each failure prints a message on stderr, and the sanitizers
//! print nothing. With GCC and Clang, which evaluate arguments in opposite orders.

use std::process::Output;

use super::{Setup, root};
use crate::cleanup::Program;

/// C and C++ compilers with their sanitizers, and the commands that detect them.
pub(crate) const COMPILERS: [(&str, &str); 2] = [("gcc", "g++"), ("clang", "clang++")];

const SANITIZERS: &str = "-g -fsanitize=address,undefined -fno-sanitize-recover=all";

pub(crate) fn needs(compiler: &str) -> String {
    format!(
        "command -v {compiler} && echo 'int main(void) {{ return 0; }}' | {compiler} -x c {SANITIZERS} - -o /dev/null"
    )
}

/// An expected run: its argument, its connection, its exit code, and the start of its stderr or else its stdout.
struct Run<'a>(&'a str, Option<&'a str>, i32, &'a str);

fn build(setup: &Setup, compiler: &str, standard: &str, source: &str, program: &str) -> Result<(), String> {
    let compile = format!("{compiler} -std={standard} $STRICT {SANITIZERS} -I$ROOT/include {source} -o $OUT/{program}");
    setup.run(&format!("{compile} -L$FOLDER -lopnode -Wl,-rpath,$FOLDER"), "").map(|_| ())
}

fn check(setup: &Setup, program: &str, run: &Run) -> Result<(), String> {
    let Run(argument, connection, code, start) = run;
    let unset = if connection.is_none() { "env -u OPNODE_CONNECTION " } else { "" };
    let line = format!("exec {unset}timeout -k 5 60 $OUT/{program} {argument}");
    let Output { status, stdout, stderr } =
        Program::output(&mut setup.shell(&line, connection.unwrap_or_default())).unwrap();
    let (out, err) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    let told = if *code == 0 { &out } else { &err };
    // A failure prints one line on stderr, and success none.
    let lines = if *code == 0 { 0 } else { 1 };
    let has_words = !start.ends_with(": ") || told.trim_end().len() > start.trim_end().len();
    let fits = status.code() == Some(*code) && told.starts_with(start) && has_words;
    if fits && err.lines().count() == lines {
        Ok(())
    } else {
        Err(format!("{program} {argument}: {status}, not {code} {start}\n{out}\n{err}"))
    }
}

/// Connections that cannot be used, and the messages of the programs.
const UNUSABLE: [(&str, &str); 5] = [
    ("", "usage: the connection: this is not JSON: it is empty"),
    ("{", "usage: the connection: this is not JSON: "),
    (
        r#"{"connector":"connectwise-manage","valeus":{}}"#,
        "usage: the connection: `valeus` is not known; did you mean `values`?",
    ),
    (r#"{"connector":"connectwise-manage","values":{}}"#, "connection: "),
    (r#"{"connector":"nobody","values":{}}"#, "unknown_operation: "),
];

/// `first.c`, `host.c` and `must` with every kind of call.
pub(crate) fn c(setup: &Setup, compiler: &str) -> Result<(), String> {
    let connection = setup.sandbox().connection("connectwise-manage");
    let stranger = connection.replace("sandbox-private-key", "another-key");
    let (first, host, must) = (format!("first-{compiler}"), format!("host-{compiler}"), format!("must-{compiler}"));
    build(setup, compiler, "c99", "$HOSTS/c/first.c", &first)?;
    build(setup, compiler, "c99", "$HOSTS/c/host.c", &host)?;
    build(setup, compiler, "c99", "$ROOT/tests/hosts/failing.c", &must)?;
    for (wrong, told) in UNUSABLE {
        check(setup, &first, &Run("", Some(wrong), 1, told))?;
        check(setup, &host, &Run("", Some(wrong), 1, told))?;
    }
    check(setup, &first, &Run("", None, 1, "misuse: NULL where a pointer is needed"))?;
    check(setup, &host, &Run("", None, 2, "OPNODE_CONNECTION is not set"))?;
    check(setup, &first, &Run("", Some(&stranger), 1, "unauthenticated: "))?;
    check(setup, &host, &Run("", Some(&stranger), 1, "unauthenticated: "))?;
    let calls = [
        ("config", "usage: the engine's configuration: threads: 0 is not within 1 to 512"),
        ("connection", "unknown_operation: "),
        ("definitions", "usage: the definitions: "),
        ("describe", "unknown_operation: "),
        ("operation", "unknown_operation: "),
        ("run", "usage: the request names no operation"),
        ("null", "misuse: NULL where a pointer is needed"),
        ("handle", "handle: the handle is stale"),
    ];
    for (call, told) in calls {
        check(setup, &must, &Run(call, Some(connection), 1, told))?;
    }
    check(setup, &must, &Run("open", Some(connection), 0, "shutdown: open\nshutdown: ok\n"))
}

/// `host.cpp`, and the wrapper with every kind of call.
pub(crate) fn cpp(setup: &Setup, compiler: &str) -> Result<(), String> {
    let connection = setup.sandbox().connection("connectwise-manage");
    let stranger = connection.replace("sandbox-private-key", "another-key");
    let (host, all) = (format!("host-{compiler}"), format!("failing-{compiler}"));
    build(setup, compiler, "c++11", "$HOSTS/cpp/host.cpp", &host)?;
    build(setup, compiler, "c++11", "$ROOT/tests/hosts/failing.cpp", &all)?;
    for (wrong, told) in UNUSABLE {
        check(setup, &host, &Run("", Some(wrong), 1, told))?;
    }
    check(setup, &host, &Run("", None, 2, "OPNODE_CONNECTION is not set"))?;
    check(setup, &host, &Run("", Some(&stranger), 1, "unauthenticated: "))?;
    check(setup, &all, &Run("", Some(connection), 0, "shutdown: open\nshutdown: ok\n"))
}

/// Worker processes that are forked from a process that has used the library, and from one that is still using it.
pub(crate) fn forks(setup: &Setup) -> Result<(), String> {
    let script = root().join("tests/hosts/fork.py");
    let told = setup.run(
        &format!("timeout -k 5 60 python3 {}", script.display()),
        setup.sandbox().connection("connectwise-manage"),
    )?;
    let worker = "60 members, the parent's connection: forked, ok\n";
    if told == format!("{}60 members\nshutdown: ok\n", worker.repeat(6)) { Ok(()) } else { Err(told) }
}
