//! Known difficulties of single languages: Ctrl-C, memory, finalizers, exit during a call; and stored tokens.

use std::process::Stdio;
use std::time::{Duration, Instant};

use super::{Setup, root};
use crate::cleanup::Program;
use crate::server::{Act, Server};

/// Hosts that end with a message when they are interrupted. mono receives Ctrl-C only in a terminal.
pub(crate) const HEARS_CTRL_C: [&str; 5] = ["c", "cpp", "python", "python-asyncio", "go"];

/// SIGINT while a host waits for a reply that never comes.
pub(crate) fn ctrl_c(setup: &Setup, build: &str, run: &str) -> Result<(), String> {
    setup.run(build, "")?;
    let sandbox = setup.sandbox();
    let silent = Server::start(vec![Act::Deaf]);
    let connection =
        sandbox.connection("connectwise-manage").replace(&sandbox.port, &silent.address.port().to_string());
    // A shell's background jobs ignore SIGINT, and so do their children. Outside of the foreground, timeout sends a
    // signal twice.
    let run = format!("exec env --default-signal=INT timeout --foreground -k 5 60 {}", run.trim_start_matches("exec "));
    let mut command = setup.shell(&run, &connection);
    let program = Program::start(command.stdout(Stdio::piped()).stderr(Stdio::piped())).unwrap();
    let started = Instant::now();
    while silent.connections() == 0 && started.elapsed() < Duration::from_secs(50) {
        std::thread::sleep(Duration::from_millis(10));
    }
    let waits = silent.connections() > 0;
    // Time from the connection to the wait for the reply.
    std::thread::sleep(Duration::from_millis(300));
    program.interrupt();
    let ended = program.into_output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
    // In asyncio, Ctrl-C ends the waiting task, and with it the operation.
    let cancelled =
        out.contains("  ended: cancelled\n") && out.contains("cancelled\n") || err.contains("KeyboardInterrupt");
    if waits && cancelled && out.ends_with("shutdown: ok\n") {
        Ok(())
    } else {
        Err(format!("{}\n{out}\n{err}", ended.status))
    }
}

/// The C++ wrapper compiles without warnings under every standard since 2011.
pub(crate) fn standards(setup: &Setup) -> Result<(), String> {
    let program = "#include <opnode.hpp>\\nint main() { return opnode::text(\\\"ab\\\").size == 2 ? 0 : 1; }\\n";
    setup.run(&format!("printf \"{program}\" > wrapper.cpp"), "")?;
    for compiler in ["c++", "clang++"] {
        for standard in ["c++11", "c++14", "c++17", "c++20"] {
            let compile = format!("{compiler} -std={standard} $STRICT -I$ROOT/include -fsyntax-only wrapper.cpp");
            setup.run(&format!("if command -v {compiler}; then {compile}; fi"), "")?;
        }
    }
    Ok(())
}

/// A second run uses the stored tokens and gets no new ones.
pub(crate) fn rotated_tokens(setup: &Setup) -> Result<(), String> {
    let connection = setup.sandbox().connection("optima");
    let run = || setup.run("python3 $HOSTS/python/tokens.py tokens.json", connection);
    let (first, second) = (run()?, run()?);
    let expected = [
        "kept new tokens of sandbox\ncheck: ok\nshutdown: ok\n",
        "signing in with kept tokens\ncheck: ok\nshutdown: ok\n",
    ];
    let kept = std::fs::read_to_string(setup.out().join("tokens.json")).unwrap_or_default();
    let holds = kept.contains("refresh_token") && !kept.contains("sandbox-refresh-token");
    if [first.as_str(), second.as_str()] == expected && holds { Ok(()) } else { Err(format!("{first}{second}{kept}")) }
}

/// Two accounts of one system, with any names: each reads its own data, and no token is used twice.
pub(crate) fn accounts(setup: &Setup) -> Result<(), String> {
    let told = setup.run("python3 $ROOT/tests/hosts/accounts.py", "")?;
    let expected = include_str!("accounts.txt");
    if told == expected { Ok(()) } else { Err(told) }
}

/// Memory does not grow over 2,000 operations.
pub(crate) fn many(setup: &Setup) -> Result<(), String> {
    let told = setup.run("python3 $ROOT/tests/hosts/many.py 2000", setup.sandbox().connection("connectwise-manage"))?;
    let grown: Option<i64> =
        told.split("grown by ").nth(1).and_then(|rest| rest.split(' ').next()).and_then(|n| n.parse().ok());
    // Allocators keep some memory; a leak of 1 KiB an operation would add 1.5 MiB.
    if grown.is_some_and(|kib| kib < 1024) && told.ends_with("shutdown: ok\n") { Ok(()) } else { Err(told) }
}

/// Hundreds of handles that are never freed, in any order.
pub(crate) fn storm(setup: &Setup) -> Result<(), String> {
    setup.run("mcs -out:storm.exe $ROOT/tests/hosts/Storm.cs $HOSTS/csharp/Opnode.cs", "")?;
    let told = setup.run("mono storm.exe", setup.sandbox().connection("connectwise-manage"))?;
    if told == "survived\n" { Ok(()) } else { Err(told) }
}

/// The process exits at once, with its own code.
pub(crate) fn exit(setup: &Setup) -> Result<(), String> {
    let script = root().join("tests/hosts/exit.js");
    let line = format!("timeout -k 5 30 node {}; test $? = 7", script.display());
    setup
        .run(&line, setup.sandbox().connection("connectwise-manage"))
        .and_then(|told| if told.is_empty() { Ok(()) } else { Err(told) })
}

/// Items that are sent one by one, with one report for all.
pub(crate) fn stream(setup: &Setup) -> Result<(), String> {
    let told = setup.run("python3 $ROOT/tests/hosts/stream.py", setup.sandbox().connection("connectwise-manage"))?;
    let expected = "30 outcomes in order: True, ended: partial\napplied [[0, 3], [5, 29]], failed [[4, 4]], not sent []\n\
        items in 30, outcomes {'ok': 29, 'failed': 1, 'unknown': 0, 'skipped': 0}\nshutdown: ok\nthe waiting thread: handle\n";
    if told == expected { Ok(()) } else { Err(told) }
}
