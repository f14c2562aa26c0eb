"""No hot statement reads a whole table: the cost of a message does not grow with the history."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import event, text

from app.store import Database, Store
from app.store.log.items import Draft, Mark
from tests.support.log import into, people, stored, to_user
from tests.support.statements import asked, plan, scanned

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
def test_on_postgresql_no_statement_of_the_everyday_reads_a_whole_table(
    database: Database, store: Store
) -> None:
    with asked(database) as statements:
        everyday(store)
    told = {
        statement: parameters for statement, parameters in statements.items()
        if statement.split()[0] in ("SELECT", "WITH", "INSERT", "UPDATE", "DELETE")
    }
    assert len(told) > 40
    scans = {statement: scanned(database, statement, told[statement]) for statement in told}
    assert {text: tables for text, tables in scans.items() if tables & set(GROWING)} == {}


def everyday(store: Store) -> None:
    """What many do all the time, each once at least."""
    ada, bob, eve = people(store, 3)
    group = store.groups.create(ada, "team", [bob, eve]).entry.conversation_id
    session, _ = store.sessions.begin(ada, "phone", "id", 60_000)
    store.sessions.is_live(session, ada)
    to_bob = Draft(ada, "1", "{}", to_user=bob)
    [place, *_] = stored(store.journal.commit([
        to_bob, to_user(ada, eve), into(ada, group),
    ]))
    store.journal.commit([
        to_bob, Draft(bob, "4", "{}", conversation=group, reply_to=2, mentions=(ada,)),
        Mark(ada, group, 2), Mark(bob, place.conversation, 1),
    ])
    store.conversations.heads(ada, 100)
    store.conversations.account(ada)
    store.conversations.groups(ada)
    store.conversations.ids(ada, 0, 100)
    store.conversations.listed(ada, 50)
    store.conversations.audience(ada, group)
    store.conversations.advanced(0)
    store.events.page(ada, group, 50)
    store.events.page(ada, group, 50, after=1)
    store.events.around(ada, group, 10, 2)
    store.missed.reaches(ada, [group])
    store.missed.read(ada, [(group, 0, 2), (place.conversation, 0, 1)])
    store.events.by_index(ada, bob, 0, 10, True, 10)
    store.changes.react(ada, group, 2, "5", "👍", True)
    store.changes.pin(ada, group, 2, "6", True)
    store.changes.edit(ada, group, 2, "7", "other", "text", 60, lambda _: None)
    store.settings.change(ada, group, {"silent": True})
    store.contacts.ask(ada, bob)
    store.contacts.accept(bob, ada)
    store.contacts.listed(ada, 50)
    store.sightings.visible([(ada, bob)])
    store.sightings.save({ada: 1})
    store.users.by_name("ada")
    store.users.search("a", 10)
    store.membership.page(ada, group, 50, 0)
    store.membership.remove(ada, group, eve)


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
