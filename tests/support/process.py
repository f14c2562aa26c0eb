"""What the kernel knows of a process: memory, threads, descriptors."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

from tests.support.client import PATIENCE
from tests.support.server import Server

MIB = 1024 * 1024


def _status(pid: int, name: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1])
    raise AssertionError(f"/proc/{pid}/status has no {name}")


def children(pid: int) -> list[int]:
    """The processes that this one has started, and that are there."""
    found = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(word) for word in found.read_text().split()] if found.exists() else []


def memory(pid: int) -> int:
    """Resident bytes."""
    return _status(pid, "VmRSS") * 1024


def peak_memory(pid: int) -> int:
    """The most resident bytes since the start, or since `forget_peak`."""
    return _status(pid, "VmHWM") * 1024


def forget_peak(pid: int) -> None:
    Path(f"/proc/{pid}/clear_refs").write_text("5")


class Growth:
    """How much more memory each of a server's workers has had since this was made, in bytes.

    They have all begun to serve by then: the start of one takes 40 MB.
    """

    def __init__(self, server: Server) -> None:
        wait_for_workers(server)
        self._before = {pid: memory(pid) for pid in server.workers()}
        for pid in self._before:
            forget_peak(pid)

    def most(self) -> int:
        """Of the worker that has grown most: what is promised is a bound for each."""
        return max(peak_memory(pid) - before for pid, before in self._before.items())


def wait_for_workers(server: Server) -> None:
    """Ask until each worker has answered."""
    silent = set(server.workers())

    def ask() -> bool:
        with closing(HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)) as connection:
            connection.request("GET", "/readyz")
            assert connection.getresponse().read()
            end = _other_end(server.port, connection.sock.getsockname()[1])
            silent.difference_update([pid for pid in silent if end in descriptors(pid)])
        return not silent

    wait_until(ask, 60)


def _other_end(listening: int, port: int) -> str:
    """What the descriptor stands for that the server has of a connection from `port`."""
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, here, there, *more = line.split()
        if (here[-4:], there[-4:]) == (f"{listening:04X}", f"{port:04X}"):
            return f"socket:[{more[6]}]"
    raise AssertionError("the server has ended the connection")


def threads(pid: int) -> int:
    return _status(pid, "Threads")


def descriptors(pid: int, ending: str = "") -> list[str]:
    """What the open descriptors stand for, sorted; only those whose name ends so."""
    found = []
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            found.append(os.readlink(entry))
        except FileNotFoundError:  # closed in between
            continue
    return sorted(name for name in found if name.endswith(ending))


def wait_until(holds: Callable[[], bool], seconds: float = PATIENCE) -> None:
    """Wait for something that must become true."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "this did not become true in time"
        time.sleep(0.02)
