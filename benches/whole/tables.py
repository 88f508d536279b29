#!/usr/bin/env python3
"""Compares loads of a table with other programs that load the same file of rows: time, processor time, memory.

    benches/whole/tables.py OPNODE [--rows N] [--python PYTHON] [--dlt-rows N] [--rounds N] [--check]

The rows are NDJSON of 2.6 kB each. Each program loads them into SQLite, PostgreSQL (a server of its own, whose processor time is counted apart) or
Parquet: opnode by a batch with `load` and `save`, so that the rows are first copied into its run folder; `sqlite3` and `psql \\copy` from a CSV file that was
prepared, which is not counted; DuckDB and dlt, if PYTHON has them, from the NDJSON. dlt gets fewer rows, because it takes long: its cost is told per row.
`--check` leaves out dlt and DuckDB, and fails when opnode needs far more processor time than `\\copy`.
"""
import argparse, json, os, pathlib, random, shutil, subprocess, sys, tempfile, time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "tests" / "loads"))
from server import PostgresHome, program

WORDS = "service board ticket member company agreement invoice project phase status type location team summary".split()


def record(number, chance):
    """A record of about 2.6 kB, like those of service desks."""
    text = lambda count: " ".join(chance.choices(WORDS, k=count))
    ref = lambda: {"id": chance.randrange(1000), "name": text(2), "_info": {"href": "https://desk.example.com/v4/" + text(3).replace(" ", "/")}}
    row = {"id": number, "summary": text(8), "status": ref(), "board": ref(), "company": ref(), "owner": ref(), "closedFlag": number % 3 == 0,
           "actualHours": chance.randrange(10000) / 100, "estimate": number / 8, "enteredAt": f"2026-0{number % 9 + 1}-11T0{number % 10}:15:30Z",
           "dueOn": f"2026-1{number % 3}-01", "note": text(110), "resolution": text(40) if number % 2 else None, "tags": chance.sample(WORDS, 4)}
    row.update({f"flag{at}": chance.random() < 0.5 for at in range(12)})
    row.update({f"count{at}": chance.randrange(10**6) for at in range(12)})
    row.update({f"text{at}": text(5) for at in range(12)})
    return row


def write_rows(path, count):
    # The same thousand rows, each time with other numbers, because making them takes long.
    chance = random.Random(7)
    pattern = [json.dumps(record(number, chance), separators=(",", ":")).removeprefix(f'{{"id":{number}') for number in range(1000)]
    with open(path, "w") as out:
        out.writelines(f'{{"id":{number}{pattern[number % 1000]}\n' for number in range(count))
    return path.stat().st_size / count


class Cost:
    """What a program needs: seconds, processor seconds, the largest memory of one process in MB."""

    def __init__(self, command, folder, server=None, **more):
        before, began = server and server_seconds(server), time.monotonic()
        with open(folder / "told", "w") as told:
            process = subprocess.Popen(command, cwd=folder, stdout=told, stderr=subprocess.STDOUT, **more)
            _, status, usage = os.wait4(process.pid, 0)
        process.returncode = 0
        self.wall = time.monotonic() - began
        if status:
            raise SystemExit(f"{command}: {(folder / 'told').read_text()[-2000:]}")
        self.own, self.memory, self.server = usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, 0.0
        if server:
            # The process of a session ends some time after its client.
            time.sleep(0.3)
            self.server = server_seconds(server) - before


def server_seconds(server):
    """The processor time of the server and of the sessions that have ended."""
    head = int((server.folder / "data" / "postmaster.pid").read_text().split()[0])
    fields = pathlib.Path(f"/proc/{head}/stat").read_text().rsplit(") ", 1)[1].split()
    total = sum(int(field) for field in fields[11:15])
    for child in pathlib.Path(f"/proc/{head}/task/{head}/children").read_text().split():
        try:
            total += sum(int(field) for field in pathlib.Path(f"/proc/{child}/stat").read_text().rsplit(") ", 1)[1].split()[11:13])
        except OSError:
            pass
    return total / os.sysconf("SC_CLK_TCK")


