"""Bytes on a disk: flushed, private, beside the event loop, whole or not at all."""

from __future__ import annotations

import hashlib
import os
import stat
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from app import services
from app.errors import StorageFull, Unavailable
from app.store.media import disk
from app.store.media.disk import DiskBlobs
from tests.support.disks import file_of, files_below, some_bytes, tmpfs
from tests.support.process import MIB

CONTENT = some_bytes(100_000)
DIGEST = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "media"


@pytest.fixture
def blobs(folder: Path) -> DiskBlobs:
    return DiskBlobs(folder, folder / "scratch")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return file_of(tmp_path / "source", CONTENT)[1]


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte."""
    with tmpfs(tmp_path / "small", "1m") as found:
        yield found


def kept(folder: Path) -> Path:
    return folder / DIGEST[:2] / DIGEST[2:]


# -- how it lies there -------------------------------------------------------------------------


def test_files_and_folders_are_nobody_elses_to_read(
    blobs: DiskBlobs, folder: Path, source: Path, small: Path
) -> None:
    other = DiskBlobs(small / "media", small / "scratch")
    for place, base in ((blobs, folder), (other, small / "media")):
        source.chmod(0o644)
        place.put(DIGEST, source)
        assert stat.S_IMODE(kept(base).stat().st_mode) == 0o600
        assert stat.S_IMODE(kept(base).parent.stat().st_mode) == 0o700
        assert stat.S_IMODE(base.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "scratch").stat().st_mode) == 0o700


def test_the_same_bytes_are_not_written_twice_where_a_link_does(
    blobs: DiskBlobs, folder: Path, source: Path
) -> None:
    blobs.put(DIGEST, source)
    assert kept(folder).samefile(source)
    assert files_below(folder) == [kept(folder)]


def test_on_another_file_system_it_is_a_copy(source: Path, small: Path) -> None:
    DiskBlobs(small / "media", small / "scratch").put(DIGEST, source)
    assert kept(small / "media").read_bytes() == CONTENT
    assert files_below(small) == [kept(small / "media")]


def test_what_is_there_stays_the_same_file(blobs: DiskBlobs, folder: Path, source: Path) -> None:
    blobs.put(DIGEST, source)
    before = kept(folder).stat().st_ino
    blobs.put(DIGEST, file_of(source.parent / "again", CONTENT)[1])
    assert kept(folder).stat().st_ino == before


class Flushes:
    """What was flushed, in order: its path, whether the kept file had its name by then."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, base: Path) -> None:
        self.seen: list[tuple[str, bool]] = []
        self.threads: set[int] = set()
        self._base = base
        self._fsync = os.fsync
        monkeypatch.setattr(os, "fsync", self._note)

    def _note(self, opened: int) -> None:
        self._fsync(opened)
        self.threads.add(threading.get_ident())
        self.seen.append((os.readlink(f"/proc/self/fd/{opened}"), kept(self._base).exists()))


def test_it_has_its_name_after_its_flush_and_the_name_is_flushed_then(
    blobs: DiskBlobs, folder: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushes = Flushes(monkeypatch, folder)
    blobs.put(DIGEST, source)
    names = [(str(kept(folder).parent), True), (str(folder), True)]
    assert flushes.seen == [(str(source), False), *names]
    blobs.put(DIGEST, source)  # another one's, who may not have flushed the name yet
    assert flushes.seen[3:] == names
    blobs.delete(DIGEST)
    assert flushes.seen[5:] == [(str(kept(folder).parent), False)]
    assert threading.get_ident() not in flushes.threads


def test_a_copy_has_its_name_after_its_flush_too(
    source: Path, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blobs = DiskBlobs(small / "media", small / "scratch")
    flushes = Flushes(monkeypatch, small / "media")
    blobs.put(DIGEST, source)
    _, (draft, named), *names = flushes.seen
    assert Path(draft).parent == small / "scratch"
    assert not named
    assert names == [(str(kept(small / "media").parent), True), (str(small / "media"), True)]
    assert threading.get_ident() not in flushes.threads


# -- what goes wrong ---------------------------------------------------------------------------


def test_a_full_disk_keeps_nothing_of_it_and_the_next_one(source: Path, small: Path) -> None:
    blobs = DiskBlobs(small / "media", small / "scratch")
    blobs.put(DIGEST, source)
    digest, large = file_of(source.parent / "large", some_bytes(3 * MIB))
    for _ in range(3):
        with pytest.raises(StorageFull):
            blobs.put(digest, large)
        assert not blobs.has(digest)
        assert files_below(small) == [kept(small / "media")]
    digest, other = file_of(source.parent / "other", some_bytes(MIB // 2))
    blobs.put(digest, other)
    assert b"".join(blobs.read(digest)) == other.read_bytes()
    assert b"".join(blobs.read(DIGEST)) == CONTENT


def test_a_disk_that_is_full_to_the_last_byte_says_so_and_gives_and_deletes_still(
    source: Path, small: Path
) -> None:
    blobs = DiskBlobs(small / "media", small / "scratch")
    blobs.put(DIGEST, source)
    with pytest.raises(OSError, match="No space"), open(small / "filler", "wb", 0) as filler:
        while True:
            filler.write(bytes(4096))
    digest, other = file_of(source.parent / "other", b"one more")
    with pytest.raises(StorageFull):
        blobs.put(digest, other)
    assert b"".join(blobs.read(DIGEST)) == CONTENT
    blobs.delete(DIGEST)
    blobs.put(digest, other)
    assert b"".join(blobs.read(digest)) == b"one more"


def test_a_disk_that_does_not_work_is_unavailable(
    blobs: DiskBlobs, folder: Path, source: Path
) -> None:
    kept(folder).parent.write_text("no folder")
    for attempt in (
        lambda: blobs.put(DIGEST, source), lambda: blobs.has(DIGEST), lambda: blobs.read(DIGEST),
        lambda: blobs.delete(DIGEST),
    ):
        with pytest.raises(Unavailable):
            attempt()


def test_what_a_killed_process_left_goes_at_a_later_start(blobs: DiskBlobs, folder: Path) -> None:
    names = ("old.draft", "young.draft", "old.other")
    for name in names:
        (folder / "scratch" / name).write_bytes(b"half")
        if name.startswith("old"):
            then = time.time() - disk.DRAFT_SECONDS - 60
            os.utime(folder / "scratch" / name, (then, then))
    DiskBlobs(folder, folder / "scratch")
    left = {path.name for path in (folder / "scratch").iterdir()}
    assert left == {"young.draft", "old.other"}


def test_files_are_kept_in_the_data_folder_unless_told_otherwise(
    app: Flask, tmp_path: Path, source: Path
) -> None:
    found = services.of(app)
    found.blobs.put(DIGEST, source)
    assert kept(tmp_path / "media").read_bytes() == CONTENT
