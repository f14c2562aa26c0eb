"""Files in a folder: `ab/cdef...`, by their digest; flushed before they are called so.

What waits for the disk (flushes, copies, deletions) runs in threads, beside the event loop. Reads
are slices of a file that the kernel reads ahead: they run where they are asked for.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import Any

import gevent
import structlog
from gevent.threadpool import ThreadPool

from app.errors import HiChatError, NotFound, StorageFull, Unavailable
from app.store.media.blobs import CHUNK, checked

THREADS = 4
COPIED_AT_ONCE = 1_048_576  # bytes
DRAFT_SECONDS = 86_400  # longer than any copy takes: older drafts are of processes that died
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# Another file system, one without such links, or a file of somebody else's.
CANNOT_LINK = (errno.EXDEV, errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK)

log = structlog.get_logger()


class DiskBlobs:
    """Blobs below `folder`. `scratch`, on the same file system, holds copies under way."""

    def __init__(self, folder: Path, scratch: Path) -> None:
        self._folder = folder
        self._scratch = scratch
        self._pool: ThreadPool | None = None
        for path in (folder, scratch):
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        _flush(folder.parent)
        self._sweep()

    def _sweep(self) -> None:
        """Take away what processes left behind that were killed while they copied."""
        for draft in self._scratch.glob("*.draft"):
            try:
                if draft.stat().st_mtime < time.time() - DRAFT_SECONDS:
                    draft.unlink()
            except FileNotFoundError:  # another process takes it away too
                continue

    def put(self, digest: str, source: Path) -> None:
        self._aside(self._keep, self._path(digest), source)

    def has(self, digest: str) -> bool:
        with _told():
            try:
                self._path(digest).stat()
            except FileNotFoundError:
                return False
            return True

    def read(self, digest: str, start: int = 0, size: int | None = None) -> Iterator[bytes]:
        slices = _slices(self._path(digest), start, size)
        next(slices)  # it is open now, and is closed whether anybody reads on or not
        return slices

    def delete(self, digest: str) -> None:
        self._aside(_forget, self._path(digest))

    def _path(self, digest: str) -> Path:
        return self._folder / checked(digest)[:2] / digest[2:]

    def _aside(self, work: Callable[..., None], *args: Any) -> None:
        """Run `work` in a thread while others go on."""
        if self._pool is None:
            self._pool = ThreadPool(THREADS)  # made late: it belongs to the forked worker's loop
        failure: HiChatError | None = self._pool.apply(_attempt, (work, *args))
        if failure is not None:
            raise failure

    def _keep(self, path: Path, source: Path) -> None:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        if not path.exists():
            self._add(path, source)
        # Even if it was there: who has just put it may not have come to this line yet.
        _flush(path.parent)
        _flush(self._folder)

    def _add(self, path: Path, source: Path) -> None:
        """Give the file its name: one more for the same bytes, or, where that cannot be, a copy."""
        try:
            os.chmod(source, 0o600)
            _flush(source)
            os.link(source, path)
        except FileExistsError:  # somebody else was first, with the same bytes
            return
        except OSError as error:
            if error.errno not in CANNOT_LINK:
                raise
            self._copy(path, source)

    def _copy(self, path: Path, source: Path) -> None:
        draft = self._scratch / f"{secrets.token_hex(8)}.draft"
        try:
            with open(source, "rb") as found, open(draft, "xb", opener=_private) as copy:
                shutil.copyfileobj(found, copy, COPIED_AT_ONCE)
                copy.flush()
                os.fsync(copy.fileno())
            draft.rename(path)
        finally:
            draft.unlink(missing_ok=True)


def _slices(path: Path, start: int, size: int | None) -> Iterator[bytes]:
    """First nothing, as soon as the file is open; then what was asked for."""
    with _told(), _opened(path) as file:
        yield b""
        file.seek(start)
        left = sys.maxsize if size is None else size
        while piece := file.read(min(CHUNK, left)):
            left -= len(piece)
            yield piece
            gevent.sleep(0)  # a reader that is always ready would hold everybody up


def _opened(path: Path) -> FileIO:
    try:
        return open(path, "rb", buffering=0)
    except FileNotFoundError:
        raise NotFound("This file is not kept here any more.") from None


def _forget(path: Path) -> None:
    try:
        path.unlink()
    except FileNotFoundError:
        return
    _flush(path.parent)  # gone is gone, after a power cut too


def _flush(path: Path) -> None:
    """Wait until the file, or the names in the folder, are on the disk."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _attempt(work: Callable[..., None], *args: Any) -> HiChatError | None:
    # gevent prints what is raised in its threads, with a traceback, to stderr.
    try:
        with _told():
            work(*args)
    except HiChatError as error:
        return error
    return None


@contextmanager
def _told() -> Iterator[None]:
    """Tell the operator what the disk says, and the user what it means."""
    try:
        yield
    except OSError as error:
        log.error("blobs_failed", error=str(error))
        if error.errno in FULL:
            raise StorageFull() from error
        raise Unavailable("The server cannot reach its files now: try again.") from error