class Loads:
    def __init__(self, opnode, root, rows, python, dlt_rows):
        self.opnode, self.root, self.rows, self.python, self.dlt_rows = opnode, root, rows, python, dlt_rows
        self.server = PostgresHome(root)

    def folder(self):
        folder = self.root / "work"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        return folder

    def batch(self, to):
        folder = self.folder()
        (folder / "load.yaml").write_text(f"version: 1\nname: load\nsteps:\n  - id: rows\n    load: {self.root}/rows.ndjson\n    save: {{ to: '{to}' }}\n")
        return folder

    def own(self, to, server=None):
        folder = self.batch(to)
        return Cost([self.opnode, "run", "load.yaml", "--quiet"], folder, server), self.rows

    def opnode_sqlite(self):
        return self.own("sqlite:load.db#rows")

    def opnode_postgres(self):
        self.server.fresh(None)
        return self.own(f"{self.server.url()}#rows", self.server)

    def opnode_parquet(self):
        return self.own("rows.parquet")

    def prepare(self):
        """The CSV file of the table as opnode makes it."""
        self.opnode_postgres()
        self.psql(f"\\copy rows TO '{self.root}/rows.csv' CSV")
        self.columns = [row[0] for row in self.server.sql("SELECT attname FROM pg_attribute WHERE attrelid = 'rows'::regclass AND attnum > 0 ORDER BY attnum")]
        return subprocess.run([program("pg_dump"), "-h", self.server.folder, "-U", "opnode", "-d", self.server.database, "-s", "-t", "rows"], check=True, capture_output=True, text=True).stdout

    def psql(self, command, server=None):
        line = [program("psql"), "-h", str(self.server.folder), "-U", "opnode", "-d", self.server.database, "-qX", "-v", "ON_ERROR_STOP=1", "-c", command]
        return Cost(line, self.folder(), server)

    def copy_postgres(self):
        self.server.fresh(None)
        made = "\n".join(line for line in self.table.splitlines() if not line.startswith("\\"))
        self.server.sql(made)
        return self.psql(f"\\copy rows FROM '{self.root}/rows.csv' CSV", self.server), self.rows

    def sqlite3_sqlite(self):
        columns = ", ".join(f'"{name}"' for name in self.columns)
        commands = f"CREATE TABLE rows ({columns});\n.import --csv {self.root}/rows.csv rows\n"
        (self.root / "import.sql").write_text(commands)
        with open(self.root / "import.sql") as given:
            return Cost(["sqlite3", "load.db"], self.folder(), stdin=given), self.rows

    def duckdb(self, statement, server=None):
        more = "INSTALL sqlite; LOAD sqlite;" if "sqlite" in statement else ""
        script = f"import duckdb\nduckdb.execute({more + statement!r})"
        return Cost([self.python, "-c", script], self.folder(), server), self.rows

    def duckdb_parquet(self):
        return self.duckdb(f"COPY (FROM read_ndjson('{self.root}/rows.ndjson')) TO 'rows.parquet' (FORMAT parquet, COMPRESSION zstd)")

    def duckdb_own(self):
        return self.duckdb(f"ATTACH 'load.duckdb' AS d; CREATE TABLE d.rows AS FROM read_ndjson('{self.root}/rows.ndjson')")

    def dlt(self, destination, server=None):
        folder = self.folder()
        with open(self.root / "rows.ndjson") as rows, open(folder / "few.ndjson", "w") as few:
            few.writelines(line for _, line in zip(range(self.dlt_rows), rows))
        (folder / "load.py").write_text(
            "import dlt, json\n"
            "def rows():\n"
            "    page = []\n"
            "    for line in open('few.ndjson'):\n"
            "        page.append(json.loads(line))\n"
            "        if len(page) == 1000:\n"
            "            yield page\n"
            "            page = []\n"
            "    yield page\n"
            f"pipeline = dlt.pipeline('load', destination={destination}, dataset_name='main', pipelines_dir='state')\n"
            "pipeline.run(rows(), table_name='rows')\n"
        )
        env = {**os.environ, "RUNTIME__DLTHUB_TELEMETRY": "false", "HOME": str(folder)}
        return Cost([self.python, "load.py"], folder, server, env=env), self.dlt_rows

    def dlt_sqlite(self):
        return self.dlt("dlt.destinations.sqlalchemy('sqlite:///load.db')")

    def dlt_postgres(self):
        self.server.fresh(None)
        self.server.sql("CREATE SCHEMA main")
        return self.dlt(f"dlt.destinations.postgres('postgresql://opnode:none@localhost/{self.server.database}?host={self.server.folder}')", self.server)

    def dlt_parquet(self):
        return self.dlt("dlt.destinations.filesystem('file://' + __import__('os').getcwd() + '/out')")


