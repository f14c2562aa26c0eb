"""Going through the history: to a message, to a date, and on from there in both directions."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from app.errors import BadRequest, NotAMember
from app.models import Conversation, Event, Member
from app.models.message import OPEN_HISTORY
from app.store import Database, Store
from app.store.log import events as events_module
from tests.support.chat import text
from tests.support.log import people
from tests.support.web import Account, person, problem

COUNT = 30


@pytest.fixture
def log(store: Store, database: Database) -> tuple[int, int, int]:
    """ada, eve and their group of COUNT events; eve sees those from 11 on. Each pair of events
    happened in one millisecond: 1 and 2 at 1000, 3 and 4 at 2000 ..."""
    ada, eve = people(store, 2)
    group = store.groups.create(ada, "walkers", []).entry.conversation_id

    def work(session: Session) -> None:
        found = session.get_one(Conversation, group)
        session.get_one(Event, (group, 1)).at = 1000
        for seq in range(2, COUNT + 1):
            session.add(Event(
                conversation_id=group, seq=seq, type="message", sender_id=ada,
                at=(seq + 1) // 2 * 1000, body=json.dumps({"media": "text", "content": str(seq)}),
            ))
        found.last_seq, found.last_at = COUNT, (COUNT + 1) // 2 * 1000
        session.add(Member(conversation_id=group, user_id=eve, read_seq=10, joined_seq=10))

    database.write(work)
    return ada, eve, group


def seqs(page: Any) -> list[int]:
    return [entry.seq for entry in page.events]


@pytest.mark.parametrize(("seq", "limit", "first", "last"), [
    (15, 5, 13, 17), (15, 4, 13, 16), (15, 1, 15, 15), (1, 5, 1, 5), (2, 5, 1, 5), (30, 5, 26, 30),
    (29, 4, 27, 30), (15, 500, 1, 30), (1, 1, 1, 1), (30, 1, 30, 30),
])
def test_a_page_around_a_message_has_it_in_the_middle(
    store: Store, log: tuple[int, int, int], seq: int, limit: int, first: int, last: int
) -> None:
    ada, _, group = log
    page = store.events.around(ada, group, limit, seq)
    assert (page.seq, seqs(page)) == (seq, list(range(first, last + 1)))
    assert (page.more_before, page.more_after) == (first > 1, last < COUNT)
    if page.more_before:
        assert store.events.page(ada, group, 1, before=first).events[0].seq == first - 1
    if page.more_after:
        assert store.events.page(ada, group, 1, after=last).events[0].seq == last + 1


@pytest.mark.parametrize(("at", "expected"), [
    (0, 1), (1000, 1), (1001, 3), (2000, 3), (8000, 15), (14_500, 29), (15_000, 29),
    (15_001, None), (2**53, None),
])
def test_a_date_leads_to_the_first_event_at_or_after_it(
    store: Store, log: tuple[int, int, int], at: int, expected: int | None
) -> None:
    ada, _, group = log
    page = store.events.at(ada, group, 4, at)
    assert page.seq == expected
    if expected is None:  # the latest page
        assert (seqs(page), page.more_before, page.more_after) == ([27, 28, 29, 30], True, False)
    else:
        assert expected in seqs(page)


def test_nobody_is_led_behind_the_place_where_they_joined(
    store: Store, database: Database, log: tuple[int, int, int]
) -> None:
    _, eve, group = log
    for page in (
        store.events.around(eve, group, 6, 12), store.events.around(eve, group, 6, 2),
        store.events.at(eve, group, 6, 0), store.events.at(eve, group, 6, 6000),
    ):
        assert seqs(page) == [11, 12, 13, 14, 15, 16]
        assert (page.more_before, page.more_after) == (False, True)

    def work(session: Session) -> None:
        session.get_one(Conversation, group).flags |= OPEN_HISTORY

    database.write(work)
    assert seqs(store.events.around(eve, group, 3, 2)) == [1, 2, 3]
    assert store.events.at(eve, group, 3, 0).seq == 1


def test_a_stranger_is_led_nowhere_and_a_seq_must_be_there(
    store: Store, log: tuple[int, int, int]
) -> None:
    ada, _, group = log
    [bob] = people(store, 1)
    for ask in (store.events.around, store.events.at):
        for key in (group, 10**9):
            with pytest.raises(NotAMember):
                ask(bob, key, 5, 3)
    with pytest.raises(BadRequest):
        store.events.around(ada, group, 5, COUNT + 1)


def test_an_empty_conversation_has_an_empty_page(store: Store) -> None:
    ada, bob = people(store, 2)
    conversation, _ = store.conversations.open_private(ada, bob)
    page = store.events.at(ada, conversation, 5, 0)
    assert (page.events, page.seq, page.more_before, page.more_after) == ([], None, False, False)


def test_a_date_is_found_with_few_rows(
    store: Store, database: Database, log: tuple[int, int, int]
) -> None:
    ada, _, group = log
    asked: list[str] = []
    rows = database.rows

    def note(statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        asked.append(statement)
        return rows(statement, *parameters)

    database.rows = note  # type: ignore[method-assign]
    assert store.events.at(ada, group, 1, 8000).seq == 15
    assert len(asked) <= 2 + COUNT.bit_length() + 1


def test_a_page_of_large_messages_is_cut_at_both_ends_but_keeps_the_one_asked_for(
    store: Store, log: tuple[int, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, _, group = log
    size = len(store.events.around(ada, group, 1, 15).events[0].body)
    for chars, expected in ((5 * size, [13, 14, 15, 16, 17]), (size, [15]), (1, [15])):
        monkeypatch.setattr(events_module, "PAGE_CHARS", chars)
        page = store.events.around(ada, group, 21, 15)
        assert (page.seq, seqs(page)) == (15, expected)
        assert (page.more_before, page.more_after) == (True, True)


# -- over HTTP -----------------------------------------------------------------------------


@pytest.fixture
def chat(ada: Account, ben: Account) -> str:
    path = f"/v2/conversations/{ada.post('/v2/conversations', user=ben.id).json['id']}"
    for number in range(1, 11):
        ada.post(f"{path}/messages", ref=f"r{number}", message=text(str(number)))
    return path


def test_a_message_and_a_date_are_jumped_to(ben: Account, chat: str) -> None:
    page = ben.get(f"{chat}/events", around=5, limit=3).json
    assert page.keys() == {"events", "seq", "more_before", "more_after"}
    assert [event["seq"] for event in page["events"]] == [4, 5, 6]
    assert (page["seq"], page["more_before"], page["more_after"]) == (5, True, True)
    assert page["events"][1]["message"] == text("5")
    at = page["events"][1]["at"]
    there = ben.get(f"{chat}/events", at=at, limit=3).json
    assert there["events"][there["seq"] - there["events"][0]["seq"]]["at"] == at
    later = ben.get(f"{chat}/events", at=2**53, limit=3).json
    assert (later["seq"], [event["seq"] for event in later["events"]]) == (None, [8, 9, 10])


@pytest.mark.parametrize("query", [
    {"around": "0"}, {"around": "-1"}, {"around": "11"}, {"around": "x"}, {"around": ""},
    {"around": str(2**53 + 1)}, {"at": "-1"}, {"at": "yesterday"}, {"at": "1.5"}, {"at": "9" * 30},
    {"around": "1", "after": "1"}, {"at": "1", "around": "1"}, {"at": "1", "before": "1"},
    {"around": "1", "limit": "0"}, {"at": "1", "limit": "501"},
])
def test_a_jump_that_makes_no_sense_is_refused(
    ben: Account, chat: str, query: dict[str, str]
) -> None:
    problem(ben.get(f"{chat}/events", **query), 400, "bad_request")


def test_only_members_jump(client: FlaskClient, chat: str) -> None:
    eve = person(client, "eve")
    for query in ({"around": 1}, {"around": 99}, {"at": 0}):
        problem(eve.get(f"{chat}/events", **query), 403, "not_a_member")
