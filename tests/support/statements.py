"""What a database is asked, whichever way: seen by SQLite itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, event

from app.store import Database


@contextmanager
def traced() -> Iterator[list[str]]:
    """The statements of every SQLite connection that is opened within this block, in order."""
    statements: list[str] = []

    def trace(connection: Any, _record: Any) -> None:
        connection.set_trace_callback(statements.append)

    event.listen(Engine, "connect", trace)
    try:
        yield statements
    finally:
        event.remove(Engine, "connect", trace)


def queries(statements: list[str]) -> list[str]:
    """Those of `statements` that read."""
    return [text for text in statements if text.lstrip().startswith(("SELECT", "WITH"))]


def plan(database: Database, statement: str, parameters: Any = ()) -> list[str]:
    """The steps in which SQLite would run a statement."""
    with database.read() as session:
        rows = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        return [row[-1] for row in rows]
