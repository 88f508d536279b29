#!/usr/bin/env python3
"""Measures commands over a large catalogue: 13,000 operations of one connector, as a generator writes them from an API description.

    benches/whole/catalog.py OPNODE [--check] [--rounds N] [--keep DIR]

The commands: searches for words that few and all have, misspelt or not, lists in each form, a description, and the plan of a call. The yardstick is a search in the
same files by `grep -rci`; its time and that of a command are taken round by round, and their median ratio counts. `check` is measured once, without a limit.
`--check` fails when a ratio or the memory is too large. `--keep` leaves the folder of definitions.
"""
import argparse, os, pathlib, shlex, statistics, subprocess, sys, tempfile, time

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


CONNECTIONS = """version: 1
connections: { acme: { connector: acme-large, site: "http://127.0.0.1:9" } }
"""
# Each with the least number of lines that it prints, its largest ratio and MiB.
COMMANDS = [
    ("operations 'archive things' --format ndjson", 5, 20, 60),
    ("operations things", 20, 20, 60),
    ("operations 'tihngs of aera 77'", 20, 22, 60),
    ("operations created_after", 1, 20, 60),
    ("operations things --all --format ndjson", 13_000, 150, 90),
    ("templates things", 0, 20, 60),
    ("operations --format ndjson", 13_000, 25, 60),
    ("operations --format json", 13_000, 25, 60),
    ("describe listThings7077", 5, 6, 28),
    ("describe Thing77", 5, 15, 60),
    ("fields Thing77", 30, 12, 60),
    ("query listThings7077 --plan --connections {folder}/connections.yaml", 1, 6, 28),
]


def cost(command):
    """Seconds, MiB and printed lines. The output is not kept: a child's memory counts from that of this process."""
    begun = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0)
    lines = 0
    while part := process.stdout.read(1 << 16):
        lines += part.count(b"\n")
    _, status, usage = os.wait4(process.pid, 0)
    return time.perf_counter() - begun, usage.ru_maxrss / 1024, lines


def measure(opnode, folder, command, rounds):
    """Median seconds, most MiB, median ratio to the yardstick, and the number of printed lines."""
    words = [opnode, *shlex.split(command.format(folder=folder)), "--definitions", str(folder)]
    grep = ["grep", "-rci", "archive things", str(folder)]
    lines = cost(words)[2]
    taken = [(cost(words), cost(grep)) for _ in range(rounds)]
    ratio = statistics.median(own[0] / other[0] for own, other in taken)
    return statistics.median(own[0] for own, _ in taken), max(own[1] for own, _ in taken), ratio, lines


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
        (folder / "connections.yaml").write_text(CONNECTIONS)
        print(f"| {AREAS * EACH:,} operations | lines | s | ratio to grep | MiB |\n|---|---:|---:|---:|---:|")
        wrong = []
        for command, least, slowest, largest in COMMANDS:
            seconds, memory, ratio, lines = measure(opnode, folder, command, chosen.rounds)
            print(f"| {command.replace('{folder}/', '')} | {lines:,} | {seconds:.3f} | {ratio:.1f} | {memory:.0f} |")
            assert lines >= least, (command, lines)
            if ratio > slowest or memory > largest:
                wrong.append(f"{command}: {ratio:.1f} times the yardstick (most {slowest}), {memory:.0f} MiB (most {largest})")
        seconds, memory, _ = cost([opnode, "check", "--definitions", str(folder)])
        print(f"| check | | {seconds:.3f} | | {memory:.0f} |")
        if chosen.check and wrong:
            sys.exit("\n".join(wrong))


main()
