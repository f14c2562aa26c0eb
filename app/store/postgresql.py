"""What a connection to PostgreSQL promises, and the end of one that keeps its greenlet waiting.

PostgreSQL itself ends a statement, or a transaction that says nothing, after `seconds`: so a worker
that was stopped holds nobody's lock for longer. Where it is PostgreSQL that does not answer (it was
stopped, the network swallows everything), `Watch` cuts the connection a moment later, and whoever
waits for it learns that it is broken. The pool makes another one.
"""

from __future__ import annotations

import os
import socket
import time
from contextlib import suppress
from select import POLLIN
from typing import Any

import gevent
from gevent import monkey
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import DisconnectionError

PATIENCE = 10  # seconds, where no setting says otherwise
GRACE = 2.0  # seconds by which PostgreSQL's own refusal may come first
LOOK_SECONDS = 0.5

# An ack promises a flush, and a lock that was waited for shows what was committed meanwhile:
# whatever the server's, the role's or the database's own settings are.
_SESSION = """
    SELECT set_config('statement_timeout', %(limit)s, false),
        set_config('idle_in_transaction_session_timeout', %(limit)s, false),
        set_config('default_transaction_isolation', 'read committed', false),
        CASE WHEN current_setting('synchronous_commit') NOT IN ('on', 'remote_apply')
            THEN set_config('synchronous_commit', 'on', false) END"""
_UNBOUNDED = (
    "SET LOCAL statement_timeout = 0", "SET LOCAL idle_in_transaction_session_timeout = 0"
)
_poll = monkey.get_original("select", "poll")  # a look, without a turn of the event loop


class Watch:
    """Knows since when each connection of an engine is in use."""

    def __init__(self, engine: Engine, seconds: float) -> None:
        self._seconds = seconds
        # Cut by `run`; but a process that was stopped just before may be silent for `seconds`
        # without losing its transaction, and what it then says first takes `seconds` at most.
        self.longest = 3 * seconds + GRACE + LOOK_SECONDS
        self._taken: set[Any] = set()
        limit = {"limit": f"{int(seconds * 1000)}"}
        from app.store.cooperative import CooperativeConnection  # psycopg: SQLite need not pay

        @event.listens_for(engine, "do_connect")
        def make(_dialect: Any, _record: Any, arguments: Any, options: Any) -> Any:
            # psycopg would prepare statements too, and at a ROLLBACK drop all there are.
            return CooperativeConnection.connect(*arguments, **options, prepare_threshold=None)

        @event.listens_for(engine, "connect")
        def connect(connection: Any, _record: Any) -> None:
            connection.execute(_SESSION, limit)
            connection.commit()

        @event.listens_for(engine, "checkout")
        def checkout(connection: Any, record: Any, _proxy: Any) -> None:
            if _is_over(connection):
                raise DisconnectionError()  # the pool gives another one instead
            record.info["since"] = time.monotonic()
            self._taken.add(record)

        @event.listens_for(engine, "checkin")
        def checkin(_connection: Any, record: Any) -> None:
            self._taken.discard(record)

    def run(self) -> None:
        """Cut what is late. Never returns."""
        while True:
            gevent.sleep(LOOK_SECONDS)
            self.cut(time.monotonic() - self._seconds - GRACE)

    def cut(self, before: float) -> None:
        """End the connections that are in use since before this moment (time.monotonic)."""
        for record in list(self._taken):
            if record.info["since"] < before:
                self._taken.discard(record)
                _shut(record.dbapi_connection)


def unbounded(connection: Connection) -> None:
    """The transaction that begins now may take as long as it takes."""
    connection.info["since"] = float("inf")
    for statement in _UNBOUNDED:
        connection.exec_driver_sql(statement)


def _is_over(connection: Any) -> bool:
    """Whether the other end has gone. It is silent but for notices, and a farewell."""
    if connection.closed:
        return True
    poll = _poll()
    poll.register(connection.fileno(), POLLIN)
    try:
        while poll.poll(0):
            connection.pgconn.consume_input()
    except connection.OperationalError:
        return True
    return False


def _shut(connection: Any) -> None:
    """Both directions: who waits for it wakes up, and closes it."""
    if connection is None:
        return
    with (
        suppress(OSError, connection.OperationalError),  # it has ended by itself
        socket.socket(fileno=os.dup(connection.fileno())) as ours,
    ):
        ours.shutdown(socket.SHUT_RDWR)
