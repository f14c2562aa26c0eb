"""What the kernel knows of a process: memory, threads, descriptors."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from tests.support.client import PATIENCE

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
