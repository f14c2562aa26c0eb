"""Writing a backup while the server goes on: the database out of one snapshot, then the files.

In this order, because what a snapshot refers to stays: a file never changes, and one that nobody
refers to any more is kept for a day longer. Only a file that is just being uploaded may have its
row already and not its bytes; such a one is loose: in no message yet, and nobody's avatar.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import IO, Any

import msgspec
from sqlalchemy import Connection, Select, Table, func, or_, select

from app.errors import NotFound, Unavailable
from app.store.archive import schema
from app.store.archive.archive import (
    FORMAT,
    SECRET,
    TABLES,
    Columns,
    End,
    Manifest,
    Refused,
    Writer,
)
from app.store.database import Database
from app.store.media.blobs import Blobs

PAGE_ROWS = 500
PART_BYTES = 1_048_576

# `indexed` goes with the index of words, which is made again from the log; of an upload under way
# the bytes are not in a backup, and its client begins again.
LEFT_OUT = ("indexed", "upload")


def write_backup(
    database: Database, blobs: Blobs, file: IO[bytes], version: str, secret: str | None
) -> tuple[Manifest, End]:
    """Write everything to `file`: `secret` is the signing key, None if a setting holds it.

    A file that is not there, or not what it was, does not stop it. Raises Refused, Unavailable.
    """
    archive = Writer(file)
    with tempfile.TemporaryFile("w+") as wanted:
        with schema.refusals(database), database.snapshot() as connection:
            revision = schema.revision(connection)
            if revision is None:
                raise Refused("There is no database of HiChat yet: nothing to back up.")
            tables = [table for table in schema.tables(connection) if table.name not in LEFT_OUT]
            manifest = _manifest(connection, tables, version, revision)
            archive.manifest(manifest)
            if secret is not None:
                archive.add(SECRET, secret.encode())
            for table in tables:
                _write_table(archive, connection, table)
            _note_files(connection, tables, wanted)
        missing, damaged = _write_files(archive, blobs, wanted)
    return manifest, archive.end(missing, damaged)


def _rows(table: Table, *columns: Any) -> Select[Any]:
    """What of a table is in a backup: all but the files that nobody refers to."""
    statement = select(*columns).select_from(table)
    return statement.where(table.c.refs > 0) if table.name == "blob" else statement


def _manifest(
    connection: Connection, tables: list[Table], version: str, revision: str
) -> Manifest:
    found = {
        str(table.name): Columns(
            [str(column.name) for column in table.columns],
            connection.scalar(_rows(table, func.count())) or 0,
        )
        for table in tables
    }
    return Manifest(FORMAT, version, revision, int(time.time() * 1000), found)


def _write_table(archive: Writer, connection: Connection, table: Table) -> None:
    """In the order in which the rows are stored: nothing is sorted, and they return in it."""
    encode, part, number = msgspec.json.Encoder().encode_lines, bytearray(), 0
    for page in _pages(connection, _rows(table, *table.columns)):
        part += encode([tuple(row) for row in page])
        if len(part) >= PART_BYTES:
            number += 1
            archive.add(f"{TABLES}{table.name}/{number:06}.jsonl", part)
            part.clear()
    if part:
        archive.add(f"{TABLES}{table.name}/{number + 1:06}.jsonl", part)


def _note_files(connection: Connection, tables: list[Table], wanted: IO[str]) -> None:
    """A line for each file: digest, size, and whether somebody may miss it."""
    found = {table.name: table for table in tables}
    blob, medium = found.get("blob"), found.get("medium")
    if blob is None or medium is None:
        return  # an older schema
    kept = or_(medium.c.loose_since.is_(None), medium.c.public)
    digests = (medium.c.digest, medium.c.small, medium.c.large)
    shown = or_(*(blob.c.digest.in_(select(digest).where(kept)) for digest in digests))
    for page in _pages(connection, _rows(blob, blob.c.digest, blob.c.size, shown)):
        wanted.writelines(f"{digest} {size} {int(bool(shown))}\n" for digest, size, shown in page)


def _pages(connection: Connection, statement: Select[Any]) -> Iterator[Any]:
    return connection.execute(statement.execution_options(yield_per=PAGE_ROWS)).partitions()


def _write_files(
    archive: Writer, blobs: Blobs, wanted: IO[str]
) -> tuple[list[str], list[str]]:
    """The digests of those that were not there, and of those that are not what they were."""
    missing, damaged = [], []
    wanted.seek(0)
    for line in wanted:
        digest, size, shown = line.split()
        try:
            pieces = blobs.read(digest)
        except NotFound:
            if shown == "1":
                missing.append(digest)
            continue
        if not archive.add_file(digest, int(size), _readable(pieces)):
            damaged.append(digest)
    return missing, damaged


def _readable(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """As far as the file can be read: what follows is taken for damaged."""
    with suppress(Unavailable):
        yield from pieces
