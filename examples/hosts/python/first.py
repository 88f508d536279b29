"""The first items in Python."""
import json
import os

import opnode

with opnode.Engine(os.environ["OPNODE_LIBRARY"]) as engine:
    with engine.open(json.loads(os.environ["OPNODE_CONNECTION"])) as connection:
        request = {"method": "query", "operationId": "getSystemMembers", "options": {"fields": "id,identifier"}}
        with connection.start(request) as operation:
            for page in operation:
                for item in page:
                    print(json.dumps(item, separators=(",", ":")))
    engine.shutdown()
