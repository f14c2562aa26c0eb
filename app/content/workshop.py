"""Threads for work that would hold up the chat: pictures, digests. They come last for the CPU."""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from gevent.lock import BoundedSemaphore
from gevent.threadpool import ThreadPool

from app.errors import Unavailable

T = TypeVar("T")
WAITING = 64  # pieces of work that are under way or wait for a thread
NICENESS = 10  # of a thread; the one of the chat has 0


class Workshop:
    """A bounded pool. `run` is for greenlets, what it runs is not: that must not use gevent."""

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._pool: ThreadPool | None = None
        self._places = BoundedSemaphore(WAITING)

    def run(self, work: Callable[..., T], *args: Any) -> T:
        """What `work` returns or raises. Raises Unavailable when too much waits already."""
        if not self._places.acquire(blocking=False):
            raise Unavailable("The server works on many files just now: try again in a moment.")
        try:
            if self._pool is None:
                self._pool = ThreadPool(self._threads)  # made late: it belongs to this process
            result: T | Exception = self._pool.apply(_attempt, (work, args))
        finally:
            self._places.release()
        if isinstance(result, Exception):
            try:
                raise result
            finally:
                del result  # or it would keep this frame, and the frame it
        return result


def _attempt(work: Callable[..., T], args: tuple[Any, ...]) -> T | Exception:
    # gevent prints what is raised in its threads, with a traceback, to stderr.
    _step_back()
    try:
        return work(*args)
    except Exception as error:
        return error


def _step_back() -> None:
    """Lower the priority of this thread. Linux has one for each, others for the process only."""
    if sys.platform == "linux":
        thread = threading.get_native_id()
        with contextlib.suppress(OSError):
            if os.getpriority(os.PRIO_PROCESS, thread) < NICENESS:
                os.setpriority(os.PRIO_PROCESS, thread, NICENESS)


def digest_of(path: Path) -> str:
    """The SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
