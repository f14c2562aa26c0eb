"""The list of conversations: what is unread and stands last in each, at a constant cost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import insert, text

from app import services
from app.models import Mention, Removal
from app.store import Database, Store
from app.store.conversations.summaries import COUNTED, PASSED, WALK, Summary
from app.store.log.items import Mark
from tests.support.application import application
from tests.support.log import into, people, stored, to_user
from tests.support.statements import plan, queries, traced
from tests.support.web import Account, person, problem

GROWING = (  # tables, and what statements call them
    "event", "member", "conversation", "user", "mention", "contact", "chat_group",
    "me", "them", "theirs", "mine", "partner", "final", "said", "removal",
)
LIST = "/v2/conversations"


def line(store: Store, user: int, conversation: int) -> Summary:
    return store.conversations.get(user, conversation)


def say(store: Store, sender: int, conversation: int, count: int = 1) -> None:
    stored(store.journal.commit([into(sender, conversation) for _ in range(count)]))


def mark(store: Store, user: int, conversation: int, seq: int) -> None:
    store.journal.commit([Mark(user, conversation, seq)])


def group_of(store: Store, *users: int, open_history: bool = False) -> int:
    told = store.groups.create(users[0], "walkers", list(users[1:]), open_history)
    return told.entry.conversation_id


def name_in(database: Database, conversation: int, seq: int, *users: int) -> None:
    database.write(lambda session: session.execute(insert(Mention), [
        {"conversation_id": conversation, "user_id": user, "seq": seq} for user in users
    ]))


def test_what_others_wrote_behind_the_cursor_is_unread(store: Store) -> None:
    ada, ben = people(store, 2)
    [place] = stored(store.journal.commit([to_user(ada, ben)]))
    key = place.conversation
    say(store, ada, key, 2)
    say(store, ben, key)
    assert (line(store, ben, key).unread, line(store, ada, key).unread) == (3, 1)
    mark(store, ben, key, 2)
    assert line(store, ben, key).unread == 1
    mark(store, ben, key, 4)
    assert line(store, ben, key).unread == 0


def test_other_events_are_not_unread(store: Store) -> None:
    ada, ben = people(store, 2)
    group = group_of(store, ada, ben)
    assert (line(store, ben, group).unread, line(store, ben, group).last_seq) == (0, 1)
    say(store, ada, group)
    assert line(store, ben, group).unread == 1


@pytest.mark.parametrize(("open_history", "first"), [(False, 3), (True, 1)])
def test_what_was_said_before_one_came_is_not_unread(
    database: Database, store: Store, open_history: bool, first: int
) -> None:
    ada, ben = people(store, 2)
    group = group_of(store, ada, open_history=open_history)
    say(store, ada, group)
    database.write(lambda session: session.execute(text(
        "INSERT INTO member (conversation_id, user_id, read_seq, joined_seq)"
        f" VALUES ({group}, {ben}, 2, 2)"
    )))
    found = line(store, ben, group)
    assert (found.unread, found.joined_seq + 1) == (0, first)
    assert (found.last is None, found.message is None) == (not open_history, not open_history)
    say(store, ada, group)
    found = line(store, ben, group)
    assert found.unread == 1
    assert found.message is not None and found.message.seq == 3


def test_unread_is_counted_up_to_999_and_no_further(store: Store) -> None:
    ada, ben = people(store, 2)
    group = group_of(store, ada, ben)
    say(store, ada, group, COUNTED)
    assert line(store, ben, group).unread == COUNTED
    say(store, ada, group, 50)
    assert line(store, ben, group).unread == COUNTED == 999
    say(store, ben, group, WALK - 100)  # looked at, and not counted
    assert line(store, ben, group).unread == 100


def test_much_that_is_unread_is_counted_for_every_conversation(store: Store) -> None:
    ada, *others = people(store, 7)
    drafts = [to_user(other, ada) for other in others for _ in range(600)]
    stored(store.journal.commit(drafts))
    found = store.conversations.listed(ada, 50)
    assert [summary.unread for summary in found] == [600] * 6
    assert [summary.unread for summary in store.conversations.listed(ada, 2)] == [600] * 2


def test_mentions_are_of_the_reader_or_of_everybody_and_not_ones_own(
    database: Database, store: Store
) -> None:
    ada, ben, eve = people(store, 3)
    group = group_of(store, ada, ben, eve)
    say(store, ada, group, 4)  # seqs 2 to 5
    name_in(database, group, 2, ben)
    name_in(database, group, 3, 0)
    name_in(database, group, 4, 0, ben)  # one message: counted once
    name_in(database, group, 5, eve)
    assert [line(store, user, group).mentions for user in (ada, ben, eve)] == [0, 3, 3]
    mark(store, ben, group, 3)
    assert line(store, ben, group).mentions == 1
    mark(store, ben, group, 5)
    assert line(store, ben, group).mentions == 0


def test_the_last_message_is_found_behind_other_events(database: Database, store: Store) -> None:
    ada, ben = people(store, 2)
    group = group_of(store, ada, ben)
    assert line(store, ben, group).message is None
    say(store, ada, group)
    database.write(lambda session: session.execute(text(
        "INSERT INTO event (conversation_id, seq, type, sender_id, at, body)"
        f" VALUES ({group}, 3, 'group', {ada}, 1, '{{}}')"
    )))
    database.write(lambda session: session.execute(text(
        f"UPDATE conversation SET last_seq = 3 WHERE id = {group}"
    )))
    found = line(store, ben, group)
    assert found.last is not None and found.last.seq == 3
    assert found.message is not None and (found.message.seq, found.message.type) == (2, "message")
    say(store, ben, group)
    assert line(store, ben, group).message == line(store, ben, group).last


def test_what_the_reader_has_removed_is_neither_unread_nor_the_last_message(
    database: Database, store: Store
) -> None:
    ada, ben = people(store, 2)
    [place] = stored(store.journal.commit([to_user(ada, ben, "1")]))
    key = place.conversation
    say(store, ada, key, 4)
    name_in(database, key, 4, ben)
    name_in(database, key, 5, ben)
    assert (line(store, ben, key).unread, line(store, ben, key).mentions) == (5, 2)
    store.removals.remove(ben, key, [3, 5], "x")
    found, others = line(store, ben, key), line(store, ada, key)
    assert (found.unread, found.mentions) == (3, 1)
    assert found.message is not None and (found.message.seq, found.message.removed) == (4, False)
    assert found.last is not None and (found.last.seq, found.last.removed) == (5, True)
    assert others.message is not None and others.message.seq == 5
    store.removals.remove(ben, key, [1, 2, 4], "y")
    assert (line(store, ben, key).unread, line(store, ben, key).message) == (0, None)
    say(store, ada, key)
    assert line(store, ben, key).unread == 1
    group = group_of(store, ada, ben)
    say(store, ada, group, PASSED + 1)
    database.write(lambda session: session.execute(insert(Removal), [
        {"user_id": ben, "conversation_id": group, "seq": seq} for seq in range(3, PASSED + 3)
    ]))
    at_the_bound = line(store, ben, group)
    assert at_the_bound.unread == 1
    assert at_the_bound.message is not None and at_the_bound.message.seq == 2


def test_the_edit_of_a_removed_message_shows_no_text_in_the_line(
    database: Database, store: Store
) -> None:
    ada, ben = people(store, 2)
    [place] = stored(store.journal.commit([to_user(ada, ben, "1")]))
    key = place.conversation
    store.changes.edit(ada, key, 1, "r", "secret", None, 60, lambda message: None)
    store.removals.remove(ben, key, [1], "x")
    last, others = line(store, ben, key).last, line(store, ada, key).last
    assert last is not None and (last.type, last.body) == ("edit", '{"seq":1}')
    assert others is not None and "secret" in others.body


def test_a_line_shows_what_a_message_says_now(database: Database, store: Store) -> None:
    ada, ben = people(store, 2)
    [place] = stored(store.journal.commit([to_user(ada, ben)]))
    database.write(lambda session: session.execute(text("UPDATE event SET revised = '{\"n\": 1}'")))
    found = line(store, ben, place.conversation)
    assert found.last is not None and found.last == found.message
    assert json.loads(found.last.body) == {"n": 1}


def test_a_group_line_has_name_size_and_role(ada: Account, ben: Account) -> None:
    made = ada.post("/v2/groups", name="徒步", members=[ben.id]).json
    group = {
        "id": made["id"], "name": "徒步", "avatar": "", "size": 2, "role": "member",
        "requests": None,
    }
    [found] = ben.get(LIST).json["conversations"]
    assert found["group"] == group
    assert (found["user"], found["partner_read_seq"], found["first_seq"]) == (None, None, 1)
    assert ada.get(f"{LIST}/{made['id']}").json["group"] == group | {
        "role": "owner", "requests": 0,
    }


def test_a_private_line_tells_how_far_the_partner_has_read(ada: Account, ben: Account) -> None:
    path = f"{LIST}/{ada.post(LIST, user=ben.id).json['id']}"
    for ref in ("a", "b"):
        ada.post(f"{path}/messages", ref=ref, message={"media": "text", "content": "hi"})
    ben.post(f"{path}/read", seq=2)
    assert ada.get(path).json["partner_read_seq"] == 2
    assert ben.get(path).json["partner_read_seq"] == 0
    for who in (ada, ben):  # it is hidden from both, whoever hides
        who.patch("/v2/users/me", shows_reading=False)
        assert ada.get(path).json["partner_read_seq"] is None
        assert ben.get(path).json["partner_read_seq"] is None
        assert who.patch("/v2/users/me", shows_reading=True).json["shows_reading"] is True


def test_a_stranger_gets_no_line(ada: Account, ben: Account) -> None:
    made = ada.post("/v2/groups", name="ours", members=[]).json
    problem(ben.get(f"{LIST}/{made['id']}"), 403, "not_a_member")


# -- cost ----------------------------------------------------------------------------------


@pytest.fixture
def seen() -> Iterator[list[str]]:
    with traced() as statements:
        yield statements


@pytest.fixture
def watched(seen: list[str], tmp_path: Path) -> Iterator[Flask]:
    """An application whose every statement is seen."""
    with application(tmp_path) as made:
        yield made


def test_a_page_costs_three_statements_however_long_the_list_is(
    watched: Flask, seen: list[str]
) -> None:
    store = services.of(watched).store
    me = person(watched.test_client(), "me")
    friends = [person_in(store, number) for number in range(1000)]
    stored(store.journal.commit([to_user(friend, me.id) for friend in friends]))
    for limit in (1, 50, 200):
        seen.clear()
        page = me.get(LIST, limit=limit).json
        assert len(page["conversations"]) == limit
        assert {found["unread"] for found in page["conversations"]} == {1}
        assert len(queries(seen)) <= 3  # the session, the page, the counts
    seen.clear()
    assert me.get(LIST, limit=200, before=page["next"]).json["next"] is not None
    assert len(queries(seen)) <= 3


def person_in(store: Store, number: int) -> int:
    return store.users.create(f"friend {number}", "hash").id


def test_no_statement_of_the_list_reads_a_whole_table(
    watched: Flask, seen: list[str]
) -> None:
    store = services.of(watched).store
    ada, ben = people(store, 2)
    group = group_of(store, ada, ben)
    say(store, ada, group)
    [place, _] = stored(store.journal.commit([to_user(ben, ada), to_user(ada, ben)]))
    store.removals.remove(ada, place.conversation, [2], "x")
    seen.clear()
    found = store.conversations.listed(ada, 10)
    store.conversations.listed(ada, 10, (0, found[0].last_at, found[0].id))
    store.conversations.get(ada, group)
    store.conversations.audience(ada, group)
    store.receipts.readers(ada, group, 2)
    store.sightings.visible([(ada, ben), (ben, ada)])
    store.missed.reaches(ada, [group, 99])
    store.missed.read(ada, [(place.conversation, 0, 2), (group, 0, 1)])
    store.events.by_index(ada, ben, 0, 9, True, 10)
    assert_indexed(store.database, queries(seen))


def assert_indexed(database: Database, statements: list[str]) -> None:
    """SQLite looks the rows of all that grows up by index."""
    assert len(statements) >= 8
    for statement in statements:
        steps = plan(database, statement)
        scans = [step for step in steps if any(step.startswith(f"SCAN {name}") for name in GROWING)]
        assert scans == [], (statement, steps)
