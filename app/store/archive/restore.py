"""Reading a backup into an empty database, of whichever kind, in one transaction.

The tables are first given the schema of the backup, then the rows, then this version's schema. The
transaction ends when the last checksum was right: until then nothing has happened.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
from sqlalchemy import Connection, Table, func, select

from app.errors import HiChatError
from app.store.archive import archive, schema
from app.store.archive.archive import End, Manifest, Member, Reader, Refused, damaged, manifest_of
from app.store.database import Database
from app.store.media.blobs import Blobs

CACHE = 131_072  # KiB of SQLite's pages: refs arrive in no order, and their index is large

_NEXT_ID = "SELECT setval(pg_get_serial_sequence(%s, %s), %s)"


def restore_backup(
    database: Database, blobs: Blobs, file: BinaryIO, data: Path,
    keep_secret: Callable[[str], None],
) -> tuple[Manifest, End, bool]:
    """All of the backup in `file`, or nothing; True: it had the signing key. No server may run.

    Files wait in a folder of `data` until they are checked. `keep_secret` is given the key when
    all else is right. Raises Refused, StorageFull, Unavailable.
    """
    reader = Reader(file)
    members = reader.members()
    manifest = manifest_of(members)
    if not schema.is_known(manifest.revision):
        raise Refused(
            f"The backup was made by HiChat {manifest.version} with schema {manifest.revision},"
            " which this version does not know: restore it with that version or a later one."
        )
    with _Files(blobs, data) as files, schema.refusals(database), database.alone() as connection:
        prepare(connection, manifest.revision)
        rows = _Rows(connection, manifest)
        secret, end = _load(members, rows, files)
        reader.verify(end)
        rows.verify()
        files.verify(end)
        finish(connection, rows.tables)
        if secret is not None:
            # Before the commit: while there are no users, the key here has signed nothing.
            keep_secret(secret.decode())
    return manifest, end, secret is not None


def _load(members: Iterator[Member], rows: _Rows, files: _Files) -> tuple[bytes | None, End]:
    """Put everything where it belongs; the signing key, if it is there, and what the end says."""
    secret, end = None, None
    for member in members:
        if end is not None:
            raise damaged(f"{member.name} is behind the end")
        if member.name == archive.SECRET:
            secret = member.read()
        elif member.name.startswith(archive.TABLES):
            rows.add(member)
        elif member.name.startswith(archive.MEDIA):
            files.add(member)
        elif member.name == archive.END:
            end = _end(member)
        else:
            raise damaged(f"{member.name} is unknown")
    if end is None:
        raise damaged("its end is missing")
    return secret, end


def prepare(connection: Connection, revision: str) -> None:
    """Refuse a database that is used; give an empty one this schema."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(f"PRAGMA cache_size={-CACHE}")
    present = schema.revision(connection)
    if present is not None and not schema.is_known(present):
        raise Refused(f"The database has schema {present} of a later version: use an empty one.")
    for table in schema.tables(connection):
        if connection.scalar(select(1).select_from(table).limit(1)):
            raise Refused(
                f"The database is in use: it has rows in the table {table.name}. Take a new one:"
                " set HICHAT_DATA_DIR to a new folder, or HICHAT_DATABASE_URL to an empty database."
            )
    if present != revision:
        if present is not None:
            schema.empty(connection)
        schema.upgrade(connection, revision)


