"""Searching without words: by conversation, sender, medium and time, in the log itself."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from sqlalchemy.orm import Session

from app.errors import NotAMember
from app.models import Event, Removal
from app.store import Database, Store
from app.store.log.items import EXPIRED, Draft
from app.store.search import logsearch, search
from app.store.search.search import Key
from tests.support.chat import text
from tests.support.log import into, people, stored
from tests.support.media import uploaded
from tests.support.said import edit, filtered, find, recall, say, seqs
from tests.support.web import Account, problem

MEDIA = ("text", "image", "file", "video")


def show(store: Store, sender: int, other: int, *media: str, content: str = "") -> list[Key]:
    """Messages of these media, without any words of their own unless given."""
    return [
        Key(place.at, place.conversation, place.seq)
        for place in stored(store.journal.commit([
            Draft(sender, None, json.dumps({"media": name, "content": content}), to_user=other)
            for name in media
        ]))
    ]


def test_all_pictures_of_a_conversation_are_found_the_newest_first_without_highlights(
    store: Store
) -> None:
    ada, bob, eve = people(store, 3)
    [first, *_, last] = show(store, ada, bob, "image", "file", "image")
    show(store, eve, ada, "image")
    say(store, ada, bob, 'not an "image" but a word', "x" * 500)
    found = filtered(store, bob, conversation=first.conversation, media="image")
    assert [result.key() for result in found.results] == [last, first]
    assert (found.next, found.complete) == (None, True)
    assert len(filtered(store, ada, media="image").results) == 3
    long = filtered(store, ada, conversation=first.conversation, media="text", limit=1).results[0]
    assert (long.snippet.text, long.snippet.highlights) == ("x" * 120, [])


@pytest.mark.parametrize("looks", [1, 5, 2000])
def test_every_match_comes_once_in_order_whatever_the_filters(
    store: Store, monkeypatch: pytest.MonkeyPatch, looks: int
) -> None:
    monkeypatch.setattr(logsearch, "STRETCH", 8)
    monkeypatch.setattr(search, "LOOKS", looks)
    monkeypatch.setattr(search, "MOST_HITS", 3)
    chance = random.Random(looks)
    ada, *others = people(store, 4)
    sent: list[tuple[Key, int, str]] = []
    for _ in range(60):
        media, other = chance.choice(MEDIA), chance.choice(others)
        sender, receiver = chance.sample((ada, other), 2)
        sent += [(key, sender, media) for key in show(store, sender, receiver, media)]
    middle = sorted(sent)[30][0]
    for filters in (
        {"media": "image"}, {"sender": ada}, {"sender": ada, "media": "file"},
        {"conversation": middle.conversation}, {"after": middle.at}, {"before": middle.at},
        {"conversation": middle.conversation, "media": "text", "before": middle.at},
    ):
        expected = sorted((key for key, sender, media in sent if (
            filters.get("media", media) == media and filters.get("sender", sender) == sender
            and filters.get("conversation", key.conversation) == key.conversation
            and filters.get("after", 0) <= key.at < filters.get("before", 2**60)
        )), reverse=True)
        assert everything(store, ada, 4, **filters) == expected, filters


def everything(store: Store, user: int, limit: int, **filters: Any) -> list[Key]:
    keys: list[Key] = []
    until = None
    for _ in range(10_000):
        found = filtered(store, user, limit, until, **filters)
        assert len(found.results) <= limit
        keys += [result.key() for result in found.results]
        if found.next is None:
            return keys
        assert until is None or found.next < until
        until = found.next
    raise AssertionError("the pages do not end")


def test_what_says_nothing_any_more_is_not_found_and_an_edit_is_as_it_is_now(
    store: Store, database: Database
) -> None:
    ada, bob = people(store, 2)
    conversation, _ = say(store, ada, bob, "one", "two", "three", "four")
    edit(database, ada, conversation, 1, "one now")
    store.changes.recall(ada, conversation, 2, "r", 120)
    database.write(lambda session: session.add(
        Removal(user_id=bob, conversation_id=conversation, seq=3)
    ))

    def forget(session: Session) -> None:
        session.get_one(Event, (conversation, 4)).body = EXPIRED

    database.write(forget)
    assert seqs(filtered(store, bob, sender=ada)) == [1]
    assert filtered(store, bob, sender=ada).results[0].snippet.text == "one now"
    assert seqs(filtered(store, ada, sender=ada)) == [3, 1]
    recall(database, ada, conversation, 3)
    assert seqs(filtered(store, ada, conversation=conversation)) == [1]


def test_only_what_one_can_see_is_found(store: Store) -> None:
    ada, bob, eve = people(store, 3)
    group = store.groups.create(ada, "walkers", [bob]).entry.conversation_id
    stored(store.journal.commit([into(ada, group, "before")]))
    with pytest.raises(NotAMember):
        filtered(store, eve, conversation=group)
    assert filtered(store, eve, sender=ada).results == []
    store.membership.add(ada, group, [eve])
    stored(store.journal.commit([into(ada, group, "after")]))
    assert seqs(filtered(store, eve, sender=ada)) == [4]
    assert seqs(filtered(store, bob, sender=ada)) == [4, 2]


def test_a_long_log_is_looked_through_in_parts(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "LOOKS", 24)  # 3 stretches
    ada, bob = people(store, 2)
    [picture] = show(store, ada, bob, "image")
    for _ in range(4):
        say(store, ada, bob, *["tea"] * logsearch.STRETCH)
    first = filtered(store, ada, media="image", conversation=picture.conversation)
    assert first.results == []
    assert first.next is not None
    assert first.next.seq == 1 + logsearch.STRETCH + 1  # all but the last stretch are behind
    assert everything(store, ada, 5, media="image") == [picture]


@pytest.mark.parametrize("filters", [{"media": "image"}, {"sender": 1, "media": "text"}])
def test_a_search_without_words_scans_no_growing_table(
    store: Store, database: Database, filters: dict[str, Any]
) -> None:
    ada, bob = people(store, 2)
    say(store, ada, bob, *["tea"] * 20)
    seen: list[tuple[str, tuple[object, ...]]] = []
    rows = database.rows

    def note(statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        seen.append((statement, parameters))
        return rows(statement, *parameters)

    database.rows = note  # type: ignore[method-assign]
    filtered(store, ada, until=Key(2**50, 1, 1), **filters)
    assert any("LIKE" in statement for statement, _ in seen)
    for statement, parameters in seen:
        if database.embedded:
            plan = [row[-1] for row in rows(f"EXPLAIN QUERY PLAN {statement}", *parameters)]
            scans = [step for step in plan if step.startswith("SCAN") and "VIRTUAL" not in step]
        else:
            with database.read() as session:
                connection = session.connection()
                connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
                plan = list(connection.exec_driver_sql(
                    "EXPLAIN " + statement.replace("?", "%s"), parameters
                ).scalars())
            scans = [step for step in plan if "Seq Scan on event" in step]
        assert scans == [], (statement, plan)


def test_words_may_be_left_out_over_http_where_a_filter_is_given(
    ada: Account, ben: Account
) -> None:
    chat = ada.post("/v2/conversations", user=ben.id).json["id"]
    picture = {"media": "image", "attachment": {"id": uploaded(ada)["id"]}}
    for number, message in enumerate((text("look"), picture)):
        ada.post(f"/v2/conversations/{chat}/messages", ref=str(number), message=message)
    answer = ben.get("/v2/search", conversation=chat, media="image").json
    [result] = answer["results"]
    assert (result["seq"], result["message"]["media"]) == (2, "image")
    assert result["snippet"] == {"text": "file.png", "highlights": []}
    assert (answer["next"], answer["complete"]) == (None, True)
    assert [hit["seq"] for hit in ben.get("/v2/search", sender=ada.id).json["results"]] == [2, 1]
    assert ben.get("/v2/search", sender=ben.id).json["results"] == []
    problem(ben.get("/v2/search"), 400, "bad_request")
    problem(ben.get("/v2/search", q="", media="image"), 400, "bad_request")


def test_pictures_do_not_ask_for_the_index_of_words(store: Store, database: Database) -> None:
    ada, bob = people(store, 2)
    [picture] = show(store, ada, bob, "image", content="a cat")
    off = Store(database, searchable=False)
    assert [result.key() for result in filtered(off, ada, media="image").results] == [picture]
    assert seqs(find(store, ada, "cat", media="image")) == [1]
