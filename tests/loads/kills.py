#!/usr/bin/env python3
"""Kills loads of a table, and compares what is in the table in the end with a load that was not killed.

    tests/loads/kills.py OPNODE [--rows N] [--kills N] [--postgres]

Each load is of rows of a file into two tables: one to which rows are added, and one in which a row replaces that of its key. It is killed (SIGKILL) at random
times and resumed, until it has ended; then the next load begins, up to so many kills. Then it is killed at each transaction: just before, and just after, its
end. At the end of each load, the numbers of rows and the digest of all values must be those of the clean load, and the table of loads must name each row once.
`--postgres` starts a server of its own, of the programs in PATH or of Debian's package; LIBRARY is that of DuckDB.
"""
import argparse, pathlib, random, shutil, signal, subprocess, sys, tempfile, time

HERE = pathlib.Path(__file__).parent
# Nothing is left in the checkout.
sys.dont_write_bytecode = True
sys.path.insert(0, str(HERE))
from loading import DuckdbHome, Run, SqliteHome, build_shim, write_rows


def kill_at_random(opnode, home, root, clean, seconds, kills):
    done = loads = 0
    chance = random.Random(20261130)
    while done < kills:
        run = Run(opnode, home, root, f"{home.name}-{loads}")
        loads += 1
        while True:
            process = run.start()
            try:
                # Early ones are at the start of a process, which all of them have.
                process.wait(chance.uniform(0.02, seconds))
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.wait()
                done += 1
                if not run.is_ended():
                    continue
            else:
                assert process.returncode == 0, f"{run.folder}: exit {process.returncode}: {run.told()}"
            break
        found = run.contents()
        assert found == clean, f"{run.folder}: {found} instead of {clean}"
        shutil.rmtree(run.folder)
    return done, loads


def kill_at_commits(opnode, home, root, clean, shim):
    """SQLite ends a transaction by removing its journal."""
    trial = Run(opnode, home, root, "commits")
    env = {"LD_PRELOAD": str(shim), "FAULTS_WATCH": str(trial.folder), "FAULTS_LOG": str(trial.folder / "calls")}
    process = trial.start(env)
    assert process.wait() == 0, trial.told()
    calls = [line.split(" ", 3) for line in (trial.folder / "calls").read_text().splitlines()]
    ends = [int(call[0]) for call in calls if call[1] == "unlink" and call[3].endswith("-journal")]
    assert len(ends) >= 3, f"only {len(ends)} transactions"
    shutil.rmtree(trial.folder)
    count = 0
    for end in ends:
        for when in ("before", "after"):
            run = Run(opnode, home, root, f"commit-{end}-{when}")
            env = {"LD_PRELOAD": str(shim), "FAULTS_WATCH": str(run.folder), "FAULTS_KILL": f"{when}:{end}"}
            process = run.start(env)
            assert process.wait() == -signal.SIGKILL, f"{run.folder}: it was not killed: {run.told()}"
            process = run.start()
            assert process.wait() == 0, f"{run.folder}: {run.told()}"
            found = run.contents()
            assert found == clean, f"{run.folder}: {found} instead of {clean}"
            shutil.rmtree(run.folder)
            count += 1
    return count


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("opnode")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--duckdb")
    args = parser.parse_args()
    opnode = str(pathlib.Path(args.opnode).resolve())
    with tempfile.TemporaryDirectory() as root:
        root = pathlib.Path(root)
        write_rows(root / "rows.ndjson", args.rows)
        homes = [SqliteHome()]
        if args.duckdb:
            homes.append(DuckdbHome(opnode, args.duckdb))
        if args.postgres:
            from server import PostgresHome
            homes.append(PostgresHome(root))
        try:
            for home in homes:
                run = Run(opnode, home, root, f"clean-{home.name}")
                began = time.monotonic()
                process = run.start()
                assert process.wait() == 0, run.told()
                seconds = time.monotonic() - began
                clean = run.contents()
                assert clean["added"][0] == args.rows and clean["changed"][0] == args.rows * 9 // 10, clean
                shutil.rmtree(run.folder)
                done, loads = kill_at_random(opnode, home, root, clean, seconds, args.kills)
                told = f"{home.name}: {args.rows} rows in {seconds:.1f} s; killed {done} times at random in {loads} loads"
                if home.name == "sqlite":
                    told += f", {kill_at_commits(opnode, home, root, clean, build_shim(root))} times at a commit"
                print(f"{told}: equal to the clean load")
        finally:
            for home in homes:
                getattr(home, "stop", lambda: None)()


main()
