"""A system with two accounts: refresh tokens work once, access tokens twice."""
import collections
import http.server
import itertools
import json
import threading
import time


class Shop(http.server.ThreadingHTTPServer):
    """`access` are access tokens that work already; `delay` are seconds before a renewal. `spent` is called with each invalid refresh token."""

    def __init__(self, spent, delay=0, access=()):
        super().__init__(("127.0.0.1", 0), Handler)
        self.spent, self.delay, self.access = spent, delay, dict(access)
        self.live, self.uses, self.numbers, self.lock = {}, collections.Counter(), itertools.count(1), threading.Lock()
        self.begin()

    def begin(self):
        """Resets both accounts to their first refresh token."""
        self.live.update({"seed-A": "A", "seed-B": "B"})
        self.uses.clear()

    @property
    def port(self):
        return self.server_address[1]


class Handler(http.server.BaseHTTPRequestHandler):
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
        shop = self.server
        self.rfile.read(int(self.headers.get("content-length") or 0))
        offered = self.headers.get("x-refresh-token")
        time.sleep(shop.delay)
        with shop.lock:
            who, number = shop.live.pop(offered, None), next(shop.numbers)
            if who is None:
                shop.spent(offered)
                return self.reply(401, {"message": "it was used already"})
            refresh, access = f"refresh-{who}-{number}", f"access-{who}-{number}"
            shop.live[refresh] = shop.access[access] = who
        self.reply(200, {"data": {"accessToken": access, "refreshToken": refresh}})

    def do_GET(self):
        shop = self.server
        token = (self.headers.get("authorization") or "").removeprefix("Bearer ")
        with shop.lock:
            shop.uses[token] += 1
            good = token in shop.access and shop.uses[token] <= 2
        if not good:
            return self.reply(401, {"message": "expired"})
        self.reply(200, {"data": [{"account": shop.access[token]}], "pagination": {"nextPage": None, "totalRecords": 1}})


if __name__ == "__main__":
    import sys

    # Prints its port, and writes received invalid tokens to a file.
    def note(token):
        with open("void", "a") as void:
            void.write(f"{token}\n")

    shop = Shop(note, delay=float(sys.argv[1]) if sys.argv[1:] else 0)
    print(shop.port, flush=True)
    shop.serve_forever()
