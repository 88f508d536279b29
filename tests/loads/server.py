"""A PostgreSQL server of its own, for tests: in a folder, on a socket there, by an ordinary user."""
import glob, os, pwd, shutil, subprocess, time


def program(name):
    """The path of a program: in PATH, or of Debian's package."""
    found = shutil.which(name) or next(iter(sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"), reverse=True)), None)
    if not found:
        raise SystemExit(f"{name} is not there: install Debian's package postgresql")
    return found


class PostgresHome:
    name = "postgres"

    def __init__(self, root):
        self.folder = root / "postgres"
        self.folder.mkdir()
        self.user = pwd.getpwnam("nobody") if os.getuid() == 0 else None
        if self.user:
            os.chmod(root, 0o755)
            os.chown(self.folder, self.user.pw_uid, self.user.pw_gid)
        self.run("initdb", "-D", "data", "-U", "opnode", "-A", "trust", "-E", "UTF8", "--no-sync", "--locale=C.UTF-8")
        self.start()
        self.count = 0
        self.database = "postgres"

    def start(self):
        options = f"-c listen_addresses='' -c unix_socket_directories='{self.folder}' -c fsync=off -c max_wal_size=4GB"
        self.run("pg_ctl", "-D", "data", "-l", "log", "-w", "-o", options, "start")

    def run(self, name, *args):
        done = subprocess.run([program(name), *args], cwd=self.folder, capture_output=True, text=True, **self.other_user())
        if done.returncode:
            raise SystemExit(f"{name}: {done.stdout}{done.stderr}")
        return done.stdout

    def other_user(self):
        if not self.user:
            return {}
        return {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": [], "env": {**os.environ, "HOME": str(self.folder)}}

    def url(self):
        return f"postgres://opnode@/{self.database}?host={self.folder}"

    def place(self, folder):
        return self.url()

    def sql(self, text):
        """The rows of a statement, as texts."""
        out = self.run("psql", "-h", str(self.folder), "-U", "opnode", "-d", self.database, "-AtqX", "-F", "\x1f", "-R", "\x1e", "-c", text)
        out = out.removesuffix("\n")
        return [tuple(row.split("\x1f")) for row in out.split("\x1e")] if out else []

    def fresh(self, folder):
        """Another database, without tables."""
        before, self.database = self.database, "postgres"
        if before != "postgres":
            self.sql(f'DROP DATABASE "{before}" WITH (FORCE)')
        self.count += 1
        self.sql(f'CREATE DATABASE "load{self.count}"')
        self.database = f"load{self.count}"

    def contents(self, folder, sql):
        return [tuple(int(cell) if cell.isdigit() and len(cell) < 19 else cell for cell in row) for row in self.sql(sql)]

    def stop(self):
        subprocess.run([program("pg_ctl"), "-D", "data", "-m", "immediate", "stop"], cwd=self.folder, capture_output=True, **self.other_user())
        time.sleep(0.1)
