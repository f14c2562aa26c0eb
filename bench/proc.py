"""What a process tree costs, by the kernel's own accounting (/proc, Linux only)."""

from __future__ import annotations

import os
import resource
from pathlib import Path
from threading import Event, Thread
from time import perf_counter, process_time
from typing import Self

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
PEAK_SECONDS = 0.5


def _stat(pid: int) -> list[str]:
    """The fields of /proc/<pid>/stat from `state` on: the name before them may hold spaces."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def tree(root: int) -> list[int]:
    """`root` and all its descendants that live now."""
    children: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                children.setdefault(int(_stat(int(entry))[1]), []).append(int(entry))
            except OSError:
                continue
    found = [root]
    for pid in found:
        found.extend(children.get(pid, ()))
    return found


def cpu_seconds(root: int) -> float:
    """User and system time of the tree, in seconds, its dead and reaped children included.

    The kernel rounds each to a tick (10 ms as a rule): windows of seconds, not of milliseconds.
    """
    ticks = 0
    for pid in tree(root):
        try:
            ticks += sum(int(field) for field in _stat(pid)[11:15])
        except OSError:
            continue
    return ticks / TICKS


def machine_seconds() -> float:
    """What all cores have worked since the start, in seconds; what a host stole counts, too."""
    fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]
    user, nice, system, _idle, _waiting, *interrupts_and_stolen = (int(field) for field in fields)
    return (user + nice + system + sum(interrupts_and_stolen)) / TICKS


def rss_bytes(root: int) -> int:
    """Resident memory of the tree. Pages that its processes share are counted in each."""
    total = 0
    for pid in tree(root):
        try:
            total += int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE
        except OSError:
            continue
    return total


class Peak(Thread):
    """The most resident memory of a tree while this block lasts."""

    def __init__(self, root: int) -> None:
        super().__init__(daemon=True)
        self.root = root
        self.bytes = 0
        self._over = Event()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.join()

    def run(self) -> None:
        while not self._over.wait(PEAK_SECONDS):
            self.bytes = max(self.bytes, rss_bytes(self.root))


class Meter:
    """The server's, our own and everybody else's CPU between `start` and `stop`.

    What the server has `beside` it (name -> root) is counted by itself.
    """

    def __init__(self, pid: int, beside: dict[str, int] | None = None) -> None:
        self.pid = pid
        self.beside = beside or {}
        self.start()

    def start(self) -> None:
        self._server = cpu_seconds(self.pid)
        self._beside = {name: cpu_seconds(pid) for name, pid in self.beside.items()}
        self._own = process_time()
        self._machine = machine_seconds()
        self._wall = perf_counter()

    def stop(self) -> dict[str, float]:
        wall = perf_counter() - self._wall
        machine = machine_seconds() - self._machine
        server = cpu_seconds(self.pid) - self._server
        own = process_time() - self._own
        beside = {name: cpu_seconds(pid) - self._beside[name] for name, pid in self.beside.items()}
        known = server + own + sum(beside.values())
        return {
            **{f"{name}_cpu": seconds for name, seconds in beside.items()},
            "wall": wall,
            "server_cpu": server,
            "server_share": server / wall,
            "load_share": own / wall,
            "others_share": max(0.0, machine - known) / wall,
            "rss": rss_bytes(self.pid),
        }


def allow_files(count: int) -> None:
    """Raise RLIMIT_NOFILE to `count`, as far as this user may; servers inherit it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count:
        if hard < count:
            raise OSError(f"needs {count} open files, the hard limit is {hard}")
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))
