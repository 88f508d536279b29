"""Runs many operations and prints by how many KiB the process grew after the first quarter."""
import json
import os
import sys

import opnode


def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024


with opnode.Engine(os.environ["OPNODE_LIBRARY"], selftest=True) as engine:
    before = 0
    count = int(sys.argv[1])
    with engine.open(json.loads(os.environ["OPNODE_CONNECTION"])) as connection:
        for number in range(count):
            if number == count // 4:
                before = resident()
            # Every tenth one also uses the network; every second one is left before its end.
            request = {"method": "selftest", "selftest": {"emit": 5}}
            if number % 10 == 0:
                request = {"method": "query", "operationId": "getSystemMembers", "limit": 1}
            with connection.start(request, tag=number + 1) as operation:
                for _ in operation:
                    if number % 2:
                        break
                operation.report()
            try:
                connection.start({"method": "query", "operationId": "getNothing"})
            except opnode.Error as error:
                assert error.name == "unknown_operation", error.name
            engine.ready()
            engine.events()
    print(f"{count} operations, grown by {resident() - before} KiB")
    print(f"shutdown: {engine.shutdown()}")