def has(python, module):
    return python and subprocess.run([python, "-c", f"import {module}"], capture_output=True).returncode == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("opnode")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--dlt-rows", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--python")
    parser.add_argument("--check", action="store_true")
    chosen = parser.parse_args()
    python = None if chosen.check else chosen.python
    with tempfile.TemporaryDirectory() as root:
        root = pathlib.Path(root)
        size = write_rows(root / "rows.ndjson", chosen.rows)
        loads = Loads(str(pathlib.Path(chosen.opnode).resolve()), root, chosen.rows, python, min(chosen.dlt_rows, chosen.rows))
        try:
            loads.table = loads.prepare()
            work = [("opnode: PostgreSQL", loads.opnode_postgres), ("psql \\copy, from CSV", loads.copy_postgres), ("opnode: SQLite", loads.opnode_sqlite)]
            if shutil.which("sqlite3"):
                work.append(("sqlite3 .import, from CSV", loads.sqlite3_sqlite))
            work.append(("opnode: Parquet", loads.opnode_parquet))
            if has(python, "duckdb"):
                work += [("DuckDB: Parquet", loads.duckdb_parquet), ("DuckDB: its own file", loads.duckdb_own)]
            if has(python, "dlt"):
                work += [("dlt: PostgreSQL", loads.dlt_postgres), ("dlt: SQLite", loads.dlt_sqlite), ("dlt: Parquet", loads.dlt_parquet)]
            found = {name: [] for name, _ in work}
            for _ in range(chosen.rounds):
                for name, load in work:
                    found[name].append(load())
        finally:
            loads.server.stop()
    print(f"{chosen.rows:,} rows of {size:,.0f} bytes; medians of {chosen.rounds} rounds; microseconds a row\n")
    print(f"| {'load':26} | wall | processor | of the server | both | memory MB | rows |\n|---|---:|---:|---:|---:|---:|---:|")
    middle = lambda values: sorted(values)[len(values) // 2]
    both = {}
    for name, costs in found.items():
        of = lambda get: middle([get(cost) * 1e6 / rows for cost, rows in costs])
        both[name] = of(lambda cost: cost.own + cost.server)
        memory = middle([cost.memory for cost, _ in costs])
        print(f"| {name:26} | {of(lambda c: c.wall):.1f} | {of(lambda c: c.own):.1f} | {of(lambda c: c.server):.1f} | {both[name]:.1f} | {memory:.0f} | {costs[0][1]:,} |")
    ratio = both["opnode: PostgreSQL"] / both["psql \\copy, from CSV"]
    print(f"\nopnode: PostgreSQL is {ratio:.2f} times \\copy of a prepared CSV file, in processor time of both")
    if chosen.check and ratio > 3:
        raise SystemExit(f"a load into PostgreSQL takes {ratio:.2f} times the processor time of \\copy, more than 3")


main()
