#!/usr/bin/env python3
"""Compares what a C host and a Rust program cost for reading the same items: user and system time of whole processes.

    packaging/build-c-library PREFIX && benches/c-host/measure.py PREFIX [ITEMS]

Both are built as distributed. The server is a process of its own, and its time is not counted.
"""
import json, multiprocessing, os, pathlib, shutil, socketserver, subprocess, sys, tempfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROUNDS = 7


class Shop(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    pages = {}

    def do_GET(self):
        option = {name: int(values[0]) for name, values in parse_qs(urlsplit(self.path).query).items()}
        count, size, page = option["count"], option["size"], option.get("page", 1)
        first = (page - 1) * size + 1
        if page not in self.pages:
            goods = [{"id": n, "name": f"Good {n}", "price": n / 4, "note": "x" * 180} for n in range(first, min(first + size, count + 1))]
            self.pages[page] = json.dumps(goods, separators=(",", ":")).encode()
        body = self.pages[page]
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        if first + size <= count:
            self.send_header("link", f'<http://{self.headers["host"]}/api/goods?count={count}&size={size}&page={page + 1}>; rel="next"')
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def serve(ports):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Shop)
    ports.put(server.server_address[1])
    server.serve_forever()


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


def cost(program, arguments):
    read, write = os.pipe()
    pid = os.posix_spawn(program, [program, *arguments], os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, write, 1)])
    os.close(write)
    _, status, usage = os.wait4(pid, 0)
    said = os.read(read, 1000).decode().strip()
    os.close(read)
    assert status == 0, f"{program}: {status}"
    return usage.ru_utime + usage.ru_stime, said


def main():
    prefix, items = str(pathlib.Path(sys.argv[1]).resolve()), sys.argv[2] if len(sys.argv) > 2 else "100000"
    ports = multiprocessing.Queue()
    server = multiprocessing.Process(target=serve, args=(ports,), daemon=True)
    server.start()
    with tempfile.TemporaryDirectory() as work:
        programs = build(prefix, work)
        arguments = [f"http://127.0.0.1:{ports.get()}", str(ROOT / "tests/ffi/definitions"), items]
        costs = {program: [] for program in programs}
        for _ in range(ROUNDS):
            said = set()
            for program in programs:
                seconds, line = cost(program, arguments)
                costs[program].append(seconds)
                said.add(line)
            assert len(said) == 1, said
    server.terminate()
    c, rust = (sorted(costs[program])[ROUNDS // 2] for program in programs)
    print(f"{said.pop()}: C {c:.3f} s, Rust {rust:.3f} s of CPU (medians of {ROUNDS}), ratio {c / rust:.2f}")


main()
