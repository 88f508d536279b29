"""A host in Python: shows templates, reads a query page by page, writes items of which one fails, cancels a long query.

    OPNODE_LIBRARY=FOLDER/libopnode.so OPNODE_CONNECTION='{"connector": ..., "values": {...}}' python3 host.py

opnode.py beside it is the binding; copy it into your project.
"""
import json
import os
import sys

import opnode

ITEMS = [{"id": 7, "title": "Technician"}, {"id": 999999, "title": "Technician"}, {"id": 8, "title": "Technician"}]


def show_page(number, page):
    print(f"  page {number}: {len(page)} items, the first is {page[0]['identifier']}")


def show_outcomes(_, outcomes):
    for outcome in outcomes:
        error = outcome.get("error")
        print(f"  item {outcome['index']}: {outcome['status']}" + (f" ({error['kind']})" if error else ""))


def run(connection, request, show, batches_max=None):
    """Runs an operation and shows its batches; Ctrl-C cancels it. Returns the report."""
    with connection.start(request) as operation:
        stopped = False
        ended = "done"
        number = 0
        while True:
            try:
                for batch in operation:
                    number += 1
                    if batches_max is None or number <= batches_max:
                        show(number, batch)
                    if number == batches_max:
                        operation.cancel()
                break
            except KeyboardInterrupt:
                # The operation continues until it is cancelled; then it ends with the failure `cancelled`.
                stopped = True
                operation.cancel()
            except opnode.Error as error:
                ended = error.name
                break
        print(f"  ended: {ended}")
        report = operation.report()
    if stopped:
        print(f"  state: {report['state']}")
        raise KeyboardInterrupt
    return report


def main(engine, spec):
    with engine.open(spec) as connection:
        print("templates")
        for template in engine.templates("connectwise-manage", text="members", limit=3):
            print(f"  {template['template']}: {template['title']}")

        print("query")
        report = run(connection, {"method": "query", "operationId": "getSystemMembers"}, show_page)
        for key in "pages", "items", "complete":
            print(f"  {key}: {json.dumps(report['receipt'][key])}")

        print("at once")
        items, report = connection.run({"method": "query", "operationId": "getSystemMembers"}, 10_000)
        print(f"  {len(items)} items, complete: {json.dumps(report['receipt']['complete'])}")

        print("mutate")
        report = run(connection, {"method": "mutate", "operationId": "patchSystemMembersById", "items": ITEMS}, show_outcomes)
        print(f"  state: {report['state']}")

        print("cancel")
        long_query = {"method": "query", "operationId": "getSystemMembers", "batch": {"items": 1}}
        report = run(connection, long_query, show_page, batches_max=1)
        print(f"  state: {report['state']}")


if __name__ == "__main__":
    with opnode.Engine(os.environ["OPNODE_LIBRARY"]) as engine:
        try:
            main(engine, json.loads(os.environ["OPNODE_CONNECTION"]))
            code = 0
        except KeyboardInterrupt:
            code = 130
        # "ok" also means that no handle is open.
        print(f"shutdown: {engine.shutdown()}", flush=True)
    sys.exit(code)
