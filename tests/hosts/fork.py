"""A pool of workers that are forked while the parent uses an engine: each worker creates its own engine, and the parent's is invalid there."""
import json
import multiprocessing
import os

import opnode

REQUEST = {"method": "query", "operationId": "getSystemMembers", "options": {"fields": "id"}}
SPEC = json.loads(os.environ["OPNODE_CONNECTION"])


def members(connection):
    with connection.start(REQUEST) as operation:
        return sum(len(page) for page in operation)


def work(_):
    try:
        parents.start(REQUEST)
        refused = "not refused"
    except opnode.Error as error:
        refused = error.name if "create an engine" in error.details["advice"] else str(error.details)
    with opnode.Engine(os.environ["OPNODE_LIBRARY"]) as engine:
        with engine.open(SPEC) as connection:
            found = members(connection)
        return f"{found} members, the parent's connection: {refused}, {engine.shutdown()}"


if __name__ == "__main__":
    with opnode.Engine(os.environ["OPNODE_LIBRARY"]) as engine:
        with engine.open(SPEC) as parents, parents.start(REQUEST) as under_way:
            status, page = under_way.next(10_000)
            with multiprocessing.get_context("fork").Pool(2) as pool:
                for line in pool.map(work, range(6)):
                    print(line)
            print(len(page) + sum(len(more) for more in under_way), "members")
        print("shutdown:", engine.shutdown())
