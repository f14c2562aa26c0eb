"""Search in the store, on SQLite and on PostgreSQL: what is found, in which order, by whom."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from sqlalchemy.orm import Session

from app.errors import BadRequest, NotAMember, SearchOff
from app.models import Conversation, Member, Removal
from app.models.message import OPEN_HISTORY
from app.store import Database, Store
from app.store.log.items import Draft
from app.store.search import search, wordindex
from app.store.search.search import Key
from app.store.search.words import parse
from tests.support.log import into, people, stored
from tests.support.said import edit, find, recall, say, seqs

SYNTAX = (
    '"', '""', "'", "''", "*", "a*", "^a", "a^", "-a", "+a", "a AND b", "a OR b", "NOT a",
    "a NOT b", "NEAR(a b)", "NEAR(a, 5)", "words:a", "words : a", "{words}:a", "(a", "a)",
    "a & b", "a | b", "!a", "a <-> b", "a:*", "a:A", "a\\", "\\'a", "a;DROP TABLE search", "1.0:a",
    "@1", "#text", "%", "_",
    "a' OR '1'='1", "$1", "?", "%s", "rank", "delete-all", "\x01a", "\ufffd", "a\u0000b",
)


def test_one_and_two_characters_words_and_phrases_find_their_messages(store: Store) -> None:
    ada, bob = people(store, 2)
    say(store, ada, bob, "我在北京的公司工作", "公家的司机", "Hello World", "hello again, WORLDS",
        "日本語カタカナ", "한국어 좋아요", "Ｆｕｌｌ width", "no such thing", "👍 great")
    for q, expected in (
        ("公", [2, 1]), ("公司", [1]), ("司机", [2]), ("北京 公司", [1]), ("京北", []),
        ("公 司", [2, 1]), ("absent", []),
        ("hello", [4, 3]), ("HELLO world", [4, 3]), ('"hello world"', [3]), ("hel", [4, 3]),
        ('"hel"', []), ("hel wor", []), ("hello wor", [4, 3]), ("カナ", [5]), ("本語", [5]),
        ("국어", [6]), ("full", [7]), ("ｗｉｄ", [7]), ("hello 公司", []), ("👍", [9]),
    ):
        assert seqs(find(store, bob, q)) == expected, q


def test_what_is_in_a_file_or_an_emoji_is_found_by_its_description(store: Store) -> None:
    ada, bob = people(store, 2)
    bodies = (
        {"media": "file", "attachment": {"url": "/secret-name", "description": "季度报告.pdf"}},
        {"media": "emoji", "content": "笑哭"},
        {"media": "image", "content": "a cat", "attachment": {"url": "/x"}},
    )
    store.journal.commit([
        Draft(ada, str(n), json.dumps(body), to_user=bob) for n, body in enumerate(bodies)
    ])
    for q, expected in (("报告", [1]), ("pdf", [1]), ("笑", [2]), ("cat", [3]), ("secret", [])):
        assert seqs(find(store, bob, q)) == expected, q
    assert seqs(find(store, bob, "a", media="image")) == [3]


def test_the_newest_come_first_over_all_conversations(store: Store) -> None:
    ada, bob, eve = people(store, 3)
    first, _ = say(store, ada, bob, "tea at one")
    second, _ = say(store, eve, ada, "tea at two")
    say(store, bob, ada, "tea at three")
    with_times = find(store, ada, "tea").results
    keys = [result.key() for result in with_times]
    assert keys == sorted(keys, reverse=True)
    assert {(key.conversation, key.seq) for key in keys} == {(first, 1), (first, 2), (second, 1)}
    assert [result.snippet.highlights for result in with_times] == [[(0, 3)]] * 3


def test_what_looks_like_syntax_is_text(store: Store) -> None:
    ada, bob = people(store, 2)
    said = ["plain", "a b", "near words", "a or b not", "1.0 text"]
    say(store, ada, bob, *said)
    for q in SYNTAX:
        if not any(char.isalnum() for char in q):
            with pytest.raises(BadRequest):
                parse(q)
            continue
        matching = [seq for seq, text in enumerate(said, 1) if parse(q).find(text)]
        assert seqs(find(store, bob, q)) == matching[::-1], q
    assert seqs(find(store, bob, "plain")) == [1]


def test_filters_narrow_the_search(store: Store) -> None:
    ada, bob, eve = people(store, 3)
    one, _ = say(store, ada, bob, "tea", "tea later")
    two, _ = say(store, eve, ada, "tea")
    say(store, bob, ada, "tea too")
    found = find(store, ada, "tea")
    assert len(found.results) == 4
    assert seqs(find(store, ada, "tea", sender=ada)) == [2, 1]
    assert seqs(find(store, ada, "tea", sender=bob)) == [3]
    assert seqs(find(store, ada, "tea", conversation=two)) == [1]
    assert seqs(find(store, ada, "tea", conversation=one, sender=eve)) == []
    assert seqs(find(store, ada, "tea", media="image")) == []
    assert len(find(store, ada, "tea", media="text").results) == 4
    for result in found.results:
        at = result.entry.at
        assert {r.key() for r in find(store, ada, "tea", after=at).results} == {
            r.key() for r in found.results if r.entry.at >= at
        }
        assert {r.key() for r in find(store, ada, "tea", before=at).results} == {
            r.key() for r in found.results if r.entry.at < at
        }


# -- whose messages ----------------------------------------------------------------------------


def test_a_stranger_finds_nothing_and_learns_nothing(store: Store) -> None:
    ada, bob, eve = people(store, 3)
    conversation, _ = say(store, ada, bob, "the secret word")
    assert find(store, eve, "secret").results == []
    for key in (conversation, 10**9):
        with pytest.raises(NotAMember):
            find(store, eve, "secret", conversation=key)
    assert seqs(find(store, ada, "secret")) == [1]


def test_who_joined_later_finds_what_came_later_unless_the_history_is_open(
    store: Store, database: Database
) -> None:
    ada, bob, eve = people(store, 3)
    group = store.groups.create(ada, "walkers", [bob]).entry.conversation_id
    stored(store.journal.commit([into(ada, group, "walk before")]))

    store.membership.add(ada, group, [eve])
    stored(store.journal.commit([into(bob, group, "walk after")]))
    assert seqs(find(store, eve, "walk")) == [4]
    assert seqs(find(store, bob, "walk")) == [4, 2]

    def unlock(session: Session) -> None:
        session.get_one(Conversation, group).flags |= OPEN_HISTORY

    database.write(unlock)
    assert seqs(find(store, eve, "walk")) == [4, 2]


def test_a_removed_member_finds_nothing_any_more(store: Store, database: Database) -> None:
    ada, bob = people(store, 2)
    group = store.groups.create(ada, "walkers", [bob]).entry.conversation_id
    stored(store.journal.commit([into(ada, group, "the secret word")]))
    assert seqs(find(store, bob, "secret")) == [2]
    database.write(lambda session: session.delete(session.get_one(Member, (group, bob))))
    assert find(store, bob, "secret").results == []
    with pytest.raises(NotAMember):
        find(store, bob, "secret", conversation=group)


def test_what_is_removed_for_oneself_is_found_by_the_other_only(
    store: Store, database: Database
) -> None:
    ada, bob = people(store, 2)
    conversation, _ = say(store, ada, bob, "tea one", "tea two", "tea three")
    database.write(lambda session: session.add(
        Removal(user_id=bob, conversation_id=conversation, seq=2)
    ))
    assert seqs(find(store, bob, "tea")) == [3, 1]
    assert seqs(find(store, bob, "tea", limit=1)) == [3]
    assert seqs(find(store, ada, "tea")) == [3, 2, 1]


def test_the_words_of_many_strangers_do_not_get_in_the_way(store: Store) -> None:
    ada, bob, *others = people(store, 12)
    say(store, ada, bob, "common needle", "common")
    for one, two in zip(others[::2], others[1::2], strict=True):
        say(store, one, two, *["common needle"] * 30)
    assert seqs(find(store, ada, "common needle")) == [1]
    assert seqs(find(store, ada, "common")) == [2, 1]
    assert len(find(store, others[0], "needle").results) == 30


# -- pages -------------------------------------------------------------------------------------


def everything(store: Store, user: int, q: str, limit: int, **filters: Any) -> list[Key]:
    """The keys of all results, page by page."""
    keys: list[Key] = []
    until = None
    for _ in range(10_000):
        found = find(store, user, q, limit, until, **filters)
        assert found.complete
        assert len(found.results) <= limit
        keys += [result.key() for result in found.results]
        if found.next is None:
            return keys
        assert until is None or found.next < until
        until = found.next
    raise AssertionError("the pages do not end")


@pytest.mark.parametrize("looks", [1, 3, 2000])
def test_pages_have_every_hit_once_in_order(
    store: Store, monkeypatch: pytest.MonkeyPatch, looks: int
) -> None:
    monkeypatch.setattr(wordindex, "SHELF_BITS", 3)  # many shelves in a short log
    monkeypatch.setattr(search, "LOOKS", looks)
    chance = random.Random(looks)
    ada, *others = people(store, 5)
    said = ("tea", "公司 tea", "tee", "coffee", "tea 公家的司")
    texts = chance.choices(said, k=120)
    expected: dict[str, list[Key]] = {"tea": [], "公司": [], "te": []}
    while texts:
        batch, texts = texts[:7], texts[7:]
        drafts = [(chance.choice(others), text) for text in batch]
        places = stored(store.journal.commit([
            Draft(other, None, json.dumps({"media": "text", "content": text}), to_user=ada)
            for other, text in drafts
        ]))
        for place, (_, text) in zip(places, drafts, strict=True):
            for q, found in expected.items():
                if parse(q).find(text):
                    found.append(Key(place.at, place.conversation, place.seq))
    for q, keys in expected.items():
        for limit in (1, 4, 100):
            assert everything(store, ada, q, limit) == sorted(keys, reverse=True), (q, limit)
    middle = sorted(expected["tea"])[len(expected["tea"]) // 2]
    assert everything(store, ada, "tea", 3, before=middle.at, after=0) == sorted(
        (key for key in expected["tea"] if key.at < middle.at), reverse=True
    )
    assert everything(store, ada, "tea", 3, after=middle.at) == sorted(
        (key for key in expected["tea"] if key.at >= middle.at), reverse=True
    )
    one = middle.conversation
    assert everything(store, ada, "tea", 3, conversation=one) == sorted(
        (key for key in expected["tea"] if key.conversation == one), reverse=True
    )


def test_many_long_messages_come_in_several_pages(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "CHARS", 500)
    ada, *others = people(store, 6)
    for other in others:
        say(store, other, ada, *["tea " * 40] * 5)
    assert len(find(store, ada, "tea").results) < 25
    assert len(set(everything(store, ada, "tea", 20))) == 25


# -- changes -----------------------------------------------------------------------------------


@pytest.mark.parametrize("indexed_before", [True, False])
def test_an_edited_message_is_found_by_what_it_says_now(
    store: Store, database: Database, indexed_before: bool
) -> None:
    ada, bob = people(store, 2)
    conversation, _ = say(store, ada, bob, "tea at one", "tea at two")
    if indexed_before:
        find(store, ada, "tea")
    edit(database, ada, conversation, 1, "coffee at one")
    assert seqs(find(store, bob, "tea")) == [2]
    [result] = find(store, bob, "coffee").results
    assert (result.entry.seq, result.snippet.text) == (1, "coffee at one")
    edit(database, ada, conversation, 1, "公司 at one")
    edit(database, ada, conversation, 2, "water")
    assert seqs(find(store, bob, "coffee")) == seqs(find(store, bob, "tea")) == []
    assert seqs(find(store, bob, "公司")) == [1]
    assert seqs(find(store, bob, "at")) == [1]
    assert seqs(find(store, bob, "water")) == [2]


@pytest.mark.parametrize("indexed_before", [True, False])
def test_a_recalled_message_is_found_by_nobody(
    store: Store, database: Database, indexed_before: bool
) -> None:
    ada, bob = people(store, 2)
    conversation, _ = say(store, ada, bob, "tea at one", "tea at two")
    edit(database, ada, conversation, 2, "tea at three")
    if indexed_before:
        find(store, ada, "tea")
    for seq in (1, 2):
        recall(database, ada, conversation, seq)
    for user in (ada, bob):
        for q in ("tea", "at", "one", "three", "recalled", "true"):
            assert find(store, user, q).results == []


def test_a_recall_counts_before_the_index_has_met_it(
    store: Store, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, bob = people(store, 2)
    conversation, _ = say(store, ada, bob, "tea at one", "tea at two", "tea at six")
    assert len(find(store, bob, "tea").results) == 3
    monkeypatch.setattr(search, "CATCH_UP", 0)
    recall(database, ada, conversation, 1)
    edit(database, ada, conversation, 2, "coffee")
    found = find(store, bob, "tea")
    assert (seqs(found), found.complete) == ([3], False)


def test_a_search_indexes_what_is_lacking_and_says_when_it_could_not(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, bob = people(store, 2)
    say(store, ada, bob, *[f"tea {n}" for n in range(500)])
    monkeypatch.setattr(search, "CATCH_UP", 1)
    first = find(store, ada, "tea", 1000)
    assert 0 < len(first.results) < 500
    assert not first.complete
    monkeypatch.setattr(search, "CATCH_UP", 2000)
    second = find(store, ada, "tea", 1000)
    assert (len(second.results), second.complete) == (500, True)


def test_a_server_without_search_says_so(database: Database) -> None:
    store = Store(database, searchable=False)
    [ada] = people(store, 1)
    with pytest.raises(SearchOff):
        find(store, ada, "tea")


def test_a_message_in_which_a_word_stands_very_often_is_found_by_its_end(store: Store) -> None:
    ada, bob = people(store, 2)
    text = "的" * 3000 + "公司" + "的" * 3000 + "末尾"
    say(store, ada, bob, text, "the " * 2400 + "end")
    for q, expected in (("的末", [1]), ("末尾", [1]), ("的公司的", [1]), ("尾的", []), ("公末", []),
                        ('"the end"', [2]), ('"end the"', [])):
        assert seqs(find(store, bob, q)) == expected, q


# -- plans -------------------------------------------------------------------------------------


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_search_scans_no_growing_table(store: Store, database: Database) -> None:
    ada, bob = people(store, 2)
    say(store, ada, bob, "tea")
    seen: list[tuple[str, tuple[object, ...]]] = []
    rows = database.rows

    def note(statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        seen.append((statement, parameters))
        return rows(statement, *parameters)

    database.rows = note  # type: ignore[method-assign]
    found = find(store, ada, "tea", until=Key(2**50, 1, 1))
    find(store, ada, "tea", until=found.results[0].key())
    assert len({statement for statement, _ in seen}) >= 5
    for statement, parameters in seen:
        plan = [row[-1] for row in rows(f"EXPLAIN QUERY PLAN {statement}", *parameters)]
        scans = [step for step in plan if step.startswith("SCAN") and "VIRTUAL" not in step]
        assert scans == [], (statement, plan)


@pytest.mark.parametrize("database", ["postgres"], indirect=True)
def test_postgresql_asks_its_index_of_words(store: Store, database: Database) -> None:
    ada, bob = people(store, 2)
    conversation, _ = say(store, ada, bob, *["tea"] * 50)
    find(store, ada, "tea")
    span = wordindex.Span(conversation, 1, 50)
    ask = wordindex.Ask(ada, parse("tea"))
    with database.read() as session:
        connection = session.connection()
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        plan = connection.exec_driver_sql(
            "EXPLAIN " + wordindex._POSTGRESQL.replace("?", "%s"),
            ([span.conversation], [wordindex._postgresql_query(span, ask)], [1], [50], ada, 10),
        ).scalars().all()
    assert any("ix_search_words" in line for line in plan), plan
