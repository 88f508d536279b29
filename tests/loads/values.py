#!/usr/bin/env python3
"""Loads awkward values and names into every place for rows, reads them again, and compares.

    tests/loads/values.py OPNODE [--postgres] [--duckdb LIBRARY] [--only NAME]

The values are those of values.ndjson: `value`, or `repeat` with a text and a number; `type` is that of its column. Each is a column of one row. A value must come
back equal, or be refused by the name of its column; those that are refused are printed. Formats without types give texts back. `--postgres` starts a server of its
own; LIBRARY is that of DuckDB.
"""
import argparse, datetime, json, pathlib, re, shutil, subprocess, sys, tempfile
from decimal import Decimal, InvalidOperation

HERE = pathlib.Path(__file__).parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(HERE))

OUT = 'version: 1\nname: out\nsteps: [{{ id: rows, load: rows.ndjson, save: {{ to: "{to}"{more} }} }}]\n'
BACK = 'version: 1\nname: back\nsteps: [{{ id: rows, load: "{source}", save: back.ndjson }}]\n'
# Names of columns: words of SQL, signs, and names that differ by case.
NAMES = ["select", "from", "table", "order", "group", "user", "primary", "null", "default", "rowid", "oid", "ctid", "xmin", "index", "a b", " a", "a ", "a.b", 'a"b', "a'b", "a`b",
         "a;--", "a\\b", "a\nb", "$1", "?", ":a", "@a", "#a", "1", "1a", "-", "é", "日本", "😀", "x" * 63, "x" * 64, "é" * 40, "_opnode", "count(*)", "*", "%s", "{a}", "[a]", "a,b"]


def parsed(text):
    return json.loads(text, parse_float=Number, parse_int=Number)


class Number:
    """A number with all its digits."""

    def __init__(self, text):
        self.text, self.value = text, Decimal(text)

    def __eq__(self, other):
        return isinstance(other, Number) and self.value == other.value

    def __repr__(self):
        return self.text


def instant(text):
    """A time in UTC, in nanoseconds; nothing if it is none."""
    found = re.fullmatch(r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9})0*)?(Z|[+-]\d\d:\d\d)?", str(text))
    if not found:
        return None
    *numbers, digits, zone = found.groups()
    try:
        days = datetime.date(*map(int, numbers[:3])).toordinal()
    except ValueError:
        return None
    hours, minutes, seconds = map(int, numbers[3:])
    moved = 0 if zone in ("Z", None) else (int(zone[:3]) * 60 + int(zone[0] + zone[4:])) * 60
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds - moved, int((digits or "0").ljust(9, "0"))


def as_text(value):
    if isinstance(value, Number):
        return f"{value.value.normalize():f}" if abs(value.value.adjusted()) < 400 and value.value else ("0" if not value.value else str(value.value.normalize()))
    if isinstance(value, bool):
        return "true" if value else "false"
    return value


def is_equal(wanted, found, kind, is_text):
    if wanted == found:
        return True
    if isinstance(wanted, Number) and isinstance(found, str):
        # A number that its column would not hold is a text with all its digits.
        try:
            return Decimal(found) == wanted.value
        except InvalidOperation:
            return False
    if kind == "timestamp" and isinstance(wanted, str) and isinstance(found, str):
        # A sheet has no times, only days with a fraction.
        return instant(wanted) is not None and instant(wanted) in (instant(found), instant(f"{found}T00:00:00"))
    if is_text and isinstance(wanted, str) and re.search("[\ud800-\udfff]", wanted):
        # Half of a pair is no text: it stays as JSON writes it.
        return found == json.dumps(wanted)[1:-1]
    if kind == "text" or (is_text and kind != "json" and not isinstance(wanted, (list, dict))):
        if is_text and kind == "date" and isinstance(found, str) and instant(found) == instant(f"{wanted}T00:00:00"):
            return True
        # An empty cell is null.
        return as_text(wanted) == as_text(found) or (wanted == "" and found is None)
    if is_text and isinstance(found, str):
        try:
            return parsed(found) == wanted
        except ValueError:
            return False
    return False


class Target:
    def __init__(self, name, to, source=None, typed=True, is_text=False, before=None):
        self.name, self.to, self.source, self.typed, self.is_text, self.before = name, to, source or to, typed, is_text, before


