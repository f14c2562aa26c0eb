"""What a database is asked, whichever way: seen by SQLite itself, or by PostgreSQL's driver."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
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


@contextmanager
def asked(database: Database) -> Iterator[dict[str, Any]]:
    """What PostgreSQL is asked in this block: each statement with parameters that it had once."""
    statements: dict[str, Any] = {}

    class Cursor(psycopg.Cursor[Any]):
        def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
            statements[str(query)] = params
            return super().execute(query, params, **options)

        def executemany(self, query: Any, params_seq: Any, **options: Any) -> Any:
            listed = list(params_seq)
            statements[str(query)] = listed[0]
            return super().executemany(query, listed, **options)

    def use(connection: Any, _record: Any) -> None:
        connection.cursor_factory = Cursor

    database.engine.dispose()  # for connections made from now on
    event.listen(database.engine, "connect", use)
    try:
        yield statements
    finally:
        event.remove(database.engine, "connect", use)
        database.engine.dispose()


def scanned(database: Database, statement: str, parameters: Any) -> set[str]:
    """The tables that PostgreSQL would read from end to end because no index leads into them."""
    with database.engine.connect() as connection:
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        cursor: Any = connection.connection.cursor()
        [[plans]] = cursor.execute(f"EXPLAIN (FORMAT JSON) {statement}", parameters).fetchall()
    return set(_scans(plans[0]["Plan"]))


def _scans(plan: dict[str, Any]) -> Iterator[str]:
    if plan["Node Type"] == "Seq Scan":
        yield plan["Relation Name"]
    for below in plan.get("Plans", ()):
        yield from _scans(below)
