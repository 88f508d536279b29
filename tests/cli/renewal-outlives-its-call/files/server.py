"""A system whose token server takes its time: refresh tokens work once, access tokens twice. Prints its port; keeps the void tokens that it was sent in `void`."""
import collections
import http.server
import itertools
import json
import threading
import time

live, access = {"seed-A": "A", "seed-B": "B"}, {}
uses, numbers, lock = collections.Counter(), itertools.count(1), threading.Lock()


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
        offered = self.headers.get("x-refresh-token")
        time.sleep(1)
        with lock:
            who, number = live.pop(offered, None), next(numbers)
            if who is None:
                open("void", "a").write(f"{offered}\n")
                return self.reply(401, {"message": "it was used already"})
            live[f"refresh-{who}-{number}"] = access[f"access-{who}-{number}"] = who
        self.reply(200, {"data": {"accessToken": f"access-{who}-{number}", "refreshToken": f"refresh-{who}-{number}"}})

    def do_GET(self):
        token = self.headers.get("authorization", "").removeprefix("Bearer ")
        with lock:
            uses[token] += 1
            good = token in access and uses[token] <= 2
        if not good:
            return self.reply(401, {"message": "expired"})
        self.reply(200, {"data": [{"account": access[token]}], "pagination": {"nextPage": None, "totalRecords": 1}})


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
print(server.server_address[1], flush=True)
server.serve_forever()
