"""A host in Python with asyncio: no thread waits. opnode writes to a descriptor (`wakeFd`) when something is ready, and the event loop watches it.

    OPNODE_LIBRARY=FOLDER/libopnode.so OPNODE_CONNECTION='{"connector": ..., "values": {...}}' python3 host_asyncio.py

opnode.py beside it is the binding; copy it into your project.
"""
import asyncio
import json
import os
import socket

import opnode
from host import ITEMS, show_outcomes, show_page


class Engine(opnode.Engine):
    """An engine whose operations can be awaited. Belongs to the event loop in which it is created."""

    def __init__(self, path):
        # Neither end blocks: a full socket already wakes the loop. `_bell` stays open as long as the engine.
        self._rings, self._bell = socket.socketpair()
        self._rings.setblocking(False)
        self._bell.setblocking(False)
        self._waiting = {}
        self._loop = asyncio.get_running_loop()
        super().__init__(path, wakeFd=self._bell.fileno())
        self._loop.add_reader(self._rings, self._wake)

    def _wake(self):
        self._rings.recv(4096)
        while tags := self.ready(0):
            for tag in tags:
                # Tag 0 means events, which this host does not read. A tag may arrive late, when nothing waits for it.
                waiter = self._waiting.pop(tag, None)
                if waiter and not waiter.done():
                    waiter.set_result(None)

    async def next(self, operation, tag):
        """The next batch; None at the end."""
        while True:
            # Created before the call: after AGAIN, the tag may arrive at once.
            waiter = self._waiting[tag] = self._loop.create_future()
            status, batch = operation.next(0)
            if status != opnode.AGAIN:
                del self._waiting[tag]
                return batch
            await waiter

    async def end(self):
        """Waits for the end on another thread, because this one runs the loop."""
        said = await asyncio.to_thread(self.shutdown)
        self._loop.remove_reader(self._rings)
        self.close()
        self._rings.close()
        self._bell.close()
        return said


async def run(engine, connection, tag, request, show, batches_max=None):
    """Runs an operation and shows its batches. When this task is cancelled, leaving the `with` cancels the operation."""
    with connection.start(request, tag) as operation:
        number, ended = 0, "done"
        try:
            while (batch := await engine.next(operation, tag)) is not None:
                number += 1
                if batches_max is None or number <= batches_max:
                    show(number, batch)
                if number == batches_max:
                    operation.cancel()
        except opnode.Error as error:
            ended = error.name
        print(f"  ended: {ended}")
        return operation.report()


async def main(engine, spec):
    with engine.open(spec) as connection:
        print("templates")
        for template in engine.templates("connectwise-manage", text="members", limit=3):
            print(f"  {template['template']}: {template['title']}")

        print("query")
        report = await run(engine, connection, 1, {"method": "query", "operationId": "getSystemMembers"}, show_page)
        for key in "pages", "items", "complete":
            print(f"  {key}: {json.dumps(report['receipt'][key])}")

        print("at once")
        items, report = await asyncio.to_thread(connection.run, {"method": "query", "operationId": "getSystemMembers"}, 10_000)
        print(f"  {len(items)} items, complete: {json.dumps(report['receipt']['complete'])}")

        print("mutate")
        write = {"method": "mutate", "operationId": "patchSystemMembersById", "items": ITEMS}
        report = await run(engine, connection, 2, write, show_outcomes)
        print(f"  state: {report['state']}")

        print("cancel")
        long_query = {"method": "query", "operationId": "getSystemMembers", "batch": {"items": 1}}
        report = await run(engine, connection, 3, long_query, show_page, batches_max=1)
        print(f"  state: {report['state']}")


async def host():
    engine = Engine(os.environ["OPNODE_LIBRARY"])
    try:
        await main(engine, json.loads(os.environ["OPNODE_CONNECTION"]))
    finally:
        # "ok" also means that no handle is open.
        print(f"shutdown: {await engine.end()}", flush=True)


if __name__ == "__main__":
    asyncio.run(host())
