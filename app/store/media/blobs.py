"""Where the bytes of files are kept, by their SHA-256. What is there never changes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

CHUNK = 65_536  # bytes that one read gives

_DIGEST = re.compile(r"[0-9a-f]{64}")


class Blobs(Protocol):
    """A digest is 64 hex digits (else ValueError). Calls may wait (for a disk, for a network),
    and yield then.
    """

    def put(self, digest: str, source: Path) -> None:
        """Keep what the file `source` holds; when this returns it is flushed. Twice is once.

        The source may be deleted afterwards, but not be written to: it may be the very file that
        is kept, under one more name. Raises StorageFull, Unavailable.
        """

    def has(self, digest: str) -> bool:
        """Whether the whole of it is here. Raises Unavailable."""

    def read(self, digest: str, start: int = 0, size: int | None = None) -> Iterator[bytes]:
        """`size` bytes (or all) from `start` on, at most CHUNK at once.

        Raises NotFound or Unavailable at once, before there is an iterator. Unavailable may come
        later too, when a network fails or the bytes are not what they were.
        """

    def delete(self, digest: str) -> None:
        """Forget it, if it is here. Raises Unavailable."""


def checked(digest: str) -> str:
    """The digest, which becomes part of a path. Raises ValueError for what is none."""
    if not _DIGEST.fullmatch(digest):
        raise ValueError("this is no SHA-256 in hex")
    return digest
