"""Two ways to the database: `read`, anywhere; `write`, one at a time where the database asks it.

SQLite: a statement blocks the whole event loop, and a commit waits for the disk. So all writes run
in one OS thread over one connection (no lock is ever waited for), and reads, which are short, run
where they are asked for, over connections that cannot write. PostgreSQL: psycopg is cooperative
under gevent, and a write runs in the greenlet that asks for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec
import structlog
from gevent.threadpool import ThreadPool
from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.exc import IntegrityError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session
from sqlalchemy.pool import StaticPool

from app.errors import Unavailable
from app.store.postgresql import PATIENCE, Watch, unbounded

log = structlog.get_logger()
T = TypeVar("T")
_encode = msgspec.json.Encoder().encode
MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"
READ_CACHE, WRITE_CACHE = 4096, 32_768  # KiB of pages that a SQLite connection keeps
RETRIES = 5
# PostgreSQL: serialization failure, deadlock. The transaction has not happened: run it again.
TRANSIENT = frozenset(("40001", "40P01"))
# It does not answer, or has ended our transaction. InternalError: because we said nothing.
AWAY = (OperationalError, InternalError, PoolTimeout)
_REVISION = "SELECT version_num FROM alembic_version"
_TOUCH = "UPDATE alembic_version SET version_num = version_num"


Row = tuple[Any, ...]


class Write(NamedTuple):
    """Rows to write: of SQLite `one` by one, of PostgreSQL `all` as one parameter, in JSON."""

    one: str
    all: str
    rows: Sequence[Row]


class Contested(Exception):
    """Somebody else was first at a unique key. The transaction has not happened."""


class Failed(Exception):
    """The database could not do it now: no space, no connection.

    Nothing has happened; or, if a connection broke in COMMIT, nobody knows: ask again by ref.
    """


class Database:
    """The engine for reading (made by Flask-SQLAlchemy) and the one for writing."""

    def __init__(self, engine: Engine, patience: float = PATIENCE) -> None:
        """`patience`: seconds after which PostgreSQL's silence is taken for a refusal."""
        self.engine = engine
        self.embedded = engine.dialect.name == "sqlite"
        if self.embedded:
            self._writer = create_engine(
                engine.url, poolclass=StaticPool, hide_parameters=True,
                connect_args={"check_same_thread": False},
            )
            prepare_sqlite(self._writer, "BEGIN IMMEDIATE")
            prepare_sqlite(engine, "BEGIN", read_only=True)
        else:
            self._writer = engine
            self._watch = Watch(engine, patience)
        self._driver: Any = self._writer.dialect.loaded_dbapi
        self._away = (*AWAY, self._driver.OperationalError, self._driver.InternalError)
        self._kept: Connection | None = None
        self._reader: Any = None
        self._counter: Any = None
        self._counting: ThreadPool | None = None
        self._thread: ThreadPool | None = None
        self.closed = False

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session for reading: one snapshot, given back at the end of the block.

        Never hold it across anything that waits: idle connections must not hold the pool.
        """
        try:
            with Session(self.engine, expire_on_commit=False) as session:
                yield session
        except AWAY as error:
            raise _unavailable(error) from error

    def rows(self, statement: str, *parameters: object) -> list[Row]:
        """One hot SELECT, with `?` for each parameter, straight through the driver."""
        try:
            if self.embedded:
                # A statement does not yield to other greenlets: they can share a connection.
                if self._reader is None:
                    self._reader = self.engine.raw_connection()
                    self._reader.detach()  # ours: the pool is for what holds one for a while
                return list(self._reader.dbapi_connection.execute(statement, parameters))
            return self._rows(statement, parameters)
        except self._away as error:
            raise _unavailable(error) from error

    def _rows(self, statement: str, parameters: Sequence[object]) -> list[Row]:
        """One statement of PostgreSQL, without a transaction around it: one round trip."""
        with closing(self.engine.raw_connection()) as connection:
            driver: Any = connection.driver_connection
            [found] = driver.exchange.run((statement, parameters))
            return found  # type: ignore[no-any-return]  # the driver is Any: SQLite has none of it

    def rows_aside(self, statement: str, *parameters: object) -> list[Row]:
        """As `rows`, for a SELECT of many milliseconds: the event loop goes on meanwhile.

        SQLite: one at a time, in a thread with a connection of its own.
        """
        if not self.embedded:
            return self.rows(statement, *parameters)
        if self._counting is None:
            self._counting, self._counter = ThreadPool(1), self.engine.raw_connection()
            self._counter.detach()
        connection = self._counter.dbapi_connection
        result: list[Row] | Exception = self._counting.apply(
            _attempt, (lambda: list(connection.execute(statement, parameters)),)
        )
        if isinstance(result, self._driver.OperationalError):
            raise _unavailable(result) from result
        if isinstance(result, Exception):
            raise result
        return result

    def write(self, work: Callable[[Session], T]) -> T:
        """Run `work` in a transaction; when this returns, it is committed and flushed."""

        def transaction() -> T:
            with (
                self._connected() as connection,
                Session(connection, expire_on_commit=False) as session,
                session.begin(),
            ):
                return work(session)

        try:
            return self._run(transaction)
        except self._away as error:
            raise _unavailable(error) from error

    def append(
        self, work: Callable[[Connection], T], last: Callable[[T], Sequence[Write]] = lambda _: ()
    ) -> T:
        """As `write`, for the journal: `work` may speak to the driver itself (`run`).

        `last` says what is to write of what `work` has come to: on PostgreSQL it goes in one round
        trip with the COMMIT.
        Raises Contested when a unique key refused, Failed when the database could not do it now.
        """

        def transaction() -> T:
            with self._connected() as connection, connection.begin():
                done = work(connection)
                _write(connection, last(done))
                return done

        try:
            return self._run(transaction)
        except (IntegrityError, self._driver.IntegrityError) as error:
            raise Contested(str(error)) from error
        except self._away as error:
            raise Failed(str(error)) from error

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """The whole database as it is at the first statement, for as long as the block takes.

        For a process that does nothing else: it blocks, and what it fetches is streamed.
        """
        with self.engine.connect() as connection:
            if not self.embedded:
                connection = connection.execution_options(
                    isolation_level="REPEATABLE READ", postgresql_readonly=True
                )
                unbounded(connection)
            yield connection

    @contextmanager
    def alone(self) -> Iterator[Connection]:
        """One long transaction for writing, in this greenlet: for a process that does only that."""
        with self._connected() as connection, connection.begin():
            if not self.embedded:
                unbounded(connection)
            yield connection

    @property
    def longest(self) -> float:
        """Seconds: a transaction of a PostgreSQL that lasts longer is not committed."""
        return self._watch.longest

    def watch(self) -> None:
        """Where it is a server: end what it leaves without an answer. Never returns."""
        self._watch.run()

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        """A connection for one transaction; of SQLite always the same one."""
        if not self.embedded:
            with self._writer.connect() as connection:
                yield connection
            return
        if self._kept is None:
            self._kept = self._writer.connect()
        try:
            yield self._kept
        except BaseException:
            # After a COMMIT that failed SQLAlchemy believes that nothing is left of it.
            with suppress(self._driver.Error):
                self._kept.connection.rollback()
            raise

    def _run(self, transaction: Callable[[], T]) -> T:
        if not self.embedded:
            return _retried(transaction)
        if self._thread is None:
            self._thread = ThreadPool(1)  # made late: it belongs to the forked worker's loop
        result: T | Exception = self._thread.apply(_attempt, (transaction,))
        if isinstance(result, Exception):
            try:
                raise result
            finally:
                del result  # or it would keep this frame, and the frame it
        return result

    def ping(self) -> None:
        """Write something, to the disk. Raises Unavailable when that does not work."""
        self.write(lambda session: session.execute(text(_TOUCH)).close())

    def schema(self) -> str:
        """The revision of the tables; they ascend. Empty: there are none."""
        with self.engine.connect() as connection:
            known = inspect(connection).has_table("alembic_version")
            return connection.scalar(text(_REVISION)) or "" if known else ""

    def close(self) -> None:
        """Finish what is being written, then let go of every connection."""
        self.closed = True
        if self._thread is not None:
            self._thread.join()
            self._thread.kill()
            self._thread = None
        if self._kept is not None:
            self._kept.close()
            self._kept = None
        if self._counting is not None:
            self._counting.join()
            self._counting.kill()
            self._counter.close()
            self._counting = self._counter = None
        if self._reader is not None:
            self._reader.close()
            self._reader = None
        self._writer.dispose()
        self.engine.dispose()


@cache
def newest_revision() -> str:
    """Where the migrations lead: the number that their last file begins with.

    Alembic would tell, and take a sixth of a server's start.
    """
    return max(file.name for file in (MIGRATIONS / "versions").glob("[0-9]*.py")).partition("_")[0]


def _unavailable(error: Exception) -> Unavailable:
    log.error("database_failed", error=str(error))
    return Unavailable()


def run(connection: Connection, statement: str, *parameters: object) -> list[Row]:
    """A hot statement of a running transaction, with `?` for each parameter."""
    return run_each(connection, statement, [parameters])


def run_each(
    connection: Connection, statement: str, rows: Sequence[Sequence[object]]
) -> list[Row]:
    """The same with the parameters of each row; what the last one found."""
    if connection.dialect.name == "sqlite":
        cursor: Any = connection.connection.cursor()
        for row in rows:
            cursor.execute(statement, row)
        return list(cursor.fetchall())
    driver: Any = connection.connection.driver_connection
    found: list[list[Row]] = driver.exchange.within(*((statement, row) for row in rows))
    return found[-1]


def _write(connection: Connection, writes: Sequence[Write]) -> None:
    """The last of a transaction; on PostgreSQL with its COMMIT: a second one asks nothing."""
    driver: Any = connection.connection.driver_connection
    if connection.dialect.name == "sqlite":
        for write in writes:
            driver.executemany(write.one, write.rows)
    elif writes:
        driver.exchange.commit(*((write.all, (_json(write.rows),)) for write in writes))


def _json(rows: Sequence[Row]) -> str:
    return _encode(rows).decode()


def _attempt(transaction: Callable[[], T]) -> T | Exception:
    # gevent prints what is raised in its threads, with a traceback, to stderr.
    try:
        return transaction()
    except Exception as error:
        return error


def _retried(transaction: Callable[[], T]) -> T:
    for _ in range(RETRIES - 1):
        try:
            return transaction()
        except Exception as error:
            if getattr(getattr(error, "orig", error), "sqlstate", None) not in TRANSIENT:
                raise
    return transaction()


def prepare_sqlite(
    engine: Engine, begin: str, read_only: bool = False, exclusive: bool = False
) -> None:
    """Set up an SQLite engine: WAL, flushed at each commit, transactions begun by us.

    `exclusive`: refused while anybody else has it open, and nobody else can open it.
    """

    @event.listens_for(engine, "connect")
    def connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver's own BEGIN comes too late for a snapshot
        for pragma in (
            f"locking_mode={'EXCLUSIVE' if exclusive else 'NORMAL'}",  # before it is looked at
            "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=5000",
            "secure_delete=ON",  # what is erased leaves the file; not every build does so by itself
            f"cache_size={-READ_CACHE if read_only else -WRITE_CACHE}",
            f"query_only={'ON' if read_only else 'OFF'}",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin_transaction(connection: Any) -> None:
        connection.exec_driver_sql(begin)