def run(opnode, target, folder, row, types):
    """What comes back, or why not."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    if target.before:
        target.before(folder)
    (folder / "rows.ndjson").write_text(row + "\n")
    kinds = ", ".join(f"{name}: {kind}" for name, kind in types.items()) if target.typed else ""
    to, source = (place() if callable(place) else place for place in (target.to, target.source))
    (folder / "out.yaml").write_text(OUT.format(to=to, more=f", types: {{ {kinds} }}" if kinds else ""))
    (folder / "back.yaml").write_text(BACK.format(source=source))
    for batch in ("out.yaml", "back.yaml"):
        done = subprocess.run([opnode, "run", batch, "--quiet"], cwd=folder, capture_output=True, text=True)
        if done.returncode:
            return None, done.stderr
    return (folder / "back.ndjson").read_text(), None


def check_values(opnode, target, folder, values):
    """Loads all values; those that are refused by name are left out until the others come back."""
    left, refused = dict(values), []
    while True:
        row = "{" + ",".join(f'"{name}":{raw}' for name, (raw, _) in left.items()) + "}"
        types = {name: kind for name, (_, kind) in left.items() if kind}
        back, told = run(opnode, target, folder, row, types)
        if back is not None:
            break
        named = [name for name in left if re.search(rf"column {name}\b", told)] or [name for name in left if re.search(rf"\b{name}\b", told)]
        assert named, f"{target.name}: no column is named: {told}"
        refused.append(named[0])
        del left[named[0]]
    [line] = back.rstrip("\n").split("\n")
    found = parsed(line)
    for name, (raw, kind) in left.items():
        wanted = parsed(raw)
        assert is_equal(wanted, found.get(name), kind, target.is_text), \
            f"{target.name}: {name} ({kind}) is {ascii(found.get(name))[:200]} instead of {raw[:200]}"
    return refused


def check_names(opnode, target, folder):
    refused = []
    for names in [[name] for name in NAMES] + [["a", "A"], ["é", "É"], [f"c{number}" for number in range(2000)]]:
        row = {name: index for index, name in enumerate(names)}
        back, told = run(opnode, target, folder, json.dumps(row), {})
        if back is None:
            shown = [json.dumps(name, ensure_ascii=False)[1:-1] for name in names]
            assert any(name in told for name in [*names, *shown]) or str(len(names)) in told, f"{target.name}: {names[:3]} is refused without its name: {told}"
            refused.append(names[0] if len(names) == 1 else f"{names[0]}, {names[1]}, … ({len(names)})")
            continue
        found = {name: Number(str(value)) for name, value in row.items()}
        back = parsed(back)
        if target.is_text and names == ["a.b"]:
            # A dot in a header divides the names of nested fields.
            back = {"a.b": back["a"]["b"]}
        # A name that the database would cut is shortened.
        short = {name: value for name, value in back.items() if name in found or len(name.encode()) <= 63}
        equal = list(back.values()) == list(found.values()) or (target.is_text and [as_text(v) for v in back.values()] == [as_text(v) for v in found.values()])
        assert equal and len(short) == len(found), f"{target.name}: {names[:3]}: {back}"
    return refused


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("opnode")
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--duckdb")
    parser.add_argument("--only", help="the name of one place")
    chosen = parser.parse_args()
    opnode = str(pathlib.Path(chosen.opnode).resolve())
    values = {}
    for number, line in enumerate((HERE / "values.ndjson").read_text().splitlines()):
        found = json.loads(line)
        if "repeat" in found:
            raw = json.dumps(found["repeat"][0] * found["repeat"][1], ensure_ascii=False)
        else:
            raw = line[len('{"value":'):].rsplit(',"type":', 1)[0] if "type" in found else line[len('{"value":'):-1]
        values[f"v{number:03}"] = (raw, found.get("type"))
    with tempfile.TemporaryDirectory() as root:
        root = pathlib.Path(root)
        targets = [Target("SQLite", "sqlite:values.db#v"), Target("Parquet", "values.parquet"), Target("Arrow", "values.arrow"), Target("Excel", "values.xlsx", is_text=True)]
        targets += [Target(name, f"values.{name}", typed=False, is_text="sv" in name) for name in ("csv", "tsv.gz", "ndjson.zst", "json")]
        home = None
        if chosen.postgres:
            from server import PostgresHome
            home = PostgresHome(root)
            targets.append(Target("PostgreSQL", lambda: f"{home.url()}#v", before=home.fresh))
        if chosen.duckdb:
            targets.append(Target("DuckDB", f"adbc:{chosen.duckdb}?path=values.duckdb#v"))
        try:
            for target in (target for target in targets if chosen.only in (None, target.name)):
                refused = check_values(opnode, target, root / "work", values)
                names = check_names(opnode, target, root / "work")
                shown = ", ".join(f"{name} ({values[name][0][:24]})" for name in refused)
                print(f"{target.name}: {len(values) - len(refused)} of {len(values)} values equal; refused by name: {shown or 'none'}; names: {', '.join(map(ascii, names)) or 'none'}", flush=True)
        finally:
            if home:
                home.stop()


main()
