"""Calls every operation of a connector once, against prism with the vendor's document, and prints the requests that prism refuses.

    every.py DOCUMENT [--opnode FILE] [--definitions DIR] [--only PREFIX] [--keep FOLDER]

It needs PyYAML, and prism where node finds it. An item has all fields of its record, so that each field's type is compared with the document.
prism is slow with a document of thousands of paths: it is started once for each module.
"""
import argparse, collections, json, os, pathlib, re, shutil, socket, subprocess, sys, tempfile, time
import yaml

CONNECTOR = "connectwise-manage"
BASE = r"^/[^/]+/v4_6_release/apis/3.0"
HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
# Operations that the document does not have, or whose path it has misspelt.
ABSENT = {
    "getSystemMembersSearch", "deleteSystemMembersById", "getSystemMembersByMemberIdTokens", "deleteSystemMembersByMemberIdTokensByTokenId",
    "getSystemApiReports", "getSystemApiReportsById", "getSystemApiReportsCount", "postSystemApiReportsByIdRun", "getSystemMyAccount",
    "getSystemInfoMembersByMemberIdentifier",
}
# Requests that are right although prism refuses them.
RIGHT = {
    "DELETE /company/configurations/bulk": "the document forgets the body of a bulk delete",
    "PATCH /company/tracks/1/actions/1": "the document forgets the body of this patch",
    "PATCH /system/contactsync/monitoring/": "the document forgets the body of this patch",
    "POST /finance/agreements/types1/copy": "prism finds /finance/agreements/{parentId}/copy in place of the path that lacks a slash",
    "GET /system/securityRoles": "the document writes it in small letters",
    "PUT /system/myAccount/1": "older releases have a record in defaultEmail, the document has a word",
}


def merged(base, patch):
    """RFC 7396."""
    if not isinstance(patch, dict):
        return patch
    out = dict(base) if isinstance(base, dict) else {}
    for name, value in patch.items():
        if value is None:
            out.pop(name, None)
        else:
            out[name] = merged(out.get(name), value)
    return out


def fits(wanted, name, operation):
    text = lambda pattern: re.compile("^" + ".*".join(map(re.escape, pattern.split("*"))) + "$")
    result = operation.get("response")
    return (
        ("id" not in wanted or text(wanted["id"]).match(name))
        and ("request" not in wanted or text(wanted["request"]).match(operation["request"]))
        and ("method" not in wanted or wanted["method"] == operation["method"])
        and ("result" not in wanted or isinstance(result, dict) and wanted["result"] == result.get("result"))
    )


