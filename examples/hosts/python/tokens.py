"""How a host stores rotated tokens: each renewal may return a new refresh token, and then the old one is invalid.

    OPNODE_LIBRARY=FOLDER/libopnode.so OPNODE_CONNECTION='{"connector": ..., "account": ..., "values": {...}}' python3 tokens.py KEPT_TOKENS.json

The first run signs in with what the connection holds; each later one with the tokens of the run before it. A host that shares tokens between
several processes gives the engine {"tokens": {"file": PATH}} in place of all this.
"""
import json
import os
import sys

import opnode

PARTS = "access_token", "refresh_token", "expires_at", "account", "seed"


def keep(engine, path):
    """Stores new tokens; the newest event counts. A private file replaces the host's own vault here."""
    for event in engine.events():
        if event["kind"] == "credential":
            # Written completely and then renamed, so that a crash leaves the old tokens or the new ones.
            new = os.open(path + ".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with open(new, "w") as file:
                json.dump({part: event[part] for part in PARTS}, file)
                file.flush()
                os.fsync(file.fileno())
            os.replace(path + ".new", path)
            print(f"kept new tokens of {event['account']}")


def main(path):
    spec = json.loads(os.environ["OPNODE_CONNECTION"])
    if os.path.exists(path):
        with open(path) as file:
            spec["tokens"] = json.load(file)
        print("signing in with kept tokens")
    with opnode.Engine(os.environ["OPNODE_LIBRARY"]) as engine:
        with engine.open(spec) as connection, connection.start({"method": "check"}) as check:
            try:
                for _ in check:
                    # A long operation may renew its tokens: check after each batch, not only at the end.
                    keep(engine, path)
                print("check: ok")
            except opnode.Error as error:
                print(f"check: {error.name}")
            finally:
                # Also after a failure: the tokens may have been renewed before it.
                keep(engine, path)
        print(f"shutdown: {engine.shutdown()}")


if __name__ == "__main__":
    main(sys.argv[1])
