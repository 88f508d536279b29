"""An API that opnode knows nothing of: a library with a bearer token. Writes its port to the file `port`."""
import json
import os
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlparse

BOOKS = [
    {"id": n, "title": f"Book {n}", "price": n + 0.5, "lent": n % 2 == 0, "due": None if n % 3 else "2026-03-01",
     "reader": {"name": "Ann Ho", "email": "ann@corp.example"}, "access_token": "tok-1234567"}
    for n in range(1, 96)
]


class Library(BaseHTTPRequestHandler):
    def answer(self, status, body, headers=()):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        try:
            self.wfile.write(data)
        except (BrokenPipeError, ConnectionResetError):
            pass  # The client has enough items and did not wait for the next page.

    def handle_any(self):
        url, size = urlparse(self.path), int(self.headers.get("content-length") or 0)
        body = self.rfile.read(size)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        parts = [part for part in url.path.split("/") if part]
        if self.headers.get("authorization") != "Bearer library-secret-token":
            return self.answer(401, {"error": {"message": "no valid token"}})
        if parts[:2] != ["api", "v2"]:
            return self.answer(404, {"error": {"message": f"no such path {url.path}"}})
        if parts[2:] == ["books"] and self.command == "GET":
            start, limit = int(query.get("after") or 0), int(query.get("limit") or 20)
            rows = [book for book in BOOKS if book["id"] > start][:limit]
            last = rows[-1]["id"] if rows else 0
            more = bool(rows) and last < BOOKS[-1]["id"]
            return self.answer(200, {"data": rows, "paging": {"cursors": {"after": str(last) if more else None}}, "total": len(BOOKS)})
        if parts[2:] == ["books", "search"]:
            asked = json.loads(body)
            page, rows = asked.get("page", 1), [book for book in BOOKS if asked.get("lent") in (None, book["lent"])]
            return self.answer(200, {"results": rows[page * 10 - 10:page * 10], "page": page, "total_pages": -(-len(rows) // 10)})
        if parts[2:] == ["books"] and self.command == "POST":
            return self.answer(201, {**json.loads(body), "id": 96})
        if len(parts) == 4 and parts[2] == "books":
            found = [book for book in BOOKS if str(book["id"]) == parts[3]]
            return self.answer(200, found[0]) if found else self.answer(404, {"error": {"message": "no such book"}})
        if parts[2:] == ["readers"]:
            page, rows = int(query.get("page") or 1), [{"key": f"r{n}", "city": "Bonn"} for n in range(1, 13)]
            headers = [("link", f'<{url.path}?page={page + 1}&per_page=5>; rel="next"')] if page * 5 < len(rows) else []
            return self.answer(200, rows[page * 5 - 5:page * 5], headers)
        if parts[2:] == ["shelves"]:
            page, rows = int(query.get("p") or 1), [{"code": f"s{n}"} for n in range(1, 8)]
            return self.answer(200, {"shelves": rows[page * 3 - 3:page * 3], "page": page, "pages": 3})
        if parts[2:] == ["loans"]:
            offset, rows = int(query.get("offset") or 0), [{"number": n, "book": n} for n in range(1, 31)]
            return self.answer(200, {"items": rows[offset:offset + 10]})
        if parts[2:] == ["tags"] and self.command == "POST":
            return self.answer(201, {"id": 5, "form": body.decode()})
        if parts[2:3] == ["broken"]:
            return self.broken(parts[3], query)
        return self.answer(404, {"error": {"message": f"no such path {url.path}"}})

    def broken(self, how, query):
        """Replies that no list should have."""
        body = b'[{"id": 1}, {"id": 2}]'
        kinds = {"html": "text/html", "csv": "text/csv", "bytes": "application/octet-stream"}
        if how == "second" and "page" in query:
            return self.answer(500, {"error": {"message": "page 2 fails"}})
        if how == "elsewhere":
            self.send_response(302)
            self.send_header("location", "https://elsewhere.example/x")
            self.send_header("content-length", "0")
            return self.end_headers()
        body = {"html": b"<html><title>Sign in</title></html>", "csv": b"id,name\n1,a\n2,b\n", "bytes": bytes(range(256)),
                "json": b'[{"id": 1}, {"id"', "second": b'{"page": 1, "items": [{"id": 1}, {"id": 2}]}'}.get(how, body)
        self.send_response(503 if how == "busy" else 200)
        self.send_header("content-type", kinds.get(how, "application/json"))
        self.send_header("content-length", str(len(body) + (99 if how == "cut" else 0)))
        if how == "gzip":
            self.send_header("content-encoding", "gzip")
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True

    do_GET = do_POST = do_PUT = do_DELETE = handle_any

    def log_message(self, *args):
        with open("requests.log", "a") as log:
            log.write(f"{self.command} {self.path}\n")


server = HTTPServer(("127.0.0.1", 0), Library)
with open("port.new", "w") as file:
    file.write(str(server.server_port))
os.rename("port.new", "port")
server.serve_forever()
