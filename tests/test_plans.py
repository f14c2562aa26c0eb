"""No hot statement reads a whole table: the cost of a message does not grow with the history."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import event, text

from app.store import Database, Store
from app.store.items import Draft, Mark
from tests.support.log import people
from tests.support.statements import plan

GROWING = ("event", "member", "conversation", "user", "login_session")


@pytest.fixture
def statements(database: Database) -> list[tuple[str, Any]]:
    """What the writer's connection is asked to run, in SQL, with its parameters."""
    seen: list[tuple[str, Any]] = []

    @event.listens_for(database._writer, "before_cursor_execute")
    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        seen.append((statement, parameters))

    return seen


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_repeats_reads_and_new_conversations_are_looked_up_by_index(
    database: Database, store: Store, statements: list[tuple[str, Any]]
) -> None:
    ada, bob, eve = people(store, 3)
    first = [Draft(ada, f"r{n}", "{}", None, None, other) for n, other in enumerate((bob, eve))]
    places = store.journal.commit(first)
    statements.clear()
    store.journal.commit([
        *first,  # repeats
        *(Mark(ada, place.conversation, 1) for place in places),
        Draft(ada, "other", "{}", None, 10**9),  # refused
        Draft(bob, "new", "{}", None, None, eve),  # a new pair
    ])
    selects = [found for found in statements if found[0].lstrip().startswith(("SELECT", "WITH"))]
    assert len(selects) >= 3
    for statement, parameters in selects:
        steps = plan(database, statement, parameters)
        scans = [step for step in steps if any(step == f"SCAN {name}" for name in GROWING)]
        assert scans == [], (statement, steps)


@pytest.mark.parametrize("database", ["postgres"], indirect=True)
def test_postgresql_flushes_whatever_its_own_setting_is(
    database: Database, store: Store
) -> None:
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        name = connection.engine.url.database
        connection.exec_driver_sql(f'ALTER DATABASE "{name}" SET synchronous_commit = off')
    database.engine.dispose()  # the setting is for connections made from now on
    assert database.write(
        lambda session: session.scalar(text("SHOW synchronous_commit"))
    ) == "on"


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_sqlite_flushes_every_commit(database: Database, store: Store) -> None:
    assert database.write(lambda session: session.scalar(text("PRAGMA synchronous"))) == 2
