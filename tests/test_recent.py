"""What has happened lately, as processes that share a PostgreSQL ask for it."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from app.store import Database, Store
from app.store.log.recent import RECENT_MS
from tests.support.log import people, stored, to_user

pytestmark = pytest.mark.parametrize("database", ["postgres"], indirect=True)


def talk(store: Store, one: int, other: int, count: int) -> int:
    """Messages of `one` to `other`; their conversation."""
    places = stored(store.journal.commit([to_user(one, other, str(n)) for n in range(count)]))
    return places[0].conversation


def grow_old(database: Database, conversation: int, upto: int) -> None:
    """Make the first events of a conversation too old to be told late."""
    age = text("UPDATE event SET at = at - :age WHERE conversation_id = :key AND seq <= :upto")
    database.write(lambda session: session.execute(
        age, {"age": 2 * RECENT_MS, "key": conversation, "upto": upto}
    ).close())


def test_the_first_recent_event_below_a_seq_is_found(database: Database, store: Store) -> None:
    ada, ben, cyd = people(store, 3)
    one, two = talk(store, ada, ben, 9), talk(store, ada, cyd, 4)
    grow_old(database, one, 5)
    assert store.recent.first({one: 9, two: 3}) == {one: 6, two: 1}
    assert store.recent.first({one: 6, two: 1}) == {}


@pytest.mark.parametrize(("seconds", "found"), [(10, False), (60, True)])
def test_what_a_transaction_may_last_is_recent(
    database: Database, store: Store, seconds: int, found: bool
) -> None:
    ada, ben = people(store, 2)
    chat = talk(store, ada, ben, 2)
    grow_old(database, chat, 1)
    patient = Store(Database(database.engine, seconds))
    assert patient.recent.first({chat: 2}) == ({chat: 1} if found else {})


def test_events_are_read_as_they_are_now_and_without_asking_who_may_see_them(
    database: Database, store: Store
) -> None:
    ada, ben, cyd = people(store, 3)
    chat, other = talk(store, ada, ben, 9), talk(store, ada, cyd, 2)
    store.changes.recall(ada, chat, 3, "r", 120)
    found = store.recent.between([(chat, 1, 4), (other, 1, 2)])
    assert [(entry.conversation_id, entry.seq, bool(entry.body)) for entry in found] == [
        (chat, 2, True), (chat, 3, False), (chat, 4, True), (other, 2, True),
    ]


def test_groups_that_somebody_came_into_are_told_from_the_others(
    database: Database, store: Store
) -> None:
    ada, ben, cyd = people(store, 3)
    groups = [
        store.groups.create(ada, name, [ben]).entry.conversation_id for name in ("one", "two")
    ]
    for group in groups:
        grow_old(database, group, 1)
    store.membership.add(ada, groups[1], [cyd])
    assert store.recent.moved({groups[0]: 1, groups[1]: 2}) == [groups[1]]


def test_of_sessions_the_live_ones_say_what_their_user_shows(
    database: Database, store: Store
) -> None:
    ada, ben = people(store, 2)
    sessions = [store.sessions.begin(user, "", "", 60_000)[0] for user in (ada, ben, ada)]
    expired, _ = store.sessions.begin(ben, "", "", -1)
    store.sessions.revoke(ada, sessions[0])
    store.users.change(ben, shows_reading=False)
    asked = [*sessions, expired, "none"]
    assert store.recent.shows_reading(asked) == {sessions[1]: False, sessions[2]: True}


def test_time_is_the_databases(database: Database, store: Store) -> None:
    before = store.recent.now()
    ada, ben = people(store, 2)
    [place] = stored(store.journal.commit([to_user(ada, ben)]))
    assert before <= place.at <= store.recent.now()
