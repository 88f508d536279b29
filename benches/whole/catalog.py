#!/usr/bin/env python3
"""Measures a search over a large catalogue: 13,000 operations of one connector, as a generator writes them from an API description.

    benches/whole/catalog.py OPNODE [--check] [--rounds N] [--keep DIR]

The yardstick is a search in the same files by `grep -ci`; its time and that of the search are taken round by round, and their median ratio counts.
`--check` fails when the ratio, the time or the memory is too large. `--keep` leaves the folder of definitions.
"""
import argparse, os, pathlib, statistics, subprocess, sys, tempfile, time

AREAS, EACH = 130, 100
CONNECTOR = """version: 1
connector: acme-large
title: Acme large
connection: { site: { type: string, format: origin } }
base_url: "{site}"
auth: none
"""
RECORD = "  Thing%d:\n    schema:\n      type: object\n      properties:\n%s    sample: { id: 1, field0: text }\n"
OPERATION = """  %sThings%d:
    title: %s things of area %d
    description: Works on the things of area %d, with all of their fields; needs the permission things.%d
    method: query
    request: GET /areas/%d/things%d
    options:
      filter: { type: string, description: A condition such as field1 eq 1 }
      fields: { type: array, items: { type: string }, description: The fields to return }
      created_after: { type: string, format: date-time }
      created_before: { type: string, format: date-time }
    response: { result: list, items: /data, record: Thing%d }
"""


def write(folder):
    own = folder / "operations" / "acme-large"
    own.mkdir(parents=True, exist_ok=True)
    (own / "connector.yaml").write_text(CONNECTOR)
    for area in range(AREAS):
        fields = "".join("        field%d: { type: string, description: The field %d of area %d }\n" % (n, n, area) for n in range(30))
        text = "version: 1\nrecords:\n" + RECORD % (area, fields) + "operations:\n"
        for n in range(EACH):
            number, verb = area * EACH + n, "Archive" if n == 99 and area % 26 == 0 else "List"
            text += OPERATION % (verb.lower(), number, verb, area, area, area, area, number, area)
        (own / f"area{area:03}.yaml").write_text(text)


def cost(command):
    begun = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    out = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    return time.perf_counter() - begun, usage.ru_maxrss / 1024, out


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("opnode")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--keep", type=pathlib.Path)
    chosen = parser.parse_args()
    opnode = str(pathlib.Path(chosen.opnode).resolve())
    with tempfile.TemporaryDirectory(dir="/dev/shm" if pathlib.Path("/dev/shm").is_dir() else None) as folder:
        folder = chosen.keep or pathlib.Path(folder)
        write(folder)
        search = [opnode, "operations", "--search", "archive things", "--format", "ndjson", "--definitions", str(folder)]
        grep = ["grep", "-rci", "archive things", str(folder)]
        found = cost(search)[2].count(b"acme-large")
        assert found >= 5, found
        rounds = [(cost(search), cost(grep)) for _ in range(chosen.rounds)]
        seconds, yardstick = (statistics.median(r[n][0] for r in rounds) for n in (0, 1))
        ratio, memory = statistics.median(own[0] / other[0] for own, other in rounds), max(own[1] for own, _ in rounds)
        print(f"| search in {AREAS * EACH:,} operations | opnode s | grep s | ratio | MiB |\n|---|---:|---:|---:|---:|")
        print(f"| {found} found | {seconds:.3f} | {yardstick:.3f} | {ratio:.1f} | {memory:.0f} |")
        if chosen.check and (ratio > 12 or memory > 60):
            sys.exit(f"the search takes {ratio:.1f} times the yardstick (most 12) and {memory:.0f} MiB (most 60)")


main()
