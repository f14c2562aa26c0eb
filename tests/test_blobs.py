"""Where bytes are kept: one specification, over a disk (by a link, by a copy) and over S3."""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import gevent
import pytest

from app.errors import NotFound, Unavailable
from app.store.media.blobs import CHUNK, Blobs
from app.store.media.disk import DiskBlobs
from app.store.media.s3 import S3Blobs
from tests.support.disks import file_of, large_file, some_bytes, tmpfs
from tests.support.process import MIB, descriptors, forget_peak, memory, peak_memory
from tests.support.s3 import BUCKET, S3Server

CONTENT = some_bytes(3 * CHUNK + 17)
DIGEST = hashlib.sha256(CONTENT).hexdigest()
BIG = 64  # MiB
GROWTH = 24 * MIB  # far less than BIG; far more than a few slices

Source = Callable[[bytes], Path]


@pytest.fixture(params=["linked", "copied", "s3"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Blobs]:
    """Each place; `copied` is on another file system than the files that are put."""
    with ExitStack() as stack:
        if request.param == "s3":
            server: S3Server = request.getfixturevalue("s3")
            patch = stack.enter_context(pytest.MonkeyPatch.context())
            for name, value in server.environ.items():
                patch.setenv(name, value)
            yield S3Blobs(BUCKET, uuid.uuid4().hex)
            return
        folder = tmp_path / "kept"
        if request.param == "copied":
            stack.enter_context(tmpfs(folder, "128m"))
        yield DiskBlobs(folder / "media", folder / "scratch")


@pytest.fixture
def source(tmp_path: Path) -> Source:
    """Makes files to be put."""
    return lambda content=CONTENT: file_of(tmp_path / uuid.uuid4().hex, content)[1]


def whole(blobs: Blobs, digest: str = DIGEST) -> bytes:
    return b"".join(blobs.read(digest))


# -- what is kept ------------------------------------------------------------------------------


def test_what_was_put_is_there_and_nothing_else(blobs: Blobs, source: Source) -> None:
    assert not blobs.has(DIGEST)
    blobs.put(DIGEST, source(CONTENT))
    assert blobs.has(DIGEST)
    assert whole(blobs) == CONTENT
    assert not blobs.has(hashlib.sha256(b"another").hexdigest())


def test_a_read_gives_slices_of_at_most_one_chunk(blobs: Blobs, source: Source) -> None:
    blobs.put(DIGEST, source(CONTENT))
    sizes = [len(piece) for piece in blobs.read(DIGEST)]
    assert sum(sizes) == len(CONTENT)
    assert 0 < min(sizes) <= max(sizes) <= CHUNK


@pytest.mark.parametrize(("start", "size"), [
    (0, 1), (0, 0), (7, 0), (5, 10), (CHUNK - 1, 2), (CHUNK, CHUNK), (17, 2 * CHUNK), (1, None),
    (len(CONTENT) - 1, 1), (len(CONTENT) - 1, 50), (len(CONTENT), 1), (len(CONTENT) + 9, None),
    (0, len(CONTENT)), (0, 10 * len(CONTENT)), (CHUNK, None),
])
def test_a_part_is_read_by_itself(
    blobs: Blobs, source: Source, start: int, size: int | None
) -> None:
    blobs.put(DIGEST, source(CONTENT))
    expected = CONTENT[start:] if size is None else CONTENT[start:start + size]
    assert b"".join(blobs.read(DIGEST, start, size)) == expected


def test_an_empty_file_is_a_file(blobs: Blobs, source: Source) -> None:
    digest = hashlib.sha256(b"").hexdigest()
    blobs.put(digest, source(b""))
    assert blobs.has(digest)
    assert whole(blobs, digest) == b"".join(blobs.read(digest, 3, 4)) == b""


def test_the_source_may_go_afterwards(blobs: Blobs, source: Source) -> None:
    file = source(CONTENT)
    blobs.put(DIGEST, file)
    file.unlink()
    assert whole(blobs) == CONTENT


def test_twice_is_once(blobs: Blobs, source: Source) -> None:
    file = source(CONTENT)
    for again in (file, file, source(CONTENT)):
        blobs.put(DIGEST, again)
    assert whole(blobs) == CONTENT
    blobs.delete(DIGEST)
    assert not blobs.has(DIGEST)


def test_many_may_put_the_same_at_once(blobs: Blobs, source: Source) -> None:
    puts = [gevent.spawn(blobs.put, DIGEST, source(CONTENT)) for _ in range(12)]
    gevent.joinall(puts, raise_error=True)
    assert whole(blobs) == CONTENT


def test_many_may_put_and_read_different_files_at_once(blobs: Blobs, source: Source) -> None:
    def keep(number: int) -> bool:
        content = some_bytes(CHUNK + number, number)
        digest = hashlib.sha256(content).hexdigest()
        blobs.put(digest, source(content))
        return whole(blobs, digest) == content

    work = [gevent.spawn(keep, number) for number in range(12)]
    gevent.joinall(work, raise_error=True)
    assert [item.value for item in work] == [True] * 12


# -- what is not -------------------------------------------------------------------------------


def test_what_is_not_there_is_missed_before_anything_is_read(blobs: Blobs) -> None:
    for start, size in ((0, None), (0, 0), (5, 7)):
        with pytest.raises(NotFound):
            blobs.read(DIGEST, start, size)


def test_what_was_deleted_is_gone_and_may_be_deleted_again_or_put(
    blobs: Blobs, source: Source
) -> None:
    blobs.delete(DIGEST)
    blobs.put(DIGEST, source(CONTENT))
    blobs.delete(DIGEST)
    blobs.delete(DIGEST)
    assert not blobs.has(DIGEST)
    with pytest.raises(NotFound):
        blobs.read(DIGEST)
    blobs.put(DIGEST, source(CONTENT))
    assert whole(blobs) == CONTENT


def test_a_source_that_is_gone_is_not_kept(blobs: Blobs, tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        blobs.put(DIGEST, tmp_path / "nothing")
    assert not blobs.has(DIGEST)


@pytest.mark.parametrize("digest", [
    "", "abc", "../../../etc/passwd", f"../{DIGEST[3:]}", DIGEST.upper(), f"{DIGEST}\n",
    DIGEST[1:], f"{DIGEST}0", f"{DIGEST[:-1]}/", f"{DIGEST[:-1]}\0", "٠" * 64,
])
def test_a_path_cannot_be_made_up(blobs: Blobs, source: Source, digest: str) -> None:
    file = source(CONTENT)
    for attempt in (
        lambda: blobs.put(digest, file), lambda: blobs.has(digest),
        lambda: blobs.read(digest), lambda: blobs.delete(digest),
    ):
        with pytest.raises(ValueError, match="no SHA-256"):
            attempt()


# -- what it costs -----------------------------------------------------------------------------


def test_a_large_file_is_never_in_memory(blobs: Blobs, tmp_path: Path) -> None:
    digest, file = large_file(tmp_path / "large", BIG)
    pid = os.getpid()
    forget_peak(pid)
    before = memory(pid)
    blobs.put(digest, file)
    found = hashlib.sha256()
    for piece in blobs.read(digest):
        found.update(piece)
    assert peak_memory(pid) - before < GROWTH
    assert found.hexdigest() == digest
    assert b"".join(blobs.read(digest, 40 * MIB, 5)) == some_bytes(5, 40)


def test_others_have_their_turn_while_a_file_is_put(blobs: Blobs, source: Source) -> None:
    file, turns = source(CONTENT), Turns()
    blobs.put(DIGEST, file)
    assert turns.end() > 0


def test_others_have_their_turn_between_two_slices(blobs: Blobs, source: Source) -> None:
    blobs.put(DIGEST, source(CONTENT))
    slices = blobs.read(DIGEST)
    turns = Turns()
    count = sum(1 for _ in slices)
    assert turns.end() >= count - 1 > 0


def test_a_read_that_is_given_up_holds_nothing(blobs: Blobs, source: Source) -> None:
    blobs.put(DIGEST, source(CONTENT))
    whole(blobs)
    before = descriptors(os.getpid())
    for _ in range(5):
        blobs.read(DIGEST)  # nobody even begins
        slices = blobs.read(DIGEST)
        next(slices)
        slices.close()  # type: ignore[attr-defined]
    assert len(descriptors(os.getpid())) <= len(before)


class Turns:
    """A greenlet that counts how often it had its turn."""

    def __init__(self) -> None:
        self._count = 0
        self._greenlet = gevent.spawn(self._run)

    def _run(self) -> None:
        while True:
            self._count += 1
            gevent.sleep(0)

    def end(self) -> int:
        self._greenlet.kill()
        return self._count
