"""Rows, and loads of them, for tests of loads."""
import hashlib, json, os, pathlib, sqlite3, subprocess

HERE = pathlib.Path(__file__).parent


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
        database = sqlite3.connect(folder if folder.is_file() else folder / "load.db")
        try:
            return database.execute(sql).fetchall()
        finally:
            database.close()


class DuckdbHome:
    name = "duckdb"

    def __init__(self, opnode, library):
        self.opnode, self.library = opnode, library

    def place(self, folder):
        return f"adbc:{self.library}?path=load.duckdb"

    def fresh(self, folder):
        pass

    def contents(self, folder, sql):
        (folder / "read.yaml").write_text(f"version: 1\nname: read\nsteps:\n  - {{ id: rows, load: {{ from: '{self.place(folder)}', sql: {json.dumps(sql)} }}, save: read.ndjson }}\n")
        done = subprocess.run([self.opnode, "run", "read.yaml", "--fresh", "--quiet"], cwd=folder, capture_output=True, text=True)
        assert done.returncode == 0, f"{sql}: {done.stderr}"
        return [tuple(json.loads(line, parse_float=str).values()) for line in (folder / "read.ndjson").read_text().splitlines()]


class Run:
    """A folder with a batch that loads."""

    def __init__(self, opnode, home, root, name, env=None):
        self.opnode, self.home, self.env = opnode, home, env or {}
        self.folder = root / name
        self.folder.mkdir()
        home.fresh(self.folder)
        self.database = self.folder
        self.batch(home.place(self.folder))

    def batch(self, place):
        (self.folder / "load.yaml").write_text(BATCH.format(place=place))

    def start(self, more=None):
        log = open(self.folder / "stderr", "w")
        return subprocess.Popen([self.opnode, "run", "load.yaml", "--quiet"], cwd=self.folder, stdout=subprocess.DEVNULL, stderr=log, env={**os.environ, **self.env, **(more or {})})

    def is_ended(self):
        """Whether the run has ended, although its process was killed: another start is another run."""
        listed = subprocess.run([self.opnode, "runs", "--format", "json"], cwd=self.folder, capture_output=True, text=True)
        runs = json.loads(listed.stdout or "[]")
        return any(run["status"] == "finished" for run in runs)

    def told(self):
        return (self.folder / "stderr").read_text().strip()

    def contents(self):
        """What is in both tables, and that the loads name each row once."""
        found = {}
        for table in ("added", "changed"):
            values = self.home.contents(self.database, f"SELECT id, name, amount, big, \"at\", flag, ref, tags, note FROM {table} ORDER BY id, name")
            digest = hashlib.sha256()
            for row in values:
                digest.update(repr(row).encode())
            loads = self.home.contents(self.database, f"SELECT first_row, row_count FROM opnode_loads WHERE target = '{table}' ORDER BY first_row")
            next_row = 0
            for first, count in loads:
                assert first == next_row, f"{table}: the loads have {loads}"
                next_row += count
            by_load = self.home.contents(self.database, f"SELECT count(*) FROM {table} AS t LEFT JOIN opnode_loads AS l ON l.load = t._opnode_load WHERE l.load IS NULL")
            assert by_load[0][0] == 0, f"{table}: rows without a load"
            found[table] = (len(values), digest.hexdigest(), next_row)
        return found


def build_shim(root):
    shim = root / "shim.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", shim, HERE.parent / "faults" / "shim.c", "-ldl"], check=True, stderr=subprocess.DEVNULL)
    return shim
