"""Files to be kept, and small file systems to keep them on."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MIB = 1024 * 1024


def some_bytes(count: int, seed: int = 7) -> bytes:
    """Bytes of which no two slices are alike."""
    found = b""
    while len(found) < count:
        found += hashlib.shake_128(f"{seed} {len(found)}".encode()).digest(MIB)
    return found[:count]


def file_of(path: Path, content: bytes) -> tuple[str, Path]:
    """Write a file; its digest and itself."""
    path.write_bytes(content)
    return hashlib.sha256(content).hexdigest(), path


def large_file(path: Path, mebibytes: int) -> tuple[str, Path]:
    """A file that is never whole in memory; its digest and itself."""
    digest = hashlib.sha256()
    with open(path, "wb") as file:
        for number in range(mebibytes):
            piece = some_bytes(MIB, number)
            file.write(piece)
            digest.update(piece)
    return digest.hexdigest(), path


def files_below(folder: Path) -> list[Path]:
    """Sorted; a folder that goes while a server works there has none."""
    return sorted(Path(place) / name for place, _, names in os.walk(folder) for name in names)


@contextmanager
def tmpfs(folder: Path, size: str) -> Iterator[Path]:
    """A file system of its own, of this size; only root may make one."""
    folder.mkdir()
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], check=True,
        capture_output=True,
    )
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True, capture_output=True)
