"""The index behind the log: what is in it, what is taken out, and who brings it up to date."""

from __future__ import annotations

import gevent
import pytest
from flask import Flask
from sqlalchemy import Connection
from sqlalchemy import text as sql
from sqlalchemy.orm import Session

from app import services
from app.models import Conversation, Event
from app.store import Database, Store
from app.store.search.indexer import STEP_EVENTS, Indexer, Overtaken
from app.store.search.keeper import Keeper
from tests.support.log import at_once, body, people
from tests.support.said import edit, entries, find, recall, say, seqs
from tests.support.web import Account

PATIENCE = 10.0  # seconds


def indexed(database: Database, conversation: int) -> int:
    with database.read() as session:
        found = session.execute(
            sql("SELECT seq FROM search_place WHERE conversation_id = :key"), {"key": conversation}
        )
        return found.scalar() or 0


def never() -> None:
    raise AssertionError("the keeper died")


# -- what the index holds ------------------------------------------------------------------


def test_storing_a_message_writes_nothing_to_the_index(store: Store, database: Database) -> None:
    ada, bob = people(store, 2)
    conversation, _ = say(store, ada, bob, "tea")
    assert entries(database, conversation, 1) == indexed(database, conversation) == 0


def test_what_is_edited_or_recalled_leaves_the_index(store: Store, database: Database) -> None:
    ada, bob = people(store, 2)
    conversation, _ = say(store, ada, bob, "one two three", "one two three")
    find(store, ada, "one")
    full = entries(database, conversation, 1)
    assert full > 0
    edit(database, ada, conversation, 1, "one")
    find(store, ada, "one")
    assert 0 < entries(database, conversation, 1) < full
    edit(database, ada, conversation, 1, "one two three")
    find(store, ada, "one")
    assert entries(database, conversation, 1) == full
    recall(database, ada, conversation, 1)
    find(store, ada, "one")
    assert entries(database, conversation, 1) == 0
    assert entries(database, conversation, 2) == full
    edit(database, ada, conversation, 2, "two")
    recall(database, ada, conversation, 2)
    find(store, ada, "one")
    assert entries(database, conversation, 2) == 0


def test_what_is_said_edited_and_recalled_before_a_look_is_never_in_the_index(
    store: Store, database: Database
) -> None:
    ada, bob = people(store, 2)
    conversation, _ = say(store, ada, bob, "one", "stays")
    edit(database, ada, conversation, 1, "two")
    recall(database, ada, conversation, 1)
    assert seqs(find(store, ada, "stays")) == [2]
    assert entries(database, conversation, 1) == 0
    assert indexed(database, conversation) == 4


def forget(store: Store, database: Database, conversation: int, seq: int) -> None:
    """As retention does: take out of the index, then overwrite what was said."""

    def work(session: Session) -> None:
        store.indexer.forget(session, conversation, [seq])
        session.get_one(Event, (conversation, seq)).body = "{}"

    database.write(work)


@pytest.mark.parametrize("edited", [False, True])
@pytest.mark.parametrize("indexed_before", [False, True])
def test_what_is_forgotten_leaves_the_index_at_once(
    store: Store, database: Database, edited: bool, indexed_before: bool
) -> None:
    ada, bob = people(store, 2)
    conversation, _ = say(store, ada, bob, "tea", "tea stays")
    if edited:
        edit(database, ada, conversation, 1, "tea later")
    if indexed_before:
        find(store, ada, "tea")
    forget(store, database, conversation, 1)
    if edited:
        forget(store, database, conversation, 3)
    assert entries(database, conversation, 1) == 0
    recall(database, ada, conversation, 1)
    assert seqs(find(store, ada, "tea")) == [2]
    assert entries(database, conversation, 1) == 0


def test_what_is_forgotten_while_it_is_being_read_does_not_come_in(
    store: Store, database: Database
) -> None:
    ada, bob = people(store, 2)
    conversation, _ = say(store, ada, bob, "tea", "tea stays")
    [part] = store.indexer._read(store.indexer._heads([conversation]))
    forget(store, database, conversation, 1)
    with pytest.raises(Overtaken):
        database.append(lambda connection: store.indexer._write(connection, [part]))
    assert entries(database, conversation, 2) == indexed(database, conversation) == 0
    assert seqs(find(store, ada, "tea")) == [2]
    assert entries(database, conversation, 1) == 0


def test_what_is_forgotten_while_its_edit_is_being_read_does_not_come_back(
    store: Store, database: Database
) -> None:
    ada, bob = people(store, 2)
    conversation, _ = say(store, ada, bob, "tea", "tea stays")
    find(store, ada, "tea")
    edit(database, ada, conversation, 1, "tea later")
    [part] = store.indexer._read(store.indexer._heads([conversation]))
    forget(store, database, conversation, 1)
    with pytest.raises(Overtaken):
        database.append(lambda connection: store.indexer._write(connection, [part]))
    assert seqs(find(store, ada, "tea")) == [2]
    assert entries(database, conversation, 1) == 0
    assert entries(database, conversation, 2) > 0


def test_a_step_that_was_overtaken_has_not_happened(store: Store, database: Database) -> None:
    ada, bob = people(store, 2)
    conversation, _ = say(store, ada, bob, "tea", "tea")
    [stale] = store.indexer._read(store.indexer._heads([conversation]))
    edit(database, ada, conversation, 1, "coffee")
    find(store, ada, "tea")
    held = entries(database, conversation, 1)
    with pytest.raises(Overtaken):
        database.append(lambda connection: store.indexer._write(connection, [stale]))
    assert (entries(database, conversation, 1), indexed(database, conversation)) == (held, 3)
    assert seqs(find(store, ada, "coffee")) == [1]


