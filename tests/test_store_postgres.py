"""Committers on one PostgreSQL: dense and once, without deadlock, in threads and servers."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import Connection, insert, text

from app.errors import HiChatError, NameTaken, Unavailable, UnknownUser
from app.models import Conversation, User
from app.models.message import GROUP, PRIVATE
from app.store import Database, Store
from app.store.clock import POSTGRESQL
from app.store.database import RETRIES, Failed
from app.store.log.batch import Batch
from app.store.log.items import Draft, Mark, Marked, Result, Stored
from tests.support.client import Person
from tests.support.log import at_once, contents, into, log, people, stored, to_user
from tests.support.postgres import new_database
from tests.support.server import Server

COMMITTERS = 6
ROUNDS = 20

pytestmark = pytest.mark.parametrize("database", ["postgres"], indirect=True)


def _commit(database: Database, batches: list[list[Draft | Mark]]) -> list[Result]:
    """One committer with a memory of its own, as in a process of its own."""
    journal = Store(database).journal
    return [result for batch in batches for result in journal.commit(batch)]


def test_committers_on_one_conversation_leave_no_gap(store: Store) -> None:
    alice, bob = people(store, 2)
    results = at_once(
        partial(_commit, store.database, [
            [to_user(alice, bob), to_user(bob, alice), to_user(alice, bob)] for _ in range(ROUNDS)
        ])
        for _ in range(COMMITTERS)
    )
    places = [stored(found) for found in results]
    for found in places:
        assert [place.seq for place in found] == sorted(place.seq for place in found)
    everything = sorted(place.seq for found in places for place in found)
    assert everything == list(range(1, COMMITTERS * ROUNDS * 3 + 1))
    entries = log(store, alice, places[0][0].conversation)
    assert [entry.seq for entry in entries] == everything
    assert [entry.at for entry in entries] == sorted(entry.at for entry in entries)


def test_committers_on_many_conversations_in_any_order_do_not_block_each_other(
    store: Store,
) -> None:
    alice, *others = people(store, 9)
    batches = []
    for seed in range(COMMITTERS):
        rng = random.Random(seed)
        batches.append([
            [to_user(alice, other) for other in rng.sample(others, len(others))]
            for _ in range(ROUNDS)
        ])
    at_once(partial(_commit, store.database, list(found)) for found in batches)
    for other in others:
        conversation, _ = store.conversations.open_private(alice, other)
        seqs = [entry.seq for entry in log(store, other, conversation)]
        assert seqs == list(range(1, COMMITTERS * ROUNDS + 1))


def test_a_message_that_comes_to_several_committers_at_once_is_stored_once(store: Store) -> None:
    alice, bob = people(store, 2)
    drafts = [to_user(alice, bob, str(n)) for n in range(ROUNDS)]
    results = at_once(
        partial(_commit, store.database, [[draft] for draft in drafts]) for _ in range(COMMITTERS)
    )
    for copies in zip(*map(stored, results), strict=True):
        assert len({(place.conversation, place.seq, place.at) for place in copies}) == 1
        assert sum(place.fresh for place in copies) == 1
    assert len(log(store, bob, stored(results[0])[0].conversation)) == ROUNDS


def test_refs_that_cross_in_two_conversations_end_in_one_place_each(store: Store) -> None:
    alice, bob, carol = people(store, 3)
    one, _ = store.conversations.open_private(alice, bob)
    two, _ = store.conversations.open_private(alice, carol)
    refs = [f"ref-{n}" for n in range(50)]
    ways = [(one, refs), (two, refs[::-1])]
    results = at_once(
        partial(_commit, store.database, [[into(alice, key, ref=ref) for ref in order]])
        for key, order in ways
    )
    by_ref: dict[str, list[Result]] = {ref: [] for ref in refs}
    for (_, order), found in zip(ways, results, strict=True):
        for ref, result in zip(order, found, strict=True):
            by_ref[ref].append(result)
    for found in by_ref.values():
        assert sorted(type(result).__name__ for result in found) == ["RefConflict", "Stored"]
    assert len(log(store, alice, one)) + len(log(store, alice, two)) == len(refs)


def test_a_conversation_that_several_open_at_once_exists_once(store: Store) -> None:
    for _ in range(ROUNDS):
        alice, bob = people(store, 2)
        asked = [
            partial(Store(store.database).conversations.open_private, alice, bob),
            partial(Store(store.database).conversations.open_private, bob, alice),
        ] * 3
        found = at_once(asked)
        assert len({conversation for conversation, _ in found}) == 1
        assert sum(new for _, new in found) == 1


def test_a_conversation_that_several_first_messages_open_at_once_exists_once(
    store: Store,
) -> None:
    for _ in range(ROUNDS):
        alice, bob = people(store, 2)
        results = at_once(
            partial(_commit, store.database, [[to_user(alice, bob)]]) for _ in range(COMMITTERS)
        )
        places = [place for found in results for place in stored(found)]
        assert len({place.conversation for place in places}) == 1
        assert sorted(place.seq for place in places) == list(range(1, COMMITTERS + 1))


def test_a_cursor_that_several_move_at_once_ends_at_the_highest(store: Store) -> None:
    alice, bob = people(store, 2)
    key = stored(store.journal.commit([to_user(alice, bob) for _ in range(60)]))[0].conversation
    results = at_once(
        partial(_commit, store.database, [[Mark(bob, key, seq)] for seq in range(start, 61, 6)])
        for start in range(1, 7)
    )
    for found in results:
        seqs = [item.seq for item in found if isinstance(item, Marked)]
        assert len(seqs) == 10 and seqs == sorted(seqs)
    assert [head[:5] for head in store.conversations.heads(bob, 1)] == [(key, PRIVATE, 60, 60, 0)]


def test_a_name_that_several_want_at_once_goes_to_one(store: Store) -> None:
    def want() -> User | HiChatError:
        try:
            return store.users.create("ada", "hash")
        except HiChatError as error:
            return error

    found = at_once([want] * COMMITTERS)
    assert sum(isinstance(item, User) for item in found) == 1
    assert sum(isinstance(item, NameTaken) for item in found) == COMMITTERS - 1


def test_a_batch_that_a_deadlock_rolled_back_is_stored_once_when_it_runs_again(
    store: Store,
) -> None:
    alice, carol, dora = people(store, 3)
    batch = [to_user(alice, carol, "one"), to_user(alice, dora, "two")]
    with store.database.engine.connect() as rival, ThreadPoolExecutor(1) as pool:
        _insert_pair(rival, alice, dora)
        committing = pool.submit(store.journal.commit, batch)
        _wait_for_a_lock(store.database)  # it has opened the first, and waits for the second
        _insert_pair(rival, alice, carol)  # closes the circle: the one who waited first gives way
        rival.rollback()
        places = stored(committing.result())
    assert [(place.seq, place.fresh) for place in places] == [(1, True), (1, True)]
    for user, place, content in ((carol, places[0], "one"), (dora, places[1], "two")):
        assert contents(log(store, user, place.conversation)) == [content]
        later, = stored(store.journal.commit([to_user(user, alice)]))
        assert (later.conversation, later.seq) == (place.conversation, 2)


_CONFLICT = text("DO $$ BEGIN RAISE serialization_failure; END $$")


@pytest.mark.parametrize("conflicts", range(RETRIES + 2))
def test_what_postgresql_cannot_put_into_an_order_runs_again_and_not_for_ever(
    store: Store, conflicts: int
) -> None:
    """Whatever it had done before is undone each time; behind the last try it is refused."""
    runs = 0

    def work(connection: Connection) -> int:
        nonlocal runs
        runs += 1
        connection.execute(insert(Conversation).values(
            kind=GROUP, last_seq=0, last_at=0, created_at=0
        ))
        if runs <= conflicts:
            connection.execute(_CONFLICT)
        return runs

    if conflicts < RETRIES:
        assert store.database.append(work) == conflicts + 1
    else:
        with pytest.raises(Failed):
            store.database.append(work)
    assert runs == min(conflicts + 1, RETRIES)
    kept = store.database.rows("SELECT count(*) FROM conversation")
    assert kept == [(int(conflicts < RETRIES),)]


def test_a_batch_that_cannot_be_put_into_an_order_is_refused_and_the_next_one_stored(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, bob = people(store, 2)
    writes = Batch.writes
    monkeypatch.setattr(Batch, "writes", lambda self: self.connection.execute(_CONFLICT))
    refused, = store.journal.commit([to_user(alice, bob, ref="r")])
    assert isinstance(refused, Unavailable) and refused.retry
    monkeypatch.setattr(Batch, "writes", writes)
    place, = stored(store.journal.commit([to_user(alice, bob, ref="r")]))
    assert (place.seq, place.fresh) == (1, True)


def _insert_pair(connection: Connection, low: int, high: int) -> None:
    connection.execute(insert(Conversation).values(
        kind=PRIVATE, low_id=low, high_id=high, last_seq=0, last_at=0, created_at=0
    ))


def _wait_for_a_lock(database: Database) -> None:
    """Wait until a transaction of this database waits for another one."""
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    with database.engine.connect() as connection:
        while not connection.scalar(waiting):
            connection.rollback()  # a new look


def test_the_time_of_an_event_is_the_databases_whatever_the_clock_of_this_host_says(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.store.clock.time", SimpleNamespace(time_ns=lambda: 0))
    clock = f"SELECT {POSTGRESQL}"
    [(before,)] = store.database.rows(clock)
    alice, bob = people(store, 2)
    first, = stored(store.journal.commit([to_user(alice, bob)]))
    again, = stored(store.journal.commit([into(bob, first.conversation)]))
    act = store.changes.react(alice, first.conversation, 1, "r", "👍", True)
    group = store.groups.create(alice, "team", [bob])
    [(after,)] = store.database.rows(clock)
    times = [before, first.at, again.at, act.entry.at, group.entry.at, after]
    assert times == sorted(times)


@pytest.mark.parametrize("ended", [False, True])
def test_whoever_waits_for_a_connection_that_is_cut_is_refused_and_the_next_one_works(
    database: Database, ended: bool
) -> None:
    sleeping = "SELECT pid FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(600)'"
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(database.rows, "SELECT pg_sleep(600)")
        while not (found := database.rows(sleeping)):
            pass
        if ended:  # in the same moment, by PostgreSQL
            database.rows("SELECT pg_terminate_backend(?::int)", found[0][0])
        database._watch.cut(float("inf"))
        with pytest.raises(Unavailable):
            waiting.result(timeout=60)
    assert database.rows("SELECT 1") == [(1,)]


def test_an_account_that_is_deleted_amid_its_messages_gets_no_more_of_them(store: Store) -> None:
    alice, bob = people(store, 2)
    key, _ = store.conversations.open_private(alice, bob)
    writing = [
        partial(_commit, store.database, [
            [to_user(alice, bob), into(alice, key), Mark(alice, key, 0)] for _ in range(ROUNDS)
        ])
        for _ in range(COMMITTERS)
    ]
    *results, _ = at_once([*writing, lambda: store.users.delete(bob) or []])
    places = [item for found in results for item in found if isinstance(item, Stored)]
    assert [entry.seq for entry in log(store, alice, key)] == list(range(1, len(places) + 1))
    for found in results:
        kinds = [type(item) for item in found if not isinstance(item, Marked)]
        assert kinds == sorted(kinds, key=[Stored, UnknownUser].index)
    assert isinstance(store.journal.commit([into(alice, key)])[0], UnknownUser)


def test_two_servers_on_one_database_keep_one_dense_log(
    database: Database, postgres_url: str, tmp_path: Path
) -> None:
    with new_database(postgres_url) as url:
        servers = [
            Server(tmp_path, HICHAT_DATABASE_URL=url, HICHAT_SECRET_KEY="Zx9" * 5 + "abcdefgh" * 4)
            for _ in range(2)
        ]
        servers[0].prepare()
        try:
            for server in servers:
                server.start()
            alice, bob = Person(servers[0]), Person(servers[1])
            with alice.device() as a, bob.device() as b:
                talks = at_once([
                    lambda: [a.text(f"a{n}", bob.id) for n in range(50)],
                    lambda: [b.text(f"b{n}", alice.id) for n in range(50)],
                ])
                conversation = talks[0][0]["conversation"]
                logs = [device.sync(**{f"c{conversation}": 0}) for device in (a, b)]
        finally:
            for server in servers:
                if server.process is not None:
                    server.kill()
    acks = sorted(ack["seq"] for talk in talks for ack in talk)
    assert acks == [event["seq"] for event in logs[0]] == list(range(1, 101))
    assert logs[0] == logs[1]

