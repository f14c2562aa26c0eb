"""Moving from SQLite to PostgreSQL: resumable wherever it was killed, compared at the end.

Rows are copied in the order in which SQLite keeps them, some at a time, each time in a transaction:
so what PostgreSQL has of a table is its beginning, and how many rows that is says where to go on.
Until all of it is there and is the same, PostgreSQL has no revision, and no server starts on it;
a comment on the table that would hold it says that a move is under way, and of which schema.

SQLite is locked meanwhile, so that no server writes what would be left behind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, Table, create_engine, func, select, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, OperationalError
from sqlalchemy.pool import NullPool

from app.store.archive import schema
from app.store.archive.archive import Refused
from app.store.archive.restore import copy_rows, finish, prepare, taking
from app.store.database import Database, prepare_sqlite

ROWS_AT_ONCE = 2000  # in one transaction
MOVING, MOVED = "HiChat: being moved, schema ", "HiChat: moved, schema "
LEFT_OUT = ("indexed",)  # goes with the index of words, which is made again
REMEDY = "See that it runs, and has room: the same command goes on where this one stopped."
_STATE = text(f"SELECT obj_description(to_regclass('{schema.VERSION_TABLE}'), 'pg_class')")

Step = Callable[[str, int], None]  # what is being done, and how many rows of it more are done
_encode = msgspec.json.Encoder().encode


@contextmanager
def from_sqlite(address: str) -> Iterator[Connection]:
    """The source, which nobody else can open meanwhile. Raises Refused where a server has it."""
    url = _url(address, "sqlite")
    if not Path(url.database or "").is_file():
        raise Refused(f"There is no file {url.database}.")
    engine = create_engine(url, poolclass=NullPool)
    prepare_sqlite(engine, "BEGIN IMMEDIATE", exclusive=True)
    try:
        connection = engine.connect()
    except OperationalError as error:
        raise Refused(
            f"SQLite says {error.orig}: if a server uses this database, stop it, so that nothing"
            " is written that would be left behind."
        ) from error
    with connection, connection.begin():
        yield connection


@contextmanager
def to_postgresql(address: str) -> Iterator[Database]:
    """The target. Raises Refused, also for what PostgreSQL refuses in the block."""
    database = Database(create_engine(_url(address, "postgresql"), hide_parameters=True))
    with closing(database), schema.refusals(database, REMEDY):
        yield database


def _url(address: str, dialect: str) -> URL:
    with suppress(ArgumentError):
        url = make_url(address)
        if url.get_backend_name() == dialect:
            return url
    raise Refused(  # the address is not shown: it may have a password
        "Give the address of the SQLite file, sqlite:///instance/hichat.db, then that of the"
        " PostgreSQL database, postgresql://user:password@host/name."
    )


class Difference(NamedTuple):
    """Rows of `table` that are not the same: those with this `value` in `column`."""

    table: str
    column: str
    value: object
    here: int  # rows in SQLite
    there: int  # rows in PostgreSQL

    def __str__(self) -> str:
        counts = f"{self.here} rows in SQLite, {self.there} in PostgreSQL"
        what = counts if self.here != self.there else f"{counts}, with other contents"
        return f"{self.table}, {self.column} {self.value}: {what}"


class Move:
    """From `source` to `target`."""

    def __init__(self, source: Connection, target: Database) -> None:
        """Raises Refused for a source without tables, and a target that is used."""
        self._source = source
        self._target = target
        revision = schema.revision(source)
        if revision is None or not schema.is_known(revision):
            raise Refused(
                f"The SQLite database has schema {revision}, which this version does not know: use"
                " the version of HiChat that it belongs to, or a later one."
            )
        self.revision = revision
        self.tables = [table for table in schema.tables(source) if table.name not in LEFT_OUT]
        self.rows = sum(_count(source, table) for table in self.tables)
        with target.alone() as connection:
            self.moved = self._begin(connection)

    def _begin(self, connection: Connection) -> bool:
        """Make the tables, unless that has been done; whether everything has."""
        state = connection.scalar(_STATE) or ""
        if state.startswith((MOVING, MOVED)):
            begun = state.rpartition(" ")[2]
            if begun != self.revision:
                raise Refused(
                    f"The move began with schema {begun}, and SQLite has {self.revision} now: empty"
                    " the PostgreSQL database and begin again."
                )
            if state.startswith(MOVED) and schema.revision(connection) != self.revision:
                raise Refused("All of it has been moved, and PostgreSQL has a later schema since.")
            return bool(state.startswith(MOVED))
        prepare(connection, self.revision)
        connection.execute(text(f"DELETE FROM {schema.VERSION_TABLE}"))  # noqa: S608  # a constant
        self._note(connection, MOVING)
        return False

    def _note(self, connection: Connection, state: str) -> None:
        connection.exec_driver_sql(
            f"COMMENT ON TABLE {schema.VERSION_TABLE} IS '{state}{self.revision}'"
        )

    def copy(self, step: Step) -> None:
        """What is not there yet. Raises Refused for more rows there than here."""
        for table in self.tables:
            with self._target.alone() as connection:
                done = _count(connection, table)
            if done > _count(self._source, table):
                raise Refused(
                    f"PostgreSQL has more rows in the table {table.name} than SQLite: empty the"
                    " PostgreSQL database and begin again."
                )
            step(table.name, done)
            rows = _rows(self._source, table, done)
            while some := list(islice(rows, ROWS_AT_ONCE)):
                with self._target.alone() as connection:
                    copy_rows(connection, taking(connection, table, table.columns.keys()), some)
                step(table.name, len(some))

    def compare(self, step: Step) -> list[Difference]:
        """Every row of both, by conversation where it belongs to one, else by its key."""
        found: list[Difference] = []
        with self._target.snapshot() as connection:
            there = {table.name: table for table in schema.tables(connection)}
            for table in self.tables:
                sums = _Sums(table)
                for row in _rows(self._source, table):
                    sums.add(row, here=True)
                step(table.name, sums.count)
                same = there[table.name]
                columns = [same.columns[column.name] for column in table.columns]
                for row in _stream(connection, select(*columns)):
                    sums.add(row, here=False)
                found += sums.differences()
        return found

    def finish(self) -> None:
        """All is there: let a server of this version start on it."""
        with self._target.alone() as connection:
            connection.execute(
                text(f"INSERT INTO {schema.VERSION_TABLE} VALUES (:revision)"),  # noqa: S608  # likewise
                {"revision": self.revision},
            )
            finish(connection, schema.tables(connection))
            self._note(connection, MOVED)


class _Sums:
    """Of a table, for each key: how many rows are here and there, and whether they are the same.

    Their checksums are summed up, so that they may come in different orders.
    """

    def __init__(self, table: Table) -> None:
        names = table.columns.keys()
        first = next(iter(table.primary_key.columns)).name
        self._table = table.name
        self._column = "conversation_id" if "conversation_id" in names else first
        self._place = names.index(self._column)
        self._sums: dict[object, list[int]] = {}
        self.count = 0  # of rows here

    def add(self, row: Any, here: bool) -> None:
        values = list(row)
        digest = int.from_bytes(blake2b(_encode(values), digest_size=8).digest())
        sums = self._sums.setdefault(values[self._place], [0, 0, 0])
        sums[not here] += 1
        sums[2] += digest if here else -digest
        self.count += here

    def differences(self) -> list[Difference]:
        return [
            Difference(self._table, self._column, key, here, there)
            for key, (here, there, rest) in self._sums.items() if here != there or rest
        ]


def _count(connection: Connection, table: Table) -> int:
    return connection.scalar(select(func.count()).select_from(table)) or 0


def _rows(connection: Connection, table: Table, behind: int = 0) -> Iterator[Any]:
    """The rows of a SQLite table as they are stored: in the order of their ids or arrival."""
    return _stream(connection, select(*table.columns).limit(-1).offset(behind))


def _stream(connection: Connection, statement: Any) -> Iterator[Any]:
    return iter(connection.execute(statement.execution_options(yield_per=ROWS_AT_ONCE)))
