"""Two accounts of one system in one process, through the C interface: the data that each connection reads, and refresh tokens that are sent twice.

The server is shop.py: refresh tokens work once, access tokens twice.
"""
import collections
import os
import threading

import opnode
import shop

void = []
server = shop.Shop(void.append, access={"given-A": "A", "given-B": "B"})
threading.Thread(target=server.serve_forever, daemon=True).start()
BASE = f"http://127.0.0.1:{server.port}"
REQUEST = {"method": "query", "operationId": "getAllCompanies", "limit": 1}


def read(connection):
    try:
        with connection.start(REQUEST) as operation:
            return [item["account"] for page in operation for item in page]
    except opnode.Error as error:
        return error.name


def spec(who, **more):
    return {"connector": "optima", "values": {"baseUrl": BASE, "refreshToken": f"seed-{who}"}, **more}


def rounds(label, specs):
    """Each of two connections reads its own account's data, also after renewals."""
    server.begin()
    void.clear()
    with opnode.Engine(os.environ["OPNODE_LIBRARY"]) as engine:
        try:
            connections = [engine.open(spec) for spec in specs]
        except opnode.Error as error:
            print(f"{label}: {error.name}: {error}")
            return
        seen = [collections.Counter(str(read(c)) for _ in range(8)) for c in connections]
        told = {(e["connection"], e["account"]) for e in engine.events() if e["kind"] == "credential"}
        print(f"{label}: {[dict(s) for s in seen]}, void tokens sent: {len(void)}, events of {sorted(told, key=str)}")
        for connection in connections:
            connection.close()


given = [{"tokens": {"access_token": f"given-{who}", "refresh_token": f"seed-{who}", "account": "x"}} for who in "AB"]
rounds("without accounts", [spec(who) for who in "AB"])
rounds("a name is no account", [spec(who, name=who) for who in "AB"])
rounds("own accounts", [spec(who, account=who, name=who) for who in "AB"])
rounds("named alike", [spec(who, account="x") for who in "AB"])
rounds("named alike, with tokens of the host", [spec(who, account="x", **given[i]) for i, who in enumerate("AB")])
rounds("one account twice", [spec("A", account="A", name=name) for name in "ab"])
rounds("one account under two names", [spec("A", account=account) for account in "AB"])
other = {"tokens": {"access_token": "given-B", "refresh_token": "seed-B", "account": "B"}}
rounds("tokens of another account", [spec("A", account="A"), spec("A", account="A", **other)])
nameless = {"tokens": {"access_token": "given-B", "refresh_token": "seed-B"}}
rounds("tokens that do not say whose they are", [spec("A", account="A", **nameless)])
os._exit(0)
