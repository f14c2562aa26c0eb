"""The seed's history route: indexes into a conversation, each message a string of JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask import Flask

from app import services
from tests.support.chat import burst
from tests.support.client import Person
from tests.support.seed import KEYS, contents, entries, history, message, private
from tests.support.server import Server
from tests.support.web import Account


@pytest.fixture(scope="module")
def pair(server: Server) -> tuple[Person, Person]:
    """Two people who exchanged the messages "1" to "6"."""
    alice, bob = Person(server), Person(server)
    with alice.device() as a, bob.device() as b:
        for number in range(1, 7, 2):
            a.text(str(number), bob.id)
            b.text(str(number + 1), alice.id)
    return alice, bob


@pytest.mark.parametrize(("start", "end", "reverse", "expected"), [
    (0, 2, "false", "6 5 4"), (0, 2, "true", "1 2 3"), (0, 0, "false", "6"), (5, 5, "true", "6"),
    (1, 4, "true", "2 3 4 5"), (0, 100, "true", "1 2 3 4 5 6"), (0, -1, "true", "1 2 3 4 5 6"),
    (-2, -1, "true", "5 6"), (-2, -1, "false", "2 1"), (-100, 1, "true", "1 2"),
    (6, 9, "true", ""), (6, 9, "false", ""), (3, 2, "true", ""),
    (10**15 - 1, 10**15 - 1, "true", ""),
])
def test_indexes_are_inclusive_and_count_from_the_chosen_end(
    pair: tuple[Person, Person], start: int, end: int, reverse: str, expected: str
) -> None:
    for reader, other in (pair, pair[::-1]):
        found = contents(history(reader, other.id, start, end, isRev=reverse))
        assert " ".join(found) == expected


def test_the_newest_comes_first_when_nothing_is_said(pair: tuple[Person, Person]) -> None:
    alice, bob = pair
    assert contents(history(alice, bob.id, 0, 1)) == ["6", "5"]


def test_the_order_of_the_two_users_does_not_matter(pair: tuple[Person, Person]) -> None:
    alice, bob = pair
    swapped = history(alice, alice.id, 0, 9, userIdA=bob.id)
    assert swapped == history(alice, bob.id, 0, 9)


def test_the_answer_has_the_seeds_envelope_and_each_entry_its_keys(
    pair: tuple[Person, Person]
) -> None:
    alice, bob = pair
    answer = history(alice, bob.id, 0, 0)
    assert answer.keys() == {"Code", "Msg", "Data", "Rows", "Total"}
    assert (answer["Code"], answer["Rows"]) == (0, "ok")
    entry, = entries(answer)
    assert entry.keys() == KEYS
    assert (entry["userId"], entry["TargetId"], entry["Seq"]) == (bob.id, alice.id, 6)


def test_an_entry_is_the_same_as_what_came_over_the_socket(alice: Person, bob: Person) -> None:
    with alice.seed_device() as a, bob.seed_device() as b:
        a.send(**private(bob.id, "voice", Media=3, url="/voice.mp3", amount=12))
        live = message(b)
    assert entries(history(alice, bob.id, 0, 0)) == [live]


def test_a_pair_that_never_spoke_has_an_empty_history(alice: Person, bob: Person) -> None:
    for other in (bob.id, 10**14):
        answer = history(alice, other, 0, 10)
        assert (answer["Code"], answer["Rows"], answer["Total"]) == (0, "ok", [])


def test_notes_to_oneself_have_a_history_too(alice: Person) -> None:
    with alice.device() as a:
        a.text("milk", alice.id)
    assert contents(history(alice, alice.id, 0, 10)) == ["milk"]


def test_what_was_recalled_has_expired_or_was_removed_by_its_reader_is_left_out(
    app: Flask, ada: Account, ben: Account
) -> None:
    store = services.of(app).store
    key = int(ada.post("/v2/conversations", user=ben.id).json["id"])
    path = f"/v2/conversations/{key}"

    def say(*seqs: int) -> None:
        for seq in seqs:
            message = {"media": "text", "content": f"secret {seq}"}
            assert ada.post(f"{path}/messages", ref=f"m{seq}", message=message).json["seq"] == seq

    def listed(reader: Account) -> list[str]:
        answer = reader.client.post(
            "/v1/user/redisMsg", query_string={"token": reader.token, "userId": reader.id},
            data={"userIdA": ada.id, "userIdB": ben.id, "start": 0, "end": -1, "isRev": "true"},
        )
        return [json.loads(line)["Content"] for line in answer.json["Total"]]

    say(1, 2)
    edited = {"seq": 1, "message": {"content": "secret, edited"}}
    assert ada.post(f"{path}/edits", ref="e1", **edited).status_code == 201
    assert ada.post(f"{path}/recalls", ref="c2", seq=2).status_code == 201
    store.retention.forget(store.events.page(ada.id, key, 1).events[0].at + 1)
    say(5, 6, 7)
    assert ada.post(f"{path}/recalls", ref="c5", seq=5).status_code == 201
    assert ben.post(f"{path}/removals", ref="r6", seqs=[6]).status_code == 201
    assert listed(ada) == ["secret 6", "secret 7"]
    assert listed(ben) == ["secret 7"]


def test_indexes_count_what_is_shown_whatever_was_done_to_it_since(
    alice: Person, bob: Person
) -> None:
    with alice.device() as a:
        chat = burst(a, bob.id, [str(number) for number in range(12)])[0]["conversation"]
    path = f"/v2/conversations/{chat}"
    for seq in (1, 6, 7):  # "0", "5" and "6"
        assert alice.post(f"{path}/recalls", ref=f"recall {seq}", seq=seq).status_code == 201
    assert bob.post(f"{path}/removals", ref="remove", seqs=[3, 12]).status_code == 201
    for number in range(5):
        assert bob.post(
            f"{path}/reactions", ref=f"react {number}", seq=4, emoji="👍", on=number % 2 == 0
        ).status_code == 201
    with alice.device() as a:
        a.text("12", bob.id)
    shown = {
        alice: ["1", "2", "3", "4", "7", "8", "9", "10", "11", "12"],
        bob: ["1", "3", "4", "7", "8", "9", "10", "12"],
    }
    for reader, whole in shown.items():
        other = bob.id if reader is alice else alice.id
        for reverse, line in (("true", whole), ("false", whole[::-1])):
            for start in range(len(line) + 1):
                for end in (start, start + 2, -1, -3):
                    found = contents(history(reader, other, start, end, isRev=reverse))
                    assert found == line[start : end + 1 if end != -1 else None], (start, end)


def test_others_histories_are_nobodys_business(
    server: Server, pair: tuple[Person, Person]
) -> None:
    alice, bob = pair
    carol = Person(server)
    answer = history(carol, bob.id, 0, 10, userIdA=alice.id)
    assert answer["code"] == -1 and answer["message"]
    assert "Total" not in answer


@pytest.mark.parametrize("field", ["userIdA", "userIdB", "start", "end"])
@pytest.mark.parametrize("value", ["", "x", "1.5", "--1", "1e3", "٣", "9" * 20, "9" * 5_000])
def test_numbers_that_are_none_are_a_business_error(
    pair: tuple[Person, Person], field: str, value: str
) -> None:
    alice, bob = pair
    answer = history(alice, bob.id, **{"start": 0, "end": 10, field: value})
    assert answer["code"] == -1 and answer["message"]


def test_without_a_good_token_there_is_no_history(pair: tuple[Person, Person]) -> None:
    alice, bob = pair
    form = {"userIdA": alice.id, "userIdB": bob.id, "start": 0, "end": 1}
    queries: list[dict[str, Any]] = [
        {}, {"userId": alice.id}, {"token": alice.token}, {"token": "x", "userId": alice.id},
        {"token": alice.token, "userId": bob.id},
    ]
    for query in queries:
        answer = bob.request("POST", "/v1/user/redisMsg", params=query, data=form)
        assert answer.status_code == 401 and answer.json()["message"]


def test_a_long_history_is_read_at_any_depth(alice: Person, bob: Person) -> None:
    with alice.device() as a:
        burst(a, bob.id, [str(number) for number in range(1_200)])
    deep = contents(history(bob, alice.id, 1_100, 1_104, isRev="false"))
    assert deep == ["99", "98", "97", "96", "95"]
    assert contents(history(bob, alice.id, 1_199, 1_300, isRev="true")) == ["1199"]
    assert len(contents(history(bob, alice.id, 0, -1))) == 1_000
