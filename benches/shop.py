"""The server of the whole-process comparisons, in its own process: pages of goods, and goods that are added. Also measures the cost of a program."""
import json, multiprocessing, os, subprocess, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


class Shop(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    pages = {}
    wbufsize = -1  # head and body in one segment

    def answer(self, status, body, *headers):
        self.send_response(status)
        for name, value in (("content-type", "application/json"), ("content-length", str(len(body))), *headers):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        option = {name: int(values[0]) for name, values in parse_qs(urlsplit(self.path).query).items()}
        count, size, page = option["count"], option["size"], option.get("page", 1)
        first = (page - 1) * size + 1
        if (count, size, page) not in self.pages:
            goods = [{"id": n, "name": f"Good {n}", "price": n / 4, "note": "x" * 180} for n in range(first, min(first + size, count + 1))]
            self.pages[count, size, page] = json.dumps(goods, separators=(",", ":")).encode()
        link = lambda page, rel: f'<http://{self.headers["host"]}/api/goods?count={count}&size={size}&page={page}>; rel="{rel}"'
        links = [("link", link(page + 1, "next") + ", " + link(-(-count // size), "last"))] if first + size <= count else []
        self.answer(200, self.pages[count, size, page], *links)

    def do_POST(self):
        good = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.answer(201, json.dumps({"id": 1, **good}).encode())

    def do_PATCH(self):
        good = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.answer(200, json.dumps({"id": 1, **good}).encode())

    def log_message(self, *_):
        pass


def serve(ports):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Shop)
    ports.put(server.server_address[1])
    server.serve_forever()


def start():
    """Starts the server; returns its process and its address."""
    ports = multiprocessing.Queue()
    server = multiprocessing.Process(target=serve, args=(ports,), daemon=True)
    server.start()
    return server, f"http://127.0.0.1:{ports.get()}"


RUNNER = """
import json, os, sys
for line in sys.stdin:
    arguments, folder = json.loads(line)
    os.chdir(folder)
    read, write = os.pipe()
    pid = os.posix_spawn(arguments[0], arguments, os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, write, 1)])
    os.close(write)
    with open(read, "rb") as out:
        said = out.readline().decode().strip()
        while out.read(1 << 20):
            pass
    _, status, usage = os.wait4(pid, 0)
    print(json.dumps([status, usage.ru_utime + usage.ru_stime, usage.ru_maxrss, said]), flush=True)
"""
runner = None


def cost(arguments, folder=None):
    """Runs a program: seconds of user and system time, its peak memory in KiB, and the first line of its output. A small process starts it: what is counted begins
    with the memory of that one."""
    global runner
    if not runner:
        runner = subprocess.Popen([sys.executable, "-S", "-E", "-c", RUNNER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    runner.stdin.write(json.dumps([arguments, str(folder or os.getcwd())]) + "\n")
    runner.stdin.flush()
    status, seconds, memory, said = json.loads(runner.stdout.readline())
    assert status == 0, f"{arguments}: {status}"
    return seconds, memory, said
