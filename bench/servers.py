"""Starts and stops what is measured, each in a process tree of its own.

Everything listens on 127.0.0.1, is pinned to SERVER_CORE, and is ended by its own process group.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
RUN = HERE / ".run"
"""Databases and logs of a run, removed at its end. On the disk: /tmp may be memory."""

SERVER_CORE, LOAD_CORE = min(os.sched_getaffinity(0)), max(os.sched_getaffinity(0))


@dataclass
class Server:
    """A running server. `pid` is the root of its process tree.

    `beside`: the roots of what it needs (its database, its bus), by name; `stack` keeps them.
    """

    name: str
    process: subprocess.Popen[bytes]
    port: int
    beside: dict[str, int] = field(default_factory=dict)
    stack: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        return self.process.pid

    def stop(self) -> None:
        """TERM, a moment, KILL: of the group that `launch` made for it, and of nothing else."""
        for sign, patience in ((signal.SIGTERM, 10.0), (signal.SIGKILL, 10.0)):
            try:
                os.killpg(self.pid, sign)
                self.process.wait(patience)
            except ProcessLookupError:
                break
            except subprocess.TimeoutExpired:
                continue
        self.process.wait(1)
        if self.stack is not None:
            self.stack.communicate(timeout=30)  # it ends with its input


Start = Callable[[int, Path], Server]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def launch(
    name: str,
    argv: list[str],
    port: int,
    data: Path,
    env: dict[str, str] | None = None,
    cwd: Path = HERE / "peers",
) -> Server:
    """Start `argv` pinned, in its own process group, its output in a log beside its data."""
    log = (data / f"{name}.log").open("ab")
    process = subprocess.Popen(
        argv,
        cwd=cwd,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"} | (env or {}),
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=True,
        preexec_fn=lambda: os.sched_setaffinity(0, {SERVER_CORE}),
    )
    log.close()
    return Server(name, process, port)


def wait_ready(server: Server, log: Path, path: str = "", timeout: float = 30.0) -> Server:
    """Until the port takes a connection and, if `path` is given, answers 200 there."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        if server.process.poll() is not None:
            break
        try:
            if not path:
                socket.create_connection(("127.0.0.1", server.port), 1).close()
                return server
            with urllib.request.urlopen(f"http://127.0.0.1:{server.port}{path}", timeout=2):
                return server
        except OSError:
            time.sleep(0.05)
    server.stop()
    raise RuntimeError(f"{server.name} did not start:\n{log.read_text()[-2000:]}")


@contextmanager
def workspace() -> Iterator[Path]:
    """A fresh folder for the databases and logs of one group of servers."""
    data = RUN / f"data-{os.getpid()}"
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(parents=True)
    try:
        yield data
    finally:
        shutil.rmtree(data, ignore_errors=True)
