#!/usr/bin/env python3
"""Measures how cost grows: doubles each size four times and prints tables of the command's time and memory.

    benches/whole/growth.py OPNODE
"""
import json, pathlib, sys, tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benches"))
import shop

CONNECTION = '  %s: { connector: shop, siteUrl: "%s", user: u, apiKey: k, limits: { page_size: %d, rate: { requests: 0, per_s: 1 } } }\n'
STEP = "  - { id: s%d, query: listGoods, options: { count: 25 }, save: out/%d.ndjson }\n"
OPERATION = "  listThing%d:\n    title: Things %d\n    method: query\n    request: GET /things%d\n    response: { result: list }\n"
CHANGE = """version: 1
operations:
  listGoods: { title: Goods, method: query, request: GET /goods, options: { count: { type: integer } }, response: { result: list } }
  addGood: { title: Add, method: mutate, request: POST /goods, items: { send: each }, response: { result: object } }
  changeGood: { title: Change, method: mutate, request: "PATCH /goods/{id}", options: { id: { type: integer } }, items: { send: each }, response: { result: object } }
"""
# Half of the rows have a record; half of those differ from it.
UPSERT = """version: 1
name: upserts
connections: %s
connection: store
steps:
  - { id: rows, load: { from: rows.csv, types: { n: integer } } }
  - id: goods
    transform:
      from: ${{ steps.rows.items }}
      do:
        - map: { name: "Good ${{ item.n }}", price: "${{ item.n / 4 if item.n is even else item.n }}" }
        - sort: [name]
  - id: stored
    items: ${{ steps.goods.items }}
    upsert:
      find: { query: listGoods, options: { count: %d } }
      key: name
      create: { mutate: addGood }
      update: { mutate: changeGood }
"""


def connections(address, size, count=1):
    return "version: 1\nconnections:\n" + "".join(CONNECTION % ("shop" if n == 0 else f"shop{n}", address, size) for n in range(count))


def pack(folder, operations):
    """A connector of the host with this many operations."""
    own = folder / "pack" / "operations" / "huge"
    own.mkdir(parents=True, exist_ok=True)
    text = (ROOT / "tests/ffi/definitions/operations/shop/connector.yaml").read_text()
    (own / "connector.yaml").write_text(text.replace("connector: shop", "connector: huge").replace("probe: getStatus\n", ""))
    (own / "things.yaml").write_text("version: 1\noperations:\n" + "".join(OPERATION % (n, n, n) for n in range(operations)))


def main():
    opnode = str(pathlib.Path(sys.argv[1]).resolve())
    server, address = shop.start()
    with tempfile.TemporaryDirectory(dir="/dev/shm" if pathlib.Path("/dev/shm").is_dir() else None) as folder:
        folder = pathlib.Path(folder)
        write = lambda name, text: (folder / name).write_text(text)
        write("connections.yaml", connections(address, 1000))
        write("small.yaml", connections(address, 25))
        shared = ["--definitions", str(ROOT / "tests/ffi/definitions"), "-q"]
        query = lambda count, file="connections.yaml", *more: [opnode, "query", "listGoods", *shared, *more, "--connections", file, "-c", "shop",
                                                               "--options", json.dumps({"count": count}), "--output", "o.ndjson"]

        def posts(count):
            write("items.ndjson", '{"name":"Good","price":1.10}\n' * count)
            return [opnode, "mutate", "addGood", *shared, "--connections", "connections.yaml", "-c", "shop", "--items", "@items.ndjson", "--outcomes", "w.ndjson"]

        def steps(count):
            write("batch.yaml", "version: 1\nname: many\nconnections: small.yaml\nconnection: shop\nsteps:\n" + "".join(STEP % (n, n) for n in range(count)))
            return [opnode, "run", "batch.yaml", "--fresh", *shared]

        def operations(count):
            pack(folder, count)
            return query(1, "connections.yaml", "--definitions", str(folder / "pack"))

        def own_operations(count):
            pack(folder, count)
            return [opnode, "describe", "huge/listThing0", "--definitions", str(folder / "pack")]

        def lines(count):
            write("many.yaml", connections(address, 1000, count))
            return query(1, "many.yaml")

        def upserts(count):
            own = folder / "store" / "operations" / "store"
            own.mkdir(parents=True, exist_ok=True)
            text = (ROOT / "tests/ffi/definitions/operations/shop/connector.yaml").read_text()
            (own / "connector.yaml").write_text(text.replace("connector: shop", "connector: store").replace("probe: getStatus\n", ""))
            (own / "goods.yaml").write_text(CHANGE)
            write("store.yaml", connections(address, 1000).replace("shop: { connector: shop", "store: { connector: store"))
            write("rows.csv", "n\n" + "".join(f"{n}\n" for n in range(1, count + 1)))
            write("batch.yaml", UPSERT % ("store.yaml", count // 2))
            return [opnode, "run", "batch.yaml", "--fresh", "-q", "--definitions", str(folder / "store")]

        for what, sizes, command in [
            ("rows of a file, transformed and upserted", [12500, 25000, 50000, 100000], upserts),
            ("items, in pages of 1,000", [10000, 20000, 40000, 80000], query),
            ("pages of 25 items", [200, 400, 800, 1600], lambda n: query(n * 25, "small.yaml")),
            ("operations of another connector", [1000, 2000, 4000, 8000], operations),
            ("operations of the connector, one of them shown", [1000, 2000, 4000, 8000], own_operations),
            ("connections in the file", [250, 500, 1000, 2000], lines),
            ("items of a mutate", [500, 1000, 2000, 4000], posts),
            ("steps of a batch", [25, 50, 100, 200], steps),
        ]:
            print(f"\n| {what} | CPU s | peak MiB |\n|---:|---:|---:|")
            for size in sizes:
                own = command(size)
                # Long runs differ little.
                runs = sorted(shop.cost(own, folder)[:2] for _ in range(1 if size > 10000 and command is upserts else 5))
                print(f"| {size:,} | {runs[len(runs) // 2][0]:.3f} | {max(r[1] for r in runs) / 1024:.1f} |", flush=True)
    server.terminate()


main()
