"""An object store: moto's S3, which checks each signature with botocore. Each request is a line of the log: verb, address as it was sent, status.
The arguments are the port and the number of objects in the bucket `things`. The key of its user is in `key.json`. The file `fault` makes the next
request that fits fail: `VERB KIND`, with the kinds 500, slow-down, lost (done, then without a reply) and cut (half of the body)."""
import json
import os
import socket
import sys

os.environ["INITIAL_NO_AUTH_ACTION_COUNT"] = "0"

from moto.core import DEFAULT_ACCOUNT_ID
from moto.iam.models import iam_backends
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.s3.models import s3_backends
from werkzeug.serving import WSGIRequestHandler, run_simple

port, count = map(int, sys.argv[1:])
users = iam_backends[DEFAULT_ACCOUNT_ID]["aws"]
users.create_user("us-east-1", "robot")
users.put_user_policy("robot", "objects", json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}))
key = users.create_access_key("robot")
with open("key.json", "w") as file:
    json.dump({"id": key.access_key_id, "secret": key.secret_access_key}, file)
store = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]
store.create_bucket("things", "us-east-1")
for number in range(1, count + 1):
    store.put_object("things", f"row {number:05}", b"%d" % number)

ERROR = b"<?xml version='1.0'?><Error><Code>%s</Code><Message>%s</Message></Error>"


def fault(verb):
    if not os.path.exists("fault"):
        return None
    with open("fault") as file:
        wanted, kind = file.read().split()
    if wanted != verb:
        return None
    os.unlink("fault")
    return kind


class Watched:
    def __init__(self, app):
        self.app = app

    def __call__(self, environ, start):
        verb, address = environ["REQUEST_METHOD"], environ["RAW_URI"]

        def noted(status, headers, *more):
            print(f"{verb} {address} {status[:3]}\n", end="", flush=True)
            return start(status, headers, *more)

        kind = fault(verb)
        if kind in ("500", "slow-down"):
            noted("500 Error" if kind == "500" else "503 Slow Down", [("Content-Type", "application/xml")])
            return [ERROR % ((b"InternalError", b"try again") if kind == "500" else (b"SlowDown", b"reduce your request rate"))]
        body = b"".join(self.app(environ, noted if kind != "lost" else lambda *_: None))
        if kind == "lost":
            print(f"{verb} {address} lost\n", end="", flush=True)
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
            raise ConnectionResetError
        return self.half(body) if kind == "cut" else [body]

    @staticmethod
    def half(body):
        yield body[: len(body) // 2]
        raise ConnectionResetError


class Handler(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_request(self, *_):
        pass


run_simple("127.0.0.1", port, Watched(DomainDispatcherApplication(create_backend_app)), threaded=True, request_handler=Handler)
