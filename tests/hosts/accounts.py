"""Two accounts of one system in one process, through the C interface: whose data each connection reads, and which refresh tokens are sent twice.

The server is this program's own: refresh tokens work once, access tokens twice.
"""
import collections
import http.server
import itertools
import json
import os
import threading

import opnode

live = {"seed-A": "A", "seed-B": "B"}
access = {"given-A": "A", "given-B": "B"}
uses, void, numbers = collections.Counter(), [], itertools.count(1)


class Server(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def reply(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length") or 0))
        offered = self.headers.get("x-refresh-token")
        who = live.pop(offered, None)
        if who is None:
            void.append(offered)
            return self.reply(401, {"message": "it was used already"})
        number = next(numbers)
        live[f"refresh-{who}-{number}"] = who
        access[f"access-{who}-{number}"] = who
        self.reply(200, {"data": {"accessToken": f"access-{who}-{number}", "refreshToken": f"refresh-{who}-{number}"}})

    def do_GET(self):
        token = (self.headers.get("authorization") or "").split()[-1:]
        token = token[0] if token else ""
        uses[token] += 1
        if token not in access or uses[token] > 2:
            return self.reply(401, {"message": "expired"})
        self.reply(200, {"data": [{"id": 1, "account": access[token]}], "meta": {"pagination": {"nextPage": None}}})


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
BASE = f"http://127.0.0.1:{server.server_address[1]}"
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
    """Each of two connections reads its own account's data, however often tokens are renewed."""
    live.update({"seed-A": "A", "seed-B": "B"})
    uses.clear()
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