def definitions(folder):
    """Operations and records, with the overrides."""
    operations, records, overrides = {}, {}, {}
    for file in sorted(folder.glob("*.yaml")):
        if file.name in ("connector.yaml", "sandbox.yaml", "import.yaml"):
            continue
        content = yaml.load(file.read_text(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        if file.name == "overrides.yaml":
            overrides = content
            continue
        operations.update(content.get("operations") or {})
        records.update(content.get("records") or {})
    for pattern in overrides.get("patterns") or []:
        for name, operation in operations.items():
            if fits(pattern["for"], name, operation):
                operations[name] = merged(operation, pattern["merge"])
    for name, patch in (overrides.get("operations") or {}).items():
        operations[name] = merged(operations[name], patch)
    for name, patch in (overrides.get("records") or {}).items():
        records[name] = merged(records.get(name, {}), patch)
    return operations, records


class Samples:
    """Values that fit a schema."""

    def __init__(self, records):
        self.records = records

    def of(self, schema, depth=0):
        if not isinstance(schema, dict):
            return "text"
        if "$ref" in schema:
            target = schema["$ref"].rsplit("/", 1)[-1]
            return self.of(self.records[target]["schema"], depth + 1)
        for word in ("const", "default"):
            if word in schema:
                return schema[word]
        if schema.get("enum"):
            return next(value for value in schema["enum"] if value is not None)
        if schema.get("examples"):
            return schema["examples"][0]
        if "anyOf" in schema:
            return self.of(schema["anyOf"][0], depth)
        kind = schema.get("type")
        if isinstance(kind, list):
            kind = next(k for k in kind if k != "null")
        if kind == "object" or "properties" in schema:
            fields = schema.get("properties") or {}
            needed = set(schema.get("required") or [])
            if depth > 1:
                fields = {name: fields[name] for name in fields if name == "id" or name in needed}
            return {name: self.of(field, depth + 1) for name, field in fields.items() if name != "_info" and (name in needed or depth < 3)}
        if kind == "array":
            return [self.of(schema["items"], depth + 1)] if depth < 3 and schema.get("items") else []
        if kind in ("integer", "number"):
            return max(1, schema.get("minimum", 1))
        if kind == "boolean":
            return True
        if kind == "string":
            dates = {"date-time": "2025-01-15T08:30:00Z", "date": "2025-01-15", "time": "08:30:00", "uuid": "00000000-0000-4000-8000-000000000001"}
            return dates.get(schema.get("format"), "text"[: schema.get("maxLength", 4)])
        return "text" if kind is None and not schema else {}


def step(name, operation, samples):
    verb, path = operation["request"].split(" ", 1)
    in_path = re.findall(r"\{(\w+)\}", path)
    options, required = {}, set(operation.get("required") or [])
    for option, schema in (operation.get("options") or {}).items():
        if option in in_path or option in required or schema.get("in") != "body" and option not in ("conditions", "orderBy", "fields", "columns"):
            clean = {k: v for k, v in schema.items() if k != "values"}
            options[option] = samples.of(clean)
    out = {"id": f"s_{name}", operation["method"]: f"{CONNECTOR}/{name}", "options": options, "on_error": "continue"}
    if operation["method"] == "query":
        out["limit"] = 1
    items = operation.get("items")
    if items and items.get("required", True):
        schema = merged(samples.records[items["record"]]["schema"] if "record" in items else {}, items.get("schema") or {})
        given = items.get("sample")
        whole = samples.of(schema)
        if items["send"] == "json_patch":
            plain = {k: v for k, v in (whole if isinstance(whole, dict) else {}).items() if isinstance(v, (str, bool, int)) and k not in in_path and k != "id"}
            item = given or dict(list(plain.items())[:3]) or {"id": 1}
        elif items["send"] == "multipart":
            item = given
        else:
            item = merged(whole, given) if isinstance(given, dict) else whole if given is None else given
        out["items"] = [item]
    return out


def mended(document):
    """What the document has wrong, so that only faults of the definitions are left."""
    document["components"]["schemas"]["PatchOperation"]["properties"]["value"] = {}
    for path, entry in document["paths"].items():
        for operation in entry.values():
            for parameter in operation.get("parameters", []) if isinstance(operation, dict) else []:
                if parameter.get("in") == "path" and "{" + parameter["name"] + "}" not in path:
                    parameter["in"] = "query"
                    parameter.pop("required", None)
    return document


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def run_module(module, steps, document, arguments, folder):
    """The verdicts of prism by step: lines of server.js, in the order of the requests."""
    port = free_port()
    log = open(folder / f"{module}.log", "w+")
    server = subprocess.Popen(
        ["node", str(HERE / "server.js"), str(port), str(free_port()), str(document), BASE, f"/{module}/"],
        cwd=folder, stdout=log, stderr=subprocess.DEVNULL, start_new_session=True,
    )
    try:
        for _ in range(1200):
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                if server.poll() is not None:
                    raise SystemExit("prism cannot be started: NODE_PATH must name the folder with @stoplight/prism-cli")
                time.sleep(0.1)
        else:
            raise SystemExit(f"prism does not start for {module}")
        connection = {
            "connector": CONNECTOR, "reroute": f"http://127.0.0.1:{port}", "siteUrl": "https://mycompany.myconnectwise.net",
            "clientId": "11111111-2222-3333-4444-555555555555", "username": "mycompany+key", "password": "nothing", "limits": {"attempts": 1},
        }
        batch = {"version": 1, "name": f"every-{module}", "connections": {"mock": connection}, "connection": "mock", "steps": steps}
        (folder / f"{module}.yaml").write_text(json.dumps(batch))
        told = subprocess.run(
            [arguments.opnode, "run", f"{module}.yaml", "--fresh", "-q", "--report", f"{module}.json"] + (["--definitions", arguments.definitions] if arguments.definitions else []),
            cwd=folder, capture_output=True, text=True,
        )
    finally:
        if server.poll() is None:
            os.killpg(server.pid, 15)
        server.wait()
    if not (folder / f"{module}.json").exists():
        raise SystemExit(f"{module}: opnode did not run the batch:\n{told.stderr[:4000]}")
    log.seek(0)
    return [line.rstrip("\n") for line in log if re.match(r"[A-Z]+ /", line)], json.loads((folder / f"{module}.json").read_text())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("document")
    parser.add_argument("--opnode", default=shutil.which("opnode"))
    parser.add_argument("--definitions", help="folder with operations/; default: the built-in ones")
    parser.add_argument("--only", default="", help="calls only operations whose path begins with this, such as /service/")
    parser.add_argument("--keep", help="a folder for the batches and logs")
    arguments = parser.parse_args()
    if arguments.definitions:
        arguments.definitions = str(pathlib.Path(arguments.definitions).resolve())
    operations, records = definitions(pathlib.Path(arguments.definitions or ROOT) / "operations" / CONNECTOR)
    samples = Samples(records)
    folder = pathlib.Path(arguments.keep or tempfile.mkdtemp(prefix="every-"))
    folder.mkdir(parents=True, exist_ok=True)
    document = folder / "vendor.json"
    document.write_text(json.dumps(mended(json.loads(pathlib.Path(arguments.document).read_text()))))
    modules = collections.defaultdict(list)
    for name, operation in operations.items():
        path = operation["request"].split(" ", 1)[1]
        if name not in ABSENT and path.startswith(arguments.only):
            modules[path.split("/")[1]].append(step(name, operation, samples))
    calls, good, bad, known, unsent = 0, 0, [], [], []
    for module, steps in modules.items():
        begun = time.time()
        lines, report = run_module(module, steps, document, arguments, folder)
        for line in lines:
            if line.endswith(" good"):
                good += 1
            elif " [\"" in line:
                request = re.sub(BASE, "", line.split(" ")[1])
                right = next((k for k in RIGHT if f"{line.split(' ')[0]} {request}".startswith(k)), None)
                known.append(line) if right else bad.append(line)
        unsent += [f"{s['operation']}: {s.get('error')}" for s in report["steps"] if not s["requests"]]
        calls += len(steps)
        print(f"{module}: {len(steps)} operations, {len(lines)} requests, {time.time() - begun:.0f} s", file=sys.stderr)
    for line in bad:
        print(f"refused: {line}")
    for line in unsent:
        print(f"not sent: {line}")
    print(f"{calls} operations called, {good} requests good, {len(known)} refused as known, {len(bad)} refused, {len(unsent)} not sent")
    sys.exit(1 if bad or unsent else 0)


main()
