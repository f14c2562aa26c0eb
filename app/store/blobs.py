"""Where the bytes of files are kept, by their SHA-256. What is there never changes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

CHUNK = 65_536  # bytes that one read gives


class Blobs(Protocol):
    """A digest is 64 hex digits. Calls may wait (for a disk, for a network), and yield then."""

    def put(self, digest: str, source: Path) -> None:
        """Keep a copy of the file `source`; when this returns it is flushed. Twice is once.

        Raises StorageFull, Unavailable.
        """

    def has(self, digest: str) -> bool:
        """Whether the whole of it is here. Raises Unavailable."""

    def read(self, digest: str, start: int = 0, size: int | None = None) -> Iterator[bytes]:
        """`size` bytes (or all) from `start` on, at most CHUNK at once.

        Raises NotFound or Unavailable before the first of them.
        """

    def delete(self, digest: str) -> None:
        """Forget it, if it is here. Raises Unavailable."""
