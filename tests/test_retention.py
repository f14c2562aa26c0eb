"""Retention: old content goes, seqs and refs stay; on both databases, and in a running server."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import Any

import pytest
from sqlalchemy import func, insert, select, update

from app import services
from app.errors import RefConflict
from app.models import Conversation, Event, Mention, Reaction
from app.store import Database, Store
from app.store.changes.retention import _DUE, DAY_MS, EVENTS_AT_ONCE
from app.store.clock import now_ms
from app.store.log.items import EXPIRED, Stored
from app.store.media.erasure import erase
from tests.support.application import beside
from tests.support.chat import text
from tests.support.client import PATIENCE, Person
from tests.support.log import into, log, people, stored, to_user
from tests.support.seed import contents, history
from tests.support.server import ROOT, Server
from tests.support.statements import plan
from tests.support.web import Account


def age(database: Database, conversation: int, last: int, days: float) -> None:
    """Make the events up to `last` older."""
    at = now_ms() - int(days * DAY_MS)
    database.write(lambda session: session.execute(
        update(Event).where(Event.conversation_id == conversation, Event.seq <= last)
        .values(at=at)
    ) and None)


@pytest.fixture
def chat(store: Store) -> tuple[int, int, int]:
    """Two users and their conversation of 1,200 messages, the first 1,100 of them old."""
    ada, ben = people(store, 2)
    drafts = [to_user(ada, ben, f"secret {n}", ref=f"r{n}") for n in range(1, 1201)]
    places = stored(store.journal.commit(drafts))
    age(store.database, places[0].conversation, 1100, 31)
    return ada, ben, places[0].conversation


def test_what_is_old_is_forgotten_and_the_rest_is_not(
    store: Store, chat: tuple[int, int, int]
) -> None:
    _, ben, conversation = chat
    assert store.retention.forget_older(32) == 0
    assert store.retention.forget_older(30) == 1100
    entries = log(store, ben, conversation)
    assert [entry.seq for entry in entries] == list(range(1, 1201))
    assert {entry.type for entry in entries} == {"message"}
    assert {entry.body for entry in entries[:1100]} == {EXPIRED}
    assert json.loads(entries[1100].body)["content"] == "secret 1101"
    assert store.retention.forget_older(30) == 0
    with store.database.read() as session:
        assert session.get_one(Conversation, conversation).expired_seq == 1100


def test_a_repeat_of_what_was_forgotten_gets_its_place(
    store: Store, chat: tuple[int, int, int]
) -> None:
    ada, ben, conversation = chat
    store.retention.forget_older(30)
    results = store.journal.commit([
        to_user(ada, ben, "secret 7", ref="r7"), into(ada, conversation, "secret 8", ref="r8"),
        to_user(ada, ben, "other", ref="r1200"),
    ])
    assert [item.seq for item in results[:2] if isinstance(item, Stored)] == [7, 8]
    assert isinstance(results[2], RefConflict)
    assert len(log(store, ben, conversation)) == 1200


def test_what_was_put_to_a_message_goes_with_it(
    database: Database, store: Store, chat: tuple[int, int, int]
) -> None:
    _, ben, conversation = chat

    def work(session: Any) -> None:
        session.execute(insert(Reaction), [
            {"conversation_id": conversation, "seq": seq, "emoji": "👍", "user_id": ben}
            for seq in (1, 1100, 1101)
        ])
        session.execute(insert(Mention), [
            {"conversation_id": conversation, "seq": seq, "user_id": user}
            for seq in (2, 1100, 1200) for user in (0, ben)
        ])
        session.execute(
            update(Event).where(Event.conversation_id == conversation, Event.seq.in_((3, 1150)))
            .values(revised='{"media":"text","content":"edited"}')
        )

    database.write(work)
    store.retention.forget_older(30)
    with database.read() as session:
        assert session.scalars(select(Reaction.seq)).all() == [1101]
        assert set(session.scalars(select(Mention.seq))) == {1200}
        revised = session.scalars(select(Event.seq).where(Event.revised.is_not(None))).all()
        assert revised == [1150]


def test_other_conversations_and_what_says_who_did_what_stay(store: Store) -> None:
    ada, ben, eve = people(store, 3)
    created = store.groups.create(ada, "walkers", [ben])
    group = created.entry.conversation_id
    stored(store.journal.commit([into(ada, group, "secret")]))
    store.contacts.ask(ada, eve, "hello")
    asked = store.contacts.ask(ada, ben)
    own = asked.told[0].entry.conversation_id
    [kept] = stored(store.journal.commit([to_user(ada, eve, "new")]))
    for conversation in (group, own):
        age(store.database, conversation, 10, 2)
    assert store.retention.forget_older(1) == 4
    bodies = [entry.body for entry in log(store, ben, group)]
    assert "walkers" in bodies[0] and bodies[1] == EXPIRED
    assert all("asking" in entry.body for entry in log(store, ada, own))
    assert "new" in log(store, eve, kept.conversation)[0].body


def test_each_transaction_forgets_only_some(store: Store, chat: tuple[int, int, int]) -> None:
    before = now_ms() - 30 * DAY_MS
    steps = [store.retention._forget_some(chat[2], before) for _ in range(4)]
    assert steps == [EVENTS_AT_ONCE, EVENTS_AT_ONCE, 1100 - 2 * EVENTS_AT_ONCE, 0]


def test_a_single_message_can_be_erased(store: Store, chat: tuple[int, int, int]) -> None:
    _, ben, conversation = chat
    store.database.write(lambda session: erase(
        session.connection(), conversation, [1105], EXPIRED
    ))
    bodies = [entry.body for entry in log(store, ben, conversation)]
    assert [seq for seq, body in enumerate(bodies, 1) if body == EXPIRED] == [1105]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_pass_reads_neither_all_events_nor_all_conversations_at_once(
    database: Database, store: Store
) -> None:
    steps = plan(database, _DUE, (0, 1000, 5))
    assert len(steps) == 2 and all(step.startswith("SEARCH") for step in steps), steps


def test_by_default_everything_is_kept(ada: Account) -> None:
    answer = ada.client.application.test_cli_runner().invoke(args=["hichat", "forget"])
    assert "is 0" in answer.output


def old_server(own_server: Server) -> tuple[Person, Person, int]:
    """A server with a conversation of two old messages and a new one; stopped."""
    own_server.start()
    alice, bob = Person(own_server), Person(own_server)
    conversation = alice.post("/v2/conversations", user=bob.id).json()["id"]
    for number in range(3):
        path = f"/v2/conversations/{conversation}/messages"
        assert alice.post(path, ref=f"r{number}", message=text(f"secret {number}")).ok
    own_server.terminate()
    with beside(own_server) as app:
        age(services.of(app).store.database, conversation, 2, 2)
    return alice, bob, conversation


def test_a_running_server_forgets_by_itself(own_server: Server) -> None:
    alice, bob, conversation = old_server(own_server)
    own_server.environ["HICHAT_RETENTION_DAYS"] = "1"
    own_server.start()
    deadline = time.monotonic() + PATIENCE
    while (found := bob.history(conversation))[1]["message"] != {"expired": True}:
        assert time.monotonic() < deadline, found
    assert [event["message"] for event in found] == [
        {"expired": True}, {"expired": True}, text("secret 2"),
    ]
    with bob.device() as device:
        assert device.sync(**{f"c{conversation}": 0}) == found
    [line] = bob.get("/v2/conversations")["conversations"]
    assert line["last_event"]["message"] == text("secret 2")
    assert contents(history(bob, alice.id, 0, 10, isRev="true")) == ["secret 2"]


def test_the_command_forgets_at_once(own_server: Server) -> None:
    old_server(own_server)
    own_server.environ["HICHAT_RETENTION_DAYS"] = "1"
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "hichat", "forget"]
    done = subprocess.run(
        command, cwd=ROOT, env=own_server.environ, check=True, capture_output=True, text=True
    )
    assert "2 events are forgotten." in done.stdout
    with beside(own_server) as app, services.of(app).store.database.read() as session:
        assert session.scalar(
            select(func.count()).select_from(Event).where(Event.body.contains("secret"))
        ) == 1


def test_the_count_of_all_events_stays(store: Store, chat: tuple[int, int, int]) -> None:
    store.retention.forget_older(1)
    with store.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Event)) == 1200