class _Rows:
    """Puts rows into their tables."""

    def __init__(self, connection: Connection, manifest: Manifest) -> None:
        self._connection = connection
        self._manifest = manifest
        self.tables = schema.tables(connection)
        self._statements: dict[str, str] = {}
        self._counts = dict.fromkeys(manifest.tables, 0)
        self._decode = msgspec.json.Decoder(list[Any]).decode_lines
        known = {table.name: table for table in self.tables}
        for name, said in manifest.tables.items():
            if name not in known or set(said.columns) != set(known[name].columns.keys()):
                raise damaged(f"the table {name} is not that of schema {manifest.revision}")
            self._statements[name] = taking(connection, known[name], said.columns)

    def add(self, member: Member) -> None:
        table = member.name.split("/")[1]
        if table not in self._statements:
            raise damaged(f"{member.name} is of no known table")
        width = len(self._manifest.tables[table].columns)
        try:
            rows = self._decode(member.read())
        except ValueError as error:
            raise damaged(f"{member.name}: {error}") from error
        if not rows or any(len(row) != width for row in rows):
            raise damaged(f"{member.name} has other columns")
        self._counts[table] += len(rows)
        if self._connection.dialect.name == "sqlite":
            self._connection.exec_driver_sql(self._statements[table], [tuple(row) for row in rows])
        else:
            copy_rows(self._connection, self._statements[table], rows)

    def verify(self) -> None:
        for name, count in self._counts.items():
            if count != self._manifest.tables[name].rows:
                raise damaged(f"the table {name} has {count} rows")


def taking(connection: Connection, table: Table, columns: list[str]) -> str:
    """What takes rows into a table. The names are those of a schema."""
    quote = connection.dialect.identifier_preparer.quote
    target = f"{quote(table.name)} ({', '.join(map(quote, columns))})"
    if connection.dialect.name == "sqlite":
        places = ", ".join("?" * len(columns))
        return f"INSERT INTO {target} VALUES ({places})"  # noqa: S608  # quoted names of a schema
    return f"COPY {target} FROM STDIN"


def copy_rows(connection: Connection, statement: str, rows: Iterable[Sequence[Any]]) -> None:
    """PostgreSQL: many times as fast as INSERT."""
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


class _Files:
    """Puts files where files are kept; takes them away again if the block raises."""

    def __init__(self, blobs: Blobs, data: Path) -> None:
        self._blobs = blobs
        base = data / "scratch"  # what a killed process leaves there is swept
        base.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = tempfile.TemporaryDirectory(dir=base)
        self._count = 0
        self._damaged: list[str] = []

    def __enter__(self) -> _Files:
        self._new = open(Path(self._folder.name) / "new", "w+")
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        with self._folder, self._new:
            if kind is not None:
                self._new.seek(0)
                for line in self._new:
                    with suppress(HiChatError):
                        self._blobs.delete(line.strip())

    def add(self, member: Member) -> None:
        """One that is kept here already is not written again."""
        digest, found = member.name.removeprefix(archive.MEDIA), hashlib.sha256()
        with tempfile.NamedTemporaryFile(dir=self._folder.name) as draft:
            for piece in member.pieces():
                found.update(piece)
                draft.write(piece)
            draft.flush()
            self._count += 1
            if found.hexdigest() != digest:
                self._damaged.append(digest)
            elif not self._blobs.has(digest):
                self._new.write(f"{digest}\n")
                self._blobs.put(digest, Path(draft.name))

    def verify(self, end: End) -> None:
        """Files that were damaged when the backup was made are no fault of the backup."""
        wrong = sorted(set(self._damaged) ^ set(end.damaged))
        if wrong:
            raise damaged(f"the checksum of {archive.MEDIA}{wrong[0]} is wrong")
        if self._count != end.files:
            raise damaged(f"it has {self._count} files of {end.files}")


def _end(member: Member) -> End:
    try:
        return msgspec.json.decode(member.read(), type=End)
    except ValueError as error:
        raise damaged(f"{member.name}: {error}") from error


def finish(connection: Connection, tables: list[Table]) -> None:
    """What is not in the rows: where ids go on, this version's schema, an index to be made."""
    if connection.dialect.name == "postgresql":
        for table in tables:
            _go_on(connection, table)
    schema.upgrade(connection)
    # An older schema keeps it in rows, which say more than the new index holds.
    connection.exec_driver_sql("DELETE FROM search_place").close()


def _go_on(connection: Connection, table: Table) -> None:
    """Ids that PostgreSQL gives out begin behind those that there are."""
    counted = table.autoincrement_column
    if counted is None or counted.server_default is None:
        return
    last = connection.scalar(select(func.max(counted)))
    if last is not None:
        name = connection.dialect.identifier_preparer.quote(table.name)
        connection.exec_driver_sql(_NEXT_ID, (name, counted.name, last)).close()
