"""A request's body on its way to the disk, a slice at a time: others have their turn meanwhile."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

import gevent

from app.errors import StorageFull, TooSlow

SLICE = 16_384  # bytes: 0.1 ms of the event loop
SLICE_SECONDS = 60  # within which a slice must arrive


class Body:
    """Reads `stream`; what waits there already does not keep the others from their turn."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def read(self, size: int = SLICE) -> bytes:
        """At most a slice; nothing at the end. Raises TooSlow."""
        gevent.sleep(0)
        with gevent.Timeout(SLICE_SECONDS, TooSlow()):
            return self._stream.read(min(size, SLICE) if size >= 0 else SLICE)


@contextmanager
def room() -> Iterator[None]:
    """A full disk is said to be one. Raises StorageFull."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise StorageFull() from None
        raise


def flush(file: IO[bytes]) -> None:
    """What was written is on the disk when this returns; the event loop goes on meanwhile."""
    file.flush()
    gevent.get_hub().threadpool.apply(os.fsync, (file.fileno(),))
