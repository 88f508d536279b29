"""Lists that page in ways that the document does not say. Writes its port to the file `port`, its requests to `requests.log`."""
import json
import os
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlparse

ROWS = [{"id": f"r{n}", "name": f"Row {n}"} for n in range(1, 8)]


class Lists(BaseHTTPRequestHandler):
    def do_GET(self):
        with open("requests.log", "a") as log:
            log.write(f"{self.path}\n")
        url = urlparse(self.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        if self.headers.get("authorization") != "Bearer try-secret-token":
            return self.answer(401, {"message": "no valid token"})
        name = url.path.removeprefix("/api/")
        size = int(query.get("limit") or query.get("per_page") or 5)
        number = lambda key, start: int(query.get(key, start)) - start
        page = lambda key, start: ROWS[number(key, start) * size:][:size] if number(key, start) >= 0 else []
        if name == "from-one":
            return self.answer(200, page("page", 1))
        if name in ("from-zero", "from-zero-too"):
            return self.answer(200, {"rows": page("page", 0)})
        if name == "counted-rows":
            return self.answer(200, ROWS[number("startIndex", 1):][:size])
        if name == "skipped-rows":
            return self.answer(200, ROWS[number("start", 0):][:size])
        if name == "linked":
            at = number("at", 0)
            more = at + size < len(ROWS)
            link = {"link": f'</api/linked?limit={size}&at={at + size}>; rel="next"'} if more else {}
            return self.answer(200, ROWS[at:at + size], link)
        if name == "cursors":
            at = int(query.get("cursor", "t0")[1:])
            more = at + size < len(ROWS)
            return self.answer(200, {"rows": ROWS[at:at + size], "meta": {"nextCursor": f"t{at + size}" if more else None}})
        if name == "after-the-last":
            at = next((n + 1 for n, row in enumerate(ROWS) if row["id"] == query.get("after")), 0)
            return self.answer(200, {"rows": ROWS[at:at + size]})
        if name == "mixed":
            at = number("offset", 0)
            return self.answer(200, {"found": ROWS[at:at + size], "hints": ["a"], "words": [1]})
        if name == "two-lists":
            return self.answer(200, {"left": ROWS[:2], "right": ROWS[2:4]})
        if name == "says-nothing":
            return self.answer(200, ROWS[:size])
        if name == "same-again":
            return self.answer(200, {"rows": ROWS[:size], "next": "/api/same-again?again=1"})
        if name == "elsewhere":
            return self.answer(200, {"rows": ROWS[:size], "next": "https://elsewhere.example/api/elsewhere?p=2"})
        if name == "empty":
            return self.answer(200, {"rows": []})
        if name == "page":
            return self.answer(200, "<html></html>")
        return self.answer(500, {"message": f"{name} is broken"})

    def answer(self, status, body, headers={}):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args):
        pass


server = HTTPServer(("127.0.0.1", 0), Lists)
with open("port.new", "w") as file:
    file.write(str(server.server_port))
os.rename("port.new", "port")
server.serve_forever()
