"""Sends items one by one while a thread reads the outcomes; at the end a thread waits without a limit while the engine is freed."""
import ctypes
import json
import os
import threading

import opnode

engine = opnode.Engine(os.environ["OPNODE_LIBRARY"])
with engine.open(json.loads(os.environ["OPNODE_CONNECTION"])) as connection:
    with connection.start({"method": "mutate", "operationId": "patchSystemMembersById", "stream": True}) as operation:
        outcomes, ended = [], []

        def read():
            try:
                for batch in operation:
                    outcomes.extend(batch)
            except opnode.Error as error:
                ended.append(error.name)

        reader = threading.Thread(target=read)
        reader.start()
        for number in range(30):
            operation.write([{"id": 99999 if number == 4 else number + 1, "title": "Technician"}], last=number == 29)
        reader.join()
        report = operation.report()
        print(f"{len(outcomes)} outcomes in order: {[o['index'] for o in outcomes] == list(range(30))}, ended: {ended[0]}")
        print(f"applied {report['applied']}, failed {report['failed']}, not sent {report['notSent']}")
        print(f"items in {report['receipt']['items_in']}, outcomes {report['receipt']['outcomes']}")


def wait():
    tags, count = (opnode.Tag * 4)(), opnode.Size()
    status = 0
    while status >= 0:
        status = library.ready_wait(handle, -1, tags, 4, ctypes.byref(count))
    print(f"the waiting thread: {library.status_name(status).decode()}")


library, handle = engine.library, engine.handle.value
waiter = threading.Thread(target=wait)
waiter.start()
print(f"shutdown: {engine.shutdown()}")
engine.close()
waiter.join()
