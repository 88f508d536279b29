#!/usr/bin/env python3
"""Compares the cost of a C host and a Rust program that read the same items: user and system time of whole processes.

    packaging/build-c-library PREFIX && benches/c-host/measure.py PREFIX [ITEMS]

Both are built as distributed. The server is a separate process, and its time is not counted.
"""
import os, pathlib, shutil, subprocess, sys, tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benches"))
import shop

ROUNDS = 7


def build(prefix, work):
    subprocess.run(["cc", "-O2", f"-I{prefix}/include", str(ROOT / "benches/c-host/host.c"), f"-L{prefix}/lib", "-lopnode", f"-Wl,-rpath,{prefix}/lib", "-o", f"{work}/c"], check=True)
    crate = pathlib.Path(work) / "host"
    (crate / "src").mkdir(parents=True)
    shutil.copy(ROOT / "benches/c-host/host.rs", crate / "src/main.rs")
    shutil.copy(ROOT / "Cargo.lock", crate / "Cargo.lock")
    profile = (ROOT / "Cargo.toml").read_text()
    profile = profile[profile.index("[profile.release]"):profile.index("[profile.dev]")]
    (crate / "Cargo.toml").write_text(f"""[package]
name = "host"
version = "0.0.0"
edition = "2024"
[dependencies]
opnode = {{ path = "{ROOT}", default-features = false, features = ["ffi", "wipe"] }}
serde_json = "1"
tokio = {{ version = "1", features = ["rt-multi-thread", "macros", "sync"] }}
{profile}""")
    target = os.environ.get("CARGO_TARGET_DIR", str(ROOT / "target"))
    subprocess.run(["cargo", "build", "--quiet", "--offline", "--profile", "dist", "--target-dir", target], cwd=crate, check=True)
    return f"{work}/c", f"{target}/dist/host"


def main():
    prefix, items = str(pathlib.Path(sys.argv[1]).resolve()), sys.argv[2] if len(sys.argv) > 2 else "100000"
    server, address = shop.start()
    with tempfile.TemporaryDirectory() as work:
        programs = build(prefix, work)
        arguments = [address, str(ROOT / "tests/ffi/definitions"), items]
        costs = {program: [] for program in programs}
        for _ in range(ROUNDS):
            said = set()
            for program in programs:
                seconds, _, line = shop.cost([program, *arguments])
                costs[program].append(seconds)
                said.add(line)
            assert len(said) == 1, said
    server.terminate()
    c, rust = (sorted(costs[program])[ROUNDS // 2] for program in programs)
    print(f"{said.pop()}: C {c:.3f} s, Rust {rust:.3f} s of CPU (medians of {ROUNDS}), ratio {c / rust:.2f}")


main()
