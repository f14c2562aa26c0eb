"""The file of a backup: a tar, so that no more than `tar` is needed to look into it.

    manifest.json              who made it, when, and what is in it
    secret_key                 signs tokens; not there if a setting holds it
    tables/NAME/000001.jsonl   rows, each an array in the order of the manifest's columns
    media/DIGEST               uploaded files, by their SHA-256
    end.json                   checksums of the above; a file without it is torn

The members stand in this order, so that writing and reading are one pass with flat memory.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import secrets
import tarfile
import time
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from errno import EISDIR
from itertools import chain, repeat
from pathlib import Path
from typing import IO, BinaryIO, cast

import msgspec

FORMAT = 1
MANIFEST, SECRET, TABLES, MEDIA, END = (
    "manifest.json", "secret_key", "tables/", "media/", "end.json"
)
BLOCK = tarfile.BLOCKSIZE
PIECE = 65_536  # bytes of a file that are held at once
MOST_HELD = 268_435_456  # bytes of any other member: those that we write have a few MiB
GZIPPED, GZIP_MAGIC, GZIP_LEVEL = (".gz", ".tgz"), b"\x1f\x8b", 6


class Refused(Exception):
    """A backup or a restore cannot be. The message says why, and the remedy; it has no secrets."""


class Columns(msgspec.Struct):
    """A table: its columns and how many rows follow."""

    columns: list[str]
    rows: int


class Manifest(msgspec.Struct):
    """`revision` is that of the schema, `at` milliseconds since 1970."""

    hichat_backup: int  # FORMAT
    version: str
    revision: str
    at: int
    tables: dict[str, Columns]

    @property
    def rows(self) -> int:
        return sum(table.rows for table in self.tables.values())


class End(msgspec.Struct):
    """`files` counts those written. `missing` were not there; `damaged` are not what they were."""

    checksums: dict[str, str]  # name -> SHA-256, of every member before the files
    files: int
    missing: list[str]
    damaged: list[str]


class _Format(msgspec.Struct):
    hichat_backup: int


class Writer:
    """Puts members behind each other."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._checksums: dict[str, str] = {}
        self._files = 0

    def manifest(self, manifest: Manifest) -> None:
        self.add(MANIFEST, msgspec.json.format(msgspec.json.encode(manifest)))

    def add(self, name: str, content: bytes | bytearray) -> None:
        self._checksums[name] = hashlib.sha256(content).hexdigest()
        self._begin(name, len(content))
        self._file.write(content)
        self._finish(len(content))

    def add_file(self, digest: str, size: int, pieces: Iterable[bytes]) -> bool:
        """Whether it is what its digest says. It takes `size` bytes in any case."""
        self._begin(MEDIA + digest, size)
        found, left = hashlib.sha256(), size
        for piece in chain(pieces, repeat(bytes(PIECE))):
            if not left:
                break
            taken = piece[:left]
            found.update(taken)
            self._file.write(taken)
            left -= len(taken)
        self._finish(size)
        self._files += 1
        return found.hexdigest() == digest

    def end(self, missing: list[str], damaged: list[str]) -> End:
        end = End(self._checksums.copy(), self._files, missing, damaged)
        self.add(END, msgspec.json.encode(end))
        self._file.write(bytes(2 * BLOCK))
        return end

    def _begin(self, name: str, size: int) -> None:
        member = tarfile.TarInfo(name)
        member.size, member.mode, member.mtime = size, 0o600, int(time.time())
        self._file.write(member.tobuf())

    def _finish(self, size: int) -> None:
        self._file.write(bytes(-size % BLOCK))


class Member:
    """One member of a backup that is being read; to be read before the next one."""

    def __init__(self, name: str, size: int, file: IO[bytes], checksums: dict[str, str]) -> None:
        self.name = name
        self._size = size
        self._file = file
        self._checksums = checksums

    def read(self) -> bytes:
        """All of a small member. Raises Refused if it is not small."""
        if self._size > MOST_HELD:
            raise damaged(f"{self.name} is too large")
        with _readable():
            content = self._file.read()
        self._checksums[self.name] = hashlib.sha256(content).hexdigest()
        return content

    def pieces(self) -> Iterator[bytes]:
        while True:
            with _readable():
                piece = self._file.read(PIECE)
            if not piece:
                return
            yield piece


class Reader:
    """What is in the file of a backup, in its order. Raises Refused for whatever is no such file.

    Its end must be compared (`verify`) before anything that was read is believed.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._checksums: dict[str, str] = {}

    def members(self) -> Iterator[Member]:
        with _readable():  # opening it only: what is done with its members fails by itself
            tar = tarfile.open(  # noqa: SIM115  # closed below, outside of _readable
                fileobj=_unpacked(self._file), mode="r|", bufsize=PIECE
            )
        with tar:
            while True:
                with _readable():
                    found = tar.next()
                if found is None:
                    return
                tar.members.clear()  # type: ignore[attr-defined]  # or it would keep every one
                content = tar.extractfile(found)
                if content is None:
                    raise damaged(f"{found.name} is no file")
                yield Member(found.name, found.size, content, self._checksums)

    def verify(self, end: End) -> None:
        """Raises Refused unless every member but the last was what was written."""
        found = {name: digest for name, digest in self._checksums.items() if name != END}
        wrong = sorted(
            name for name in found.keys() | end.checksums.keys()
            if found.get(name) != end.checksums.get(name)
        )
        if wrong:
            raise damaged(f"the checksum of {wrong[0]} is wrong")


def manifest_of(members: Iterator[Member]) -> Manifest:
    """What the first member says. Raises Refused if this is no backup, or one of a later format."""
    try:
        member = next(members, None)
    except Refused:
        member = None
    try:
        if member is None or member.name != MANIFEST:
            raise ValueError
        content = member.read()
        written = msgspec.json.decode(content, type=_Format).hichat_backup
        if written > FORMAT:
            raise Refused(
                f"The backup has format {written}, and this version reads up to {FORMAT}:"
                " restore it with the version of HiChat that made it, or a later one."
            )
        return msgspec.json.decode(content, type=Manifest)
    except ValueError:
        raise Refused("This is no backup of HiChat: give it a file of `hichat backup`.") from None


def damaged(why: str) -> Refused:
    return Refused(f"The backup is damaged or not whole ({why}): use another one.")


@contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except (tarfile.TarError, zlib.error, gzip.BadGzipFile, EOFError, UnicodeError) as error:
        raise damaged(str(error)) from error


def _unpacked(file: BinaryIO) -> BinaryIO:
    peeked = file.peek(2)[:2]  # type: ignore[attr-defined]  # files and stdin are buffered
    return cast(BinaryIO, gzip.GzipFile(fileobj=file)) if peeked == GZIP_MAGIC else file


@contextmanager
def written(path: Path) -> Iterator[IO[bytes]]:
    """A new file in the place of `path`, readable by its owner only; seen when it is whole.

    Compressed if the name ends in .gz or .tgz. When the block raises, nothing is left.
    """
    if path.is_dir():
        raise IsADirectoryError(EISDIR, os.strerror(EISDIR))
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with open(draft, "xb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            if path.suffix in GZIPPED:
                with gzip.GzipFile("", "wb", GZIP_LEVEL, file) as packed:
                    yield cast(IO[bytes], packed)
            else:
                yield file
            file.flush()
            os.fsync(file.fileno())
        draft.rename(path)
    finally:
        draft.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)