@pytest.mark.parametrize("database", ["postgres"], indirect=True)
def test_indexers_at_once_index_everything_once(store: Store, database: Database) -> None:
    ada, bob, eve = people(store, 3)
    keys = [say(store, one, two, *["tea"] * 300)[0] for one, two in ((ada, bob), (bob, eve))]
    indexers = [Indexer(database) for _ in range(4)]
    at_once([
        lambda indexer=indexer, order=order: indexer.catch_up(order, 10_000)
        for indexer, order in zip(indexers, (keys, keys[::-1]) * 2, strict=True)
    ])
    assert store.indexer.catch_up(keys, 10_000)
    with database.read() as session:
        assert session.scalar(sql("SELECT count(*) FROM search")) == 600
    assert len(find(store, bob, "tea", 1000).results) == 600


@pytest.mark.parametrize("database", ["postgres"], indirect=True)
def test_a_message_does_not_wait_for_an_indexer_of_its_conversation(
    store: Store, database: Database
) -> None:
    ada, bob = people(store, 2)
    conversation, _ = say(store, ada, bob, "tea")
    parts = store.indexer._read(store.indexer._heads([conversation]))

    def meanwhile(connection: Connection) -> None:
        store.indexer._write(connection, parts)
        with gevent.Timeout(PATIENCE):
            say(store, ada, bob, "coffee")

    database.append(meanwhile)
    assert (indexed(database, conversation), seqs(find(store, ada, "coffee"))) == (1, [2])


def test_a_step_is_small_and_long_messages_make_it_smaller(store: Store) -> None:
    ada, bob = people(store, 2)
    conversation, _ = say(store, ada, bob, *["tea"] * (STEP_EVENTS + 10))
    assert store.indexer.step([conversation]) == (STEP_EVENTS, [conversation])
    assert store.indexer.step([conversation]) == (10, [])
    assert store.indexer.step([conversation]) == (0, [])
    say(store, ada, bob, *["x" * 9000] * 9)
    events, left = store.indexer.step([conversation])
    assert 1 <= events < 9
    assert left == [conversation]


def test_bodies_that_are_no_messages_are_passed_over(store: Store, database: Database) -> None:
    ada, bob = people(store, 2)
    conversation, _ = say(store, ada, bob, "tea")

    def work(session: Session) -> None:
        log = session.get_one(Conversation, conversation)
        for kind, content in (
            ("edit", "{}"), ("edit", '{"seq":"x"}'), ("recall", "[]"), ("recall", '{"seq":99}'),
            ("edit", '{"seq":2,"message":{"content":"tea"}}'), ("message", "no JSON"),
            ("message", '{"content":5}'), ("group", body("tea")), ("message", body("tea")),
        ):
            log.last_seq += 1
            session.add(Event(
                conversation_id=conversation, seq=log.last_seq, type=kind, sender_id=ada,
                at=log.last_at, body=content,
            ))

    database.write(work)
    found = find(store, ada, "tea")
    assert (seqs(found), found.complete) == ([10, 1], True)


# -- the keeper ----------------------------------------------------------------------------


def wait_until(database: Database, conversation: int, seq: int) -> None:
    with gevent.Timeout(PATIENCE):
        while indexed(database, conversation) < seq:
            gevent.sleep(0.02)


def test_the_index_follows_by_itself_what_is_sent(app: Flask, ada: Account, ben: Account) -> None:
    found = services.of(app)
    chat = ada.post("/v2/conversations", user=ben.id).json["id"]
    for number in range(3):
        message = {"media": "text", "content": "tea"}
        ada.post(f"/v2/conversations/{chat}/messages", ref=str(number), message=message)
    wait_until(found.store.database, chat, 3)
    group = ada.post("/v2/groups", name="walkers", members=[ben.id]).json["id"]
    wait_until(found.store.database, group, 1)  # an act is heard of, too


def test_what_a_crash_left_behind_is_found_after_the_start(
    store: Store, database: Database
) -> None:
    ada, bob, eve = people(store, 3)
    old, _ = say(store, ada, bob, "tea")
    keeper = Keeper(Indexer(database), on_death=never)  # of the process that comes after the crash
    new, _ = say(store, ada, eve, "tea")
    keeper.note([new])
    wait_until(database, old, 1)
    wait_until(database, new, 1)


def test_switched_off_the_index_is_emptied_and_switched_on_it_comes_back(
    store: Store, database: Database
) -> None:
    ada, bob = people(store, 2)
    conversation, _ = say(store, ada, bob, "tea")
    assert seqs(find(store, ada, "tea")) == [1]
    off = Keeper(Indexer(database), enabled=False, on_death=never)
    off.note([conversation])
    with gevent.Timeout(PATIENCE):
        while indexed(database, conversation):
            gevent.sleep(0.02)
    assert entries(database, conversation, 1) == 0
    assert seqs(find(store, ada, "tea")) == [1]
    assert entries(database, conversation, 1) > 0


def test_a_keeper_that_fails_goes_on(store: Store, database: Database) -> None:
    ada, bob = people(store, 2)
    conversation, _ = say(store, ada, bob, "tea")

    class Broken(Indexer):
        failures = 0

        def step(self, conversations: object, most: object = None) -> tuple[int, list[int]]:
            Broken.failures += 1
            raise OSError("no space")

    keeper = Keeper(Broken(database), on_death=never)
    keeper.note([conversation])
    with gevent.Timeout(PATIENCE):
        while not Broken.failures:
            gevent.sleep(0.02)
    assert keeper._greenlet is not None
    assert not keeper._greenlet.dead
    keeper._greenlet.kill()
