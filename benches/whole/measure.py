#!/usr/bin/env python3
"""Compares the cost of the command with a minimal program (benches/yardstick.rs): user and system time of whole processes.

    benches/whole/measure.py [--check] [--profile PROFILE] [--rounds N] [--large]

Ratios are taken round by round in one run; their median counts. `--check` fails when one of them is twice the usual value.
The server is a separate process, and its time is not counted.
"""
import argparse, json, pathlib, subprocess, sys, tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benches"))
import shop

CONNECTIONS = """version: 1
connections:
  shop: { connector: shop, siteUrl: "%s", user: u, apiKey: k, limits: { page_size: %d, rate: { requests: 0, per_s: 1 } } }
"""
BATCH = """version: 1
name: goods
connections: small.yaml
connection: shop
steps:
  - { id: goods, for: "${{ range(%d) }}", query: listGoods, options: { count: 75 }, save: goods.ndjson }
"""


def build(profile):
    """The command and the yardstick, in one profile."""
    found = {}
    command = ["cargo", "build", "--profile", profile, "--bin", "opnode", "--bench", "yardstick", "--message-format", "json-render-diagnostics"]
    for line in subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines():
        made = json.loads(line)
        if made.get("executable"):
            found[made["target"]["name"]] = made["executable"]
    return found["opnode"], found["yardstick"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--profile", default="release")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--large", action="store_true", help="ten times as much")
    chosen = parser.parse_args()
    opnode, yardstick = build(chosen.profile)
    scale = 10 if chosen.large else 1
    items, posts, queries = 20000 * scale, 1000 * scale, 40 * scale
    server, address = shop.start()
    with tempfile.TemporaryDirectory(dir="/dev/shm" if pathlib.Path("/dev/shm").is_dir() else None) as folder:
        folder = pathlib.Path(folder)
        (folder / "connections.yaml").write_text(CONNECTIONS % (address, 1000))
        (folder / "small.yaml").write_text(CONNECTIONS % (address, 25))
        (folder / "batch.yaml").write_text(BATCH % queries)
        (folder / "items.ndjson").write_text("".join(json.dumps({"name": f"Good {n}", "price": n / 4}) + "\n" for n in range(posts)))
        shared = ["--definitions", str(ROOT / "tests/ffi/definitions"), "-q"]
        known = [*shared, "--connections", "connections.yaml", "-c", "shop"]
        query = lambda count: [opnode, "query", "listGoods", *known, "--options", json.dumps({"count": count}), "--output", "o.ndjson"]
        goods = lambda count, size=1000: f"{address}/api/goods?count={count}&size={size}"
        runs = {
            # name: the command, the yardstick, the largest accepted ratio
            f"read {items:,} items": (query(items), [yardstick, "read", goods(items), "y.ndjson"], 3.0),
            f"write {posts:,} items": ([opnode, "mutate", "addGood", *known, "--items", "@items.ndjson", "--outcomes", "w.ndjson"],
                                       [yardstick, "write", f"{address}/api/goods", "items.ndjson", "y.ndjson"], 3.6),
            "start, and one item": (query(1), [yardstick, "read", goods(1), "y.ndjson"], 5.8),
            f"batch of {queries:,} queries": ([opnode, "run", "batch.yaml", "--fresh", *shared], [yardstick, "batch", goods(75, 25), "y.ndjson", str(queries)], 5.6),
        }
        alarms = []
        print(f"| {'work':24} | opnode s | yardstick s | ratio | alarm |\n|---|---:|---:|---:|---:|")
        for name, (own, other, most) in runs.items():
            shop.cost(own, folder)
            rounds = [(shop.cost(own, folder)[0], shop.cost(other, folder)[0]) for _ in range(chosen.rounds)]
            middle = lambda values: sorted(values)[len(values) // 2]
            ratio = middle([a / max(b, 1e-4) for a, b in rounds])
            print(f"| {name:24} | {middle([a for a, _ in rounds]):.3f} | {middle([b for _, b in rounds]):.3f} | {ratio:.2f} | {most} |", flush=True)
            if ratio > most:
                alarms.append(f"{name}: {ratio:.2f} times the yardstick, more than {most}")
        small, large = (min(shop.cost(query(count), folder)[1] for _ in range(3)) for count in (items // 2, items * 4))
        growth = (large - small) * 1024 / (items * 4 - items // 2)
        print(f"\nmemory: {small} KiB at {items // 2:,} items, {large} KiB at {items * 4:,}: {growth:.1f} bytes an item")
        if growth > 100:
            alarms.append(f"memory grows by {growth:.1f} bytes an item")
    server.terminate()
    if chosen.check and alarms:
        sys.exit("\n".join(alarms))


main()
