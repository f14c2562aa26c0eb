"""Whom a message mentions, and what it replies to: checked and kept in the batch that stores it."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from sqlalchemy import select

from app.models import Member, Mention
from app.models.message import ADMIN
from app.store import Database, Store
from app.store.log.items import EVERYBODY, Draft
from tests.support.chat import collect, text
from tests.support.client import Person
from tests.support.log import body, into, people, stored, to_user
from tests.support.web import Account, problem

LIST = "/v2/conversations"


def mention(sender: int, key: int, *users: int) -> Draft:
    return Draft(sender, uuid.uuid4().hex, body("hey"), conversation=key, mentions=users)


def rows(store: Store) -> list[tuple[int, int, int]]:
    with store.database.read() as session:
        return sorted(
            (row.conversation_id, row.user_id, row.seq)
            for row in session.scalars(select(Mention))
        )


def codes(results: list[Any]) -> list[str]:
    return [getattr(result, "code", "stored") for result in results]


def test_a_mention_is_a_row_for_each_user_in_the_transaction_of_the_message(store: Store) -> None:
    owner, bob, carol, stranger = people(store, 4)
    key = store.groups.create(owner, "walkers", [bob, carol]).entry.conversation_id
    results = store.journal.commit([
        mention(bob, key, owner, carol), into(bob, key), mention(owner, key, EVERYBODY, bob),
        mention(bob, key, EVERYBODY), mention(bob, key, stranger), mention(stranger, key, bob),
        mention(bob, key, bob, 2**52),
    ])
    assert codes(results) == [
        "stored", "stored", "stored", "forbidden", "bad_request", "not_a_member", "bad_request",
    ]
    assert rows(store) == sorted([
        (key, owner, 2), (key, carol, 2), (key, EVERYBODY, 4), (key, bob, 4),
    ])


def test_an_admin_mentions_everybody(store: Store) -> None:
    owner, bob = people(store, 2)
    key = store.groups.create(owner, "walkers", [bob]).entry.conversation_id

    def promote(session: Any) -> None:
        session.get_one(Member, (key, bob)).role = ADMIN

    store.database.write(promote)
    stored(store.journal.commit([mention(bob, key, EVERYBODY)]))
    assert rows(store) == [(key, EVERYBODY, 2)]


def test_the_first_message_of_a_private_chat_may_mention_its_two_users_only(store: Store) -> None:
    one, two, three = people(store, 3)
    drafts = [to_user(one, two), to_user(one, two), to_user(one, two)]
    for draft, users in zip(drafts, ((two, one), (three,), (EVERYBODY,)), strict=True):
        draft.mentions = users
    first, *refused = store.journal.commit(drafts)
    [place] = stored([first])
    assert codes(refused) == ["bad_request", "forbidden"]
    assert rows(store) == sorted([(place.conversation, one, 1), (place.conversation, two, 1)])


def test_a_repeated_mention_is_kept_once(store: Store) -> None:
    one, two = people(store, 2)
    draft = to_user(one, two)
    draft.mentions = (two, two)
    for _ in range(2):
        stored(store.journal.commit([draft, draft]))
    assert len(rows(store)) == 1


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_who_mentions_nobody_and_replies_to_nothing_pays_nothing(
    database: Database, store: Store
) -> None:
    one, two = people(store, 2)
    key = store.groups.create(one, "walkers", [two]).entry.conversation_id
    seen: list[str] = []
    connection = database._writer.raw_connection()
    connection.driver_connection.set_trace_callback(seen.append)

    def cost(*drafts: Draft) -> int:
        seen.clear()
        stored(store.journal.commit(drafts))
        return len([text for text in seen if text.lstrip().startswith(("SELECT", "INSERT"))])

    stored(store.journal.commit([to_user(one, two)]))
    assert cost(to_user(one, two)) == 2  # lock, insert
    assert cost(into(one, key)) == 3  # and the seat
    assert cost(mention(one, key, two)) == 4  # the seats are read by the same statement
    reply = into_reply(one, key, 2)
    assert cost(reply, into(one, key), into_reply(one, key, 3)) == 6  # one, however many reply


def into_reply(sender: int, key: int, seq: int) -> Draft:
    return Draft(sender, uuid.uuid4().hex, body("re"), seq, key)


def test_a_reply_is_to_a_message_of_the_same_conversation(store: Store) -> None:
    one, two, three = people(store, 3)
    first, = stored(store.journal.commit([to_user(one, two)]))
    store.journal.commit([to_user(one, three) for _ in range(5)])
    key = first.conversation
    store.changes.pin(one, key, 1, "p", True)  # 2: an event that is no message
    replies = [into(two, key) for _ in range(5)]
    for draft, seq in zip(replies, (1, 2, 3, 4, 5), strict=True):
        draft.reply_to = seq
    assert codes(store.journal.commit(replies)) == [
        "stored", "bad_request", "stored", "stored", "stored",
    ]
    late = into(two, key)
    late.reply_to = 7
    assert codes(store.journal.commit([late])) == ["bad_request"]


def test_mentions_reach_the_devices_with_the_message(alice: Person, bob: Person) -> None:
    made = alice.post("/v2/groups", name="walkers", members=[bob.id]).json()
    with alice.device() as hers, bob.device() as his:
        for extra in ({"mentions": [bob.id, bob.id]}, {"mention_all": True}):
            said = text("@", **extra)
            hers.send(op="send", ref=str(extra), conversation=made["id"], message=said)
            assert hers.receive()["op"] == "ack"
            assert collect(his, 1, "event")[0]["message"] == said
        his.send(op="send", ref="r", conversation=made["id"], message=text("@", mention_all=True))
        assert his.receive()["code"] == "forbidden"


@pytest.mark.parametrize(("extra", "status", "code"), [
    ({"mentions": [0]}, 400, "bad_request"), ({"mentions": [-1]}, 400, "bad_request"),
    ({"mentions": ["1"]}, 400, "bad_request"), ({"mentions": [10**9]}, 400, "bad_request"),
    ({"mentions": list(range(1, 52))}, 400, "bad_request"), ({"mentions": 1}, 400, "bad_request"),
    ({"mention_all": True}, 403, "forbidden"), ({"mention_all": 1}, 400, "bad_request"),
    ({"edited_at": 1}, 400, "bad_request"), ({"edited_seq": 1}, 400, "bad_request"),
    ({"forwarded": {"sender": 1, "at": 1}}, 400, "bad_request"),
])
def test_what_may_not_be_said_is_refused(
    ada: Account, ben: Account, extra: dict[str, Any], status: int, code: str
) -> None:
    path = f"{LIST}/{ada.post(LIST, user=ben.id).json['id']}"
    answer = ada.post(f"{path}/messages", ref="r", message=text("@", **extra))
    problem(answer, status, code)
    assert json.loads(ben.get(f"{path}/events").text)["events"] == []
