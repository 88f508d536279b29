#!/usr/bin/env python3
"""Kills loads of a table, and compares what is in the table in the end with a load that was not killed.

    tests/loads/kills.py OPNODE [--rows N] [--kills N] [--postgres]

Each load is of rows of a file into two tables: one to which rows are added, and one in which a row replaces that of its key. It is killed (SIGKILL) at random
times and resumed, until it has ended; then the next load begins, up to so many kills. Then it is killed at each transaction: just before, and just after, its
end. At the end of each load, the numbers of rows and the digest of all values must be those of the clean load, and the table of loads must name each row once.
`--postgres` starts a server of its own, of the programs in PATH or of Debian's package.
"""
import argparse, hashlib, json, os, pathlib, random, shutil, signal, sqlite3, subprocess, sys, tempfile, time

HERE = pathlib.Path(__file__).parent
# Nothing is left in the checkout.
sys.dont_write_bytecode = True
sys.path.insert(0, str(HERE))


def write_rows(path, count):
    """Rows of about 300 bytes; a tenth of the keys is there twice."""
    with open(path, "w") as out:
        for number in range(count):
            row = {
                "id": number % (count * 9 // 10), "name": f"Row {number} – ü\t\\", "amount": number / 100, "big": 10**24 + number,
                "at": f"2026-01-{number % 28 + 1:02}T08:00:00.{number % 1000:03}Z", "flag": number % 3 == 0, "ref": {"id": number % 7, "name": "x" * 80},
                "tags": ["a", number], "note": None if number % 2 else "y" * (number % 90),
            }
            out.write(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n")


BATCH = """version: 1
name: load
steps:
  - id: rows
    load: ../rows.ndjson
    save:
      - "{place}#added"
      - {{ to: "{place}#changed", mode: upsert, key: id }}
"""


class SqliteHome:
    name = "sqlite"

    def place(self, folder):
        return "sqlite:load.db"

    def fresh(self, folder):
        pass

    def contents(self, folder, sql):
        database = sqlite3.connect(folder / "load.db")
        try:
            return database.execute(sql).fetchall()
        finally:
            database.close()


class Run:
    """A folder with a batch that loads."""

    def __init__(self, opnode, home, root, name, env=None):
        self.opnode, self.home, self.env = opnode, home, env or {}
        self.folder = root / name
        self.folder.mkdir()
        home.fresh(self.folder)
        (self.folder / "load.yaml").write_text(BATCH.format(place=home.place(self.folder)))

    def start(self, more=None):
        log = open(self.folder / "stderr", "w")
        return subprocess.Popen([self.opnode, "run", "load.yaml", "--quiet"], cwd=self.folder, stdout=subprocess.DEVNULL, stderr=log, env={**os.environ, **self.env, **(more or {})})

    def told(self):
        return (self.folder / "stderr").read_text().strip()

    def contents(self):
        """What is in both tables, and that the loads name each row once."""
        found = {}
        for table in ("added", "changed"):
            values = self.home.contents(self.folder, f"SELECT id, name, amount, big, at, flag, ref, tags, note FROM {table} ORDER BY id, name")
            digest = hashlib.sha256()
            for row in values:
                digest.update(repr(row).encode())
            loads = self.home.contents(self.folder, f"SELECT first_row, row_count FROM opnode_loads WHERE target = '{table}' ORDER BY first_row")
            next_row = 0
            for first, count in loads:
                assert first == next_row, f"{table}: the loads have {loads}"
                next_row += count
            by_load = self.home.contents(self.folder, f"SELECT count(*) FROM {table} AS t LEFT JOIN opnode_loads AS l ON l.load = t._opnode_load WHERE l.load IS NULL")
            assert by_load[0][0] == 0, f"{table}: rows without a load"
            found[table] = (len(values), digest.hexdigest(), next_row)
        return found


def kill_at_random(opnode, home, root, clean, seconds, kills):
    done = loads = 0
    chance = random.Random(20261130)
    while done < kills:
        run = Run(opnode, home, root, f"{home.name}-{loads}")
        loads += 1
        while True:
            process = run.start()
            try:
                # Early ones are at the start of a process, which all of them have.
                process.wait(chance.uniform(0.02, seconds))
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.wait()
                done += 1
                continue
            assert process.returncode == 0, f"{run.folder}: exit {process.returncode}: {run.told()}"
            break
        found = run.contents()
        assert found == clean, f"{run.folder}: {found} instead of {clean}"
        shutil.rmtree(run.folder)
    return done, loads


def build_shim(root):
    shim = root / "shim.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", shim, HERE.parent / "faults" / "shim.c", "-ldl"], check=True, stderr=subprocess.DEVNULL)
    return shim


def kill_at_commits(opnode, home, root, clean, shim):
    """SQLite ends a transaction by removing its journal."""
    trial = Run(opnode, home, root, "commits")
    env = {"LD_PRELOAD": str(shim), "FAULTS_WATCH": str(trial.folder), "FAULTS_LOG": str(trial.folder / "calls")}
    process = trial.start(env)
    assert process.wait() == 0, trial.told()
    calls = [line.split(" ", 3) for line in (trial.folder / "calls").read_text().splitlines()]
    ends = [int(call[0]) for call in calls if call[1] == "unlink" and call[3].endswith("-journal")]
    assert len(ends) >= 3, f"only {len(ends)} transactions"
    shutil.rmtree(trial.folder)
    count = 0
    for end in ends:
        for when in ("before", "after"):
            run = Run(opnode, home, root, f"commit-{end}-{when}")
            env = {"LD_PRELOAD": str(shim), "FAULTS_WATCH": str(run.folder), "FAULTS_KILL": f"{when}:{end}"}
            process = run.start(env)
            assert process.wait() == -signal.SIGKILL, f"{run.folder}: it was not killed: {run.told()}"
            process = run.start()
            assert process.wait() == 0, f"{run.folder}: {run.told()}"
            found = run.contents()
            assert found == clean, f"{run.folder}: {found} instead of {clean}"
            shutil.rmtree(run.folder)
            count += 1
    return count


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("opnode")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--postgres", action="store_true")
    args = parser.parse_args()
    opnode = str(pathlib.Path(args.opnode).resolve())
    with tempfile.TemporaryDirectory() as root:
        root = pathlib.Path(root)
        write_rows(root / "rows.ndjson", args.rows)
        homes = [SqliteHome()]
        if args.postgres:
            from server import PostgresHome
            homes.append(PostgresHome(root))
        try:
            for home in homes:
                run = Run(opnode, home, root, f"clean-{home.name}")
                began = time.monotonic()
                process = run.start()
                assert process.wait() == 0, run.told()
                seconds = time.monotonic() - began
                clean = run.contents()
                assert clean["added"][0] == args.rows and clean["changed"][0] == args.rows * 9 // 10, clean
                shutil.rmtree(run.folder)
                done, loads = kill_at_random(opnode, home, root, clean, seconds, args.kills)
                told = f"{home.name}: {args.rows} rows in {seconds:.1f} s; killed {done} times at random in {loads} loads"
                if home.name == "sqlite":
                    told += f", {kill_at_commits(opnode, home, root, clean, build_shim(root))} times at a commit"
                print(f"{told}: equal to the clean load")
        finally:
            for home in homes:
                getattr(home, "stop", lambda: None)()


main()
