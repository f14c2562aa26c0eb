"""Statements that go to PostgreSQL together: what comes back, and what an error leaves behind."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection, text

from app.store import Database
from app.store.database import Failed, run, run_each

pytestmark = pytest.mark.parametrize("database", ["postgres"], indirect=True)

FIVE = "SELECT generate_series(1, 5)"


def driver(connection: Any) -> Any:
    return connection.connection.driver_connection


def test_each_statement_gets_its_own_rows_in_order(database: Database) -> None:
    with database.engine.connect() as connection:
        exchange = driver(connection).exchange
        for _ in range(3):  # prepared once, and used again
            found = exchange.run(
                (FIVE, ()), ("SELECT ?::text, ?::bool", ("é", None)), ("SELECT 1 WHERE false", ()),
                ("SELECT ?::text, ?::bool", ("", True)),
            )
            assert found == [[(1,), (2,), (3,), (4,), (5,)], [("é", None)], [], [("", True)]]


@pytest.mark.parametrize("number", [0, -1, 2**15, 2**31, 2**63 - 1])
def test_a_number_has_one_type_however_large_it_is(database: Database, number: int) -> None:
    kinds = "SELECT pg_typeof(?)::text, pg_typeof(?)::text, ?::bigint"
    assert database.rows(kinds, number, [number, 1], number) == [("bigint", "bigint[]", number)]


def test_a_zero_byte_is_refused_not_cut_off(database: Database) -> None:
    with database.engine.connect() as connection:
        exchange = driver(connection).exchange
        with pytest.raises(psycopg.DataError):
            exchange.run(("SELECT ?::text", ("before\0behind",)))
        assert exchange.run(("SELECT ?::text", ("whole",))) == [[("whole",)]]


@pytest.mark.parametrize("wrong", ["SELECT 1 / ?", "SELECT no_such_column + ?"])
def test_behind_a_statement_that_fails_nothing_is_run_and_the_connection_stays(
    database: Database, wrong: str
) -> None:
    table = "CREATE TEMPORARY TABLE kept (number bigint) ON COMMIT DROP"
    with database.engine.connect() as connection:
        exchange = driver(connection).exchange
        for _ in range(2):
            exchange.within((table, ()), ("INSERT INTO kept VALUES (?)", (1,)))
            with pytest.raises(psycopg.Error) as error:
                exchange.commit((wrong, (0,)), ("INSERT INTO kept VALUES (?)", (2,)))
            assert error.value.sqlstate in ("22012", "42703")
            with pytest.raises(psycopg.errors.InFailedSqlTransaction):
                exchange.run((FIVE, ()))
            driver(connection).rollback()
            assert len(exchange.run((FIVE, ()))[0]) == 5


def test_what_is_prepared_outlives_transactions_that_are_rolled_back(database: Database) -> None:
    often = text("SELECT count(*) FROM conversation")
    for _ in range(10):  # so often that psycopg, too, would prepare it
        with database.engine.connect() as connection:
            for _ in range(6):
                connection.execute(often)
            assert run(connection, "SELECT ?::bigint", 7) == [(7,)]
            connection.rollback()
        assert database.rows("SELECT ?::bigint", 8) == [(8,)]


def test_a_transaction_begins_with_its_first_statement_and_ends_with_its_last(
    database: Database,
) -> None:
    own = "SELECT now() = ?::timestamptz"
    with database.engine.connect() as connection:
        exchange = driver(connection).exchange
        [[(began,)]] = exchange.within(("SELECT now()", ()))
        assert run(connection, own, began) == [(True,)]
        assert connection.execute(text("SELECT now()")).scalar() == began
        assert run_each(connection, own, [(began,), ("epoch",)]) == [(False,)]
        exchange.commit((own, (began,)))
        assert exchange.run((own, (began,))) == [[(False,)]]


def test_a_statement_that_stands_there_twice_is_prepared_once(database: Database) -> None:
    names = "SELECT count(*) FROM pg_prepared_statements WHERE statement = $1"
    statement = "SELECT ?::text || 'twice'"
    with database.engine.connect() as connection:
        for _ in range(2):
            found = run_each(connection, statement, [("a",), ("b",), ("c",)])
            assert found == [("ctwice",)]
            prepared = "SELECT $1::text || 'twice'"
            [(number,)] = run(connection, names.replace("$1", "?"), prepared)
            assert number == 1


@pytest.mark.parametrize("explicit", [False, True])
def test_what_only_the_commit_finds_out_is_told(database: Database, explicit: bool) -> None:
    table = "CREATE TEMPORARY TABLE one (number bigint UNIQUE DEFERRABLE INITIALLY DEFERRED)"
    twice = ("INSERT INTO one VALUES (1), (1)", ())
    with database.engine.connect() as connection:
        exchange = driver(connection).exchange
        exchange.run((table, ()))
        for _ in range(2):
            with pytest.raises(psycopg.errors.UniqueViolation):
                exchange.commit(twice) if explicit else exchange.run(twice)
            driver(connection).rollback()
            assert exchange.run(("SELECT count(*) FROM one", ())) == [[(0,)]]


def test_a_commit_that_is_answered_with_a_rollback_is_an_error(database: Database) -> None:
    with database.engine.connect() as connection:
        exchange = driver(connection).exchange
        exchange.within((FIVE, ()))
        with pytest.raises(psycopg.errors.DivisionByZero):
            exchange.within(("SELECT 1 / 0", ()))
        with pytest.raises(psycopg.errors.InFailedSqlTransaction):
            exchange.commit()
        assert len(exchange.run((FIVE, ()))[0]) == 5


def test_a_statement_that_somebody_has_dropped_is_prepared_again_on_a_new_connection(
    database: Database,
) -> None:
    with database.engine.connect() as connection:
        exchange = driver(connection).exchange
        exchange.run((FIVE, ()))
        exchange.run(("DEALLOCATE ALL", ()))
        with pytest.raises(psycopg.errors.InvalidSqlStatementName):
            exchange.run((FIVE, ()))
    assert len(database.rows(FIVE)) == 5


def test_whoever_is_ended_amid_an_exchange_gets_their_own_reason(database: Database) -> None:
    with ThreadPoolExecutor(1) as pool:
        def work(connection: Connection) -> None:
            run(connection, "SELECT pg_terminate_backend(pg_backend_pid())")

        with pytest.raises(Failed, match=r"terminating connection|server closed"):
            pool.submit(database.append, work).result(timeout=60)
    assert database.rows("SELECT 1") == [(1,)]


def test_a_connection_that_breaks_amid_an_answer_is_closed(database: Database) -> None:
    with database.engine.connect() as connection:
        exchange = driver(connection).exchange
        with pytest.raises(psycopg.OperationalError):
            exchange.run((FIVE, ()), ("SELECT pg_terminate_backend(pg_backend_pid())", ()))
        assert driver(connection).closed
        connection.invalidate()
    assert database.rows("SELECT 1") == [(1,)]
