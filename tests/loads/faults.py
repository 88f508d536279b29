#!/usr/bin/env python3
"""Loads of a table into which something comes: a full disk, a lock, a connection that ends, a server that restarts, a right that is lost.

    tests/loads/faults.py OPNODE [--rows N] [--postgres] [--slow]

Each load must either succeed, or end with an error that says what to do, and be resumed by the same command once the cause is gone; what is in the tables then must
be what a load without a fault leaves. `--slow` also waits for what opnode waits for: a lock, and a server that does not come back.
"""
import argparse, os, pathlib, shutil, sqlite3, subprocess, sys, tempfile, time

HERE = pathlib.Path(__file__).parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(HERE))
from loading import Run, SqliteHome, build_shim, write_rows


def ends(run, kind, env=None):
    """A start that fails, with an error of this kind."""
    process = run.start(env)
    code = process.wait()
    told = run.told()
    assert code not in (0, -9) and f"error[{kind}]" in told and "help:" in told, f"{run.folder}: exit {code}: {told}"
    return told


def resumes(run, clean):
    process = run.start()
    assert process.wait() == 0, f"{run.folder}: {run.told()}"
    is_equal(run, clean)


def is_equal(run, clean):
    found = run.contents()
    assert found == clean, f"{run.folder}: {found} instead of {clean}"
    shutil.rmtree(run.folder)


def full_sqlite(opnode, home, root, clean):
    """From one write of the file on, there is no space."""
    shim = build_shim(root)
    for write in (1, 40, 400, 2000):
        run = Run(opnode, home, root, f"full-{write}")
        place = run.folder / "desk"
        place.mkdir()
        run.batch("sqlite:desk/load.db")
        run.database = place / "load.db"
        env = {"LD_PRELOAD": str(shim), "FAULTS_WATCH": str(place), "FAULTS_FAIL": f"write:{write}:FULL"}
        told = ends(run, "state", env)
        assert "full" in told or "space" in told, told
        resumes(run, clean)


def locked_sqlite(opnode, home, root, clean):
    run = Run(opnode, home, root, "locked")
    other = sqlite3.connect(run.folder / "load.db", isolation_level=None)
    other.execute("CREATE TABLE other (id)")
    other.execute("BEGIN EXCLUSIVE")
    told = ends(run, "state")
    assert "locked" in told, told
    other.execute("ROLLBACK")
    other.close()
    resumes(run, clean)


def when_begun(home, process):
    """Waits until the load has committed something."""
    while process.poll() is None:
        try:
            if home.sql("SELECT count(*) FROM opnode_loads")[0][0] != "0":
                return
        except SystemExit:
            pass
        time.sleep(0.02)


def ended_connections(opnode, home, root, clean):
    run = Run(opnode, home, root, "ended")
    process = run.start()
    when_begun(home, process)
    for _ in range(2):
        home.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
        time.sleep(0.3)
    assert process.wait() == 0, run.told()
    is_equal(run, clean)


def restarted_server(opnode, home, root, clean):
    run = Run(opnode, home, root, "restarted")
    process = run.start()
    when_begun(home, process)
    home.run("pg_ctl", "-D", "data", "-l", "log", "-w", "-m", "immediate", "restart")
    assert process.wait() == 0, run.told()
    is_equal(run, clean)


def stopped_server(opnode, home, root, clean):
    run = Run(opnode, home, root, "stopped")
    home.run("pg_ctl", "-D", "data", "-w", "-m", "fast", "stop")
    ends(run, "network")
    home.start()
    resumes(run, clean)


def lost_right(opnode, home, root, clean):
    run = Run(opnode, home, root, "right")
    home.sql("DO $$ BEGIN IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'loader') THEN CREATE ROLE loader LOGIN; END IF; END $$; GRANT ALL ON SCHEMA public TO loader")
    run.batch(home.url().replace("opnode@", "loader@"))
    process = run.start()
    when_begun(home, process)
    home.sql("REVOKE INSERT ON ALL TABLES IN SCHEMA public FROM loader")
    code = process.wait()
    assert code and "error[forbidden]" in run.told(), f"exit {code}: {run.told()}"
    home.sql("GRANT INSERT ON ALL TABLES IN SCHEMA public TO loader")
    resumes(run, clean)


def full_server(opnode, home, root, clean):
    """Needs a file system of its own, which only the system's administrator can make."""
    small = home.folder / "small"
    small.mkdir()
    if os.getuid() or subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={clean['added'][0] * 240 >> 10}k,mode=700", "tmpfs", small], capture_output=True).returncode:
        return "left out: no file system of its own"
    try:
        if home.user:
            os.chown(small, home.user.pw_uid, home.user.pw_gid)
        home.sql(f"CREATE TABLESPACE small LOCATION '{small}'")
        run = Run(opnode, home, root, "full-server")
        home.sql(f'ALTER DATABASE "{home.database}" SET default_tablespace = small')
        told = ends(run, "state")
        assert "No space left" in told, told
        subprocess.run(["mount", "-o", "remount,size=1g", small], check=True)
        resumes(run, clean)
        home.fresh(None)
        home.sql("DROP TABLESPACE small")
    finally:
        subprocess.run(["umount", "-l", small], check=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("opnode")
    parser.add_argument("--rows", type=int, default=60_000)
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--slow", action="store_true")
    chosen = parser.parse_args()
    opnode = str(pathlib.Path(chosen.opnode).resolve())
    with tempfile.TemporaryDirectory() as root:
        root = pathlib.Path(root)
        write_rows(root / "rows.ndjson", chosen.rows)
        work = [(SqliteHome(), [full_sqlite] + ([locked_sqlite] if chosen.slow else []))]
        if chosen.postgres:
            from server import PostgresHome
            work.append((PostgresHome(root), [ended_connections, restarted_server, lost_right, full_server] + ([stopped_server] if chosen.slow else [])))
        try:
            for home, faults in work:
                run = Run(opnode, home, root, f"clean-{home.name}")
                assert run.start().wait() == 0, run.told()
                clean = run.contents()
                shutil.rmtree(run.folder)
                for fault in faults:
                    began = time.monotonic()
                    told = fault(opnode, home, root, clean) or "resumed, and equal to the clean load"
                    print(f"{home.name}: {fault.__name__.replace('_', ' ')}: {told} ({time.monotonic() - began:.1f} s)", flush=True)
        finally:
            for home, _ in work:
                getattr(home, "stop", lambda: None)()


main()
