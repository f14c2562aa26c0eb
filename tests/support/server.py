"""A real gunicorn in a process of its own, on a free port, over a folder of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 120


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """HiChat as users run it, in the chosen topology (topology.py).

    `settings` are further environment variables.
    """

    def __init__(self, folder: Path, app: str = "wsgi:app", **settings: str) -> None:
        from tests.support import topology  # whose servers ask here for their ports

        self.folder = folder
        self.app = app
        self.port = free_port()
        self.log_path = folder / "server.log"
        self.environ = {
            **{key: value for key, value in os.environ.items() if not key.startswith("HICHAT_")},
            "PORT": str(self.port), "HICHAT_DATA_DIR": str(folder), "HICHAT_RATE_LIMITS": "off",
            **topology.settings(), **settings,
        }
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def http(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    def prepare(self) -> None:
        """Give it its tables: a copy, or, in a database that has none, as `manage.py run` does."""
        from tests.support.application import lay_tables  # which ask here for their ports
        from tests.support.postgres import has_tables

        url = self.environ.get("HICHAT_DATABASE_URL")
        if not url:
            lay_tables(self.folder)
        elif not has_tables(url):
            self.operate("prepare")

    def operate(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """What an operator types: `flask hichat ...`."""
        command = [sys.executable, "-m", "flask", "--app", "wsgi", "hichat", *words]
        return subprocess.run(
            command, cwd=ROOT, env=self.environ, check=check, capture_output=True, text=True
        )

    def start(self) -> None:
        """Start and wait until it answers."""
        command = [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", self.app]
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=self.environ, stdout=log, stderr=log, start_new_session=True
            )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            assert self.process.poll() is None, f"the server ended: {self.log()}"
            try:
                if requests.get(f"{self.http}/healthz", timeout=5).ok:
                    return
            except (requests.ConnectionError, requests.Timeout):
                time.sleep(0.05)
        raise AssertionError(f"the server did not start: {self.log()}")

    def terminate(self) -> float:
        """Stop with TERM; return the seconds it took to leave."""
        assert self.process is not None
        began = time.monotonic()
        self.process.terminate()
        self.process.wait(timeout=30)
        self.process = None
        return time.monotonic() - began

    def kill(self) -> None:
        """kill -9 of master and workers at once, as a power cut would."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(timeout=30)
        self.process = None

    def workers(self) -> list[int]:
        """The process ids of the workers."""
        assert self.process is not None
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in path.read_text().split()]

    def worker(self) -> int:
        """The process id of the (only) worker."""
        return self.workers()[0]

    def twin(self) -> Server:
        """Another server of the same installation, on a port of its own; not started."""
        number = len(list(self.folder.glob("server*.log"))) + 1
        made = Server(self.folder, self.app, **self.environ | {"PORT": str(free_port())})
        made.port = int(made.environ["PORT"])
        made.log_path = self.folder / f"server-{number}.log"
        return made

    def log(self) -> str:
        return self.log_path.read_text() if self.log_path.is_file() else ""


@contextmanager
def running(folder: Path, app: str = "wsgi:app", **settings: str) -> Iterator[Server]:
    """A server over an empty database, started; stopped at the end if it still runs."""
    made = Server(folder, app, **settings)
    made.prepare()
    try:
        made.start()
        yield made
    finally:
        if made.process is not None:
            made.terminate()
