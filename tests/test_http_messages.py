"""History, sending and reading over HTTP, without and with sockets beside it."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.support.chat import expect_silence, open_chat, text
from tests.support.client import Person
from tests.support.web import Account, person, problem

BOTH_DATABASES = True

LIST = "/v2/conversations"
MAX_ID = 2**53


@pytest.fixture
def chat(ada: Account, ben: Account) -> str:
    """The path of a conversation of ada and ben with ten messages, "1" to "10"."""
    path = f"{LIST}/{ada.post(LIST, user=ben.id).json['id']}"
    for number in range(1, 11):
        sent = ada.post(f"{path}/messages", ref=f"r{number}", message=text(str(number)))
        assert sent.status_code == 201
    return path


def seqs(page: dict[str, Any]) -> list[int]:
    return [event["seq"] for event in page["events"]]


# -- history -------------------------------------------------------------------------------


def test_the_history_is_the_latest_page_unless_asked_otherwise(ben: Account, chat: str) -> None:
    page = ben.get(f"{chat}/events", limit=4).json
    assert (seqs(page), page["more"]) == ([7, 8, 9, 10], True)
    whole = ben.get(f"{chat}/events").json
    assert (seqs(whole), whole["more"]) == (list(range(1, 11)), False)
    assert [event["message"]["content"] for event in whole["events"]] == [
        str(number) for number in range(1, 11)
    ]


@pytest.mark.parametrize(("query", "expected", "more"), [
    ({"after": 0, "limit": 3}, [1, 2, 3], True), ({"after": 7, "limit": 3}, [8, 9, 10], False),
    ({"after": 10}, [], False), ({"after": MAX_ID}, [], False),
    ({"before": 4, "limit": 2}, [2, 3], True), ({"before": 3, "limit": 2}, [1, 2], False),
    ({"before": 1}, [], False), ({"before": 0}, [], False),
    ({"before": MAX_ID, "limit": 1}, [10], True),
])
def test_a_page_is_ascending_in_both_directions(
    ben: Account, chat: str, query: dict[str, int], expected: list[int], more: bool
) -> None:
    page = ben.get(f"{chat}/events", **query).json
    assert (seqs(page), page["more"]) == (expected, more)


def test_the_pages_of_both_directions_meet_without_gap_or_double(ben: Account, chat: str) -> None:
    down: list[int] = []
    page = ben.get(f"{chat}/events", limit=3).json
    down = seqs(page) + down
    while page["more"]:
        page = ben.get(f"{chat}/events", limit=3, before=down[0]).json
        down = seqs(page) + down
    up: list[int] = []
    while len(up) < len(down):
        up += seqs(ben.get(f"{chat}/events", limit=3, after=up[-1] if up else 0).json)
    assert up == down == list(range(1, 11))


@pytest.mark.parametrize("query", [
    {"after": "-1"}, {"before": "-1"}, {"after": "x"}, {"after": ""}, {"after": "1.5"},
    {"after": str(MAX_ID + 1)}, {"before": "9" * 400}, {"after": "١"}, {"limit": "0"},
    {"limit": "-5"}, {"limit": "501"}, {"limit": "many"}, {"after": "1", "before": "5"},
])
def test_a_page_that_makes_no_sense_is_refused(
    ben: Account, chat: str, query: dict[str, str]
) -> None:
    problem(ben.get(f"{chat}/events", **query), 400, "bad_request")


@pytest.mark.parametrize("number", ["0", str(MAX_ID), "9" * 19, "9" * 400, "-1", "x", "١"])
def test_a_conversation_that_no_number_names_is_no_server_error(
    ada: Account, number: str
) -> None:
    for path in (f"{LIST}/{number}", f"{LIST}/{number}/events"):
        assert ada.get(path).status_code in (403, 404)
    message = {"ref": "r", "message": text("hi")}
    assert ada.post(f"{LIST}/{number}/messages", **message).status_code in (400, 403, 404)
    assert ada.post(f"{LIST}/{number}/read", seq=0).status_code in (400, 403, 404)


# -- sending and reading -------------------------------------------------------------------


def test_a_message_gets_a_place_and_its_repeat_the_same(ada: Account, ben: Account) -> None:
    path = f"{LIST}/{ada.post(LIST, user=ben.id).json['id']}"
    first = ada.post(f"{path}/messages", ref="r", message=text("once"))
    again = ada.post(f"{path}/messages", ref="r", message=text("once"))
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json == again.json
    assert first.json.keys() == {"ref", "conversation", "seq", "at"}
    assert seqs(ben.get(f"{path}/events").json) == [1]


def test_a_ref_of_another_message_is_a_conflict(ada: Account, chat: str) -> None:
    problem(ada.post(f"{chat}/messages", ref="r1", message=text("other")), 409, "ref_conflict")
    assert ada.get(chat).json["last_seq"] == 10


@pytest.mark.parametrize(("fields", "status", "code"), [
    ({"message": text("hi")}, 400, "bad_request"),
    ({"ref": "", "message": text("hi")}, 400, "bad_request"),
    ({"ref": "r" * 65, "message": text("hi")}, 400, "bad_request"),
    ({"ref": "a\0", "message": text("hi")}, 400, "bad_request"),
    ({"ref": "n"}, 400, "bad_request"),
    ({"ref": "n", "message": text("")}, 400, "bad_request"),
    ({"ref": "n", "message": text("hi"), "to": 1}, 400, "bad_request"),
    ({"ref": "n", "message": text("hi", colour="red")}, 400, "bad_request"),
    ({"ref": "n", "message": text("hi", reply_to=11)}, 400, "bad_request"),
    ({"ref": "n", "message": text("x" * 10_001)}, 413, "too_long"),
    ({"ref": "n", "message": text("x" * 200_000)}, 413, "too_long"),
])
def test_a_message_that_breaks_a_rule_is_a_problem_and_not_stored(
    ada: Account, chat: str, fields: dict[str, Any], status: int, code: str
) -> None:
    problem(ada.post(f"{chat}/messages", **fields), status, code)
    assert ada.get(chat).json["last_seq"] == 10


def test_the_cursor_moves_forward_only(ben: Account, chat: str) -> None:
    for seq, current in ((4, 4), (2, 4), (10, 10)):
        assert ben.post(f"{chat}/read", seq=seq).json["seq"] == current
    for seq in (11, -1, "5", None):
        problem(ben.post(f"{chat}/read", seq=seq), 400, "bad_request")
    assert ben.get(chat).json["read_seq"] == 10


@pytest.mark.parametrize(("method", "path"), [
    ("GET", ""), ("GET", "/events"), ("POST", "/messages"), ("POST", "/read"),
])
def test_only_members_with_a_token_come_in(
    client: FlaskClient, chat: str, method: str, path: str
) -> None:
    eve = person(client, "eve")
    fields = {"/messages": {"ref": "r", "message": text("hi")}, "/read": {"seq": 1}}.get(path)
    problem(client.open(chat + path, method=method, json=fields), 401, "token_missing")
    problem(eve.request(method, chat + path, json=fields), 403, "not_a_member")
    problem(client.get(LIST), 401, "token_missing")
    problem(client.post(LIST, json={"user": eve.id}), 401, "token_missing")


# -- with sockets beside it ----------------------------------------------------------------


def test_a_message_sent_over_http_reaches_all_sockets_of_both_once(
    alice: Person, bob: Person
) -> None:
    conversation = open_chat(alice, bob)
    path = f"{LIST}/{conversation}/messages"
    with alice.device() as phone, alice.device() as laptop, bob.device() as b:
        given = {"ref": "r", "message": text("by http")}
        places = [alice.request("POST", path, json=given).json() for _ in range(2)]
        for device in (phone, laptop, b):
            event = device.receive()
            assert (event["op"], event["message"]) == ("event", text("by http"))
            assert (event["seq"], event["at"]) == (places[0]["seq"], places[0]["at"])
            expect_silence(device)
        assert phone.text("by socket", bob.id)["seq"] == 2
    assert places[0] == places[1]


def test_a_ref_is_one_over_http_and_over_the_socket(alice: Person, bob: Person) -> None:
    with alice.device() as a:
        ack = a.text("once", bob.id, ref="r")
    path = f"{LIST}/{ack['conversation']}/messages"
    answer = alice.request("POST", path, json={"ref": "r", "message": text("once")})
    assert answer.status_code == 200
    assert answer.json() == {key: ack[key] for key in ("ref", "conversation", "seq", "at")}
