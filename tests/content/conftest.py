"""Fixtures: files on a disk, and what becomes of pictures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from app.content.kinds import kind_of
from app.content.pictures import Picture, prepare

PIXELS = 50_000_000

Put = Callable[[bytes], Path]
Prepare = Callable[..., Picture]


@pytest.fixture
def put(tmp_path: Path) -> Put:
    """Write a file without a name that says anything."""
    def write(data: bytes) -> Path:
        path = tmp_path / "upload"
        path.write_bytes(data)
        return path
    return write


@pytest.fixture
def prepared(put: Put, tmp_path: Path) -> Prepare:
    """A picture as it is kept, in a folder of its own."""
    def work(data: bytes, most_pixels: int = PIXELS) -> Picture:
        source, folder = put(data), tmp_path / "made"
        folder.mkdir(exist_ok=True)
        return prepare(source, folder, kind_of(source, "").type, most_pixels)
    return work
